"""What the district held, out of a kit whose signature and hashes hold: values for comparing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.audit.hours import Hours
from gateway.config import Config
from gateway.errors import UsageError
from gateway.kit import folder
from gateway.kit.compare import Held, HeldUnit
from gateway.kit.compare_bills import Bills
from gateway.kit.compare_settings import Settings
from gateway.kit.folder import Opened
from gateway.kit.rows import BROKEN, Row, bills, rows, settings
from gateway.kit.runs import without
from gateway.ledger.trail import Head


@dataclass(frozen=True, slots=True)
class Kit:
    """What a kit says of a clinic from `first` to `last`. `authentic`: verified by a key that was brought; `keys` unit -> public
    key, as `check --keys` takes them; `trail` the ends that the clinic told, in the order of telling."""

    clinic: str
    authentic: bool
    hours: Hours
    first: date
    last: date
    keys: Mapping[str, str]
    held: Held
    trail: Sequence[Head]
    platform: Bills
    settings: Settings


def open_kit(place: Path, district_key: bytes | None) -> Kit:
    """The kit in a folder, by the district's key or else by its own. UsageError names what does not hold, or cannot be read."""
    opened = folder.read(place, district_key)
    try:
        return _kit(opened)
    except BROKEN as error:
        raise UsageError(
            f"检查包 {place} 读不懂（{error!r}）：请向区里另取一份",
            f"the kit {place} cannot be read ({error!r}): get another from the district",
        ) from error


def _kit(opened: Opened) -> Kit:
    head, files = opened.head, opened.files
    heads = {row["unit"]: row for row in rows(files, "heads.jsonl")}
    registry, inventory, catalogue = (
        json.loads(files[name]) for name in ("registry.json", "inventory.json", "catalogue.json")
    )
    units = {unit: _unit(row, heads.get(unit)) for unit, row in registry.items()}
    return Kit(
        head["clinic"],
        opened.authentic,
        Hours(Config(head["clinic"], head["name"], timezone=head["timezone"])),
        date.fromisoformat(head["from"]),
        date.fromisoformat(head["to"]),
        {unit: bytes.fromhex(row["key"]).hex() for unit, row in registry.items()},
        Held(units, head["heard_ms"]),
        [Head(row["entry"], row["hash"]) for row in rows(files, "trail_heads.jsonl")],
        bills(rows(files, "bills/platform.jsonl"), rows(files, "bills/files.jsonl"), "platform"),
        settings(head, inventory, catalogue),
    )


def _unit(row: Row, head: Row | None) -> HeldUnit:
    about = (row["key"], row["approved_ms"], row["retired_ms"])
    if head is None:
        return HeldUnit(*about)
    missing = [(first, last) for first, last in head["missing"]]
    runs = without([(head["least_us"], head["most_us"])], missing)
    return HeldUnit(*about, head["us"], head["digest"], head["forked_us"], runs)
