"""What the unit tells systemd: that it is ready, that it lives, that it goes; and a service that holds its promises."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from firmware.rpi.watchdog import ALIVE, READY, STOPPING, Watchdog
from tests.firmware.parts import UnitProcess
from tests.support.programs import eventually


def listener(address: str) -> socket.socket:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind(address)
    one.settimeout(20)
    return one


def test_a_unit_says_that_it_is_ready_lives_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heard: list[str] = []

    def listen() -> None:
        while STOPPING not in heard:
            heard.append(systemd.recv(64).decode())

    with listener(str(tmp_path / "notify")) as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        thread = threading.Thread(target=listen)
        thread.start()
        unit = UnitProcess(tmp_path / "u1", 1, clock="")
        unit.scenario()
        unit.start()
        eventually(lambda: heard.count(ALIVE) > 2)
        code, _ = unit.stop()
        thread.join()
    assert code == 0 and (heard[0], heard[-1]) == (READY, STOPPING)
    assert set(heard[1:-1]) == {ALIVE}


def test_an_address_of_the_abstract_kind_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = f"wattwitness-{tmp_path.name}-{id(tmp_path)}"
    with listener("\0" + name) as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        Watchdog().tell(READY)
        assert systemd.recv(64) == b"READY=1"


def test_nobody_who_listens_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    Watchdog().tell(ALIVE)
    monkeypatch.delenv("NOTIFY_SOCKET")
    Watchdog().tell(ALIVE)
