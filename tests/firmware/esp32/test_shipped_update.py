"""The program that ships, from the release key to the chain, through the real /main.py: renewed, refused, taken back, cut.

Nothing of the program is scripted: the bytes of the release run in place in the flash's own half, /main.py chooses it, the
broker is a real one. The power is cut at the operations of the flash and the NVS between a download's first erase and the
note that settles it; every one of them, in every way of tearing it, where WATTWITNESS_CUTS is `all`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware import VERSION
from firmware.rpi import image
from firmware.rpi.release import bundle_of
from gateway.ledger import database, records
from protocol import p256
from tests.firmware.esp32 import shipped
from tests.firmware.esp32.gateway import CLINIC, UNIT, Gateway, kinds
from tests.firmware.esp32.shipped import ERASE, NOTE, POWER, RESET, WATCHDOG, Bench, body, version
from tests.firmware.esp32.test_over_the_air import offer
from tests.support.broker import Broker
from tests.support.programs import Program, ended, eventually, serve
from tests.support.tools import tool

MOST_BOOTS = 6


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Bundles by number, each made by the real command."""
    tool("micropython")
    folder = tmp_path_factory.mktemp("releases")
    return {number: shipped.released(folder, number, f"0.{number}.0") for number in (1, 2, 3)}


@pytest.fixture(scope="module")
def program() -> dict[str, bytes]:
    """What ships as release 2, compiled, to plant a fault in."""
    return image.compiled(image.shipped())


@pytest.fixture
def bench(releases: dict[int, Path], plain: Gateway, tmp_path: Path) -> Bench:
    return Bench(tmp_path, body(releases[1].read_bytes()), plain.port)


def faulty(program: dict[str, bytes], folder: Path, name: str, text: str) -> bytes:
    """A bundle of release 2, well signed, in which one module is another."""
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    made = image.image(program | image.compiled([name], folder))
    return bundle_of(2, "0.2.0", made, shipped.SECRET)


def boots(bench: Bench, until_s: int = 600, **told: Any) -> list[int]:
    """How each boot ended, until the power fails in one."""
    found: list[int] = []
    while not found or found[-1] != POWER:
        assert len(found) < MOST_BOOTS, found
        cause = {RESET: 5, WATCHDOG: 3}.get(found[-1], 1) if found else 1
        found.append(bench.boot(until_s, cause=cause, **told).end)
    return found


def versions(gateway: Gateway) -> list[str]:
    """What each BOOT says that ran."""
    return [version(gateway, each) for each in gateway.records if each.kind == "BOOT"]


# --- all the way, with the gateway's own programs ---------------------------------------------------------------------


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[tuple[Path, Broker, Program]]:
    """A gateway's ledger folder with the unit enrolled; its broker; and `serve`, which runs."""
    (tmp_path / "broker").mkdir()
    broker, folder = Broker(tmp_path / "broker", CLINIC, [UNIT]), tmp_path / "book"
    try:
        desk(tmp_path, "init", str(folder), "--clinic", CLINIC, "--name", "示范诊所")
        path = folder / "wattwitness.toml"
        path.write_text(
            path.read_text("utf-8").replace("port = 8080", "port = 0") + "\n" + broker.config, "utf-8"
        )
        key = p256.spki(p256.public_key(shipped.UNIT_SECRET)).hex()
        desk(folder, "unit", "add", UNIT, "--key", key, "--load", "tdp", "--room", "R1")
        program, _ = serve(folder)
        with ended(program):
            yield folder, broker, program
    finally:
        broker.stop()


def desk(folder: Path, *arguments: str) -> None:
    """The gateway's own program, from its command line."""
    program = Program(folder / "desk.log", "gateway", "--dir", str(folder), *arguments)
    with ended(program):
        assert program._process is not None and program._process.wait(60) == 0, program.log()


def stored(folder: Path) -> tuple[int, list[str]]:
    """(head, what each stored BOOT says that ran)."""
    with database.open_ledger(folder) as db:
        head = records.heads(db)[UNIT]
        told = [json.loads(line.split("|")[1]) for line in records.lines(db, UNIT)]
    return head.us, [each["GV"] for each in told if each["UK"] == "BOOT"]


def test_two_releases_go_from_the_desk_through_the_broker_into_both_halves_and_into_the_chain(
    clinic, releases, tmp_path
):
    folder, broker, served = clinic
    bench = Bench(tmp_path, body(releases[1].read_bytes()), broker.port)
    assert boots(bench, 120, patience_ms=20000) == [POWER]
    for number, half in ((2, 1), (3, 0)):
        desk(folder, "unit", "update", UNIT, str(releases[number]))
        eventually(lambda count=number - 1: served.log().count("all is well again") == count)  # type: ignore[misc]
        before = bench.half(1 - half)
        assert boots(bench, on_s=300, patience_ms=20000) == [RESET, POWER]
        assert bench.half(half).startswith(body(releases[number].read_bytes()))
        assert bench.half(1 - half) == before, "the half that ran was not touched"
        assert bench.slot() == number << 3 | half, "acknowledged, so it is the one to stay with"
    assert boots(bench, 120, patience_ms=20000) == [POWER]
    head, ran = stored(folder)
    assert ran == ["0.1.0", "0.1.0", "0.2.0", "0.2.0", "0.3.0", "0.3.0"] and head > 6


