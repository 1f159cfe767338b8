"""How differences between editions of the catalogue, and what became of lines by them, are said: as JSON and to people."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from gateway.audit.editions import Difference
from gateway.audit.reassign import Reassigned
from gateway.commands.output import say

_SHOWN = 20


def difference_document(each: Difference) -> dict[str, Any]:
    """A difference as `--json` prints it; `from` and `to` null where it has no such end."""
    return {
        "item": each.number,
        "from": None if each.first == date.min else each.first.isoformat(),
        "to": None if each.last == date.max else each.last.isoformat(),
        "change": _kind(each),
        "fields": {name: {"was": was, "becomes": becomes} for name, (was, becomes) in each.fields.items()},
    }


def tell_difference(each: Difference) -> None:
    """A difference to people, on stdout: it is what the command was asked for."""
    first = "…" if each.first == date.min else each.first
    last = "…" if each.last == date.max else each.last
    kinds = {"new": "新增 · new", "withdrawn": "撤销 · withdrawn", "changed": "更改 · changed"}
    held = each.after or each.before
    click.echo(f"{each.number:4d}  {held.zh if held else ''}  {first} – {last}  {kinds[_kind(each)]}")
    for name, (was, becomes) in each.fields.items():
        click.echo(f"      {name}: {was} → {becomes}")


def _kind(each: Difference) -> str:
    return "new" if each.before is None else "withdrawn" if each.after is None else "changed"


def lines_document(done: Reassigned) -> dict[str, Any]:
    """What became of lines, as `--json` prints it."""
    counts = {"given": done.given, "moved": done.moved, "taken": done.taken, "counted": done.counted}
    return counts | {"kept": list(done.kept)}


def tell_lines(done: Reassigned) -> None:
    """What became of lines, to people."""
    say(
        f"已入账的收费行：得到项目 {done.given}，改为别的项目 {done.moved}，不再有项目 {done.taken}，次数重算 {done.counted}",
        f"lines told before: {done.given} were given their item, {done.moved} moved to another, {done.taken} have none any"
        f" more, {done.counted} counted anew",
    )
    for line in done.kept[:_SHOWN]:
        say(f"  {line} 的数量不合此项目，仍无项目", "its count does not fit the item: it stays without")
