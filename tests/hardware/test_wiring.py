"""Wiring pages, drawings and parts, held against the boards; and what a lamp and its unit on one switch really lose."""

from __future__ import annotations

import csv
import importlib
import re
from xml.etree import ElementTree

import pytest

from tests.firmware.agent.rig import Rig
from tests.support.tools import CHECKOUT

HARDWARE = CHECKOUT / "hardware"
WIRING = HARDWARE / "wiring"
BOARDS = sorted(path.stem for path in (HARDWARE / "boards").glob("*.py") if path.stem != "__init__")
PARTS = list(csv.DictReader((HARDWARE / "bom.csv").open(encoding="utf-8", newline="")))
COLUMNS = [
    "part",
    "name_zh",
    "name_en",
    "for_zh",
    "for_en",
    "boards",
    "quantity",
    "rating",
    "standard",
    "indicative_yuan",
    "indicative_as_of",
    "alternative",
]
DESIGNATOR = r"(?<![A-Za-z0-9])(?:CT|LS|PS|RV|[A-UW-Z])[1-9](?![0-9A-Za-z])"
SAFETY = ("licensed electrician", "持证电工", "绝不切断设备的电源", "never cut")


def page(name: str) -> str:
    return (WIRING / f"{name}.md").read_text("utf-8")


def drawing(name: str) -> ElementTree.Element:
    return ElementTree.parse(WIRING / f"{name}.svg").getroot()


def words(name: str) -> str:
    return "\n".join(text.strip() for text in drawing(name).itertext() if text.strip())


def parts_of(board: str) -> set[str]:
    return {each["part"] for each in PARTS if board in each["boards"].split()}


# --- parts --------------------------------------------------------------------------------------------------


def test_the_bill_of_materials_has_its_columns_and_says_that_prices_are_indicative():
    assert list(PARTS[0]) == COLUMNS
    for each in PARTS:
        assert None not in each and all(value is not None for value in each.values()), each
        assert float(each["indicative_yuan"]) >= 0 and int(each["quantity"]) >= 1
        assert re.fullmatch(r"20\d\d-[01]\d", each["indicative_as_of"])
        assert (
            re.search(r"[一-鿿]", each["for_zh"])
            and each["name_en"]
            and each["rating"]
            and each["alternative"]
        )
        assert set(each["boards"].split()) <= {*BOARDS, "gateway"}


@pytest.mark.parametrize("part", ("F1", "PS1", "PS2", "X1", "W1", "W2", "E1", "E2", "RV1"))
def test_what_carries_mains_names_the_standard_that_it_meets(part):
    named = [each["standard"] for each in PARTS if each["part"] == part]
    assert named and all(re.search(r"(GB|IEC)[/ ]", each) for each in named)


@pytest.mark.parametrize("board", BOARDS)
def test_every_part_that_a_page_or_drawing_names_is_in_the_bill_of_materials(board):
    named = set(re.findall(DESIGNATOR, page(board) + words(board)))
    assert named <= parts_of(board), named - parts_of(board)


@pytest.mark.parametrize("board", BOARDS)
def test_every_part_of_a_board_is_on_its_page(board):
    assert parts_of(board) <= set(re.findall(DESIGNATOR, page(board)))


def test_the_common_page_names_only_parts_that_there_are_and_those_of_the_gateway_all():
    named = set(re.findall(DESIGNATOR, page("README")))
    assert parts_of("gateway") <= named <= {each["part"] for each in PARTS}


def test_a_part_that_is_not_there_would_be_seen():
    assert set(re.findall(DESIGNATOR, "接 F9，K2 和 CT7；IO17、3V3、V4")) == {"F9", "K2", "CT7"}


# --- pins ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_the_pins_on_the_page_are_those_of_the_board_file(board):
    pins = importlib.import_module(f"hardware.boards.{board}")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:IO)?(\d+) \|", page(board), re.M))
    wired = [
        "METER_TX",
        "METER_RX",
        "LED",
        "BUZZER",
        "BUTTON",
        "CASE",
        "READER_TX",
        "READER_RX",
        "SDA",
        "SCL",
    ]
    assert rows == {name: str(getattr(pins, name)) for name in wired}


