"""What goes into a kit, as the district's ledger has it: the same ledger and the same seed give the same files.

Nothing in it tells the time at which it was made: `as_of_ms` is the last thing that the district heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from importlib import resources
from importlib.metadata import version
from typing import Any

from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.audit.hours import Hours
from gateway.config import Config
from gateway.district.log import Tree
from gateway.kit import sheet, spot
from gateway.kit.lots import Draw
from gateway.kit.readme import TEXT
from gateway.ledger import accounts, bills, leaves, outbox, packing, records, trail, units
from gateway.ledger.bills import Teller
from gateway.ledger.holdings import holdings
from gateway.pack.tables import catalogue_row, document, lines, unit_row

Row = dict[str, Any]
VERIFIERS = ("verify.py", "verify.html")
PERIOD_DAYS = 31
PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which clinic, and which days. `rules` is the SHA-256 of the district's own rules of leads, empty: those shipped."""

    config: Config
    first: date
    last: date
    rules: str

    @property
    def clinic(self) -> str:
        return self.config.clinic


def last_days(db: Database, config: Config, now_ms: int) -> tuple[date, date]:
    """The days of which a kit speaks by default: up to the last charge that the platform told, or else the last thing heard."""
    teller = Teller(config.clinic, PLATFORM)
    told = max((each.last_ms for each in accounts.file_spans(db, teller)), default=as_of(db, config.clinic))
    last = Hours(config).day_of(told or now_ms)
    return last - timedelta(days=PERIOD_DAYS - 1), last


def as_of(db: Database, clinic: str) -> int:
    """When the district heard the last of what the kit says of a clinic; 0 where it never heard anything."""
    told = [each.heard_ms for each in holdings(db, clinic).values()]
    told += [heard_ms for _, heard_ms in trail.heads(db, clinic)]
    told += [each.imported_ms for each in accounts.file_spans(db, Teller(clinic, PLATFORM))]
    return max([heard_of(db, clinic), *told])


def heard_of(db: Database, clinic: str) -> int:
    """When the district last heard the clinic's gateway; 0 for never."""
    return outbox.forwarded(db, f"from:{clinic}").heard_ms


def log(db: Database) -> Tree:
    """The district's log as it stands."""
    return Tree(leaves.after(db, 0))


def head(db: Database, asked: Asked, tree: Tree) -> Row:
    """As kit.json says it, but for what the seal adds."""
    return {
        "clinic": asked.clinic,
        "name": asked.config.name,
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "timezone": asked.config.timezone,
        "opens": asked.config.opens,
        "closes": asked.config.closes,
        "closed": [day.isoformat() for day in sorted(asked.config.closed)],
        "rules": asked.rules,
        "as_of_ms": as_of(db, asked.clinic),
        "heard_ms": heard_of(db, asked.clinic),
        "version": version("wattwitness"),
        "checkpoint": tree.checkpoint(),
    }


def files(db: Database, asked: Asked, drawn: Draw, tree: Tree) -> dict[str, bytes]:
    """Every file of a kit but kit.json, kit.sig and pub.pem. SurroundingsError where there is no Chinese font for the sheet."""
    clinic = asked.clinic
    owned = [each for each in units.units(db).values() if each.clinic == clinic]
    names = sorted(each.name for each in drawn.lot.candidates)
    check = spot.gather(db, clinic, as_of(db, clinic))
    told = {
        "registry.json": document({each.unit: _registered(each) for each in owned}),
        "inventory.json": document(_inventory(db, clinic, owned)),
        "heads.jsonl": lines(_heads(db, clinic)),
        "trail_heads.jsonl": lines(_trail_heads(db, clinic)),
        "checkpoint.json": document(
            {"size": tree.size, "root": tree.root().hex(), "checkpoint": tree.checkpoint()}
        ),
        "bills/platform.jsonl": lines(_bills(db, asked)),
        "bills/files.jsonl": lines(
            row | {"path": None} for row in packing.files(db, clinic) if row["source"] == PLATFORM
        ),
        "catalogue.json": document(catalogue_row(db, catalogue.in_force(db), clinic)),
        "draw.json": document(drawn_row(drawn)),
        "population.txt": [f"{each}\n".encode() for each in names],
        "README.txt": [TEXT.encode()],
        "spot-check.pdf": [sheet.write(check, asked.config)],
        **{name: [resources.files("gateway.pack").joinpath(name).read_bytes()] for name in VERIFIERS},
    }
    return {path: b"".join(parts) for path, parts in told.items()}


def drawn_row(drawn: Draw) -> Row:
    """As draw.json says it."""
    return {
        "rule": "sha256(seed LF kind LF name), the n smallest",
        "seed": drawn.seed,
        "kind": drawn.lot.kind,
        "n": drawn.n,
        "population": drawn.lot.population,
        "trail": {"entry": drawn.entry.entry, "hash": drawn.entry.hash, "at_ms": drawn.entry.at_ms},
        "drawn": [{"name": each.name, "rank": each.rank} for each in drawn.drawn],
    }


def _registered(unit: units.Unit) -> Row:
    row = unit_row(unit)
    return {name: row[name] for name in ("key", "approved_ms", "plug", "retired_ms")}


def _inventory(db: Database, clinic: str, owned: Sequence[units.Unit]) -> Row:
    names = {each.unit for each in owned}
    return {
        "units": [unit_row(each) for each in owned],
        "devices": [asdict(each) for each in units.devices(db).values() if each.clinic == clinic],
        "placements": [asdict(each) for each in units.placements(db) if each.unit in names],
        "amendments": packing.amendments(db, clinic),
    }


def _heads(db: Database, clinic: str) -> list[Row]:
    """The end of each chain, and which numbers are held: from the least to the most, without those that are missing."""
    held = holdings(db, clinic)
    return [
        row
        | {name: getattr(held[row["unit"]], name) for name in ("heard_ms", "least_us", "most_us")}
        | {"missing": [list(each) for each in records.missing(db, row["unit"])]}
        for row in packing.heads(db, clinic)
    ]


def _trail_heads(db: Database, clinic: str) -> list[Row]:
    return [
        {"entry": told.entry, "hash": told.hash, "heard_ms": heard_ms}
        for told, heard_ms in trail.heads(db, clinic)
    ]


def _bills(db: Database, asked: Asked) -> list[Row]:
    """The platform's lines of the days that are items of the catalogue, with the refunds that took any of them back. Who was
    treated is not on the stick, not even as a hash."""
    hours, teller = Hours(asked.config), Teller(asked.clinic, PLATFORM)
    span = hours.calendar_day(asked.first)[0], hours.calendar_day(asked.last)[1]
    charged = [each.line for each in bills.lines_charged(db, teller, *span) if each.item is not None]
    return [row | {"patient": ""} for row in packing.lines(db, teller, charged, ())]
