"""Who may sign in, who is signed in, and who tried."""

PEOPLE = """
CREATE TABLE people (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  password TEXT NOT NULL,         -- Argon2id, in its own notation
  is_first INTEGER NOT NULL,      -- 1: made by somebody else, to be changed at the first sign-in
  since_ms INTEGER NOT NULL,
  until_ms INTEGER                -- NULL: still may
) STRICT;
CREATE TABLE sign_ins (
  token TEXT PRIMARY KEY,         -- SHA-256 of what the browser keeps
  name TEXT NOT NULL REFERENCES people,
  since_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE failed_sign_ins (
  at_ms INTEGER NOT NULL,
  name TEXT NOT NULL,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX failed_sign_ins_by_time ON failed_sign_ins (at_ms);
"""