def test_the_program_that_ships_lives_in_less_than_96_kib_beside_the_scripted_board(bench, plain):
    lived = bench.boot(120)
    assert lived.end == POWER and lived.free > 12_000
    assert shipped.HEAP_KIB * 1024 - lived.held <= 96 * 1024
    assert versions(plain) == [VERSION] == ["0.1.0"]


# --- refused, and taken back ------------------------------------------------------------------------------------------


def test_a_release_that_our_key_did_not_sign_leaves_the_flash_and_the_program_as_they_are(
    bench, plain, releases
):
    image_of = body(releases[2].read_bytes())
    offer(plain, bundle_of(2, "0.2.0", image_of, bytes(31) + b"\x08"))
    rom = bench.half(0) + bench.half(1)
    assert boots(bench) == [POWER]
    assert bench.half(0) + bench.half(1) == rom and bench.slot() is None
    assert versions(plain) == ["0.1.0"]
    assert any(b"not signed by our release key" in each for each in plain.statuses)


NO_SETTINGS = """
from firmware.agent.config import ConfigError

def read(raw, version):
    raise ConfigError("unit", "is not understood", 1)
"""
NO_READINGS = """
class NoMeter:
    pass

class MeterPort:
    def __init__(self, meter, every_ms):
        pass

    def take(self, now_ms):
        raise OSError
"""
NO_NETWORK = """
class Wifi:
    def __init__(self, *_):
        pass

    async def join(self):
        raise OSError
"""
# what is wrong: (module, what stands in it, how the boots end)
FAULTS = {
    "cannot be loaded": ("firmware/esp32/link.py", "raise ValueError\n", [RESET] * 4 + [POWER]),
    "cannot read its settings": ("firmware/esp32/settings.py", NO_SETTINGS, [RESET, POWER]),
    "cannot measure": ("hardware/ports/meter.py", NO_READINGS, [RESET, *[WATCHDOG] * 3, POWER]),
    "cannot speak": ("firmware/esp32/wifi.py", NO_NETWORK, [RESET, POWER]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_new_program_that_is_not_healthy_is_tried_three_times_and_the_old_one_comes_back(
    bench, plain, program, tmp_path, fault
):
    """Errors and the watchdog end a trial by themselves; one that only waits or is not heard ends with the power."""
    name, text, ends = FAULTS[fault]
    offer(plain, faulty(program, tmp_path / "fault", name, text))
    found = boots(bench)
    assert found == ends
    for _ in range(3 if ends == [RESET, POWER] else 0):
        assert boots(bench) == [POWER]
    assert bench.slot() == 2 << 3 | 0, "the first half, and release 2 is not tried any more"
    assert versions(plain)[-1] == "0.1.0" and plain.records[-1].us == len(plain.records)
    assert any(b"not newer than what runs or was tried" in each for each in plain.statuses)
    assert "FORK" not in kinds(plain)


# --- cut ------------------------------------------------------------------------------------------------------------


def chosen(operations: list[shipped.Operation]) -> list[tuple[int, list[int]]]:
    """Which operations, and which ways of leaving each: notes and erases and every 16th program, in turn; or all."""
    found: list[tuple[int, list[int]]] = []
    for at, each in enumerate(operations):
        ways = 2 if each.kind == NOTE else 5
        if os.environ.get("WATTWITNESS_CUTS") == "all":
            found.append((at, list(range(ways))))
        elif each.kind == NOTE:
            found.append((at, [0, 1]))
        elif at % 16 == 0 or (each.kind == ERASE and at % 3 == 0):
            found.append((at, [len(found) % ways]))
    return found


def test_wherever_the_power_is_cut_a_whole_program_runs_and_the_new_one_still_arrives(
    bench, plain, releases, tmp_path
):
    """From the first erase of the download to the note that settles the trial, the journal's own operations among them."""
    assert boots(bench, 120) == [POWER]
    first = plain.lines[0]
    offer(plain, releases[2].read_bytes())
    chip, log = bytearray(bench.chip.read_bytes()), tmp_path / "log"
    assert boots(bench, 300, log=str(log)) == [RESET, POWER]
    operations = bench.operations(log)
    assert not [each for each in operations if each.room() == "vfs"], (
        "a stock start-up's file system is not written"
    )
    ran = {"old": 0, "new": 0}
    plan = dict(chosen(operations))
    for at, operation in enumerate(operations):
        for way, left in enumerate(operation.torn(chip) if at in plan else ()):
            if way in plan[at]:
                bench.chip.write_bytes(left)
                ran[after_a_cut(bench, plain, first)] += 1
        operation.do(chip)
    assert len(operations) > 210 and ran["old"] > 30 and ran["new"] >= 3
    print(f"\n{len(operations)} operations, {sum(ran.values())} cuts: {ran}")


def after_a_cut(bench: Bench, gateway: Gateway, first: bytes) -> str:
    """Which program woke up: the old one fetches the new, and resets. The gateway has forgotten all, and gets all anew."""
    gateway.records.clear()
    gateway.lines.clear()
    gateway.publish("ack", b"", retained=True)
    ends = boots(bench, 300)
    assert [each.us for each in gateway.records] == list(range(1, len(gateway.records) + 1))
    assert gateway.lines[0] == first, "what was acknowledged is still there"
    assert bench.slot() == 2 << 3 | 1 and versions(gateway)[-1] == "0.2.0"
    return "old" if RESET in ends else "new"
