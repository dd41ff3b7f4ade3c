-- What is used up of each budget: what was spent, and what was reserved and never settled.
CREATE TABLE budget_spends (
  name TEXT NOT NULL PRIMARY KEY,
  -- When the window began.
  start_ms INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0)
) STRICT, WITHOUT ROWID;
