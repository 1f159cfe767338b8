"""What a unit says comes back as it was said, exactly, and what no unit of this profile says is refused."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import p256, record, seal
from protocol.chain import ORIGIN
from protocol.errors import EmitError, RecordError
from protocol.record import Identity, Reading
from protocol.strictjson import Decimal
from tests.support.both import on_both
from tests.support.tools import CHECKOUT

GOLDEN = [seal.split(line)[0] for line in (CHECKOUT / "tests/vectors/golden.ocmf").read_text().splitlines()]
BOOT, OPEN, ALIVE, SESSION, GAP, FAULT = GOLDEN
KINDS = ("BOOT", "ALIVE", "OPEN", "SESSION", "GAP", "FAULT", "CLOCK", "TAG")
MOST = 2**53 - 1
LATEST_MS = 253402271999999  # 9999-12-31T23:59:59,999+0800
CHINA = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """What a unit is about to say, as plain values."""

    identity: tuple[str, ...]
    kind: str
    count: int
    readings: tuple[tuple[int, str, int | None, str | None], ...]
    fields: dict[str, Any]

    def render(self) -> str:
        readings = [Reading(*each) for each in self.readings]
        return record.render(Identity(*self.identity), self.kind, self.count, readings, self.fields)


ALL_IS_WELL = Said(
    ("U1", "0.1.0", "bench", "csv", "U1", "1"),
    "ALIVE",
    3,
    ((1772409600000, "S", 87152, None),),
    {"UB": "0" * 16, "US": 3, "UP": "1" * 64, "UM": 600000},
)


# --- everything that can be said ----------------------------------------------------------------------------

at_ms = st.integers(0, LATEST_MS)
flags = st.sampled_from("SIUR")
instants = st.builds(record.instant, at_ms, flags)
registers = st.integers(0, MOST)
whole = st.integers(0, MOST)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
hex64 = st.text("0123456789abcdef", min_size=64, max_size=64)
tags = st.lists(hex64, max_size=3)
causes = st.sampled_from(record.CAUSES) | texts
checkpoints = st.builds("{}:{:016x}".format, st.integers(0, 10**16 - 1), st.integers(0, 2**64 - 1))
OWN_FIELDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "BOOT": st.fixed_dictionaries({"UR": causes}, optional={"UL": instants}),
    "ALIVE": st.just({}),
    "OPEN": st.just({}),
    "SESSION": st.fixed_dictionaries(
        {"UA": whole, "UW": st.lists(whole, min_size=3, max_size=3), "UI": whole}, optional={"UT": tags}
    ),
    "GAP": st.fixed_dictionaries({"UG": st.lists(instants, min_size=2, max_size=2)}),
    "FAULT": st.fixed_dictionaries({"UR": causes}),
    "CLOCK": st.fixed_dictionaries({"UR": st.integers(-MOST, MOST)}),
    "TAG": st.fixed_dictionaries({"UT": tags}),
}


@st.composite
def said(draw: st.DrawFn) -> Said:
    kind = draw(st.sampled_from(KINDS))
    us = draw(st.integers(1, MOST))
    fields = draw(OWN_FIELDS[kind]) | draw(st.fixed_dictionaries({}, optional={"UC": checkpoints}))
    fields |= {"US": us, "UP": ORIGIN if us == 1 else draw(hex64.filter(ORIGIN.__ne__))}
    fields |= {"UB": draw(hex64)[:16], "UM": draw(whole)}
    one = (draw(at_ms), draw(flags), None if kind == "FAULT" else draw(registers))
    if kind == "SESSION":
        other = (draw(at_ms), draw(flags), draw(registers))
        readings: Any = ((*one, "B"), (*other, draw(st.sampled_from("LPA"))))
    else:
        readings = ((*one, None),)
    return Said(tuple(draw(texts) for _ in range(6)), kind, draw(st.integers(1, 10**20)), readings, fields)


@given(said())
def test_every_kind_and_field_is_read_as_it_was_said(it):
    payload = it.render()
    read = record.parse(payload)
    assert read.payload == payload
    assert (read.unit, read.maker, read.kind) == (it.identity[0], it.identity[2], it.kind)
    assert read.pagination == f"{'T' if it.kind == 'SESSION' else 'F'}{it.count}"
    assert (read.us, read.up, read.boot, read.um_ms) == tuple(
        it.fields[each] for each in ("US", "UP", "UB", "UM")
    )
    assert read.checkpoint == it.fields.get("UC")
    assert [(each.at_ms, each.flag, each.register_mwh, each.tx) for each in read.readings] == list(
        it.readings
    )
    assert (read.at_ms, read.flag, read.register_mwh) == it.readings[-1][:3]
    assert read.tags == it.fields.get("UT", [])
    own_fields_are_read(read, it)


def own_fields_are_read(read: record.Record, it: Said) -> None:
    fields = it.fields
    session = it.kind == "SESSION"
    assert (read.active_s, read.interruptions) == ((fields["UA"], fields["UI"]) if session else (0, 0))
    assert read.power_mw == fields.get("UW")
    alive, gap = (read.alive_ms, read.alive_flag), (read.gap_ms, read.gap_flag)
    assert alive == (record.read_instant(fields["UL"]) if "UL" in fields else (None, None))
    if it.kind == "GAP":
        (from_ms, flag), (until_ms, _) = map(record.read_instant, fields["UG"])
        assert gap == ((from_ms, until_ms), flag)
    else:
        assert gap == (None, None)
    assert read.cause == (fields["UR"] if it.kind in ("BOOT", "FAULT") else None)
    assert read.step_ms == (fields["UR"] if it.kind == "CLOCK" else None)


@given(said())
def test_what_is_said_is_ascii_without_bars_and_the_same_json_to_anybody(it):
    payload = it.render()
    assert payload.isascii() and payload.isprintable() and "|" not in payload
    document = json.loads(payload)
    assert list(document)[:4] == ["FV", "GI", "GS", "GV"]
    names = ("GS", "GV", "MV", "MM", "MS", "MF")
    assert tuple(document[name] for name in names) == it.identity
    assert {name: document[name] for name in document if name in it.fields} == it.fields
    assert (document["UV"], document["UK"], document["GI"]) == (1, it.kind, "WattWitness")
    assert ("IS" in document) == (it.kind == "SESSION")


@given(said())
def test_the_same_is_always_said_in_the_same_bytes_whatever_the_order_of_the_fields(it):
    backwards = replace(it, fields=dict(reversed(it.fields.items())))
    assert backwards.render() == it.render()


ESCAPES = {
    " ~/": " ~/",
    '"\\': r"\"\\",
    "|": r"\u007c",
    "\0\x1f\x7f": r"\u0000\u001f\u007f",
    "灯\ud7ff\ue000\uffff": r"\u706f\ud7ff\ue000\uffff",
    "\U00010000\U0010ffff": r"\ud800\udc00\udbff\udfff",
}


@pytest.mark.parametrize("text", ESCAPES, ids=ascii)
def test_text_is_written_in_one_way(text):
    payload = replace(ALL_IS_WELL, identity=(text, *ALL_IS_WELL.identity[1:])).render()
    assert f'"GS":"{ESCAPES[text]}",' in payload
    assert record.parse(payload).unit == text


@given(said(), st.data())
def test_no_single_changed_byte_keeps_the_digest_or_the_seal(it, data):
    payload = it.render()
    at = data.draw(st.integers(0, len(payload) - 1))
    other = data.draw(st.integers(0x20, 0x7E).filter(lambda code: chr(code) not in (payload[at], "|")))
    changed = payload[:at] + chr(other) + payload[at + 1 :]
    line = seal.seal(payload, lambda message: p256.sign(SECRET, message))
    assert seal.check(line, by_test_key) == payload
    assert seal.digest(changed) != seal.digest(payload)
    with pytest.raises(RecordError) as caught:
        seal.check(line.replace(payload, changed), by_test_key)
    assert caught.value.code == "bad_seal"


SECRET = bytes(range(1, 33))
PUBLIC = p256.public_key(SECRET)


def by_test_key(message: bytes, r: int, s: int) -> bool:
    return p256.verify(PUBLIC, message, r, s)


# --- instants -----------------------------------------------------------------------------------------------


@given(at_ms, flags)
@example(0, "U")
@example(LATEST_MS, "S")
@example(951753600000, "S")  # 2000-02-29
@example(4107542400000, "S")  # 2100-03-01, the day after 28 February
def test_an_instant_is_read_as_it_was_written_and_is_the_calendars(at, flag):
    text = record.instant(at, flag)
    assert record.read_instant(text) == (at, flag)
    day = (EPOCH + timedelta(milliseconds=at)).astimezone(CHINA)
    assert text == f"{day:%Y-%m-%dT%H:%M:%S},{at % 1000:03d}+0800 {flag}"


@pytest.mark.parametrize("at, flag", ((-1, "S"), (LATEST_MS + 1, "S"), (0, "X"), (0, ""), (0, "SI")))
def test_no_instant_can_be_written_before_1970_after_9999_or_with_another_flag(at, flag):
    with pytest.raises(EmitError):
        record.instant(at, flag)


NO_INSTANTS = {
    "nothing": "",
    "no flag": "2026-03-02T08:00:00,000+0800",
    "Z": "2026-03-02T00:00:00,000Z S",
    "a colon in the zone": "2026-03-02T08:00:00,000+08:00 S",
    "another zone": "2026-03-02T00:00:00,000+0000 S",
    "no milliseconds": "2026-03-02T08:00:00+0800 S",
    "a point for the comma": "2026-03-02T08:00:00.000+0800 S",
    "a space for the T": "2026-03-02 08:00:00,000+0800 S",
    "slashes": "2026/03/02T08:00:00,000+0800 S",
    "two spaces": "2026-03-02T08:00:00,000+0800  S",
    "an unknown flag": "2026-03-02T08:00:00,000+0800 X",
    "a small flag": "2026-03-02T08:00:00,000+0800 s",
    "30 February": "2026-02-30T08:00:00,000+0800 S",
    "29 February of no leap year": "2026-02-29T08:00:00,000+0800 S",
    "29 February 2100": "2100-02-29T08:00:00,000+0800 S",
    "month 0": "2026-00-02T08:00:00,000+0800 S",
    "month 13": "2026-13-02T08:00:00,000+0800 S",
    "day 0": "2026-03-00T08:00:00,000+0800 S",
    "hour 24": "2026-03-02T24:00:00,000+0800 S",
    "minute 60": "2026-03-02T08:60:00,000+0800 S",
    "second 60": "2026-03-02T08:00:60,000+0800 S",
    "before 1970": "1970-01-01T07:59:59,999+0800 S",
    "the year 0": "0000-01-01T08:00:00,000+0800 S",
    "a sign": "+026-03-02T08:00:00,000+0800 S",
    "a blank for a digit": "2026- 3-02T08:00:00,000+0800 S",
    "a digit of another script": "2026-03-0٢T08:00:00,000+0800 S",
    "a full-width digit": "2026-03-0２T08:00:00,000+0800 S",
}


@pytest.mark.parametrize("name", NO_INSTANTS)
def test_no_instant_of_this_profile_has(name):
    with pytest.raises(RecordError) as caught:
        record.read_instant(NO_INSTANTS[name])
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("value", (None, 0, 1767000000000, [], {}, Decimal("1.0")))
def test_what_is_no_text_is_no_instant(value):
    with pytest.raises(RecordError):
        record.read_instant(value)


@given(instants, st.integers(0, 30), st.integers(0, 2), st.text(max_size=2))
def test_what_is_read_as_an_instant_is_the_text_that_it_would_be_written_as(text, at, length, put):
    damaged = text[:at] + put + text[at + length :]
    try:
        read = record.read_instant(damaged)
    except RecordError as error:
        assert error.code == "malformed"
    else:
        assert record.instant(*read) == damaged


# --- the golden records -------------------------------------------------------------------------------------


def said_again(payload: str) -> str:
    """Rendered from what was read."""
    read = record.parse(payload)
    document = read.document
    identity = Identity(*(document[name] for name in ("GS", "GV", "MV", "MM", "MS", "MF")))
    fields = {name: document[name] for name in document if name[0] == "U" and name not in ("UV", "UK")}
    return record.render(
        identity, read.kind, int(read.pagination[1:]), read.readings, fields, product=document["GI"]
    )


@pytest.mark.parametrize("payload", GOLDEN, ids=range(1, 7))
def test_the_golden_records_would_be_written_byte_for_byte_as_they_are(payload):
    assert said_again(payload) == payload


@given(said())
def test_whatever_was_said_can_be_said_again_from_what_was_read(it):
    assert said_again(it.render()) == it.render()


def test_the_golden_records_say_what_they_say():
    kinds = [(each.kind, each.us, each.pagination) for each in map(record.parse, GOLDEN)]
    assert kinds == [
        ("BOOT", 1, "F1"),
        ("OPEN", 2, "F2"),
        ("ALIVE", 3, "F3"),
        ("SESSION", 4, "T1"),
        ("GAP", 5, "F4"),
        ("FAULT", 6, "F5"),
    ]
    session = record.parse(SESSION)
    begin, end = session.readings
    assert end.at_ms - begin.at_ms == 21 * 60 * 1000
    assert (begin.register_mwh, end.register_mwh) == (0, 87152)
    assert (session.active_s, session.power_mw, session.interruptions) == (1255, [247500, 250000, 252500], 0)
    assert record.parse(GAP).gap_ms == (1772411400000, 1772411640000)
    assert record.parse(FAULT).register_mwh is None


# --- what is refused ----------------------------------------------------------------------------------------


def without(payload: str, name: str) -> str:
    return re.sub(rf',"{name}":("[^"]*"|\[[^]]*\]|\d+)', "", payload)


REFUSED = {
    "nothing": "",
    "a list": f"[{BOOT}]",
    "a string": '"BOOT"',
    "something after it": BOOT + "x",
    "Chinese text that is not escaped": BOOT.replace("BAR", "灯"),
    "a bar": BOOT.replace("BAR", "B|R"),
    "a name twice": BOOT.replace('"US":1,', '"US":1,"US":1,'),
    "a line break": BOOT.replace(",", ",\n", 1),
    "another format version": BOOT.replace('"FV":"1.0"', '"FV":"1.4"'),
    "another profile": BOOT.replace('"UV":1', '"UV":2'),
    "a profile as text": BOOT.replace('"UV":1', '"UV":"1"'),
    "an empty unit": BOOT.replace('"GS":"U-0007A3F2"', '"GS":""'),
    "a unit of 65 characters": BOOT.replace('"GS":"U-0007A3F2"', f'"GS":"{"U" * 65}"'),
    "a unit that is a number": BOOT.replace('"GS":"U-0007A3F2"', '"GS":7'),
    "a transaction's counter on a fiscal record": BOOT.replace('"PG":"F1"', '"PG":"T1"'),
    "a fiscal counter on a session": SESSION.replace('"PG":"T1"', '"PG":"F1"'),
    "the counter zero": BOOT.replace('"PG":"F1"', '"PG":"F0"'),
    "no counter": BOOT.replace('"PG":"F1"', '"PG":"F"'),
    "a counter that is no number": BOOT.replace('"PG":"F1"', '"PG":"Fx"'),
    "a counter in another script": BOOT.replace('"PG":"F1"', '"PG":"F\\u0661"'),
    "a counter below zero": BOOT.replace('"PG":"F1"', '"PG":"F-1"'),
    "US zero": BOOT.replace('"US":1', '"US":0'),
    "US below zero": OPEN.replace('"US":2', '"US":-2'),
    "US with a fraction": OPEN.replace('"US":2', '"US":2.0'),
    "US as text": OPEN.replace('"US":2', '"US":"2"'),
    "US true": BOOT.replace('"US":1', '"US":true'),
    "US of 2**53": OPEN.replace('"US":2', f'"US":{2**53}'),
    "a first record that follows another": BOOT.replace(ORIGIN, "1" * 64),
    "a second record that follows none": OPEN.replace(json.loads(OPEN)["UP"], ORIGIN),
    "UP in capitals": OPEN.replace(json.loads(OPEN)["UP"], "A" * 64),
    "UP of 63 digits": OPEN.replace(json.loads(OPEN)["UP"], "1" * 63),
    "UP with a letter that is no hex": OPEN.replace(json.loads(OPEN)["UP"], "g" * 64),
    "UB of 15 digits": BOOT.replace("36241cbc0de3d149", "36241cbc0de3d14"),
    "UM below zero": BOOT.replace('"UM":0', '"UM":-1'),
    "UM of 2**53": BOOT.replace('"UM":0', f'"UM":{2**53}'),
    "UC that is no checkpoint": BOOT.replace('"UM":0', '"UM":0,"UC":"7"'),
    "UC that is a number": BOOT.replace('"UM":0', '"UM":0,"UC":7'),
    "UC null": BOOT.replace('"UM":0', '"UM":0,"UC":null'),
    "no readings": BOOT.replace('"RD":[{', '"RX":[{'),
    "an empty list of readings": '{"RD":[],' + BOOT[1:].replace('"RD"', '"RX"'),
    "readings that are no objects": '{"RD":[1],' + BOOT[1:].replace('"RD"', '"RX"'),
    "two readings in a BOOT": BOOT.replace('"RD":[{', '"RD":[{"TM":"2026-03-02T08:00:00,000+0800 S"},{'),
    "three readings in a session": SESSION.replace(
        '"RD":[{', '"RD":[{"TM":"2026-03-02T08:00:00,000+0800 S"},{'
    ),
    "a TX in an ALIVE": ALIVE.replace('"RV"', '"TX":"B","RV"'),
    "a time with Z": BOOT.replace("T08:00:00,000+0800 S", "T00:00:00,000Z S"),
    "a reading without time": BOOT.replace('"TM"', '"TX"'),
    "five decimals": SESSION.replace("0.087152", "0.08715"),
    "seven decimals": SESSION.replace("0.087152", "0.0871520"),
    "a whole number of kWh": SESSION.replace("0.087152", "0"),
    "energy with an exponent": SESSION.replace("0.087152", "87152e-6"),
    "energy below zero": SESSION.replace("0.087152", "-0.087152"),
    "minus zero": SESSION.replace("0.000000", "-0.000000"),
    "energy as text": SESSION.replace("0.087152", '"0.087152"'),
    "energy of 2**53 mWh": SESSION.replace("0.087152", "9007199254.740992"),
    "ten thousand decimals": SESSION.replace("0.087152", "0." + "1" * 10000),
    "another register": SESSION.replace("01.08.00", "02.08.00"),
    "watt hours": SESSION.replace('"kWh"', '"Wh"'),
    "no seconds": without(SESSION, "UA"),
    "seconds below zero": SESSION.replace('"UA":1255', '"UA":-1'),
    "no interruptions": without(SESSION, "UI"),
    "no power": without(SESSION, "UW"),
    "two powers": SESSION.replace("[247500,250000,252500]", "[247500,250000]"),
    "a power with a fraction": SESSION.replace("247500", "247500.0"),
    "a power below zero": SESSION.replace("247500", "-247500"),
    "a power that is true": SESSION.replace("247500", "true"),
    "a session that does not begin": SESSION.replace('"TX":"B"', '"TX":"L"'),
    "a session that does not end": SESSION.replace('"TX":"L"', '"TX":"B"'),
    "a session that ends otherwise": SESSION.replace('"TX":"L"', '"TX":"E"'),
    "a session of one reading": '{"RD":[{"TM":"2026-03-02T08:00:00,000+0800 S"}],'
    + SESSION[1:].replace('"RD"', '"RX"'),
    "tags that are no list": SESSION.replace('"UI":0', f'"UI":0,"UT":"{"a" * 64}"'),
    "a tag of 63 digits": SESSION.replace('"UI":0', f'"UI":0,"UT":["{"a" * 63}"]'),
    "a tag that could be an id number": SESSION.replace('"UI":0', '"UI":0,"UT":["110101199003071234"]'),
    "a BOOT without cause": without(BOOT, "UR"),
    "a BOOT alive at no instant": BOOT.replace('"UR"', '"UL":"yesterday","UR"'),
    "a FAULT without cause": without(FAULT, "UR"),
    "a FAULT with an empty cause": FAULT.replace('"CASE_OPEN"', '""'),
    "a GAP without its span": without(GAP, "UG"),
    "a GAP of one instant": GAP.replace('"UG":["2026-03-02T08:30:00,000+0800 S",', '"UG":['),
    "a GAP whose span is text": GAP.replace('"UG":["2026-03-02T08:30:00,000+0800 S",', '"UG":"now","UX":['),
    "a CLOCK whose step is text": FAULT.replace('"FAULT"', '"CLOCK"'),
    "a CLOCK whose step has a fraction": FAULT.replace('"FAULT"', '"CLOCK"').replace('"CASE_OPEN"', "1.5"),
    "a step of 2**53": FAULT.replace('"FAULT"', '"CLOCK"').replace('"CASE_OPEN"', str(-(2**53))),
    "no kind": without(BOOT, "UK"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_malformed_is(name):
    assert REFUSED[name] not in GOLDEN
    with pytest.raises(RecordError) as caught:
        record.parse(REFUSED[name])
    assert caught.value.code == "malformed" and caught.value.why


@given(st.sampled_from(GOLDEN), st.integers(0, 900), st.integers(0, 3), st.text(max_size=3))
def test_a_damaged_record_is_read_exactly_or_refused_and_nothing_else_happens(payload, at, length, put):
    damaged = payload[:at] + put + payload[at + length :]
    try:
        assert record.parse(damaged).payload == damaged
    except RecordError as error:
        assert error.code == "malformed"


# --- what may never be said ---------------------------------------------------------------------------------

NEVER_SAID = {
    "a field of no profile": replace(ALL_IS_WELL, fields=ALL_IS_WELL.fields | {"UX": 1}),
    "a float": replace(ALL_IS_WELL, fields=ALL_IS_WELL.fields | {"UM": 600000.0}),
    "true": replace(ALL_IS_WELL, fields=ALL_IS_WELL.fields | {"UM": True}),
    "nothing": replace(ALL_IS_WELL, fields=ALL_IS_WELL.fields | {"UC": None}),
    "bytes": replace(ALL_IS_WELL, fields=ALL_IS_WELL.fields | {"UB": b"0"}),
    "a number of 2**53": replace(ALL_IS_WELL, fields=ALL_IS_WELL.fields | {"US": 2**53}),
    "half a character": replace(ALL_IS_WELL, identity=("U\ud800", *ALL_IS_WELL.identity[1:])),
    "the other half": replace(ALL_IS_WELL, identity=("U\udfff", *ALL_IS_WELL.identity[1:])),
    "a register below zero": replace(ALL_IS_WELL, readings=((0, "S", -1, None),)),
    "a register of 2**53": replace(ALL_IS_WELL, readings=((0, "S", 2**53, None),)),
    "an instant before 1970": replace(ALL_IS_WELL, readings=((-1, "S", 0, None),)),
    "an unknown flag": replace(ALL_IS_WELL, readings=((0, "X", 0, None),)),
}


@pytest.mark.parametrize("name", NEVER_SAID)
def test_no_record_ever_says(name):
    with pytest.raises(EmitError):
        NEVER_SAID[name].render()


# --- what we do not know ------------------------------------------------------------------------------------


def test_a_kind_that_we_do_not_know_is_read_and_means_nothing():
    read = record.parse(BOOT.replace('"UK":"BOOT"', '"UK":"WEATHER"').replace('"POWER_ON"', '{"rain":true}'))
    assert (read.kind, read.cause, read.active_s, read.tags) == ("WEATHER", None, 0, [])


def test_members_that_we_do_not_know_are_kept_as_they_came():
    payload = SESSION.replace('"UI":0', '"UI":0,"UZ":[1.50,{"a":null}],"ZZ":"\\u706f"')
    read = record.parse(payload)
    assert read.payload == payload
    assert read.document["UZ"] == [Decimal("1.50"), {"a": None}]
    assert (read.document["ZZ"], read.active_s) == ("灯", 1255)


# --- under MicroPython --------------------------------------------------------------------------------------

TELL = """
import sys
from protocol import record, seal
from protocol.errors import EmitError, RecordError

