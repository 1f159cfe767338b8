"""`wattwitness catalogue ...`: the items, their versions, and how two persons change them; a clinic's own codes."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from gateway.audit import catalogue as items_of
from gateway.audit import changes
from gateway.audit.editions import Difference
from gateway.audit.items import Item
from gateway.audit.items import document as item_document
from gateway.audit.windows import longest_window_days
from gateway.bootstrap import Book, open_book
from gateway.commands.editions import difference_document, lines_document, tell_difference, tell_lines
from gateway.commands.output import as_json, print_json, say
from gateway.commands.own_codes import map_, unmapped
from gateway.errors import UsageError
from gateway.instants import iso, read_day
from gateway.ledger import catalogue as ledger
from gateway.ledger.catalogue import Proposal
from gateway.ledger.kept_runs import Run
from gateway.rehearse import Changed, rehearse

_LONGEST_BYTES = 1024 * 1024
_SHOWN = 20  # changed verdicts told to people; --json has all

_JUDGED = {
    "per", "zh", "names", "codes", "min_minutes", "max_minutes", "device_class", "day_max", "course_max",
    "course_days", "valid_days",
}  # fmt: skip
"""Of which fields verdicts speak; the others are for precheck, leads and people."""


@click.group()
def catalogue() -> None:
    """项目目录：版本、双人更改、本机构编码 · the items: versions, changes by two persons, a clinic's own codes.

    \b
    例 · example: wattwitness --dir clinic-01 catalogue list --on 2026-03-02
    """


catalogue.add_command(map_, "map")
catalogue.add_command(unmapped, "unmapped")


@catalogue.command("list")
@click.option("--on", "day", metavar="DATE", help="哪一天，默认今天 · on which day, by default today")
@as_json
@click.pass_obj
def list_(folder: Path, day: str | None, as_json: bool) -> None:
    """某一天有效的项目 · the items in force on a day.

    \b
    例 · example: wattwitness --dir clinic-01 catalogue list --on 2026-03-02
    """
    book = open_book(folder)
    on = read_day(day) if day else date.fromisoformat(iso(book.clock.now_ms(), book.config.zone)[:10])
    with book.ledger() as db:
        held = items_of.in_force(db)
    found = [held.on(on)[number] for number in sorted(held.on(on))]
    if as_json:
        about = {"edition": held.edition, "source": held.source, "on": on.isoformat()}
        print_json(about | {"items": [item_document(each) for each in found]})
        return
    for each in found:
        click.echo(_line(each))
    say(
        f"{on} 有效 {len(found)} 项，第 {held.edition} 版",
        f"{len(found)} items on {on}, edition {held.edition}",
    )


@catalogue.command()
@click.argument("item", type=click.IntRange(1))
@as_json
@click.pass_obj
def show(folder: Path, item: int, as_json: bool) -> None:
    """一个项目的全部版本 · every version of an item.

    \b
    例 · example: wattwitness --dir clinic-01 catalogue show 31
    """
    with open_book(folder).ledger() as db:
        versions = items_of.in_force(db).items.versions(item)
    if not versions:
        raise UsageError(
            f"目录中没有第 {item} 项：请看 wattwitness catalogue list",
            f"the catalogue has no item {item}: see wattwitness catalogue list",
        )
    if as_json:
        print_json({"item": item, "versions": [item_document(each) for each in versions]})
        return
    for each in versions:
        click.echo(f"{_line(each)}\n      {each.en}\n      {each.valid_from or '…'} – {each.valid_to or '…'}")
        for code in each.codes:
            click.echo(f"      {code.code}  {code.system}  {code.status}")


@catalogue.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", required=True, metavar="WHO", help="提议人 · who proposes")
@click.option("--why", required=True, metavar="WHY", help="原因，如文号 · why, like the number of a notice")
@as_json
@click.pass_obj
def propose(folder: Path, file: Path, by: str, why: str, as_json: bool) -> int:
    """提议更改目录：显示差异和会改变的核对结果，尚不生效 · propose a change: shows what it would change; it does not count yet.

    \b
    例 · example: wattwitness --dir clinic-01 catalogue propose tdp-15min.toml --by D01 --why "notice 2026-12"
    """
    book = open_book(folder)
    body = _read(file)
    with book.ledger() as db:
        number, differences = changes.propose(db, body, file.name, by, why, book.clock.now_ms())
        changed = _rehearsed(book, db, number, differences)
    if as_json:
        print_json({"proposal": number} | _document(differences, changed))
    else:
        _tell(differences, changed)
        say(f"提议第 {number} 号，须由另一人批准", f"proposal {number}; another person approves it")
    return 0


@catalogue.command()
@click.argument("number", metavar="N", type=click.IntRange(1))
@click.option(
    "--by", required=True, metavar="WHO", help="批准人，不是提议人 · who approves, not who proposed"
)
@as_json
@click.pass_obj
def approve(folder: Path, number: int, by: str, as_json: bool) -> int:
    """批准一项提议（双人核对）；请随后重新 reconcile · approve a proposal of another person. Reconcile anew afterwards.

    \b
    例 · example: wattwitness --dir clinic-01 catalogue approve 1 --by D02
    """
    book = open_book(folder)
    with book.ledger() as db:
        found, differences = changes.shown(db, number)
        changes.another(found, by)  # or nothing needs to be rehearsed
        changed = _rehearsed(book, db, number, differences)
        edition, lines = changes.approve(db, number, by, book.clock.now_ms(), book.zone_of)
    if as_json:
        about = {"proposal": number, "edition": edition, "lines": lines_document(lines)}
        print_json(about | _document(differences, changed))
    else:
        _tell(differences, changed)
        tell_lines(lines)
        say(f"已批准，目录为第 {edition} 版", f"approved: this is edition {edition}")
    return 0


@catalogue.command()
@click.argument("number", metavar="[N]", type=click.IntRange(1), required=False)
@as_json
@click.pass_obj
def proposals(folder: Path, number: int | None, as_json: bool) -> None:
    """列出提议和批准；给出 N：那一项的内容与差异 · proposals and approvals; with N one of them, with what it says.

    \b
    例 · example: wattwitness --dir clinic-01 catalogue proposals 1
    """
    book = open_book(folder)
    with book.ledger() as db:
        told = [changes.shown(db, number)] if number else [(each, []) for each in ledger.proposals(db)]
    if as_json:
        rows = [_proposal(book, each, found, whole=number is not None) for each, found in told]
        print_json({"proposals": rows})
        return
    for each, differences in told:
        state = f"第 {each.edition} 版 · edition {each.edition}" if each.edition else "未批准 · not approved"
        click.echo(
            f"{each.proposal:4d}  {each.by} → {each.approved_by or '-'}  {state}  {each.name}  {each.why}"
        )
        if number:
            click.echo(each.body, nl=False)
        for one in differences:
            tell_difference(one)


# --- what would change -------------------------------------------------------------------------------------------


def _rehearsed(book: Book, db: Database, number: int, differences: list[Difference]) -> list[Changed]:
    """The treatments of kept runs of which another thing would be said. Runs of other days cannot change."""
    spans = [
        (each.first, each.last) for each in differences if not each.fields or _JUDGED & each.fields.keys()
    ]
    items = [each for one in differences for each in (one.before, one.after) if each]
    margin = timedelta(days=longest_window_days(items))
    found = ledger.proposal(db, number)

    def concerned(run: Run) -> bool:
        first, last = date.fromisoformat(run.from_day), date.fromisoformat(run.to_day)
        return run.clinic in _known(book) and any(
            start <= last + margin and first - margin <= end for start, end in spans
        )

    def act(db: Database) -> object:
        return changes.lay(db, found, "-", 0, book.zone_of) if found else None

    return rehearse(db, act, book.config.of_clinic, book.clock.now_ms(), concerned)


def _known(book: Book) -> set[str]:
    return {book.config.clinic, *book.config.clinics}


# --- words -------------------------------------------------------------------------------------------------------


def _document(differences: list[Difference], changed: list[Changed]) -> dict[str, Any]:
    return {
        "differences": [difference_document(each) for each in differences],
        "verdicts": [
            {
                "run": each.run.run,
                "clinic": each.run.clinic,
                "source": each.run.source,
                "line": each.line,
                "index": each.index,
                "item": each.item,
                "was": each.was,
                "becomes": each.becomes,
            }
            for each in changed
        ],
    }


def _tell(differences: list[Difference], changed: list[Changed]) -> None:
    for each in differences:
        tell_difference(each)
    for one in changed[:_SHOWN]:
        click.echo(f"  {one.run.clinic} {one.line}#{one.index}: {one.was or '-'} → {one.becomes or '-'}")
    if len(changed) > _SHOWN:
        say(f"  …… 另有 {len(changed) - _SHOWN} 次，见 --json", f"{len(changed) - _SHOWN} more, see --json")
    say(
        f"会改变 {len({each.run.run for each in changed})} 次核对中的 {len(changed)} 个结果",
        f"{len(changed)} kept verdicts would be others",
    )


def _proposal(book: Book, each: Proposal, found: list[Difference], *, whole: bool) -> dict[str, Any]:
    zone = book.config.zone
    row = {
        "proposal": each.proposal,
        "by": each.by,
        "why": each.why,
        "at": iso(each.at_ms, zone),
        "name": each.name,
        "edition": each.edition,
        "approved_by": each.approved_by,
        "approved_at": None if each.approved_ms is None else iso(each.approved_ms, zone),
    }
    return (
        row | {"body": each.body, "differences": [difference_document(one) for one in found]}
        if whole
        else row
    )


def _line(each: Item) -> str:
    minutes = f"{each.min_minutes}–{each.max_minutes} min"
    return f"{each.number:4d}  {each.zh}  {each.per}  {minutes}  {each.device_class}"


def _read(path: Path) -> str:
    try:
        body = path.read_bytes()
        if len(body) > _LONGEST_BYTES:
            raise UsageError(f"{path} 过大", f"{path} is too large")
        return body.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"不能读取 {path}：{error.strerror}", f"cannot read {path}: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} 不是 UTF-8：请另存", f"{path} is not in UTF-8: save it so") from error
