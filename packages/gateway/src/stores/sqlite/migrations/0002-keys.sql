-- Virtual keys. The text of a key is nowhere: only its keyed hash.
CREATE TABLE keys (
  id TEXT NOT NULL PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  -- A JSON array.
  verbs TEXT NOT NULL,
  root INTEGER NOT NULL,
  root_path TEXT NOT NULL,
  may_tunnel INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER
) STRICT;

CREATE INDEX keys_by_name ON keys (name);
