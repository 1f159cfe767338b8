"""`wattwitness lead show ID`: one lead, with all that it rests on."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import bootstrap
from gateway.commands.output import as_json, print_json
from gateway.errors import UsageError
from gateway.ledger import verdicts


@click.group()
def lead() -> None:
    """一条线索 · one lead.

    \b
    例 · example: wattwitness --dir clinic-01 lead show 3f0c9a1b2d4e
    """


@lead.command()
@click.argument("name", metavar="ID")
@as_json
@click.pass_obj
def show(folder: Path, name: str, as_json: bool) -> None:
    """查看一条线索的依据 · show what a lead rests on.

    \b
    例 · example: wattwitness --dir clinic-01 lead show 3f0c9a1b2d4e
    """
    with bootstrap.open_book(folder).ledger() as db:
        found = verdicts.lead(db, name)
    if found is None:
        raise UsageError(f"没有线索 {name}：请看 wattwitness leads", f"no lead {name}: see wattwitness leads")
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['zh']}\n{found['en']}")
    for zh, en, values in (("收费行", "bill lines", found["lines"]), ("记录", "records", found["supplies"])):
        click.echo(f"{zh} · {en} ({len(values)}): {' '.join(values)}")
    for name, start, end in found["dark"]:
        click.echo(f"未监测 · unwatched: {name} {start} - {end}")
