"""What a unit hears may be nonsense or a lie: it refuses, says so in its chain where that has words, and measures on."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from protocol import topics
from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import ZEROS, Gateway, kinds, told

HOUR = 3600


def run(rom: Path, port: int, until_s: int, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the last report, what was noted)."""
    *reports, end = bench.run(rom, "days", told(port, until_s, **more))
    return reports[-1], end


# --- a gateway that lies -------------------------------------------------------------------------------------


def test_an_acknowledgement_of_what_the_unit_never_said_is_a_fault_and_nothing_is_forgotten(rom, plain):
    plain.answer = lambda gateway: gateway.publish("ack", topics.ack(gateway.head[0], "ab" * 32), True)
    report, _ = run(rom, plain.port, 1800, report_s=600)
    assert report["readings"] == 1800
    assert "ACK_MISMATCH" in kinds(plain) and report["unsent"] == report["us"]
    assert kinds(plain).count("ACK_MISMATCH") <= 8, "it does not fill its flash with answers to lies"


def test_an_acknowledgement_beyond_the_last_record_is_a_fault(rom, plain):
    plain.answer = lambda gateway: gateway.publish("ack", topics.ack(gateway.head[0] + 1000, "cd" * 32))
    report, _ = run(rom, plain.port, 1800, report_s=600)
    assert "ACK_MISMATCH" in kinds(plain) and report["unsent"] == report["us"]


def test_a_gateway_that_goes_back_to_yesterdays_backup_gets_everything_again(rom, plain):
    def go_back_once(gateway: Gateway) -> None:
        if gateway.head[0] < 8 or gateway.repeated:
            gateway.acknowledge()
        else:
            gateway.publish("ack", topics.ack(3, gateway.records[2].digest), True)

    plain.answer = go_back_once
    report, _ = run(rom, plain.port, 2 * HOUR)
    assert plain.repeated >= 5, "from record 4 on they came again"
    assert report["unsent"] == 0 and plain.head[0] == report["us"] and "ACK_MISMATCH" not in kinds(plain)


def test_a_gateway_that_lost_everything_gets_everything_again(rom, plain):
    def forget_once(gateway: Gateway) -> None:
        if gateway.head[0] < 8 or gateway.repeated:
            gateway.acknowledge()
        else:
            gateway.publish("ack", topics.ack(0, ZEROS), True)

    plain.answer = forget_once
    report, _ = run(rom, plain.port, 2 * HOUR)
    assert plain.repeated >= 8 and report["unsent"] == 0 and plain.head[0] == report["us"]


def test_answers_that_are_no_answers_are_passed_over(rom, plain):
    nonsense = [
        b"",
        b"{}",
        b"null",
        b'{"us": -1, "up": "x"}',
        b"\xff\xfe",
        b"[" * 900,
        b'{"us": 1}',
        b"0" * 1000,
    ]

    def rave(gateway: Gateway) -> None:
        for each in nonsense:
            gateway.publish("ack", each)
            gateway.publish("time", each)
        gateway.acknowledge()

    plain.answer = rave
    report, end = run(rom, plain.port, HOUR)
    assert report["readings"] == HOUR and report["unsent"] == 0
    assert "ACK_REFUSED" in str(end["notes"]) and "TIME_REFUSED" in str(end["notes"])


def test_a_time_that_says_another_day_each_minute_moves_the_clock_once_at_most(rom, plain):
    times = iter(range(1_772_409_600_000, 1_772_409_600_000 + 86_400_000 * 1000, 86_400_000))

    def jump(gateway: Gateway) -> None:
        gateway.publish("time", topics.time(next(times), None))
        gateway.acknowledge()

    plain.answer = jump
    report, end = run(rom, plain.port, 2 * HOUR)
    assert kinds(plain).count("CLOCK") == 1, "the first, for a clock that was never set"
    assert report["flag"] == "S" and "TIME_DOUBTED" in str(end["notes"])


def test_a_retained_time_is_an_old_one_and_is_not_heard(rom, plain):
    plain.publish("time", topics.time(1_772_409_600_000, None), retained=True)
    report, _ = run(rom, plain.port, HOUR)
    assert "CLOCK" not in kinds(plain) and report["flag"] == "U"


