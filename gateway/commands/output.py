"""How every command speaks: one JSON document on stdout when asked for, words for people otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from gateway.audit import catalogue, posts

as_json = click.option(
    "--json", "as_json", is_flag=True, help="只输出一个 JSON · one JSON document on stdout"
)

of_clinic = click.option("--clinic", metavar="ID", help="在区平台：哪个机构 · at a district: which clinic")


def print_json(document: Any) -> None:
    """One JSON document on stdout, Chinese unescaped."""
    click.echo(json.dumps(document, ensure_ascii=False))


def say(zh: str, en: str) -> None:
    """One line for people, on stderr."""
    click.echo(f"{zh} · {en}", err=True)


def printable(text: str) -> str:
    """A text of strangers for a terminal: what would steer it, turn lines round or end them is shown by its number."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def rows_of(rows: Iterable[Mapping[str, Any]], *names: str) -> None:
    """A line for each row, for people, on stdout: these of its values."""
    for row in rows:
        click.echo("  ".join(str(row[name] or "-") for name in names))


def warn_of_load(load: str | None) -> None:
    """A device class that no item asks for is allowed, and may be a slip."""
    known = sorted({item.device_class for item in catalogue.read().items.values() if not item.attended})
    if load is not None and load not in known and not posts.is_post(load):
        say(
            f"注意：目录中没有项目使用设备类别 {load}（有 {'、'.join(known)}）",
            f"note: no item of the catalogue uses device class {load} (there are {', '.join(known)})",
        )
