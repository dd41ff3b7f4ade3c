-- The journal of transfers: content that we took and owe to 1fichier.
CREATE TABLE transfers (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  upload TEXT NOT NULL,
  key TEXT NOT NULL,
  folder INTEGER NOT NULL,
  name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  whirlpool TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  is_claimed INTEGER NOT NULL,
  -- The whole state as JSON; the columns after it repeat what transfers are found by.
  state TEXT NOT NULL,
  kind TEXT NOT NULL,
  ended_ms INTEGER,
  -- The id of the file it was stored as.
  file TEXT
) STRICT;

CREATE INDEX transfers_by_upload ON transfers (upload);
CREATE INDEX transfers_unfinished ON transfers (created_ms, sequence) WHERE ended_ms IS NULL;
CREATE INDEX transfers_ended ON transfers (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX transfers_unclaimed ON transfers (folder, name) WHERE is_claimed = 0;
CREATE INDEX transfers_by_file ON transfers (file) WHERE file IS NOT NULL;
CREATE INDEX transfers_by_kind ON transfers (kind);
