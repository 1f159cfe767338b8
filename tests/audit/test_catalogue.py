"""The 36 items, and which of them a bill means."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gateway.audit import catalogue

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


@pytest.mark.parametrize("wrong", ['per = "盒"', "min_minutes = 30"])
def test_an_item_that_cannot_stand_keeps_the_catalogue_from_being_read(tmp_path: Path, wrong: str) -> None:
    fields = {
        "number": "1",
        "zh": '"一"',
        "en": '"one"',
        "per": '"次"',
        "min_minutes": "15",
        "max_minutes": "20",
    }
    key, value = wrong.split(" = ")
    lines = [f"{name} = {text}" for name, text in (fields | {key: value}).items()]
    path = tmp_path / "catalogue.toml"
    path.write_text('source = "x"\n[[items]]\n' + "\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match="item 1"):
        catalogue.read(path)
