"""`wattwitness leads`: what the newest reconciliation of each day asks a person to look at, and how each lead stands."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import bootstrap
from gateway.audit import outcomes, review
from gateway.commands.lead import lead_document
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.instants import local_day, read_day
from gateway.pages.words import speak


@click.command()
@click.option("--from", "from_day", default="1970-01-01", metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", default="9999-12-31", metavar="DATE", help="截止日 · last day")
@click.option("--state", type=click.Choice(outcomes.STATES), help="只列这种状态 · only those that stand so")
@of_clinic
@as_json
@click.pass_obj
def leads(
    folder: Path, from_day: str, to_day: str, state: str | None, clinic: str | None, as_json: bool
) -> None:
    """列出线索和办理状态 · list the leads and how each stands.

    \b
    例 · example: wattwitness --dir clinic-01 leads --from 2026-03-01 --to 2026-03-31 --state open
    """
    first, last = read_day(from_day), read_day(to_day)
    book = bootstrap.open_book(folder)
    today = local_day(book.clock.now_ms(), book.config.zone)
    with book.ledger() as db:
        found = [
            (each, now)
            for each, now in review.listed(db, str(first), str(last), clinic, today)
            if state in (None, now.state)
        ]
    if as_json:
        print_json([lead_document(each) | {"review": now.document()} for each, now in found])
        return
    zh, en = speak("zh"), speak("en")
    for each, now in found:
        stands = zh("state." + now.state) + (zh("overdue") if now.overdue else "")
        click.echo(f"{each.lead}  {each.rule:12}  {stands}  {each.body['zh']}")
        click.echo(f"{'':12}  {'':12}  {en('state.' + now.state)}  {each.body['en']}")
    say(f"{len(found)} 条线索", f"{len(found)} leads")
