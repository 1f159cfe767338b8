"""A pack of an honest ledger has no faults, whatever happened in the clinic."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gateway.bootstrap import Book
from gateway.demo import plan
from tests.gateway import test_check, test_check_tags
from tests.support.audited import DAY_MS, EVENING_MS, MONDAY, one_too_many
from tests.support.packs import examined, faults, packed
from tests.support.world import World

LAST = date(2026, 3, 12)


def honest_ledgers() -> list[Callable[..., None]]:
    """Every test of a whole ledger that asks for nothing but a folder, and looks at it by `faults_of`."""
    return [
        test
        for module in (test_check, test_check_tags)
        for name, test in vars(module).items()
        if name.startswith("test_")
        and list(inspect.signature(test).parameters) == ["tmp_path"]
        and "faults_of" in inspect.getsource(test)
    ]


def test_there_are_ledgers_to_be_packed():
    assert len(honest_ledgers()) >= 8


@pytest.mark.parametrize("ledger", honest_ledgers(), ids=lambda test: test.__name__)
def test_what_check_finds_in_a_ledger_it_finds_in_its_pack(ledger, tmp_path, monkeypatch):
    """The same clinics as in the tests of `check`, packed as they stand then: the days of their charges and those after."""
    whole = test_check.faults_of
    looked: list[Path] = []

    def of_both(book: Book) -> set[tuple[str, str]]:
        out = tmp_path / f"{len(looked)}.zip"
        packed(book, out, MONDAY, LAST, now_ms=EVENING_MS + 12 * DAY_MS)
        looked.append(out)
        assert faults(out) == whole(book)
        return whole(book)

    for module in (test_check, test_check_tags):
        monkeypatch.setattr(module, "faults_of", of_both, raising=False)
    ledger(tmp_path)
    assert looked


@pytest.mark.parametrize("seed", [1, 5])
def test_the_demos_day_says_in_its_pack_what_it_says_in_its_ledger(seed, tmp_path):
    world = World(tmp_path, plan.plan(seed)).play()
    world.db.close()
    out = tmp_path / "day.zip"
    written = packed(world.book, out, plan.DAY.date(), now_ms=EVENING_MS)
    report = examined(out)
    assert report.faults == []
    said = [each.said for each in written.contents.judged.values()]
    assert report.verdicts == sum(len(each["treatments"]) for each in said)
    assert report.leads == sum(len(each["leads"]) for each in said) > 0


def test_its_own_keys_and_the_same_keys_from_elsewhere_agree(tmp_path):
    book = one_too_many(tmp_path / "clinic")
    packed(book, tmp_path / "day.zip", MONDAY, now_ms=EVENING_MS)
    with book.ledger() as db:
        keys = dict(db.execute("SELECT unit, key_hex FROM units").fetchall())
    assert faults(tmp_path / "day.zip", keys) == set()


def test_a_clinic_without_units_and_bills_has_an_empty_pack_without_faults(tmp_path: Path):
    book = one_too_many(tmp_path / "clinic")
    written = packed(book, tmp_path / "before.zip", date(2025, 1, 1), now_ms=EVENING_MS)
    assert faults(tmp_path / "before.zip") == set()
    (only,) = written.contents.judged.values()
    assert only.said["treatments"] == []
