-- A key has several texts while it is rotated, an issuer, and a use that its limits count.
CREATE TABLE keys_2 (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  -- A JSON array.
  verbs TEXT NOT NULL,
  root INTEGER NOT NULL,
  root_path TEXT NOT NULL,
  may_tunnel INTEGER NOT NULL,
  -- What narrows a key beyond its verbs, its root and its end: a JSON object.
  limits TEXT NOT NULL,
  -- The key that issued it.
  parent TEXT REFERENCES keys_2 (id),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER,
  uses INTEGER NOT NULL DEFAULT 0,
  used_ms INTEGER,
  -- Seen to be over by itself: expired or idle.
  ended TEXT,
  ended_ms INTEGER
) STRICT;

CREATE TABLE key_texts (
  -- The keyed hash of the text, in hexadecimal digits.
  hash TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL REFERENCES keys_2 (id),
  -- When a text that was replaced ends.
  until_ms INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO keys_2 (id, name, verbs, root, root_path, may_tunnel, limits, created_ms, expires_ms, revoked_ms)
  SELECT id, name, verbs, root, root_path, may_tunnel, limits, created_ms, expires_ms, revoked_ms
  FROM keys ORDER BY rowid;
INSERT INTO key_texts (hash, key) SELECT hash, id FROM keys;

DROP TABLE keys;
ALTER TABLE keys_2 RENAME TO keys;

CREATE INDEX keys_by_name ON keys (name);
CREATE INDEX keys_by_parent ON keys (parent);
CREATE INDEX key_texts_by_key ON key_texts (key);

-- The text of a new key, waiting to be fetched once; sealed under a token that is nowhere.
CREATE TABLE key_wraps (
  -- The keyed hash of the token, in hexadecimal digits.
  hash TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL REFERENCES keys (id),
  -- Nothing once it was fetched or has ended.
  sealed TEXT,
  until_ms INTEGER NOT NULL,
  fetched_ms INTEGER,
  -- When somebody came with it a second time.
  misused_ms INTEGER
) STRICT, WITHOUT ROWID;

-- Links to one file that outlive a restart.
CREATE TABLE tickets (
  -- The keyed hash of the link's text, in hexadecimal digits.
  hash TEXT NOT NULL PRIMARY KEY,
  -- The id of a key, or `owner`.
  key TEXT NOT NULL,
  -- The id of the file.
  file TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  -- Absent: as often as one likes.
  uses_left INTEGER,
  -- A JSON array of blocks of addresses; absent: from everywhere.
  from_blocks TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_by_key ON tickets (key);
