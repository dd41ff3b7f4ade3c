-- What narrows a key beyond its verbs, its root and its end: a JSON object.
ALTER TABLE keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
