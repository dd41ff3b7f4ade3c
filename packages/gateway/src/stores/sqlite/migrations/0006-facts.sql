-- Small facts that outlive a restart, by name.
CREATE TABLE facts (
  name TEXT NOT NULL PRIMARY KEY,
  -- JSON.
  value TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
