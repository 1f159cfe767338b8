"""Pin maps: what the chips' data sheets forbid, no board file does; and the rules themselves are tried for refusing."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.tools import CHECKOUT

FOLDER = CHECKOUT / "hardware" / "boards"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
BOARDS = {path.stem: importlib.import_module(f"hardware.boards.{path.stem}") for path in FILES}
NAMES = [
    "BOARD",
    "MCU",
    "METER_UART",
    "METER_TX",
    "METER_RX",
    "I2C",
    "SDA",
    "SCL",
    "LED",
    "LED_ACTIVE",
    "BUTTON",
    "BUZZER",
    "CASE",
    "READER_UART",
    "READER_TX",
    "READER_RX",
]
PINS = ["METER_TX", "METER_RX", "SDA", "SCL", "LED", "BUTTON", "BUZZER", "CASE", "READER_TX", "READER_RX"]
OUTPUTS = {"METER_TX", "READER_TX", "SDA", "SCL", "LED", "BUZZER"}  # SDA and SCL are driven low
PULLED_UP = {"BUTTON", "CASE"}  # the chip's own pull-up holds them while the switch is open


def pins(board: Any) -> dict[str, int]:
    return {name: getattr(board, name) for name in PINS if getattr(board, name) is not None}


def rests(board: Any, name: str) -> str:
    """The level that the outside gives a pin while the chip starts: what hangs on it, or `either`."""
    lights_high = board.LED_ACTIVE == 1
    low_when_dark = {"LED": "low" if lights_high else "high", "BUZZER": "low"}
    idle_high = dict.fromkeys(("METER_TX", "READER_TX", "SDA", "SCL"), "high")
    return {**low_when_dark, **idle_high}.get(name, "either")


# --- ESP32: series data sheet 2.2 to 2.4, ESP32-WROOM-32E data sheet 3 --------------------------------------

ESP32_ON_MODULE = {*range(24), *range(25, 28), *range(32, 37), 39} - {20}
ESP32_FLASH = set(range(6, 12))
ESP32_CONSOLE = {1, 3}
ESP32_INPUT_ONLY = set(range(34, 40))  # and without pull-ups
ESP32_STRAPS = {
    0: "high",
    5: "high",
    15: "high",
    2: "low",
    12: "low",
}  # as a start from flash at 3.3 V needs them


def esp32_refusals(board: Any) -> list[str]:
    found = []
    for name, pin in pins(board).items():
        if pin not in ESP32_ON_MODULE:
            found.append(f"{name} {pin}: the module has no such pin")
        if pin in ESP32_FLASH:
            found.append(f"{name} {pin}: belongs to the flash")
        if pin in ESP32_CONSOLE:
            found.append(f"{name} {pin}: is the USB console's")
        if pin in ESP32_INPUT_ONLY and name in OUTPUTS | PULLED_UP:
            found.append(f"{name} {pin}: input only, without a pull-up")
        if pin in ESP32_STRAPS and rests(board, name) != ESP32_STRAPS[pin]:
            found.append(f"{name} {pin}: a strapping pin that must be {ESP32_STRAPS[pin]} at reset")
    return found


# --- BCM2711: ARM Peripherals 5.2 and 5.3 (pulls at reset, alternative functions) ---------------------------

BCM_UARTS = {"/dev/ttyAMA0": (14, 15), "/dev/ttyAMA3": (4, 5)}  # on the header, free of SPI and the ID pins
BCM_LOW_AT_RESET = set(range(9, 28))


def bcm2711_refusals(board: Any) -> list[str]:
    found = []
    for name, pin in pins(board).items():
        if not 2 <= pin <= 27:
            found.append(f"{name} {pin}: not on the header, or the ID EEPROM's")
        if rests(board, name) == "low" and pin not in BCM_LOW_AT_RESET:
            found.append(f"{name} {pin}: pulled up at reset, so it would light or sound")
    if (board.I2C, board.SDA, board.SCL) != (1, 2, 3):
        found.append("I2C: the header's bus is 1, on 2 and 3")
    for uart in ("METER", "READER"):
        wired = (getattr(board, f"{uart}_TX"), getattr(board, f"{uart}_RX"))
        if BCM_UARTS.get(getattr(board, f"{uart}_UART")) != wired:
            found.append(f"{uart}: no UART of that name comes out on {wired}")
    return found


REFUSALS = {"ESP32": esp32_refusals, "BCM2711": bcm2711_refusals}


# --- the board files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_has_every_name_and_is_of_a_chip_whose_rules_are_known(name):
    board = BOARDS[name]
    public = {each for each in vars(board) if not each.startswith("_")}
    assert public == set(NAMES)
    assert board.MCU in REFUSALS and board.BOARD and board.LED_ACTIVE in (0, 1)


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_does_nothing_that_its_chip_forbids(name):
    assert REFUSALS[BOARDS[name].MCU](BOARDS[name]) == []


@pytest.mark.parametrize("name", BOARDS)
def test_no_pin_of_a_board_does_two_things(name):
    used = list(pins(BOARDS[name]).values())
    assert len(used) == len(set(used))
    assert BOARDS[name].METER_UART != BOARDS[name].READER_UART


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_board_file_holds_constants_and_nothing_else(path: Path):
    body = ast.parse(path.read_text("utf-8")).body[1:]
    assert all(isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant) for each in body)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_board_has_a_wiring_page_and_a_drawing_that_it_names(path: Path):
    page = CHECKOUT / "hardware" / "wiring" / f"{path.stem}.md"
    assert page.relative_to(CHECKOUT).as_posix() in path.read_text("utf-8")
    assert page.exists() and page.with_suffix(".svg").exists()


# --- the rules themselves -----------------------------------------------------------------------------------


def changed(name: str, **pins_: Any) -> Any:
    known = {each: getattr(BOARDS[name], each) for each in NAMES}
    return SimpleNamespace(**known | pins_)


@pytest.mark.parametrize(
    "wrong, why",
    (
        ({"METER_RX": 9}, "the flash"),
        ({"LED": 34}, "input only"),
        ({"BUTTON": 36}, "without a pull-up"),
        (
            {"BUTTON": 0},
            "must be high at reset",
        ),  # held while the mains return: it waits for a download for ever
        ({"METER_RX": 12}, "must be low at reset"),  # a meter's idle line would ask for flash at 1.8 V
        ({"SDA": 2}, "must be low at reset"),
        ({"LED": 15}, "must be high at reset"),
        ({"LED": 12, "LED_ACTIVE": 0}, "must be low at reset"),
        ({"METER_TX": 1}, "console"),
        ({"CASE": 37}, "no such pin"),
    ),
)
def test_what_an_esp32_forbids_would_be_seen(wrong, why):
    assert why in " ".join(esp32_refusals(changed("esp32_devkitc_v4", **wrong)))


def test_a_strapping_pin_is_allowed_where_what_hangs_on_it_rests_as_the_strap_must():
    assert esp32_refusals(changed("esp32_devkitc_v4", LED=2)) == []
    assert esp32_refusals(changed("esp32_devkitc_v4", METER_TX=5)) == []
    assert esp32_refusals(changed("esp32_devkitc_v4", READER_RX=35)) == []  # input only is enough to listen


@pytest.mark.parametrize(
    "wrong, why",
    (
        ({"LED": 6}, "pulled up"),
        ({"CASE": 0}, "ID EEPROM"),
        ({"SDA": 17}, "I2C"),
        ({"METER_RX": 16}, "METER"),
        ({"READER_UART": "/dev/ttyS0"}, "READER"),
    ),
)
def test_what_a_raspberry_pi_forbids_would_be_seen(wrong, why):
    assert why in " ".join(bcm2711_refusals(changed("raspberry_pi_4b", **wrong)))
