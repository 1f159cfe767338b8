"""Looking at the last seal of a run first, and at the others later, finds what looking at each at once finds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway import pipeline
from gateway.intake import verify
from gateway.intake.verify import Arrival, Enrolled, Refused, Verified
from protocol import p256, seal
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, in_memory

WRITER, OTHER, STRANGER = Writer("U1"), Writer("U2"), Writer("U1", key="stranger")
for writer, minutes in ((WRITER, 12), (OTHER, 5)):
    writer.boot()
    for _ in range(minutes):
        writer.alive(1)
UNITS = {writer.unit: Enrolled(CLINIC, writer.key_hex) for writer in (WRITER, OTHER)}
LINES, OTHERS = WRITER.lines, OTHER.lines
ENDS = {writer.unit: seal.digest(writer.payloads()[0]) for writer in (WRITER, OTHER)}


def resealed(line: bytes) -> bytes:
    """The same payload under a seal that is good for another."""
    payload, _ = seal.split(line)
    _, section = seal.split(LINES[0] if line != LINES[0] else LINES[1])
    return seal.join(payload, *seal.signature_of(section)).encode()


def high(line: bytes) -> bytes:
    """The other signature that a library would take."""
    r, s = seal.signature_of(seal.split(line)[1])
    return line.replace(seal.der(r, s).hex().encode(), seal.der(r, p256.N - s).hex().encode())


def seen(said: list[Verified | Refused]) -> list[Any]:
    return [(each.record.us, each.vouched) if isinstance(each, Verified) else each.code for each in said]


def test_of_a_run_one_seal_is_looked_at_and_the_others_are_owed():
    said = verify.verify_all([Arrival(line) for line in LINES[1:5]], UNITS, ENDS)
    assert seen(said) == [(2, True), (3, True), (4, True), (5, False)]


def test_a_run_ends_where_a_record_is_missing_or_comes_from_elsewhere():
    arrivals = [Arrival(LINES[1]), Arrival(LINES[2]), Arrival(LINES[4]), Arrival(LINES[5], CLINIC)]
    assert seen(verify.verify_all(arrivals, UNITS, ENDS)) == [(2, True), (3, False), (5, False), (6, False)]


def test_units_that_speak_in_turn_do_not_part_each_others_runs():
    turns = [line for pair in zip(LINES[1:5], OTHERS[1:5], strict=True) for line in pair]
    for carried in (lambda line: None, lambda line: "U1" if line in LINES else "U2"):
        said = verify.verify_all([Arrival(line, CLINIC, carried(line)) for line in turns], UNITS, ENDS)
        assert seen(said) == [(us, us < 5) for us in (2, 3, 4, 5) for _ in "12"]


def test_a_run_that_does_not_go_on_the_chain_proves_itself_record_by_record():
    arrivals = [Arrival(line) for line in LINES[2:4]]
    assert seen(verify.verify_all(arrivals, UNITS, ENDS)) == [(3, False), (4, False)]
    assert seen(verify.verify_all(arrivals, UNITS, {})) == [(3, False), (4, False)]
    later = [Arrival(LINES[9]), *(Arrival(line) for line in LINES[1:3])]
    assert seen(verify.verify_all(later, UNITS, ENDS)) == [(10, False), (2, False), (3, False)]


def test_a_run_whose_last_seal_is_bad_proves_nothing():
    lines = [LINES[1], resealed(LINES[2]), resealed(LINES[3])]
    said = verify.verify_all([Arrival(line) for line in lines], UNITS, ENDS)
    assert seen(said) == [(2, False), "bad_seal", "bad_seal"]


def test_nobody_else_can_vouch():
    said = verify.verify_all([Arrival(LINES[1], "C002"), Arrival(LINES[2], "C002")], UNITS, ENDS)
    assert seen(said) == ["wrong_clinic", "wrong_clinic"]
    assert seen(verify.verify_all([Arrival(line) for line in LINES[1:3]], {}, ENDS)) == ["unknown_unit"] * 2


@pytest.fixture
def taken() -> Database:
    """A ledger that took a run by its head, of which two seals are bad."""
    db = in_memory(WRITER)
    lines = [*LINES[:3], resealed(LINES[3]), LINES[4], resealed(LINES[5]), *LINES[6:]]
    outcome = pipeline.take_in(db, [Arrival(line) for line in lines], "test", START_MS, by_heads=True)
    assert (outcome.stored, outcome.findings) == (len(LINES), [])
    return db


def test_a_bad_seal_is_found_afterwards_and_what_followed_it_waits(taken):
    assert (
        pipeline.look_at_seals(taken, START_MS) == len(LINES) - 2
    )  # the first is no ALIVE, the last was looked at
    assert pipeline.look_at_seals(taken, START_MS) == 0
    assert taken.execute("SELECT us FROM heads").fetchone() == (3,)
    codes = taken.execute("SELECT code, us FROM findings ORDER BY code, us").fetchall()
    assert codes == [("bad_seal", 4), ("bad_seal", 6), ("gap", 4), ("gap", 6)]


def test_the_same_records_with_good_seals_mend_the_chain(taken):
    pipeline.look_at_seals(taken, START_MS)
    pipeline.take_in(taken, [Arrival(LINES[3]), Arrival(LINES[5])], "test", START_MS)
    assert taken.execute("SELECT us FROM heads").fetchone() == (len(LINES),)
    assert taken.execute("SELECT count(*) FROM findings WHERE code = 'gap'").fetchone() == (0,)


def test_a_kill_between_storing_and_looking_loses_no_debt(taken):
    assert taken.execute("SELECT count(*) FROM records WHERE vouched = 1").fetchone() == (len(LINES) - 2,)
    assert pipeline.look_at_seals(taken, START_MS, most=4) == 4
    assert pipeline.look_at_seals(taken, START_MS, most=400) == len(LINES) - 6


FAULTS = {
    "none": lambda line: line,
    "resealed": resealed,
    "unsigned": lambda line: line[: line.index(b'"SD"')] + b'"SD":"3006020101020101"}',
    "high": lambda line: high(line),
    "broken": lambda line: line.replace(b'"FV"', b'"FX"'),
    "spaced": lambda line: line.replace(b'"UV":1', b'"UV":1 '),
    "nonsense": lambda line: b"?" + line,
}


def state(db: Database) -> list[Any]:
    """All that intake leaves behind, but for the order in which it came."""
    return [
        sorted(tuple(row) for row in db.execute(sql).fetchall())
        for sql in (
            "SELECT unit, us, digest, chained, line FROM records",
            "SELECT unit, us, digest, first_us, first_up, forked_us FROM heads",
            "SELECT sha256, reason, why, clinic, unit, us FROM quarantine",
            "SELECT finding, code FROM findings",
        )
    ]


@settings(max_examples=150)
@given(st.data())
def test_whatever_comes_in_whatever_batches_the_end_is_the_same(data: st.DataObject):
    """Seals replaced, bytes broken, lines left out, doubled and swapped, two units at once, by themselves or brought by others:
    by heads and by each seal alike."""
    both = len(LINES) + len(OTHERS)
    faults = data.draw(st.lists(st.sampled_from(sorted(FAULTS)), min_size=both, max_size=both))
    others = data.draw(st.sets(st.integers(0, both - 1), min_size=len(OTHERS), max_size=len(OTHERS)))
    told = {True: iter(OTHERS), False: iter(LINES)}
    lines = [FAULTS[fault](next(told[place in others])) for place, fault in enumerate(faults)]
    if data.draw(st.booleans()):
        order = data.draw(st.permutations(range(len(lines))))
        lines = [lines[place] for place in order[: data.draw(st.integers(1, len(lines)))]]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)))))
    batches = [lines[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    each, heads = in_memory(WRITER, OTHER), in_memory(WRITER, OTHER)
    for batch in batches:
        carriers = data.draw(st.sampled_from([(None,), (None, None, WRITER.unit), (WRITER.unit, OTHER.unit)]))
        arrivals = [
            Arrival(line, CLINIC, carriers[place % len(carriers)]) for place, line in enumerate(batch)
        ]
        pipeline.take_in(each, arrivals, "test", START_MS)
        pipeline.take_in(heads, arrivals, "test", START_MS, by_heads=True)
        if data.draw(st.booleans()):
            pipeline.look_at_seals(heads, START_MS)
    while pipeline.look_at_seals(heads, START_MS, most=3):
        pass
    assert state(heads) == state(each)
