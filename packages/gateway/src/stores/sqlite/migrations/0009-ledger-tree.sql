-- With each entry the hashes of the perfect nodes of the tree that it completes, its own first: 32 bytes each.
ALTER TABLE ledger ADD COLUMN hashes BLOB NOT NULL DEFAULT x'';

-- Entries of before have none yet and are given theirs once, by what follows this migration.
DROP TRIGGER ledger_keeps_entries;

CREATE TRIGGER ledger_keeps_entries BEFORE UPDATE ON ledger WHEN length(OLD.hashes) > 0
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;

-- What the keyholder has signed over the first entries of the ledger.
CREATE TABLE ledger_checkpoints (
  size INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  note TEXT NOT NULL,
  verifier_key TEXT NOT NULL
) STRICT;

CREATE TRIGGER ledger_keeps_checkpoints BEFORE UPDATE ON ledger_checkpoints
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_loses_no_checkpoint BEFORE DELETE ON ledger_checkpoints
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
