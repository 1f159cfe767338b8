"""What a person is told while something is done over a cable: one line a step, on stderr."""

from __future__ import annotations

from collections.abc import Callable

import click


def step(zh: str, en: str) -> None:
    """One line for people."""
    click.echo(f"{zh} · {en}", err=True)


def progress() -> Callable[[str, int, int], None]:
    """Says how far it is at each tenth."""
    told = [0]

    def tell(what: str, done: int, total: int) -> None:
        tenth = done * 10 // max(1, total)
        if tenth > told[0]:
            told[0] = tenth
            step(f"    {tenth * 10:3} % {what}", f"{done} / {total}")

    return tell
