"""Verify: the key comes from the registry, the bytes are those that came, and every refusal has its name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.verify import (
    LONGEST_LINE,
    Arrival,
    Enrolled,
    Refused,
    Verified,
    is_key,
    verify,
    verify_all,
)
from protocol import seal
from protocol.p256 import N
from tests.support.chain import Writer

WRITER = Writer("U1")
WRITER.day(sessions=1)
LINE = WRITER.lines[-1]
UNITS = {
    "U1": Enrolled("C001", WRITER.key_hex),
    "U2": Enrolled("C002", Writer("U2").key_hex),
}
GOLDEN = Path(__file__).parents[1] / "vectors"


def code_of(found: Verified | Refused) -> str | None:
    return found.code if isinstance(found, Refused) else None


def code(arrival: Arrival) -> str | None:
    return code_of(verify(arrival, UNITS))


def test_a_sealed_record_is_verified_with_its_exact_bytes():
    found = verify(Arrival(LINE, "C001", "U1"), UNITS)
    assert isinstance(found, Verified)
    assert (found.line.encode(), found.clinic, found.record.us) == (LINE, "C001", len(WRITER.lines))


def test_the_golden_chain_is_verified_and_each_tampered_twin_is_not():
    lines = (GOLDEN / "golden.ocmf").read_bytes().splitlines()
    units = {"U-0007A3F2": Enrolled("C001", (GOLDEN / "golden.pub").read_text().strip())}
    assert all(isinstance(each, Verified) for each in verify_all([Arrival(line) for line in lines], units))
    twins = [line.replace(b'"UM":', b'"UM":1') for line in lines]
    codes = [code_of(each) for each in verify_all([Arrival(twin) for twin in twins], units)]
    assert codes == ["bad_seal"] * len(lines)


def test_a_record_of_a_unit_that_nobody_enrolled_is_unknown():
    assert code(Arrival(Writer("U9").boot())) == "unknown_unit"


def test_a_record_sealed_by_another_key_is_refused_whatever_key_it_brings():
    forged = Writer("U1", key="somebody else").boot()
    assert code(Arrival(forged)) == "bad_seal"
    assert code(Arrival(forged + b"|" + WRITER.key_hex.encode())) == "malformed"


def test_the_higher_of_two_valid_signatures_is_refused():
    payload, section = seal.split(LINE)
    r, s = seal.signature_of(section)
    high = json.dumps({"SA": section["SA"], "SD": seal.der(r, N - s).hex()})
    assert code(Arrival(f"OCMF|{payload}|{high}".encode())) == "high_s"


@pytest.mark.parametrize(
    "arrival",
    [Arrival(LINE, "C002"), Arrival(LINE, "C001", "U3"), Arrival(LINE, "C002", "U1")],
    ids=["another clinic brings it", "it comes as another unit's", "another clinic's topic"],
)
def test_a_record_brought_by_somebody_else_is_refused(arrival):
    assert code(arrival) == "wrong_clinic"


def test_a_forged_record_is_laid_at_the_door_of_who_brought_it():
    found = verify(Arrival(Writer("U2", key="nobody").boot(), "C001", "U1"), UNITS)
    assert isinstance(found, Refused) and (found.unit, found.code) == ("U1", "wrong_clinic")


@given(st.integers(0, LINE.rindex(b"|")), st.integers(1, 255))
def test_no_record_with_any_byte_of_its_payload_changed_is_verified(at, change):
    assert code(Arrival(LINE[:at] + bytes([LINE[at] ^ change]) + LINE[at + 1 :])) is not None


@given(st.binary(max_size=300))
def test_no_bytes_whatever_make_it_fail(line):
    assert code(Arrival(line)) is not None


@given(
    st.sampled_from(
        [b'{"a":' * 900, b"[" * 5000, b'{"US":1e9}', b'{"US":' + b"9" * 5000 + b"}", b'{"US":1,"US":2}']
    )
)
def test_hostile_json_is_malformed(payload):
    assert code(Arrival(b"OCMF|" + payload + b"|{}")) == "malformed"


def test_of_an_endless_line_a_piece_is_kept_and_the_rest_named_by_its_hash():
    found = verify(Arrival(b"x" * (LONGEST_LINE + 7)), UNITS)
    assert isinstance(found, Refused) and found.code == "malformed"
    assert len(found.body) == LONGEST_LINE
    assert "1048583 bytes" in found.why


def test_a_public_key_is_a_point_of_the_curve():
    assert is_key(WRITER.key_hex)
    assert not is_key(WRITER.key_hex[:-2] + "00")
    assert not is_key("zz" * 91)
    assert not is_key(WRITER.key_hex[2:])


def test_whose_a_record_is_the_registry_says():
    found = verify(Arrival(LINE), {"U1": replace(UNITS["U1"], clinic="C009")})
    assert isinstance(found, Verified) and found.clinic == "C009"
