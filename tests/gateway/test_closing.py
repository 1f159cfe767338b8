"""Closing a day freezes what it rested on; what comes late shows, and the old closing stays."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import date, timedelta

import pytest

from gateway import inventory, pipeline
from gateway.audit import closing, month
from gateway.audit.figures import default_rules
from gateway.config import DISTRICT
from gateway.errors import UsageError
from gateway.inventory import Spot
from gateway.ledger import closings, trail
from gateway.ledger.bills import Teller
from gateway.ledger.reviews import ACROSS_DAYS
from gateway.ledger.trail import canonical
from tests.support.audited import DAY_MS, EVENING_MS, MONDAY, charge, lamp_day, runner, settle
from tests.support.bills import as_json, cancellation, detail, settlement, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, in_folder, take_in

TELLER = Teller(CLINIC, "clinic")
LATER_MS = EVENING_MS + 60_000


@pytest.fixture
def writer():
    return lamp_day(Writer("U1"), 20, 45)


@pytest.fixture
def book(tmp_path, writer):
    """A clinic of one lamp that burned for three treatments, all watched; two were charged."""
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, detail("1"), detail("2"))
    return book


def close(db, book, day=MONDAY, now_ms=EVENING_MS, by="D01"):
    return pipeline.close(db, book.config, day, "clinic", by, now_ms)


def state(db, book, day=MONDAY):
    (found,) = month.figures(db, book.config, "clinic", day, day, LATER_MS).days
    return found.state


def test_a_closing_freezes_inputs_by_hash_and_the_verdicts_of_its_own_run(db, book, writer):
    found = close(db, book)
    body = found.closing.body
    assert found.new and not found.reopened and found.closing.number == 1
    assert set(body["inputs"]) == set(closing.INPUTS)
    assert set(body["inputs"]["bills"]) == {"V1/1", "V1/2"}
    told = body["inputs"]["records"]["U1"]
    assert (told["first"], told["count"]) == (1, told["last"])
    kept = db.execute("SELECT digest FROM records WHERE us <= ? ORDER BY us", [told["last"]]).fetchall()
    assert told["sha256"] == hashlib.sha256("\n".join(each for (each,) in kept).encode()).hexdigest()
    assert body["summary"]["supported"] == 2
    assert closings.verdicts(db, found.closing.run, "2026-03-02") == {
        ("V1/1", 1): "supported",
        ("V1/2", 1): "supported",
    }
    assert found.closing.sha256 == hashlib.sha256(canonical(body).encode()).hexdigest()


def test_closing_the_same_day_again_writes_nothing(db, book):
    first = close(db, book)
    again = close(db, book, now_ms=LATER_MS, by="D02")
    assert not again.new and again.closing == first.closing
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert [(e.who, e.act, e.subject) for e in trail.entries(db)] == [("D01", "close", "day:2026-03-02")]


def test_a_late_bill_reopens_the_day_and_the_new_closing_says_what_changed(db, book):
    first = close(db, book)
    assert state(db, book) == "closed"
    charge(db, book, detail("3"), detail("4"), now_ms=LATER_MS)
    assert state(db, book) == "reopened"
    again = close(db, book, now_ms=LATER_MS)
    assert again.reopened and again.closing.number == 2
    changed = again.closing.body["changed"]
    assert changed["inputs"] == {"bills": {"new": 2, "gone": 0, "other": 0}}
    assert {(each["line"], each["was"], each["becomes"]) for each in changed["verdicts"]} == {
        ("V1/3", None, "supported"), ("V1/4", None, "no_device_time"),
    }  # fmt: skip
    assert len(changed["leads"]["new"]) == 1, "one charged too many"
    assert len(changed["leads"]["gone"]) == 1, "no unbilled time is left"
    assert again.closing.body["before"] == first.closing.sha256
    assert closings.of_day(db, TELLER, "2026-03-02")[0] == first.closing
    assert state(db, book) == "closed"


def test_a_refund_reopens_the_day_it_takes_back(db, book):
    close(db, book)
    charge(db, book, settlement(), cancellation(), now_ms=LATER_MS)
    assert state(db, book) == "reopened"
    changed = close(db, book, now_ms=LATER_MS).closing.body["changed"]
    assert changed["inputs"] == {"bills": {"new": 0, "gone": 0, "other": 2}}
    assert {each["becomes"] for each in changed["verdicts"]} == {"reversed"}


def test_late_records_reopen_the_day(tmp_path):
    writer = lamp_day(Writer("U1"), 20, 45)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines[:8], EVENING_MS)
        charge(db, book, detail("1"), detail("2"))
        first = close(db, book)
        assert first.closing.body["summary"]["unobserved"] == 1
        take_in(db, writer.lines[8:], LATER_MS)
        assert state(db, book) == "reopened"
        changed = close(db, book, now_ms=LATER_MS).closing.body["changed"]
        assert set(changed["inputs"]) == {"records", "coverage"}
        assert {(each["was"], each["becomes"]) for each in changed["verdicts"]} == {
            ("unobserved", "supported")
        }


def test_what_a_unit_says_at_night_reopens_nothing(db, book, writer):
    close(db, book)
    for _ in range(12):
        writer.alive()
    take_in(db, writer.lines, LATER_MS)
    assert state(db, book) == "closed" and not close(db, book, now_ms=LATER_MS).new


def test_a_session_at_night_does(db, book, writer):
    close(db, book)
    writer.open()
    writer.session(10)
    take_in(db, writer.lines, LATER_MS)
    assert state(db, book) == "reopened"
    assert set(close(db, book, now_ms=LATER_MS).closing.body["changed"]["inputs"]) == {"records"}


def test_an_amendment_reopens_the_day(db, book):
    close(db, book)
    inventory.amend_stations(db, "tdp-U1", 2, ("D01", "D02"), LATER_MS)
    assert state(db, book) == "reopened"
    changed = close(db, book, now_ms=LATER_MS).closing.body["changed"]
    assert changed["inputs"] == {"inventory": {"new": 0, "gone": 0, "other": 1}}


def test_a_newer_run_that_says_something_else_shows(db, book):
    close(db, book)
    settle(db, book, now_ms=LATER_MS)
    assert state(db, book) == "closed"
    inventory.add_device(db, "STIM-1", CLINIC, Spot("stim", "R1"), START_MS)
    settle(db, book, now_ms=LATER_MS)
    assert state(db, book) == "closed", "another class of device changes nothing that was said of lamps"


def test_other_rules_of_leads_are_other_inputs(db, book, run):
    close(db, book)
    (book.folder / "rules.toml").write_text("[dark]\nleast_s = 60\n")
    code, said, _ = run("close", MONDAY, "--check", "--json")
    assert code == 1 and said["changed"]["inputs"] == {"rules": {"new": 0, "gone": 0, "other": 1}}


def test_a_day_is_not_closed_before_it_is_over(db, book):
    with pytest.raises(UsageError, match="03-02 20:00"):
        close(db, book, now_ms=START_MS + 3_600_000)
    with pytest.raises(UsageError, match="03-03 20:00"):
        close(db, book, day=MONDAY + timedelta(1))
    assert closings.newest(db, TELLER, "2026-03-02", "2026-03-03") == {}


def test_a_closing_is_kept_whole_or_not_at_all(db, book, monkeypatch):
    monkeypatch.setattr(trail, "note", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        close(db, book)
    for table in ("runs", "verdicts", "closings", "trail"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_closing_cannot_be_rewritten(db, book):
    close(db, book)
    for sql in ("UPDATE closings SET by = 'D09'", "DELETE FROM closings"):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(sql)


def test_the_command_says_what_stands_and_exits_with_one_when_a_day_was_opened_again(run, db, book):
    code, said, _ = run("close", MONDAY, "--by", "D01", "--json")
    assert (code, said["number"], said["new"], said["changed"]) == (0, 1, True, None)
    assert run("close", MONDAY, "--check")[0] == 0
    charge(db, book, detail("3"), now_ms=LATER_MS)
    code, said, _ = run("close", MONDAY, "--check", "--json")
    assert code == 1 and said["number"] == 1 and said["changed"]["verdicts"][0]["becomes"] == "supported"
    code, out, err = run("close", MONDAY, "--by", "D01")
    assert code == 1 and "bills: +1" in out and "1 verdicts" in err


@pytest.mark.parametrize(
    "arguments, told",
    [
        ((), "--month"),
        (("2026-03-02", "--month", "2026-03", "--by", "D01"), "--month"),
        (("2026-03-02",), "--by"),
        (("--month", "2026-13", "--by", "D01"), "2026-13"),
        (("--month", "2026-3", "--by", "D01"), "2026-3"),
        (("2026-03-04", "--check"), "not closed"),
        (("soon", "--by", "D01"), "soon"),
    ],
)
def test_what_cannot_be_closed_is_said_in_one_line(run, db, arguments, told):
    code, _, said = run("close", *arguments)
    assert code == 2 and told in said and said.count("\n") == 1
    assert db.execute("SELECT count(*) FROM closings").fetchone() == (0,)


def test_a_month_closes_each_of_its_days_and_stands_until_one_changes(run, db, book):
    code, said, _ = run("close", "--month", "2026-03", "--by", "D01", "--json")
    assert (code, said["number"], len(said["days"])) == (0, 1, 31)
    assert {each["number"] for each in said["days"]} == {1}
    code, said, _ = run("close", "--month", "2026-03", "--by", "D01", "--json")
    assert (code, said["number"], said["new"]) == (0, 1, False)
    charge(db, book, detail("3"), now_ms=LATER_MS)
    code, said, _ = run("close", "--month", "2026-03", "--by", "D01", "--json")
    assert (code, said["number"], said["changed"]) == (1, 2, {"days": ["2026-03-02"]})
    assert [each["day"] for each in said["days"] if each["new"]] == ["2026-03-02"]
    kept = closings.of_day(db, TELLER, "2026-03")
    assert [each.number for each in kept] == [1, 2]
    assert kept[1].body["figures"]["clinic"][0]["supported"] == 3
    assert json.loads(canonical(kept[1].body)) == kept[1].body


def test_what_only_many_days_together_lead_to_stands_while_single_days_are_closed(tmp_path, capsys):
    writer = Writer("U1")
    for day in range(6):
        lamp_day(writer, 20, days=day)
    book = in_folder(tmp_path / "clinic", writer)
    run = runner(book.folder, capsys)

    def clockwork():
        return [each["standing"] for each in run("leads", "--json")[1] if each["rule"] == "clockwork"]

    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS + 6 * DAY_MS)
        settle(db, book, MONDAY, MONDAY + timedelta(5), now_ms=EVENING_MS + 6 * DAY_MS)
        assert clockwork() == [True]
        for day in range(6):
            close(db, book, MONDAY + timedelta(day), now_ms=EVENING_MS + 6 * DAY_MS)
        assert clockwork() == [True]
        code, _, _ = run("close", "--month", "2026-03", "--by", "D01")
        assert code == 0 and clockwork() == [True]
        (kept,) = closings.of_day(db, TELLER, "2026-03")
        assert (
            len(kept.body["leads"]) > 0 and kept.run == db.execute("SELECT max(run) FROM runs").fetchone()[0]
        )
        states = month.states(db, book.config, TELLER, MONDAY, MONDAY + timedelta(5))
        assert {each.state for each in states} == {"closed"}, (
            "the month's own run says nothing else of its days"
        )


def test_the_rules_that_look_at_many_days_are_rules():
    assert set(ACROSS_DAYS) <= set(default_rules())


def test_a_month_that_is_not_over_is_not_closed(db, book):
    with pytest.raises(UsageError):
        closing.may_close(book.config, date(2026, 3, 31), START_MS + 5 * DAY_MS)


def test_a_district_closes_the_day_of_a_clinic_whose_bills_it_has(tmp_path, writer, capsys):
    extra = '[clinics.C001]\nname = "示范诊所"\n[clinics.C002]\nname = "另一诊所"\n'
    there = in_folder(tmp_path / "district", writer, role=DISTRICT, extra=extra)
    with there.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
    (tmp_path / "bills.json").write_bytes(as_json(upload(detail("1"), detail("2"))))
    run = runner(there.folder, capsys)
    assert run("import-bills", tmp_path / "bills.json", "--clinic", CLINIC)[0] == 0
    assert run("close", MONDAY, "--by", "Q01")[0] == 2, "a district says whose day"
    code, said, _ = run("close", MONDAY, "--by", "Q01", "--clinic", CLINIC, "--json")
    assert (code, said["clinic"], said["summary"]["supported"]) == (0, CLINIC, 2)
    code, said, _ = run("close", MONDAY, "--by", "Q01", "--clinic", "C002", "--json")
    assert (code, said["clinic"], said["summary"]["supported"]) == (0, "C002", 0)
    out = tmp_path / "c1.csv"
    code, said, _ = run(
        "report", "--from", MONDAY, "--to", MONDAY, "--clinic", CLINIC, "--out", out, "--json"
    )
    assert (code, said["sums"]["clinic"][0]["supported"], said["days"][0]["state"]) == (0, 2, "closed")
    assert "示范诊所" in out.read_text("utf-8-sig")
