"""Topic names, batches, acknowledgements and the time come out as they went in, and nothing else is believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import topics
from protocol.chain import ORIGIN
from protocol.errors import EmitError, RecordError
from tests.support.both import on_both

NAME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
names = st.text(NAME_LETTERS, min_size=1, max_size=64)
whats = st.sampled_from(topics.PER_UNIT)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
lines = st.lists(
    st.binary(min_size=1).map(lambda raw: b"OCMF|" + raw.replace(b"\n", b"").replace(b"\r", b""))
)
checkpoints = st.tuples(st.integers(0, 10**16 - 1), st.integers(0, 2**64 - 1)).map(
    lambda pair: f"{pair[0]}:{pair[1]:016x}"
)


def refused(read, message: bytes) -> str:
    with pytest.raises(RecordError) as caught:
        read(message)
    return caught.value.code


# --- names --------------------------------------------------------------------------------------------------


@given(names, names, whats)
def test_a_topic_is_read_as_it_was_written(clinic, unit, what):
    assert topics.read_topic(topics.topic(clinic, unit, what)) == (clinic, unit, what)


def test_topics_are_those_of_the_profile():
    assert topics.topic("C001", "U1", "record") == "ww/1/C001/U1/record"
    assert topics.topic("C001", "U1", "ack") == "ww/1/C001/U1/ack"
    assert topics.topic("C001", "U1", "status") == "ww/1/C001/U1/status"
    assert topics.time_topic("C001") == "ww/1/C001/time"


@given(st.text())
def test_a_name_is_one_to_sixty_four_letters_digits_and_three_marks_or_refused(text):
    if 1 <= len(text) <= 64 and set(text) <= set(NAME_LETTERS):
        assert topics.name(text) == text
    else:
        with pytest.raises(EmitError):
            topics.name(text)


@pytest.mark.parametrize("text", ("a", "Z9", "-", "_", ".", "a" * 64))
def test_the_shortest_and_the_longest_name_are_names(text):
    assert topics.name(text) == text


@pytest.mark.parametrize(
    "text", ("", "a" * 65, "a/b", "+", "#", "$SYS", "U 1", "灯", "Ｕ1", "٣", "U1\n", "a\0b")
)
def test_what_would_mean_something_to_a_broker_or_look_like_another_is_no_name(text):
    for make in (lambda: topics.topic(text, "U1", "ack"), lambda: topics.topic("C001", text, "ack")):
        with pytest.raises(EmitError):
            make()
    with pytest.raises(EmitError):
        topics.time_topic(text)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "ww",
        "ww/1/C001/time",
        "ww/2/C001/U1/record",
        "ww/1/C001/U1/log",
        "ww/1/C001/U1/record/more",
        "/ww/1/C001/U1/record",
        "xx/1/C001/U1/record",
    ),
)
def test_any_other_topic_is_none_of_a_unit(text):
    assert topics.read_topic(text) is None


# --- batches ------------------------------------------------------------------------------------------------


@given(lines)
def test_a_batch_comes_apart_as_it_was_put_together(records):
    assert topics.unbatch(topics.batch(records)) == records


@given(lines, st.sampled_from((b"\n", b"\r\n", b"\n\n", b"\n \n")))
def test_blank_lines_and_the_line_ends_of_other_systems_carry_nothing(records, end):
    assert topics.unbatch(end.join(records) + end) == records


@pytest.mark.parametrize("message", (b"", b"\n", b" ", b"\r\n\r\n"))
def test_an_empty_message_carries_no_record(message):
    assert topics.unbatch(message) == []


# --- acknowledgement ----------------------------------------------------------------------------------------


@given(st.integers(0, 10**15), digests)
def test_an_acknowledgement_is_read_as_it_was_written_and_is_json_for_everybody(us, up):
    message = topics.ack(us, up)
    assert topics.read_ack(message) == (us, up)
    assert json.loads(message) == {"us": us, "up": up}


def test_nothing_stored_is_said_by_zeros():
    assert topics.ack(0, ORIGIN) == b'{"us": 0, "up": "%s"}' % (b"0" * 64)


NO_ACKS = (
    b"",
    b"online",
    b"[]",
    b"118",
    b"{}",
    b'{"us": 1}',
    b'{"up": "%s"}' % (b"0" * 64),
    b'{"us": -1, "up": "%s"}' % (b"0" * 64),
    b'{"us": 1.0, "up": "%s"}' % (b"0" * 64),
    b'{"us": true, "up": "%s"}' % (b"0" * 64),
    b'{"us": "1", "up": "%s"}' % (b"0" * 64),
    b'{"us": 1, "up": "%s"}' % (b"0" * 63),
    b'{"us": 1, "up": 0}',
    b'{"us": 1, "us": 2, "up": "%s"}' % (b"0" * 64),
    b'{"us": 1, "up": "%s"}\xff' % (b"0" * 64),
    '{"us": 1, "up": "灯"}'.encode(),
)


@pytest.mark.parametrize("message", NO_ACKS)
def test_no_acknowledgement_is(message):
    assert refused(topics.read_ack, message) == "malformed"


# --- time ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**15), st.none() | checkpoints)
def test_the_time_is_read_as_it_was_written_and_is_json_for_everybody(ms, checkpoint):
    message = topics.time(ms, checkpoint)
    assert topics.read_time(message) == (ms, checkpoint)
    assert json.loads(message) == {"ms": ms} | ({"uc": checkpoint} if checkpoint else {})


NO_TIMES = (
    b"",
    b"1767000000000",
    b"{}",
    b'{"ms": -1}',
    b'{"ms": 1.5}',
    b'{"ms": "1767000000000"}',
    b'{"ms": 1, "ms": 2}',
    b'{"ms": 1, "uc": 7}',
    b'{"ms": 1, "uc": ""}',
    b'{"ms": 1, "uc": "x"}',
)


@pytest.mark.parametrize("message", NO_TIMES)
def test_no_time_is(message):
    assert refused(topics.read_time, message) == "malformed"


ROOT = "0123456789abcdef"
NO_CHECKPOINTS = (
    None,
    7,
    "",
    ":",
    ROOT,
    f":{ROOT}",
    f"7{ROOT}",
    f"7:{ROOT}:",
    f"7:{ROOT[:15]}",
    f"7:{ROOT}0",
    f"7:{ROOT.upper()}",
    f"-7:{ROOT}",
    f" 7:{ROOT}",
    f"7.0:{ROOT}",
    f"{10**16}:{ROOT}",
    f"٣:{ROOT}",
    f"²:{ROOT}",
    f"7:{'é' * 16}",
)


@pytest.mark.parametrize("text", NO_CHECKPOINTS)
def test_no_checkpoint_is(text):
    assert not topics.is_checkpoint(text)


@given(checkpoints)
def test_a_checkpoint_is_a_size_and_sixteen_hex_digits(text):
    assert topics.is_checkpoint(text)


# --- under MicroPython --------------------------------------------------------------------------------------


def test_both_interpreters_write_and_read_the_same_messages():
    texts = [text for text in NO_CHECKPOINTS if isinstance(text, str)] + [f"7:{ROOT}"]
    script = f"""
