"""The 36 items, and which of them a bill means."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from gateway.audit import catalogue
from gateway.errors import UsageError

CATALOGUE = catalogue.read()
ITEMS = CATALOGUE.items


def test_there_are_thirty_six_items_and_a_source() -> None:
    assert sorted(ITEMS) == list(range(1, 37))
    assert "长宁" in CATALOGUE.source


def test_each_item_says_what_the_first_batch_says_of_it(shared: Path) -> None:
    text = (shared / "catalogue/changning_2025_first_batch.csv").read_text(encoding="utf-8-sig")
    text = text.replace(
        "药物罐(含药物,包括水罐)", '"药物罐(含药物,包括水罐)"'
    )  # its comma is not quoted there
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 36
    for row in rows:
        item = ITEMS[int(row["no"])]
        codes = {code.system: code.code for code in item.codes}
        assert item.zh == row["name_zh"]
        assert item.per == row["unit"].removeprefix("每")
        assert [item.min_minutes, item.max_minutes] == [int(row["min_minutes"]), int(row["max_minutes"])]
        assert str(item.min_acupoints or "") == row["min_acupoints"]
        assert str(item.min_cups or "") == row["min_cups"]
        assert item.note_zh == row["note_zh"]
        assert codes.get("price_2001", "") == row["price_code_2001"]
        assert codes.get("national_15", "") == row["national_code_15"]
        assert {code.status for code in item.codes} <= {row["code_status"]}


@pytest.mark.parametrize("item", ITEMS.values(), ids=lambda item: str(item.number))
def test_every_item_has_an_english_name_and_a_class_of_devices(item: catalogue.Item) -> None:
    metered = {31: "tdp", 23: "stim", 32: "ionto"}
    assert item.en.isascii() and item.en
    assert bool(item.note_zh) == bool(item.note_en)
    assert item.device_class == metered.get(item.number, f"item{item.number}")
    assert item.attended == (item.number not in metered)


@pytest.mark.parametrize("item", ITEMS.values(), ids=lambda item: str(item.number))
def test_every_item_is_found_by_its_national_code_and_by_its_name_however_wide(item: catalogue.Item) -> None:
    wide = item.zh.translate({ord(a): ord(b) for a, b in zip("(),", "（），", strict=True)})
    for code in item.codes:
        if code.system == "national_15":
            assert CATALOGUE.find([code.code]).item == item
    assert CATALOGUE.find([], names=[item.zh]).item == item
    assert CATALOGUE.find([], names=[f" {wide} "]).item == item


def test_a_code_that_several_items_share_is_settled_by_the_name_or_left_open() -> None:
    shared_code = ["450000008"]
    assert CATALOGUE.find(shared_code).item is None
    assert CATALOGUE.find(shared_code).candidates == (11, 12, 13, 14)
    assert CATALOGUE.find(shared_code, names=["内科妇科疾病推拿治疗（眩晕）"]).item == ITEMS[12]
    assert CATALOGUE.find(shared_code, names=["推拿"]).item is None


def test_the_national_code_goes_before_the_name() -> None:
    assert CATALOGUE.find(["004300000160100"], names=["红外线治疗(TDP)"]).item == ITEMS[23]


def test_what_a_clinic_says_of_its_own_code_settles_what_codes_leave_open() -> None:
    assert CATALOGUE.find([], ["OWN9"], own_items={"OWN9": 31}).item == ITEMS[31]
    assert CATALOGUE.find(["450000008"], ["OWN9"], own_items={"OWN9": 14}).item == ITEMS[14]
    assert CATALOGUE.find(["X1"], [], own_items={"X1": 32}).item == ITEMS[32]


def test_what_is_no_item_is_none_and_could_be_none() -> None:
    assert CATALOGUE.find(["XA01ABD075A002010100483"], ["OWN1"], ["某种药"]) == catalogue.Found(None, ())


COMPLETE = {
    "number": "1",
    "zh": '"一"',
    "en": '"one"',
    "per": '"次"',
    "min_minutes": "15",
    "max_minutes": "20",
}


def toml(tmp_path: Path, **fields: str) -> Path:
    lines = [f"{name} = {text}" for name, text in fields.items()]
    path = tmp_path / "catalogue.toml"
    path.write_text('source = "x"\n[[items]]\n' + "\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("per", '"盒"', "per = '盒' must be one of 次 区 根"),
        ("min_minutes", "30", "min_minutes = 30 must be at most max_minutes"),
        ("min_minutes", "1", "must be a whole number of minutes, 2 to 1440"),
        ("max_minutes", "true", "must be a whole number of minutes"),
        ("zh", '" "', "must be a text that is not empty"),
        ("codes", '[{code = "1", system = "price_2001"}]', "must be a list of {code, system, status}"),
        (
            "codes",
            '[{code = "1", system = "x", status = "verify"}]',
            "must be a list of {code, system, status}",
        ),
        ("names", '["一", 2]', "must be a list of texts"),
        ("day_max", "-1", "must be a whole number from 0 to 999, 0 for none"),
        ("course_max", "10", "must be given with course_days and day_max"),
        ("max_age_years", "151", "must be a whole number from 0 to 150"),
        ("valid_from", '"2026-07-01"', "must be a date without quotes"),
        ("colour", '"red"', "unknown field colour: there are number, zh"),
    ],
)
def test_an_item_that_cannot_stand_keeps_the_catalogue_from_being_read(
    tmp_path: Path, field: str, value: str, says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        catalogue.read(toml(tmp_path, **COMPLETE | {field: value}))
    assert "catalogue.toml, item 1" in refused.value.en and says in refused.value.en


def test_all_that_an_item_can_say_is_read(tmp_path: Path) -> None:
    said = {
        "names": '["壹"]',
        "visit_max": "1",
        "day_max": "2",
        "course_max": "10",
        "course_days": "14",
        "valid_days": "3",
        "min_age_years": "1",
        "max_age_years": "6",
        "min_acupoints": "3",
        "min_cups": "0",
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "device_class": '"tdp"',
    }
    item = catalogue.read(toml(tmp_path, **COMPLETE | said)).items[1]
    assert (item.visit_max, item.day_max, item.course_max, item.course_days, item.valid_days) == (
        1,
        2,
        10,
        14,
        3,
    )
    assert (item.min_age_years, item.max_age_years, item.min_acupoints, item.min_cups) == (1, 6, 3, None)
    assert (item.names, item.first, item.last) == (("壹",), date(2026, 1, 1), date(2026, 12, 31))
    assert not item.attended


def test_no_limit_is_laid_down_where_no_source_says_one() -> None:
    limits = (
        "visit_max",
        "day_max",
        "course_max",
        "course_days",
        "valid_days",
        "min_age_years",
        "max_age_years",
    )
    assert {getattr(item, name) for item in ITEMS.values() for name in limits} == {None}
    assert all(item.valid_from is item.valid_to is None for item in ITEMS.values())
