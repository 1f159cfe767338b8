"""Signing in over HTTP, before every address that a gateway serves: who gets in, who does not, and what is left of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from gateway import web
from gateway.access import accounts
from gateway.access.places import ADMINISTRATOR, DISPLAY, INSPECTOR, MANAGER, NURSE
from gateway.access.sign_ins import WITHIN_MS
from gateway.bootstrap import Book
from gateway.check import recheck
from gateway.clock import Clock
from gateway.ledger import people, trail
from gateway.pages.guard import COOKIE
from gateway.pages.headers import HEADERS
from tests.support.ledgers import in_folder
from tests.support.signed_in import HERE, PASSWORD, enter, known

NOW_MS = 1_772_420_400_000
HOUR_MS = 3_600_000
WRONG = "wrong wrong wrong"
OURS = {"origin": HERE}
FIRST = {MANAGER: "/day", NURSE: "/nurse", DISPLAY: "/board", INSPECTOR: "/inspect", ADMINISTRATOR: "/day"}


class Hand(Clock):
    """A clock that is moved by hand."""

    at_ms = NOW_MS

    def now_ms(self) -> int:
        return Hand.at_ms


@pytest.fixture(autouse=True)
def hand() -> type[Hand]:
    Hand.at_ms = NOW_MS
    return Hand


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A clinic with an account of each role."""
    book = replace(in_folder(tmp_path / "clinic"), clock=Hand())
    with book.ledger() as db:
        for name, role in (
            ("A01", ADMINISTRATOR),
            ("M01", MANAGER),
            ("N01", NURSE),
            ("Q01", INSPECTOR),
            ("W01", DISPLAY),
        ):
            known(db, name, role, NOW_MS)
    return book


@pytest.fixture
def app(book: Book) -> FastAPI:
    return web.app(book, {})


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """A browser in front of our pages."""
    return browser(app)


def browser(app: FastAPI, **headers: str) -> TestClient:
    return TestClient(app, HERE, headers=OURS | headers, follow_redirects=False)


def enter_as(client: TestClient, name: str, password: str = PASSWORD, to: str = "", lang: str = "zh"):
    return client.post(f"/sign-in?lang={lang}", data={"name": name, "password": password, "to": to})


def acts(book: Book, act: str) -> list[trail.Entry]:
    with book.ledger() as db:
        return [each for each in trail.entries(db) if each.act == act]


def whole_trail(book: Book) -> list[str]:
    with book.ledger() as db:
        return [each.hash for each in trail.entries(db)]


# --- in and out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role"), [("M01", MANAGER), ("N01", NURSE), ("W01", DISPLAY), ("Q01", INSPECTOR)]
)
def test_each_role_is_brought_to_its_first_page(client, name, role):
    assert enter_as(client, name).headers["location"] == "/"
    assert client.get("/").headers["location"] == FIRST[role]
    assert client.get("/?lang=en").headers["location"] == f"{FIRST[role]}?lang=en"


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client):
    kept = enter_as(client, "M01").headers["set-cookie"]
    assert (
        kept.startswith(f"{COOKIE}=") and "HttpOnly" in kept and "SameSite=lax" in kept and "Path=/" in kept
    )
    assert "Max-Age" not in kept and "Domain" not in kept, "a person's browser forgets it when it is closed"
    assert "Max-Age=34560000" in enter_as(client, "W01").headers["set-cookie"], "a display's does not"


def test_who_signs_out_is_out_and_the_browser_forgets(client, book):
    enter_as(client, "M01")
    kept = client.cookies[COOKIE]
    answer = client.post("/sign-out")
    assert answer.headers["location"] == "/sign-in" and COOKIE not in client.cookies
    client.cookies.set(COOKIE, kept)
    assert client.get("/month").status_code == 303
    assert [each.who for each in acts(book, "sign_out")] == ["M01"]


