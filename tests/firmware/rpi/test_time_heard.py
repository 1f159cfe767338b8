"""A unit on a Pi that has no time of its own: what of the gateway's time it believes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.parts import SHOWN_MS, Gateway, UnitProcess
from tests.support.broker import Broker
from tests.support.ledgers import CLINIC
from tests.support.programs import eventually

HOUR_MS = 3_600_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path / "broker", CLINIC, ["U1"])
    yield one
    one.kill()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    one = Gateway(broker.port)
    yield one
    one.stop()


def test_a_retained_time_is_an_old_one_and_is_not_heard(tmp_path, broker, gateway):
    gateway.tell_time(SHOWN_MS + HOUR_MS, "8:0123456789abcdef", retained=True)
    clock = f"[clock]\nreal_ms = 0\nshown_ms = {SHOWN_MS}\nspeed = 1\nsynchronised_after_s = 999999999\n"
    unit = UnitProcess(tmp_path / "u1", broker.port, clock=clock)
    unit.scenario()
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    gateway.tell_time(SHOWN_MS, "7:0123456789abcdef")
    eventually(lambda: "CLOCK" in gateway.kinds())
    unit.stop()
    clocks = [each for each in gateway.records() if each.kind == "CLOCK"]
    assert [each.checkpoint for each in clocks] == ["7:0123456789abcdef"]


def test_a_jump_that_is_told_once_moves_no_clock_that_is_right(tmp_path, broker, gateway):
    clock = f"[clock]\nreal_ms = 0\nshown_ms = {SHOWN_MS}\nspeed = 1\nsynchronised_after_s = 999999999\n"
    unit = UnitProcess(tmp_path / "u1", broker.port, clock=clock)
    unit.scenario()
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    gateway.tell_time(SHOWN_MS, "7:0123456789abcdef")
    eventually(lambda: "CLOCK" in gateway.kinds())
    gateway.tell_time(SHOWN_MS + HOUR_MS, "8:0123456789abcdef")
    eventually(lambda: "TIME_DOUBTED" in unit.program.log())
    unit.stop()
    assert gateway.kinds().count("CLOCK") == 1 and gateway.odd == []
