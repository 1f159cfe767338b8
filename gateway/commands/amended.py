"""How a command amends a fact: it shows what that changes, asks a person at a terminal, and then does it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from sqlite_utils import Database

from gateway import amendment
from gateway.amendment import Act, Effect
from gateway.audit import figures
from gateway.bootstrap import Book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.instants import local_day
from gateway.ledger import trail
from gateway.ledger.database import transaction
from gateway.pages.words import speak
from gateway.persons import person, two_persons, whoever


@dataclass(frozen=True, slots=True)
class Asked:
    """By whom, whether only to see what would change (--dry-run), and how to answer."""

    people: tuple[str, str]
    only_look: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for: an `act` on a `clinic`'s facts as they are from `from_ms` on, `what` it is in a few words,
    and what the command prints besides (`told`; the act may add to it)."""

    act: Act
    what: str
    clinic: str
    from_ms: int
    told: dict[str, Any]
    asked: Asked


_OPTIONS = (
    as_json,
    click.option(
        "--dry-run", "only_look", is_flag=True, help="只列出会改变什么 · only say what it would change"
    ),
    click.option("--and", "second", default="", metavar="WHO", help="复核人 · who sees it"),
    click.option("--by", default="", metavar="WHO", help="经手人 · who does it"),
)


def asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options of an amendment, as one argument `asked`."""

    @wraps(command)
    def with_people(
        *arguments: Any, by: str, second: str, only_look: bool, as_json: bool, **options: Any
    ) -> Any:
        return command(*arguments, asked=Asked((by, second), only_look, as_json), **options)

    for option in _OPTIONS:
        with_people = option(with_people)
    return with_people


def amend(book: Book, db: Database, wish: Wish) -> str | None:
    """Puts a wrong fact right, always by two persons; the device, None where it was not done."""
    two_persons(*wish.asked.people)
    return _do(book, db, wish, _effect(book, db, wish), True)


def begin(book: Book, db: Database, wish: Wish) -> str | None:
    """What begins at that time; the device, None where it was not done. It is an amendment, by two persons, where it changes
    what was said of days that were reconciled already."""
    day = local_day(wish.from_ms, book.config.zone)
    back = wish.asked.only_look or amendment.is_back_dated(db, wish.clinic, day)
    found = _effect(book, db, wish) if back else Effect()
    if found and not wish.asked.only_look:
        _check_people(wish.asked.people, found)
    return _do(book, db, wish, found, bool(found))


def _check_people(people: tuple[str, str], found: Effect) -> None:
    """That it takes two may surprise whoever only wanted to enter something new: it is said why."""
    try:
        two_persons(*people)
    except UsageError as error:
        changes = len(found.verdicts), len(found.new) + len(found.gone)
        raise UsageError(
            "这会改变已核对的日子（核对结果 {} 次、线索 {} 条），未作改动：{}；先用 --dry-run 看，或写明它自何时起".format(
                *changes, error.zh
            ),
            "nothing was changed, for it changes days that were reconciled ({} verdicts, {} leads): {}; look by --dry-run first, or"
            " say since when it holds".format(*changes, error.en),
        ) from None


def _effect(book: Book, db: Database, wish: Wish) -> Effect:
    rules, now_ms = figures.read(book.folder), book.clock.now_ms()
    day = local_day(wish.from_ms, book.config.zone)
    return amendment.effect(db, wish.act, book.config.of_clinic, wish.clinic, day, now_ms, rules)


def _do(book: Book, db: Database, wish: Wish, found: Effect, is_amendment: bool) -> str | None:
    how = wish.asked
    if not how.as_json and (is_amendment or how.only_look):
        tell(found)
    device = None
    if not how.only_look and _agreed(found, how.as_json):
        device = (
            amendment.do(db, wish.act, wish.what, how.people, found, book.clock.now_ms())
            if is_amendment
            else _enter(book, db, wish)
        )
    if how.as_json:
        print_json({"device": device, **wish.told, "done": device is not None, "changes": found.document()})
    elif device:
        say(f"已记入：{wish.what}", f"done: {wish.what}")
    return device


def _enter(book: Book, db: Database, wish: Wish) -> str:
    """What changes nothing that was said before, by whom too."""
    by, second = wish.asked.people
    with transaction(db):
        device = wish.act(db)
        body = {"what": wish.what} | ({"and": person(second, "--and")} if second.strip() else {})
        trail.note(db, book.clock.now_ms(), whoever(by), "inventory", f"device:{device}", body)
    return device


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