def test_the_wrong_password_says_no_more_than_the_wrong_name(client):
    wrong, unknown = enter_as(client, "M01", WRONG), enter_as(client, "M99", WRONG)
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace("M01", "M99") == unknown.text and "账号或口令不对" in wrong.text
    assert PASSWORD not in wrong.text and WRONG not in wrong.text


def test_while_there_is_no_account_the_page_says_how_the_first_is_made(tmp_path, client):
    empty = in_folder(tmp_path / "empty")
    assert "person add NAME --role administrator" in browser(web.app(empty, {})).get("/sign-in").text
    assert "person add" not in client.get("/sign-in").text


def test_too_many_wrong_passwords_close_a_name_for_a_quarter_of_an_hour(client, hand):
    for _ in range(5):
        assert enter_as(client, "M01", WRONG).status_code == 403
    refused = enter_as(client, "M01", lang="en")
    assert (
        refused.status_code == 429
        and "quarter of an hour" in refused.text
        and "set-cookie" not in refused.headers
    )
    assert enter_as(client, "N01").status_code == 303
    hand.at_ms += WITHIN_MS
    assert enter_as(client, "M01").status_code == 303


# --- where one is brought to ------------------------------------------------------------------------------------------


def test_whoever_comes_by_a_link_is_brought_there_after_signing_in(client):
    asked = client.get("/month?of=2026-03&lang=en").headers["location"]
    assert asked == "/sign-in?to=%2Fmonth%3Fof%3D2026-03%26lang%3Den&lang=en"
    assert 'value="/month?of=2026-03&amp;lang=en"' in client.get(asked).text
    assert enter_as(client, "M01", to="/month?of=2026-03").headers["location"] == "/month?of=2026-03"


ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "http://evil.example",
    "https:evil.example",
    "evil.example",
    "javascript:alert(1)",
    "/%09/evil.example",
    "/\t/evil.example",
    "/a\r\nSet-Cookie: x=1",
    "/a\\..\\..\\evil",
    " //evil.example",
    "/",
    "",
)


@pytest.mark.parametrize("to", ELSEWHERE)
def test_nobody_is_brought_anywhere_else(client, to):
    answer = enter_as(client, "M01", to=to)
    assert answer.headers["location"] == "/" and answer.status_code == 303
    assert len(answer.headers.get_list("set-cookie")) == 1


# --- cookies that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forged", ["x" * 43, "", "M01", "..", '"', "1; ww=2", "%00"])
def test_a_forged_cookie_sees_nothing_and_is_in_the_trail(app, book, forged):
    stranger = browser(app, cookie=f"{COOKIE}={forged}")
    answer = stranger.get("/month?of=2026-03")
    assert answer.headers["location"].startswith("/sign-in?to=") and answer.content == b""
    told = [(each.who, each.subject, each.body["why"]) for each in acts(book, "refused")]
    assert told == ([("?", "/month", "token")] if forged else [])


def test_a_sign_in_that_has_lived_its_time_is_over_but_no_forgery(client, book, hand):
    enter_as(client, "M01")
    hand.at_ms += 12 * HOUR_MS + 1
    answer = client.get("/month")
    assert answer.status_code == 303 and "Max-Age=0" in answer.headers["set-cookie"]
    assert acts(book, "refused") == []


def test_a_cookie_of_another_clinics_gateway_is_worth_nothing_here(client, tmp_path):
    other = in_folder(tmp_path / "other")
    with other.ledger() as db:
        client.cookies.set(COOKIE, enter(db, "M01", MANAGER, NOW_MS))
    assert client.get("/month").status_code == 303


def test_a_cookie_that_was_planted_before_the_sign_in_is_not_signed_in_after_it(client, book):
    enter_as(client, "N01")
    planted = client.cookies[COOKIE]
    enter_as(client, "A01")
    thief = browser(client.app, cookie=f"{COOKIE}={planted}")
    assert client.cookies[COOKIE] != planted and thief.get("/people").status_code == 303


# --- roles ------------------------------------------------------------------------------------------------------------


