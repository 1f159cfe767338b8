"""The ledger's tables and how they came to be. A step, once released, is never edited: the next one follows it.

Instants are milliseconds since 1970 UTC (`_ms`), money is in fen (`_fen`), energy and power stay inside the records.
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("wattwitness")

# Whose unit is on which device since when, and the key by which its records are checked.
_INVENTORY = """
CREATE TABLE units (
  unit TEXT PRIMARY KEY,
  clinic TEXT NOT NULL,
  key_hex TEXT NOT NULL,          -- DER SubjectPublicKeyInfo
  plug INTEGER NOT NULL,          -- 1: reads an off-the-shelf plug, never above grade B
  approved_ms INTEGER,            -- since when the district vouches for the key (grade A), else B
  added_ms INTEGER NOT NULL,
  retired_ms INTEGER
) STRICT;
CREATE TABLE devices (
  device TEXT PRIMARY KEY,
  clinic TEXT NOT NULL,
  load TEXT NOT NULL,             -- device class: tdp, stim, ionto ...
  room TEXT NOT NULL,
  bed TEXT NOT NULL,
  stations INTEGER NOT NULL CHECK (stations > 0),
  blind INTEGER NOT NULL,         -- 1: no unit, or able to run unseen
  from_ms INTEGER NOT NULL,
  until_ms INTEGER
) STRICT;
CREATE TABLE placements (
  unit TEXT NOT NULL REFERENCES units,
  device TEXT NOT NULL REFERENCES devices,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER,
  PRIMARY KEY (unit, from_ms)
) STRICT;
"""

# What came from units. `chained` is 1 in the chain, 0 aside while something between is missing, 2 on the branch of a
# fork that was stored second (it is in quarantine too, and supports nothing).
_RECORDS = """
CREATE TABLE records (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  clinic TEXT NOT NULL,
  unit TEXT NOT NULL REFERENCES units,
  us INTEGER NOT NULL,
  digest TEXT NOT NULL,
  up TEXT NOT NULL,
  kind TEXT NOT NULL,
  boot TEXT NOT NULL,
  um_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  line TEXT NOT NULL,             -- the exact bytes, ASCII
  received_ms INTEGER NOT NULL,
  source TEXT NOT NULL,
  chained INTEGER NOT NULL,
  UNIQUE (unit, digest)
) STRICT;
CREATE INDEX records_by_us ON records (unit, us);
CREATE INDEX records_by_time ON records (unit, at_ms);
CREATE INDEX records_aside ON records (unit) WHERE chained = 0;
CREATE TABLE heads (
  unit TEXT PRIMARY KEY REFERENCES units,
  us INTEGER NOT NULL,
  digest TEXT NOT NULL,
  first_us INTEGER NOT NULL,
  first_up TEXT NOT NULL,
  forked_us INTEGER               -- from here on no branch supports anything
) STRICT;
CREATE TABLE quarantine (
  sha256 TEXT PRIMARY KEY,        -- of body
  received_ms INTEGER NOT NULL,
  times INTEGER NOT NULL,         -- how often the same bytes came
  source TEXT NOT NULL,
  clinic TEXT NOT NULL,
  unit TEXT,
  us INTEGER,
  reason TEXT NOT NULL,
  why TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE findings (
  finding TEXT PRIMARY KEY,       -- code:unit:us:detail, so that the same is found once
  code TEXT NOT NULL,
  unit TEXT NOT NULL,
  us INTEGER,
  found_ms INTEGER NOT NULL,
  zh TEXT NOT NULL,
  en TEXT NOT NULL
) STRICT;
CREATE TABLE skips (
  unit TEXT NOT NULL REFERENCES units,
  to_us INTEGER NOT NULL,
  by TEXT NOT NULL,
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (unit, to_us)
) STRICT;
"""

# What was charged. A file is kept whole; a line belongs to the source that told it.
_BILLS = """
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

# What was found when a period was reconciled; each run stands beside the others.
_VERDICTS = """
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  from_day TEXT NOT NULL,
  to_day TEXT NOT NULL,
  made_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE verdicts (
  run INTEGER NOT NULL REFERENCES runs,
  source TEXT NOT NULL,
  line TEXT NOT NULL,
  "index" INTEGER NOT NULL,
  item INTEGER NOT NULL,
  code TEXT NOT NULL,
  day TEXT NOT NULL,              -- local day of the charge
  amount_fen INTEGER NOT NULL,
  body TEXT NOT NULL,             -- JSON as `reconcile --json` prints it
  PRIMARY KEY (run, source, line, "index")
) STRICT;
CREATE INDEX verdicts_by_day ON verdicts (day);
CREATE TABLE coverage (
  run INTEGER NOT NULL REFERENCES runs,
  day TEXT NOT NULL,
  device TEXT NOT NULL,
  unit TEXT,
  open_s INTEGER NOT NULL,
  watched_s INTEGER NOT NULL,
  dark TEXT NOT NULL,             -- JSON [[from_ms, until_ms], ...] inside opening hours
  PRIMARY KEY (run, day, device)
) STRICT;
CREATE TABLE leads (
  run INTEGER NOT NULL REFERENCES runs,
  lead TEXT NOT NULL,             -- the same finding keeps its name over runs
  rule TEXT NOT NULL,
  day TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  body TEXT NOT NULL,             -- JSON as `reconcile --json` prints it
  PRIMARY KEY (run, lead)
) STRICT;
"""

# What goes on to the district, and the district's own log of everything it admitted.
_FORWARDING = """
CREATE TABLE forwards (
  destination TEXT PRIMARY KEY,
  position INTEGER NOT NULL,      -- last record of ours that the district said it holds
  heard_ms INTEGER NOT NULL,
  checkpoint TEXT                 -- <size>:<first 16 hex of root>
) STRICT;
CREATE TABLE leaves (
  leaf INTEGER PRIMARY KEY,       -- 1, 2, 3 ... without holes
  digest TEXT NOT NULL,
  published_ms INTEGER NOT NULL
) STRICT;
"""

# Who changed what about a device. Corrections need two persons; nothing is overwritten here.
_AMENDMENTS = """
CREATE TABLE amendments (
  amendment INTEGER PRIMARY KEY,
  device TEXT NOT NULL REFERENCES devices,
  what TEXT NOT NULL,
  by TEXT NOT NULL,
  second TEXT NOT NULL,
  at_ms INTEGER NOT NULL
) STRICT;
"""

# How many of our records the district keeps in quarantine; whether a unit is known to have nothing older to send; when
# it was heard last.
_REFUSED_AND_HEARD = """
ALTER TABLE forwards ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;
ALTER TABLE heads ADD COLUMN heard_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX records_on_branches ON records (unit) WHERE chained = 2;
"""

# What people said and decided, each entry chained to the one before; see ledger/trail.py.
_TRAIL = """
CREATE TABLE trail (
  entry INTEGER PRIMARY KEY,      -- 1, 2, 3 ... without holes
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,             -- canonical JSON
  hash TEXT NOT NULL UNIQUE       -- SHA-256 over the hash before and this entry
) STRICT;
CREATE INDEX trail_by_subject ON trail (subject);
CREATE TRIGGER trail_stands BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'the trail is not rewritten'); END;
CREATE TRIGGER trail_stays BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'nothing leaves the trail'); END;
"""

# Whose bills: a district's ledger holds those of many clinics. What stood there before was the one clinic's own.
_CLINICS = """
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

# What was said and decided of leads, and days that were closed. None of it is ever rewritten.
_REVIEWS = """
CREATE TABLE told_leads (
  clinic TEXT NOT NULL,
  lead TEXT NOT NULL,
  rule TEXT NOT NULL,             -- complaint, or that of the ledger which told of it
  day TEXT NOT NULL,
  amount_fen INTEGER NOT NULL,
  body TEXT NOT NULL,             -- JSON as `reconcile --json` prints a lead
  told_ms INTEGER NOT NULL,
  PRIMARY KEY (clinic, lead)
) STRICT;
CREATE TABLE review_acts (
  act INTEGER PRIMARY KEY,
  clinic TEXT NOT NULL,
  lead TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('clinic', 'district')),
  place INTEGER NOT NULL,         -- 1, 2, 3 ... of that side on that lead
  kind TEXT NOT NULL,             -- answer, appeal, review
  at_ms INTEGER NOT NULL,
  by TEXT NOT NULL,
  body TEXT NOT NULL,             -- canonical JSON
  sha256 TEXT NOT NULL UNIQUE,    -- over that of the act before and this one
  received_ms INTEGER,            -- NULL: done in this ledger
  UNIQUE (clinic, lead, side, place)
) STRICT;
CREATE TABLE attachments (sha256 TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE closings (
  closing INTEGER PRIMARY KEY,
  clinic TEXT NOT NULL,
  source TEXT NOT NULL,
  day TEXT NOT NULL,              -- YYYY-MM-DD, or YYYY-MM of a month
  number INTEGER NOT NULL,        -- 1, 2, 3 ... of that day
  run INTEGER REFERENCES runs,    -- whose verdicts are frozen; NULL of a month
  at_ms INTEGER NOT NULL,
  by TEXT NOT NULL,
  body TEXT NOT NULL,             -- canonical JSON: inputs by hash, what was found, what changed
  sha256 TEXT NOT NULL,           -- of the body
  position INTEGER NOT NULL,      -- last record, bill file and amendment that were there
  file INTEGER NOT NULL,
  amendment INTEGER NOT NULL,
  UNIQUE (clinic, source, day, number)
) STRICT;
CREATE INDEX leads_by_day ON leads (day);
CREATE INDEX leads_by_name ON leads (lead);
CREATE TRIGGER review_acts_stand BEFORE UPDATE ON review_acts BEGIN SELECT RAISE(ABORT, 'reviews stand'); END;
CREATE TRIGGER review_acts_stay BEFORE DELETE ON review_acts BEGIN SELECT RAISE(ABORT, 'reviews stay'); END;
CREATE TRIGGER attachments_stand BEFORE UPDATE ON attachments BEGIN SELECT RAISE(ABORT, 'attachments stand'); END;
CREATE TRIGGER attachments_stay BEFORE DELETE ON attachments BEGIN SELECT RAISE(ABORT, 'attachments stay'); END;
CREATE TRIGGER closings_stand BEFORE UPDATE ON closings BEGIN SELECT RAISE(ABORT, 'closings stand'); END;
CREATE TRIGGER closings_stay BEFORE DELETE ON closings BEGIN SELECT RAISE(ABORT, 'closings stay'); END;
"""


# Changes of the catalogue as proposed, and as approved by another person; what a clinic says of its own codes; what accounts
# (3202) say that settlements came to; which time a bill file speaks of; a line's own code and whether an insurer pays.
_CATALOGUE = """
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


def _step(name: str, script: str) -> None:
    @migrations(name=name)
    def apply(db: Database) -> None:
        for statement in script.split(";\n"):
            if statement.strip():
                db.execute(statement)


_step("0001_inventory", _INVENTORY)
_step("0002_records", _RECORDS)
_step("0003_bills", _BILLS)
_step("0004_verdicts", _VERDICTS)
_step("0005_forwarding", _FORWARDING)
_step("0006_amendments", _AMENDMENTS)
_step("0007_refused_and_heard", _REFUSED_AND_HEARD)
_step("0008_clinics", _CLINICS)
_step("0009_trail", _TRAIL)
_step("0012_reviews", _REVIEWS)
_step("0010_catalogue", _CATALOGUE)
