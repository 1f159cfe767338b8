"""The trail of what people did, recomputed: every entry follows from the one before it, and none is missing between. And
what it says of closings and of reviews that came by file is what the ledger holds of them.

Written anew from what the trail promises, not from the program that writes it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from gateway.check.faults import Fault

_NOTHING = "0" * 64


def examine_trail(db: sqlite3.Connection) -> Iterator[Fault]:
    """A fault for each entry whose number or hash does not follow. A trail cut off at its end looks whole: only who kept
    a later head (the district, a closing) can tell."""
    before, number = _NOTHING, 0
    for row in db.execute("SELECT entry, at_ms, who, act, subject, body, hash FROM trail ORDER BY entry"):
        number += 1
        if row[0] != number or _hash(before, row) != row[6]:
            yield Fault("trail", f"trail:{row[0]}")
        before, number = row[6], row[0]


def examine_traces(db: sqlite3.Connection, has_runs: bool = True) -> Iterator[Fault]:
    """A fault for each closing that was noted to be of somebody else, of another time or over another run, or whose run says
    something else by now (`has_runs`: the runs are there); and for each act of the other side that no file brought."""
    noted = {
        sha256: told
        for sha256, *told in db.execute(
            f"SELECT {_told('sha256')}, who, at_ms, {_told('run')} FROM trail WHERE act = 'close'"
        )
    }
    rows = db.execute(
        f"SELECT clinic, source, day, number, sha256, by, at_ms, run, {_told('run_sha256')} FROM closings"
    )
    for clinic, source, day, number, sha256, *told, run_sha256 in rows.fetchall():
        is_run = not has_runs or _said_by(db, told[-1]) == run_sha256
        if sha256 in noted and (noted[sha256] != told or not is_run):
            yield Fault("closing", f"{clinic} {source} {day} #{number}")
    acts = db.execute(
        f"""SELECT lead, side, place FROM review_acts WHERE received_ms IS NOT NULL AND sha256 NOT IN (
              SELECT value FROM trail, json_each({_told("acts")}) WHERE act = 'lead_import')"""
    )
    for lead, side, place in acts.fetchall():
        yield Fault("untraced", f"lead {lead} {side} {place}")


def _told(name: str) -> str:
    """SQL for what a body says under that name; NULL where it is no JSON."""
    return f"CASE WHEN json_valid(body) THEN json_extract(body, '$.{name}') END"


_SAID = {
    "runs": ("from_day, to_day, made_ms, clinic, source, rules", "run"),
    "verdicts": ('source, line, "index", item, code, day, amount_fen, body', 'source, line, "index"'),
    "coverage": ("day, device, unit, open_s, watched_s, dark", "day, device"),
    "leads": ("lead, rule, day, amount_fen, body", "lead"),
}


def _said_by(db: sqlite3.Connection, run: int | None) -> str:
    """The hash of every row of a run, a line each."""
    told = hashlib.sha256()
    for table, (columns, order) in _SAID.items():
        for row in db.execute(f"SELECT {columns} FROM {table} WHERE run = ? ORDER BY {order}", [run]):
            told.update(f"{_plain(list(row))}\n".encode())
    return told.hexdigest()


def _hash(before: str, row: sqlite3.Row) -> str | None:
    """None where the body is not the one way of writing what it says."""
    try:
        body = json.loads(row[5])
    except ValueError:
        return None
    names = ("entry", "at_ms", "who", "act", "subject")
    entry = dict(zip(names, row, strict=False)) | {"body": body}
    if _plain(body) != row[5]:
        return None
    return hashlib.sha256(f"{before}\n{_plain(entry)}".encode()).hexdigest()


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
