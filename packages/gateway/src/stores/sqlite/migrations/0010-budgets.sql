-- What is used up of each budget: what was spent, and what was reserved and never settled.
CREATE TABLE budget_spends (
  name TEXT NOT NULL PRIMARY KEY,
  -- When the window began.
  start_ms INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0)
) STRICT, WITHOUT ROWID;

-- What keys with a trash have deleted, and what is still there.
CREATE TABLE trash (
  file TEXT NOT NULL PRIMARY KEY,
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  key TEXT NOT NULL,
  from_folder INTEGER NOT NULL,
  from_path TEXT NOT NULL,
  to_folder INTEGER NOT NULL,
  trashed_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('moving', 'kept'))
) STRICT, WITHOUT ROWID;
