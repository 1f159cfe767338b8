"""`wattwitness person`: accounts made on the gateway itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.__main__ import wattwitness
from gateway.access import sign_ins
from gateway.bootstrap import Book
from gateway.errors import UsageError
from gateway.ledger import trail
from tests.support.ledgers import in_folder


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return in_folder(tmp_path / "clinic")


def person(book: Book, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(wattwitness, ["--dir", str(book.folder), "person", *arguments], input=typed)


def told(book: Book, *arguments: str, typed: str = "") -> Any:
    return json.loads(person(book, *arguments, "--json", typed=typed).stdout)


def is_let_in(book: Book, name: str, password: str) -> bool:
    with book.ledger() as db:
        return sign_ins.sign_in(db, name, password, "127.0.0.1", book.clock.now_ms()) is not None


def test_the_first_administrator_is_made_with_a_password_from_standard_input(book):
    made = told(book, "add", "A01", "--role", "administrator", typed="a long password\n")
    assert made == {"name": "A01", "role": "administrator", "password": None}
    assert is_let_in(book, "A01", "a long password")
    with book.ledger() as db:
        assert [(each.who, each.act) for each in trail.entries(db)][:1] == [("console", "person.add")]


def test_a_made_up_password_is_printed_once_and_has_to_be_changed(book):
    made = told(book, "add", "D02", "--role", "nurse", "--generate")
    assert is_let_in(book, "D02", made["password"])
    [listed] = told(book, "list")["people"]
    assert listed["is_first"] and made["password"] not in json.dumps(listed)


def test_whoever_forgot_a_password_gets_another_and_the_old_one_is_worth_nothing(book):
    before = told(book, "add", "D02", "--role", "nurse", "--generate")["password"]
    after = told(book, "password", "D02", "--generate")["password"]
    assert (is_let_in(book, "D02", before), is_let_in(book, "D02", after)) == (False, True)


def test_an_account_that_ended_stays_in_the_list(book):
    told(book, "add", "D02", "--role", "nurse", "--generate")
    told(book, "end", "D02")
    assert "已停用 ended" in person(book, "list").stdout


@pytest.mark.parametrize("what", [["end", "A01"], ["role", "A01", "--role", "manager"]])
def test_not_even_the_console_takes_away_the_last_administrator(book, what):
    told(book, "add", "A01", "--role", "administrator", "--generate")
    refused = person(book, *what)
    assert isinstance(refused.exception, UsageError) and "make another one first" in refused.exception.en
    told(book, "add", "A02", "--role", "administrator", "--generate")
    assert person(book, *what).exit_code == 0


@pytest.mark.parametrize(
    "what",
    [
        ["add", "D02", "--role", "owner", "--generate"],
        ["add", "", "--role", "nurse", "--generate"],
        ["end", "D99"],
        ["password", "D99", "--generate"],
    ],
)
def test_what_makes_no_sense_changes_nothing(book, what):
    assert person(book, *what).exit_code != 0
    assert told(book, "list") == {"people": []}


def test_a_password_too_short_makes_no_account(book):
    assert isinstance(person(book, "add", "D02", "--role", "nurse", typed="short\n").exception, UsageError)
    assert told(book, "list") == {"people": []}
