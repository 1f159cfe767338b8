"""A lead is answered by the clinic and decided by the district; nothing that was said is ever overwritten."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import __main__ as program
from gateway.audit import exchange, review
from gateway.audit.outcomes import OUTCOMES, Decided, refunded_by, standing
from gateway.check.recheck import recheck
from gateway.config import DISTRICT
from gateway.errors import UsageError
from gateway.ledger import reviews, trail
from gateway.ledger.database import transaction
from gateway.ledger.reviews import Act
from tests.support.audited import (
    EVENING_MS,
    MINUTE_MS,
    MONDAY,
    charge,
    one_too_many,
    runner,
    settle,
)
from tests.support.bills import cancellation, detail, settlement, upload
from tests.support.ledgers import CLINIC, in_folder, in_memory
from tests.support.tools import CHECKOUT

TODAY = date(2026, 3, 20)


@pytest.fixture
def book(tmp_path):
    """A clinic of one lamp that burned for three treatments; four were charged."""
    return one_too_many(tmp_path / "clinic")


@pytest.fixture
def lead(run):
    """The name of the day's only lead."""
    (found,) = run("leads", "--json")[1]
    return found["id"]


@pytest.fixture
def district(tmp_path):
    return in_folder(tmp_path / "district", role=DISTRICT)


def state(run, lead):
    return run("lead", "show", lead, "--json")[1]["review"]


# --- answers and outcomes -----------------------------------------------------------------------------------------


def test_a_lead_is_open_until_somebody_says_something(run, lead):
    assert state(run, lead)["state"] == "open"
    assert [each["id"] for each in run("leads", "--state", "open", "--json")[1]] == [lead]
    assert run("leads", "--state", "closed", "--json")[1] == []
    assert "待办" in run("leads")[1] and "open" in run("leads")[1]


def test_an_answer_keeps_text_attachments_person_and_time(run, lead, tmp_path):
    page = tmp_path / "page.jpg"
    page.write_bytes(b"\xff\xd8 handwritten")
    code, said, _ = run(
        "lead", "answer", lead, "--by", "D01", "--text", "停电时手工登记", "--attach", page, "--json"
    )
    assert code == 0 and said["act"]["text"] == "停电时手工登记"
    shown = run("lead", "show", lead, "--json")[1]
    assert shown["review"]["state"] == "answered"
    (act,) = shown["history"]
    assert (act["by"], act["side"], act["kind"], act["received"]) == ("D01", "clinic", "answer", None)
    assert act["at"].endswith("+08:00")
    (attached,) = act["attachments"]
    assert attached == {
        "name": "page.jpg", "bytes": 14, "sha256": hashlib.sha256(b"\xff\xd8 handwritten").hexdigest(),
    }  # fmt: skip
    assert run("lead", "attachment", attached["sha256"], "--out", tmp_path / "again.jpg")[0] == 0
    assert (tmp_path / "again.jpg").read_bytes() == page.read_bytes()


def test_a_clinics_own_outcome_is_internal_and_closes_nothing(run, lead):
    assert run("lead", "review", lead, "--outcome", "explained", "--by", "D02", "--why", "查过登记本")[0] == 0
    now = state(run, lead)
    assert (now["state"], now["outcome"], now["internal"]) == ("open", None, "explained")
    assert "explained  内部意见 · Internal opinion" in run("lead", "show", lead)[1]


def test_a_districts_outcome_is_final_with_money_cause_and_rectification(
    district, book, run, lead, tmp_path, capsys
):
    there = at_district(run, lead, district, tmp_path, capsys)
    assert there(
        "lead", "review", lead, "--outcome", "confirmed", "--by", "Q01", "--why", "与监控不符", "--withheld", "36",
        "--cause", "补录", "--rectification", "双人核对",
    )[0] == 0  # fmt: skip
    now = state(there, lead)
    assert (now["state"], now["outcome"], now["withheld"], now["deducted"]) == (
        "closed",
        "confirmed",
        "36.00",
        None,
    )
    assert (now["cause"], now["rectification"]) == ("补录", "双人核对")
    there(
        "lead",
        "review",
        lead,
        "--outcome",
        "confirmed",
        "--by",
        "Q01",
        "--why",
        "复核",
        "--deducted",
        "12.00",
    )
    now = state(there, lead)
    assert (now["withheld"], now["deducted"], now["rectification"]) == ("36.00", "12.00", "双人核对")
    assert len(there("lead", "show", lead, "--json")[1]["history"]) == 3


