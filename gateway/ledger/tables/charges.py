"""What was charged: bills, the catalogue by which they are read, what persons recorded of treatments."""

# What was charged. A file is kept whole; a line belongs to the source that told it.
BILLS = """
CREATE TABLE bill_files (
  file INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('clinic', 'platform')),
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  imported_ms INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (sha256, source)
) STRICT;
CREATE TABLE bill_lines (
  source TEXT NOT NULL,
  line TEXT NOT NULL,             -- <mdtrt_id>/<feedetl_sn> for 2204
  file INTEGER NOT NULL REFERENCES bill_files,
  row INTEGER NOT NULL,           -- in that file, from 1
  visit TEXT NOT NULL,
  patient TEXT NOT NULL,          -- keyed hash, or empty
  item INTEGER,                   -- number in the catalogue; NULL: none of its items
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  count TEXT NOT NULL,            -- decimal text, as charged
  treatments INTEGER NOT NULL,    -- billed performances of the item
  amount_fen INTEGER NOT NULL,
  charged_ms INTEGER NOT NULL,
  performed_ms INTEGER,
  room TEXT NOT NULL,
  staff TEXT NOT NULL,
  settlement TEXT NOT NULL,
  reversed_by TEXT,               -- what cancelled it
  PRIMARY KEY (source, line)
) STRICT;
CREATE INDEX bill_lines_by_time ON bill_lines (source, charged_ms);
"""

# Whose bills: a district's ledger holds those of many clinics. What stood there before was the one clinic's own.
CLINICS = """
CREATE TABLE bill_files_by_clinic (
  file INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL,
  clinic TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('clinic', 'platform')),
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  imported_ms INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (sha256, clinic, source)
) STRICT;
CREATE TABLE bill_lines_by_clinic (
  clinic TEXT NOT NULL,
  source TEXT NOT NULL,
  line TEXT NOT NULL,
  file INTEGER NOT NULL REFERENCES bill_files_by_clinic,
  row INTEGER NOT NULL,
  visit TEXT NOT NULL,
  patient TEXT NOT NULL,
  item INTEGER,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  count TEXT NOT NULL,
  treatments INTEGER NOT NULL,
  amount_fen INTEGER NOT NULL,
  charged_ms INTEGER NOT NULL,
  performed_ms INTEGER,
  room TEXT NOT NULL,
  staff TEXT NOT NULL,
  settlement TEXT NOT NULL,
  reversed_by TEXT,
  PRIMARY KEY (clinic, source, line)
) STRICT;
INSERT INTO bill_files_by_clinic
  SELECT file, sha256, coalesce((SELECT min(clinic) FROM devices), ''), source, name, format, imported_ms, body FROM bill_files;
INSERT INTO bill_lines_by_clinic
  SELECT coalesce((SELECT min(clinic) FROM devices), ''), source, line, file, row, visit, patient, item, code, name, count,
    treatments, amount_fen, charged_ms, performed_ms, room, staff, settlement, reversed_by FROM bill_lines ORDER BY rowid;
DROP TABLE bill_lines;
DROP TABLE bill_files;
ALTER TABLE bill_files_by_clinic RENAME TO bill_files;
ALTER TABLE bill_lines_by_clinic RENAME TO bill_lines;
CREATE INDEX bill_lines_by_time ON bill_lines (clinic, source, charged_ms);
CREATE INDEX bill_lines_by_performance ON bill_lines (clinic, source, performed_ms) WHERE performed_ms IS NOT NULL;
ALTER TABLE runs ADD COLUMN clinic TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN source TEXT NOT NULL DEFAULT 'clinic';
UPDATE runs SET clinic = coalesce((SELECT min(clinic) FROM devices), ''),
  source = coalesce((SELECT source FROM verdicts v WHERE v.run = runs.run LIMIT 1), 'clinic');
CREATE INDEX runs_by_clinic ON runs (clinic, source, to_day);
"""

