"""Looks and refusals in the trail: each is told, and nobody makes the trail grow as they like."""

from __future__ import annotations

import pytest

from gateway.access.places import MANAGER
from gateway.access.traces import (
    AGAIN_MS,
    MOST_BY_STRANGERS,
    MOST_LOOKS,
    MOST_REFUSED,
    WITHIN_MS,
    Traces,
)
from gateway.ledger.people import Person

NOW_MS = 1_772_420_400_000  # a full quarter of an hour
D01, D02 = (Person(name, MANAGER, False, 0, None) for name in ("D01", "D02"))


@pytest.fixture
def traces() -> Traces:
    return Traces()


def test_a_look_says_who_looked_at_what_as_whom(traces):
    trace = traces.look(D01, "/month?of=2026-03", NOW_MS)
    assert (trace.who, trace.act, trace.subject, trace.body) == (
        "D01",
        "look",
        "/month?of=2026-03",
        {"role": "manager"},
    )


def test_looking_again_at_once_is_the_same_look_and_later_another(traces):
    assert traces.look(D01, "/month", NOW_MS) and not traces.look(D01, "/month", NOW_MS + 1)
    assert traces.look(D01, "/day/2026-03-02", NOW_MS + 1) and traces.look(D02, "/month", NOW_MS + 1)
    assert traces.look(D01, "/month", NOW_MS + AGAIN_MS)


def test_whoever_looks_at_very_much_is_told_of_once_more_and_then_from_the_next_quarter_on(traces):
    told = [traces.look(D01, f"/month?x={number}", NOW_MS) for number in range(MOST_LOOKS + 100)]
    noted = [each for each in told if each]
    assert len(noted) == MOST_LOOKS
    assert [each.body.get("more") for each in noted[-2:]] == [None, True]
    assert traces.look(D02, "/month", NOW_MS) and traces.look(D01, "/month", NOW_MS + WITHIN_MS)


def test_a_refusal_says_whom_where_and_why(traces):
    trace = traces.refused(D01, "GET", "/people", "role", "10.0.0.1", NOW_MS)
    assert (trace.who, trace.act, trace.subject) == ("D01", "refused", "/people")
    assert trace.body == {"method": "GET", "why": "role", "address": "10.0.0.1", "role": "manager"}
    stranger = traces.refused(None, "POST", "/x" * 500, "origin", "10.0.0.1", NOW_MS)
    assert stranger.who == "?" and len(stranger.subject) == 200


def test_refusals_of_one_person_or_address_are_told_up_to_a_number(traces):
    for who, address in ((D01, "10.0.0.1"), (None, "10.0.0.1")):
        told = [
            traces.refused(who, "GET", "/people", "role", address, NOW_MS) for _ in range(MOST_REFUSED + 9)
        ]
        noted = [each for each in told if each]
        assert len(noted) == MOST_REFUSED and noted[-1].body["more"] is True
    assert traces.refused(D02, "GET", "/people", "role", "10.0.0.1", NOW_MS)
    assert traces.refused(D01, "GET", "/people", "role", "10.0.0.1", NOW_MS + WITHIN_MS)


def test_strangers_of_a_thousand_addresses_are_told_of_up_to_a_number_too(traces):
    told = [
        traces.refused(None, "GET", "/", "token", f"10.0.{n // 250}.{n % 250}", NOW_MS) for n in range(1000)
    ]
    noted = [each for each in told if each]
    assert len(noted) == MOST_BY_STRANGERS and noted[-1].body["more"] is True
    assert traces.refused(D01, "GET", "/people", "role", "10.0.0.1", NOW_MS)
