"""The unit as a process: a real broker, a gateway that acknowledges, and accidents."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from firmware.rpi import keyfile
from protocol import topics
from tests.firmware.parts import SHOWN_MS, Gateway, Plug, UnitProcess
from tests.support.broker import Broker
from tests.support.ledgers import CLINIC
from tests.support.programs import eventually

MORNING = [
    ["2026-03-02T08:30:00", "2026-03-02T08:51:30", {"dimmer": 60}],
    ["2026-03-02T09:10:00", "2026-03-02T09:55:00"],
]
SECOND_MS = 1000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path / "broker", CLINIC, ["U1", "plug"])
    yield one
    one.kill()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    one = Gateway(broker.port)
    yield one
    one.stop()


@pytest.fixture
def unit(make: Callable[..., UnitProcess]) -> UnitProcess:
    one = make()
    one.scenario(on=MORNING)
    return one


@pytest.fixture
def make(tmp_path: Path, broker: Broker) -> Iterator[Callable[..., UnitProcess]]:
    made: list[UnitProcess] = []

    def one(**more: Any) -> UnitProcess:
        made.append(UnitProcess(tmp_path / "u1", broker.port, **more))
        return made[-1]

    yield one
    for each in made:
        each.kill()


def delivered(unit: UnitProcess, gateway: Gateway) -> bool:
    return gateway.stored.get("U1", {}) == unit.kept()


def test_a_morning_is_measured_signed_and_delivered_while_the_clock_runs_three_thousandfold(unit, gateway):
    unit.start()
    eventually(lambda: gateway.kinds().count("SESSION") == 2)
    assert gateway.status["U1"] == b"online"
    code, _ = unit.stop()
    assert code == 0
    eventually(lambda: delivered(unit, gateway))
    eventually(lambda: gateway.status["U1"] == b"offline")
    sessions = [each for each in gateway.records() if each.kind == "SESSION"]
    begins = [(each.readings[0].at_ms - SHOWN_MS) // 60_000 for each in sessions]
    assert begins == [30, 70]
    assert [each.active_s for each in sessions] == [1289, 2699]
    assert {each.flag for each in gateway.records()} == {"S"} and gateway.odd == []


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_no_record_is_lost_doubled_or_contradicted(unit, gateway, seed):
    chance = random.Random(seed)
    for _ in range(6):
        unit.start()
        time.sleep(chance.uniform(0.15, 0.8))
        unit.kill()
        time.sleep(chance.uniform(0, 0.2))
    unit.start()
    boots = gateway.kinds().count("BOOT")
    eventually(lambda: gateway.kinds().count("BOOT") > boots and gateway.acknowledges)
    code, _ = unit.stop()
    assert code == 0
    eventually(lambda: delivered(unit, gateway))
    assert gateway.odd == []
    records = gateway.records()
    assert [each.us for each in records] == list(range(1, len(records) + 1))
    spans = [(each.readings[0].at_ms, each.at_ms) for each in records if each.kind == "SESSION"]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    for earlier, later in pairwise([each for each in records if each.kind == "BOOT"]):
        assert later.alive_ms is not None and earlier.at_ms <= later.alive_ms <= later.at_ms


def test_a_session_in_which_the_mains_failed_is_told_as_far_as_it_is_proven(make, gateway):
    unit = make(speed=200)
    unit.scenario(on=[["2026-03-02T08:00:30", "2026-03-02T12:00:00"]])
    unit.start()
    eventually(lambda: "OPEN" in gateway.kinds())
    eventually(lambda: len(gateway.records()) > 2)
    unit.kill()
    last = gateway.records()[-1]
    unit.start()
    eventually(lambda: gateway.kinds().count("OPEN") == 2)
    unit.stop()
    cut, boot = gateway.records()[gateway.kinds().index("SESSION")], gateway.records()[-3]
    assert (boot.kind, cut.readings[1].tx) == ("BOOT", "P")
    assert last.at_ms - 60 * SECOND_MS <= cut.at_ms <= boot.alive_ms <= boot.at_ms


def test_a_broker_that_dies_and_returns_loses_nothing(unit, broker, gateway):
    unit.start()
    eventually(lambda: "OPEN" in gateway.kinds())
    broker.kill()
    seen = len(unit.kept())
    eventually(lambda: len(unit.kept()) > seen + 3)
    broker.start()
    eventually(lambda: gateway.kinds().count("SESSION") == 2)
    unit.stop()
    eventually(lambda: delivered(unit, gateway))
    assert not [each for each in gateway.odd if each.startswith("FORK")]  # it may have heard later ones first


def test_what_is_not_acknowledged_is_kept_and_sent_again(unit, gateway):
    gateway.acknowledges = False
    unit.start()
    eventually(lambda: gateway.repeated > 3 and len(gateway.records()) > 3)
    gateway.acknowledges = True
    eventually(lambda: gateway.kinds().count("SESSION") == 2)
    unit.kill()
    repeated = gateway.repeated
    unit.start()
    eventually(lambda: gateway.kinds().count("BOOT") == 2)
    unit.stop()
    assert gateway.repeated <= repeated + 3 and gateway.odd == []


def test_an_acknowledgement_of_a_strange_record_is_a_fault_told_once(unit, gateway):
    unit.start()
    eventually(lambda: len(gateway.records()) > 1)
    for _ in range(5):
        gateway.publish("ack", topics.ack(1, "ab" * 32))
    gateway.publish("ack", b"")
    gateway.publish("ack", b"nonsense")
    eventually(lambda: "ACK_MISMATCH" in gateway.kinds())
    eventually(lambda: gateway.kinds().count("SESSION") == 2)
    code, said = unit.stop()
    assert code == 0 and gateway.kinds().count("ACK_MISMATCH") == 1
    assert said.count("ACK_REFUSED") == 1


def test_a_ledger_that_was_restored_from_a_backup_gets_the_records_again(unit, gateway):
    unit.start()
    eventually(lambda: "SESSION" in gateway.kinds())
    gateway.acknowledges = False
    kept = dict(gateway.stored["U1"])
    gateway.stored.clear()
    gateway.heads.clear()
    gateway.publish("ack", topics.ack(0, "0" * 64))
    eventually(lambda: set(kept) <= set(gateway.stored.get("U1", {})))
    unit.stop()
    assert all(gateway.stored["U1"][us] == line for us, line in kept.items()) and gateway.odd == []


def test_a_unit_that_does_not_know_the_time_learns_it_from_the_gateway(make, gateway):
    clock = f"[clock]\nreal_ms = 0\nshown_ms = {SHOWN_MS}\nspeed = 1\nsynchronised_after_s = 999999999\n"
    unit = make(clock=clock)
    unit.scenario()
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    gateway.tell_time(SHOWN_MS, "7:0123456789abcdef")
    eventually(lambda: "CLOCK" in gateway.kinds())
    unit.stop()
    boot, step = gateway.records()[:2]
    assert (boot.flag, step.flag, step.checkpoint) == ("U", "S", "7:0123456789abcdef")
    assert SHOWN_MS - 30 * SECOND_MS <= boot.at_ms + step.step_ms <= SHOWN_MS


def test_a_journal_that_fills_up_says_so_and_tells_the_gap_when_there_is_room(make, gateway):
    unit = make(speed=100_000, top="journal_mb = 1\n")
    unit.scenario(every_s=60, on=[["2026-03-02T08:05:00", "2026-03-02T08:26:30"]])
    gateway.acknowledges = False
    unit.start()
    eventually(lambda: b"STORAGE" in b"".join(list(unit.kept().values())[-3:]))
    kept = len(unit.kept())
    gateway.acknowledges = True
    eventually(lambda: "GAP" in gateway.kinds())
    unit.stop()
    said = gateway.kinds()
    assert said[kept - 1] == "STORAGE" and said[kept] == "GAP" and gateway.odd == []
    gap = gateway.records()[kept].gap_ms
    assert gap is not None and gap[0] <= gateway.records()[kept - 1].at_ms <= gap[1]


def test_a_torn_journal_is_read_as_far_as_it_goes_and_that_is_said(unit, gateway):
    unit.start()
    eventually(lambda: "SESSION" in gateway.kinds())
    unit.kill()
    path = next((unit.folder / "journal").glob("journal-*.log"))
    with open(path, "ab") as file:
        file.write(b'0badc0de R 1772409600000,S,99,1,1,1,- OCMF|{"US":99')
    unit.start()
    eventually(lambda: gateway.kinds().count("BOOT") == 2)
    _, said = unit.stop()
    eventually(lambda: delivered(unit, gateway))
    assert "unreadable bytes passed over" in said and gateway.odd == []


def test_two_processes_do_not_share_a_journal(make, unit, gateway):
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    second = make()
    second.start()
    code, said = second.ended()
    assert (code, said.count("\n")) == (2, 1) and "another process uses this journal" in said
    unit.stop()


def test_a_journal_goes_with_its_unit_and_its_key(unit, gateway):
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    unit.stop()
    config = unit.config.read_text()
    unit.config.write_text(config.replace('"U1"', '"U2"'))
    unit.start()
    code, said = unit.ended()
    assert code == 2 and "is another unit's journal: choose an empty folder" in said
    unit.config.write_text(config)
    (unit.folder / "u1.pem").unlink()
    keyfile.write(unit.folder / "u1.pem", bytes(range(2, 34)))
    unit.start()
    code, said = unit.ended()
    assert code == 2 and "was written with another key" in said


def test_a_journal_that_lost_its_end_gives_no_number_twice(unit, gateway):
    unit.start()
    eventually(lambda: "SESSION" in gateway.kinds())
    unit.stop()
    path = unit.folder / "journal" / "journal-00000001.log"
    lines = [(line, line[9:11] == b"A ") for line in path.read_bytes().splitlines(keepends=True)]
    acked = max(int(line[11:]) for line, is_ack in lines if is_ack)
    path.write_bytes(
        b"".join(line for line, is_ack in lines if is_ack or int(line.split(b",", 3)[2]) < acked)
    )
    unit.start()
    code, said = unit.ended()
    assert code == 3 and f"record {acked} was acknowledged and the journal ends at {acked - 1}" in said


def test_wrong_settings_are_one_line_and_exit_2(unit):
    unit.config.write_text(unit.config.read_text().replace('load = "tdp"', 'load = "oven"'))
    unit.start()
    code, said = unit.ended()
    assert (code, said.count("\n")) == (2, 1) and "no load profile 'oven'" in said


def test_a_shop_plug_is_asked_read_and_named_as_what_it_is(make, broker, gateway):
    broker.allow("user U1\ntopic read stat/p1/#\ntopic write cmnd/p1/#\nuser plug\ntopic readwrite #\n")
    plug = Plug(broker.port, "p1")
    unit = make(clock="", port='[port]\nkind = "tasmota"\ntopic = "p1"\npoll_s = 1\n')
    unit.start()
    eventually(lambda: "BOOT" in gateway.kinds())
    plug.watts = 250
    eventually(lambda: "OPEN" in gateway.kinds())
    unit.stop()
    plug.stop()
    said = gateway.records()[-1]
    assert (said.maker, said.document["MM"], said.document["MS"]) == ("plug", "tasmota", "p1")
    assert set(plug.asked) == {b"8"}
