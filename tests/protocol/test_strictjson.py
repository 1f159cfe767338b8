"""The strict reader agrees with Python's own wherever both accept, and refuses what two readers could read as two."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import strictjson
from protocol.strictjson import DEPTH, Decimal
from tests.support.both import on_both
from tests.support.tools import CHECKOUT

GOLDEN = [line.split("|")[1] for line in (CHECKOUT / "tests/vectors/golden.ocmf").read_text().splitlines()]
PLAIN = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
JSON_LETTERS = st.sampled_from(
    [*'{}[]:,"\\ truefalsn0123456789.-+eE/ubdDcCxX', "\\u", '"a":', "\\ud8", "\\udc"]
)
decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,12})\.[0-9]{1,12}", fullmatch=True).map(Decimal)
leaves = st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.text() | decimals
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


class Refused(ValueError):
    """What Python's reader takes and ours must not."""


def refuse(_: str) -> NoReturn:
    raise Refused


def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(members)) != len(members):
        raise Refused
    return dict(members)


def number(text: str) -> Decimal:
    return refuse(text) if "e" in text.lower() or len(text.split(".")[0].lstrip("-")) > 20 else Decimal(text)


def whole(text: str) -> int:
    return refuse(text) if len(text.lstrip("-")) > 20 else int(text)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def has_half_a_character(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_half_a_character(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return any(map(has_half_a_character, value))
    return isinstance(value, str) and any("\ud800" <= c < "\ue000" for c in value)


def by_python(text: str) -> Any:
    """What Python's reader reads, but for the liberties that ours does not take."""
    if not text.isascii() or not text.isprintable():
        raise Refused
    value = json.loads(
        text, parse_float=number, parse_int=whole, parse_constant=refuse, object_pairs_hook=once
    )
    if depth(value) > DEPTH or has_half_a_character(value):
        raise Refused
    return value


def typed(value: Any) -> Any:
    """So that True is not 1."""
    if isinstance(value, dict):
        return {key: typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    return type(value), value


def agree(text: str) -> None:
    try:
        expected = by_python(text)
    except (ValueError, RecursionError):
        with pytest.raises(ValueError):
            strictjson.read(text)
    else:
        assert typed(strictjson.read(text)) == typed(expected)


def written(value: Any) -> str:
    """JSON in ASCII; `Decimal`s as the numbers that they are."""
    if isinstance(value, Decimal):
        return value.text
    if isinstance(value, dict):
        members = ", ".join(f"{written(key)} : {written(each)}" for key, each in value.items())
        return f"{{{members}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return json.dumps(value).replace("\x7f", "\\u007f")  # which Python writes plainly


# --- properties ---------------------------------------------------------------------------------------------


@given(values)
def test_what_python_writes_is_read_as_it_was_or_refused_for_its_depth(value):
    text = written(value)
    if depth(value) > DEPTH:
        with pytest.raises(ValueError, match="too deep"):
            strictjson.read(text)
    else:
        assert typed(strictjson.read(text)) == typed(value)


@given(st.text(PLAIN) | st.lists(JSON_LETTERS).map("".join))
@example("-0")
@example('{"a":1,"\\u0061":2}')
@example('"\\ud83d\\ude00"')
@example('"\\ud83d\\\\ude00"')
def test_it_takes_what_python_takes_but_for_the_liberties_and_reads_the_same(text):
    agree(text)


@given(
    st.sampled_from(GOLDEN),
    st.integers(0, 900),
    st.integers(0, 4),
    st.lists(PLAIN | JSON_LETTERS, max_size=4).map("".join),
)
def test_it_agrees_with_python_about_a_damaged_record(payload, at, length, put):
    agree(payload[:at] + put + payload[at + length :])


@given(st.text())
def test_whatever_comes_is_read_or_refused_with_a_value_error(text):
    with suppress(ValueError):
        strictjson.read(text)


# --- what is refused ----------------------------------------------------------------------------------------

REFUSED = {
    "nothing": "",
    "a blank": " ",
    "a name twice": '{"US":1,"US":2}',
    "a name twice, once in escapes": '{"US":1,"\\u0055S":2}',
    "a name twice inside": '{"a":[{"b":1,"b":1}]}',
    "an exponent": "1e3",
    "an exponent after a fraction": "1.5E3",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus infinity": "-Infinity",
    "a plus": "+1",
    "a leading zero": "01",
    "a leading zero after minus": "-01",
    "a bare minus": "-",
    "a bare point": ".5",
    "a point without digits": "1.",
    "a number of 21 digits": "1" * 21,
    "a tab": '{\t"a":1}',
    "a line break": '{"a":\n1}',
    "a NUL in a string": '"\0"',
    "DEL in a string": '"\x7f"',
    "Chinese text": '"灯"',
    "a byte order mark": "\ufeff{}",
    "a half character": '"\\ud83d"',
    "its other half": '"\\ude00"',
    "two first halves": '"\\ud83d\\ud83d"',
    "a half before a letter": '"\\ud83dx"',
    "the halves exchanged": '"\\ude00\\ud83d"',
    "an unknown escape": '"\\x41"',
    "an escape without letter": '"\\',
    "three hex digits": '"\\u004"',
    "hex with a sign": '"\\u+041"',
    "hex with a space": '"\\u 041"',
    "a string without end": '"abc',
    "a string in apostrophes": "'a'",
    "an object without end": '{"a":1',
    "a list without end": "[1,2",
    "a comma too many in an object": '{"a":1,}',
    "a comma too many in a list": "[1,]",
    "a comma too few": '{"a":1 "b":2}',
    "a colon too few": '{"a" 1}',
    "a name without quotes": "{a:1}",
    "a number as name": '{1:"a"}',
    "the wrong bracket": "[1}",
    "two values": "1 2",
    "text after the value": '{"a":1}x',
    "True of Python": "True",
    "half a literal": "tru",
    "a literal that goes on": "nullx",
    "a comment": '{"a":1/**/}',
    "nine lists": "[" * 9 + "]" * 9,
    "nine objects": '{"a":' * 9 + "1" + "}" * 9,
    "ten thousand brackets": "[" * 10000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_is(name):
    with pytest.raises(ValueError):
        strictjson.read(REFUSED[name])


def test_a_lone_surrogate_in_the_text_itself_is_refused():
    with pytest.raises(ValueError):
        strictjson.read('"\ud800"')


def test_a_refusal_names_the_position():
    with pytest.raises(ValueError, match="name US twice at 8"):
        strictjson.read('{"US":1,"US":2}')


def test_a_refused_exponent_is_called_so():
    with pytest.raises(ValueError, match="exponent at 2"):
        strictjson.read("[1e3]")


def test_as_many_containers_as_it_says_may_nest():
    assert strictjson.read("[" * DEPTH + "]" * DEPTH) == [[[[[[[[]]]]]]]]


@pytest.mark.parametrize(
    "escaped", ("\\ud7ff", "\\ue000", "\\uffff", "\\ud800\\udc00", "\\udbff\\udfff", "\\u0000")
)
def test_the_first_and_last_characters_beside_the_surrogates_are_read(escaped):
    assert strictjson.read(f'"{escaped}"') == json.loads(f'"{escaped}"')


@pytest.mark.parametrize("half", ("\\ud800", "\\udbff", "\\udc00", "\\udfff"))
def test_each_end_of_the_surrogates_is_half_a_character(half):
    with pytest.raises(ValueError, match="half a character"):
        strictjson.read(f'"{half}"')


# --- numbers ------------------------------------------------------------------------------------------------


def test_a_number_with_a_fraction_stays_the_text_that_it_was():
    read = strictjson.read('{"RV":0.087150,"RW":-0.0}')
    assert (read["RV"].text, read["RW"].text) == ("0.087150", "-0.0")
    assert read["RV"] == Decimal("0.087150") != Decimal("0.08715")
    assert {Decimal("1.0"): 1}[Decimal("1.0")] == 1
    assert repr(Decimal("1.0")) == "Decimal('1.0')"


def test_whole_numbers_are_exact_up_to_twenty_digits():
    nines = "9" * 20
    assert strictjson.read(f"[{nines},-{nines}]") == [10**20 - 1, 1 - 10**20]


# --- under MicroPython --------------------------------------------------------------------------------------

READ = """
from protocol import strictjson

def shown(value):
    if isinstance(value, dict):
        return "{%s}" % ",".join([shown(name) + ":" + shown(value[name]) for name in sorted(value)])
    if isinstance(value, list):
        return "[%s]" % ",".join([shown(each) for each in value])
    if isinstance(value, str):
        return "%s" % [ord(c) for c in value]
    return repr(value)

import binascii, sys
for line in open(sys.argv[1]):
    try:
        print(shown(strictjson.read(binascii.unhexlify(line.strip()).decode())))
    except ValueError:
        print("refused")
"""


def test_both_interpreters_read_and_refuse_the_same(tmp_path):
    taken = [
        *GOLDEN,
        '"\\ud83d\\ude00 \\/\\b\\f\\n\\r\\t\\"\\\\ \\u706f"',
        " [ null , true,false, -0 , 1.50 ] ",
        "9" * 20,
    ]
    texts = [*taken, *(text for name, text in REFUSED.items() if name != "nothing")]
    (tmp_path / "texts").write_text("".join(text.encode().hex() + "\n" for text in texts))
    said = on_both(READ, str(tmp_path / "texts")).splitlines()
    assert said[len(taken) :] == ["refused"] * (len(REFUSED) - 1)
    assert "refused" not in said[: len(taken)]
    assert said[6] == str([ord(c) for c in '😀 /\b\f\n\r\t"\\ 灯'])
