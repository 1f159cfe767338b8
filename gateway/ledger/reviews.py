"""What was said and decided of leads, and the leads themselves wherever they were found. SQL alone, no judgement.

Acts are only added. Those of one side (the clinic's, the district's) on one lead are numbered and chained, so that an
act told twice is known again and a different past is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from gateway.ledger.trail import ORIGIN, canonical, digest

Row = dict[str, Any]
SIDES = ("clinic", "district")


@dataclass(frozen=True, slots=True)
class LeadFound:
    """A lead and where it stands: `source` whose bills it was found in (empty where it was told), `standing` whether
    the newest run still finds it. `body` is what `reconcile --json` prints."""

    clinic: str
    source: str
    lead: str
    rule: str
    day: str
    amount_fen: int
    body: Row
    standing: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One thing said or decided of a lead. `received_ms` is None where it was done in this ledger."""

    clinic: str
    lead: str
    side: str
    place: int
    kind: str
    at_ms: int
    by: str
    body: Row
    sha256: str
    received_ms: int | None = None

    def said(self) -> Row:
        """What its hash is of, together with the hash before."""
        names = ("clinic", "lead", "side", "place", "kind", "at_ms", "by", "body")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class LineNow:
    """How a line of a lead stands now: `by_file` is the name of the file that took it back, None where it stands."""

    line: str
    treatments: int
    by_file: str | None


_COLUMNS = "clinic, lead, side, place, kind, at_ms, by, body, sha256, received_ms"


def acts(db: Database, clinic: str, lead: str | None = None) -> list[Act]:
    """What was said and decided in a clinic's leads, or in one of them, as it happened."""
    rows = db.query(
        f"""SELECT {_COLUMNS} FROM review_acts WHERE clinic = :clinic AND lead = coalesce(:lead, lead)
            ORDER BY at_ms, act""",
        {"clinic": clinic, "lead": lead},
    )
    return [Act(**{**row, "body": json.loads(row["body"])}) for row in rows]


def next_act(
    db: Database, clinic: str, lead: str, side: str, kind: str, at_ms: int, by: str, body: Row
) -> Act:
    """The act as it would follow those of its side on the lead."""
    row = db.execute(
        "SELECT place, sha256 FROM review_acts WHERE clinic = ? AND lead = ? AND side = ? ORDER BY place DESC LIMIT 1",
        [clinic, lead, side],
    ).fetchone()
    place, before = row or (0, ORIGIN)
    bare = Act(clinic, lead, side, place + 1, kind, at_ms, by, body, "")
    return replace(bare, sha256=digest(before, bare.said()))


def add(db: Database, act: Act) -> None:
    """Keeps an act, inside the caller's transaction."""
    row = [canonical(each) if isinstance(each, dict) else each for each in _values(act)]
    db.execute(f"INSERT INTO review_acts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _values(act: Act) -> list[object]:
    return [getattr(act, name) for name in Act.__slots__]


def attach(db: Database, files: Mapping[str, bytes]) -> None:
    """Keeps files by their SHA-256; one that is kept already is kept once."""
    for sha256, body in files.items():
        db.execute("INSERT INTO attachments VALUES (?, ?) ON CONFLICT DO NOTHING", [sha256, body])


def attachment(db: Database, sha256: str) -> bytes | None:
    """Every byte of a kept file."""
    row = db.execute("SELECT body FROM attachments WHERE sha256 = ?", [sha256]).fetchone()
    return row[0] if row else None


def tell(db: Database, found: LeadFound, told_ms: int) -> None:
    """Keeps a lead that no run here found."""
    values = [
        found.clinic,
        found.lead,
        found.rule,
        found.day,
        found.amount_fen,
        canonical(found.body),
        told_ms,
    ]
    db.execute("INSERT INTO told_leads VALUES (?, ?, ?, ?, ?, ?, ?)", values)


_NEWEST = """(SELECT max(r.run) FROM runs r WHERE leads.day BETWEEN r.from_day AND r.to_day
   AND r.clinic = runs.clinic AND r.source = runs.source)"""

ACROSS_DAYS = ("clockwork", "frequency", "identical")
"""Rules that look at many days at once: a run over fewer days says nothing against what they found."""

_WIDEST = """(SELECT max(r.run) FROM runs r WHERE r.from_day <= runs.from_day AND r.to_day >= runs.to_day
   AND r.clinic = runs.clinic AND r.source = runs.source)"""

_FOUND = f"""
  SELECT clinic, source, lead, rule, day, amount_fen, body, standing, run, place FROM (
    SELECT *, row_number() OVER (PARTITION BY clinic, lead ORDER BY standing DESC, run DESC) AS choice FROM (
      SELECT clinic, source, lead, rule, day, amount_fen, body, run, leads.rowid AS place,
          run = CASE WHEN rule IN {ACROSS_DAYS} THEN {_WIDEST} ELSE {_NEWEST} END AS standing
        FROM leads JOIN runs USING (run)
        WHERE day BETWEEN :first AND :last AND clinic = coalesce(:clinic, clinic) AND lead = coalesce(:lead, lead)
    )) WHERE choice = 1
  UNION ALL
  SELECT clinic, '', lead, rule, day, amount_fen, body, 1, 0, t.rowid FROM told_leads t
    WHERE day BETWEEN :first AND :last AND clinic = coalesce(:clinic, clinic) AND lead = coalesce(:lead, lead)
      AND NOT EXISTS (SELECT 1 FROM leads l JOIN runs USING (run) WHERE l.lead = t.lead AND runs.clinic = t.clinic)
  ORDER BY day, clinic, run, place
"""


def leads(
    db: Database,
    first: str = "",
    last: str = "9999-12-31",
    clinic: str | None = None,
    lead: str | None = None,
) -> list[LeadFound]:
    """Every lead of the days [first, last] that any run ever found, or that was told of, as it was found last."""
    rows = db.query(_FOUND, {"first": first, "last": last, "clinic": clinic, "lead": lead})
    return [
        LeadFound(
            row["clinic"], row["source"], row["lead"], row["rule"], row["day"], row["amount_fen"],
            json.loads(row["body"]), bool(row["standing"]),
        )
        for row in rows
    ]  # fmt: skip


def lines_now(db: Database, found: LeadFound, lines: Iterable[str]) -> list[LineNow]:
    """How these bill lines of the lead's clinic and source stand; those that are not in this ledger are left out."""
    rows = db.execute(
        """SELECT b.line, b.treatments, CASE WHEN b.reversed_by IS NULL THEN NULL ELSE f.name END
           FROM json_each(:lines) AS v CROSS JOIN bill_lines b ON b.clinic = :clinic AND b.source = :source AND b.line = v.value
           LEFT JOIN bill_reversals r ON r.clinic = b.clinic AND r.source = b.source AND r.line = b.line
             AND r.reversed_by = b.reversed_by
           JOIN bill_files f ON f.file = coalesce(r.file, b.file) ORDER BY b.line""",
        {"lines": json.dumps(list(lines)), "clinic": found.clinic, "source": found.source or "clinic"},
    )
    return [LineNow(*row) for row in rows]
