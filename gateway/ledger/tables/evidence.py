"""What came from units: whose they are, what they said, how far it went."""

# Whose unit is on which device since when, and the key by which its records are checked.
INVENTORY = """
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
RECORDS = """
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

# What goes on to the district, and the district's own log of everything it admitted.
FORWARDING = """
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
AMENDMENTS = """
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
REFUSED_AND_HEARD = """
ALTER TABLE forwards ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;
ALTER TABLE heads ADD COLUMN heard_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX records_on_branches ON records (unit) WHERE chained = 2;
"""

# What a record says may be proven by the seal of a later one that rests on it. Its own seal is looked at afterwards.
VOUCHED = """
ALTER TABLE records ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;
CREATE INDEX records_vouched ON records (position) WHERE vouched = 1;
"""

# The clock flag of a record's last instant, so that a heartbeat needs no reading. Empty: kept before this column came,
# and read from its line.
FLAGS = """
ALTER TABLE records ADD COLUMN flag TEXT NOT NULL DEFAULT '';
"""

# What a unit does now is asked every few seconds, however many heartbeats lie between two records that tell of it.
TELLING = """
CREATE INDEX records_telling ON records (unit, us) WHERE chained = 1 AND kind IN ('BOOT', 'OPEN', 'SESSION', 'GAP', 'FAULT');
"""