def test_a_time_in_no_year_of_ours_is_refused(rom, plain):
    plain.answer = lambda gateway: (gateway.publish("time", b'{"ms": 5}'), gateway.acknowledge())
    report, end = run(rom, plain.port, HOUR)
    assert "CLOCK" not in kinds(plain) and report["flag"] == "U" and "TIME_REFUSED" in str(end["notes"])


# --- a broker that is none -----------------------------------------------------------------------------------

SPEECHES = {
    "noise": os.urandom(400),
    "a packet without end": b"\x20\x02\x00\x00" + b"\x30\xff\xff\xff\x7f" + bytes(4000),
    "a length that is none": b"\x20\x02\x00\x00" + b"\x30\xff\xff\xff\xff\xff\xff",
    "a refusal": b"\x20\x02\x00\x05",
    "a publish cut short": b"\x20\x02\x00\x00" + b"\x30\x05\x00\x50ab",
    "a question": b"\x20\x02\x00\x00" + b"\x10\x00",
    "silence": b"",
    "a greeting and no more": b"\x20\x02\x00\x00",
    "nothing": b"",
}
QUICK = {"mqtt": {"keepalive_s": 60}}
HANGS_UP = ("noise", "nothing")


class NoBroker:
    """Takes every connection, says the same to each, and hears nothing."""

    def __init__(self, speech: bytes, closes: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._speech, self._closes = speech, closes
        self.visits: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
                visitor.sendall(self._speech)
            except OSError:
                return
            self.visits.append(visitor)
            if self._closes:
                visitor.close()

    def close(self) -> None:
        self._listener.close()
        for each in self.visits:
            each.close()


@pytest.mark.parametrize("speech", SPEECHES)
def test_a_broker_that_says_nonsense_costs_no_reading_and_no_heap(rom: Path, speech: str):
    broker = NoBroker(SPEECHES[speech], closes=speech in HANGS_UP)
    try:
        *reports, _ = bench.run(
            rom, "days", told(broker.port, HOUR // 2, report_s=600, changes=QUICK, patience_ms=5)
        )
    finally:
        broker.close()
    assert reports[-1]["readings"] == HOUR // 2 and reports[-1]["unsent"] == reports[-1]["us"]
    assert len(broker.visits) > 3, "it tries again and again"
    assert reports[-1]["free"] >= reports[0]["free"] - 4096, "some visits are under way, some are over"


# --- a meter that says nonsense, hands in the box ------------------------------------------------------------


def test_a_meter_that_says_nonsense_is_silent_for_the_record_and_a_gap_tells_it(rom, plain):
    report, _ = run(rom, plain.port, HOUR, events=[[600, "spoil"], [1200, "mend"]])
    assert kinds(plain)[:5] == ["BOOT", "OPEN", "SESSION", "METER_SILENT", "GAP"]
    gap = plain.hears("GAP")[0]
    assert 595_000 <= gap.gap_ms[1] - gap.gap_ms[0] <= 605_000
    assert report["sign"] == "READY", "the fault is over, and shown no more"


def test_a_meter_without_mains_is_silent_and_never_zero_watts(rom, plain):
    run(rom, plain.port, HOUR, events=[[600, "no mains"], [1200, "mains"]])
    ended = plain.hears("SESSION")[0]
    assert ended.readings[1].tx == "A", "nobody knows how it went on"


def test_an_opened_case_is_told_once_and_shown_until_somebody_saw_it(rom, plain):
    events = [[100, "open case"], [110, "close case"], [3700, "press"]]
    *reports, _ = bench.run(rom, "days", told(plain.port, 2 * HOUR, events=events))
    assert kinds(plain).count("CASE_OPEN") == 1
    assert [each["sign"] for each in reports] == ["FAULT", "READY"]


def test_without_network_for_hours_nothing_is_lost_and_staff_see_it(rom, plain):
    events = [[1300, "no network"], [3 * HOUR + 60, "network"]]
    *reports, _ = bench.run(rom, "days", told(plain.port, 4 * HOUR, events=events))
    assert [each["sign"] for each in reports][1:] == ["UNSENT", "UNSENT", "READY"]
    assert reports[-1]["unsent"] == 0 and plain.head[0] == reports[-1]["us"]
    assert plain.statuses[:3] == [b"online", b"offline", b"online"]
