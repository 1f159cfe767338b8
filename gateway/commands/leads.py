"""`wattwitness leads`: what the newest reconciliation of each day asks a person to look at."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import bootstrap
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.instants import read_day
from gateway.ledger import verdicts


@click.command()
@click.option("--from", "from_day", default="1970-01-01", metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", default="9999-12-31", metavar="DATE", help="截止日 · last day")
@of_clinic
@as_json
@click.pass_obj
def leads(folder: Path, from_day: str, to_day: str, clinic: str | None, as_json: bool) -> None:
    """列出线索 · list the leads.

    \b
    例 · example: wattwitness --dir clinic-01 leads --from 2026-03-01 --to 2026-03-31
    """
    first, last = read_day(from_day), read_day(to_day)
    with bootstrap.open_book(folder).ledger() as db:
        found = verdicts.newest_leads(db, str(first), str(last), clinic)
    if as_json:
        print_json(found)
        return
    for lead in found:
        click.echo(f"{lead['id']}  {lead['rule']:12}  {lead['zh']}\n{'':12}  {'':12}  {lead['en']}")
    say(f"{len(found)} 条线索", f"{len(found)} leads")
