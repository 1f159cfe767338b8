"""What the ledger holds of one day, as the page is given it."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from sqlite_utils import Database

from gateway.pages import day
from gateway.pages.view import AMONG, PENDING, VERDICTS, DayView
from protocol import record, seal
from tests.pages import sample
from tests.pages.sample import CONFIG, DAY, MIDNIGHT_MS


@pytest.fixture
def db(tmp_path):
    """The day in a ledger of its own."""
    ledger = sample.ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


@pytest.fixture
def empty(tmp_path):
    """A ledger that holds nothing."""
    ledger = sample.ledger(tmp_path / "ledger.db", day=False)
    yield ledger
    ledger.close()


def _view(db: Database, shown: date = DAY) -> DayView:
    return day.day_view(db, CONFIG, shown)


def _device(view: DayView, name: str):
    return next(each for each in view.devices if each.device == name)


def test_lamps_come_first_then_stimulators_each_with_the_unit_on_it(db):
    assert [(each.load, each.name) for each in _view(db).devices] == [
        *(("tdp", f"U{number}") for number in (1, 2, 3, 4)),
        ("stim", "U5"),
        ("stim", "U6"),
    ]


def test_sessions_are_read_from_what_the_units_signed(db):
    session = _device(_view(db), "TDP-02").sessions[2]
    assert (session.record, session.start_ms, session.end_ms) == (
        "U2:9",
        sample.at("09:31"),
        sample.at("09:40"),
    )
    assert (session.active_s, session.end_code, session.grade) == (540, "P", "A")


def test_a_shop_plug_gives_grade_b(db):
    assert {each.grade for each in _device(_view(db), "STIM-02").sessions} == {"B"}


def test_a_session_on_which_a_long_burn_rests_is_marked(db):
    assert [each.long_burn for each in _device(_view(db), "TDP-04").sessions] == [True, False]


def test_coverage_and_dark_are_as_the_run_left_them(db):
    view = _view(db)
    assert _device(view, "TDP-03").dark == ((sample.at("10:30"), sample.at("13:10")),)
    assert view.watched == (36_000 * 6 - (22 + 160 + 155) * 60, 36_000 * 6)


def test_counts_are_of_treatments_and_name_all_six_verdicts(db):
    assert tuple(_view(db).counts) == VERDICTS
    assert _view(db).counts["no_device_time"] == 4
    assert _view(db).counts["reversed"] == 1


def test_every_member_of_a_set_is_shown_alike_and_a_line_alone_is_not_in_one(db):
    view = _view(db)
    members = [each for each in view.lines if each.item == 31 and each.sets]
    assert len(members) == len(view.sets[0].lines) == 27
    assert {code for each in members for code in each.shown} == {AMONG}
    assert not [each for each in view.lines if each.item != 31 and each.sets]
    assert view.sets[0].counts == (("short", 1), ("no_device_time", 3), ("unobserved", 1))
    assert view.sets[0].short_s == (612,)


def test_a_set_that_began_on_another_day_holds_its_lines_of_this_day(db):
    sample.verdict(db, "x/1", 1, 23, "unobserved", among=["x/1", "2026030200034/102"], day=DAY + timedelta(1))
    view = _view(db)
    [line] = [each for each in view.lines if each.line == "2026030200034/102"]
    assert line.sets and line.shown == (AMONG,)


def test_what_is_not_metered_stands_with_no_device(db):
    assert {each.load for each in _view(db).lines if each.item in (16, 26, 34)} == {None}


def test_leads_come_in_the_order_of_the_run_and_findings_by_the_time_of_their_records(db):
    view = _view(db)
    assert [each.rule for each in view.leads] == ["capacity", "dark", "unbilled"]
    assert (view.leads[0].treatments, view.leads[0].capacity) == (34, 31)
    assert view.leads[1].supplies == ("U3 10:30–13:10",)
    assert [each.code for each in view.findings] == ["clock"]


def test_the_newest_run_that_covers_the_day_is_shown(db):
    db.table("runs").insert(
        {"run": 2, "from_day": "2026-03-01", "to_day": "2026-03-31", "made_ms": 9, "clinic": "C001"}
    )
    sample.verdict(db, "2026030200034/103", 1, 23, "supported", active_s=1200, run=2)
    view = _view(db)
    assert view.made_ms == 9
    assert view.counts["supported"] == 1
    assert view.counts[PENDING] > 0


def test_before_any_reconciliation_lines_wait_and_coverage_is_unknown(db):
    for table in ("verdicts", "leads", "coverage", "runs"):
        db.execute(f"DELETE FROM {table}")
    view = _view(db)
    assert view.made_ms is None and view.watched is None
    assert {code for each in view.lines for code in each.shown} == {PENDING}
    assert sum(len(each.treatments) for each in view.lines if each.item == 31) == 32


def test_an_empty_ledger_has_an_empty_day(empty):
    view = _view(empty)
    assert (view.devices, view.lines, view.leads, view.watched) == ((), (), (), None)


def test_lines_of_a_source_that_was_not_judged_are_not_mixed_in(db):
    bill = dict(next(iter(db.query("SELECT * FROM bill_lines WHERE item = 31 LIMIT 1"))), source="platform")
    db.table("bill_lines").insert(bill)
    assert len(_view(db).lines) == 60


def test_a_refund_is_told_by_the_line_it_takes_back(db):
    bill = dict(next(iter(db.query("SELECT * FROM bill_lines WHERE item = 31 LIMIT 1"))))
    db.table("bill_lines").insert(bill | {"line": "refund/1", "count": "-1"})
    assert len(_view(db).lines) == 60


def test_lines_outside_the_catalogue_are_counted_only(db):
    bill = dict(next(iter(db.query("SELECT * FROM bill_lines WHERE item = 31 LIMIT 1"))))
    db.table("bill_lines").insert(bill | {"line": "other/1", "item": None})
    assert (len(_view(db).lines), _view(db).outside) == (60, 1)


def test_a_session_over_midnight_is_on_both_days(db):
    sample.store(db, sample.session("U1", 99, MIDNIGHT_MS + 86_400_000 - 600_000, 1_200))
    assert _device(_view(db), "TDP-01").sessions[-1].record == "U1:99"
    [following] = _device(_view(db, DAY + timedelta(1)), "TDP-01").sessions
    assert following.record == "U1:99"


def test_a_session_that_burned_for_days_is_on_the_day_between(db):
    sample.store(db, sample.session("U1", 99, MIDNIGHT_MS - 86_400_000, 5 * 86_400))
    assert "U1:99" in [each.record for each in _device(_view(db, DAY + timedelta(2)), "TDP-01").sessions]


def test_a_session_belongs_to_the_device_its_unit_was_on_when_it_began(db):
    db.execute("UPDATE placements SET until_ms = ? WHERE unit = 'U1'", [sample.at("09:00")])
    db.table("placements").insert({"unit": "U1", "device": "TDP-04", "from_ms": sample.at("09:00")})
    view = _view(db)
    assert len(_device(view, "TDP-01").sessions) == 2
    assert len(_device(view, "TDP-04").sessions) == 9
    assert _device(view, "TDP-04").name == "U4 → U1"


def test_a_unit_that_nobody_placed_gets_a_row_of_its_own(db):
    db.execute("DELETE FROM placements WHERE unit = 'U1'")
    row = _view(db).devices[-1]
    assert (row.device, row.load, len(row.sessions)) == ("U1", "", 9)


def test_what_is_not_yet_chained_or_lies_behind_a_fork_supports_nothing(db):
    sample.store(db, sample.session("U2", 90, sample.at("16:30"), 1_200), chained=0)
    db.table("heads").insert(
        {"unit": "U3", "us": 12, "digest": "", "first_us": 1, "first_up": "", "forked_us": 6}
    )
    view = _view(db)
    assert [each.grade for each in _device(view, "TDP-02").sessions] == ["A"] * 7 + [""]
    assert [each.grade for each in _device(view, "TDP-03").sessions] == ["A", "", "", ""]


def test_a_session_of_an_unset_clock_stands_where_the_clock_record_after_it_puts_it(db):
    _unset_session(db, "U2", 91, 3_600_000)
    _clock(db, "U2", 92, sample.at("16:45"), sample.at("16:20") - 3_600_000)
    session = _device(_view(db), "TDP-02").sessions[-1]
    assert (session.record, session.start_ms, session.grade) == ("U2:91", sample.at("16:20"), "A")


def test_a_session_of_an_unset_clock_that_nobody_set_supports_nothing(db):
    _unset_session(db, "U2", 91, sample.at("16:20"))
    assert _device(_view(db), "TDP-02").sessions[-1].grade == ""


def _unset_session(db: Database, unit: str, us: int, start_ms: int) -> None:
    stored = sample.session(unit, us, start_ms, 1_200, flag="U")
    sample.store(db, stored)


def _clock(db: Database, unit: str, us: int, at_ms: int, step_ms: int) -> None:
    who = record.Identity(unit, "0.1.0", "bench", "scripted", unit, "1")
    fields = {"UB": "0123456789abcdef", "US": us, "UP": "ab" * 32, "UM": 2, "UR": step_ms}
    payload = record.render(who, record.CLOCK, us, [record.Reading(at_ms, "S", 90_000)], fields)
    line = sample.Stored(unit, us, at_ms, seal.join(payload, 1, 1), seal.digest(payload), "ab" * 32)
    sample.store(db, line, kind="CLOCK")


def test_today_is_shown_once_it_is_reconciled_else_the_newest_day_that_was(db):
    assert day.day_to_show(db, CONFIG, sample.at("18:30")) == DAY
    assert day.day_to_show(db, CONFIG, sample.at("18:30") + 3 * 86_400_000) == DAY


def test_today_is_shown_while_nothing_was_ever_reconciled(empty):
    assert day.day_to_show(empty, CONFIG, sample.at("18:30")) == DAY


def test_a_lead_without_its_optional_members_is_shown(db):
    said = {"id": "bare", "rule": "burst", "zh": "短时", "en": "burst"}
    row = {
        "run": 1,
        "lead": "bare",
        "rule": "burst",
        "day": str(DAY),
        "amount_fen": 0,
        "body": json.dumps(said),
    }
    db.table("leads").insert(row)
    assert _view(db).leads[-1].lines == ()