def at_district(run, lead, district, tmp_path, capsys):
    """The clinic's lead at the district, by way of a file."""
    run("lead", "answer", lead, "--by", "D01", "--text", "见登记本")
    out = tmp_path / "up.json"
    assert run("lead", "export", "--out", out)[0] == 0
    there = runner(district.folder, capsys)
    assert there("lead", "import", out, "--by", "Q01")[0] == 0
    with district.ledger() as ledger:
        assert len(reviews.leads(ledger, lead=lead)) == 1
    assert [act["side"] for act in there("lead", "show", lead, "--json")[1]["history"]] == ["clinic"]
    return there


def test_a_closed_lead_is_opened_again_by_an_appeal_and_not_before(district, run, lead, tmp_path, capsys):
    there = at_district(run, lead, district, tmp_path, capsys)
    code, _, said = there("lead", "appeal", lead, "--by", "D01", "--text", "不服")
    assert code == 2 and "lead answer" in said
    there("lead", "review", lead, "--outcome", "confirmed", "--by", "Q01", "--why", "无记录")
    assert there("lead", "appeal", lead, "--by", "D01", "--text", "补交截图")[0] == 0
    now = state(there, lead)
    assert (now["state"], now["appealed"], now["outcome"]) == ("answered", True, "confirmed")
    there("lead", "review", lead, "--outcome", "explained", "--by", "Q02", "--why", "截图可信")
    now = state(there, lead)
    assert (now["state"], now["appealed"], now["outcome"]) == ("closed", False, "explained")


def test_a_deadline_that_passed_without_an_answer_is_overdue(db, lead):
    found = review.lead_named(db, lead)
    review.decide(db, found, DISTRICT, "Q01", EVENING_MS, Decided("pending", "请答复", due=date(2026, 3, 10)))
    assert not review.standing_of(db, found, date(2026, 3, 10)).overdue
    assert review.standing_of(db, found, date(2026, 3, 11)).overdue
    review.answer(db, found, "clinic", "D01", EVENING_MS + 1, "已答复", {})
    assert not review.standing_of(db, found, date(2026, 3, 11)).overdue


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("answer", "X", "--by", "", "--text", "t"), "--by"),
        (("answer", "X", "--by", "D01", "--text", " "), "--text"),
        (("answer", "X", "--by", "D01"), "--text"),
        (("answer", "X", "--by", "D01", "--text", "t", "--attach", "/no/such/file"), "/no/such/file"),
        (("review", "X", "--outcome", "explained", "--by", "D01", "--why", ""), "--why"),
        (("review", "X", "--outcome", "guilty", "--by", "D01", "--why", "w"), "guilty"),
        (
            ("review", "X", "--outcome", "confirmed", "--by", "D01", "--why", "w", "--withheld", "-1"),
            "--withheld",
        ),
        (
            ("review", "X", "--outcome", "confirmed", "--by", "D01", "--why", "w", "--deducted", "1.005"),
            "--deducted",
        ),
        (("review", "X", "--outcome", "pending", "--by", "D01", "--why", "w", "--due", "soon"), "soon"),
    ],
)
def test_what_is_not_complete_is_refused_in_one_line_and_changes_nothing(run, db, lead, arguments, said):
    code, _, told = run("lead", *(lead if each == "X" else each for each in arguments))
    assert code == 2 and said in told and told.count("\n") == 1
    assert reviews.acts(db, CLINIC) == [] and trail.entries(db) == []


def test_a_lead_that_is_not_there_is_said_so(run):
    code, _, said = run("lead", "show", "nosuchlead00")
    assert code == 2 and "wattwitness leads" in said


