"""The accounts on their page: made, changed and ended by the administrator, and by nobody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import web
from gateway.access.places import ADMINISTRATOR, MANAGER, NURSE, ROLES
from gateway.bootstrap import Book
from gateway.ledger import people, trail
from tests.support import signed_in
from tests.support.ledgers import in_folder
from tests.support.signed_in import HERE, PASSWORD, known


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = in_folder(tmp_path / "clinic")
    with book.ledger() as db:
        known(db, "N01", NURSE, book.clock.now_ms())
    return book


@pytest.fixture
def client(book: Book) -> TestClient:
    """The administrator, at the page."""
    return signed_in.client(web.app(book, {}), book.folder, ADMINISTRATOR, "A01")


def found(book: Book) -> dict[str, tuple[str, bool]]:
    """Name -> role, and whether the account still is."""
    with book.ledger() as db:
        return {each.name: (each.role, each.until_ms is None) for each in people.people(db)}


def acts(book: Book) -> list[tuple[str, str, str]]:
    with book.ledger() as db:
        told = [(each.who, each.act, each.subject) for each in trail.entries(db)]
    return [each for each in told if each[1].startswith("person.")]


def made_up(page: str) -> str:
    [password] = re.findall(r'<p class="password">([a-z0-9-]{19})</p>', page)
    return password


def enter(book: Book, name: str, password: str) -> int:
    stranger = TestClient(web.app(book, {}), HERE, headers={"origin": HERE}, follow_redirects=False)
    return stranger.post("/sign-in", data={"name": name, "password": password}).status_code


def test_a_new_account_gets_a_made_up_password_that_is_shown_once_and_works(client, book):
    page = client.post("/people/add", data={"name": " D02 ", "role": MANAGER})
    password = made_up(page.text)
    assert "D02 的口令，只显示这一次" in page.text and found(book)["D02"] == (MANAGER, True)
    assert password not in client.get("/people").text
    assert enter(book, "D02", password) == 303
    assert acts(book) == [("A01", "person.add", "person:D02")]


def test_the_page_lists_who_may_sign_in_and_who_no_longer_in_both_languages(client, book):
    client.post("/people/end", data={"name": "N01"})
    page = client.get("/people").text
    page = page.split("<main")[1]
    assert page.index("可以登录") < page.index("A01") < page.index("已停用") < page.index("N01")
    english = client.get("/people?lang=en").text
    assert "May sign in" in english and "Ended" in english
    assert not re.search(r">[^<]*(停用|口令|账号)[^<]*<", english)


def test_a_role_is_changed_and_the_person_has_to_sign_in_again(client, book):
    assert client.post("/people/role", data={"name": "N01", "role": MANAGER}).headers["location"] == "/people"
    assert found(book)["N01"] == (MANAGER, True) and acts(book) == [("A01", "person.role", "person:N01")]


def test_a_new_password_is_made_up_and_the_old_one_is_worth_nothing(client, book):
    password = made_up(client.post("/people/password", data={"name": "N01"}).text)
    assert (enter(book, "N01", PASSWORD), enter(book, "N01", password)) == (403, 303)


def test_ones_own_password_takes_the_present_one(client, book):
    answer = client.post("/people/password", data={"name": "A01"})
    assert answer.headers["location"] == "/password" and acts(book) == []


@pytest.mark.parametrize(
    ("what", "form"), [("end", {"name": "A01"}), ("role", {"name": "A01", "role": NURSE})]
)
def test_the_last_administrator_stays(client, book, what, form):
    answer = client.post(f"/people/{what}?lang=en", data=form)
    assert answer.status_code == 409 and "A01 is the last administrator" in answer.text
    assert found(book)["A01"] == (ADMINISTRATOR, True) and client.get("/people").status_code == 200


@pytest.mark.parametrize(
    ("what", "form"),
    [
        ("add", {"name": "", "role": NURSE}),
        ("add", {"name": "D02", "role": ""}),
        ("add", {"name": "D02", "role": "owner"}),
        ("add", {"name": "n01", "role": NURSE}),
        ("add", {}),
        ("role", {"name": "N01", "role": "owner"}),
        ("role", {"name": "D99", "role": NURSE}),
        ("password", {"name": "D99"}),
        ("end", {"name": "D99"}),
        ("end", {}),
    ],
)
def test_what_makes_no_sense_is_refused_and_shows_no_password(client, book, what, form):
    before = found(book)
    answer = client.post(f"/people/{what}", data=form)
    assert (
        answer.status_code == 409 and 'role="alert"' in answer.text and 'class="password"' not in answer.text
    )
    assert found(book) == before and acts(book) == []


@pytest.mark.parametrize("role", sorted(set(ROLES) - {ADMINISTRATOR}))
def test_nobody_else_sees_or_changes_accounts(book, role):
    other = signed_in.client(web.app(book, {}), book.folder, role, "X01")
    before = found(book)
    assert other.get("/people").status_code == 403 and 'href="/people' not in other.get("/password").text
    for what in ("add", "role", "password", "end"):
        form = {"name": "N01" if what != "add" else "X02", "role": ADMINISTRATOR}
        assert other.post(f"/people/{what}", data=form).status_code == 403
    assert found(book) == before
