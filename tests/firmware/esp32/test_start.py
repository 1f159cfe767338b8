"""From reset to measuring: what a board does when something is wrong on its flash, and when its power went away."""

from __future__ import annotations

import ast
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from firmware.esp32 import settings
from firmware.rpi import image
from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import kinds, told, unit_json
from tests.support.tools import CHECKOUT


def fails(rom: Path, fields: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    """What a unit says over its cable, three times, when it cannot start; and the rest of what was seen."""
    *_, end = bench.run(
        rom, "days", told(1, 60, tells=3, **more) | {"unit_json": json.dumps(fields) if fields else "{"}
    )
    return end["notes"][0], end


@pytest.mark.parametrize(
    "changes, says",
    (
        ({"clinic": "with a blank"}, "clinic must be letters"),
        ({"bord": "x"}, "bord is not among"),
        ({"board": "esp32_nobody"}, "board must name what this firmware has, but is 'esp32_nobody'"),
        ({"reader": "pzem004t_v3"}, "reader must name a reader"),
        (
            {"meter": {"kind": "abacus"}},
            "meter.kind must be one of bl0942, ina226, pzem004t_v3, none, but is 'abacus'",
        ),
        ({"meter": {"address": 300}}, "meter.address must be a whole number from 1 to 247, but is 300"),
        ({"profile": {"on_mw": "40 W"}}, "on_mw must be a whole number"),
        ({"wifi": {"password": "secret"}}, "wifi.password must be at least 8 characters"),
        ({"mqtt": {"ca": "/nowhere.der"}}, "mqtt.ca and cert and key must be files on the flash"),
        ({"journal_kb": 600}, "journal_kb must be at least 630 for retention_days, but is 600"),
        ({"tag_key": "0123"}, "tag_key must be 64 lower-case hex digits"),
    ),
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_told_over_the_cable_and_shown_and_no_watchdog_bites(rom, changes, says):
    said, end = fails(rom, unit_json(1, **changes))
    assert says in said and said.startswith("not provisioned: ConfigError")
    assert "secret" not in said and end["watchdogs"] == [], "a reset would not help"
    assert end["light"] >= 190, "five times a second on and off, for 20 s"


def test_a_unit_json_that_is_none_is_told_likewise(rom):
    assert "must be one JSON object" in fails(rom, None)[0]


@pytest.mark.parametrize("octets", (0, 31, 33))
def test_a_unit_without_a_sound_key_does_not_measure(rom, octets):
    said, end = fails(rom, unit_json(1), key=octets)
    assert "IdentityError" in said and end["watchdogs"] == []


def test_a_unit_whose_power_was_cut_goes_on_in_its_chain_and_tells_the_session_that_was_cut(
    rom, plain, tmp_path
):
    folder = tmp_path / "flash"
    folder.mkdir()
    more: dict[str, Any] = {
        "folder": str(folder),
        "on_s": 40000,
        "changes": {"meter": {"every_ms": 200}},
        "real": True,
    }
    for boot in (1, 2):
        process = bench.start(rom, "days", told(plain.port, 60, report_s=60, **more), heap="128k")
        try:
            plain.hears("OPEN", boot)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    assert kinds(plain)[:5] == ["BOOT", "OPEN", "BOOT", "SESSION", "OPEN"]
    again, cut = plain.hears("BOOT", 2)[1], plain.hears("SESSION")[0]
    assert again.alive_ms is not None and cut.readings[1].tx == "P"
    assert [each.us for each in plain.records] == list(range(1, len(plain.records) + 1))


def test_a_board_whose_file_system_is_destroyed_comes_back_with_its_settings_and_its_key(rom):
    (seen,) = bench.run(rom, "lost", {"unit_json": json.dumps(unit_json(1))}, heap="160k")
    assert seen["said"] == [
        "file system: MADE",
        "file system: MOUNTED",
        "file system: LOST",
        "unit.json was gone, and is there again",
        "key.bin was gone, and is there again",
    ]
    assert seen["same"] and {"unit.json", "key.bin"} <= set(seen["files"])


def test_every_setting_has_its_row_in_the_readme():
    readme = (CHECKOUT / "firmware/esp32/README.md").read_text("utf-8")
    more = {key for kind in settings.METERS.values() for key in kind}
    names = {*settings.TOP, *(f"meter.{each}" for each in (*settings.METER, *more))}
    names |= {f"wifi.{each}" for each in settings.WIFI} | {f"mqtt.{each}" for each in settings.MQTT}
    assert [each for each in sorted(names) if f"`{each}`" not in readme] == []


# --- what ships ----------------------------------------------------------------------------------------------

BY_NAME = ("hardware/boards/esp32_", "hardware/drivers/")  # asked for by a setting


def imported(name: str) -> set[str]:
    """The files of ours that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse((CHECKOUT / name).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return {path for each in found if (CHECKOUT / (path := each.replace(".", "/") + ".py")).is_file()}


def test_what_main_imports_ships_and_nothing_else():
    shipped = set(image.shipped())
    reached: set[str] = set()
    coming = [image.MAIN, *(name for name in shipped if name.startswith(BY_NAME))]
    while coming:
        name = coming.pop()
        if name not in reached:
            reached.add(name)
            coming += imported(name)
    reached = {name for name in reached if name != image.MAIN} | {"firmware/__init__.py"}
    assert reached == shipped


def test_every_meter_that_a_setting_can_name_ships():
    drivers = {Path(name).stem for name in image.shipped() if name.startswith("hardware/drivers/")}
    assert set(settings.METERS) <= drivers


def test_the_image_is_the_same_each_time_and_what_does_not_compile_is_named(tmp_path):
    assert image.image() == image.image()
    (tmp_path / "bad.py").write_text("def (")
    with pytest.raises(ValueError, match=r"bad\.py"):
        image.compiled(["bad.py"], tmp_path)


def test_main_stands_on_the_flash_as_text_and_the_rest_compiled():
    files = image.files()
    assert b"run(slot=half)\n" in files["/main.py"]
    assert all(code[:1] == b"M" for path, code in files.items() if path != "/main.py")
    assert len(files) == len(image.shipped()) + 1