# Changes of the catalogue as proposed, and as approved by another person; what a clinic says of its own codes; what accounts
# (3202) say that settlements came to; which time a bill file speaks of; a line's own code and whether an insurer pays.
CATALOGUE = """
CREATE TABLE catalogue_proposals (
  proposal INTEGER PRIMARY KEY,
  by TEXT NOT NULL,
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  name TEXT NOT NULL,             -- of the file
  body TEXT NOT NULL              -- the TOML, every character
) STRICT;
CREATE TABLE catalogue_approvals (
  edition INTEGER PRIMARY KEY,    -- 1, 2, 3 ... in the order in which they count; 0 is the catalogue as shipped
  proposal INTEGER NOT NULL UNIQUE REFERENCES catalogue_proposals,
  by TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE own_codes (
  mapping INTEGER PRIMARY KEY,    -- of two that hold on a day the later one counts
  clinic TEXT NOT NULL,
  code TEXT NOT NULL,
  item INTEGER,                   -- NULL: the code says nothing from then on
  from_day TEXT NOT NULL,         -- first local day; '' for all time
  by TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX own_codes_by_clinic ON own_codes (clinic);
CREATE TABLE settlements (
  clinic TEXT NOT NULL,
  visit TEXT NOT NULL,
  settlement TEXT NOT NULL,
  refund INTEGER NOT NULL,        -- 1: takes one back, under its own number or the same
  amount_fen INTEGER NOT NULL,
  file INTEGER NOT NULL REFERENCES bill_files,
  PRIMARY KEY (clinic, visit, settlement, refund)
) STRICT;
ALTER TABLE bill_files ADD COLUMN first_ms INTEGER;
ALTER TABLE bill_files ADD COLUMN last_ms INTEGER;
ALTER TABLE bill_lines ADD COLUMN own_code TEXT NOT NULL DEFAULT '';
ALTER TABLE bill_lines ADD COLUMN insured INTEGER;
"""

# Of files and lines that were there before: which time they speak of, and that an insurer pays for what these formats tell.
SPANS = """
UPDATE bill_files SET first_ms = told.first_ms, last_ms = told.last_ms
  FROM (SELECT file, min(charged_ms) AS first_ms, max(charged_ms) AS last_ms FROM bill_lines GROUP BY file) AS told
  WHERE told.file = bill_files.file AND bill_files.first_ms IS NULL;
UPDATE bill_lines SET insured = 1
  WHERE insured IS NULL AND file IN (SELECT file FROM bill_files WHERE format IN ('2204', 'fee-list'));
"""

# What people recorded of treatments, and which visit a tag stands for; see ledger/attended.py.
ATTENDED = """
CREATE TABLE attended (
  entry INTEGER PRIMARY KEY,      -- 1, 2, 3 ... without holes
  thread INTEGER NOT NULL,        -- the first entry of this treatment
  replaces INTEGER UNIQUE REFERENCES attended,
  clinic TEXT NOT NULL,
  visit TEXT NOT NULL,
  item INTEGER NOT NULL,
  line TEXT NOT NULL,             -- the bill line, where it was known
  room TEXT NOT NULL,
  practitioner TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('running', 'done', 'stopped', 'undone', 'withdrawn')),
  began_ms INTEGER NOT NULL,      -- of what was not done: when that was said
  ended_ms INTEGER,
  reason TEXT NOT NULL,
  acupoints INTEGER,
  cups INTEGER,
  body_part TEXT NOT NULL,
  how TEXT NOT NULL CHECK (how IN ('scanned', 'manual')),
  scan TEXT NOT NULL,             -- unit:us of the unit's own reading of the tag, or empty
  later INTEGER NOT NULL,
  why TEXT NOT NULL,
  entered_ms INTEGER NOT NULL,
  entered_by TEXT NOT NULL
) STRICT;
CREATE INDEX attended_by_time ON attended (clinic, began_ms);
CREATE INDEX attended_by_visit ON attended (clinic, visit);
CREATE INDEX attended_running ON attended (clinic) WHERE outcome = 'running';
CREATE TRIGGER attended_stands BEFORE UPDATE ON attended BEGIN SELECT RAISE(ABORT, 'entries are never overwritten'); END;
CREATE TRIGGER attended_stays BEFORE DELETE ON attended BEGIN SELECT RAISE(ABORT, 'entries never leave'); END;
CREATE TABLE visit_tags (
  clinic TEXT NOT NULL,
  tag TEXT NOT NULL,              -- HMAC of a token, which itself is kept nowhere
  visit TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  by TEXT NOT NULL,
  PRIMARY KEY (clinic, tag)
) STRICT;
CREATE INDEX records_of_tags ON records (unit, at_ms) WHERE kind = 'TAG';
"""

# What one person was charged lately is asked while somebody waits at the counter.
PATIENTS = """
CREATE INDEX bill_lines_by_patient ON bill_lines (clinic, source, patient, charged_ms) WHERE patient <> '';
"""
