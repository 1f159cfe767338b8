"""An evidence pack as the tables that `recheck` looks at, built anew from its members in a database of its own that is gone
afterwards; and what only a pack can get wrong: its manifest, its keys, what it says of itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from gateway.check import catalogue
from gateway.check.dark import Hours, examine_sums
from gateway.check.faults import Fault
from gateway.check.members import examine_acts, examine_containers, examine_members, examine_writing
from gateway.check.opened import Pack, PackRefused, plain
from gateway.check.recheck import Part, Report, recheck
from gateway.check.said import Json, fen, read_run
from protocol.errors import RecordError
from protocol.record import parse

_TABLES = {
    "units": "unit! clinic! key_hex! plug# approved_ms? added_ms# retired_ms?",
    "devices": "device! clinic! load! room! bed! stations# blind# from_ms# until_ms?",
    "placements": "unit! device! from_ms# until_ms?",
    "records": "unit! us# digest! line! received_ms# chained#",
    "heads": "unit! us# digest! first_us# first_up! forked_us?",
    "skips": "unit! to_us# by! why! at_ms#",
    "bill_files": "file# clinic! source! name! format! sha256! imported_ms# first_ms? last_ms? body~",
    "bill_lines": "clinic! source! line! file# row# visit! patient! item? code! name! count! treatments# amount_fen# charged_ms#"
    " performed_ms? room! staff! settlement! reversed_by~ own_code! insured?",
    "catalogue_proposals": "proposal# by! why! at_ms# name! body!",
    "catalogue_approvals": "edition# proposal# by! at_ms#",
    "own_codes": "mapping# clinic! code! item? from_day! by! at_ms#",
    "attended": "entry# thread# replaces? clinic! visit! item# line! room! practitioner! outcome! began_ms# ended_ms? reason!"
    " acupoints? cups? body_part! how! scan! later# why! entered_ms# entered_by!",
    "visit_tags": "clinic! tag! visit! at_ms# by!",
    "runs": "run# clinic! source! from_day! to_day! made_ms# rules!",
    "verdicts": "run# source! line! index# item# code! day! amount_fen# body!",
    "coverage": "run# day! device! unit~ open_s# watched_s# dark!",
    "leads": "run# lead! rule! day! amount_fen# body!",
    "attachments": "sha256! body~",
    "review_acts": "clinic! lead! side! place# kind! at_ms# by! body! sha256! received_ms?",
    "closings": "clinic! source! day! number# run? at_ms# by! body! sha256!",
    "trail": "entry# at_ms# who! act! subject! body! hash!",
}
"""Table -> its columns: ! a text, # a whole number, ? one or nothing, ~ whatever it is. What does not fit is not taken."""

_KINDS = {"!": "TEXT NOT NULL", "#": "INTEGER NOT NULL", "?": "INTEGER", "~": "ANY"}
_INDEXES = (
    "CREATE UNIQUE INDEX units_once ON units (unit)",
    "CREATE UNIQUE INDEX devices_once ON devices (device)",
    "CREATE UNIQUE INDEX heads_once ON heads (unit)",
    "CREATE INDEX records_by_us ON records (unit, us)",
    "CREATE INDEX attended_replaced ON attended (replaces)",
    "CREATE INDEX bill_lines_by_visit ON bill_lines (visit)",
)
_SOURCES = (["clinic"], ["platform"], ["clinic", "platform"])  # without one there would be nothing to look at
_LONGEST_MS = 3 * 366 * 24 * 3600 * 1000  # that a pack may reach over

_BROKEN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    sqlite3.Error,
)

Row = Mapping[str, Any]


def recheck_pack(pack: Pack, keys: Mapping[str, str] | None) -> Report:
    """Everything in a pack, against the public keys that are handed in, or its own where there are none. PackRefused where it
    does not even say what it is of."""
    faults = list(pack.examine())
    about = _about(pack)
    with closing(sqlite3.connect("")) as db:  # SQLite's own temporary file
        faults += _build(db, pack, about)
        own = dict(db.execute("SELECT unit, key_hex FROM units").fetchall())
        report = _rechecked(db, own if keys is None else keys, about)
        faults += _keys(own, keys or own)
        faults += [fault for look in _LOOKS for fault in _looked(look, db, pack, about)]
    report.faults[:0] = list(dict.fromkeys(faults))
    return report


def _rechecked(db: sqlite3.Connection, keys: Mapping[str, str], about: Json) -> Report:
    try:
        return recheck(db, keys, ZoneInfo(about["timezone"]), _part(about))
    except _BROKEN:
        return Report(faults=[Fault("unreadable", "pack")])


def _about(pack: Pack) -> Json:
    try:
        about = pack.json("pack.json")
        date.fromisoformat(about["from"]), date.fromisoformat(about["to"])
        _part(about)
        texts = (about["clinic"], about["rules"], about["trail"]["hash"])
        if not all(isinstance(each, str) for each in texts) or not isinstance(about["closed"], list):
            raise TypeError
        if about["sources"] not in _SOURCES:
            raise ValueError
        return dict(about)
    except _BROKEN as error:
        raise PackRefused("pack.json 残缺，不能读", "pack.json cannot be read") from error


