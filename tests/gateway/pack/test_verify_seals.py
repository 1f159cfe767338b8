"""The P-256 of `verify.py` agrees with the standards' vectors, with OpenSSL, and with what refuses a second form of a signature."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.pack import verify
from protocol import p256, seal
from tests.support.chain import Writer
from tests.support.outside import openssl_accepts
from tests.support.tools import CHECKOUT

VECTORS = json.loads((CHECKOUT / "tests/vectors/p256.json").read_text())
OTHER_SPELLINGS = ("compressed key", "hybrid key")
SECRETS = st.integers(1, verify.N - 1)


def spki(public: bytes) -> str:
    """The form in which registries hold keys, whatever the public key is."""
    return (bytes.fromhex(verify.SPKI)[:-1] + public).hex()


def openssl_verifies(key: ec.EllipticCurvePublicKey, message: bytes, r: int, s: int) -> bool:
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS["verify"], ids=lambda vector: vector["why"].replace(" ", "_"))
def test_it_says_of_each_vector_what_the_standards_say(vector):
    key, message = bytes.fromhex(vector["public"]), bytes.fromhex(vector["message"])
    r, s = (int(vector[name], 16) for name in ("r", "s"))
    expected = vector["valid"] and vector["why"] not in OTHER_SPELLINGS
    assert verify.is_signed(spki(key), message, r, s) is expected


@pytest.mark.parametrize("vector", VECTORS["sign"])
def test_it_accepts_what_rfc_6979_signs_and_nothing_beside_it(vector):
    key, message = spki(bytes.fromhex(vector["public"])), bytes.fromhex(vector["message"])
    r, s = (int(vector[name], 16) for name in ("r", "s"))
    assert verify.is_signed(key, message, r, s)
    for wrong in ((message + b"x", r, s), (message, r + 1, s), (message, r, s - 1), (message, s, r)):
        assert not verify.is_signed(key, *wrong)


@given(SECRETS, st.binary(max_size=200), st.integers(0, 255))
@example(1, b"", 0)
@example(verify.N - 1, b"the base point upside down", 7)
@settings(max_examples=25)
def test_it_agrees_with_openssl_on_any_key_and_message_and_on_a_flipped_bit(secret, message, bit):
    ours = ec.derive_private_key(secret, ec.SECP256R1())
    numbers = ours.public_key().public_numbers()
    key = spki(b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))
    r, s = decode_dss_signature(ours.sign(message, ec.ECDSA(hashes.SHA256())))
    assert verify.is_signed(key, message, r, s)
    for other in ((r ^ 1 << bit, s), (r, s ^ 1 << bit)):
        assert verify.is_signed(key, message, *other) == openssl_verifies(ours.public_key(), message, *other)


@pytest.mark.parametrize("r, s", [(0, 1), (1, 0), (verify.N, 1), (1, verify.N), (-1, 1)])
def test_numbers_out_of_range_sign_nothing(r, s):
    assert not verify.is_signed(Writer().key_hex, b"message", r, s)


@given(st.integers(1, verify.N - 1), st.integers(1, verify.N // 2))
def test_der_is_read_in_its_one_form_only(r, s):
    raw = seal.der(r, s)
    assert verify.undo_der(raw) == (r, s)
    for other in (raw + b"\0", raw[:-1], b"\x31" + raw[1:], raw[:1] + b"\x81" + raw[1:], _padded(raw)):
        with pytest.raises((ValueError, IndexError)):
            verify.undo_der(other)


def _padded(raw: bytes) -> bytes:
    """The same numbers with a zero more in front of r."""
    return bytes((raw[0], raw[1] + 1, raw[2], raw[3] + 1, 0)) + raw[4:]


def test_the_higher_s_of_two_is_refused_though_openssl_takes_it():
    writer = Writer()
    line = writer.boot().decode()
    payload, section = seal.split(line)
    r, s = seal.signature_of(section)
    other = f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{seal.der(r, p256.N - s).hex()}"}}'
    assert openssl_accepts(line, writer.key_hex) and openssl_accepts(other, writer.key_hex)
    assert verify.Record(line.encode()).seal == (r, s)
    with pytest.raises(ValueError, match="high s"):
        verify.Record(other.encode())


def test_it_takes_a_record_that_openssl_takes_and_none_that_it_refuses():
    writer = Writer()
    lines = [line.decode() for line in writer.day(1)]
    for line in (*lines, lines[0].replace("POWER_ON", "POWER_UP")):
        record = verify.Record(line.encode())
        expected = openssl_accepts(line, writer.key_hex)
        assert verify.is_signed(writer.key_hex, record.payload, *record.seal) is expected


def test_the_golden_chain_holds_under_its_key():
    key = (CHECKOUT / "tests/vectors/golden.pub").read_text().strip()
    files = {"records/U-0007A3F2.ocmf": (CHECKOUT / "tests/vectors/golden.ocmf").read_bytes()}
    chain: list[verify.Record] = []
    found = list(verify.read_chain(files, "U-0007A3F2", key, set(), True, chain))
    assert len(chain) == 6 and {each.what.split(" | ")[1] for each in found} == {"record not as its receipt"}
