"""What is decided once of lines and records that cannot be right; docs/bad-input.md says it in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import inventory, pipeline
from gateway.audit.coverage import attest
from gateway.audit.overlaps import without_overlaps
from gateway.bootstrap import Book
from gateway.check.recheck import recheck
from gateway.inventory import Spot
from tests.audit.clinic import Clinic, at, codes, line, on, rules_of
from tests.audit.scribe import Scribe
from tests.audit.test_import_bills import Clinic as Bills
from tests.audit.test_import_bills import why
from tests.gateway.test_settle import EVENING_MS, charge, day_of, said_of, settle
from tests.support.bills import as_json, detail, fee, fee_list, refund, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, take_in
from tests.support.tools import CHECKOUT

MINUTE_MS = 60_000


# --- lines -------------------------------------------------------------------------------------------------------


def test_a_line_dated_more_than_a_day_ahead_is_refused_and_one_less_ahead_waits_as_unobserved() -> None:
    ahead = detail("1", fee_ocur_time="2026-04-01 12:00:01")  # the clock of the test says 2026-03-31 12:00:00
    assert why(Bills().take(as_json(upload(ahead)))) == (1, "fee_ocur_time", "lies in the future")
    found = Clinic().lamp("U1").settle(line("1", "10:00", day=1), first=1, now_ms=at("20:00"))
    assert codes(found) == {"1#1": "unobserved"}
    assert rules_of(found) == []  # nobody is asked why the future was not watched


def test_a_negative_count_without_its_original_keeps_the_file_out_and_parts_can_be_accepted() -> None:
    clinic = Bills()
    body = fee_list(fee("1"), refund("9", init_feedetl_sn="8"))
    assert why(clinic.take(body))[2] == "a negative line without its original"
    assert clinic.lines() == []
    assert clinic.take(body, accept_partial=True).new == 1
    assert [(each.line, each.reversed_by) for each in clinic.lines()] == [("V1/1", None)]


@pytest.mark.parametrize(
    ("line", "item", "unmapped"),
    [
        ({"medins_list_name": "红外线治疗（TDP）"}, 31, []),
        ({"medins_list_name": "烤电"}, None, [("", "烤电")]),
    ],
)
def test_a_line_without_code_goes_by_its_exact_name_or_stays_without_item(
    line: dict[str, str], item: int | None, unmapped: list[tuple[str, str]]
) -> None:
    clinic = Bills()
    imported = clinic.take(as_json(upload(detail("1", med_list_codg=None, medins_list_codg=None, **line))))
    assert [each.item for each in clinic.lines()] == [item]
    assert [(each.code, each.name) for each in imported.unmapped] == unmapped


def test_a_line_with_neither_code_nor_name_is_refused() -> None:
    nothing = detail("1", med_list_codg=None, medins_list_codg=None)
    assert why(Bills().take(as_json(upload(nothing))))[2] == "no item code and no name"


# --- records -----------------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Book]:
    def made(writer: Writer) -> Book:
        held = in_folder(tmp_path / "clinic", writer)
        with held.ledger() as db:
            take_in(db, writer.lines, EVENING_MS)
        return held

    return made


def burned_twice_at_once() -> Writer:
    """A unit that tells a second boot at a time at which the first one had its lamp on."""
    writer = Writer("U1")
    writer.boot()
    writer.alive()
    _on(writer, 30)
    writer.at_ms -= 20 * MINUTE_MS
    writer.boot()
    _on(writer, 30)
    while writer.at_ms < START_MS + 12 * 3600_000:
        writer.alive()
    return writer


def _on(writer: Writer, lasted: int) -> None:
    """One session, told as a unit tells it, with heartbeats."""
    writer.open()
    begun_ms = writer.at_ms
    for _ in range((lasted - 1) // 10):
        writer.alive()
    writer.at_ms = begun_ms
    writer.session(lasted)


def test_overlapping_sessions_of_one_unit_supply_once_and_a_person_is_told(book: Callable[..., Book]) -> None:
    writer = burned_twice_at_once()
    held = book(writer)
    with held.ledger() as db:
        charge(db, held, detail("1"), detail("2"), detail("3"))
        found = settle(db, held)
        report = recheck(held.ledger().conn, {"U1": writer.key_hex}, held.config.zone)
    assert sorted(said_of(found).values()) == ["no_device_time", "supported", "supported"]
    assert {record for each in found["treatments"] for record in each["records"]} == {"U1:6"}
    (clock,) = [each for each in found["leads"] if each["rule"] == "chain"]
    assert "the sessions of records 6 and 11 overlap by 1200 s" in clock["en"]
    assert report.faults == []  # `check` makes them one by itself


def test_check_finds_a_verdict_that_counts_an_overlap_twice(book: Callable[..., Book]) -> None:
    writer = burned_twice_at_once()
    held = book(writer)
    with held.ledger() as db:
        charge(db, held, detail("1"))
        settle(db, held)
        db.execute("UPDATE verdicts SET body = replace(body, 'U1:6', 'U1:11')")
        db.conn.commit()
        faults = recheck(held.ledger().conn, {"U1": writer.key_hex}, held.config.zone).faults
    assert "grounds" in {each.code for each in faults}


def stepped(by_s: float) -> Scribe:
    """A lamp on for 40 minutes, in the middle of which the clock is moved."""
    told = Scribe().boot().alive(600).open().wait(600).say("ALIVE").wait(600).clock(by_s)
    return told.wait(600).say("ALIVE").wait(600).session(2400).alive(600)


@pytest.mark.parametrize("by_s", [-120, 120])
def test_a_small_step_of_the_clock_inside_a_session_changes_nothing(by_s: float) -> None:
    found = without_overlaps(attest(stepped(by_s).records))
    assert [(each.active_s, each.end_ms - each.start_ms) for each in found.sessions] == [(2400, 2_400_000)]
    assert found.doubts == []


@pytest.mark.parametrize("by_s", [-300, 300])
def test_a_large_step_inside_a_session_is_a_finding_its_time_dark_and_the_seconds_count_once(
    by_s: float,
) -> None:
    found = without_overlaps(attest(stepped(by_s).records))
    assert [each.active_s for each in found.sessions] == [2400]  # by the unit's own count of milliseconds
    assert [each.code for each in found.doubts] == ["clock"]
    assert sum(end - start for start, end in found.watched) < 60 * MINUTE_MS - abs(by_s) * 1000


# --- units -------------------------------------------------------------------------------------------------------


def test_what_a_unit_told_before_it_was_on_the_device_is_dark_there_and_supports_nothing() -> None:
    late = (
        Clinic()
        .device("lamp")
        .unit("U1", on(1, "09:00", 20), on(2, "13:00", 20))
        .place("U1", "lamp", at("12:00"))
    )
    found = late.settle(line("1"), line("2"))
    assert sorted(codes(found).values()) == ["supported", "unobserved"]
    assert {record for verdict, _ in found.verdicts for record in verdict.records} == {"U1:2"}
    assert found.coverage[0].dark == ((at("08:00"), at("12:00")),)


def test_before_a_device_was_in_the_inventory_its_class_is_not_metered() -> None:
    late = (
        Clinic()
        .device("lamp", since=at("00:00", 1))
        .unit("U1", on(1, "09:00", 20), days=2)
        .place("U1", "lamp")
    )
    assert codes(late.settle(line("1"), line("2", day=1), last=1)) == {
        "1#1": "not_metered",
        "2#1": "no_device_time",
    }


def test_a_unit_retired_early_leaves_its_device_dark_and_what_it_tells_afterwards_supports_nothing() -> None:
    early = Clinic().device("lamp").unit("U1", on(1, "09:00", 20), on(2, "13:00", 20))
    early.place("U1", "lamp", 0, at("12:00"))
    found = early.settle(line("1"), line("2"))
    assert sorted(codes(found).values()) == ["supported", "unobserved"]
    assert {record for verdict, _ in found.verdicts for record in verdict.records} == {"U1:1"}
    assert found.coverage[0].dark == ((at("12:00"), at("20:00")),)


def test_a_session_that_had_begun_when_its_unit_was_retired_counts_whole() -> None:
    early = Clinic().device("lamp").unit("U1", on(1, "11:50", 40)).place("U1", "lamp", 0, at("12:00"))
    assert codes(early.settle(line("1"), line("2"))) == {"1#1": "supported", "2#1": "supported"}


def test_after_its_device_left_the_inventory_too_the_class_is_not_metered() -> None:
    gone = (
        Clinic()
        .device("lamp", until=at("00:00", 1))
        .unit("U1", on(1, "09:00", 20))
        .place("U1", "lamp", 0, at("20:00"))
    )
    assert codes(gone.settle(line("1"), line("2", day=1), last=1)) == {
        "1#1": "supported",
        "2#1": "not_metered",
    }


def test_a_unit_enrolled_after_its_first_records_gets_them_from_quarantine(tmp_path: Path) -> None:
    writer = day_of(Writer("U1"), 20)
    held = in_folder(tmp_path / "clinic")
    with held.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, held, detail("1"))
        assert said_of(settle(db, held)) == {"V1/1#1": "not_metered"}
        inventory.enrol(db, "U1", writer.key_hex, "C001", False, Spot("tdp", "R1"), 0, EVENING_MS)
        assert pipeline.take_in_again(db, "U1").stored == len(writer.lines)
        assert said_of(settle(db, held)) == {"V1/1#1": "supported"}


# --- the page ----------------------------------------------------------------------------------------------------


def test_every_decision_stands_in_the_docs_with_a_test_that_there_is() -> None:
    page = (CHECKOUT / "docs" / "bad-input.md").read_text("utf-8")
    named = re.findall(r"`(test_\w+)`", page)
    text = "".join(path.read_text("utf-8") for path in (CHECKOUT / "tests").rglob("test_*.py"))
    assert len(named) >= 12
    assert [each for each in named if f"def {each}(" not in text] == []
