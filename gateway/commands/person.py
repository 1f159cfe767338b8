"""`wattwitness person`: who may sign in to the pages. The first administrator is made here, on the gateway itself."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from gateway import bootstrap
from gateway.access import accounts, passwords
from gateway.access.places import ROLES
from gateway.bootstrap import Book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.instants import iso
from gateway.ledger import people
from gateway.ledger.people import Person
from gateway.persons import CONSOLE

with_role = click.option(
    "--role", required=True, type=click.Choice(tuple(ROLES)), help="角色 · what they may do"
)
make_up = click.option(
    "--generate", is_flag=True, help="由程序生成口令并打印一次 · make up a password, print it once"
)


@click.group()
def person() -> None:
    """网页的账号：谁能看什么、改什么 · accounts of the pages: who may see and change what.

    \b
    例 · example: wattwitness --dir clinic-01 person add D01 --role administrator
    """


@person.command("add")
@click.argument("name")
@with_role
@make_up
@as_json
@click.pass_obj
def add(folder: Path, name: str, role: str, generate: bool, as_json: bool) -> int:
    """新建账号；口令从终端或标准输入读入 · a new account; the password is asked for, or read from standard input.

    \b
    别人设的口令，第一次登录时必须改。 · A password that somebody else made is changed at the first sign-in.
    例 · example: wattwitness --dir clinic-01 person add D02 --role nurse --generate
    """
    book = bootstrap.open_book(folder)
    password = passwords.made_up() if generate else _asked()
    with book.ledger() as db:
        accounts.add(db, name, role, password, CONSOLE, book.clock.now_ms())
    return _told(name, role, password if generate else None, as_json)


@person.command("list")
@as_json
@click.pass_obj
def list_(folder: Path, as_json: bool) -> int:
    """列出账号 · the accounts.

    \b
    例 · example: wattwitness --dir clinic-01 person list
    """
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        found = people.people(db)
    if as_json:
        print_json({"people": [_document(book, each) for each in found]})
    for each in () if as_json else found:
        ended = "" if each.until_ms is None else f"  已停用 ended {iso(each.until_ms, book.config.zone)}"
        click.echo(f"{each.name:16}  {ROLES[each.role][0]} {each.role}{ended}")
    return 0


@person.command("role")
@click.argument("name")
@with_role
@as_json
@click.pass_obj
def role_(folder: Path, name: str, role: str, as_json: bool) -> int:
    """改角色 · another role.

    \b
    例 · example: wattwitness --dir clinic-01 person role D02 --role manager
    """
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        accounts.change(db, name, role, CONSOLE, book.clock.now_ms())
    return _told(name, role, None, as_json)


@person.command("password")
@click.argument("name")
@make_up
@as_json
@click.pass_obj
def password_(folder: Path, name: str, generate: bool, as_json: bool) -> int:
    """重设口令 · a new password for somebody who forgot theirs.

    \b
    例 · example: wattwitness --dir clinic-01 person password D02 --generate
    """
    book = bootstrap.open_book(folder)
    password = passwords.made_up() if generate else _asked()
    with book.ledger() as db:
        accounts.set_password(db, name, password, CONSOLE, book.clock.now_ms())
        found = people.person(db, name)
    return _told(name, found.role if found else "", password if generate else None, as_json)


@person.command("end")
@click.argument("name")
@as_json
@click.pass_obj
def end(folder: Path, name: str, as_json: bool) -> int:
    """停用账号；做过的事保留 · nobody signs in by it any more; what was done under it stays.

    \b
    例 · example: wattwitness --dir clinic-01 person end D02
    """
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        accounts.end(db, name, CONSOLE, book.clock.now_ms())
        found = people.person(db, name)
    return _told(name, found.role if found else "", None, as_json)


def _asked() -> str:
    """A password typed twice without being shown, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = click.prompt("口令 · password", hide_input=True, err=True)
    if click.prompt("再输一次 · once more", hide_input=True, err=True) != typed:
        raise UsageError("两次输入的口令不一样：请重来", "the two passwords differ: try again")
    return typed


def _told(name: str, role: str, password: str | None, as_json: bool) -> int:
    if as_json:
        print_json({"name": name, "role": role, "password": password})
        return 0
    say(f"{name}：{ROLES[role][0]}", f"{name}: {role}")
    if password is not None:
        click.echo(password)
    return 0


def _document(book: Book, each: Person) -> dict[str, object]:
    said = {name: value for name, value in asdict(each).items() if not name.endswith("_ms")}
    until = None if each.until_ms is None else iso(each.until_ms, book.config.zone)
    return said | {"since": iso(each.since_ms, book.config.zone), "until": until}
