"""What the ledger holds about one bill line and about one record: what a person asks for who walks from a bill to the raw
record and back. Reads only, no judgement; rows come as dicts of their columns."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any

from sqlite_utils import Database

from gateway.ledger.bills import Teller

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it is kept: `line` every byte of it, `source` by whom it came, `chained` 1 in the chain, 0 aside while
    something before it is missing, 2 on the second branch of a fork. `vouched`: proven by the seal of a later record; its own
    has not been looked at yet."""

    position: int
    clinic: str
    unit: str
    us: int
    digest: str
    up: str
    kind: str
    at_ms: int
    line: str
    received_ms: int
    source: str
    chained: int
    vouched: int


@dataclass(frozen=True, slots=True)
class Signer:
    """A unit of the registry: its public key (DER SubjectPublicKeyInfo, hex), whether it reads a shop plug, since when the
    district vouches for its key (None: it does not), from which record on its chain is forked."""

    unit: str
    clinic: str
    key_hex: str
    plug: int
    approved_ms: int | None
    added_ms: int
    retired_ms: int | None
    forked_us: int | None


# --- a record ----------------------------------------------------------------------------------------------------

_KEPT = ", ".join(each.name for each in fields(Kept))


def records(db: Database, unit: str, us: int) -> list[Kept]:
    """Every record kept under that number, the one in the chain first."""
    sql = f"SELECT {_KEPT} FROM records WHERE unit = ? AND us = ? ORDER BY chained <> 1, position"
    return [Kept(*row) for row in db.execute(sql, [unit, us])]


def sessions(db: Database, names: Iterable[str]) -> list[Kept]:
    """The sessions of these names (`unit:us`), those in the chain before others, in the order of their instants."""
    rows = db.execute(
        f"""SELECT {_KEPT} FROM {_NAMED} AND r.kind = 'SESSION' ORDER BY chained <> 1, at_ms, r.unit, r.us""",
        [_numbered(names)],
    )
    return [Kept(*row) for row in rows]


def held(db: Database, names: Iterable[str]) -> set[str]:
    """Which records of these names (`unit:us`) are in this ledger."""
    return {
        f"{unit}:{us}" for unit, us in db.execute(f"SELECT r.unit, r.us FROM {_NAMED}", [_numbered(names)])
    }


_NAMED = "json_each(?) AS v CROSS JOIN records r ON r.unit = v.value ->> 0 AND r.us = v.value ->> 1"


def _numbered(names: Iterable[str]) -> str:
    """The names as JSON [[unit, us], ...]; what is no unit's is left out."""
    asked = {(unit, int(us)) for unit, _, us in (each.rpartition(":") for each in names) if us.isdecimal()}
    return json.dumps(sorted(asked))


def signers(db: Database, units: Collection[str]) -> dict[str, Signer]:
    """Those of these units that are in the registry, by name."""
    names = ", ".join(f"u.{each.name}" for each in fields(Signer)[:-1])
    rows = db.execute(
        f"""SELECT {names}, h.forked_us FROM units u LEFT JOIN heads h USING (unit)
            WHERE u.unit IN (SELECT value FROM json_each(?))""",
        [json.dumps(sorted(units))],
    )
    return {row[0]: Signer(*row) for row in rows}


def is_there(db: Database, unit: str, us: int, *, digest: str | None = None, up: str | None = None) -> bool:
    """Whether a record of that number is kept, with that digest or upon that one."""
    sql = "SELECT 1 FROM records WHERE unit = ? AND us = ? AND digest = coalesce(?, digest) AND up = coalesce(?, up) LIMIT 1"
    return db.execute(sql, [unit, us, digest, up]).fetchone() is not None


def findings(db: Database, unit: str, us: int) -> list[Row]:
    """What was found about that record."""
    sql = "SELECT code, found_ms, zh, en FROM findings WHERE unit = ? AND us = ? ORDER BY found_ms, finding"
    return list(db.query(sql, [unit, us]))


def refused(db: Database, unit: str, us: int) -> list[Row]:
    """What came under that number and was refused."""
    sql = """SELECT sha256, received_ms, times, source, reason, why FROM quarantine
             WHERE unit = ? AND us = ? ORDER BY received_ms, sha256"""
    return list(db.query(sql, [unit, us]))


def placed(db: Database, unit: str, at_ms: int) -> Row | None:
    """The device that a unit was on at that instant; None where nobody said."""
    rows = db.query(
        """SELECT device, load, room, bed, stations, blind FROM placements p JOIN devices d USING (device)
           WHERE p.unit = ? AND p.from_ms <= ? AND (p.until_ms IS NULL OR p.until_ms > ?)
           ORDER BY p.from_ms DESC LIMIT 1""",
        [unit, at_ms, at_ms],
    )
    return next(iter(rows), None)


# Which days are asked for is the narrowest question: the indices by day are named, and runs are looked up for what they find.
_NEWEST = """run = (SELECT max(r.run) FROM runs r WHERE {table}.day BETWEEN r.from_day AND r.to_day
  AND r.clinic = runs.clinic AND r.source = runs.source)"""


