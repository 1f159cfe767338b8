"""Reading by pattern says of every text what the protocol says of it, and is what reads nearly all records."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import canonical
from protocol import p256, record, seal
from protocol.errors import RecordError
from protocol.record import Identity, Reading
from tests.support.chain import Writer

_HEX = "0123456789abcdef"
_PLACE = {"UB": "a" * 16, "US": 2, "UP": "b" * 64, "UM": 0}


def said(parse: Any, payload: str) -> tuple[Any, ...]:
    """Everything that a reader says of a payload, or why it refuses it."""
    try:
        read = parse(payload)
    except RecordError as error:
        return ("refused", error.code, error.why)
    readings = [(each.at_ms, each.flag, each.register_mwh, each.tx) for each in read.readings]
    names = (
        "payload digest document unit maker pagination kind boot us up um_ms checkpoint active_s power_mw interruptions "
        "tags alive_ms alive_flag gap_ms gap_flag cause step_ms at_ms flag register_mwh"
    )
    return (readings, *(getattr(read, name) for name in names.split()))


def is_taken(payload: str) -> bool:
    """Whether a pattern takes it, and not the protocol's reader."""
    return type(canonical.parse(payload)) is not record.Record


_WRITER = Writer()
_WRITER.day()
_WRITER.gap()


_OTHER = Writer("U2")
_OTHER.day()
_LINES = [*_WRITER.lines, *_OTHER.lines]


def a_day() -> list[str]:
    return _WRITER.payloads()


def test_alive_open_and_session_are_read_by_pattern_and_the_rest_is_not():
    for payload in a_day():
        kind = record.parse(payload).kind
        assert is_taken(payload) == (kind in ("ALIVE", "OPEN", "SESSION")), payload
        assert said(canonical.parse, payload) == said(record.parse, payload)


@pytest.mark.parametrize("tags", [[], ["c" * 64], ["c" * 64, "d" * 64]])
def test_a_session_with_tags_is_read_by_pattern(tags: list[str]):
    session = next(each for each in a_day() if '"SESSION"' in each)
    told = session.removesuffix("}") + ',"UT":[' + ",".join(f'"{each}"' for each in tags) + "]}"
    assert is_taken(told) and canonical.parse(told).tags == tags
    is_session_told(told)
    assert said(canonical.parse, told) == said(record.parse, told)


def test_a_line_that_was_verified_is_read_as_the_protocol_reads_it_whatever_its_kind():
    for line in _WRITER.lines:
        payload = line.decode().split("|")[1]
        assert said(lambda text: canonical.stored(f"OCMF|{text}|"), payload) == said(record.parse, payload)


texts = st.text(
    st.characters(min_codepoint=1, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1, max_size=70
)
wholes = st.integers(0, 2**53 - 1) | st.integers(0, 200)


@st.composite
def payloads(draw: st.DrawFn) -> str:
    """Anything that a unit can render of these kinds, strange names and extreme figures included."""
    identity = Identity(*(draw(st.just("U1") | texts) for _ in range(6)))
    kind = draw(st.sampled_from([record.ALIVE, record.OPEN, record.SESSION]))
    flag = st.sampled_from("SIUR")
    instants = st.integers(0, 4_102_444_800_000)
    reading = [
        Reading(draw(instants), draw(flag), draw(wholes)) for _ in range(2 if kind == record.SESSION else 1)
    ]
    fields = dict(
        _PLACE,
        US=draw(st.integers(1, 2**53 - 1)),
        UM=draw(wholes),
        UP=draw(st.sampled_from(["b" * 64, "0" * 64])),
    )
    if draw(st.booleans()):
        fields["UC"] = f"{draw(wholes)}:{draw(st.text(_HEX, min_size=16, max_size=16))}"
    if kind == record.SESSION:
        reading[0].tx, reading[1].tx = "B", draw(st.sampled_from("LPA"))
        fields |= {"UA": draw(wholes), "UW": [draw(wholes) for _ in range(3)], "UI": draw(wholes)}
        if draw(st.booleans()):
            tag = st.text(_HEX, min_size=64, max_size=64)
            fields["UT"] = draw(st.lists(tag, max_size=3))
    return record.render(identity, kind, draw(st.integers(1, 10**16)), reading, fields)


@given(payloads())
def test_whatever_a_unit_renders_is_read_as_the_protocol_reads_it(payload: str):
    assert said(canonical.parse, payload) == said(record.parse, payload)
    is_session_told(payload)


def is_session_told(payload: str) -> None:
    """A SESSION that a pattern takes is told from its line as the protocol reads it; nothing else is told as one."""
    try:
        read = record.parse(payload)
    except RecordError:
        return
    told = canonical.session(f"OCMF|{payload}|{{}}", read.us, read.boot, read.um_ms, read.at_ms)
    assert (told is not None) == (read.kind == "SESSION" and is_taken(payload))
    if told is not None:
        names = ["us", "boot", "um_ms", "at_ms", "flag", "kind", "maker", "active_s", "interruptions"]
        assert [getattr(told, name) for name in names] == [getattr(read, name) for name in names]
        assert [vars(each) for each in told.readings] == [vars(each) for each in read.readings]
        assert (list(told.power_mw), list(told.tags)) == (read.power_mw, read.tags)


@given(st.sampled_from(a_day()), st.data())
def test_whatever_is_done_to_a_payload_both_say_the_same(payload: str, data: st.DataObject):
    """Single characters changed, taken out, doubled: where the pattern still takes it, the protocol reads the same."""
    at = data.draw(st.integers(0, len(payload) - 1))
    put = data.draw(
        st.sampled_from(["", payload[at] * 2, *'0123456789abcdefSIURTF"\\,:{}[]|-+. \n']) | st.characters()
    )
    changed = payload[:at] + put + payload[at + 1 :]
    assert said(canonical.parse, changed) == said(record.parse, changed)
    is_session_told(changed)


def test_a_sealed_line_is_read_with_its_signature():
    for line in (line for line in _WRITER.lines if b'"ALIVE"' in line or b'"SESSION"' in line):
        read, signature = canonical.sealed(line)  # type: ignore[misc]
        payload, section = seal.split(line)
        assert said(lambda _, read=read: read, payload) == said(record.parse, payload)
        assert seal.undo_der(signature) == seal.signature_of(section)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b"OCMF|", b"ocmf|"),
        (b'"SD":"30', b'"SD":"31'),
        (b'"SD":"30', b'"SD":"3081'),
        (b'"}', b'","SE":"hex"}'),
        (b'"}', b'"}|'),
        (b'"}', b'"}\n'),
        (b'"U1"', b'"U\xff"'),
        (b'"SA"', b'"SB"'),
        (b'"SD":"30', b'"SD":"3G'),
        (b'"SD":"30', b'"SD":"30 '),
        (b'"SD":"30', b'"SD":"30a'),
        (b'"SD":"30', b'"SD":"30A0'),
    ],
)
def test_a_line_in_any_other_form_is_left_to_the_protocol(there: bytes, instead: bytes):
    alive = _WRITER.lines[1]
    assert canonical.sealed(alive) is not None and there in alive
    assert canonical.sealed(alive.replace(there, instead)) is None


