"""What `check` says that units watched is what the reconciliation says, though both were written apart: for honest units with
every kind of trouble, and for chains that no honest unit writes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.coverage import attest
from gateway.check.watched import joined, watched, within, without
from protocol.record import Record
from tests.audit.scribe import Scribe
from tests.audit.test_coverage import HISTORIES, played

INSTANTS = st.integers(0, 60)
SPANS = st.lists(st.tuples(INSTANTS, INSTANTS), max_size=8)


def alike(chain: list[Record], forked_us: int | None = None) -> None:
    assert watched({each.us: each for each in chain}, forked_us) == attest(chain, forked_us).watched


@given(HISTORIES)
@settings(max_examples=200, deadline=None)
def test_of_honest_units_both_say_the_same(history):
    alike(played(history)[1])


@given(HISTORIES, st.data())
@settings(max_examples=200, deadline=None)
def test_and_when_records_are_missing_or_a_fork_is_known(history, data):
    chain = played(history)[1]
    first = data.draw(st.integers(0, len(chain)))
    last = data.draw(st.integers(first, min(len(chain), first + 4)))
    forked_us = data.draw(st.none() | st.integers(1, len(chain) + 2))
    alike([*chain[:first], *chain[last:]], forked_us)


STEPS = st.one_of(
    st.tuples(st.just("alive"), st.sampled_from([1, 60, 600, 661, 4000])),
    st.tuples(st.just("wait"), st.sampled_from([1, 700])),
    st.tuples(st.just("open")),
    st.tuples(st.just("silent")),
    st.tuples(st.just("gap"), st.sampled_from([30, 601, 3000])),
    st.tuples(st.just("clock"), st.sampled_from([-200, -3, 1, 90, 121, 3600]), st.sampled_from("SIU")),
    st.tuples(
        st.just("session"), st.sampled_from([30, 1200]), st.sampled_from("LPA"), st.sampled_from([0, 5, 700])
    ),
    st.tuples(st.just("senseless")),
    st.tuples(st.just("astray"), st.sampled_from([-5, 1, 3, 200])),
    st.tuples(st.just("boot"), st.none() | st.sampled_from([0, 30, 660, 700]), st.sampled_from("SIU")),
)


def dictated(steps: list[tuple], flag: str) -> list[Record]:
    scribe = Scribe(flag)
    scribe.boot()
    for what, *how in steps:
        if what == "session":
            seconds, end, ago_s = how
            scribe.session(seconds, end, ago_s=ago_s)
        elif what == "senseless":
            scribe.wait(300).session(200, active_s=500)
        elif what == "astray":
            scribe.off_s += how[0]
        elif what == "boot":
            ago_s, scribe.flag = how
            scribe.wait(5).boot(None if ago_s is None else scribe.now_s - ago_s, scribe.flag)
        else:
            getattr(scribe, what)(*how)
    return scribe.records


@given(st.sampled_from("SIU"), st.lists(STEPS, max_size=14), st.data())
@settings(max_examples=600, deadline=None)
def test_of_chains_that_no_honest_unit_writes_both_say_the_same(flag, steps, data):
    chain = dictated(steps, flag)
    alike(chain)
    gone = data.draw(st.sets(st.integers(1, len(chain)), max_size=3))
    alike([each for each in chain if each.us not in gone])


@given(SPANS, SPANS)
@settings(deadline=None)
def test_spans_are_taken_away_as_sets_of_instants(spans, away):
    left = without(spans, away)
    assert instants(left) == instants(spans) - instants(away)
    assert all(start < end for start, end in left) and all(one[1] < other[0] for one, other in pairwise(left))


@given(SPANS, INSTANTS, INSTANTS)
@settings(deadline=None)
def test_what_lies_within_two_instants_is_cut_at_both(spans, start, end):
    assert instants(within(joined(spans), start, end)) == instants(spans) & set(range(start, end))


def instants(spans: list[tuple[int, int]]) -> set[int]:
    return {instant for start, end in spans for instant in range(start, end)}