def letters(text):
    return text and [ord(c) for c in text]

def told(payload):
    read = record.parse(payload)
    place = (letters(read.unit), letters(read.maker), read.pagination, read.kind, read.us, read.up, read.boot, read.um_ms)
    means = (read.active_s, read.interruptions, read.power_mw, read.alive_ms, read.alive_flag, read.gap_ms)
    more = (read.gap_flag, letters(read.cause), read.step_ms, read.tags, read.checkpoint, read.digest)
    readings = [(each.at_ms, each.flag, each.register_mwh, each.tx) for each in read.readings]
    return place, means, more, readings, (read.at_ms, read.flag, read.register_mwh)
"""


def word(rng: random.Random) -> str:
    return "".join(rng.choices(' a"\\/|~\x7f\x00\n灯é€😀\U0010ffff', k=rng.randint(1, 9)))


def tell(rng: random.Random) -> str:
    return record.instant(rng.randrange(LATEST_MS), rng.choice("SIUR"))


def plain_case(rng: random.Random) -> Said:
    """One of the things that can be said, without hypothesis: the same each time."""
    kind = rng.choice(KINDS)
    own: dict[str, dict[str, Any]] = {
        "BOOT": {"UR": word(rng), "UL": tell(rng)},
        "SESSION": {"UA": 1255, "UW": [0, 5, rng.randrange(MOST)], "UI": 2, "UT": ["a" * 64, "0" * 64]},
        "GAP": {"UG": [tell(rng), tell(rng)]},
        "FAULT": {"UR": "CASE_OPEN"},
        "CLOCK": {"UR": rng.randrange(-MOST, MOST)},
        "TAG": {"UT": ["b" * 64]},
    }
    place = {
        "UB": "0123456789abcdef",
        "US": rng.randrange(2, MOST),
        "UP": "1" * 64,
        "UM": rng.randrange(MOST),
    }
    one = (rng.randrange(LATEST_MS), rng.choice("SIUR"), None if kind == "FAULT" else rng.randrange(MOST))
    readings = ((*one, "B"), (*one, rng.choice("LPA"))) if kind == "SESSION" else ((*one, None),)
    identity = tuple(word(rng) for _ in range(6))
    return Said(identity, kind, rng.randint(1, 999), readings, place | own.get(kind, {}))


def test_both_interpreters_say_and_read_the_same_of_every_kind(tmp_path):
    rng = random.Random(2)
    cases = [ALL_IS_WELL, *(plain_case(rng) for _ in range(120))]
    assert {case.kind for case in cases} == set(KINDS)
    literals = [(each.identity, each.kind, each.count, each.readings, each.fields) for each in cases]
    (tmp_path / "cases").write_text("".join(ascii(each) + "\n" for each in literals))
    script = """
