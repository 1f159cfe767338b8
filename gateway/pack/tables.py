"""Every machine-readable file of a pack, in its order: a name, and its lines. docs/pack-format.md says what each holds."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from gateway.audit.catalogue import Catalogue
from gateway.audit.items import Item
from gateway.config import DISTRICT
from gateway.ledger import bills, packing
from gateway.ledger import catalogue as changes
from gateway.ledger.bills import Teller
from gateway.ledger.trail import canonical
from gateway.ledger.units import Unit
from gateway.pack.container import container
from gateway.pack.contents import Contents, Tell

Row = dict[str, Any]
File = tuple[str, Iterable[bytes]]

_TAGS = re.compile(r'"UT":\[([^\]]*)\]')
_ITEM = [
    "number",
    "zh",
    "en",
    "per",
    "min_minutes",
    "max_minutes",
    "device_class",
    "day_max",
    "course_max",
    "course_days",
    "valid_days",
]


def files(db: Database, held: Contents, tell: Tell) -> Iterator[File]:
    """The files one after the other; each must be written before the next is asked for."""
    yield "pack.json", document(held.document())
    tags: set[str] = set()
    yield "inventory.json", document(_inventory(db, held))
    for unit in held.units:
        tell(f"记录 {unit.unit}", f"records of {unit.unit}")
        yield from _records(db, held, unit, tags)
    yield from _bills(db, held)
    yield "catalogue.json", document(catalogue_row(db, held.catalogue, held.asked.config.clinic))
    yield "rules.json", document(held.asked.chosen.rules)
    if held.asked.rules is not None:
        yield "rules.toml", [held.asked.rules]
    yield from _runs(held)
    yield from _said(db, held, tags)


def document(value: object) -> list[bytes]:
    """A JSON file."""
    return [f"{canonical(value)}\n".encode()]


def lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """A file of one JSON object a line."""
    return (f"{canonical(row)}\n".encode() for row in rows)


# --- units and their records -----------------------------------------------------------------------------------------


def _inventory(db: Database, held: Contents) -> Row:
    clinic = held.asked.config.clinic
    return {
        "units": [unit_row(each) for each in held.units],
        "heads": [row | {"pack_us": held.begins.get(unit)} for unit, row in held.heads.items()],
        "devices": [asdict(each) for each in held.devices],
        "placements": [asdict(each) for each in held.placements],
        "amendments": packing.amendments(db, clinic),
    }


def unit_row(unit: Unit) -> Row:
    """A unit as inventory.json lists it."""
    row = asdict(unit)
    row["key"] = row.pop("key_hex").lower()
    return row


def _records(db: Database, held: Contents, unit: Unit, tags: set[str]) -> Iterator[File]:
    """A unit's lines, what came of them, and its sessions for other programs; `tags` learns which tags they name."""
    first_us = held.begins.get(unit.unit)
    aside = [line for _, _, line, _, _ in packing.unchained(db, unit.unit)]
    sessions: list[tuple[int, str]] = []
    if first_us is not None:
        chain = (line for _, _, line, _, _ in packing.chained(db, unit.unit, first_us))
        yield f"records/{unit.unit}.ocmf", _told(_noted(chain, tags))
    if aside:
        yield f"records/{unit.unit}.aside", _told(_noted(aside, tags))
    if first_us is not None or aside:
        yield f"records/{unit.unit}.receipts", lines(_receipts(db, unit.unit, first_us))
    if first_us is not None:
        sessions = list(packing.sessions(db, unit.unit, first_us, *held.evidence))
    if sessions:
        yield f"ocmf/{unit.unit}.xml", container(sessions, unit.key_hex.lower())


def _noted(told: Iterable[str], tags: set[str]) -> Iterator[str]:
    for line in told:
        found = _TAGS.search(line) if '"UT":[' in line else None
        tags.update(found[1].replace('"', "").split(",") if found else ())
        yield line


def _told(told: Iterable[str]) -> Iterator[bytes]:
    return (f"{line}\n".encode() for line in told)