def _part(about: Json) -> Part:
    zone = ZoneInfo(about["timezone"])
    hours = Hours(zone, _minutes(about["opens"]), _minutes(about["closes"]), frozenset(about["closed"]))
    first_ms, last_ms = (int(each) for each in about["evidence"])
    if not 0 <= last_ms - first_ms <= _LONGEST_MS:
        raise ValueError("a pack reaches over three years at most")
    return Part(hours, first_ms, last_ms)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


# --- the tables ------------------------------------------------------------------------------------------------------


def _build(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """Fills the tables; a fault for each member that cannot be read as what it should be."""
    for table, columns in _TABLES.items():
        told = ", ".join(f'"{each[:-1]}" {_KINDS[each[-1]]}' for each in columns.split())
        db.execute(f"CREATE TABLE {table} ({told}) STRICT")
    for index in _INDEXES:
        db.execute(index)
    clinic = about["clinic"]
    yield from _tried(lambda: _inventory(db, pack.json("inventory.json")), "inventory.json")
    for path in pack.under("records", ".receipts"):
        unit = path.removeprefix("records/").removesuffix(".receipts")
        yield from _tried(lambda unit=unit: _records(db, pack, unit), path)  # type: ignore[misc]
    yield from _tried(lambda: _heads(db, pack.json("inventory.json")), "inventory.json")
    for path, table, more in _FILES:
        yield from _tried(
            lambda path=path, table=table, more=more: _fill(  # type: ignore[misc]
                db, table, ({"clinic": clinic} | row | more(pack, row) for row in pack.rows(path))
            ),
            path,
        )
    for source in about["sources"]:
        path = f"bills/{source}.jsonl"
        rows = ({"clinic": clinic} | row for row in pack.rows(path))
        yield from _tried(lambda rows=rows: _fill(db, "bill_lines", rows), path)  # type: ignore[misc]
    yield from _tried(lambda: _catalogue(db, pack.json("catalogue.json")), "catalogue.json")
    for number, source in enumerate(about["sources"], start=1):
        path = f"runs/{source}.json"
        yield from _tried(lambda at=-number, name=source: _run(db, pack, about, at, name), path)  # type: ignore[misc]


def _tried(work: Callable[[], None], path: str) -> Iterator[Fault]:
    try:
        work()
    except _BROKEN:
        yield Fault("unreadable", path)


def _fill(db: sqlite3.Connection, table: str, rows: Any) -> None:
    """Keeps rows by the names of the table's columns; an object in a row is kept as its canonical JSON."""
    names = [each[:-1] for each in _TABLES[table].split()]
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table} VALUES ({marks})"
    db.executemany(sql, ([_value(row.get(name)) for name in names] for row in rows))


def _value(value: Any) -> Any:
    return plain(value) if isinstance(value, dict | list) else value


def _raw(pack: Pack, row: Row) -> Row:
    """The bytes of a bill file, where they are in the pack."""
    path = row["path"]
    return {"body": pack.bytes_of(path) if isinstance(path, str) else None}


def _nothing(pack: Pack, row: Row) -> Row:
    return {}


_FILES: Sequence[tuple[str, str, Callable[[Pack, Row], Row]]] = (
    ("bills/files.jsonl", "bill_files", _raw),
    ("attended.jsonl", "attended", _nothing),
    ("visit_tags.jsonl", "visit_tags", _nothing),
    ("skips.jsonl", "skips", _nothing),
    ("closings.jsonl", "closings", _nothing),
    ("reviews.jsonl", "review_acts", _nothing),
    ("trail.jsonl", "trail", _nothing),
)


def _inventory(db: sqlite3.Connection, said: Json) -> None:
    _fill(db, "units", ({**each, "key_hex": each["key"]} for each in said["units"]))
    _fill(db, "devices", said["devices"])
    _fill(db, "placements", said["placements"])


def _records(db: sqlite3.Connection, pack: Pack, unit: str) -> None:
    """Lines beside their receipts; a line without a receipt, or the other way round, is kept and found."""
    receipts = pack.rows(f"records/{unit}.receipts")
    told = (
        {
            "unit": unit,
            "line": line,
            **next(receipts, {"us": None, "digest": "", "received_ms": 0, "chained": at}),
        }
        for ending, at in (("ocmf", 1), ("aside", 0))
        for line in pack.lines(f"records/{unit}.{ending}")
    )
    _fill(db, "records", told)
    left = sum(1 for _ in receipts)
    if left:
        raise ValueError(f"{left} receipts without a record")


def _heads(db: sqlite3.Connection, said: Json) -> None:
    """Where chains end; of one that begins before the pack does, the run begins with the first record in it."""
    for each in said["heads"]:
        row = dict(each)
        if row["pack_us"] is not None and row["first_us"] < row["pack_us"]:
            row |= {"first_us": row["pack_us"], "first_up": _up(db, row["unit"], row["pack_us"])}
        _fill(db, "heads", [row])


