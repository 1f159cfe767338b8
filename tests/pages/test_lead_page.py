"""A lead's page: what it rests on, what was said of it, and forms that only our own pages may send."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from gateway.access.places import DISPLAY, INSPECTOR, MANAGER, NURSE
from gateway.audit import exchange, review
from gateway.audit.outcomes import DISTRICT, Decided
from gateway.clock import Clock
from gateway.ledger import reviews
from gateway.ledger.database import transaction
from gateway.pages.app import create_app
from gateway.pages.guard import COOKIE, Guard
from tests.support.audited import EVENING_MS, one_too_many
from tests.support.browser import browser_page, served, shows_glyphs
from tests.support.ledgers import CLINIC, in_folder
from tests.support.signed_in import as_person, enter

HOST = {"host": "127.0.0.1:8080"}
OURS = HOST | {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}


@pytest.fixture
def book(tmp_path):
    return one_too_many(tmp_path / "clinic")


@pytest.fixture
def db(book):
    ledger = book.ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def lead(db):
    (found,) = reviews.leads(db)
    return found


@pytest.fixture
def client(book):
    return browser(guarded(book), book)


def guarded(book):
    """The pages in the evening, behind the guard."""
    clock = Clock(0, EVENING_MS, 1e-9)
    app = create_app(book.ledger, book.config, clock)
    app.add_middleware(Guard, open_ledger=book.ledger, config=book.config, clock=clock)
    return app


def browser(app, book, role=MANAGER, name="D01"):
    """Somebody who has signed in there."""
    with book.ledger() as ledger:
        kept = {COOKIE: enter(ledger, name, role, EVENING_MS)}
    return TestClient(app, headers=HOST, cookies=kept, follow_redirects=False)


def answer(client, lead, headers=OURS, seen="0", **fields):
    told = {"text": "停电时手工登记", "seen": seen} | fields
    return client.post(f"/lead/{lead.lead}/answer", data=told, headers=headers, files=[])


def test_the_page_shows_the_arithmetic_the_witness_and_that_it_is_no_conclusion(client, lead):
    page = client.get(f"/lead/{lead.lead}").text
    for word in (
        "4 次治疗，设备时间至多 3 次",
        "V1/1",
        "U1:5",
        "线索，不是结论。",
        "不指向任何一行",
        "还没有人答复",
    ):
        assert word in page
    assert page.count("÷ 1140⌋") == 1 + 2, "the formula, and a row for each of two sessions"
    assert "⌊2700 ÷ 1140⌋ × 1" in page and "至少 1 次没有设备时间" in page
    english = client.get(f"/lead/{lead.lead}?lang=en").text
    assert "4 treatments, room for 3" in english and "none is singled out" in english


def test_the_witness_stands_out_on_the_day_and_all_else_is_faint(client, db, lead):
    page = client.get(f"/lead/{lead.lead}").text
    titles = re.findall(r"<rect [^>]*><title>(U1:\d+)", page)
    faint = re.findall(r"<rect [^>]*opacity[^>]*><title>(U1:\d+)", page)
    assert set(titles) == set(lead.body["supplies"]) and faint == []
    with transaction(db):
        body = json.dumps(lead.body | {"supplies": lead.body["supplies"][:1]})
        db.execute("UPDATE leads SET body = ?", [body])
    page = client.get(f"/lead/{lead.lead}").text
    assert re.findall(r"<rect [^>]*opacity[^>]*><title>(U1:\d+)", page) == lead.body["supplies"][1:]


def test_every_line_and_record_of_a_lead_is_one_link_away(client, lead):
    page = client.get(f"/lead/{lead.lead}").text
    asked = re.findall(r'href="(/(?:line|record)/[^"]+)"', page)
    assert len(set(asked)) == len(lead.body["lines"]) + len(lead.body["supplies"])
    assert {client.get(each).status_code for each in asked} == {200}


def test_who_may_only_read_is_shown_no_forms(book, lead):
    page = browser(guarded(book), book, INSPECTOR, "Q01").get(f"/lead/{lead.lead}").text
    assert "设备时间至多" in page and "/answer" not in page and 'class="forms"' not in page


def test_an_answer_with_files_is_kept_and_shown_and_the_files_come_back(client, db, lead):
    sent = client.post(
        f"/lead/{lead.lead}/answer?lang=en",
        data={"text": "停电\n见附件", "seen": "0"},
        files=[
            ("files", ("登记本.jpg", b"\xff\xd8page", "image/jpeg")),
            ("files", ("b.txt", b"b", "text/plain")),
        ],
        headers=OURS,
    )
    assert (sent.status_code, sent.headers["location"]) == (303, f"/lead/{lead.lead}?lang=en#history")
    (act,) = reviews.acts(db, CLINIC)
    assert (act.by, act.kind, act.side, act.body["text"]) == ("D01", "answer", "clinic", "停电\n见附件")
    assert {each["name"] for each in act.body["attachments"]} == {"登记本.jpg", "b.txt"}
    page = client.get(f"/lead/{lead.lead}").text
    assert "诊所已答复" in page and "登记本.jpg" in page
    sha256 = hashlib.sha256(b"\xff\xd8page").hexdigest()
    file = client.get(f"/lead/{lead.lead}/file/{sha256}")
    assert file.content == b"\xff\xd8page" and file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment;")
    assert client.get(f"/lead/{lead.lead}/file/{'0' * 64}").status_code == 404


def test_a_clinics_outcome_is_entered_as_internal(client, db, lead):
    told = {
        "outcome": "explained",
        "why": "查过",
        "withheld": "",
        "deducted": "",
        "due": "",
        "seen": "0",
    }
    assert client.post(f"/lead/{lead.lead}/review", data=told, headers=OURS).status_code == 303
    page = client.get(f"/lead/{lead.lead}").text
    assert "诊所内部意见：已解释（不是最终结果）" in page and "待办" in page


def test_what_the_district_decided_is_shown_with_money_cause_and_rectification(client, db, lead):
    decided = Decided("confirmed", "与监控不符", 3600, 1200, "补录", "双人核对")
    review.decide(db, lead, DISTRICT, "Q01", EVENING_MS, decided)
    page = client.get(f"/lead/{lead.lead}").text
    for word in (
        "已办结",
        "属实",
        "暂扣 36.00",
        "最终扣款 12.00",
        "补录",
        "双人核对",
        "区里 Q01",
        "对结果申诉",
    ):
        assert word in page
    told = {"text": "补交截图", "seen": "1"}
    assert client.post(f"/lead/{lead.lead}/appeal", data=told, headers=OURS).status_code == 303
    assert "诊所已申诉" in client.get(f"/lead/{lead.lead}").text


def test_at_a_district_the_page_takes_a_final_outcome_and_links_to_nothing_that_is_not_there(
    tmp_path, db, lead
):
    there = in_folder(tmp_path / "district", role=DISTRICT, extra='[clinics.C001]\nname = "示范诊所"\n')
    review.answer(db, lead, "clinic", "D01", EVENING_MS, "见登记本", {})
    told = exchange.bundle(db, "clinic", None, "", "9999", 1)
    client = browser(guarded(there), there, INSPECTOR, "Q01")
    with there.ledger() as district_db:
        exchange.take(district_db, json.dumps(told).encode(), DISTRICT, None, "Q01", EVENING_MS)
        page = client.get(f"/lead/{lead.lead}?clinic=C001").text
        assert "区里的结果（最终）" in page and "诊所 D01" in page and "/day/" not in page
        assert "/line/" not in page and "/record/" not in page, "the district was told of the lead alone"
        assert f'action="/lead/{lead.lead}/answer' not in page
        decided = {"outcome": "explained", "why": "可信", "seen": "1"}
        assert (
            client.post(f"/lead/{lead.lead}/review?clinic=C001", data=decided, headers=OURS).status_code
            == 303
        )
        assert reviews.acts(district_db, CLINIC)[-1].body["final"]
    month = client.get("/month?of=2026-03&clinic=C001").text
    assert (
        f'href="/lead/{lead.lead}?clinic=C001"' in month
        and "已办结：已解释" in month
        and 'href="/day/2026-03-02?clinic=C001"' in month
    )
    assert client.get("/day/2026-03-02?clinic=C001").status_code == 200


def test_a_lead_that_two_clinics_have_is_shown_and_decided_only_with_its_clinic(tmp_path, lead):
    there = in_folder(tmp_path / "district", role=DISTRICT)
    with there.ledger() as district_db:
        with transaction(district_db):
            for clinic in ("C001", "C002"):
                reviews.tell(district_db, replace(lead, clinic=clinic, source=""), 1)
        client = browser(guarded(there), there, INSPECTOR, "Q01")
        decided = {"outcome": "confirmed", "why": "w", "seen": "0"}
        refused = client.post(f"/lead/{lead.lead}/review", data=decided, headers=OURS)
        assert refused.status_code == 404 and "C001、C002 都有线索" in refused.text
        assert reviews.acts(district_db, "C001") + reviews.acts(district_db, "C002") == []
        assert client.get(f"/lead/{lead.lead}?clinic=C002").status_code == 200


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_no_wider_than_the_screen_whatever_the_figures_of_its_rule(book, db, lead, lang, width):
    figures = {f"figure_{number}": number for number in range(20)}
    found = replace(lead, lead="0" * 12, source="", body=lead.body | {"parameters": figures})
    with transaction(db):
        reviews.tell(db, found, 1)
    app = create_app(book.ledger, book.config, Clock(0, EVENING_MS, 1e-9))
    with served(as_person(app)) as here, browser_page(width) as page:
        page.goto(f"{here}/lead/{found.lead}?lang={lang}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("role", [INSPECTOR, NURSE, DISPLAY])
def test_who_may_not_answer_enters_nothing(book, db, lead, role):
    assert answer(browser(guarded(book), book, role), lead).status_code == 403
    assert reviews.acts(db, CLINIC) == []


@pytest.mark.parametrize(
    "headers",
    [
        HOST | {"origin": "https://elsewhere.example"},
        HOST | {"sec-fetch-site": "cross-site"},
        HOST,
        {"host": "elsewhere.example", "origin": "http://elsewhere.example"},
    ],
)
def test_a_form_from_anywhere_else_is_refused(client, db, lead, headers):
    assert answer(client, lead, headers).status_code == 403
    assert reviews.acts(db, CLINIC) == []


def test_behind_a_proxy_forms_are_taken_under_the_names_that_the_settings_know(book, db, lead):
    serve = replace(book.config.serve, names=("ww.clinic.example",))
    client = browser(guarded(replace(book, config=replace(book.config, serve=serve))), book)
    del client.headers["host"]
    client.cookies = {COOKIE: client.cookies[COOKIE]}
    name = {"host": "WW.clinic.example:8443", "origin": "https://WW.clinic.example:8443"}
    assert answer(client, lead, name | {"host": "ww.clinic.example.elsewhere"}).status_code == 403
    assert answer(client, lead, name | {"origin": "https://elsewhere.example"}).status_code == 403
    assert reviews.acts(db, CLINIC) == []
    assert answer(client, lead, name).status_code == 303


def test_the_same_form_sent_twice_is_entered_once(client, db, lead):
    assert answer(client, lead).status_code == 303
    again = answer(client, lead)
    assert again.status_code == 409 and "请先看过" in again.text
    assert len(reviews.acts(db, CLINIC)) == 1


@pytest.mark.parametrize("fields, said", [({"text": ""}, "--text"), ({"text": " "}, "--text")])
def test_what_is_not_complete_is_not_entered_and_says_why(client, db, lead, fields, said):
    refused = answer(client, lead, **fields)
    assert refused.status_code == 409 and said in refused.text and "没有记入" in refused.text
    assert reviews.acts(db, CLINIC) == []


def test_two_files_of_one_name_are_refused_and_not_one_of_them_lost(client, db, lead):
    sent = client.post(
        f"/lead/{lead.lead}/answer",
        data={"text": "t", "seen": "0"},
        files=[("files", ("a.txt", b"1", "text/plain")), ("files", ("a.txt", b"2", "text/plain"))],
        headers=OURS,
    )
    assert sent.status_code == 409 and "同名" in sent.text and reviews.acts(db, CLINIC) == []


def test_money_that_is_none_is_refused(client, db, lead):
    told = {"outcome": "confirmed", "why": "w", "withheld": "很多", "seen": "0"}
    assert client.post(f"/lead/{lead.lead}/review", data=told, headers=OURS).status_code == 409
    told["outcome"], told["withheld"] = "guilty", ""
    assert client.post(f"/lead/{lead.lead}/review", data=told, headers=OURS).status_code == 409
    assert reviews.acts(db, CLINIC) == []


def test_more_than_fits_and_what_is_not_there_is_not_found(client, db, lead):
    for large, status in ((review.MOST_BYTES + 1, 404), (200 * 1024**2, 413)):
        told = OURS | {"content-length": str(large)}
        assert client.post(f"/lead/{lead.lead}/answer", content=b"x", headers=told).status_code == status
    assert client.get("/lead/nothing").status_code == 404
    assert client.post(f"/lead/{lead.lead}/forget", data={"seen": "0"}, headers=OURS).status_code == 404


def test_what_people_write_cannot_become_part_of_the_page(client, db, lead):
    review.answer(
        db, lead, "clinic", "<b>D01</b>", EVENING_MS, "<script>alert(1)</script>", {'"><i>.txt': b"x"}
    )
    page = client.get(f"/lead/{lead.lead}").text
    assert "<script>" not in page and "<b>D01" not in page and "<i>" not in page
    assert "form-action 'self'" in client.get(f"/lead/{lead.lead}").headers["content-security-policy"]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [360, 1400])
def test_a_person_answers_in_a_browser(book, db, lead, lang, width, tmp_path):
    page_file = tmp_path / "page.txt"
    page_file.write_text("登记本")
    app = create_app(book.ledger, book.config, Clock(0, EVENING_MS, 1e-9))
    with served(as_person(app)) as base, browser_page(width) as page:
        page.goto(f"{base}/day/2026-03-02?lang={lang}")
        page.locator(f'a[href^="/lead/{lead.lead}"]').click()
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert shows_glyphs(page, "以电为证线索")
        form = page.locator('form[action*="/answer"]')
        form.locator('[name="text"]').fill("停电时手工登记")
        form.locator('[name="files"]').set_input_files(page_file)
        form.locator("button").click()
        page.wait_for_url(re.compile(rf"/lead/{lead.lead}.*#history$"), wait_until="load")
        assert page.locator(".history li").count() == 1
        assert "page.txt" in page.locator(".history").inner_text()
    (act,) = reviews.acts(db, CLINIC)
    assert act.body["text"] == "停电时手工登记"
