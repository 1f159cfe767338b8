"""The box around a unit on a Raspberry Pi: mock pins, a reader on a wire, and what staff see and touch."""

from __future__ import annotations

import hashlib
import hmac
import os
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from firmware.rpi import ports
from firmware.rpi.box import CASE_OPENED, PRESSED, TAGGED, Box
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.files import JournalFiles
from firmware.rpi.ports import open_box
from firmware.rpi.run import unit_of
from firmware.rpi.settings import read_settings
from gateway.nurse import tokens
from protocol import record, seal
from tests.firmware.parts import SECRET, Gateway, UnitProcess
from tests.support.broker import Broker
from tests.support.ledgers import CLINIC
from tests.support.programs import eventually

LED, BUTTON, BUZZER, CASE = 17, 27, 22, 23
KEY, TOKEN = bytes(range(32)), "V8qXz1kRt0aLw5Pn"
TAG = hmac.new(KEY, TOKEN.encode(), hashlib.sha256).hexdigest()
FITTED = f"[box]\nled = {LED}\nbutton = {BUTTON}\nbuzzer = {BUZZER}\ncase = {CASE}\n"


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
    gpiozero.Device.pin_factory.pin(CASE).drive_low()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def settings_with(folder: Path, box: str, top: str = "") -> Path:
    path = folder / "unit.toml"
    path.write_text(
        f'unit = "U1"\nclinic = "C1"\nkey = "u1.pem"\nload = "tdp"\n{top}[mqtt]\n[port]\nkind = "csv"\nfile = "x"\n{box}'
    )
    return path


def opened(folder: Path, box: str, top: str = "") -> tuple[Box, list[str]]:
    told: list[str] = []
    one = open_box(read_settings(settings_with(folder, box, top)), told.append)
    assert one is not None
    return one, told


def looks(box: Box, from_ms: int, until_ms: int) -> list[tuple[str, str]]:
    for mono_ms in range(from_ms, until_ms, 10):
        box.look(mono_ms)
    return box.take()


def test_a_unit_without_a_box_has_none(tmp_path: Path):
    assert open_box(read_settings(settings_with(tmp_path, "")), print) is None


def test_opening_the_case_and_pressing_the_button_are_told_once(tmp_path: Path, pins: MockFactory):
    box, _ = opened(tmp_path, FITTED)
    pins.pin(BUTTON).drive_high()
    pins.pin(CASE).drive_low()
    assert looks(box, 0, 1000) == []
    pins.pin(CASE).drive_high()
    pins.pin(BUTTON).drive_low()
    assert sorted(looks(box, 1000, 3000)) == [(CASE_OPENED, ""), (PRESSED, "")]


def test_the_light_blinks_while_the_case_is_watched_and_is_dark_when_the_unit_stops(tmp_path, pins):
    box, _ = opened(tmp_path, FITTED)
    box.sign = "REACHED"
    box.start()
    eventually(lambda: pins.pin(LED).state and pins.pin(BUZZER).state)
    box.sign = "PROVISION"
    eventually(lambda: not pins.pin(LED).state)
    eventually(lambda: pins.pin(LED).state)
    box.stop()
    assert not pins.pin(LED).state and not pins.pin(BUZZER).state


def test_a_press_silences_the_buzzer(tmp_path: Path, pins: MockFactory):
    box, _ = opened(tmp_path, FITTED)
    box._panel.step(0, "REACHED")
    assert pins.pin(BUZZER).state
    looks(box, 0, 100)
    pins.pin(BUTTON).drive_low()
    looks(box, 100, 300)
    assert not pins.pin(BUZZER).state


class Cards:
    """A reader that has these texts in sight, one a look."""

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)

    def take(self, mono_ms: int) -> list[str]:
        return [self._texts.pop(0)] if self._texts else []


class Nothing:
    """A light that is not fitted."""

    def set(self, on: bool) -> None:
        pass


def box_with(reader: Cards, key: bytes | None, tell: Callable[[str], None] = print) -> Box:
    return Box(Nothing(), Nothing(), None, None, reader, key, tell)


def test_a_token_leaves_the_box_as_its_keyed_hash_alone():
    assert looks(box_with(Cards(TOKEN), KEY), 0, 50) == [(TAGGED, TAG)]


@pytest.mark.parametrize(
    "token",
    ["310101199003078515", "11010519491231002X", "310101900307851", "13800138000", "short-1", "9" * 24],
)
def test_a_persons_number_or_a_guessable_token_is_no_tag_and_is_not_repeated(token):
    told: list[str] = []
    assert looks(box_with(Cards(token), KEY, told.append), 0, 50) == []
    assert len(told) == 1 and "no tag" in told[0] and token not in told[0]