def _up(db: sqlite3.Connection, unit: str, us: int) -> str:
    """What the first record in the pack says that it follows."""
    found = db.execute(
        "SELECT line FROM records WHERE unit = ? AND us = ? AND chained = 1", [unit, us]
    ).fetchone()
    try:
        return parse(found[0].split("|")[1]).up if found else ""
    except (RecordError, IndexError):
        return ""


def _catalogue(db: sqlite3.Connection, said: Json) -> None:
    _fill(db, "catalogue_proposals", said["changes"])
    approved = [each for each in said["changes"] if each["edition"] is not None]
    told = ({**each, "by": each["approved_by"], "at_ms": each["approved_ms"]} for each in approved)
    _fill(db, "catalogue_approvals", told)
    _fill(db, "own_codes", said["own_codes"])


def _run(db: sqlite3.Connection, pack: Pack, about: Json, run: int, source: str) -> None:
    said = pack.json(f"runs/{source}.json")
    row = {"run": run, "clinic": about["clinic"], "source": source, "made_ms": about["made_ms"]}
    _fill(db, "runs", [row | {"from_day": said["from"], "to_day": said["to"], "rules": about["rules"]}])
    _fill(db, "verdicts", (_verdict(run, source, each) for each in said["treatments"]))
    leads = (
        {**each, "run": run, "lead": each["id"], "amount_fen": fen(each["amount"]), "body": each}
        for each in said["leads"]
    )
    _fill(db, "leads", leads)
    _fill(db, "coverage", ({**each, "run": run} for each in pack.rows(f"runs/{source}.coverage.jsonl")))


def _verdict(run: int, source: str, each: Json) -> Row:
    row = {name: each[name] for name in ("line", "index", "item")}
    row |= {"run": run, "source": source, "code": each["verdict"], "day": each["charged"][:10]}
    return row | {"amount_fen": fen(each["amount"]), "body": each}


# --- what a pack says of itself ---------------------------------------------------------------------------------------

Look = Callable[[sqlite3.Connection, Pack, Json], Iterator[Fault]]


def _looked(look: Look, db: sqlite3.Connection, pack: Pack, about: Json) -> list[Fault]:
    try:
        return list(look(db, pack, about))
    except _BROKEN:
        return [Fault("unreadable", look.__name__.removeprefix("_").removeprefix("examine_"))]


def _keys(own: Mapping[str, str], keys: Mapping[str, str]) -> Iterator[Fault]:
    """A fault for each unit whose key in the pack is not the one that was handed in."""
    for unit, key in sorted(own.items()):
        if unit in keys and keys[unit] != key:
            yield Fault("key", unit)


def _itself(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """What pack.json says against what is in the pack."""
    last = db.execute("SELECT entry, hash FROM trail ORDER BY entry DESC LIMIT 1").fetchone() or (0, "0" * 64)
    if tuple(last) != (about["trail"]["entry"], about["trail"]["hash"]):
        yield Fault("trail", f"trail:{about['trail']['entry']}")
    own = sha256(pack.bytes_of("rules.toml")).hexdigest() if "rules.toml" in pack else ""
    if own != about["rules"]:
        yield Fault("rules", "rules.toml")
    if about["tolerance_s"] != catalogue.TOLERANCE_S:
        yield Fault("required", "pack.json")
    for source in about["sources"]:
        said = pack.json(f"runs/{source}.json")
        if (said["from"], said["to"]) != (about["from"], about["to"]):
            yield Fault("period", f"runs/{source}.json")


def _begins(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """Each chain begins with the record with which the inventory says that it does."""
    said = {each["unit"]: each["pack_us"] for each in pack.json("inventory.json")["heads"]}
    rows = db.execute("SELECT unit, min(us) FROM records WHERE chained = 1 GROUP BY unit").fetchall()
    for unit in sorted(said.keys() | {row[0] for row in rows}):
        if said.get(unit) != dict(map(tuple, rows)).get(unit):
            yield Fault("head", unit)


def _items(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """The catalogue in the pack is the shipped one with the changes that two persons made."""
    told = {catalogue.told(each) for each in pack.json("catalogue.json")["items"]}
    for number, *_ in sorted(told ^ catalogue.read(db).told(), key=str):
        yield Fault("catalogue", f"item {number}")


def _sums(db: sqlite3.Connection, pack: Pack, about: Json) -> Iterator[Fault]:
    """The sums of each reconciliation."""
    for (run,) in db.execute("SELECT run FROM runs ORDER BY run DESC").fetchall():
        said = read_run(db, run)
        yield from examine_sums(said, pack.json(f"runs/{said.source}.json"))


_LOOKS: Sequence[Look] = (
    _itself,
    _begins,
    _items,
    _sums,
    examine_members,
    examine_writing,
    examine_containers,
    examine_acts,
)
