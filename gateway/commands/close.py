"""`wattwitness close`: a day, or a month of days, is closed: what it rested on is frozen by hash, and what was said."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from gateway import bootstrap, pipeline
from gateway.audit import closing as closings
from gateway.audit import figures as rules_of_leads
from gateway.audit import month as months
from gateway.audit.closing import Closed
from gateway.audit.hours import days
from gateway.bootstrap import Book
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.config import Config
from gateway.errors import UsageError
from gateway.instants import iso, read_day
from gateway.ledger import bills
from gateway.ledger.closings import Closing


@click.command()
@click.argument("day", required=False, metavar="[DAY]")
@click.option(
    "--month", metavar="YYYY-MM", help="整月：逐日关账，再关月账 · each day of a month, then the month"
)
@click.option("--by", default="", metavar="WHO", help="谁 · who")
@click.option(
    "--check", "only_look", is_flag=True, help="只看是否有变化，不关账 · only say whether something changed"
)
@click.option("--source", type=click.Choice(bills.SOURCES), help="谁的账单 · whose bills")
@of_clinic
@as_json
@click.pass_obj
def close(
    folder: Path, day: str | None, month: str | None, by: str, only_look: bool, source: str | None,
    clinic: str | None, as_json: bool,
) -> int:  # fmt: skip
    """日对账、月对账：冻结依据的摘要和核对结果 · close a day or month: inputs by hash, verdicts frozen. Exits 1 if it changed.

    \b
    关账之后又有迟到的记录、收费或更正：再次 close 得到新的编号，列出变化，旧的保留
    例 · examples:
      wattwitness --dir clinic-01 close 2026-03-02 --by D01
      wattwitness --dir clinic-01 close 2026-03-02 --check
      wattwitness --dir clinic-01 close --month 2026-03 --by D01
    """
    if (day is None) == (month is None) or (only_look and day is None):
        raise UsageError("请给出一天，或 --month", "name a day, or a --month")
    book = bootstrap.open_book(folder)
    config = book.of_clinic(clinic)
    with book.ledger() as db:
        whose = source or bills.usual_source(db, config.clinic)
        if day is None:
            return _month(book, db, config, whose, month or "", by, as_json)
        if only_look:
            return _look(book, db, config, whose, read_day(day), as_json)
        found = _close(book, db, config, whose, read_day(day), by)
    _print(book, found, as_json)
    return 1 if found.reopened else 0


def _close(book: Book, db: Database, config: Config, source: str, day: date, by: str) -> Closed:
    chosen = rules_of_leads.read(book.folder)
    return pipeline.close(db, config, day, source, by, book.clock.now_ms(), chosen)


def _look(book: Book, db: Database, config: Config, source: str, day: date, as_json: bool) -> int:
    chosen = rules_of_leads.read(book.folder)
    before, changed = pipeline.compare(db, config, day, source, book.clock.now_ms(), chosen)
    if before is None:
        raise UsageError(f"{day} 还没有关账", f"{day} is not closed")
    if as_json:
        print_json(_document(book, before) | {"new": False, "changed": changed})
    else:
        _tell(before, changed)
    return 1 if changed else 0


def _month(book: Book, db: Database, config: Config, source: str, month: str, by: str, as_json: bool) -> int:
    span = months.month_days(month)
    if span is None:
        raise UsageError(f"月份 {month!r} 无法识别：请写成 2026-03", f"{month!r} is no month: write 2026-03")
    closings.may_close(config, span[1], book.clock.now_ms())
    closed = {str(day): _close(book, db, config, source, day, by) for day in days(*span)}
    found = pipeline.close_month(
        db,
        config,
        {day: each.closing for day, each in closed.items()},
        span,
        source,
        by,
        book.clock.now_ms(),
        rules_of_leads.read(book.folder),
    )
    if as_json:
        days_told = [
            {"day": day, "number": each.closing.number, "new": each.new} for day, each in closed.items()
        ]
        print_json(_document(book, found.closing) | {"new": found.new, "days": days_told})
    else:
        again = [day for day, each in closed.items() if each.reopened]
        for day in again:
            say(f"{day} 有变化，重新关账", f"{day} has changed and was closed anew")
        _tell(found.closing, None)
    return 1 if found.reopened or any(each.reopened for each in closed.values()) else 0


def _print(book: Book, found: Closed, as_json: bool) -> None:
    if as_json:
        print_json(_document(book, found.closing) | {"new": found.new})
        return
    _tell(found.closing, found.closing.body["changed"] if found.reopened else None)


def _document(book: Book, closing: Closing) -> dict[str, Any]:
    told = {
        name: value
        for name, value in asdict(closing).items()
        if name in ("clinic", "source", "number", "by", "sha256")
    }
    return {
        "day": closing.day,
        **told,
        "at": iso(closing.at_ms, book.config.zone),
        "summary": closing.body.get("summary"),
        "changed": closing.body["changed"],
    }


def _tell(closing: Closing, changed: dict[str, Any] | None) -> None:
    click.echo(f"{closing.day}  #{closing.number}  {closing.by}  {closing.sha256}")
    if changed is None:
        say(
            f"{closing.day} 第 {closing.number} 次关账有效",
            f"closing {closing.number} of {closing.day} stands",
        )
        return
    for name, each in changed["inputs"].items():
        click.echo(f"  {name}: +{each['new']} -{each['gone']} ~{each['other']}")
    verdicts, leads = changed["verdicts"], changed["leads"]
    say(
        f"有变化：核对结果 {len(verdicts)} 次，线索 +{len(leads['new'])} −{len(leads['gone'])}",
        f"changed: {len(verdicts)} verdicts, leads +{len(leads['new'])} -{len(leads['gone'])}",
    )
