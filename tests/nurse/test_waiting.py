"""What is on today's list: paid lines that may be done today, with what was recorded of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.audit.editions import changes, lay
from gateway.audit.hours import Hours
from gateway.ledger import bills
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.database import transaction
from gateway.nurse import attend
from gateway.nurse.attend import Act, Treated
from gateway.nurse.waiting import Today, today
from tests.support.chain import START_MS
from tests.support.ledgers import in_folder

DAY_MS, MINUTE_MS = 86_400_000, 60_000
NOON_MS = START_MS + 4 * 3600_000
ITEMS = catalogue.read().items


@pytest.fixture
def book(tmp_path: Path):
    return in_folder(tmp_path / "clinic")


@pytest.fixture
def db(book) -> Database:
    return book.ledger()


def charged(
    db: Database, name: str, item: int, *, days: int = 0, count: int = 1, source: str = "clinic", **other
) -> None:
    """A paid line of visit V1 (or `visit`), so many days before noon."""
    at_ms = NOON_MS - days * DAY_MS
    visit = other.get("visit", "V1")
    about = (visit, "", item, "code", "name", str(count), count, 1200, at_ms, None, "R1", "D01", "", None, "")
    file = BillFile(name * 8, Teller("C001", source).clinic, source, name, "2204", at_ms, b"")
    with transaction(db):
        bills.store(db, file, [Entry(name, 0, 1, *about)], [])


def listed(book, db: Database, now_ms: int = NOON_MS) -> Today:
    return today(db, Hours(book.config), now_ms)


def left(found: Today) -> dict[str, int]:
    return {each.line: each.left for each in found.tasks}


def begun(db: Database, item: int, *, visit: str = "V1", line: str = "") -> int:
    return attend.begin(db, Act("C001", "D01", NOON_MS), Treated(visit, ITEMS[item], line, "R1", "D01")).entry


def test_a_paid_line_waits_once_for_each_treatment(book, db):
    charged(db, "V1/1", 4, count=3)
    assert left(listed(book, db)) == {"V1/1": 3}
    begun(db, 4)
    assert left(listed(book, db)) == {"V1/1": 2}


def test_what_was_recorded_counts_for_the_line_that_it_names(book, db):
    charged(db, "V1/1", 4)
    charged(db, "V1/2", 4)
    begun(db, 4, line="V1/2")
    assert left(listed(book, db)) == {"V1/1": 1, "V1/2": 0}
    begun(db, 4)
    assert left(listed(book, db)) == {"V1/1": 0, "V1/2": 0}


def test_what_was_recorded_before_its_line_came_in_counts_for_it(book, db):
    begun(db, 4)
    assert [each.item for each in listed(book, db).others] == [4]
    charged(db, "V1/1", 4)
    found = listed(book, db)
    assert (left(found), list(found.others)) == ({"V1/1": 0}, [])


def test_a_line_of_another_day_or_visit_is_not_touched(book, db):
    charged(db, "V1/1", 4)
    charged(db, "V2/1", 4, visit="V2")
    charged(db, "V3/1", 4, visit="V3", days=1)
    begun(db, 4, visit="V2")
    assert left(listed(book, db)) == {"V1/1": 1, "V2/1": 0}


def test_a_course_stays_on_the_list_of_all_its_days(book, db, monkeypatch):
    text = "[[items]]\nnumber = 4\nday_max = 1\ncourse_max = 10\ncourse_days = 5\n"
    changed = lay(ITEMS, changes(text, "test"), "test")
    monkeypatch.setattr(catalogue, "in_force", lambda _: catalogue.Catalogue("test", changed))
    charged(db, "V1/1", 4, days=4, count=5)
    charged(db, "V1/2", 4, days=5, count=5)
    assert left(listed(book, db)) == {"V1/1": 5}


def test_the_platforms_lines_are_taken_where_the_clinic_has_told_none(book, db):
    charged(db, "P/1", 4, source="platform")
    assert left(listed(book, db)) == {"P/1": 1}
    charged(db, "V1/1", 4)
    assert left(listed(book, db)) == {"V1/1": 1}


def test_a_treatment_that_still_runs_since_yesterday_is_shown_until_somebody_ends_it(book, db):
    begun(db, 4, visit="V9")
    found = listed(book, db, NOON_MS + DAY_MS)
    assert [(each.visit, each.outcome) for each in found.others] == [("V9", "running")]
    attend.withdraw(db, Act("C001", "D01", NOON_MS + DAY_MS), 1, "误点")
    assert listed(book, db, NOON_MS + DAY_MS).others == []


def test_the_share_of_scans_counts_todays_records_without_mistakes(book, db):
    scanned = Treated("V1", ITEMS[4], "", "R1", "D01", "scanned")
    act = Act("C001", "D01", NOON_MS)
    attend.begin(db, act, scanned)
    attend.begin(db, act, Treated("V2", ITEMS[4], "", "R1", "D01"))
    attend.withdraw(db, act, attend.begin(db, act, Treated("V3", ITEMS[4])).entry, "误点")
    found = listed(book, db)
    assert (found.scanned, found.recorded) == (1, 2)
    assert Hours(book.config).day_of(NOON_MS) == date(2026, 3, 2)