def _receipts(db: Database, unit: str, first_us: int | None) -> Iterator[Row]:
    if first_us is not None:
        yield from map(_receipt, packing.chained(db, unit, first_us))
    yield from map(_receipt, packing.unchained(db, unit))


def _receipt(row: Sequence[Any]) -> Row:
    us, digest, _, received_ms, chained = row
    return {"us": us, "digest": digest, "received_ms": received_ms, "chained": chained}


# --- bills and by what they are read ---------------------------------------------------------------------------------


def _bills(db: Database, held: Contents) -> Iterator[File]:
    clinic, recorded = held.asked.config.clinic, {row["visit"] for row in _entries(db, held)}
    files: set[int] = set()
    for source, judged in held.judged.items():
        names = [line.line for line in judged.period.lines]
        told = packing.lines(db, Teller(clinic, source), names, recorded)
        yield f"bills/{source}.jsonl", lines(_counted(told, files))
    kept = packing.files(db, clinic)
    wanted = files if held.asked.bill_files else ()
    raw = {row["sha256"]: f"bills/raw/{row['sha256']}" for row in kept if row["file"] in wanted}
    yield "bills/files.jsonl", lines(row | {"path": raw.get(row["sha256"])} for row in kept)
    for sha256, path in sorted(raw.items()):
        body = bills.file_body(db, sha256)
        yield path, [body or b""]


def _counted(rows: Iterable[Row], files: set[int]) -> Iterator[Row]:
    """The lines; `files` learns by which files they were told."""
    for row in rows:
        files.add(row["file"])
        yield row


def catalogue_row(db: Database, catalogue: Catalogue, clinic: str) -> Row:
    """What catalogue.json says."""
    versions = sorted(catalogue.items.all(), key=lambda item: (item.number, item.first))
    return {
        "source": catalogue.source,
        "edition": catalogue.edition,
        "items": [_item(each) for each in versions],
        "changes": [asdict(each) for each in changes.proposals(db)],
        "own_codes": packing.own_codes(db, clinic),
    }


def _item(item: Item) -> Row:
    row = {name: getattr(item, name) for name in _ITEM}
    row["codes"] = [asdict(each) for each in item.codes]
    for name in ("valid_from", "valid_to"):
        day = getattr(item, name)
        row[name] = day and day.isoformat()
    return row


# --- what was found, and what people said ----------------------------------------------------------------------------


def _runs(held: Contents) -> Iterator[File]:
    for source, judged in held.judged.items():
        yield f"runs/{source}.json", document(judged.said)
        rows = sorted(judged.coverage, key=lambda row: (row["day"], row["device"]))
        told = (row | {"dark": json.loads(row["dark"])} for row in rows)
        yield f"runs/{source}.coverage.jsonl", lines(told)


def _said(db: Database, held: Contents, tags: set[str]) -> Iterator[File]:
    clinic, asked = held.asked.config.clinic, held.asked
    first_ms = min((packing.received_from(db, unit, us) for unit, us in held.begins.items()), default=0)
    yield "attended.jsonl", lines(_entries(db, held))
    yield "visit_tags.jsonl", lines(packing.tags(db, clinic, tags))
    yield "findings.jsonl", lines(packing.findings(db, clinic))
    yield (
        "quarantine.jsonl",
        lines(map(_refused, packing.quarantine(db, clinic, first_ms, asked.config.role == DISTRICT))),
    )
    yield "skips.jsonl", lines(packing.skips(db, clinic))
    days = asked.first.isoformat(), asked.last.isoformat()
    yield "closings.jsonl", lines(map(_opened, packing.closings(db, clinic, *days)))
    yield "reviews.jsonl", lines(map(_opened, packing.acts(db, clinic)))
    yield "trail.jsonl", lines(map(_opened, packing.trail(db, held.trail)))


def _entries(db: Database, held: Contents) -> list[Row]:
    first_ms, last_ms = held.evidence
    return packing.entries(db, held.asked.config.clinic, held.visits, first_ms, last_ms + 1)


def _refused(row: Row) -> Row:
    return row | {"body": base64.b64encode(row["body"]).decode()}


def _opened(row: Row) -> Row:
    """The row with its body as the object that it is."""
    return row | {"body": json.loads(row["body"])}
