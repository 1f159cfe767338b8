"""What clinic days cost the flash, on MicroPython's littlefs; `python -m tests.firmware.esp32.wear` prints the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.firmware.esp32 import wear

TREATED = "24 treatments, tags"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wear.compiled(tmp_path_factory.mktemp("wear"))


@pytest.fixture(scope="module")
def unsent(folder: Path) -> dict[str, Any]:
    return wear.measure(folder, "30 days unsent", 30, wear.UNSENT)


def test_the_flash_outlasts_twenty_years_of_clinic_days_with_a_tag_for_each_treatment(folder: Path):
    day = wear.measure(folder, TREATED, 1, wear.DAYS[TREATED])
    assert day["records"] > 150 and day["erases"] > 200
    assert day["years_in_free_blocks"] >= 20 and day["years_in_ota_partition"] >= 20


def test_thirty_days_that_nobody_fetched_are_all_held_in_what_an_ota_table_leaves(unsent: dict[str, Any]):
    assert unsent["records"] > 4500 and not unsent["full"]
    assert (unsent["first"], unsent["lines"]) == (1, unsent["records"])
    assert unsent["octets"] <= wear.JOURNAL


def test_a_journal_of_thirty_days_holds_less_than_three_kibibytes_of_heap(unsent: dict[str, Any]):
    assert 500 < unsent["heap_held"] < 3072


def test_the_table_shows_every_figure_that_was_measured(unsent: dict[str, Any]):
    lines = wear.table([unsent]).splitlines()
    assert len(lines) == 2 and str(unsent["octets_per_record"]) in lines[1].split()