def test_the_pins_in_the_drawings_are_those_of_the_board_files():
    esp32, pi = (importlib.import_module(f"hardware.boards.{board}") for board in BOARDS)
    said = words("esp32_devkitc_v4")
    assert all(
        f"IO{getattr(esp32, name)}" in said for name in ("LED", "BUZZER", "BUTTON", "CASE", "SDA", "SCL")
    )
    assert f"IO{esp32.METER_TX} TX" in said and f"IO{esp32.METER_RX} RX" in said
    said = words("raspberry_pi_4b")
    assert f"{pi.METER_TX} TX (8)" in said and f"{pi.METER_RX} RX (10)" in said
    assert all(f"{getattr(pi, name)} (" in said for name in ("LED", "BUZZER", "BUTTON", "CASE"))


# --- what a page must say -----------------------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_safety_stands_before_the_first_step_and_steps_are_numbered_without_a_hole(board):
    text = page(board)
    before, steps = text.split("## 步骤 · Steps")
    assert all(each in before for each in SAFETY)
    numbers = [int(each) for each in re.findall(r"^(\d+)\. ", steps, re.M)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 12
    assert f"{board}.svg" in before and "没有在真实硬件上做过" in before


def test_the_common_page_says_who_may_do_it_what_was_not_tried_and_where_a_unit_sits():
    text = page("README")
    for each in (
        "GB 4943.1",
        "CCC",
        "YY/T 0061",
        "GB 9706.1",
        "RCD",
        "--blind",
        "Nothing here was built",
        "travels with it",
    ):
        assert each in text, each
    assert text.index("## 安全") < text.index("## 放在哪里")


@pytest.mark.parametrize("board", BOARDS)
def test_a_drawing_speaks_both_languages_and_asks_for_nothing_from_elsewhere(board):
    said = words(board)
    for each in (
        "市电",
        "MAINS",
        "低压",
        "licensed electrician only",
        "持证电工",
        "no switch, relay or fuse",
    ):
        assert each.lower() in said.lower(), each
    text = (WIRING / f"{board}.svg").read_text("utf-8")
    assert not re.search(r"href|@import|<script|<image|url\((?!#)", text)
    assert drawing(board).get("viewBox") and drawing(board).get("role") == "img"


# --- a lamp and its unit on one switch ----------------------------------------------------------------------

STARTS_S = 5  # taken, not measured: from power to the first reading


def lost_on_one_switch(treated_s: int) -> int:
    """Seconds of a treatment that no record tells, where the unit gets its power with the lamp and loses it with it."""
    rig = Rig().boot().watch(2, 10).cut(3600)
    rig.cut(STARTS_S).boot(at_ms=None, synchronised=False)
    rig.watch(260, 3).time().watch(260, treated_s - STARTS_S - 3).cut(3600)
    rig.boot(at_ms=None)
    ((_, _, active_s, how),) = rig.sessions()
    assert how == "P"
    return treated_s - active_s


def lost_when_always_live(treated_s: int) -> int:
    rig = Rig().boot().watch(2, 60).watch(260, treated_s).watch(2, 120)
    ((_, _, active_s, how),) = rig.sessions()
    assert how == "L"
    return treated_s - active_s


def test_the_seconds_that_one_switch_costs_are_those_on_the_page():
    """Twenty to twenty-two minutes, cut at every second of two minutes: what the real agent then tells at its next boot."""
    treated = range(1200, 1320)
    rows = [
        [lost_when_always_live(treated_s) for treated_s in treated[::30]],
        [lost_on_one_switch(treated_s) for treated_s in treated],
    ]
    said = re.findall(
        r"\| (\d+) / (\d+) / (\d+) \|", page("README").split("measured:begin")[1].split("measured:end")[0]
    )
    assert said == [(f"{min(row)}", f"{round(sum(row) / len(row))}", f"{max(row)}") for row in rows]
