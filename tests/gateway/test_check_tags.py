"""`check` bears out what tags and attended records did to the verdicts of a real ledger, and finds what was changed."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import inventory
from gateway.audit import catalogue
from gateway.inventory import Spot
from gateway.ledger import attended
from gateway.ledger.attended import STOPPED
from gateway.ledger.database import FILE, transaction
from gateway.nurse import attend
from gateway.nurse.attend import Act, Treated, When
from protocol import record
from tests.gateway.test_check import ACUPUNCTURE, copied, faults, rewrite
from tests.gateway.test_settle import EVENING_MS, MINUTE_MS, burned, charge, idle, settle
from tests.support.bills import detail
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, take_in

ITEMS = catalogue.read().items
NURSE = Act("C001", "D01", EVENING_MS - 10)


class Reader(Writer):
    """A unit that reads tags: each session carries those in `reads`."""

    reads: tuple[str, ...] = ()

    def _write(self, kind: str, fields: dict[str, Any], readings: Any = None) -> bytes:
        tags = {"UT": list(self.reads)} if kind == record.SESSION and self.reads else {}
        return super()._write(kind, fields | tags, readings)


def tag_of(visit: str) -> str:
    return visit.lower().ljust(64, "0").replace("v", "a")


def not_done(db: Any, visit: str) -> None:
    attend.undone(db, NURSE, Treated(visit, ITEMS[16], room="R1", practitioner="D01"), "患者离开")


def recorded(db: Any, visit: str, item: int, start: int, minutes: int, outcome: str = "done") -> None:
    """D01 entered it that evening."""
    began_ms = START_MS + start * MINUTE_MS
    treated = Treated(visit, ITEMS[item], room="R1", practitioner="D01")
    details = attend.Details(acupoints=8) if ITEMS[item].min_acupoints else attend.Details()
    when = When(began_ms, began_ms + minutes * MINUTE_MS)
    attend.add(db, NURSE, treated, when, details, "忙", outcome, "不适" if outcome == STOPPED else "")


SESSIONS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([5, 19, 21, 45]), st.integers(0, 4)), max_size=5
)
CHARGES = st.lists(st.integers(1, 4), min_size=1, max_size=8)
RECORDS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0, 5, 20, 45])), max_size=5)


class Clinic:
    """A settled day of three lamps that read tags, so many `watched` to the end; visit n was charged whatever `charges` says
    of heat and needles, and `records` (visit, minutes) tell of needles; of no minutes, that it was not done."""

    def __init__(self, sessions: Any, charges: list[int], records: Any, watched: int = 2) -> None:
        self._folder = tempfile.TemporaryDirectory()
        readers = [Reader(f"U{number}") for number in (1, 2, 3)]
        for each in readers:
            each.boot()
        for number, minutes, visit in sessions:
            idle(readers[number - 1], 10)
            readers[number - 1].reads = (tag_of(f"V{visit}"),) if visit else ()
            burned(readers[number - 1], minutes)
        for each in readers[:watched]:
            idle(each, 12 * 60)
        self.book = in_folder(Path(self._folder.name) / "clinic", *readers)
        with self.book.ledger() as db:
            for each in readers:
                take_in(db, each.lines, EVENING_MS)
            with transaction(db):
                for number in range(1, 5):
                    attended.keep_tag(db, "C001", tag_of(f"V{number}"), f"V{number}", START_MS, "D01")
            for number, visit in enumerate(charges, start=1):
                heat = detail(str(number), visit=f"V{visit}", cnt=str(number % 2 + 1))
                needles = detail(f"9{number}", visit=f"V{visit}", med_list_codg=ACUPUNCTURE)
                charge(db, self.book, heat, needles)
            for number, (visit, minutes) in enumerate(records):
                if minutes:
                    recorded(db, f"V{visit}", 16, number * 50, minutes)
                else:
                    not_done(db, f"V{visit}")
            self.found = settle(db, self.book)
        self.db = sqlite3.connect(self.book.folder / FILE)

    def __enter__(self) -> Clinic:
        return self

    def __exit__(self, *what: object) -> None:
        self.db.close()
        self._folder.cleanup()


@given(SESSIONS, CHARGES, RECORDS)
@settings(max_examples=40, deadline=None)
def test_no_day_of_a_clinic_that_reads_tags_and_records_has_faults(sessions, charges, records):
    with Clinic(sessions, charges, records) as clinic:
        assert faults(clinic.db) == set()


def test_nor_has_one_whose_records_were_corrected_after_it_was_reconciled(tmp_path):
    with Clinic([], [1, 2], [(1, 20), (2, 20)]) as clinic:
        with clinic.book.ledger() as db:
            later = Act("C001", "D02", EVENING_MS + 60_000)
            attend.correct(db, later, 1, ITEMS, {"ended_ms": START_MS + 5 * MINUTE_MS}, "误记")
        assert faults(clinic.db) == set()
        with clinic.book.ledger() as db:
            found = settle(db, clinic.book, now_ms=EVENING_MS + 120_000)
        assert found["summary"]["short"] > clinic.found["summary"]["short"]
        assert faults(clinic.db) == set()


@pytest.mark.parametrize("came_ms", [None, START_MS + 24 * 60 * MINUTE_MS, START_MS + 6 * 60 * MINUTE_MS])
def test_nor_has_one_that_recorded_by_hand_until_its_first_unit_came(tmp_path, came_ms):
    book, body = in_folder(tmp_path / "clinic"), attend.Details(body_part="腰")
    with book.ledger() as db:
        charge(db, book, *(detail(str(number), visit=f"V{number}") for number in (1, 2, 3)))
        for visit, start, minutes in (("V1", 0, 25), ("V2", 60, 8)):
            began_ms = START_MS + start * MINUTE_MS
            treated, when = (
                Treated(visit, ITEMS[31], "", "R1", "D01"),
                When(began_ms, began_ms + minutes * MINUTE_MS),
            )
            attend.add(db, NURSE, treated, when, body, "忙")
        if came_ms:
            late, spot = Writer("U1"), Spot("tdp", "R1")
            inventory.enrol(db, "U1", late.key_hex, "C001", False, spot, came_ms, came_ms)
        summary = settle(db, book)["summary"]
    is_later_day = came_ms != START_MS + 6 * 60 * MINUTE_MS
    assert summary["supported"] == 1 and summary["not_metered"] == (1 if is_later_day else 0)
    assert summary["short"] == (1 if is_later_day else 0)
    with closing(sqlite3.connect(book.folder / FILE)) as connection:
        assert faults(connection) == set()


# --- attacks ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def honest() -> Iterator[sqlite3.Connection]:
    """Two sessions on two lamps, of which one read V2; V1, V2 and V3 were charged heat. And needles, recorded for V1
    alone, of V2 as stopped."""
    with Clinic([(1, 21, 2), (2, 21, 0)], [1, 2, 3], [(1, 20)], watched=3) as clinic:
        with clinic.book.ledger() as db:
            recorded(db, "V2", 16, 300, 6, STOPPED)
            found = settle(db, clinic.book, now_ms=EVENING_MS + 60_000)
        assert faults(clinic.db) == set()
        assert [each["line"] for each in found["treatments"] if each["tagged"]] == ["V1/91", "V2/2"]
        yield clinic.db


@pytest.fixture
def ledger(honest) -> Iterator[sqlite3.Connection]:
    copy = copied(honest)
    yield copy
    copy.close()


def of(line: str) -> str:
    return f"run = 2 AND line = '{line}'"


def said(db: sqlite3.Connection, line: str) -> dict[str, Any]:
    return json.loads(db.execute(f"SELECT body FROM verdicts WHERE {of(line)}").fetchone()[0])


def test_a_tag_that_was_not_read_there_is_not_borne_out(ledger):
    line = next(
        f"{visit}/{number}"
        for visit, number in (("V1", 1), ("V3", 3))
        if said(ledger, f"{visit}/{number}")["verdict"] == "supported"
    )
    rewrite(ledger, "verdicts", f"{of(line)} AND code = 'supported'", tagged=True)
    assert ("grounds", f"{line}#{said(ledger, line)['index']}") in faults(ledger)


def test_a_tag_that_was_forgotten_leaves_the_doubt_too_small(ledger):
    rewrite(ledger, "verdicts", f"{of('V2/2')} AND code = 'supported'", tagged=False)
    assert "among" in {code for code, _ in faults(ledger)}


def test_a_tag_bound_to_another_visit_afterwards_is_found(ledger):
    ledger.execute("UPDATE visit_tags SET visit = 'V9' WHERE visit = 'V2'")
    assert "grounds" in {code for code, _ in faults(ledger)}


@pytest.mark.parametrize("member, value", [("active_s", 1140), ("grade", "A"), ("records", ["attended:2"])])
def test_whatever_is_changed_in_what_rests_on_a_record_is_found(ledger, member, value):
    rewrite(ledger, "verdicts", of("V1/91"), **{member: value})
    assert ("grounds", "V1/91#1") in faults(ledger)


def test_a_recorded_treatment_cannot_be_said_to_be_unmetered_nor_the_reverse(ledger):
    blank: dict[str, Any] = {"grade": None, "active_s": None, "fit": None, "records": [], "tagged": False}
    rewrite(ledger, "verdicts", of("V1/91"), verdict="not_metered", **blank)
    assert ("grounds", "V1/91#1") in faults(ledger)
    rewrite(ledger, "verdicts", of("V3/93"), verdict="no_device_time", among=["V3/93"])
    assert ("grounds", "V3/93#1") in faults(ledger)


def test_a_record_of_another_visit_bears_out_nothing(ledger):
    rewrite(ledger, "verdicts", of("V2/92"), verdict="supported", grade="C", active_s=1200, among=[])
    rewrite(ledger, "verdicts", of("V2/92"), records=["attended:1"], fit="ordinary", tagged=False)
    assert ("grounds", "V2/92#1") in faults(ledger)


def test_a_record_that_could_have_borne_it_out_is_not_overlooked(ledger):
    blank: dict[str, Any] = {"grade": None, "active_s": None, "fit": None, "records": [], "tagged": False}
    rewrite(ledger, "verdicts", of("V1/91"), verdict="no_device_time", among=["V1/91"], **blank)
    assert {("overlooked", "attended:1"), ("unproven", "V1/91#1")} <= faults(ledger)


def test_entries_cannot_be_rewritten_or_taken_away_even_by_hand(ledger):
    for attack in ("UPDATE attended SET practitioner = 'D09'", "DELETE FROM attended"):
        with pytest.raises(sqlite3.IntegrityError):
            ledger.execute(attack)
