"""`wattwitness reconcile`: verdicts, coverage and leads of a period, kept in the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import bootstrap, pipeline
from gateway.audit import figures
from gateway.audit.judged import Judged
from gateway.audit.verdicts import CODES
from gateway.bootstrap import Book
from gateway.commands.every_clinic import Task, reconciled
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.commands.period import read_period
from gateway.errors import UsageError
from gateway.ledger import bills
from gateway.pages.words import speak
from gateway.uncollected import uncollected


@click.command()
@click.option("--from", "from_day", required=True, metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", required=True, metavar="DATE", help="截止日 · last day")
@click.option(
    "--source",
    type=click.Choice(bills.SOURCES),
    help="谁的账单，默认诊所自报，没有则平台 · whose bills: by default the clinic's own, else the platform's",
)
@of_clinic
@click.option("--every-clinic", is_flag=True, help="在区平台：所有机构 · at a district: all its clinics")
@as_json
@click.pass_obj
def reconcile(
    folder: Path,
    from_day: str,
    to_day: str,
    source: str | None,
    clinic: str | None,
    every_clinic: bool,
    as_json: bool,
) -> int:
    """核对一段时间的收费与设备记录 · reconcile bills with device time. Exits 1 when there are leads.

    \b
    例 · example: wattwitness --dir clinic-01 reconcile --from 2026-03-02 --to 2026-03-02
    """
    first, last = read_period(from_day, to_day)
    book = bootstrap.open_book(folder)
    if every_clinic:
        if clinic is not None:
            raise UsageError(
                "--clinic 与 --every-clinic 只能用一个", "--clinic and --every-clinic: use one of them"
            )
        return _every(book, Task(folder, first, last, source, book.clock.now_ms(), as_json))
    config, rules = book.of_clinic(clinic), figures.read(folder)
    with uncollected(), book.ledger() as db:
        whose = source or bills.usual_source(db, config.clinic)
        judged = pipeline.settle(db, config, first, last, whose, book.clock.now_ms(), rules)
    if as_json:
        print_json(judged.said)
    else:
        _tell(judged)
    return 1 if judged.found.leads else 0


def _every(book: Book, task: Task) -> int:
    found = []
    for each in reconciled(book, task):
        found.append(each)
        if not task.whole:
            counts = "  ".join(f"{code} {each['summary'][code]}" for code in CODES)
            click.echo(f"{each['clinic']}  {counts}  leads {len(each['leads'])}")
    if task.whole:
        print_json(found)
    return 1 if any(each["leads"] for each in found) else 0


def _tell(judged: Judged) -> None:
    zh, en = speak("zh"), speak("en")
    for code in CODES:
        click.echo(f"{judged.summary[code]:6d}  {zh('verdict.' + code)} · {en('verdict.' + code)}")
    for lead in judged.found.leads:
        click.echo(f"{lead.name}  {lead.zh}\n{'':12}  {lead.en}")
    count = len(judged.found.leads)
    say(
        f"{count} 条线索，供人工核实，不是结论",
        f"{count} leads for a person to review; none is a verdict of guilt",
    )
