"""A unit takes a newer program from a real broker, and tells the new version in its chain.

The heap is 108 KiB: with the scripted board's own names beside it the interpreter's table of names doubles once (9 KB),
which the unit's own names alone do not make it do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware import VERSION
from firmware.rpi import image
from firmware.rpi.release import bundle_of
from protocol import bundle, p256, seal, topics
from protocol.record import Record
from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import CLINIC, Gateway, told

HEAP = "108k"
SECRET = bytes(31) + b"\x09"
KEY = p256.spki(p256.public_key(SECRET)).hex()


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of a release 2, version 0.2.0, with the scripted board in it."""
    folder = tmp_path_factory.mktemp("newer")
    (folder / "firmware").mkdir()
    (folder / "firmware/__init__.py").write_text('VERSION = "0.2.0"\nRELEASE = 2\n')
    names = [*image.shipped(), *bench._beside()]
    found = image.compiled(names) | image.compiled(["firmware/__init__.py"], folder)
    path = folder / "newer.romfs"
    path.write_bytes(image.image(found))
    return path


def offer(gateway: Gateway, made: bytes) -> None:
    """What `wattwitness unit update` publishes."""
    body = made[bundle.OFFER :]
    for number in range(bundle.pieces(len(body))):
        piece = body[number * bundle.PIECE :][: bundle.PIECE]
        gateway._client.publish(topics.topic(CLINIC, bundle.ROOM, str(number)), piece, 1, True)
    gateway.publish("update", made[: bundle.OFFER], retained=True)


def version(gateway: Gateway, record: Record) -> str:
    return str(json.loads(seal.split(gateway.lines[record.us - 1])[0])["GV"])


class Flash:
    """What outlives the power: the partition, the note, the file system."""

    def __init__(self, folder: Path) -> None:
        self.rom, self.kept, self.files = folder / "rom", folder / "kept", folder / "files"
        self.rom.write_bytes(b"\xff" * (256 << 10))
        self.kept.write_text("0")
        self.files.mkdir()

    def told(self, port: int, running: int, until_s: int, **more: Any) -> dict[str, Any]:
        own = {"rom": str(self.rom), "kept": str(self.kept), "folder": str(self.files), "running": running}
        changes = {"release_key": KEY}
        return told(port, until_s, report_s=600, changes=changes, **own, **more)


def test_an_offered_release_is_fetched_while_the_unit_measures_and_tried_when_the_device_is_off(
    rom, plain, newer, tmp_path
):
    flash = Flash(tmp_path)
    offer(plain, bundle_of(2, "0.2.0", newer.read_bytes(), SECRET))
    *reports, end, _ = bench.run(rom, "taken", flash.told(plain.port, 0, 7200), HEAP)
    assert 1260 <= end["reset_at_s"] < 1500, "the lamp is on for the first 1260 s"
    half = flash.rom.read_bytes()[128 << 10 :]
    assert half.startswith(newer.read_bytes()) and flash.kept.read_text() == str(2 << 3 | 3 << 1)
    assert reports[-1]["readings"] >= reports[-1]["asked"] - 1, "no reading was missed"
    assert b"online, update: release 2 (0.2.0) is fetched" in plain.statuses

    flash.kept.write_text(str(2 << 3 | 2 << 1))  # as /main.py notes it before the trial
    bench.run(newer, "taken", flash.told(plain.port, 1, 600), HEAP)
    boots = plain.hears("BOOT", 2)
    assert [version(plain, each) for each in boots] == [VERSION, "0.2.0"]
    assert [each.us for each in plain.records] == list(range(1, len(plain.records) + 1))
    assert flash.kept.read_text() == str(2 << 3 | 1), "acknowledged, so it is the one to stay with"
    assert b"online, update: release 2 runs" in plain.statuses


def test_a_trial_that_no_gateway_acknowledges_is_not_settled(rom, plain, newer, tmp_path):
    flash = Flash(tmp_path)
    flash.kept.write_text(str(2 << 3 | 2 << 1))
    plain.answer = lambda _: None
    bench.run(newer, "taken", flash.told(plain.port, 1, 600), HEAP)
    assert plain.hears("BOOT") and flash.kept.read_text() == str(2 << 3 | 2 << 1)


def test_a_unit_without_a_release_key_hears_no_offer(rom, plain, newer, tmp_path):
    flash = Flash(tmp_path)
    offer(plain, bundle_of(2, "0.2.0", newer.read_bytes(), SECRET))
    fields = flash.told(plain.port, 0, 600)
    fields["unit_json"] = fields["unit_json"].replace(KEY, "")
    bench.run(rom, "taken", fields, HEAP)
    assert plain.hears("BOOT") and flash.rom.read_bytes() == b"\xff" * (256 << 10)
    assert not [each for each in plain.statuses if b"update" in each]
