"""`wattwitness reconcile`: verdicts, coverage and leads of a period, kept in the ledger."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from gateway import bootstrap, pipeline
from gateway.audit import figures
from gateway.audit.verdicts import CODES
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.errors import UsageError
from gateway.instants import read_day
from gateway.ledger import bills
from gateway.pages.words import speak

_YEARS = range(2000, 2100)


@click.command()
@click.option("--from", "from_day", required=True, metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", required=True, metavar="DATE", help="截止日 · last day")
@click.option(
    "--source",
    type=click.Choice(bills.SOURCES),
    help="谁的账单，默认诊所自报，没有则平台 · whose bills: by default the clinic's own, else the platform's",
)
@of_clinic
@as_json
@click.pass_obj
def reconcile(
    folder: Path, from_day: str, to_day: str, source: str | None, clinic: str | None, as_json: bool
) -> int:
    """核对一段时间的收费与设备记录 · reconcile bills with device time. Exits 1 when there are leads.

    \b
    例 · example: wattwitness --dir clinic-01 reconcile --from 2026-03-02 --to 2026-03-02
    """
    first, last = _period(from_day, to_day)
    book = bootstrap.open_book(folder)
    config, rules = book.of_clinic(clinic), figures.read(folder)
    with book.ledger() as db:
        whose = source or bills.usual_source(db, config.clinic)
        found = pipeline.settle(db, config, first, last, whose, book.clock.now_ms(), rules)
    if as_json:
        print_json(found)
    else:
        _tell(found)
    return 1 if found["leads"] else 0


def _period(from_day: str, to_day: str) -> tuple[date, date]:
    first, last = read_day(from_day), read_day(to_day)
    if last < first:
        raise UsageError(
            f"--to {last} 早于 --from {first}：请对调", f"--to {last} is before --from {first}: swap them"
        )
    for day in (first, last):
        if day.year not in _YEARS:
            raise UsageError(
                f"{day} 不在 2000 至 2099 年之间：请检查日期", f"{day} is not in 2000 to 2099: check it"
            )
    return first, last


def _tell(found: dict[str, Any]) -> None:
    zh, en = speak("zh"), speak("en")
    for code in CODES:
        click.echo(f"{found['summary'][code]:6d}  {zh('verdict.' + code)} · {en('verdict.' + code)}")
    for lead in found["leads"]:
        click.echo(f"{lead['id']}  {lead['zh']}\n{'':12}  {lead['en']}")
    count = len(found["leads"])
    say(
        f"{count} 条线索，供人工核实，不是结论",
        f"{count} leads for a person to review; none is a verdict of guilt",
    )
