"""A seal holds the exact bytes of a payload; what holds them less exactly is refused, with a code."""

from __future__ import annotations

import base64
import json
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import p256, seal
from protocol.errors import EmitError, RecordError, WitnessError
from tests.support.both import on_both
from tests.support.tools import CHECKOUT

GOLDEN = (CHECKOUT / "tests/vectors/golden.ocmf").read_text().splitlines()
PUB = (CHECKOUT / "tests/vectors/golden.pub").read_text().strip()
KEY = p256.from_spki(bytes.fromhex(PUB))
SESSION = GOLDEN[3]
PAYLOAD, SECTION = seal.split(SESSION)
SD = SECTION["SD"]
DER = bytes.fromhex(SD)
R, S = seal.signature_of(SECTION)
SECRET = bytes(range(32))


def by_golden_key(message: bytes, r: int, s: int) -> bool:
    return p256.verify(KEY, message, r, s)


def refused_as(line: bytes | str) -> str:
    with pytest.raises(RecordError) as caught:
        seal.check(line, by_golden_key)
    return caught.value.code


def with_section(section: str) -> str:
    return f"OCMF|{PAYLOAD}|{section}"


def with_octets(octets: bytes) -> str:
    return with_section(f'{{"SA":"ECDSA-secp256r1-SHA256","SD":"{octets.hex()}"}}')


def tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def flipped(text: str, at: int) -> str:
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


# --- what is taken, what is refused, and as what ------------------------------------------------------------

_R, _S = tlv(2, R.to_bytes(32, "big")), tlv(2, S.to_bytes(32, "big"))
_BASE64 = base64.b64encode(DER).decode()

