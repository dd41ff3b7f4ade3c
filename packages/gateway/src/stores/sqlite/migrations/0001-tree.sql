-- What we know of the account's folders and files.
-- own_ms is the moment of our own last write; NULL: learned from a listing.
CREATE TABLE folders (
  id INTEGER PRIMARY KEY,
  -- NULL for the root, and for a folder met by its id alone.
  parent INTEGER REFERENCES folders (id) DEFERRABLE INITIALLY DEFERRED,
  name TEXT NOT NULL,
  created_ms INTEGER,
  has_password INTEGER NOT NULL DEFAULT 0,
  -- When all of its content was last known to be so; NULL: never.
  listed_ms INTEGER,
  public_url TEXT,
  own_ms INTEGER
) STRICT;

CREATE INDEX folders_by_parent ON folders (parent, name, id);

INSERT INTO folders (id, name) VALUES (0, '');

CREATE TABLE files (
  id TEXT NOT NULL PRIMARY KEY,
  domain TEXT NOT NULL,
  folder INTEGER NOT NULL REFERENCES folders (id) DEFERRABLE INITIALLY DEFERRED,
  name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  date_ms INTEGER NOT NULL,
  whirlpool TEXT,
  content_type TEXT,
  has_password INTEGER NOT NULL,
  is_restricted INTEGER NOT NULL,
  uses_cdn INTEGER NOT NULL,
  own_ms INTEGER
) STRICT;

CREATE INDEX files_by_folder ON files (folder, name, id);

-- What we removed ourselves, for as long as listings may still show it.
CREATE TABLE removed_folders (
  id INTEGER PRIMARY KEY,
  own_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX removed_folders_by_time ON removed_folders (own_ms);

CREATE TABLE removed_files (
  id TEXT NOT NULL PRIMARY KEY,
  own_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX removed_files_by_time ON removed_files (own_ms);