def test_a_role_that_asks_for_anothers_page_gets_a_plain_refusal_and_it_is_in_the_trail(client, book):
    enter_as(client, "N01")
    for method, path in (
        ("GET", "/people"),
        ("POST", "/people/add"),
        ("GET", "/month"),
        ("POST", "/lead/x/review"),
    ):
        answer = client.request(method, path, data={"name": "X"} if method == "POST" else None)
        assert answer.status_code == 403 and "您的角色“护士”不能看或做这一项" in answer.text
    told = [(each.who, each.subject, each.body["method"], each.body["why"]) for each in acts(book, "refused")]
    assert (
        told[:2] == [("N01", "/people", "GET", "role"), ("N01", "/people/add", "POST", "role")]
        and len(told) == 4
    )
    assert acts(book, "person.add") == []


def test_a_role_that_is_taken_away_is_gone_at_the_next_click(client, book):
    enter_as(client, "A01")
    assert client.get("/people").status_code == 200
    with book.ledger() as db:
        known(db, "A02", ADMINISTRATOR, NOW_MS)
        accounts.change(db, "A01", NURSE, "A02", NOW_MS)
    assert client.get("/people").headers["location"] == "/sign-in?to=%2Fpeople"
    enter_as(client, "A01")
    assert client.get("/people").status_code == 403


def test_an_account_that_ended_is_out_at_the_next_click(client, book):
    enter_as(client, "M01")
    with book.ledger() as db:
        accounts.end(db, "M01", "A01", NOW_MS)
    assert client.get("/month").status_code == 303 and enter_as(client, "M01").status_code == 403


def test_addresses_that_are_no_place_are_nowhere_for_those_inside_and_behind_the_door_for_others(client):
    assert client.get("/nothing").status_code == 303
    enter_as(client, "A01")
    assert (
        client.get("/nothing").status_code == 404 and client.request("DELETE", "/people").status_code == 404
    )


def test_an_address_with_a_character_too_many_is_no_other_address(client):
    enter_as(client, "A01")
    for path in ("/people%0A", "/peo%09ple", "/people%3F", "/static/..%2Fpeople", "/people;x"):
        assert client.get(path).status_code == 404


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_password_made_by_somebody_else_is_changed_before_anything_else_is_seen(client, book):
    with book.ledger() as db:
        accounts.set_password(db, "M01", "made by another", "A01", NOW_MS)
    enter_as(client, "M01", "made by another")
    for path in ("/month", "/", "/nothing", "/people"):
        assert client.get(path).headers["location"] == "/password"
    assert client.post("/nurse/begin", data={"visit": "V1"}).headers["location"] == "/password"
    assert "这个口令是别人设的" in client.get("/password").text
    changed = client.post("/password", data={"old": "made by another", "new": PASSWORD, "again": PASSWORD})
    assert changed.headers["location"] == "/" and client.get("/month").status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        (WRONG, "something new", "something new", "现在的口令不对"),
        (PASSWORD, "something new", "something else", "两次输入的新口令不一样"),
        (PASSWORD, PASSWORD, PASSWORD, "新口令与现在的相同"),
        (PASSWORD, "short", "short", "10 到 200 个字符"),
    ],
)
def test_a_password_that_cannot_be_taken_changes_nothing(client, old, new, again, said):
    enter_as(client, "M01")
    answer = client.post("/password", data={"old": old, "new": new, "again": again})
    assert (
        answer.status_code in (403, 409)
        and said in answer.text
        and new not in answer.text.replace(PASSWORD, "")
    )
    assert enter_as(client, "M01").status_code == 303


def test_whoever_finds_a_browser_signed_in_cannot_try_passwords_there_for_ever(client):
    enter_as(client, "M01")
    form = {"old": WRONG, "new": "something new", "again": "something new"}
    assert [client.post("/password", data=form).status_code for _ in range(6)] == [403] * 5 + [429]


# --- forms of other sites, and other names of this machine --------------------------------------------------------------

