"""What a spot check goes round with: every device once, by room, and what the ledger says of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.live import Live, State
from gateway.audit.spot_check import spot_check
from gateway.ledger.live import Place
from gateway.ledger.units import Device

NOW_MS = 1_000_000


def device(name, room="R1", load="tdp", blind=False, from_ms=0, until_ms=None):
    return Device(name, "C001", load, room, "", 1, blind, from_ms, until_ms)


def on(name, state: State = "running", unit="U1", minutes=12):
    return Live(Place(unit, name, "tdp", "R1", "", 1, NOW_MS), state, NOW_MS - 720_000, minutes, None, 0)


def test_a_device_with_a_unit_says_what_the_unit_says():
    (spot,) = spot_check([device("L1")], [on("L1")], NOW_MS).spots
    assert (spot.unit, spot.state, spot.minutes, spot.can_run_unseen) == ("U1", "running", 12, False)


def test_a_device_without_a_unit_is_said_to_be_blind_and_never_off():
    (spot,) = spot_check([device("STIM-1", blind=True)], [], NOW_MS).spots
    assert (spot.unit, spot.state, spot.since_ms, spot.can_run_unseen) == (None, "blind", None, True)


def test_a_unit_on_a_device_that_can_run_without_it_is_marked():
    (spot,) = spot_check([device("STIM-1", blind=True)], [on("STIM-1", "idle", minutes=None)], NOW_MS).spots
    assert (spot.unit, spot.state, spot.can_run_unseen) == ("U1", "idle", True)


def test_what_had_left_the_inventory_or_was_not_there_yet_is_not_gone_round():
    there = [device("L1"), device("L2", until_ms=NOW_MS), device("L3", from_ms=NOW_MS + 1)]
    assert [spot.device for spot in spot_check(there, [], NOW_MS).spots] == ["L1"]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["tdp", "stim"]))))
def test_every_device_stands_once_in_its_room_and_is_counted_in_its_class(told):
    devices = [device(f"D{number}", room, load) for number, (room, load) in enumerate(told)]
    check = spot_check(reversed(devices), [], NOW_MS)
    assert sorted(spot.device for spot in check.spots) == sorted(each.device for each in devices)
    assert [room.room for room in check.rooms] == sorted({room for room, _ in told})
    assert sum(check.counted.values()) == len(devices)
