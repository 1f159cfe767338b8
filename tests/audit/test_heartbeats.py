"""Quiet heartbeats told together attest exactly what they attest one by one, whatever a unit writes, honest or not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import heartbeats
from gateway.audit.boots import Heartbeat, Said
from gateway.audit.coverage import TELLING, Attested, attest
from gateway.ledger.periods import Told
from protocol.record import Record
from tests.audit.scribe import Scribe
from tests.audit.test_coverage import HISTORIES, played, tells

pytestmark = pytest.mark.pure


def filed(record: Record) -> Told:
    """What the ledger gives of a record: of the plain kinds its columns, of the others its line."""
    more: str | None = f"OCMF|{record.payload}|{{}}"
    if record.kind in heartbeats.PLAIN:
        more = None if (record.kind, record.flag) == ("ALIVE", "S") else f"{record.kind} {record.flag}"
    return record.us, record.boot, record.um_ms, record.at_ms, more


def together(chain: Sequence[Record], forked_us: int | None = None) -> list[Said]:
    return heartbeats.told_together(map(filed, chain), forked_us)


def same(chain: Sequence[Record], forked_us: int | None = None, beside: Sequence[Record] = ()) -> Attested:
    one_by_one = attest(chain, forked_us, beside)
    assert attest(together(chain, forked_us), forked_us, beside) == one_by_one
    return one_by_one


PAUSES = st.sampled_from([0, 0.001, 60, 600, 660, 660.001, 4000])
QUIET = st.tuples(st.just("quiet"), st.integers(2, 5), st.sampled_from([1, 60, 600]))
STEPS = st.one_of(
    QUIET,
    QUIET,
    QUIET,
    st.tuples(st.just("alive"), PAUSES),
    st.tuples(st.just("wait"), PAUSES),
    st.tuples(st.just("open")),
    st.tuples(st.just("session"), st.sampled_from([60, 1200]), st.sampled_from("LPA")),
    st.tuples(st.just("silent")),
    st.tuples(st.just("gap"), st.sampled_from([1, 300, 5000])),
    st.tuples(st.just("boot"), st.sampled_from([None, 0.0, 600.0])),
    st.tuples(st.just("clock"), st.sampled_from([-200, -3, 0, 3, 200]), st.sampled_from("SIU")),
    st.tuples(st.just("moved"), st.sampled_from([-200.0, -1.0, 0.001, 2.0, 200.0])),
    st.tuples(st.just("flag"), st.sampled_from("SIUR")),
    st.tuples(st.just("tag")),
)


@st.composite
def chains(draw: st.DrawFn) -> list[Record]:
    """Any chain at all: clocks moved without a word, boots without proof, numbers missing."""
    told = Scribe(draw(st.sampled_from("SSSIU")))
    told.off_s = 100_000  # so that no clock ends up before 1970
    told.boot()
    for what, *how in draw(st.lists(STEPS, max_size=15)):
        if what == "quiet":
            for _ in range(how[0]):
                told.alive(how[1])
        elif what == "moved":
            told.off_s += how[0]
        elif what == "flag":
            told.flag = how[0]
        elif what == "tag":
            told.say("TAG", UT=["ab" * 32])
        elif what == "boot":
            told.boot(None if how[0] is None else told.now_s - how[0])
        else:
            getattr(told, what)(*how)
    return told.without(*draw(st.sets(st.integers(1, len(told.records)), max_size=3)))


@given(chains(), st.none() | st.integers(1, 30))
@settings(max_examples=500)
def test_told_together_heartbeats_attest_what_they_attest_one_by_one(
    chain: list[Record], forked_us: int | None
):
    same(chain, forked_us)


@given(chains(), st.data())
@settings(max_examples=300)
def test_so_they_do_in_a_part_of_a_chain_beside_what_tells_around_it(
    chain: list[Record], data: st.DataObject
):
    first = data.draw(st.integers(0, len(chain)))
    last = data.draw(st.integers(first, len(chain)))
    before = [each for each in chain[:first] if tells(each) or each.kind == "BOOT"][-1:]
    after = [each for each in chain[last:] if each.kind in TELLING][:1]
    same(chain[first:last], None, [*before, *after])


@given(HISTORIES)
@settings(max_examples=100)
def test_so_they_do_in_all_that_the_real_agent_writes(history):
    same(played(history)[1])


def test_of_quiet_hours_only_the_first_heartbeat_and_the_last_are_left():
    told = Scribe().boot().alive(60)
    for _ in range(20):
        told.alive()
    told.open().wait(60).session(60)
    left = together(told.records)
    assert [each.us for each in left] == [1, 2, 22, 23, 24]
    assert isinstance(left[2], Heartbeat) and left[2].first_us == 3
    assert same(told.records).watched == [(left[0].at_ms, left[-1].at_ms)]


def test_no_heartbeat_is_quiet_whose_boot_is_another_though_no_record_said_so():
    told = Scribe().boot().alive().alive().alive()
    rows = [filed(each) for each in told.records]
    rows[3] = (rows[3][0], "f" * 16, *rows[3][2:])
    assert [each.us for each in heartbeats.told_together(rows)] == [1, 2, 3, 4]


def test_nor_one_after_a_number_that_is_missing():
    told = Scribe().boot().alive().alive(60).alive(60).alive(60).alive(60)
    left = together(told.without(5))
    assert [each.us for each in left] == [1, 2, 4, 6]
    assert [each.first_us for each in left if isinstance(each, Heartbeat)] == [2, 3, 6]


def test_nor_one_whose_clock_was_no_longer_sure():
    told = Scribe().boot().alive().alive()
    told.flag = "I"
    told.alive().alive().clock(200)
    assert [each.us for each in together(told.records)] == [1, 2, 3, 4, 5, 6]
    same(told.records)


@pytest.mark.parametrize("tell", ["silent", "boot", "open", "session"])
def test_nor_is_one_told_with_those_before_what_says_more(tell: str):
    told = Scribe().boot().alive(60).alive(60).alive(60)
    told.session(60) if tell == "session" else getattr(told, tell)()
    told.alive(60).alive(60)
    left = [each.us for each in together(told.records)]
    assert left == [1, 2, 4, 5, *((7,) if tell == "open" else (6, 7))]
    same(told.records)


@pytest.mark.parametrize("pause_s", [660.001, 5000])
def test_a_heartbeat_that_comes_late_is_not_quiet(pause_s: float):
    told = Scribe().boot().alive().alive().alive(pause_s).alive()
    assert [each.us for each in together(told.records)] == [1, 2, 3, 4, 5]


def test_what_was_kept_without_a_flag_is_read_from_its_line():
    told = Scribe().boot().alive().alive().alive()
    kept = [(*filed(each)[:4], f"OCMF|{each.payload}|{{}}") for each in told.records]
    assert [each.us for each in heartbeats.told_together(kept)] == [1, 2, 3, 4]
