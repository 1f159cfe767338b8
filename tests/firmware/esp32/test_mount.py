"""A file system that is blank, sound or broken, under MicroPython: none of them keeps the unit from going on."""

from __future__ import annotations

import pytest

from firmware.rpi import asked
from tests.support.both import run_micropython


@pytest.mark.parametrize(
    "what, said",
    (
        pytest.param(
            "mounts", "mounted", id="a blank one is made, a sound one mounted, a broken one replaced"
        ),
        pytest.param("hangs", "tried no more", id="one that hung three boots is not tried again"),
        pytest.param("fails", "gave up after a few", id="flash that does not answer is given up"),
        pytest.param("mends", "mended", id="a configuration that is gone comes back from beside it"),
    ),
)
def test_mounting_never_goes_on_for_ever(what: str, said: str):
    script = f"from tests.firmware.esp32 import flash_mount; flash_mount.{what}()"
    assert run_micropython(script, heapsize="1m").strip() == said


def test_what_provisioning_takes_away_first_no_start_up_puts_back():
    script = f"from tests.firmware.esp32 import flash_mount; flash_mount.forgets({asked.NO_COPY!r})"
    assert run_micropython(script, heapsize="1m").strip() == "forgotten"
