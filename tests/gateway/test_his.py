"""What a HIS asks before it charges, the bills that it sends, and what it hears of the units: over HTTP, on a real ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient

from gateway import web
from gateway.audit import live
from gateway.bootstrap import Book
from gateway.his import shapes
from gateway.ledger import trail
from tests.gateway.test_settle import EVENING_MS, MINUTE_MS, burned, day_of, idle
from tests.support.bills import STIM, TDP, as_json, deletion, detail, upload
from tests.support.browser import browser_page, served
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, take_in

KEY = "k" * 24
HIS = f'[his]\nkey = "{KEY}"\n'
NOON_MS = START_MS + 4 * 60 * MINUTE_MS

Ask = Callable[..., dict[str, Any]]


def clock(shown_ms: int) -> str:
    """A clock that stands still."""
    return f"[clock]\nreal_ms = 0\nshown_ms = {shown_ms}\nspeed = 0.000000001\n"


def book_at(folder: Path, now_ms: int, *writers: Writer, his: str = HIS) -> Book:
    book = in_folder(folder, *writers, extra=his + clock(now_ms))
    with book.ledger() as db:
        for writer in writers:
            take_in(db, writer.lines, now_ms)
    return book


def client_of(book: Book) -> TestClient:
    return TestClient(web.app(book, {}), headers={"Authorization": f"Bearer {KEY}"})


def line(number: str = "1", code: str = TDP, cnt: int = 1) -> dict[str, Any]:
    return {"feedetl_sn": number, "med_list_codg": code, "cnt": cnt}


def ask(client: TestClient, *lines: dict[str, Any], **about: Any) -> dict[str, Any]:
    """The answer to a question about these lines of visit V9."""
    answer = client.post("/api/v1/precheck", json={"mdtrt_id": "V9", "lines": list(lines)} | about)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reasons(answer: dict[str, Any]) -> list[list[str]]:
    return [[reason["code"] for reason in each["reasons"]] for each in answer["lines"]]


@pytest.fixture
def morning(tmp_path: Path) -> Book:
    """A lamp that burned 20 minutes before noon, at noon."""
    writer = Writer("U1")
    writer.boot()
    idle(writer, 10)
    burned(writer, 20)
    while writer.at_ms < NOON_MS:
        writer.alive()
    return book_at(tmp_path / "clinic", NOON_MS, writer)


@pytest.fixture
def client(morning: Book) -> Iterator[TestClient]:
    yield client_of(morning)


# --- the key ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer " + "x" * 24, "Basic " + KEY])
@pytest.mark.parametrize(
    ("method", "where"), [("POST", "precheck"), ("POST", "bill-lines"), ("GET", "units")]
)
def test_without_the_key_nothing_is_said_and_nothing_taken(morning, method, where, given):
    answer = TestClient(web.app(morning, {})).request(
        method, f"/api/v1/{where}", headers={"Authorization": given}, content=as_json(upload(detail()))
    )
    assert answer.status_code == 401
    with morning.ledger() as db:
        assert db.execute("SELECT count(*) FROM bill_lines").fetchone() == (0,)


def test_a_clinic_that_set_no_key_has_no_such_addresses(tmp_path):
    book = book_at(tmp_path / "clinic", NOON_MS, his="")
    assert client_of(book).get("/api/v1/units").status_code == 404


# --- before charging ----------------------------------------------------------------------------------------------


def test_a_charge_against_which_nothing_speaks_is_ok(client):
    answer = ask(client, line(), psn_no="P0001", age=40)
    assert (answer["advice"], reasons(answer)) == ("ok", [[]])
    assert answer["lines"][0]["item"] == 31


def test_what_is_no_item_of_the_catalogue_is_unknown_and_not_doubted(client):
    answer = ask(client, line("1", "009999999999999"), line("2"))
    assert [each["advice"] for each in answer["lines"]] == ["unknown", "ok"]
    assert answer["advice"] == "unknown"


def test_the_hours_to_come_and_what_nobody_watched_count_as_time_left(client):
    """One session of 20 minutes, and eight hours until closing: 1 + floor(28800 s / 1140 s)."""
    assert ask(client, line())["time_left"] == {"tdp": 26}


def test_more_than_the_day_can_hold_is_said_with_the_figures(client):
    answer = ask(client, line("1", cnt=20), line("2", cnt=7))
    assert reasons(answer) == [[], ["no_time_left"]]
    said = answer["lines"][1]["reasons"][0]
    assert "最多还够 6 次，要收 7 次" in said["zh"] and "at most 6 more, 7 are asked" in said["en"]


def test_what_was_charged_and_taken_back_leaves_as_much_time_as_before(client):
    assert (
        client.post("/api/v1/bill-lines", content=as_json(upload(detail("1"), detail("2")))).status_code
        == 200
    )
    assert ask(client, line())["time_left"] == {"tdp": 24}
    assert client.post("/api/v1/bill-lines", content=as_json(deletion("V1"))).status_code == 200
    assert ask(client, line())["time_left"] == {"tdp": 26}


def test_a_class_without_devices_is_not_said_to_have_no_time(client):
    answer = ask(client, line("1", STIM, cnt=9))
    assert (answer["advice"], answer["time_left"]) == ("ok", {})


def test_the_same_person_in_another_visit_of_the_day_is_a_double_charge(client):
    client.post("/api/v1/bill-lines", content=as_json(upload(detail("1"))))
    assert reasons(ask(client, line(), psn_no="P0001")) == [["double_charge"]]
    assert reasons(ask(client, line(), psn_no="P0002")) == [[]]
    assert reasons(ask(client, line())) == [[]]
    assert reasons(ask(client, line(), psn_no="P0001", mdtrt_id="V1")) == [[]]


def test_a_charge_dated_another_day_is_not_held_against_todays_time(client):
    answer = ask(client, line(cnt=900), fee_ocur_time="2026-03-03T09:00:00+08:00")
    assert (answer["advice"], answer["time_left"]) == ("ok", {})


@pytest.mark.parametrize(
    "broken",
    [
        {"lines": []},
        {"lines": [line() | {"cnt": 0}]},
        {"lines": [line() | {"cntt": 1}]},
        {"lines": [line()], "age": -1},
        {"lines": [line()], "fee_ocur_time": "2026-03-03T09:00:00"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_field(client, broken):
    answer = client.post("/api/v1/precheck", json={"mdtrt_id": "V9"} | broken)
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"][0] == "body"


def test_a_ledger_that_is_gone_advises_nothing_and_stops_nobody(client, morning):
    (morning.folder / "ledger.db").rename(morning.folder / "elsewhere.db")
    answer = ask(client, line(), line("2", STIM))
    assert (answer["advice"], [each["advice"] for each in answer["lines"]]) == ("unknown", ["unknown"] * 2)


def test_nothing_is_kept_of_a_question(client, morning):
    with morning.ledger() as db:
        before = list(db.conn.iterdump())
    ask(client, line(), psn_no="P0001")
    with morning.ledger() as db:
        assert list(db.conn.iterdump()) == before


# --- settling after the treatment ---------------------------------------------------------------------------------


def test_who_settles_after_the_treatment_is_told_what_has_no_device_time_yet(tmp_path):
    lamp = day_of(Writer("U1"), 20)
    book = book_at(
        tmp_path / "clinic", EVENING_MS - 60 * MINUTE_MS, lamp, his=HIS + "settle_after_treatment = true\n"
    )
    client = client_of(book)
    assert reasons(ask(client, line("1"))) == [[]]
    answer = ask(client, line("1", cnt=3))
    assert reasons(answer) == [["no_time_left", "no_device_time"]]
    assert "3 次中有 2 次还没有" in answer["lines"][0]["reasons"][1]["zh"]


# --- bills at once ------------------------------------------------------------------------------------------------


def test_a_message_sent_twice_is_in_the_book_once(client, morning):
    body = as_json(upload(detail("1"), detail("2")))
    first, again = (client.post("/api/v1/bill-lines", content=body) for _ in range(2))
    assert (first.status_code, first.json()["new"], again.json()["new"]) == (200, 2, 0)
    with morning.ledger() as db:
        assert db.execute("SELECT count(*), min(source), min(clinic) FROM bill_lines").fetchone() == (
            2,
            "clinic",
            "C001",
        )
        assert {(each.who, each.act) for each in trail.entries(db)} == {("his", "bills.import")}


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", as_json(upload(detail(cnt="abc")))])
def test_a_message_that_cannot_be_taken_leaves_the_book_as_it_was(client, morning, body):
    answer = client.post("/api/v1/bill-lines", content=body)
    assert answer.status_code == 422
    said = answer.json()
    assert said.get("refused") or ("zh" in said and "en" in said)
    with morning.ledger() as db:
        assert db.execute("SELECT count(*) FROM bill_lines").fetchone() == (0,)


def test_a_message_larger_than_any_is_refused_before_it_is_read(client):
    assert client.post("/api/v1/bill-lines", content=b" " * (9 << 20)).status_code == 413


# --- the units ----------------------------------------------------------------------------------------------------


def units(book: Book) -> dict[str, Any]:
    return client_of(book).get("/api/v1/units").json()["units"][0]


def test_a_lamp_that_burns_says_for_how_long_and_for_whom_it_could(tmp_path):
    writer = Writer("U1")
    writer.boot()
    idle(writer, 10)
    writer.open()
    writer.alive(9)
    book = book_at(tmp_path / "clinic", writer.at_ms + MINUTE_MS, writer)
    client_of(book).post("/api/v1/bill-lines", content=as_json(upload(detail("1"))))
    said = units(book)
    assert (said["state"], said["minutes"], said["required_minutes"]) == ("running", 10, 19)
    assert (said["waiting"], said["bill_waits"], said["since"]) == (1, True, "2026-03-02T08:10:00+08:00")


def test_a_lamp_that_went_out_is_idle_and_its_bill_no_longer_waits(morning):
    client_of(morning).post("/api/v1/bill-lines", content=as_json(upload(detail("1"))))
    said = units(morning)
    assert (said["state"], said["minutes"], said["bill_waits"]) == ("idle", None, False)


def test_a_unit_that_was_not_heard_is_not_said_to_be_off(tmp_path):
    writer = Writer("U1")
    writer.boot()
    writer.open()
    book = in_folder(tmp_path / "clinic", writer, extra=HIS + clock(NOON_MS))
    assert units(book)["state"] == "never"
    with book.ledger() as db:
        take_in(db, writer.lines, START_MS)
    said = units(book)
    assert (said["state"], said["minutes"], said["since"]) == ("unheard", None, "2026-03-02T08:00:00+08:00")


def test_every_state_of_a_unit_can_be_told():
    assert get_args(shapes.State) == get_args(live.State)


# --- its page -----------------------------------------------------------------------------------------------------


def test_the_page_of_the_api_loads_without_the_internet(morning):
    with served(web.app(morning, {})) as address, browser_page() as page:
        page.goto(f"{address}/api/v1/docs")
        page.get_by_text("收费前询问 · ask before charging").wait_for()
        for path in ("/precheck", "/bill-lines", "/units"):
            assert page.locator(f'[data-path="{path}"]').count() == 1


def test_the_api_describes_every_address_and_both_languages(client):
    said = client.get("/api/v1/openapi.json").json()
    assert set(said["paths"]) == {"/precheck", "/bill-lines", "/units"}
    assert "从不阻止收费" in said["info"]["description"] and "never prevents" in said["info"]["description"]
    assert json.dumps(said).count("PrecheckAnswer") > 1
