"""How a command amends a fact: it shows what that changes, asks a person at a terminal, and then does it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import click
from sqlite_utils import Database

from gateway import amendment
from gateway.amendment import Act, Effect
from gateway.audit import figures
from gateway.bootstrap import Book
from gateway.commands.output import print_json, say
from gateway.ledger.database import transaction
from gateway.pages.words import speak
from gateway.persons import two_persons


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for: an `act` on a `clinic`'s facts as they are from `day` on, by whom, `what` it is in a few
    words, and what the command prints besides (`told`). `only_look`: --dry-run."""

    act: Act
    what: str
    people: tuple[str, str]
    clinic: str
    day: date
    told: dict[str, Any]
    only_look: bool
    as_json: bool


by = click.option("--by", default="", metavar="WHO", help="经手人 · who does it")
second = click.option("--and", "second", default="", metavar="WHO", help="复核人 · who sees it")
dry_run = click.option("--dry-run", is_flag=True, help="只列出会改变什么 · only say what it would change")


def amend(book: Book, db: Database, wish: Wish) -> None:
    """Puts a wrong fact right, always by two persons."""
    two_persons(*wish.people)
    _do(book, db, wish, _effect(book, db, wish), True)


def begin(book: Book, db: Database, wish: Wish) -> None:
    """What begins on that day. It is an amendment, by two persons, where it changes what was said of days that were
    reconciled already."""
    back = wish.only_look or amendment.is_back_dated(db, wish.clinic, wish.day)
    found = _effect(book, db, wish) if back else Effect()
    if found and not wish.only_look:
        two_persons(*wish.people)
    _do(book, db, wish, found, bool(found))


def _effect(book: Book, db: Database, wish: Wish) -> Effect:
    rules, now_ms = figures.read(book.folder), book.clock.now_ms()
    return amendment.effect(db, wish.act, book.config.of_clinic, wish.clinic, wish.day, now_ms, rules)


def _do(book: Book, db: Database, wish: Wish, found: Effect, is_amendment: bool) -> None:
    if not wish.as_json and (is_amendment or wish.only_look):
        tell(found)
    device = None
    if not wish.only_look and _agreed(found, wish.as_json):
        if is_amendment:
            device = amendment.do(db, wish.act, wish.what, wish.people, found, book.clock.now_ms())
        else:
            with transaction(db):
                device = wish.act(db)
    if wish.as_json:
        print_json({"device": device, **wish.told, "done": device is not None, "changes": found.document()})
    elif device:
        say(f"已记入：{wish.what}", f"done: {wish.what}")


def _agreed(found: Effect, as_json: bool) -> bool:
    """Whether the person at the terminal agrees; where nobody sits, the command itself has said so."""
    if not found or as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("更正吗？ · Amend it?", default=False, err=True)


def tell(found: Effect) -> None:
    """What would change, for people."""
    zh, en = speak("zh"), speak("en")
    counts = Counter((each.item, each.was, each.becomes) for each in found.verdicts)
    for (item, *codes), count in sorted(counts.items(), key=str):  # counts: none of a set is singled out
        was, becomes = (f"verdict.{code}" if code else "none" for code in codes)
        click.echo(f"{count:5d}  [{item}]  {zh(was)} → {zh(becomes)} · {en(was)} → {en(becomes)}")
    for sign, leads in (("+", found.new), ("−", found.gone)):
        for lead in leads.values():
            click.echo(f"{sign} {lead.name}  {lead.zh}\n{'':14}  {lead.en}")
    say(
        f"改变核对结果 {len(found.verdicts)} 次，线索 +{len(found.new)} −{len(found.gone)}；请随后重新 reconcile 或 close",
        f"changes {len(found.verdicts)} verdicts, leads +{len(found.new)} -{len(found.gone)}; reconcile or close anew then",
    )
