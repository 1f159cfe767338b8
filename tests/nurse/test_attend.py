"""What people record of treatments: begun, ended, stopped, not done, entered later, corrected; and nothing overwritten."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway import inventory
from gateway.audit import catalogue
from gateway.errors import UsageError
from gateway.inventory import Spot
from gateway.ledger import attended, trail
from gateway.ledger.attended import DONE, RUNNING, STOPPED, UNDONE, WITHDRAWN, Entry
from gateway.ledger.database import open_ledger
from gateway.nurse import attend
from gateway.nurse.attend import Act, Changed, Details, Treated, When
from tests.support.chain import Writer
from tests.support.ledgers import in_folder

ITEMS = catalogue.read().items
NEEDLES, TUINA, CUPS, HEAT = ITEMS[16], ITEMS[4], ITEMS[34], ITEMS[31]
NOW_MS = 1_772_416_800_000  # 2026-03-02 10:00 in Shanghai
MINUTE_MS = 60_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return in_folder(tmp_path / "clinic").folder


@pytest.fixture
def db(folder: Path) -> Database:
    return open_ledger(folder)


def act(minutes: int = 0, by: str = "D01") -> Act:
    return Act("C001", by, NOW_MS + minutes * MINUTE_MS)


def treated(item=TUINA, visit: str = "V1") -> Treated:
    return Treated(visit, item, "V1/1", "推拿室", "D01")


def ran(db: Database, minutes: int = 20) -> Entry:
    """A massage that was begun and ended."""
    began = attend.begin(db, act(), treated())
    return attend.end(db, act(minutes), began.entry, TUINA)


def in_force(db: Database) -> list[tuple[int, str]]:
    return [(each.entry, each.outcome) for each in attended.of_visits(db, "C001", ["V1"])]


def test_one_tap_begins_and_one_ends_and_both_stay(db: Database) -> None:
    ended = ran(db)
    assert (ended.entry, ended.thread, ended.replaces) == (2, 1, 1)
    assert (ended.began_ms, ended.ended_ms) == (NOW_MS, NOW_MS + 20 * MINUTE_MS)
    assert in_force(db) == [(2, DONE)]
    assert [each.outcome for each in attended.thread(db, 1)] == [RUNNING, DONE]
    assert (ended.later, ended.why) == (0, "")


@pytest.mark.parametrize("item", ITEMS.all(), ids=lambda item: str(item.number))
def test_any_of_the_items_can_be_recorded_with_just_what_its_catalogue_entry_asks_for(db, item) -> None:
    asked = attend.asked_of(item)
    assert asked == tuple(
        name
        for name, least in (
            ("acupoints", item.min_acupoints), ("cups", item.min_cups), ("body_part", item.per == "区"),
        )
        if least
    )  # fmt: skip
    began = attend.begin(db, act(), treated(item))
    given = {"acupoints": 9, "cups": 8, "body_part": "腰"}
    said = Details(**{name: given[name] for name in asked})  # type: ignore[arg-type]
    if asked:
        with pytest.raises(UsageError):
            attend.end(db, act(20), began.entry, item)
    ended = attend.end(db, act(20), began.entry, item, said)
    assert {name: getattr(ended, name) for name in asked} == {name: given[name] for name in asked}


def test_what_an_item_does_not_ask_for_is_not_taken(db: Database) -> None:
    began = attend.begin(db, act(), treated())
    for details in (Details(acupoints=8), Details(cups=7), Details(body_part="腰")):
        with pytest.raises(UsageError):
            attend.end(db, act(20), began.entry, TUINA, details)


@pytest.mark.parametrize("count", [0, -1, 100])
def test_a_count_that_cannot_be_is_refused(db: Database, count: int) -> None:
    began = attend.begin(db, act(), treated(NEEDLES))
    with pytest.raises(UsageError):
        attend.end(db, act(20), began.entry, NEEDLES, Details(acupoints=count))


def test_fewer_acupoints_than_the_catalogue_asks_for_are_kept_as_they_were(db: Database) -> None:
    began = attend.begin(db, act(), treated(NEEDLES))
    assert attend.end(db, act(20), began.entry, NEEDLES, Details(acupoints=5)).acupoints == 5


def test_who_stops_a_treatment_has_a_reason_and_needs_no_details(db: Database) -> None:
    began = attend.begin(db, act(), treated(NEEDLES))
    with pytest.raises(UsageError):
        attend.end(db, act(5), began.entry, NEEDLES, Details(), STOPPED, " ")
    stopped = attend.end(db, act(5), began.entry, NEEDLES, Details(), STOPPED, "患者头晕")
    assert (stopped.outcome, stopped.reason) == (STOPPED, "患者头晕")


def test_what_is_not_done_has_a_reason_and_no_times(db: Database) -> None:
    with pytest.raises(UsageError):
        attend.undone(db, act(), treated(), "")
    said = attend.undone(db, act(), treated(), "患者离开")
    assert (said.outcome, said.reason, said.ended_ms) == (UNDONE, "患者离开", None)


def test_a_second_tap_on_start_begins_nothing(db: Database) -> None:
    attend.begin(db, act(), treated(), known=0)
    with pytest.raises(Changed):
        attend.begin(db, act(), treated(), known=0)
    assert len(in_force(db)) == 1
    attend.begin(db, act(), treated(), known=1)
    assert len(in_force(db)) == 2


def test_of_many_taps_at_once_one_begins_and_one_ends(folder: Path) -> None:
    taps = 8

    def at_once(do) -> int:
        barrier, kept = threading.Barrier(taps), []

        def tap() -> None:
            own = open_ledger(folder)
            barrier.wait()
            try:
                kept.append(do(own))
            except Changed:
                pass
            finally:
                own.close()

        threads = [threading.Thread(target=tap) for _ in range(taps)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return len(kept)

    assert at_once(lambda own: attend.begin(own, act(), treated(), known=0)) == 1
    assert at_once(lambda own: attend.end(own, act(20), 1, TUINA)) == 1


def test_a_treatment_that_nobody_ended_for_twelve_hours_is_corrected_not_ended(db: Database) -> None:
    began = attend.begin(db, act(), treated())
    with pytest.raises(UsageError):
        attend.end(db, act(12 * 60 + 1), began.entry, TUINA)
    changes = {"outcome": DONE, "ended_ms": NOW_MS + 20 * MINUTE_MS}
    fixed = attend.correct(db, act(12 * 60 + 1), began.entry, ITEMS, changes, "忘记结束")
    assert (fixed.outcome, fixed.later, fixed.why) == (DONE, 1, "忘记结束")


def test_a_tap_by_mistake_is_withdrawn_and_stays_to_be_seen(db: Database) -> None:
    began = attend.begin(db, act(), treated())
    gone = attend.withdraw(db, act(1), began.entry, "误点")
    assert gone.outcome == WITHDRAWN
    assert [each.entry for each in attended.thread(db, 1)] == [1, 2]
    attend.begin(db, act(2), treated(), known=0)


def test_a_later_entry_says_why_and_is_marked_for_ever(db: Database) -> None:
    when = When(NOW_MS - 60 * MINUTE_MS, NOW_MS - 40 * MINUTE_MS)
    with pytest.raises(UsageError):
        attend.add(db, act(), treated(), when, Details(), " ")
    late = attend.add(db, act(by="D02"), treated(), when, Details(), "网络中断")
    assert (late.later, late.why, late.entered_by, late.practitioner) == (1, "网络中断", "D02", "D01")
    assert (late.began_ms, late.ended_ms) == (when.began_ms, when.ended_ms)


@pytest.mark.parametrize("began, ended", [(0, -1), (-20, 1), (5, 10), (-13 * 60, -1)])
def test_times_that_cannot_be_are_refused(db: Database, began: int, ended: int) -> None:
    when = When(NOW_MS + began * MINUTE_MS, NOW_MS + ended * MINUTE_MS)
    with pytest.raises(UsageError):
        attend.add(db, act(), treated(), when, Details(), "网络中断")
    assert in_force(db) == []


def test_a_correction_stands_beside_what_it_corrects(db: Database) -> None:
    ended = ran(db)
    fixed = attend.correct(
        db, act(60, "D02"), ended.entry, ITEMS, {"began_ms": NOW_MS + 5 * MINUTE_MS}, "误记"
    )
    assert [(each.entry, each.began_ms) for each in attended.thread(db, 1)][1:] == [
        (ended.entry, NOW_MS),
        (fixed.entry, NOW_MS + 5 * MINUTE_MS),
    ]
    assert in_force(db) == [(fixed.entry, DONE)]
    assert (fixed.later, fixed.entered_by, fixed.practitioner) == (1, "D02", "D01")


def test_who_corrects_what_was_corrected_meanwhile_is_told(db: Database) -> None:
    ended = ran(db)
    attend.correct(db, act(60), ended.entry, ITEMS, {"room": "针灸室"}, "误记")
    with pytest.raises(Changed):
        attend.correct(db, act(61), ended.entry, ITEMS, {"room": "理疗室"}, "误记")


def test_a_record_moved_to_another_visit_was_not_scanned_there(db: Database) -> None:
    scanned = replace(treated(), how="scanned", scan="U7:12")
    began = attend.begin(db, act(), scanned)
    fixed = attend.correct(db, act(1), began.entry, ITEMS, {"visit": "V2"}, "点错患者")
    assert (fixed.visit, fixed.how, fixed.scan) == ("V2", "manual", "")


def test_a_record_of_another_item_answers_for_that_items_details(db: Database) -> None:
    began = attend.begin(db, act(), treated(NEEDLES))
    ended = attend.end(db, act(20), began.entry, NEEDLES, Details(acupoints=9))
    with pytest.raises(UsageError):
        attend.correct(db, act(30), ended.entry, ITEMS, {"item": 34}, "点错项目")
    fixed = attend.correct(db, act(30), ended.entry, ITEMS, {"item": 34, "cups": 8}, "点错项目")
    assert (fixed.item, fixed.acupoints, fixed.cups) == (34, None, 8)


@pytest.mark.parametrize(
    "changes", [{"item": 99}, {"outcome": "vanished"}, {"visit": " "}, {"practitioner": ""}]
)
def test_a_correction_to_what_cannot_be_changes_nothing(db: Database, changes: dict) -> None:
    ended = ran(db)
    with pytest.raises(UsageError):
        attend.correct(db, act(60), ended.entry, ITEMS, changes, "误记")
    assert in_force(db) == [(ended.entry, DONE)]


def test_an_entry_of_another_clinic_or_none_cannot_be_touched(db: Database) -> None:
    ended = ran(db)
    for number, clinic in ((ended.entry, "C002"), (99, "C001")):
        with pytest.raises(UsageError):
            attend.withdraw(db, Act(clinic, "D01", NOW_MS), number, "误点")


def test_each_act_is_noted_in_the_trail_with_all_that_it_says(db: Database) -> None:
    ended = ran(db)
    attend.correct(db, act(60, "D02"), ended.entry, ITEMS, {"room": "针灸室"}, "误记")
    noted = trail.entries(db, subject="attended:1")
    assert [(each.who, each.act) for each in noted] == [
        ("D01", "attended begin"),
        ("D01", "attended end"),
        ("D02", "attended correct"),
    ]
    assert noted[-1].body["room"] == "针灸室" and noted[-1].body["why"] == "误记"


def test_what_fails_half_way_leaves_neither_an_entry_nor_a_note(db: Database, monkeypatch) -> None:
    def broken(*_: object) -> int:
        raise OSError("disk")

    monkeypatch.setattr(trail, "note", broken)
    with pytest.raises(OSError):
        attend.begin(db, act(), treated())
    assert in_force(db) == []


@pytest.mark.parametrize("attack", ["UPDATE attended SET room = 'x'", "DELETE FROM attended"])
def test_the_ledger_itself_refuses_to_overwrite_or_drop_an_entry(db: Database, attack: str) -> None:
    ran(db)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(attack)


def test_no_unit_may_be_named_as_what_people_record_is(db: Database) -> None:
    key = Writer("U1").key_hex
    with pytest.raises(UsageError, match="attended"):
        inventory.enrol(db, "attended", key, "C001", False, Spot("tdp", "R1"), 0, 0)