FORGED = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8081"},
    {"origin": ""},
    {"origin": "http://["},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"host": "evil.example:8080", "origin": "http://evil.example:8080"},
    {"host": "127.0.0.1.evil.example", "origin": "http://127.0.0.1.evil.example"},
)


@pytest.mark.parametrize("headers", FORGED)
@pytest.mark.parametrize(
    "path", ["/people/end", "/people/add", "/password", "/sign-out", "/sign-in", "/nurse/begin"]
)
def test_a_form_from_elsewhere_does_nothing_though_the_cookie_comes_along(client, book, headers, path):
    enter_as(client, "A01")
    before, trail_before = _state(book), whole_trail(book)
    form = {"name": "M01", "role": "nurse", "password": WRONG, "old": PASSWORD, "new": WRONG, "again": WRONG}
    answer = client.post(path, data=form, headers=headers)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert _state(book) == before
    [entry] = [each for each in acts(book, "refused")]
    assert entry.body["why"] == "origin" and entry.subject == path
    assert whole_trail(book)[:-1] == trail_before


def _state(book: Book) -> object:
    with book.ledger() as db:
        tables = ("people", "sign_ins", "failed_sign_ins", "attended")
        return [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def test_a_form_that_says_nothing_of_where_it_comes_from_does_nothing(app, book):
    silent = TestClient(app, HERE, follow_redirects=False)
    assert enter_as(silent, "M01").status_code == 403 and acts(book, "sign_in") == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "", "[", "127.0.0.1.evil.example"])
def test_a_name_that_was_made_to_lead_here_shows_nothing(client, book, host):
    enter_as(client, "M01")
    for path in ("/month", "/sign-in", "/healthz", "/static/page.css"):
        assert client.get(path, headers={"host": host}).status_code == 403
    assert len(acts(book, "refused")) == 4


# --- what is sent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sign-in", "/password", "/people/add"])
def test_more_than_a_form_can_hold_is_refused_before_it_is_read(client, book, path):
    if path != "/sign-in":
        enter_as(client, "A01")
    told = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post(path, content=b"name=" + b"x" * 70_000, headers=told)
    assert answer.status_code == 413 and "64 kB" in answer.text

    def endless():
        for _ in range(200):
            yield b"name=" + b"x" * 1000

    assert client.post(path, content=endless(), headers=told).status_code == 413
    assert [each.body["why"] for each in acts(book, "refused")] == ["size", "size"]


def test_markup_in_names_is_shown_as_text_everywhere(client, book):
    evil = '<img src=x onerror="alert(1)">'
    assert evil not in enter_as(client, evil, WRONG).text
    assert evil not in client.get("/sign-in", params={"to": f"/{evil}"}).text
    with book.ledger() as db:
        known(db, evil, ADMINISTRATOR, NOW_MS)
    enter_as(client, evil)
    for path in ("/people", "/password", "/month"):
        page = client.get(path).text
        assert "<img" not in page and "&lt;img" in page


