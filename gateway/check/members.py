"""What may be in a pack besides being true: the members that its inventory and sources call for, no other and none less, and every
one of them written in the one way, so that no two readers read two things.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from gateway.check.faults import Fault
from gateway.check.opened import Pack, plain
from gateway.check.said import Json
from protocol.errors import RecordError
from protocol.record import parse

_ALWAYS = (
    "pack.json", "inventory.json", "catalogue.json", "rules.json", "attended.jsonl", "visit_tags.jsonl", "findings.jsonl",
    "quarantine.jsonl", "skips.jsonl", "closings.jsonl", "reviews.jsonl", "trail.jsonl", "bills/files.jsonl", "index.html",
    "README.txt", "verify.py", "verify.html",
)  # fmt: skip
_OF_A_SOURCE = ("bills/{}.jsonl", "runs/{}.json", "runs/{}.coverage.jsonl")
_OF_A_UNIT = ("records/{}.ocmf", "records/{}.aside", "records/{}.receipts", "ocmf/{}.xml")
_LINES = (".jsonl", ".receipts")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<values>\n'
_VALUE = (
    '<value transactionId="{}"><signedData format="OCMF" encoding="plain">{}</signedData>'
    '<publicKey encoding="hex">{}</publicKey></value>\n'
)
_IN_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def examine_members(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """A fault for each member that should not be there, and for each that should be and is not."""
    told = [each for each in pack.rows("bills/files.jsonl") if each["path"] is not None]
    raw = [f"bills/raw/{each['sha256']}" for each in told]
    needed = {*_ALWAYS, *raw, *(each.format(source) for source in about["sources"] for each in _OF_A_SOURCE)}
    needed |= {"rules.toml"} if about["rules"] else set()
    units = [unit for (unit,) in db.execute("SELECT unit FROM units").fetchall()]
    allowed = needed | {each.format(unit) for unit in units for each in _OF_A_UNIT}
    for path in sorted((needed - pack.listed.keys()) | (pack.listed.keys() - allowed)):
        yield Fault("member", path)


def examine_writing(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """A fault for each member of JSON that is not canonical: a name twice in an object, a number that is none, other blanks."""
    for path in sorted(pack.listed.keys() - pack.broken):
        is_lines = path.endswith(_LINES)
        if (is_lines or path.endswith(".json")) and not _is_canonical(pack, path, is_lines):
            yield Fault("written", path)


def _is_canonical(pack: Pack, path: str, is_lines: bool) -> bool:
    count = size = 0
    try:
        for line in pack.lines(path):
            count, size = count + 1, size + len(line) + 1
            if plain(json.loads(line)) != line:
                return False
    except (ValueError, RecursionError):
        return False
    return size == pack.listed[path][0] and (is_lines or count == 1)


def examine_containers(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """What other programs are given are the very sessions of the evidence span, each under the key of its unit."""
    first_ms, last_ms = about["evidence"]
    for unit, key in db.execute("SELECT unit, key_hex FROM units ORDER BY unit").fetchall():
        rows = db.execute(
            'SELECT us, line FROM records WHERE unit = ? AND chained = 1 AND line LIKE \'%"UK":"SESSION"%\' ORDER BY us',
            [unit],
        )
        told = [(us, line) for us, line in rows if first_ms <= _ended_ms(line) <= last_ms]
        values = "".join(_VALUE.format(us, line.translate(_IN_XML), key) for us, line in told)
        should = f"{_HEAD}{values}</values>\n" if told else ""
        path = f"ocmf/{unit}.xml"
        if path not in pack.broken and pack.bytes_of(path) != should.encode():
            yield Fault("container", path)


def _ended_ms(line: str) -> int:
    """When a session ended, as it says itself; -1 of what is no record."""
    try:
        return parse(line.split("|")[1]).at_ms
    except (RecordError, IndexError):
        return -1


def examine_acts(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """A fault for each closing of the period's days and months, and for each act on a lead, of which the trail tells and which is
    not there."""
    closings, acts = (
        {sha256 for (sha256,) in db.execute(f"SELECT sha256 FROM {table}")}
        for table in ("closings", "review_acts")
    )
    for entry, act, subject, body in db.execute("SELECT entry, act, subject, body FROM trail").fetchall():
        said = json.loads(body)
        if said.get("clinic") != about["clinic"]:
            continue
        day = subject.removeprefix("day:")
        is_of_period = act == "close" and about["from"][: len(day)] <= day <= about["to"][: len(day)]
        is_gone = is_of_period and said["sha256"] not in closings
        if is_gone or (isinstance(said.get("act"), str) and said["act"] not in acts):
            yield Fault("gone", f"trail:{entry}")