def test_every_act_stands_in_the_trail_and_check_finds_nothing_wrong(run, db, lead):
    run("lead", "answer", lead, "--by", "D01", "--text", "一")
    run("lead", "review", lead, "--outcome", "pending", "--by", "D02", "--why", "二")
    assert [(e.who, e.act, e.subject) for e in trail.entries(db)] == [
        ("D01", "lead_answer", f"lead:{lead}"),
        ("D02", "lead_review", f"lead:{lead}"),
    ]
    assert [e.body["act"] for e in trail.entries(db)] == [a.sha256 for a in reviews.acts(db, CLINIC)]
    assert [each.code for each in recheck(db.conn, keys(db)).faults] == []


def keys(db):
    return dict(db.execute("SELECT unit, key_hex FROM units").fetchall())


def test_nothing_that_was_said_can_be_overwritten_even_by_the_program(db, lead):
    found = review.lead_named(db, lead)
    review.answer(db, found, "clinic", "D01", EVENING_MS, "一", {"a": b"a"})
    for sql in ("UPDATE review_acts SET by = 'D09'", "DELETE FROM review_acts", "DELETE FROM attachments"):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(sql)


def test_an_answer_is_kept_whole_or_not_at_all(db, lead, monkeypatch):
    found = review.lead_named(db, lead)
    monkeypatch.setattr(trail, "note", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        review.answer(db, found, "clinic", "D01", EVENING_MS, "一", {"a.txt": b"a"})
    assert reviews.acts(db, CLINIC) == []
    assert reviews.attachment(db, hashlib.sha256(b"a").hexdigest()) is None


# --- refunds and complaints ---------------------------------------------------------------------------------------


def test_a_refund_by_the_original_route_closes_its_lead_and_names_the_file(run, book, db, lead):
    charge(
        db, book, upload(detail("4", visit="V9")), now_ms=EVENING_MS + 1
    )  # somebody else's, not of this lead's lines
    later_ms = EVENING_MS + 60 * MINUTE_MS
    charge(db, book, settlement(), cancellation(), now_ms=later_ms)
    now = state(run, lead)
    assert (now["state"], now["refunded_by"]) == ("refunded", [f"bills-{later_ms}.json"])
    settle(db, book)
    (listed,) = [each for each in run("leads", "--json")[1] if each["id"] == lead]
    assert (listed["standing"], listed["review"]["state"]) == (False, "refunded")


def test_of_a_capacity_lead_as_many_refunds_as_were_too_many_are_enough(run, book, db, tmp_path, lead):
    assert state(run, lead)["state"] == "open"
    (found,) = reviews.leads(db, lead=lead)
    one, *rest = reviews.lines_now(db, found, found.body["lines"])
    assert (found.body["treatments"], found.body["capacity"], len(rest)) == (4, 3, 3)
    gone = [type(one)(one.line, one.treatments, "refund.json"), *rest]
    assert refunded_by(found, [one, *rest]) == ()
    assert refunded_by(found, gone) == ("refund.json",)


def test_a_lead_that_the_district_closed_stays_closed_when_money_comes_back(db, lead):
    acts = [act_of("review", "district", outcome="confirmed")]
    assert standing(acts, ("refund.json",), TODAY).state == "closed"
    assert standing([], ("refund.json",), TODAY).state == "refunded"


def test_a_lead_that_new_records_explained_is_listed_only_if_somebody_spoke_of_it(run, book, db, lead):
    run("lead", "answer", lead, "--by", "D01", "--text", "另一盏灯的记录晚到")
    charge(db, book, detail("5", visit="V5"), now_ms=EVENING_MS + 1)
    settle(db, book)
    listed = run("leads", "--json")[1]
    assert {(each["id"] == lead, each["standing"]) for each in listed} == {(True, False), (False, True)}
    settle(db, book)
    assert len(run("leads", "--json")[1]) == 2


def test_a_complaint_opens_a_lead_that_names_no_informant(run, db):
    code, said, _ = run(
        "lead", "open", "--rule", "complaint", "--day", MONDAY, "--text", "反映未做即收费", "--by", "Q01", "--line", "V1/1",
        "--item", 31, "--amount", "12", "--json",
    )  # fmt: skip
    assert code == 0 and said["rule"] == "complaint" and said["amount"] == "12.00"
    assert said["zh"] == "举报：反映未做即收费" and said["lines"] == ["V1/1"]
    assert said["id"] in {each["id"] for each in run("leads", "--from", MONDAY, "--to", MONDAY, "--json")[1]}
    assert run("lead", "answer", said["id"], "--by", "D01", "--text", "已核对")[0] == 0
    again = run(
        "lead", "open", "--rule", "complaint", "--day", MONDAY, "--text", "反映未做即收费", "--by", "Q01"
    )
    assert again[0] == 2 and said["id"] in again[2]


@pytest.mark.parametrize(
    "text",
    [
        "举报人 13800138000",
        "身份证 11010519491231002X 来电",
        "电话 138-0013-8000",
        "１３８００１３８０００ 来电",
    ],
)
def test_a_complaint_with_a_persons_number_in_it_is_refused(run, db, text):
    code, _, said = run("lead", "open", "--rule", "complaint", "--day", MONDAY, "--text", text, "--by", "Q01")
    assert code == 2 and "举报人" in said and trail.entries(db) == []


# --- how a lead stands, for every history -------------------------------------------------------------------------


def act_of(kind, side, **said):
    decided = {"outcome": "pending", "final": False, "why": "w", "withheld_fen": None, "deducted_fen": None}
    decided |= {"cause": "", "rectification": "", "due": None}
    body = decided | said if kind == "review" else {"text": "t", "attachments": []}
    return Act(CLINIC, "l", side, 1, kind, 1, "D01", body, "")


SIDES = st.sampled_from(["clinic", "district"])
HISTORY = st.lists(
    st.builds(lambda side, outcome: act_of("review", side, outcome=outcome), SIDES, st.sampled_from(OUTCOMES))
    | st.builds(lambda side: act_of("answer", side), SIDES)
)


@given(HISTORY)
def test_only_the_district_closes_a_lead_and_its_last_word_counts(history):
    now = standing(history, (), TODAY)
    final = [each.body["outcome"] for each in history if each.kind == "review" and each.side == "district"]
    assert (now.state == "closed") == (bool(final) and final[-1] != "pending")
    assert now.outcome == (final[-1] if final else None)
    own = [each.body["outcome"] for each in history if each.kind == "review" and each.side == "clinic"]
    assert now.internal == (own[-1] if own else None)


def test_a_clinic_says_nothing_of_the_districts_money_or_day_for_the_answer():
    theirs = act_of("review", "district", withheld_fen=3600, due="2026-03-10")
    own = act_of(
        "review",
        "clinic",
        withheld_fen=1,
        deducted_fen=2,
        due="2027-01-01",
        cause="补录",
        rectification="双人核对",
    )
    now = standing([theirs, own], (), TODAY)
    assert (now.withheld_fen, now.deducted_fen, now.due) == (3600, None, date(2026, 3, 10))
    assert (now.cause, now.rectification) == ("补录", "双人核对")
    before = standing([own], (), TODAY)
    assert (before.withheld_fen, before.noted) == (1, True), "a clinic may note what it was told"
    after = standing([own, act_of("review", "district", outcome="explained")], (), TODAY)
    assert (after.withheld_fen, after.deducted_fen, after.noted) == (None, None, False)


# --- between clinic and district ----------------------------------------------------------------------------------


def test_answers_and_outcomes_travel_by_file_and_the_same_file_twice_changes_nothing(
    district, run, db, lead, tmp_path, capsys
):
    page = tmp_path / "page.txt"
    page.write_text("登记本")
    run("lead", "answer", lead, "--by", "D01", "--text", "见附件", "--attach", page)
    up, down = tmp_path / "up.json", tmp_path / "down.json"
    code, told, _ = run("lead", "export", "--out", up, "--json")
    assert (code, told["leads"], told["attachments"]) == (0, 1, 1)
    there = runner(district.folder, capsys)
    for acts, repeated in ((1, 0), (0, 1)):
        code, said, _ = there("lead", "import", up, "--by", "Q01", "--json")
        assert (code, said["acts"], said["repeated"]) == (0, acts, repeated)
    assert there("lead", "show", lead, "--json")[1]["history"][0]["attachments"][0]["name"] == "page.txt"
    there("lead", "review", lead, "--outcome", "explained", "--by", "Q01", "--why", "属实")
    there("lead", "export", "--out", down)
    assert run("lead", "import", down, "--by", "D02", "--json")[1] == {
        "leads": 0, "acts": 1, "repeated": 1, "attachments": 0,
    }  # fmt: skip
    now = state(run, lead)
    assert (now["state"], now["outcome"]) == ("closed", "explained")
    history = run("lead", "show", lead, "--json")[1]["history"]
    assert [(each["side"], each["received"] is None) for each in history] == [
        ("clinic", True),
        ("district", False),
    ]
    assert [e.act for e in trail.entries(db)] == ["lead_answer", "lead_import"]
    assert recheck(db.conn, keys(db)).faults == []


def test_a_changed_file_is_refused_whole(district, run, lead, tmp_path, capsys):
    run("lead", "answer", lead, "--by", "D01", "--text", "原文")
    up = tmp_path / "up.json"
    run("lead", "export", "--out", up)
    there = runner(district.folder, capsys)
    for changed in (up.read_text("utf-8").replace("原文", "改过"), "{", "[]", "{}"):
        (tmp_path / "changed.json").write_text(changed, encoding="utf-8")
        code, _, said = there("lead", "import", tmp_path / "changed.json", "--by", "Q01")
        assert code == 2 and "lead export" in said and said.count("\n") == 1
    with district.ledger() as ledger:
        assert reviews.leads(ledger) == [] and trail.entries(ledger) == []


def resealed(document):
    document.pop("sha256")
    return json.dumps(document | {"sha256": exchange._sha256(document)}).encode()


def test_a_file_that_tells_another_past_is_refused_with_one_clear_error(district, run, db, lead, tmp_path):
    run("lead", "answer", lead, "--by", "D01", "--text", "第一次")
    first = exchange.bundle(db, "clinic", None, "", "9999", EVENING_MS)
    with district.ledger() as there:
        exchange.take(there, resealed(first), DISTRICT, None, "Q01", EVENING_MS)
        found = review.lead_named(there, lead)
        other = reviews.next_act(
            there, CLINIC, lead, "clinic", "answer", 1, "D01", {"text": "x", "attachments": []}
        )
        told = exchange.bundle(there, DISTRICT, None, "", "9999", EVENING_MS)
        for rewritten in (
            [{**other.said(), "place": 1, "sha256": other.sha256}],
            [other.said() | {"sha256": "0" * 64}],
        ):
            told["leads"][0]["acts"] = rewritten
            with pytest.raises(UsageError, match="another history"):
                exchange.take(there, resealed(dict(told)), DISTRICT, None, "Q01", EVENING_MS)
        review.decide(there, found, DISTRICT, "Q01", EVENING_MS, Decided("explained", "w"))
        back = exchange.bundle(there, DISTRICT, None, "", "9999", EVENING_MS)
    back["leads"][0]["acts"][0]["by"] = "D99"  # our own answer, as somebody else would have it
    with pytest.raises(UsageError, match="another history"):
        exchange.take(db, resealed(back), "clinic", CLINIC, "D01", EVENING_MS)
    assert [each.side for each in reviews.acts(db, CLINIC)] == ["clinic"]


def test_an_act_of_our_own_that_we_never_did_is_refused(district, run, db, lead):
    run("lead", "answer", lead, "--by", "D01", "--text", "第一次")
    with district.ledger() as there:
        exchange.take(
            there,
            resealed(exchange.bundle(db, "clinic", None, "", "9999", 1)),
            DISTRICT,
            None,
            "Q01",
            EVENING_MS,
        )
        found = review.lead_named(there, lead)
        review.answer(there, found, "clinic", "D01", EVENING_MS, "在区里替诊所写的", {})
        back = exchange.bundle(there, DISTRICT, None, "", "9999", 1)
    with pytest.raises(UsageError, match="clinic act 2"):
        exchange.take(db, resealed(back), "clinic", CLINIC, "D01", EVENING_MS)


def test_a_file_of_another_clinic_and_a_missing_attachment_are_refused(run, db, lead):
    found = review.lead_named(db, lead)
    review.answer(db, found, "clinic", "D01", EVENING_MS, "见附件", {"a": b"a"})
    told = exchange.bundle(db, "clinic", None, "", "9999", 1)
    with pytest.raises(UsageError, match="C002"):
        exchange.take(db, resealed(dict(told)), "clinic", "C002", "D01", EVENING_MS)
    told["attachments"] = {}
    with pytest.raises(UsageError, match="attachment"):
        exchange.take(in_memory(), resealed(told), DISTRICT, None, "Q01", EVENING_MS)


DAMAGE = [
    lambda told: told["leads"][0]["lead"].update(lead="../../etc"),
    lambda told: told["leads"][0]["lead"].update(day="soon"),
    lambda told: told["leads"][0]["lead"].update(amount_fen="12"),
    lambda told: told["leads"][0]["lead"]["body"].pop("zh"),
    lambda told: told["leads"][0]["lead"]["body"].update(lines=[1]),
    lambda told: told["leads"][0]["lead"]["body"].update(dark=["x"]),
    lambda told: told["leads"][0]["lead"].update(body=[]),
    lambda told: told["leads"][0]["acts"][0].update(kind="forget"),
    lambda told: told["leads"][0]["acts"][0].update(side="police"),
    lambda told: told["leads"][0]["acts"][0].update(
        kind="review", body=act_of("review", "", final=True).body
    ),
    lambda told: told["leads"][0]["acts"][0].update(place="1"),
    lambda told: told["leads"][0]["acts"][0]["body"].update(attachments=[{"name": "a"}]),
    lambda told: told["leads"][0]["acts"][0]["body"].pop("text"),
    lambda told: told["leads"][0].pop("acts"),
    lambda told: told.update(attachments={"0" * 64: "YQ=="}),
    lambda told: told.update(format="other"),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_whose_hash_is_right_and_whose_content_is_not_is_refused_whole(db, lead, damage):
    review.answer(db, review.lead_named(db, lead), "clinic", "D01", EVENING_MS, "t", {})
    told = exchange.bundle(db, "clinic", None, "", "9999", 1)
    damage(told)
    there = in_memory()
    with pytest.raises(UsageError, match="damaged"):
        exchange.take(there, resealed(told), DISTRICT, None, "Q01", EVENING_MS)
    assert reviews.leads(there) == [] and reviews.acts(there, CLINIC) == []


def test_two_clinics_with_a_lead_of_one_name_are_told_apart(district, run, db, lead):
    (found,) = reviews.leads(db, lead=lead)
    with district.ledger() as there:
        with transaction(there):
            for clinic in ("C001", "C002"):
                reviews.tell(
                    there, type(found)(clinic, "", *[getattr(found, n) for n in found.__slots__[2:]]), 1
                )
        with pytest.raises(UsageError, match="--clinic"):
            review.lead_named(there, lead)
        assert review.lead_named(there, lead, "C002").clinic == "C002"


# --- killed between writes, and examined from the bytes -----------------------------------------------------------


def killed(book, point, *arguments):
    """The command as a process that dies by SIGKILL at that point; whether it did."""
    asked = [
        sys.executable,
        "-m",
        "tests.support.dying",
        point,
        "1",
        "--dir",
        str(book.folder),
        *map(str, arguments),
    ]
    return subprocess.run(asked, cwd=CHECKOUT, capture_output=True, timeout=60).returncode == -signal.SIGKILL


@pytest.mark.parametrize("point", ["in the middle of an answer", "before an act is noted"])
def test_an_answer_killed_between_its_writes_is_not_there_and_can_be_given_again(
    book, db, lead, tmp_path, point
):
    page = tmp_path / "page.txt"
    page.write_text("登记本")
    said = ("lead", "answer", lead, "--by", "D01", "--text", "见附件", "--attach", page)
    assert killed(book, point, *said)
    for table in ("review_acts", "attachments", "trail"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert runs_to_its_end(book, *said)
    assert [each.place for each in reviews.acts(db, CLINIC)] == [1]
    assert recheck(db.conn, keys(db)).faults == []


@pytest.mark.parametrize("point", ["in the middle of a closing", "before an act is noted"])
def test_a_closing_killed_between_its_writes_is_not_there_and_can_be_made_again(book, db, point):
    before = db.execute("SELECT count(*) FROM runs").fetchone()
    assert killed(book, point, "close", MONDAY, "--by", "D01")
    assert db.execute("SELECT count(*) FROM runs").fetchone() == before
    assert db.execute("SELECT count(*) FROM closings").fetchone() == (0,)
    assert runs_to_its_end(book, "close", MONDAY, "--by", "D01")
    assert recheck(db.conn, keys(db)).faults == []


def test_answers_taken_in_are_all_there_or_none(book, db, district, lead, tmp_path, run):
    run("lead", "answer", lead, "--by", "D01", "--text", "一")
    run("lead", "answer", lead, "--by", "D01", "--text", "二")
    run("lead", "export", "--out", tmp_path / "up.json")
    said = ("lead", "import", tmp_path / "up.json", "--by", "Q01")
    assert killed(district, "in the middle of taking in answers", *said)
    with district.ledger() as there:
        assert reviews.acts(there, CLINIC) == [] and reviews.leads(there) == []
        assert runs_to_its_end(district, *said)
        assert len(reviews.acts(there, CLINIC)) == 2


def runs_to_its_end(book, *arguments):
    return program.run(["--dir", str(book.folder), *map(str, arguments)]) == 0


TAMPERED = {
    "UPDATE review_acts SET by = 'D09'": {"act"},
    "UPDATE review_acts SET body = replace(body, 'text', 'txet')": {"act"},
    "DELETE FROM review_acts WHERE place = 1": {"act"},
    "DELETE FROM attachments": {"attachment"},
    "UPDATE attachments SET body = x'00'": {"attachment"},
    "UPDATE closings SET body = replace(body, 'supported', 'unsupported')": {"closing"},
    "UPDATE closings SET number = 2": {"closing"},
    "DELETE FROM trail WHERE act = 'close'": {"untraced"},
    "UPDATE closings SET by = 'D09'": {"closing"},
    "UPDATE closings SET at_ms = at_ms - 1": {"closing"},
    "UPDATE closings SET run = 1": {"closing"},
    "UPDATE coverage SET watched_s = 0 WHERE run = (SELECT run FROM closings)": {"closing"},
    "UPDATE verdicts SET code = 'supported' WHERE run = (SELECT run FROM closings)": {"closing"},
    "UPDATE leads SET amount_fen = 1 WHERE run = (SELECT run FROM closings)": {"closing"},
    "UPDATE review_acts SET received_ms = 1 WHERE place = 2": {"untraced"},
}


@pytest.mark.parametrize("sql", TAMPERED)
def test_check_sees_what_somebody_changed_who_owns_the_file(book, db, lead, tmp_path, run, sql):
    (tmp_path / "a.txt").write_text("a")
    run("lead", "answer", lead, "--by", "D01", "--text", "一", "--attach", tmp_path / "a.txt")
    run("lead", "answer", lead, "--by", "D01", "--text", "二")
    run("close", MONDAY, "--by", "D01")
    settle(db, book)  # the closing's run is not the newest
    assert recheck(db.conn, keys(db)).faults == []
    for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute(sql)
    assert {each.code for each in recheck(db.conn, keys(db)).faults} == TAMPERED[sql]
