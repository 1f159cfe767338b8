"""What was found, and what people said of it: runs, leads, reviews, closings, the trail."""

# What was found when a period was reconciled; each run stands beside the others.
VERDICTS = """
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

# What people said and decided, each entry chained to the one before; see ledger/trail.py.
TRAIL = """
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

# What was said and decided of leads, and days that were closed. None of it is ever rewritten.
REVIEWS = """
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
CREATE TABLE bill_reversals (
  clinic TEXT NOT NULL,
  source TEXT NOT NULL,
  line TEXT NOT NULL,
  reversed_by TEXT NOT NULL,      -- as the line says it
  file INTEGER NOT NULL REFERENCES bill_files,
  PRIMARY KEY (clinic, source, line, reversed_by)
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

# By which rules of leads a run went: the SHA-256 of the ledger folder's own rules.toml, empty where it has none.
RULES = """
ALTER TABLE runs ADD COLUMN rules TEXT NOT NULL DEFAULT '';
"""

# At a district: where each clinic's trail ended, whenever it said so.
TRAIL_HEADS = """
CREATE TABLE trail_heads (
  told INTEGER PRIMARY KEY,
  clinic TEXT NOT NULL,
  entry INTEGER NOT NULL,
  hash TEXT NOT NULL,
  heard_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX trail_heads_by_clinic ON trail_heads (clinic);
CREATE TRIGGER trail_heads_stand BEFORE UPDATE ON trail_heads BEGIN SELECT RAISE(ABORT, 'heads stand'); END;
CREATE TRIGGER trail_heads_stay BEFORE DELETE ON trail_heads BEGIN SELECT RAISE(ABORT, 'heads stay'); END;
"""
