"""`replay --mqtt`: recorded days to a gateway, through a real broker."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from firmware.rpi import keyfile
from firmware.rpi.__main__ import commands
from firmware.rpi.errors import SurroundingsError
from gateway.demo.ports import free_port
from tests.firmware.parts import SECRET, Gateway
from tests.support.broker import PASSWORD, Broker
from tests.support.ledgers import CLINIC
from tests.support.tools import tool


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


def replay(folder: Path, port: int, *options: str, watts: int = 250, scheme: str = "mqtt") -> Result:
    trace, key = folder / f"trace{watts}.csv", folder / "u1.pem"
    if not key.exists():
        keyfile.write(key, SECRET)
    rows = [
        f"2026-03-02T{8 + minute // 60:02d}:{minute % 60:02d}:00,{watts if minute % 60 < 25 else 2}\n"
        for minute in range(600)
    ]
    trace.write_text("time,power_w\n" + "".join(rows))
    url = f"{scheme}://U1:{PASSWORD}@127.0.0.1:{port}"
    command = ["replay", str(trace), "--unit", "U1", "--key", str(key), "--mqtt", url, "--clinic", CLINIC]
    return CliRunner().invoke(commands, [*command, *options])


def test_a_recorded_day_is_delivered_and_the_command_ends_when_all_is_acknowledged(tmp_path, broker, gateway):
    ran = replay(tmp_path, broker.port, "--out", str(tmp_path / "u1.ocmf"))
    assert ran.exit_code == 0, ran.output
    lines = (tmp_path / "u1.ocmf").read_bytes().splitlines()
    assert list(gateway.stored["U1"].values()) == lines
    assert gateway.kinds().count("SESSION") == 10 and gateway.odd == []


def test_repeating_it_changes_nothing_because_the_bytes_are_the_same(tmp_path, broker, gateway):
    replay(tmp_path, broker.port)
    stored = dict(gateway.stored["U1"])
    ran = replay(tmp_path, broker.port)
    assert ran.exit_code == 0 and gateway.stored["U1"] == stored and gateway.odd == []


def test_another_recording_under_the_same_name_is_refused_before_it_forks(tmp_path, broker, gateway):
    replay(tmp_path, broker.port)
    stored = dict(gateway.stored["U1"])
    ran = replay(tmp_path, broker.port, watts=200)
    assert ran.exit_code == 1 and "the gateway holds another record" in ran.stderr
    assert gateway.stored["U1"] == stored and gateway.odd == []


def test_with_a_speed_records_leave_when_they_would_have_been_said(tmp_path, broker, gateway):
    begin = time.monotonic()
    ran = replay(tmp_path, broker.port, "--speed", "20000")
    assert ran.exit_code == 0, ran.output
    assert time.monotonic() - begin >= 600 * 60 / 20000
    assert gateway.kinds().count("SESSION") == 10


def test_without_a_broker_or_an_acknowledgement_it_gives_up_and_says_what_is_safe(tmp_path, broker, gateway):
    ran = replay(tmp_path, free_port(), "--wait-s", "1")
    assert isinstance(ran.exception, SurroundingsError) and "no broker answered for 1 s" in str(ran.exception)
    gateway.acknowledges = False
    ran = replay(tmp_path, broker.port, "--wait-s", "1")
    assert isinstance(ran.exception, SurroundingsError)
    assert "no acknowledgement came for 1 s, 0/" in str(ran.exception)


def certify(folder: Path) -> None:
    """An authority `ca.pem` and a server's certificate `cert.pem` for 127.0.0.1, with `key.pem`."""
    openssl = str(tool("openssl"))
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    authority = ["-x509", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"]
    server = ["-x509", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1", "-CA", "ca.pem"]
    files = ["-CAkey", "ca.key", "-keyout", "key.pem", "-out", "cert.pem"]
    for more in (authority, server + files):
        subprocess.run([openssl, "req", *new, *more], cwd=folder, check=True, capture_output=True)
    (folder / "key.pem").chmod(0o644)


def test_over_tls_only_a_broker_that_the_authority_vouches_for_is_spoken_to(tmp_path, broker):
    certify(tmp_path)
    (tmp_path / "other").mkdir()
    certify(tmp_path / "other")
    broker.kill()
    broker.start(f"certfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem\n")
    said = []
    for authority in (tmp_path, tmp_path / "other"):
        ran = replay(
            tmp_path, broker.port, "--ca", str(authority / "ca.pem"), "--wait-s", "1", scheme="mqtts"
        )
        said.append(str(ran.exception))
    assert "no acknowledgement came" in said[0] and "no broker answered" in said[1]