def test_bytes_that_are_no_text_do_no_harm(client):
    answer = client.post(
        "/sign-in",
        content=b"name=%ff%fe%00&password=%ed%a0%80",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 403


# --- the trail --------------------------------------------------------------------------------------------------------


def test_looks_are_in_the_trail_once_a_minute_and_what_renews_itself_is_not(client, book, hand):
    enter_as(client, "M01")
    for path in (
        "/month?of=2026-03",
        "/month?of=2026-03",
        "/day/2026-03-02.svg",
        "/nurse",
        "/month.csv?of=2026-03",
        "/lead/none",
    ):
        client.get(path)
    hand.at_ms += 60_000
    client.get("/month?of=2026-03")
    told = [(each.who, each.subject, each.body) for each in acts(book, "look")]
    seen = ["/month?of=2026-03", "/month.csv?of=2026-03", "/month?of=2026-03"]
    assert told == [("M01", each, {"role": "manager"}) for each in seen]


def test_the_trail_that_grew_so_stands_up_to_check(client, book):
    enter_as(client, "M01", WRONG)
    enter_as(client, "N01")
    client.get("/people")
    enter_as(client, "M01")
    client.get("/month?of=2026-03")
    client.post("/sign-out")
    with book.ledger() as db:
        assert [each.act for each in trail.entries(db)] == [
            *("sign_in.refused", "sign_in", "refused", "sign_in", "look", "sign_out"),
        ]
        assert recheck.recheck(db.conn, {}).faults == []


def test_a_page_whose_look_cannot_be_noted_is_not_shown(client, book):
    enter_as(client, "M01")
    with book.ledger() as db, db.conn:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON trail BEGIN SELECT RAISE(ABORT, 'full'); END")
    page = client.get("/month?of=2026-03")
    assert page.status_code == 503 and "2026 年 3 月" not in page.text and "账本内容没有改变" in page.text
    assert client.get("/nurse").status_code == 200


# --- every answer -----------------------------------------------------------------------------------------------------


def test_every_answer_says_what_browsers_may_not_do(client, book):
    answers = [
        client.get(path)
        for path in ("/", "/sign-in", "/nothing", "/static/page.css", "/healthz", "/status.json")
    ]
    answers += [
        client.get("/", headers={"host": "evil"}),
        enter_as(client, "N01", WRONG),
        enter_as(client, "N01"),
    ]
    answers += [client.get("/people"), client.get("/nurse"), client.get("/nothing"), client.post("/sign-out")]
    (book.folder / "ledger.db").rename(book.folder / "gone")
    answers.append(client.get("/sign-in"))
    assert [each.status_code for each in answers] == [
        303,
        200,
        303,
        200,
        200,
        200,
        403,
        403,
        303,
        403,
        200,
        404,
        303,
        503,
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "strict-transport-security" not in answer.headers


def test_over_tls_browsers_are_told_to_come_by_no_other_way(app):
    over_tls = TestClient(app, "https://127.0.0.1:8080", headers={"origin": "https://127.0.0.1:8080"})
    answer = over_tls.post("/sign-in", data={"name": "M01", "password": PASSWORD}, follow_redirects=False)
    assert answer.headers["strict-transport-security"] == "max-age=2592000"
    assert re.match(r"__Host-ww=\S+; HttpOnly; Path=/; SameSite=lax; Secure$", answer.headers["set-cookie"])


def test_a_cookie_that_was_set_without_tls_is_not_believed_over_it(app, book):
    with book.ledger() as db:
        kept = enter(db, "M02", MANAGER, NOW_MS)
    over_tls = TestClient(
        app, "https://127.0.0.1:8080", headers={"cookie": f"ww={kept}"}, follow_redirects=False
    )
    assert over_tls.get("/month").status_code == 303


def test_a_ledger_that_is_gone_gets_one_calm_page_from_the_guard_too(client, book):
    enter_as(client, "M01")
    (book.folder / "ledger.db").rename(book.folder / "gone")
    for path in ("/month", "/nothing", "/people"):
        page = client.get(path)
        assert page.status_code == 503 and "账本内容没有改变" in page.text


def test_nothing_but_http_is_answered(app):
    with pytest.raises(WebSocketDisconnect), TestClient(app, HERE).websocket_connect("/board"):
        pass


def test_gateways_and_the_his_need_no_person(tmp_path):
    clinic = in_folder(tmp_path / "c", extra='[his]\nkey = "{}"\n'.format("k" * 24))
    his = TestClient(web.app(clinic, {}), HERE)
    assert his.get("/api/v1/units").status_code == 401
    assert his.get("/api/v1/units", headers={"Authorization": f"Bearer {'k' * 24}"}).status_code == 200
    token = "t" * 24
    district = in_folder(tmp_path / "d", role="district", extra=f'[district.tokens]\nC001 = "{token}"\n')
    there = TestClient(web.app(district, {}), HERE, follow_redirects=False)
    assert there.get("/district/v1/nothing").status_code in (401, 404)
    assert there.get("/").headers["location"] == "/sign-in"
    with district.ledger() as db:
        assert people.people(db) == []
