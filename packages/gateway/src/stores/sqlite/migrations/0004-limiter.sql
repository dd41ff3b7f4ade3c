-- What the scheduler knows: a restart does not walk into a lock again.
CREATE TABLE limiter_counters (
  name TEXT NOT NULL PRIMARY KEY,
  -- The theoretical arrival time of the next call; REAL, because scaled rules have broken milliseconds.
  arrival_ms REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE limiter_breakers (
  reach TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