def resting(db: Database, clinic: str, record: str, first_day: str, last_day: str) -> list[Row]:
    """What the newest runs said of treatments charged on these days and named that record for."""
    rows = db.query(
        f"""SELECT run, verdicts.source, line, "index", item, code, day, body
            FROM verdicts INDEXED BY verdicts_by_day CROSS JOIN runs USING (run)
            WHERE day BETWEEN ? AND ? AND instr(body, ?) AND clinic = ? AND {_NEWEST.format(table="verdicts")}
            ORDER BY day, verdicts.source, line, "index" """,
        [first_day, last_day, _quoted(record), clinic],
    )
    return [row for row in rows if record in said_of(row)["records"]]


def leads_resting(db: Database, clinic: str, record: str, first_day: str, last_day: str) -> list[Row]:
    """The leads of these days that the newest runs rest on that record."""
    rows = db.query(
        f"""SELECT lead, rule, day, body FROM leads INDEXED BY leads_by_day CROSS JOIN runs USING (run)
            WHERE day BETWEEN ? AND ? AND instr(body, ?) AND clinic = ? AND {_NEWEST.format(table="leads")}
            ORDER BY day, leads.rowid""",
        [first_day, last_day, _quoted(record), clinic],
    )
    return [row for row in rows if record in said_of(row)["supplies"]]


# --- a bill line -------------------------------------------------------------------------------------------------


def bill_line(db: Database, teller: Teller, line: str) -> Row | None:
    """A bill line with the file that told it (`file_name`, `sha256`, `format`, `imported_ms`); `undone_name` and
    `undone_sha256` are those of the file that took it back, None where it stands."""
    rows = db.query(
        """SELECT b.line, b.source, b.row, b.visit, b.item, b.code, b.own_code, b.name, b.count, b.treatments, b.amount_fen,
             b.charged_ms, b.performed_ms, b.room, b.staff, b.settlement, b.reversed_by, b.insured,
             f.name AS file_name, f.sha256, f.format, f.imported_ms, u.name AS undone_name, u.sha256 AS undone_sha256
           FROM bill_lines b JOIN bill_files f USING (file)
           LEFT JOIN bill_reversals r ON r.clinic = b.clinic AND r.source = b.source AND r.line = b.line
             AND r.reversed_by = b.reversed_by
           LEFT JOIN bill_files u ON u.file = r.file
           WHERE b.clinic = ? AND b.source = ? AND b.line = ?""",
        [teller.clinic, teller.source, line],
    )
    return next(iter(rows), None)


def newest_run(db: Database, teller: Teller, day: str) -> Row | None:
    """`run` and `made_ms` of the last reconciliation over that teller's lines that covers the day."""
    rows = db.query(
        """SELECT run, made_ms FROM runs WHERE clinic = ? AND source = ? AND from_day <= ? AND to_day >= ?
           ORDER BY run DESC LIMIT 1""",
        [teller.clinic, teller.source, day, day],
    )
    return next(iter(rows), None)


def verdicts(db: Database, run: int, source: str, line: str) -> list[Row]:
    """What a run said of each treatment of a line."""
    sql = (
        'SELECT "index", code, body FROM verdicts WHERE run = ? AND source = ? AND line = ? ORDER BY "index"'
    )
    return list(db.query(sql, [run, source, line]))


def sets(db: Database, run: int, source: str, line: str) -> list[Row]:
    """What a run said of treatments whose doubt the line shares with others, its own or not."""
    rows = db.query(
        """SELECT code, body FROM verdicts WHERE run = ? AND source = ? AND code IN ('short', 'no_device_time', 'unobserved')
             AND instr(body, ?) AND json_array_length(body, '$.among') > 1 ORDER BY line, "index" """,
        [run, source, _quoted(line)],
    )
    return [row for row in rows if line in said_of(row)["among"]]


def uses(db: Database, run: int, source: str, record: str) -> int:
    """How many treatments a run found to have device time in that record."""
    rows = db.query(
        "SELECT body FROM verdicts WHERE run = ? AND source = ? AND code = 'supported' AND instr(body, ?)",
        [run, source, _quoted(record)],
    )
    return sum(record in said_of(row)["records"] for row in rows)


def leads_naming(db: Database, run: int, line: str) -> list[Row]:
    """The leads of a run that name the line."""
    rows = db.query(
        "SELECT lead, rule, day, amount_fen, body FROM leads WHERE run = ? AND instr(body, ?) ORDER BY rowid",
        [run, _quoted(line)],
    )
    return [row for row in rows if line in said_of(row)["lines"]]


def _quoted(text: str) -> str:
    """The text as JSON of a run has it, by which most rows can be left unread."""
    return json.dumps(text, ensure_ascii=False)


_UNTOLD: Row = {
    "grade": None,
    "active_s": None,
    "item_required_s": None,
    "fit": None,
    "tagged": False,
    **{name: [] for name in ("records", "among", "dark", "window", "lines", "supplies")},
}


def said_of(row: Row) -> Row:
    """The row's JSON, kept read under `said`; what an older version did not tell is empty."""
    if "said" not in row:
        row["said"] = _UNTOLD | json.loads(row["body"])
    return row["said"]
