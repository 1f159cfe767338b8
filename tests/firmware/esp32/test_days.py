"""Days of a unit: the program that ships, in place and in 96 KiB, on a scripted board with a real broker."""

from __future__ import annotations

import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import pytest

from protocol import p256
from protocol.seal import check
from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import UNIT, Authority, Gateway, broker, kinds, now_ms, told
from tests.firmware.esp32.udp import Server, time_answer

SECRET = bytes([7] * 32)
HOUR = 3600


def test_three_hours_at_one_reading_a_second_miss_none_and_cost_no_heap(rom: Path, plain: Gateway):
    *reports, end = bench.run(rom, "days", told(plain.port, 3 * HOUR))
    for report in reports:
        assert report["readings"] == report["at_s"] == report["asked"], "a reading was missed while it signed"
        assert report["watchdog_ms"] <= 1000
    assert abs(reports[-1]["free"] - reports[0]["free"]) <= 2048
    assert reports[-1]["signatures"] == reports[-1]["us"] == plain.head[0] > 20
    assert end["notes"][:1] == ["link: linked"]
    assert kinds(plain)[:4] == ["BOOT", "OPEN", "SESSION", "OPEN"]


def test_every_record_is_sealed_by_the_key_that_never_left_the_unit(rom: Path, plain: Gateway):
    bench.run(rom, "days", told(plain.port, HOUR))
    public = p256.public_key(SECRET)
    assert len(plain.lines) > 6
    for line in plain.lines:
        check(line, lambda message, r, s: p256.verify(public, message, r, s))


@pytest.mark.parametrize("with_certificate", (False, True), ids=("password", "certificate"))
def test_with_tls_the_unit_believes_only_the_clinics_authority(
    rom: Path, tmp_path: Path, with_certificate: bool
):
    authority, stranger = Authority(tmp_path / "clinic"), Authority(tmp_path / "stranger")
    authority.issue("gateway")
    authority.issue(UNIT)
    files = {"ca.der": "ca.der"} | ({"u.der": "U1.der", "u.key": "U1.key.der"} if with_certificate else {})
    names = {"cert": "/u.der", "key": "/u.key"} if with_certificate else {}
    paths = {name: str(authority.folder / path) for name, path in files.items()}
    changes = {"mqtt": {"ca": "/ca.der", "name": "gateway", **names}}
    made = broker(tmp_path / "broker", authority.settings(with_certificate))
    try:
        more: dict[str, Any] = {"changes": changes, "calendar_ms": now_ms(), "report_s": 600}
        reports = bench.run(rom, "days", told(made.port, 600, files=paths, **more))
        assert reports[-1]["notes"][0] == "link: linked"
        paths["ca.der"] = str(stranger.folder / "ca.der")
        reports = bench.run(rom, "days", told(made.port, 600, files=paths, **more))
        assert "linked" not in str(reports[-1]["notes"]) and "CERT" in str(reports[-1]["notes"]).upper()
        assert reports[0]["readings"] == 600, "it measures all the same"
    finally:
        made.stop()


def test_a_token_becomes_a_keyed_hash_and_a_persons_number_becomes_nothing(rom: Path, plain: Gateway):
    key, token, person = bytes(range(32)), "K7PM2QXW9ABCDEFG", "31010119900307123X"
    events = [[120, token], [130, person], [140, "4711"]]
    changes = {"reader": "gm65", "tag_key": key.hex()}
    *_, end = bench.run(rom, "days", told(plain.port, HOUR, changes=changes, events=events), heap="112k")
    (read,) = plain.hears("TAG")
    assert read.tags == [hmac.digest(key, token.encode(), hashlib.sha256).hex()]
    assert plain.hears("SESSION")[0].tags == read.tags
    everything = b"".join(plain.lines).decode() + str(end)
    assert person not in everything and token not in everything and "TAG_REFUSED" in everything


def test_a_time_server_makes_the_clock_right_and_the_gateway_then_moves_it_no_more(rom: Path, plain: Gateway):
    server = Server(lambda question: time_answer(question, int(time.time()) + 2_208_988_800))

    def lie(gateway: Gateway) -> None:
        gateway.publish("time", b'{"ms": 1500000000000, "uc": "7:0123456789abcdef"}')
        gateway.acknowledge()

    plain.answer = lie
    more = {
        "real": True,
        "ntp_port": server.port,
        "changes": {"ntp": "127.0.0.1", "meter": {"every_ms": 200}},
    }
    process = bench.start(rom, "days", told(plain.port, 60, report_s=60, **more), heap="128k")
    try:
        moved = plain.hears("CLOCK")[0]
        began = plain.hears("OPEN")[0]
        assert moved.flag == began.flag == "S" and abs(began.at_ms - now_ms()) < 60_000
        assert began.checkpoint == "7:0123456789abcdef" or moved.checkpoint is None
        assert len(plain.hears("CLOCK")) == 1
    finally:
        process.kill()
        process.communicate()
        server.close()