def test_the_higher_of_two_signatures_is_left_to_the_protocol():
    payload, section = seal.split(_WRITER.lines[1])
    r, s = seal.signature_of(section)
    high = seal.der(r, p256.N - s).hex()
    assert canonical.sealed(seal.join(payload, r, s).encode()) is not None
    assert canonical.sealed(seal.join(payload, r, s).replace(seal.der(r, s).hex(), high).encode()) is None


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('"US":2', '"US":02'),
        ('"US":2', '"US":2,"US":2'),
        ('"UM":600000', '"UM":-1'),
        ('"RV":0.000000', '"RV":00.000000'),
        ("2026-03-02T", "2026-02-30T"),
        ("2026-03-02T08", "2026-03-02T24"),
        ("2026-03-02T", "1969-12-31T"),
        ('"UK":"ALIVE"', '"UK":"OPEN" '),
        ('"GS":"U1"', '"GS":"U\\u0031"'),
        ('"PG":"F2"', '"PG":"T2"'),
        ("}]", '},"X":1]'),
        ('"UV":1', '"UV":1,"UZ":[]'),
        ('"UP":"', '"UP":" '),
        ('"UP":"4deb', '"UP":"4DEB'),
        ('"UP":"4deb', '"UP":"4de'),
        ('"UP":"4deb', '"UP":"  4d'),
        ('"UP":"4deb', '"UP":"zdeb'),
        ('"UP":"4deb', '"UP":"\u0664deb'),
    ],
)
def test_near_misses_are_left_to_the_protocol(there: str, instead: str):
    alive = a_day()[1]
    changed = alive.replace(there, instead)
    assert changed != alive
    assert said(canonical.parse, changed) == said(record.parse, changed)


@given(st.data())
def test_lines_read_on_end_say_what_each_says_alone_and_stand_together_where_each_follows_the_one_before(
    data: st.DataObject,
):
    """Lines left out, doubled, swapped, broken, of two units, with letters of digests and signatures changed."""
    lines = data.draw(st.lists(st.sampled_from(_LINES), max_size=12) | st.just(_LINES))
    lines = [_changed(line, data) if data.draw(st.booleans()) else line for line in lines]
    runs = list(canonical.chained(lines))
    read, alone = [each for run in runs for each in run], [canonical.read(line) for line in lines]
    for one, other in zip(read, alone, strict=True):
        assert getattr(one, "line", None) == getattr(other, "line", None)
        assert getattr(one, "digest", None) == getattr(other, "digest", None)
        assert one is None or said(lambda _, one=one: one, "") == said(canonical.parse, one.payload)
    joined = [
        any(run[at : at + 2] == [one, other] for run in runs for at in range(len(run)))
        for one, other in pairwise(read)
    ]
    assert joined == [_follows(one, other) for one, other in pairwise(read)]


def _follows(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    return (other.unit, other.us, other.up) == (one.unit, one.us + 1, one.digest)


def _changed(line: bytes, data: st.DataObject) -> bytes:
    at = data.draw(st.sampled_from([line.index(b'"UP":"') + 8, line.rindex(b'"') - 3, len(line) // 3]))
    return (
        line[:at] + data.draw(st.sampled_from([b"", b"A", b"0", b" ", b'"', b"|", b"\xff"])) + line[at + 1 :]
    )
