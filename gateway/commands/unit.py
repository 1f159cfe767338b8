"""`wattwitness unit ...`: the registry of units, and the devices they are on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from gateway import inventory, pipeline
from gateway.bootstrap import Book, open_book
from gateway.commands import amended
from gateway.commands.account import account
from gateway.commands.amended import Asked, Wish
from gateway.commands.output import as_json, print_json, rows_of, say, warn_of_load
from gateway.commands.update import update, version_of
from gateway.errors import UsageError
from gateway.instants import iso, read_instant
from gateway.intake.store import pass_gap
from gateway.inventory import Spot
from gateway.ledger import units
from gateway.ledger.units import Device, Placement, Unit
from gateway.persons import person, reason


@click.group()
def unit() -> None:
    """登记单元、换位、停用 · enrol units, move and retire them.

    \b
    例 · example: wattwitness unit list
    """


unit.add_command(account)
unit.add_command(update)


@unit.command()
@click.argument("name", metavar="UNIT")
@click.option("--key", "key_hex", required=True, metavar="HEX", help="公钥（keygen 打印的）· public key")
@click.option("--load", help="设备类别：tdp stim ionto ... · device class")
@click.option("--room", help="房间 · room")
@click.option("--bed", default="", help="床位 · bed")
@click.option("--stations", default=1, type=click.IntRange(1, 64), show_default=True, help="可同时服务人数")
@click.option("--blind", is_flag=True, help="可不经插座运行 · able to run unseen, on dry cells")
@click.option("--plug", is_flag=True, help="读数来自普通智能插座 · reads an off-the-shelf plug")
@click.option("--device", help="装到已有设备上 · on a device of the inventory")
@click.option("--clinic", help="所属机构（区级）· whose unit, at a district")
@click.option(
    "--from", "since", metavar="INSTANT|DATE", help="设备自何时在册，默认一直在册 · in the inventory since"
)
@amended.asked
@click.pass_obj
def add(
    folder: Path, name: str, key_hex: str, load: str | None, room: str | None, bed: str, stations: int,
    blind: bool, plug: bool, device: str | None, clinic: str | None, since: str | None, asked: Asked,
) -> int:  # fmt: skip
    """登记单元和它所在的设备；会改变已核对的日子的须两人 · a unit and its device; two persons where reconciled days change.

    \b
    例 · example: wattwitness unit add U1 --key 3059301306... --load tdp --room 理疗一室 --bed 2
    """
    book = open_book(folder)
    from_ms = read_instant(since, book.config.zone) if since else 0
    spot, owner, now_ms = (
        Spot(load, room, bed, stations, blind, device),
        book.owner(clinic),
        book.clock.now_ms(),
    )
    told: dict[str, Any] = {"unit": name}

    def act(db: Database) -> str:
        """What waited in quarantine comes in with the unit: it may change as much as the device does."""
        vouched = book.is_district
        enrolled = inventory.enter(
            db, name, key_hex.lower(), owner, plug, spot, from_ms, now_ms, vouched=vouched
        )
        told.update(pipeline.let_in(db, name, vouched).document())
        return enrolled

    with book.ledger() as db:
        wish = Wish(
            act, f"unit {name} {device or room or ''} {since or ''}".strip(), owner, from_ms, told, asked
        )
        enrolled = amended.begin(book, db, wish)
    if enrolled and not asked.as_json:
        say(f"单元 {name} 在设备 {enrolled} 上", f"unit {name} is enrolled on device {enrolled}")
        warn_of_load(load)
        if told["stored"]:
            say(f"从隔离中补收 {told['stored']} 条记录", f"{told['stored']} records taken in from quarantine")
    return 1 if told.get("findings") else 0


@unit.command("list")
@as_json
@click.pass_obj
def list_(folder: Path, as_json: bool) -> None:
    """列出单元和设备 · units, and the devices they are on.

    \b
    例 · example: wattwitness unit list --json
    """
    book = open_book(folder)
    with book.ledger() as db:
        rows = [
            _row(book, each, units.placements(db), units.devices(db)) | {"version": version_of(db, each.unit)}
            for each in units.units(db).values()
        ]
    if as_json:
        print_json({"units": rows})
    else:
        rows_of(rows, "unit", "grade", "load", "room", "bed", "device", "version")


@unit.command()
@click.argument("name", metavar="UNIT")
@click.option("--room", help="新房间（设备随单元一起搬）· the new room; its device moves with it")
@click.option("--bed", default="", help="新床位 · the new bed")
@click.option("--device", help="换到已有设备上 · on to a device of the inventory")
@click.option("--at", required=True, metavar="INSTANT", help="何时 · when")
@amended.asked
@click.pass_obj
def move(
    folder: Path, name: str, room: str | None, bed: str, device: str | None, at: str, asked: Asked
) -> None:
    """单元换位；补记过去的换位须两人，先列出会改变什么 · a unit goes elsewhere; in the past it takes two persons.

    \b
    例 · example: wattwitness unit move U1 --room 理疗二室 --at 2026-03-02T12:00 --by D01 --and D02
    """
    if (room is None) == (device is None):
        raise UsageError("请给出 --room 或 --device 之一", "name either --room or --device")
    book = open_book(folder)
    at_ms, now_ms = read_instant(at, book.config.zone), book.clock.now_ms()
    spot, told = Spot(room=room, bed=bed, device=device), {"unit": name, "from": iso(at_ms, book.config.zone)}
    with book.ledger() as db:
        wish = Wish(
            lambda db: inventory.put(db, name, spot, at_ms, asked.people, now_ms),
            f"unit {name} -> {device or room} {at}",
            inventory.known_unit(db, name).clinic,
            at_ms,
            told,
            asked,
        )
        amended.begin(book, db, wish)


@unit.command()
@click.argument("name", metavar="UNIT")
@click.option("--at", required=True, metavar="INSTANT", help="何时 · when")
@amended.asked
@click.pass_obj
def retire(folder: Path, name: str, at: str, asked: Asked) -> None:
    """停用单元；设备留在册，此后无人监测 · take a unit out of use; its device stays, unwatched.

    \b
    例 · example: wattwitness unit retire U1 --at 2026-03-31
    """
    book = open_book(folder)
    at_ms = read_instant(at, book.config.zone)
    with book.ledger() as db:
        wish = Wish(
            lambda db: inventory.take_off(db, name, at_ms),
            f"unit {name} retired {at}",
            inventory.known_unit(db, name).clinic,
            at_ms,
            {"unit": name, "retired": iso(at_ms, book.config.zone)},
            asked,
        )
        amended.begin(book, db, wish)


@unit.command()
@click.argument("name", metavar="UNIT")
@click.option(
    "--to", "to_us", required=True, type=click.IntRange(1), metavar="US", help="由此条继续 · goes on here"
)
@click.option("--by", required=True, metavar="WHO", help="谁 · who")
@click.option("--why", required=True, metavar="WHY", help="为何 · why")
@as_json
@click.pass_obj
def skip(folder: Path, name: str, to_us: int, by: str, why: str, as_json: bool) -> int:
    """跳过补不回的缺口；缺口仍是发现，其间按未监测处理 · pass a gap that cannot be filled: it stays a finding, and dark.

    \b
    --to 是缺口之后的第一条 · --to is the first record after the gap
    例 · example: wattwitness unit skip U1 --to 118 --by D01 --why "单元更换存储 · storage replaced"
    """
    book, by, why = open_book(folder), person(by), reason(why)
    with book.ledger() as db:
        inventory.known_unit(db, name)
        outcome = pass_gap(db, name, to_us, by, why, book.clock.now_ms())
    head = outcome.heads[name]
    if as_json:
        print_json(
            {"unit": name, "head": head.us, "findings": [each.document() for each in outcome.findings]}
        )
    else:
        say(
            f"单元 {name} 的链由 {to_us} 继续，现到 {head.us}",
            f"unit {name} goes on at {to_us}, now at {head.us}",
        )
    return 1


def _row(book: Book, unit: Unit, placed: list[Placement], devices: dict[str, Device]) -> dict[str, object]:
    """As `unit list --json` prints a unit."""
    zone = book.config.zone
    here = next((each for each in placed if each.unit == unit.unit and each.until_ms is None), None)
    device = devices[here.device] if here else None
    return {
        "unit": unit.unit,
        "clinic": unit.clinic,
        "grade": unit.grade,
        "plug": unit.plug,
        "key": unit.key_hex,
        "added": iso(unit.added_ms, zone),
        "retired": None if unit.retired_ms is None else iso(unit.retired_ms, zone),
        "device": device and device.device,
        "load": device and device.load,
        "room": device and device.room,
        "bed": device and device.bed,
        "stations": device and device.stations,
        "blind": device and device.blind,
        "from": iso(here.from_ms, zone) if here and here.from_ms else None,
    }