def test_a_token_that_the_gateway_prints_is_the_same_tag_at_the_unit(tmp_path: Path):
    key = tokens.open_tag_key(tmp_path)
    assert ports._tag_key(tmp_path / tokens.FILE) == key
    for _ in range(50):
        token = tokens.new_token()
        assert looks(box_with(Cards(token), key), 0, 50) == [(TAGGED, tokens.tag(key, token))]


def test_without_the_clinics_key_tokens_are_ignored():
    assert looks(box_with(Cards(TOKEN), None), 0, 50) == []


def test_a_key_for_tags_that_is_none_is_refused_by_name(tmp_path: Path, pins: MockFactory):
    (tmp_path / "tag.key").write_text("abcd")
    with pytest.raises(UsageError, match=r"tag_key .*tag\.key: must be 64 hex digits, but has 4"):
        opened(tmp_path, FITTED, 'tag_key = "tag.key"\n')
    with pytest.raises(UsageError, match=r"tag_key .*nothing: cannot be read as 64 hex digits"):
        opened(tmp_path, FITTED, 'tag_key = "nothing"\n')


class Torn:
    """A contact whose pin cannot be asked any more."""

    def closed(self) -> bool:
        raise OSError("GPIO busy")


def test_a_box_that_cannot_be_watched_any_more_ends_the_unit_and_says_why():
    box = Box(Nothing(), Nothing(), Torn(), None, None, None, print)
    box.start()
    eventually(lambda: box._failed)
    with pytest.raises(SurroundingsError, match=r"the box cannot be watched \(GPIO busy\)"):
        box.take()
    box.stop()


class Scripted:
    """A box in which one thing happens a turn."""

    def __init__(self, *happened: tuple[str, str]) -> None:
        self.sign, self._happened = "", list(happened)

    def take(self) -> list[tuple[str, str]]:
        return [self._happened.pop(0)] if self._happened else []


def test_a_press_clears_the_light_of_an_opened_case_and_what_is_told_stays_told(tmp_path: Path):
    (tmp_path / "x").write_text("time,power_w\n2026-03-02T08:00:00,2\n")
    files = JournalFiles(tmp_path / "journal", 1 << 20)
    unit = unit_of(read_settings(settings_with(tmp_path, "")), SECRET, files)
    box = Scripted((CASE_OPENED, ""), (TAGGED, TAG), (PRESSED, ""))
    unit._box = box  # type: ignore[assignment]
    unit._boot()
    shown = []
    for _ in range(4):
        unit._turn()
        shown.append(box.sign)
    files.close()
    said = [record.parse(seal.split(line)[0]) for line in files.lines(1, 9)]
    assert shown == ["FAULT", "FAULT", "READY", "READY"]
    assert [each.cause or each.kind for each in said if each.kind != "BOOT"] == ["CASE_OPEN", "TAG"]


# --- as a process ---


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path / "broker", CLINIC, ["U1"])
    yield one
    one.kill()


def test_a_unit_in_a_box_tells_the_case_and_the_tag_in_signed_records(tmp_path, broker, monkeypatch):
    """The mock pins of the process are pulled up: as if the case were open at boot."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    wire, device = os.openpty()
    tty.setraw(device)
    (tmp_path / "tag.key").write_text(KEY.hex() + "\n")
    reader = f'reader = "gm65"\nreader_device = "{os.ttyname(device)}"\n'
    gateway = Gateway(broker.port)
    unit = UnitProcess(
        tmp_path / "u1",
        broker.port,
        clock="",
        top=f'tag_key = "{tmp_path / "tag.key"}"\n',
        port=PLAIN + FITTED + reader,
    )
    unit.scenario()
    unit.start()
    eventually(lambda: "CASE_OPEN" in gateway.kinds())
    os.write(wire, b"310101199003078515\r" + TOKEN.encode() + b"\r")
    eventually(lambda: "TAG" in gateway.kinds())
    code, said = unit.stop()
    gateway.stop()
    os.close(wire)
    os.close(device)
    tags = [each.tags for each in gateway.records() if each.kind == "TAG"]
    everything = said + "".join(line.decode() for line in unit.kept().values())
    assert code == 0 and tags == [[TAG]]
    assert "no tag" in said and TOKEN not in everything and "310101199003078515" not in everything


PLAIN = '[port]\nkind = "bench"\nscenario = "u1.json"\n'
