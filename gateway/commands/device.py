"""`wattwitness device ...`: the inventory of devices, with and without a unit."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import inventory
from gateway.bootstrap import Book, open_book
from gateway.commands import amended
from gateway.commands.amended import Asked, Wish
from gateway.commands.output import as_json, print_json, rows_of, warn_of_load
from gateway.instants import iso, read_instant
from gateway.inventory import Spot
from gateway.ledger import units
from gateway.ledger.units import Device


@click.group()
def device() -> None:
    """在册设备 · the inventory of devices.

    \b
    例 · example: wattwitness device list
    """


@device.command()
@click.argument("name", metavar="DEVICE")
@click.option("--load", required=True, help="设备类别：tdp stim ionto ... · device class")
@click.option("--room", required=True, help="房间 · room")
@click.option("--bed", default="", help="床位 · bed")
@click.option("--stations", default=1, type=click.IntRange(1, 64), show_default=True, help="可同时服务人数")
@click.option("--clinic", help="所属机构（区级）· whose device, at a district")
@click.option(
    "--from", "since", metavar="INSTANT|DATE", help="自何时在册，默认一直在册 · in the inventory since"
)
@amended.asked
@click.pass_obj
def add(
    folder: Path, name: str, load: str, room: str, bed: str, stations: int,
    clinic: str | None, since: str | None, asked: Asked,
) -> None:  # fmt: skip
    """没有单元的设备：开放时间内一律按未监测处理 · a device without a unit: dark in all opening hours.

    \b
    例 · example: wattwitness device add STIM-3 --load stim --room 针灸室
    """
    book = open_book(folder)
    from_ms = read_instant(since, book.config.zone) if since else 0
    owner, spot = book.owner(clinic), Spot(load, room, bed, stations)
    with book.ledger() as db:
        wish = Wish(
            lambda db: inventory.put_in(db, name, owner, spot, from_ms),
            f"{name} {load} {room} {since or ''}".strip(),
            owner,
            from_ms,
            {"device": name},
            asked,
        )
        amended.begin(book, db, wish)
    warn_of_load(load)


@device.command("list")
@as_json
@click.pass_obj
def list_(folder: Path, as_json: bool) -> None:
    """列出设备及其更正 · devices, and how they were amended.

    \b
    例 · example: wattwitness device list --json
    """
    book = open_book(folder)
    with book.ledger() as db:
        on = {each.device: each.unit for each in units.placements(db) if each.until_ms is None}
        rows = [_row(book, each, on.get(each.device)) for each in units.devices(db).values()]
        amendments = [_amendment(book, each) for each in units.amendments(db)]
    if as_json:
        print_json({"devices": rows, "amendments": amendments})
    else:
        rows_of(rows, "device", "load", "room", "bed", "stations", "unit")


@device.command()
@click.argument("name", metavar="DEVICE")
@click.option(
    "--stations", required=True, type=click.IntRange(1, 64), help="可同时服务人数 · patients served at once"
)
@amended.asked
@click.pass_obj
def amend(folder: Path, name: str, stations: int, asked: Asked) -> None:
    """更正设备的工位数（两人）：先列出会改变的核对结果和线索 · amend a device by two persons; says first what that changes.

    \b
    例 · example: wattwitness device amend tdp-U1 --stations 2 --by D01 --and D02 --dry-run
    """
    book = open_book(folder)
    now_ms = book.clock.now_ms()
    with book.ledger() as db:
        known = inventory.known_device(db, name)
        wish = Wish(
            lambda db: inventory.set_stations(db, name, stations, asked.people, now_ms),
            f"{name} stations {known.stations} -> {stations}",
            known.clinic,
            known.from_ms,
            {"device": name},
            asked,
        )
        amended.amend(book, db, wish)


@device.command()
@click.argument("name", metavar="DEVICE")
@click.option("--at", required=True, metavar="INSTANT", help="何时 · when")
@amended.asked
@click.pass_obj
def retire(folder: Path, name: str, at: str, asked: Asked) -> None:
    """设备退出在册 · a device leaves the inventory.

    \b
    例 · example: wattwitness device retire STIM-3 --at 2026-03-31
    """
    book = open_book(folder)
    at_ms = read_instant(at, book.config.zone)
    with book.ledger() as db:
        wish = Wish(
            lambda db: inventory.take_out(db, name, at_ms),
            f"{name} retired {at}",
            inventory.known_device(db, name).clinic,
            at_ms,
            {"device": name, "until": iso(at_ms, book.config.zone)},
            asked,
        )
        amended.begin(book, db, wish)


def _row(book: Book, device: Device, unit: str | None) -> dict[str, object]:
    zone = book.config.zone
    return {
        "device": device.device,
        "clinic": device.clinic,
        "load": device.load,
        "room": device.room,
        "bed": device.bed,
        "stations": device.stations,
        "blind": device.blind,
        "unit": unit,
        "from": iso(device.from_ms, zone) if device.from_ms else None,
        "until": None if device.until_ms is None else iso(device.until_ms, zone),
    }


def _amendment(book: Book, row: dict) -> dict[str, object]:
    when = iso(row["at_ms"], book.config.zone)
    return {"device": row["device"], "what": row["what"], "by": row["by"], "and": row["second"], "at": when}