for line in open(sys.argv[1]):
    identity, kind, count, readings, fields = eval(line)
    readings = [record.Reading(*each) for each in readings]
    payload = record.render(record.Identity(*identity), kind, count, readings, fields)
    print(payload)
    print(told(payload))
"""
    said = on_both(TELL + script, str(tmp_path / "cases")).splitlines()
    assert said[::2] == [case.render() for case in cases]


def test_both_interpreters_refuse_the_same_and_read_the_golden_records_alike(tmp_path):
    texts = [
        *GOLDEN,
        *(text for name, text in REFUSED.items() if name not in ("nothing", "ten thousand decimals")),
    ]
    (tmp_path / "texts").write_text("".join(text.encode().hex() + "\n" for text in texts))
    script = """
import binascii
for line in open(sys.argv[1]):
    try:
        print(told(binascii.unhexlify(line.strip()).decode()))
    except RecordError as error:
        print(error.code)
"""
    said = on_both(TELL + script, str(tmp_path / "texts")).splitlines()
    assert said[6:] == ["malformed"] * (len(texts) - 6)
    assert "malformed" not in said[:6]


def test_both_interpreters_keep_the_calendar(tmp_path):
    rng = random.Random(3)
    edges = [0, 1, 951753599999, 951753600000, 4107542400000, LATEST_MS, 2**31 * 1000, 2**32 * 1000]
    moments = edges + [rng.randrange(LATEST_MS) for _ in range(300)]
    (tmp_path / "moments").write_text("".join(f"{each}\n" for each in moments))
    script = """
for line in open(sys.argv[1]):
    text = record.instant(int(line), "S")
    print(text, record.read_instant(text) == (int(line), "S"))
"""
    said = on_both(TELL + script, str(tmp_path / "moments")).splitlines()
    assert said == [f"{record.instant(each, 'S')} True" for each in moments]


def test_both_interpreters_never_say_what_no_record_says():
    cases = [
        (each.identity, each.kind, each.count, each.readings, each.fields)
        for name, each in NEVER_SAID.items()
        if "half" not in name  # MicroPython has none
    ]
    script = f"""
for identity, kind, count, readings, fields in {cases!r}:
    try:
        readings = [record.Reading(*each) for each in readings]
        print(record.render(record.Identity(*identity), kind, count, readings, fields))
    except EmitError:
        print("never")
"""
    assert on_both(TELL + script).split() == ["never"] * len(cases)
