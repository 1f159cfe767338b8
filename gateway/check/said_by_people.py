"""What people said and decided, recomputed: acts on leads follow from one another, attachments and closings are the bytes
that their hashes are of, and every one of them has left its trace in the trail.

Written anew from what the ledger promises, not from the program that writes it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator

from gateway.check.faults import Fault

_NOTHING = "0" * 64
_SAID = ("clinic", "lead", "side", "place", "kind", "at_ms", "by", "body")


def examine_people(db: sqlite3.Connection, has_files: bool = True) -> Iterator[Fault]:
    """A fault for each act, attachment or closing that is not what it was when it was kept. `has_files`: attachments are
    there."""
    yield from _acts(db, has_files)
    for sha256, body in db.execute("SELECT sha256, body FROM attachments"):
        if hashlib.sha256(body).hexdigest() != sha256:
            yield Fault("attachment", sha256[:12])
    yield from _closings(db)


def _acts(db: sqlite3.Connection, has_files: bool) -> Iterator[Fault]:
    here = _noted(db, "act")
    before: dict[tuple[str, str, str], tuple[int, str]] = {}
    files = {sha256 for (sha256,) in db.execute("SELECT sha256 FROM attachments")}
    names = ", ".join(_SAID)
    rows = db.execute(
        f"SELECT {names}, sha256, received_ms FROM review_acts ORDER BY clinic, lead, side, place"
    )
    for row in rows:
        told = dict(zip(_SAID, row, strict=False))
        where = f"lead {told['lead']} {told['side']} {told['place']}"
        place, digest = before.get((told["clinic"], told["lead"], told["side"]), (0, _NOTHING))
        try:
            told["body"] = json.loads(told["body"])
            attached = {each["sha256"] for each in told["body"].get("attachments", [])}
        except (ValueError, AttributeError, KeyError, TypeError):
            yield Fault("act", where)
            continue
        if told["place"] != place + 1 or _hash(f"{digest}\n{_plain(told)}") != row[8]:
            yield Fault("act", where)
        if row[9] is None and row[8] not in here:
            yield Fault("untraced", where)
        if has_files and attached - files:
            yield Fault("attachment", where)
        before[told["clinic"], told["lead"], told["side"]] = told["place"], row[8]


def _closings(db: sqlite3.Connection) -> Iterator[Fault]:
    noted = _noted(db, "sha256")
    before: dict[tuple[str, str, str], tuple[int, str | None]] = {}
    rows = db.execute(
        "SELECT clinic, source, day, number, body, sha256 FROM closings ORDER BY clinic, source, day, number"
    )
    for clinic, source, day, number, body, sha256 in rows:
        where = f"{clinic} {source} {day} #{number}"
        last, digest = before.get((clinic, source, day), (0, None))
        follows = number == last + 1 and json.loads(body).get("before") == digest
        if _hash(body) != sha256 or not follows:
            yield Fault("closing", where)
        if sha256 not in noted:
            yield Fault("untraced", where)
        before[clinic, source, day] = number, sha256


def _noted(db: sqlite3.Connection, name: str) -> set[str]:
    """What the trail's entries say under that name."""
    rows = db.execute("SELECT json_extract(body, '$.' || ?) FROM trail WHERE json_valid(body)", [name])
    return {value for (value,) in rows if isinstance(value, str)}


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
