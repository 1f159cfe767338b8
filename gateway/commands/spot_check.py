"""`wattwitness spot-check`: the sheet to go round a clinic with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from gateway import bootstrap
from gateway.audit.spot_check import Spot, SpotCheck
from gateway.commands.lead_file import write
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.config import Config
from gateway.errors import UsageError
from gateway.instants import iso, read_instant
from gateway.kit import sheet, spot


@click.command("spot-check")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE.pdf", help="写到 · where to"
)
@click.option(
    "--at", metavar="INSTANT", help="何时的账本，默认现在 · as the ledger knew it then, by default now"
)
@of_clinic
@as_json
@click.pass_obj
def spot_check(folder: Path, out: Path, at: str | None, clinic: str | None, as_json: bool) -> None:
    """现场检查表：逐室逐台列出账本此刻的说法，留空给眼睛看到的 · what the ledger says of each device, and blanks.

    \b
    例 · example: wattwitness --dir clinic-01 spot-check --out round.pdf
    """
    if out.exists():
        raise UsageError(f"{out} 已存在：请换一个名字", f"{out} exists already: choose another name")
    book = bootstrap.open_book(folder)
    config = book.of_clinic(clinic)
    at_ms = book.clock.now_ms() if at is None else read_instant(at, config.zone)
    with book.ledger() as db:
        check = spot.gather(db, config.clinic, at_ms)
    body = sheet.write(check, config)
    write(out, body)
    if as_json:
        told = {"out": str(out), "sha256": hashlib.sha256(body).hexdigest()}
        print_json(told | document(check, config))
        return
    say(f"{len(check.spots)} 台设备，已写入 {out}", f"{len(check.spots)} devices, written to {out}")


def document(check: SpotCheck, config: Config) -> dict[str, Any]:
    """As `spot-check --json` prints it."""
    return {
        "clinic": config.clinic,
        "name": config.name,
        "at": iso(check.at_ms, config.zone),
        "rooms": [
            {"room": room.room, "devices": [_spot(each, config) for each in room.spots]}
            for room in check.rooms
        ],
        "counted": [{"load": load, "devices": count} for load, count in check.counted.items()],
    }


def _spot(told: Spot, config: Config) -> dict[str, Any]:
    return {
        "device": told.device,
        "load": told.load,
        "bed": told.bed,
        "stations": told.stations,
        "unit": told.unit,
        "can_run_unseen": told.can_run_unseen,
        "state": told.state,
        "since": None if told.since_ms is None else iso(told.since_ms, config.zone),
        "minutes": told.minutes,
    }