from protocol import topics
from protocol.errors import EmitError, RecordError

def told(read, message):
    try:
        return read(message)
    except (RecordError, EmitError) as error:
        return type(error).__name__

for message in {NO_ACKS!r}:
    print(told(topics.read_ack, message))
for message in {NO_TIMES!r}:
    print(told(topics.read_time, message))
print([topics.is_checkpoint(text) for text in {texts!r}])
print(told(topics.name, "C-001_a.b"), told(topics.name, "灯"), told(topics.name, "a/b"))
print(topics.topic("C001", "U1", "record"), topics.time_topic("C001"))
print(topics.read_topic("ww/1/C001/U1/ack"), topics.read_topic("ww/1/C001/time"))
print(topics.unbatch(topics.batch([b"a", b"b"]) + b"\\r\\n \\n"))
print(topics.ack(118, "f" * 64), topics.read_ack(topics.ack(118, "f" * 64)))
print(topics.time(1767000000000, None), topics.time(1767000000000, "7:{ROOT}"))
print(topics.read_time(topics.time(1767000000000, "7:{ROOT}")))
"""
    said = on_both(script).splitlines()
    assert said[: len(NO_ACKS + NO_TIMES)] == ["RecordError"] * len(NO_ACKS + NO_TIMES)
    assert said[len(NO_ACKS + NO_TIMES)] == str([False] * (len(texts) - 1) + [True])
