"""The nurse's list over HTTP, on a real ledger: what is shown, what a tap does, and who may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlite_utils import Database

from gateway import web
from gateway.access.places import DISPLAY, INSPECTOR, NURSE
from gateway.ledger import attended
from gateway.ledger.database import open_ledger
from gateway.nurse import attend
from gateway.pages.guard import COOKIE
from tests.pages import nurse_desk
from tests.pages.nurse_desk import TOKEN
from tests.support import signed_in
from tests.support.ledgers import in_folder

HERE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    nurse_desk.morning(tmp_path)
    return tmp_path


@pytest.fixture
def client(folder: Path) -> TestClient:
    """A browser at the desk, on a page of ours."""
    return browser(folder, HERE)


def browser(folder: Path, headers: dict[str, str], role: str = NURSE, name: str = "D01") -> TestClient:
    """Somebody who has signed in, at a browser that says this of where it stands."""
    kept = {COOKIE: nurse_desk.token(folder, name, role)}
    pages = nurse_desk.guarded(folder / "ledger.db")
    return TestClient(pages, "http://127.0.0.1:8080", cookies=kept, headers=headers, follow_redirects=False)


@pytest.fixture
def db(folder: Path) -> Database:
    return open_ledger(folder)


def cards(page: str, section: str) -> list[str]:
    """The cards under a heading, as their text."""
    part = page.split(f"<h2>{section} ")[1].split("</section>")[0]
    return [re.sub(r"<[^>]+>|\s+", " ", each) for each in part.split('<li class="card')[1:]]


def entries(db: Database, visit: str) -> list[attended.Entry]:
    return attended.of_visits(db, "C001", [visit])


def found(pattern: str, text: str) -> str:
    """What the first group of a pattern holds."""
    match = re.search(pattern, text)
    assert match, f"no {pattern} in {text}"
    return match[1]


def tap(client: TestClient, what: str, **said: object) -> Response:
    return client.post(f"/nurse/{what}", data={k: str(v) for k, v in said.items()})


def test_nobody_sees_the_list_without_having_signed_in(client):
    client.cookies.clear()
    answer = client.get("/nurse?room=推拿室")
    assert answer.status_code == 303 and "待治疗" not in answer.text
    assert answer.headers["location"].startswith("/sign-in?to=%2Fnurse%3Froom")


def test_who_acts_is_who_has_signed_in_whatever_a_form_says(client, db):
    tap(client, "begin", visit="2026030200075", item=8, known=0, by="D99")
    assert client.get("/nurse?by=D99").text.count("D99") == 0
    assert [each.practitioner for each in entries(db, "2026030200075")] == ["D01"]


def test_paid_and_undone_treatments_wait_and_those_begun_run(client):
    page = client.get("/nurse").text
    waiting, running = cards(page, "待治疗"), cards(page, "进行中")
    assert [found(r" (\d{1,2}) ", each) for each in waiting] == ["31", "23", "33", "31", "8"]
    assert len(running) == 2 and "10:12 开始" in running[0] and "已 18 分，至少 15 分" in running[0]
    assert "第 2 次，共 2 次" in waiting[0] and "TDP-01 已通电 12 分" in waiting[0]


def test_each_room_has_its_own_list(client):
    page = client.get("/nurse?room=推拿室").text
    assert len(cards(page, "待治疗")) == 1 and len(cards(page, "进行中")) == 1


def test_it_speaks_english_when_asked(client):
    page = client.get("/nurse?lang=en").text
    assert '<html lang="en">' in page and "Waiting" in page and "scanned today 50% (2/4)" in page
    assert not re.search(r">[^<]*(开始|结束|待治疗)[^<]*<", page)


def test_a_line_that_was_refunded_leaves_the_list(client, db):
    with db.conn:
        db.execute("UPDATE bill_lines SET reversed_by = 'R1' WHERE line = '2026030200075/101'")
    assert len(cards(client.get("/nurse").text, "待治疗")) == 4


def test_a_line_of_yesterday_is_not_on_the_list(client, db):
    with db.conn:
        db.execute("UPDATE bill_lines SET charged_ms = charged_ms - 86400000")
    assert len(cards(client.get("/nurse").text, "待治疗")) == 0


def test_a_line_that_comes_in_later_is_on_the_list_when_it_is_asked_for_again(client, db):
    with db.conn:
        db.execute(
            "INSERT INTO bill_lines SELECT clinic, source, '2026030200079/1' AS line, file, row, '2026030200079' AS visit,"
            " patient, item, code, name, count, treatments, amount_fen, charged_ms, performed_ms, room, staff,"
            " settlement, reversed_by, own_code, insured FROM bill_lines WHERE line = '2026030200075/101'"
        )
    assert "2026030200079" in "".join(cards(client.get("/nurse").text, "待治疗"))


def test_one_tap_begins_and_the_list_is_shown_again(client, db):
    answer = tap(
        client, "begin", visit="2026030200075", item=8, line="2026030200075/101", where="推拿室", known=0
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/nurse")
    [begun] = entries(db, "2026030200075")
    assert (begun.item, begun.room, begun.practitioner, begun.how) == (8, "推拿室", "D01", "manual")
    assert 0 <= begun.began_ms - nurse_desk.NOW_MS < 60_000


def test_a_second_tap_does_nothing_and_says_nothing(client, db):
    for _ in range(2):
        answer = tap(client, "begin", visit="2026030200075", item=8, line="2026030200075/101", known=0)
        assert answer.status_code == 303
    assert len(entries(db, "2026030200075")) == 1
    [begun] = entries(db, "2026030200075")
    for _ in range(2):
        assert tap(client, "end", entry=begun.entry).status_code == 303
    assert [each.outcome for each in entries(db, "2026030200075")] == ["done"]


def test_what_the_catalogue_asks_for_is_asked_before_the_end_and_never_filled_in(client, db):
    tap(client, "begin", visit="2026030200073", item=33, line="2026030200073/102", known=0)
    [begun] = entries(db, "2026030200073")
    page = client.get(f"/nurse/end/{begun.entry}").text
    [field] = re.findall(r"<input name=\"acupoints\"[^>]*>", page)
    assert "value" not in field and "required" in field and "至少 2" in page
    assert 'name="cups"' not in page and 'name="body_part"' not in page
    refused = tap(client, "end", entry=begun.entry)
    assert refused.status_code == 409 and "没有登记" in refused.text
    assert tap(client, "end", entry=begun.entry, acupoints="4").status_code == 303
    assert [each.acupoints for each in entries(db, "2026030200073")] == [4]


@pytest.mark.parametrize("text", ["-1", "4.5", "four", "99999", "４"])
def test_what_is_no_count_is_refused(client, db, text):
    tap(client, "begin", visit="2026030200073", item=33, known=0)
    [begun] = entries(db, "2026030200073")
    assert tap(client, "end", entry=begun.entry, acupoints=text).status_code == 409
    assert [each.outcome for each in entries(db, "2026030200073")] == ["running"]


def test_who_stops_or_does_not_do_a_treatment_has_to_say_why(client, db):
    assert 'name="reason" required' in client.get("/nurse/stop/3").text
    assert tap(client, "end", entry=3, outcome="stopped").status_code == 409
    assert tap(client, "end", entry=3, outcome="stopped", reason="患者要求").status_code == 303
    assert tap(client, "undone", visit="2026030200075", item=8, known=0).status_code == 409
    assert tap(client, "undone", visit="2026030200075", item=8, known=0, reason="患者离开").status_code == 303
    assert [each.reason for each in entries(db, "2026030200075")] == ["患者离开"]
    assert len(cards(client.get("/nurse").text, "待治疗")) == 4


def test_a_tap_by_mistake_goes_back_to_the_list_of_what_waits(client):
    tap(client, "withdraw", entry=3)
    page = client.get("/nurse").text
    assert len(cards(page, "进行中")) == 1 and len(cards(page, "待治疗")) == 6


def test_an_item_that_is_not_on_the_list_can_be_begun_for_any_visit(client, db):
    assert tap(client, "begin", visit="SELF-1", item=30).status_code == 303
    assert len(entries(db, "SELF-1")) == 1
    assert len(cards(client.get("/nurse").text, "进行中")) == 3


NOTHING = (
    {"visit": "", "item": 8},
    *({"visit": "V", "item": item} for item in (99, "", "²", "8" * 5000, "x")),
)


@pytest.mark.parametrize("said", NOTHING)
def test_nothing_is_begun_for_no_visit_or_no_item(client, said):
    assert tap(client, "begin", **said).status_code == 409


def test_nothing_is_entered_by_somebody_who_has_not_signed_in(client, db):
    client.cookies.clear()
    answer = client.post("/nurse/begin", data={"visit": "2026030200075", "item": "8"})
    assert answer.headers["location"] == "/sign-in" and entries(db, "2026030200075") == []


@pytest.mark.parametrize("role", [INSPECTOR, DISPLAY])
@pytest.mark.parametrize("what", ["begin", "end", "undone", "withdraw", "scan", "token"])
def test_who_only_reads_enters_nothing(folder, db, role, what):
    reader = browser(folder, HERE, role, "Q01")
    said = {"visit": "2026030200075", "item": "8", "entry": "3", "token": TOKEN}
    assert reader.post(f"/nurse/{what}", data=said).status_code == 403
    assert entries(db, "2026030200075") == [] and entries(db, "2026030200071")[0].outcome == "done"


def test_who_only_reads_is_shown_the_list_without_anything_to_tap(folder):
    reader = browser(folder, HERE, INSPECTOR, "Q01")
    for path in ("/nurse", "/nurse/visit/2026030200071"):
        page = reader.get(path).text
        assert "待治疗" in page or "2026030200071" in page
        assert [each for each in re.findall(r'action="([^"?]+)', page) if each != "/sign-out"] == []
        assert "/nurse/undone" not in page and "/nurse/stop" not in page


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_that_is_read_opens_its_visit_and_what_is_begun_there_was_scanned(client, db):
    answer = client.post("/nurse/scan", data={"token": TOKEN})
    where = answer.headers["location"]
    assert where.startswith("/nurse/visit/2026030200073?seen=") and TOKEN not in where
    page = client.get(where).text
    assert "已扫码识别" in page
    seen = found(r'name="seen" value="([^"]+)"', page)
    tap(client, "begin", visit="2026030200073", item=23, known=0, seen=seen)
    tap(client, "begin", visit="2026030200075", item=8, known=0, seen=seen)
    assert [each.how for each in entries(db, "2026030200073")] == ["scanned"]
    assert [each.how for each in entries(db, "2026030200075")] == ["manual"]


def test_a_token_that_nobody_issued_is_refused_and_not_repeated(client):
    answer = client.post("/nurse/scan", data={"token": "ZZZZ9999YYYY8888"})
    assert answer.status_code == 409 and "ZZZZ9999" not in answer.text


def test_a_new_token_is_shown_once_as_text_and_as_a_code_and_stands_for_the_visit(client):
    page = client.post("/nurse/token", data={"visit": "2026030200074"}).text
    token = found(r"<figcaption>([2-9A-Z]{16})</figcaption>", page)
    assert re.search("<svg [^>]*viewBox", page)
    answer = client.post("/nurse/scan", data={"token": token})
    assert answer.headers["location"].startswith("/nurse/visit/2026030200074?")


def test_a_token_read_at_the_desk_is_bound_and_not_shown(client):
    page = client.post("/nurse/token", data={"visit": "V9", "token": "ABCD2345EFGH6789"}).text
    assert "ABCD2345" not in page
    again = client.post("/nurse/token", data={"visit": "V8", "token": "ABCD2345EFGH6789"})
    assert again.status_code == 409


# --- the record sheet -------------------------------------------------------------------------------------------------


def test_the_record_sheet_says_what_was_done_when_by_whom_and_what_waits(client):
    page = re.sub(r"<[^>]+>|\s+", " ", client.get("/nurse/sheet/2026030200071").text)
    for said in (
        "治疗执行记录单",
        "2026030200071",
        "09:45–10:07",
        "22 分（要求 20 分）",
        "9 穴",
        "患者中止：患者感到不适",
        "尚未登记",
    ):
        assert said in page


def test_the_record_sheet_shows_corrections_beside_what_they_corrected(client, db):
    attend.correct(db, nurse_desk.act("10:25", "D02"), 2, nurse_desk.ITEMS, {"acupoints": 8}, "数错")
    page = client.get("/nurse/sheet/2026030200071").text
    assert "已更正" in page and "数错" in page
    assert re.search("登记 2（.*9 穴", page) and re.search("登记 7（.*8 穴", page)


def test_the_record_sheet_of_a_visit_without_treatments_says_so(client):
    assert "没有治疗项目" in client.get("/nurse/sheet/V404").text


def test_no_page_shows_the_patients_hash_or_what_was_put_into_an_address_as_markup(client):
    for address in (
        "/nurse",
        "/nurse/sheet/2026030200071",
        "/nurse/visit/%3Cscript%3E?room=<script>",
    ):
        page = client.get(address).text
        assert "abab" not in page and "<script>" not in page


# --- who may not ------------------------------------------------------------------------------------------------------

ELSEWHERE = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "", "origin": "http://127.0.0.1:8080"},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    {"sec-fetch-site": "same-origin", "origin": "null"},
    {"sec-fetch-site": "same-origin", "host": "evil.example:8080"},
    {"sec-fetch-site": "same-origin", "host": ""},
)


@pytest.mark.parametrize("headers", ELSEWHERE)
@pytest.mark.parametrize("what", ["begin", "end", "undone", "withdraw", "scan", "token"])
def test_another_site_cannot_write_through_a_browser_that_looks_at_both(client, db, headers, what):
    said = {"visit": "2026030200075", "item": "8", "entry": "3", "token": TOKEN}
    before = [len(entries(db, visit)) for visit in ("2026030200075", "2026030200072")]
    answer = client.post(f"/nurse/{what}", data=said, headers=headers)
    assert answer.status_code == 403 and "location" not in answer.headers
    assert [len(entries(db, visit)) for visit in ("2026030200075", "2026030200072")] == before


def test_what_says_nothing_of_its_origin_writes_nothing(folder, db):
    silent = browser(folder, {})
    assert silent.post("/nurse/begin", data={"visit": "V1", "item": "8"}).status_code == 403
    assert entries(db, "V1") == []


def test_a_browser_without_fetch_metadata_writes_by_its_origin(folder, db):
    old = browser(folder, {"origin": "http://127.0.0.1:8080"})
    assert old.post("/nurse/begin", data={"visit": "V1", "item": "8"}).status_code == 303


def test_names_that_only_lead_here_do_not_even_read(client):
    assert client.get("/nurse", headers={"host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.168.1.20:8080"])
def test_our_own_addresses_read(client, host):
    assert client.get("/nurse", headers={"host": host}).status_code == 200


def test_every_page_forbids_scripts_and_forms_that_lead_elsewhere(client):
    for address in (
        "/nurse",
        "/nurse/visit/V1",
        "/nurse/sheet/V1",
        "/nurse/stop/3",
    ):
        answer = client.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
        assert "set-cookie" not in answer.headers and answer.headers["cache-control"] == "no-store"
        scripts = set(re.findall(r"<script[^<]*", answer.text))
        assert scripts <= {'<script src="/static/nurse.js" defer>'}


def test_the_gateway_serves_the_list_of_a_clinic_and_no_district_has_one(tmp_path):
    clinic, district = in_folder(tmp_path / "clinic"), in_folder(tmp_path / "district", role="district")
    here = signed_in.client(web.app(clinic, {}), clinic.folder, NURSE)
    assert "待治疗" in here.get("/nurse").text
    there = signed_in.client(web.app(district, {}), district.folder)
    assert there.get("/nurse").status_code == 404
    assert not (clinic.folder / "tag.key").exists()
    here.post("/nurse/token", data={"visit": "V1"})
    assert (clinic.folder / "tag.key").exists()
