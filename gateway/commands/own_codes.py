"""`wattwitness catalogue map` and `unmapped`: what a clinic says of its own codes, and what has no item yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.audit import changes
from gateway.audit.changes import WithoutItem
from gateway.bootstrap import Book, open_book
from gateway.commands.editions import lines_document, tell_lines
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.errors import UsageError
from gateway.instants import iso, read_day
from gateway.money import yuan

_SHOWN = 40
NONE = "none"


@click.command("map")
@click.argument("code")
@click.argument("item")
@click.option("--by", required=True, metavar="WHO", help="经手人 · who says so")
@click.option(
    "--from", "since", metavar="DATE", help="自何日起，默认一直如此 · since when, by default always"
)
@of_clinic
@as_json
@click.pass_obj
def map_(
    folder: Path, code: str, item: str, by: str, since: str | None, clinic: str | None, as_json: bool
) -> None:
    """本机构编码 CODE 即目录第 ITEM 项（none：收回）；已入账的行随之得到项目 · CODE means item ITEM (none: takes that back).

    \b
    例 · example: wattwitness --dir clinic-01 catalogue map LL-001 31 --by D01 --from 2026-01-01
    """
    book = open_book(folder)
    config, number = book.of_clinic(clinic), _item(item)
    day = read_day(since) if since else None
    with book.ledger() as db:
        mapping, done = changes.map_code(
            db, config.clinic, config.zone, code, number, day, by, book.clock.now_ms()
        )
    if as_json:
        about = {"mapping": mapping, "clinic": config.clinic, "code": code, "item": number, "from": since}
        print_json(about | {"lines": lines_document(done)})
        return
    tell_lines(done)
    means_zh = f"即目录第 {number} 项" if number else "不再表示任何项目"
    means_en = f"means item {number}" if number else "says nothing any more"
    say(f"编码 {code} {means_zh}", f"code {code} {means_en}")


def _item(text: str) -> int | None:
    if text.casefold() == NONE:
        return None
    if not text.isascii() or not text.isdigit() or not int(text):
        raise UsageError(
            f"ITEM {text!r} 应为目录序号或 none", f"ITEM {text!r} must be a number of the catalogue, or none"
        )
    return int(text)


@click.command()
@of_clinic
@as_json
@click.pass_obj
def unmapped(folder: Path, clinic: str | None, as_json: bool) -> int:
    """没有项目的收费行：编码、名称、行数、金额；不猜测 · lines without an item, by code and name; nothing is guessed.

    \b
    退出码 1：有的可能是目录项目 · exit code 1: some could be items
    例 · example: wattwitness --dir clinic-01 catalogue unmapped
    """
    book = open_book(folder)
    whose = clinic if book.is_district else book.owner(clinic)
    with book.ledger() as db:
        found = changes.without_item(db, whose, book.zone_of)
    doubtful = [each for each in found if each.candidates]
    if as_json:
        lines, fen = sum(each.called.lines for each in found), sum(each.called.fen for each in found)
        rows = [_document(book, each) for each in found]
        print_json({"lines": lines, "amount": yuan(fen), "unmapped": rows})
    else:
        _tell(found, len(doubtful))
    return 1 if doubtful else 0


def _document(book: Book, each: WithoutItem) -> dict[str, Any]:
    called, zone = each.called, book.config.zone
    return {
        "clinic": called.clinic,
        "source": called.source,
        "code": called.code,
        "own_code": called.own_code,
        "name": called.name,
        "lines": called.lines,
        "amount": yuan(called.fen),
        "first": iso(called.first_ms, zone),
        "last": iso(called.last_ms, zone),
        "candidates": list(each.candidates),
    }


def _tell(found: list[WithoutItem], doubtful: int) -> None:
    for each in found[:_SHOWN]:
        called = each.called
        could = f"  ? {', '.join(map(str, each.candidates))}" if each.candidates else ""
        codes = called.code if called.own_code in ("", called.code) else f"{called.code} ({called.own_code})"
        click.echo(f"{called.lines:6d}  {yuan(called.fen):>12}  {codes}  {called.name}{could}")
    if len(found) > _SHOWN:
        say(f"…… 另有 {len(found) - _SHOWN} 种，见 --json", f"{len(found) - _SHOWN} more, see --json")
    say(
        f"{len(found)} 种编码或名称没有项目，其中 {doubtful} 种可能是目录项目：请用 catalogue map 说明",
        f"{len(found)} codes or names have no item, {doubtful} of them could be one: say which by catalogue map",
    )