GOOD = {
    "as we write it": SESSION,
    "without SA, whose default is our algorithm": with_section(f'{{"SD":"{SD}"}}'),
    "with every default written out": with_section(
        f'{{"SD":"{SD}","SM":"application/x-der","SE":"hex","SA":"ECDSA-secp256r1-SHA256"}}'
    ),
    "hex in capitals": with_section(f'{{"SD":"{SD.upper()}"}}'),
    "base64": with_section(f'{{"SE":"base64","SD":"{_BASE64}"}}'),
    "with spaces": with_section(f' {{ "SD" : "{SD}" }} '),
    "with fields of others": with_section(f'{{"PK":"00","SD":"{SD}","UX":{{"SD":"00"}},"AB":[1]}}'),
}
NOT_OCMF = {
    "nothing": "",
    "no bars": "OCMF",
    "two parts": f"OCMF|{PAYLOAD}",
    "a key as fourth part": f"{SESSION}|{PUB}",
    "a bar at the end": SESSION + "|",
    "another header": "OCMG" + SESSION[4:],
    "a small header": "ocmf" + SESSION[4:],
    "a space in front": " " + SESSION,
    "a byte order mark in front": "\ufeff" + SESSION,
    "a line break at the end": SESSION + "\n",
    "a carriage return at the end": SESSION + "\r",
    "a NUL in the payload": SESSION.replace("kWh", "k\0h", 1),
    "DEL in the payload": SESSION.replace("kWh", "k\x7fh", 1),
    "Chinese text": SESSION.replace("BAR", "灯", 1),
    "Latin letters with accents": SESSION.replace("BAR", "BÄR", 1),
    "hex as a whole": SESSION.encode().hex(),
}
NOT_SECTIONS = {
    "an empty section": "",
    "no JSON": "signature",
    "a list": f'["{SD}"]',
    "a string": f'"{SD}"',
    "null": "null",
    "text after the object": f'{{"SD":"{SD}"}} x',
    "SD twice": f'{{"SD":"{SD}","SD":"{SD}"}}',
    "SD twice, once in escapes": f'{{"SD":"{SD}","\\u0053D":"{SD}"}}',
    "SA twice": f'{{"SA":"ECDSA-secp256r1-SHA256","SD":"{SD}","SA":"ECDSA-secp256r1-SHA256"}}',
    "another algorithm": f'{{"SA":"ECDSA-secp256k1-SHA256","SD":"{SD}"}}',
    "the algorithm in small letters": f'{{"SA":"ecdsa-secp256r1-sha256","SD":"{SD}"}}',
    "SA null": f'{{"SA":null,"SD":"{SD}"}}',
    "another mime type": f'{{"SM":"application/x-pem","SD":"{SD}"}}',
    "another encoding": f'{{"SE":"HEX","SD":"{SD}"}}',
    "SE null": f'{{"SE":null,"SD":"{SD}"}}',
    "no SD": '{"SA":"ECDSA-secp256r1-SHA256"}',
    "an empty SD": '{"SD":""}',
    "SD null": '{"SD":null}',
    "SD a number": '{"SD":3044}',
    "SD a list": f'{{"SD":["{SD}"]}}',
    "half a byte of hex": f'{{"SD":"{SD[:-1]}"}}',
    "hex with a space": f'{{"SD":"{SD[:4]} {SD[4:]}"}}',
    "hex with 0x": f'{{"SD":"0x{SD}"}}',
    "base64 that calls itself hex": f'{{"SD":"{_BASE64}"}}',
    "hex that calls itself base64": f'{{"SE":"base64","SD":"{SD}"}}',
    "base64 without padding": f'{{"SE":"base64","SD":"{_BASE64.rstrip("=")}"}}',
    "base64 with a line break": f'{{"SE":"base64","SD":"{_BASE64[:8]}\\n{_BASE64[8:]}"}}',
    "base64 with a foreign letter": f'{{"SE":"base64","SD":"{_BASE64[:8]}!{_BASE64[8:]}"}}',
    "base64 with something after it": f'{{"SE":"base64","SD":"{_BASE64}AAAA"}}',
}
NOT_DER = {
    "an empty sequence": tlv(0x30, b""),
    "a byte after the sequence": DER + b"\0",
    "a byte after s": tlv(0x30, _R + _S + b"\0"),
    "a third integer": tlv(0x30, _R + _S + tlv(2, b"\1")),
    "no s": tlv(0x30, _R),
    "the last byte missing": DER[:-1],
    "a sequence too short by one": b"\x30\x43" + _R + _S,
    "a sequence too long by one": b"\x30\x45" + _R + _S,
    "a set": tlv(0x31, _R + _S),
    "r a bit string": tlv(0x30, b"\3" + _R[1:] + _S),
    "s an octet string": tlv(0x30, _R + b"\4" + _S[1:]),
    "a long-form length of the sequence": b"\x30\x81\x44" + _R + _S,
    "a long-form length of r": b"\x30\x45\x02\x81\x20" + _R[2:] + _S,
    "a longer-form length": b"\x30\x82\x00\x44" + _R + _S,
    "an indefinite length": b"\x30\x80" + _R + _S + b"\0\0",
    "r with a zero too many": tlv(0x30, tlv(2, b"\0" + _R[2:]) + _S),
    "s with a zero too many": tlv(0x30, _R + tlv(2, b"\0" + _S[2:])),
    "r negative for want of a zero": tlv(0x30, tlv(2, b"\x80" + _R[3:]) + _S),
    "s negative for want of a zero": tlv(0x30, _R + tlv(2, b"\xff" * 32)),
    "r without a byte": tlv(0x30, tlv(2, b"") + _S),
    "r longer than the whole": b"\x30\x44\x02\x7f" + _R[2:] + _S,
    "r of 264 bits": tlv(0x30, tlv(2, b"\1" + bytes(32)) + _S),
    "s of 480 bits": tlv(0x30, tlv(2, b"\1") + tlv(2, b"\1" * 60)),
    "r and s of 64 bytes, bare": _R[2:] + _S[2:],
    "two kilobytes": tlv(0x30, _R + _S) + bytes(2048),
}
BAD_NUMBERS = {
    "the higher s": (R, p256.N - S, "high_s"),
    "s just above half": (R, p256.N // 2 + 1, "high_s"),
    "s = N": (R, p256.N, "high_s"),
    "s = 2**256 - 1": (R, 2**256 - 1, "high_s"),
    "s = half": (R, p256.N // 2, "bad_seal"),
    "r = 0": (0, S, "bad_seal"),
    "s = 0": (R, 0, "bad_seal"),
    "r = N": (p256.N, S, "bad_seal"),
    "r = 2**256 - 1": (2**256 - 1, S, "bad_seal"),
    "r and s exchanged": (S, R, "bad_seal"),
}
BAD = (
    {name: (line, "malformed") for name, line in NOT_OCMF.items()}
    | {name: (with_section(section), "malformed") for name, section in NOT_SECTIONS.items()}
    | {name: (with_octets(octets), "malformed") for name, octets in NOT_DER.items()}
    | {name: (with_octets(seal.der(r, s)), code) for name, (r, s, code) in BAD_NUMBERS.items()}
    | {"one digit of the payload changed": (SESSION.replace('"UA":1255', '"UA":1256'), "bad_seal")}
    | {"another record's section": (with_section(GOLDEN[0].split("|")[2]), "bad_seal")}
)


@pytest.mark.parametrize("name", GOOD)
def test_every_way_that_ocmf_lets_one_write_a_signature_is_read(name):
    assert seal.check(GOOD[name], by_golden_key) == PAYLOAD


@pytest.mark.parametrize("name", BAD)
def test_everything_else_is_refused_with_its_code(name):
    line, code = BAD[name]
    assert refused_as(line) == code
    assert refused_as(line.encode()) == code


def test_both_interpreters_refuse_the_same_lines_with_the_same_codes_and_take_the_same(tmp_path):
    lines = [line for line, _ in BAD.values()] + list(GOOD.values())
    (tmp_path / "lines").write_text("".join(line.encode().hex() + "\n" for line in lines))
    script = f"""
import binascii
from protocol import p256, seal
from protocol.errors import RecordError

key = p256.from_spki(binascii.unhexlify({PUB!r}))
for line in open({str(tmp_path / "lines")!r}):
    try:
        print(seal.digest(seal.check(binascii.unhexlify(line.strip()), lambda *all: p256.verify(key, *all))))
    except RecordError as error:
        print(error.code)
"""
    assert on_both(script).split() == [code for _, code in BAD.values()] + [seal.digest(PAYLOAD)] * len(GOOD)


def test_a_lone_surrogate_is_refused_as_malformed():
    assert refused_as(SESSION.replace("BAR", "\ud800", 1)) == "malformed"


@given(st.binary() | st.text())
def test_whatever_comes_is_refused_as_malformed_and_nothing_else_happens(line):
    assert refused_as(line) == "malformed"


@given(st.binary(max_size=40) | st.text(max_size=40), st.integers(0, len(SESSION)), st.integers(0, 3))
def test_no_insertion_or_replacement_makes_another_record(change, at, length):
    text = change.decode("latin-1") if isinstance(change, bytes) else change
    line = SESSION[:at] + text + SESSION[at + length :]
    try:
        assert seal.check(line, by_golden_key) == PAYLOAD
    except RecordError as error:
        assert error.code in ("malformed", "high_s", "bad_seal")


# --- the golden chain ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", GOLDEN, ids=range(1, 7))
def test_the_golden_records_verify_and_are_written_as_we_write_them(line):
    payload = seal.check(line, by_golden_key)
    _, section = seal.split(line)
    assert seal.join(payload, *seal.signature_of(section)) == line


def test_each_golden_record_names_the_digest_of_the_one_before():
    payloads = [seal.check(line, by_golden_key) for line in GOLDEN]
    named = [json.loads(payload)["UP"] for payload in payloads]
    assert named == ["0" * 64] + [seal.digest(payload) for payload in payloads[:-1]]


def test_golden_records_verify_and_their_tampered_twins_do_not_under_both_interpreters():
    script = f"""
import binascii
from protocol import p256, seal
from protocol.errors import RecordError

def code(line, public):
    try:
        return seal.check(line, lambda *all: p256.verify(public, *all)) and "good"
    except RecordError as error:
        return error.code

key = p256.from_spki(binascii.unhexlify({PUB!r}))
other = p256.public_key(b"7" * 32)
with open("tests/vectors/golden.ocmf") as file:
    lines = file.read().strip().split("\\n")
for line in lines:
    last = line[:-3] + ("1" if line[-3] == "0" else "0") + line[-2:]
    print(code(line, key), code(line.replace("BAR", "BAZ"), key), code(last, key), code(line, other))
"""
    assert on_both(script) == "good bad_seal bad_seal bad_seal\n" * 6


def test_no_byte_of_a_payload_can_change_unseen():
    section = SESSION.split("|")[2]
    codes = {refused_as(f"OCMF|{flipped(PAYLOAD, at)}|{section}") for at in range(len(PAYLOAD))}
    assert codes == {"bad_seal", "malformed"}  # malformed where } becomes a bar


def test_no_digit_of_a_signature_can_change_unseen():
    codes = {refused_as(SESSION.replace(SD, flipped(SD, at))) for at in range(len(SD))}
    assert codes == {"bad_seal", "malformed"}


# --- DER ----------------------------------------------------------------------------------------------------

numbers = st.integers(0, 2**256 - 1)


@given(numbers, numbers)
@example(0, 2**256 - 1)
@example(127, 128)
def test_der_is_that_of_openssl_and_comes_back(r, s):
    assert seal.der(r, s) == encode_dss_signature(r, s)
    assert seal.undo_der(seal.der(r, s)) == (r, s)


@given(numbers, numbers, st.integers(0, 80), st.integers(0, 2), st.binary(max_size=3))
def test_what_is_read_from_damaged_der_is_what_openssl_reads_and_is_written_so_again(r, s, at, length, put):
    whole = seal.der(r, s)
    damaged = whole[:at] + put + whole[at + length :]
    try:
        read = seal.undo_der(damaged)
    except RecordError as error:
        assert error.code == "malformed"
    else:
        assert read == decode_dss_signature(damaged)
        assert seal.der(*read) == damaged


# --- sealing ------------------------------------------------------------------------------------------------


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="|"), min_size=1))
def test_what_is_sealed_checks_and_holds_the_payload(payload):
    line = seal.seal(payload, lambda message: p256.sign(SECRET, message))
    public = p256.public_key(SECRET)
    assert seal.check(line, lambda *signed: p256.verify(public, *signed)) == payload
    assert seal.check(line.encode(), lambda *signed: p256.verify(public, *signed)) == payload


def test_a_signer_that_gives_the_higher_s_does_not_get_it_into_a_record():
    assert seal.seal(PAYLOAD, lambda message: (R, p256.N - S)) == SESSION


@pytest.mark.parametrize("payload", ("", "a|b", "灯", "a\nb", "a\tb", "\x7f", "\0"))
def test_a_payload_that_could_not_be_read_back_is_not_sealed(payload):
    with pytest.raises(EmitError):
        seal.seal(payload, lambda message: (R, S))


def test_errors_say_whose_fault_they_are_and_can_travel_between_processes():
    ours, theirs = EmitError("said too much"), RecordError("high_s", "of two, the higher")
    assert isinstance(ours, WitnessError) and isinstance(theirs, WitnessError)
    assert not isinstance(ours, RecordError)
    assert (theirs.code, theirs.why, str(theirs)) == (
        "high_s",
        "of two, the higher",
        "high_s: of two, the higher",
    )
    again = pickle.loads(pickle.dumps(theirs))
    assert (type(again), again.code, again.why) == (RecordError, theirs.code, theirs.why)
