"""`wattwitness attended ...`: what people recorded of treatments: list, later entries, corrections, tokens of visits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from gateway.audit import catalogue
from gateway.bootstrap import Book, open_book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.instants import iso, midnight_ms, read_day, read_instant
from gateway.ledger import attended as entries
from gateway.ledger.attended import DONE, STOPPED, UNDONE, Entry
from gateway.nurse import attend, visits
from gateway.nurse.attend import Act, Details, Treated, When
from gateway.nurse.tokens import open_tag_key

_WHO = click.option("--by", required=True, metavar="WHO", help="谁登记 · who enters it")
_WHY = click.option(
    "--why", default="", metavar="WHY", help="为何补登或更正 · why it comes later, or is corrected"
)
_OUTCOMES = click.Choice([DONE, STOPPED, UNDONE])


def _about(function: Callable[..., None]) -> Callable[..., None]:
    """What a record says besides its visit, item, times and outcome."""
    for option in (
        click.option("--body-part", metavar="TEXT", help="部位 · part of the body"),
        click.option("--cups", type=int, metavar="N", help="罐数 · cups"),
        click.option("--acupoints", type=int, metavar="N", help="穴位数 · acupoints"),
        click.option("--reason", metavar="TEXT", help="中止或未做的原因 · why stopped or not done"),
        click.option("--practitioner", metavar="WHO", help="操作者 · who performed it"),
        click.option("--room", metavar="R", help="房间 · room"),
        click.option("--line", metavar="LINE", help="收费行 · bill line"),
    ):
        function = option(function)
    return function


@click.group()
def attended() -> None:
    """人工登记的治疗（C 级） · treatments that people record (grade C).

    \b
    例 · example: wattwitness --dir clinic-01 attended list --from 2026-03-02
    """


@attended.command("list")
@click.option("--from", "from_day", metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", metavar="DATE", help="截止日 · last day")
@click.option("--visit", metavar="VISIT", help="一次就诊，含被取代的登记 · one visit, with what was replaced")
@as_json
@click.pass_obj
def list_(folder: Path, from_day: str | None, to_day: str | None, visit: str | None, as_json: bool) -> None:
    """列出登记 · list the records.

    \b
    例 · example: wattwitness attended list --visit 2026030200071 --json
    """
    book = open_book(folder)
    with book.ledger() as db:
        clinic = book.config.clinic
        if visit is not None:
            threads = dict.fromkeys(each.thread for each in entries.of_visits(db, clinic, [visit]))
            found = [each for thread in threads for each in entries.thread(db, thread)]
        else:
            found = entries.between(db, clinic, *_days(book, from_day, to_day))
    if as_json:
        print_json({"entries": [_document(book, each) for each in found]})
        return
    for each in found:
        click.echo(_sentence(book, each))
    say(f"{len(found)} 条登记", f"{len(found)} entries")


@attended.command()
@click.option("--visit", required=True, metavar="VISIT", help="就诊 · visit")
@click.option(
    "--item", "number", required=True, type=int, metavar="N", help="目录项号 · item of the catalogue"
)
@click.option("--began", metavar="INSTANT", help="何时开始 · when it began")
@click.option("--ended", metavar="INSTANT", help="何时结束 · when it ended")
@click.option("--outcome", type=_OUTCOMES, default=DONE, show_default=True, help="结果 · outcome")
@_about
@_WHO
@_WHY
@as_json
@click.pass_obj
def add(
    folder: Path, visit: str, number: int, began: str | None, ended: str | None, outcome: str, by: str,
    why: str, as_json: bool, **about: Any,
) -> None:  # fmt: skip
    """事后补登一次治疗，或登记未做待退 · enter a treatment afterwards, or that one is not done.

    \b
    例 · example:
      wattwitness attended add --visit 2026030200071 --item 16 --began 2026-03-02T09:45 \\
        --ended 2026-03-02T10:07 --acupoints 9 --by D01 --why 断网
    """
    book = open_book(folder)
    with book.ledger() as db:
        items = catalogue.in_force(db).items
        if number not in items:
            raise UsageError(f"目录中没有第 {number} 项", f"the catalogue has no item {number}")
        said = (about["line"] or "", about["room"] or "", about["practitioner"] or by)
        treated, act = Treated(visit, items[number], *said), _act(book, by)
        if outcome == UNDONE:
            kept = attend.undone(db, act, treated, about["reason"] or "")
        else:
            details = Details(about["acupoints"], about["cups"], about["body_part"] or "")
            stopped = about["reason"] or ""
            kept = attend.add(db, act, treated, _when(book, began, ended), details, why, outcome, stopped)
    _done(book, kept, as_json)


@attended.command()
@click.argument("entry", type=int, metavar="ENTRY")
@click.option("--visit", metavar="VISIT", help="就诊 · visit")
@click.option("--item", type=int, metavar="N", help="目录项号 · item of the catalogue")
@click.option("--began", metavar="INSTANT", help="何时开始 · when it began")
@click.option("--ended", metavar="INSTANT", help="何时结束 · when it ended")
@click.option("--outcome", type=_OUTCOMES, help="结果 · outcome")
@_about
@_WHO
@_WHY
@as_json
@click.pass_obj
def correct(
    folder: Path, entry: int, began: str | None, ended: str | None, by: str, why: str, as_json: bool,
    **changes: Any,
) -> None:  # fmt: skip
    """更正一条登记；两条都保留 · correct a record; both are kept.

    \b
    例 · example: wattwitness attended correct 7 --ended 2026-03-02T10:02 --by D02 --why 忘记结束
    """
    book = open_book(folder)
    said = {name: value for name, value in changes.items() if value is not None}
    for name, text in (("began_ms", began), ("ended_ms", ended)):
        if text is not None:
            said[name] = read_instant(text, book.config.zone)
    with book.ledger() as db:
        kept = attend.correct(db, _act(book, by), entry, catalogue.in_force(db).items, said, why)
    _done(book, kept, as_json)


@attended.command()
@click.argument("entry", type=int, metavar="ENTRY")
@_WHO
@_WHY
@as_json
@click.pass_obj
def withdraw(folder: Path, entry: int, by: str, why: str, as_json: bool) -> None:
    """撤销误登；记录保留 · withdraw a record that was a mistake; it stays.

    \b
    例 · example: wattwitness attended withdraw 7 --by D01 --why 误点
    """
    book = open_book(folder)
    with book.ledger() as db:
        kept = attend.withdraw(db, _act(book, by), entry, why)
    _done(book, kept, as_json)


@attended.command()
@click.argument("visit", metavar="VISIT")
@_WHO
@as_json
@click.pass_obj
def token(folder: Path, visit: str, by: str, as_json: bool) -> None:
    """为一次就诊发一个随机标签；只显示这一次 · issue a random token for a visit; it is shown this once.

    \b
    例 · example: wattwitness attended token 2026030200071 --by D09
    """
    book = open_book(folder)
    key = open_tag_key(folder)
    with book.ledger() as db:
        made = visits.issue_token(db, _act(book, by), key, visit)
    if as_json:
        print_json({"visit": visit, "token": made})
    else:
        click.echo(made)


def _act(book: Book, by: str) -> Act:
    if book.is_district:
        raise UsageError("登记在诊所的账本里做", "treatments are recorded in the clinic's own ledger")
    return Act(book.config.clinic, by, book.clock.now_ms())


def _days(book: Book, from_day: str | None, to_day: str | None) -> tuple[int, int]:
    zone = book.config.zone
    until_ms = midnight_ms(read_day(to_day) + timedelta(days=1), zone) if to_day else 1 << 62
    return midnight_ms(read_day(from_day), zone) if from_day else 0, until_ms


def _when(book: Book, began: str | None, ended: str | None) -> When:
    if began is None or ended is None:
        raise UsageError("请写明 --began 和 --ended", "say --began and --ended")
    return When(read_instant(began, book.config.zone), read_instant(ended, book.config.zone))


def _done(book: Book, kept: Entry, as_json: bool) -> None:
    if as_json:
        print_json(_document(book, kept))
    else:
        click.echo(_sentence(book, kept))


def _document(book: Book, each: Entry) -> dict[str, Any]:
    said = asdict(each)
    zone = book.config.zone
    for name in ("began", "ended", "entered"):
        at_ms = said.pop(f"{name}_ms")
        said[name] = None if at_ms is None else iso(at_ms, zone)
    return said | {"later": bool(each.later)}


def _sentence(book: Book, each: Entry) -> str:
    zone = book.config.zone
    ended = iso(each.ended_ms, zone)[11:16] if each.ended_ms is not None else "     "
    times = f"{iso(each.began_ms, zone)[:16]}-{ended}"
    said = (
        f"{each.entry:5d}",
        times,
        f"{each.item:2d}",
        each.visit,
        each.outcome,
        each.practitioner,
        each.how,
    )
    return "  ".join((*said, *filter(None, (each.reason, each.why))))
