"""ECDSA over P-256 with SHA-256, for boards without a crypto library.

Curve: SP 800-186 3.2.1.3. Signing and verifying: FIPS 186-5 6.4. Nonce: RFC 6979 3.2. Secrets are 32 bytes,
public keys 65 (SEC 1 2.3.3, uncompressed), big-endian both.

Neither interpreter's integers take the same time for every value: who can time thousands of signatures may
learn the key. This file does not know what it signs, nor where a key is kept.
"""

import binascii
import hashlib

from protocol.p256_comb import COMB

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # how many points there are: a prime

_SPKI = binascii.unhexlify("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_INNER = int.from_bytes(b"\x36" * 64, "big")
_OUTER = int.from_bytes(b"\x5c" * 64, "big")
_ALL_SIGNS = (1 << 264) - 1
_TEETH = sum(1 << 44 * tooth for tooth in range(6))
_INFINITY = (1, 1, 0)  # points at work are Jacobian: x = X / Z**2, y = Y / Z**3


def public_key(secret: bytes) -> bytes:
    """The public key, 65 bytes, of a 32-byte secret; ValueError unless 0 < secret < N."""
    x, y = _affine(_exhaust(_base_times(_scalar(secret))))
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def sign(secret: bytes, message: bytes):
    """(r, s), s <= N // 2, the same for the same secret and message. ValueError unless 0 < secret < N."""
    return _exhaust(sign_steps(secret, message))


def sign_steps(secret: bytes, message: bytes):
    """`sign` as a generator which pauses 22 times, so that a board can take a reading between.

    FIPS 186-5 6.4.1. It yields None and returns (r, s): `r, s = yield from sign_steps(secret, message)`.
    """
    d, e = _scalar(secret), _hash(message)
    for k in _nonces(d, e):
        r = _affine((yield from _base_times(k)))[0] % N
        s = _inverse(k, N) * (e + r * d) % N
        if r and s:
            return r, min(s, N - s)


def verify(public: bytes, message: bytes, r: int, s: int) -> bool:
    """Whether (r, s) is a signature of `message` under `public` (65 bytes); either of the two s will do.

    FIPS 186-5 6.4.2. False too for a key that is no point of the curve, and for r or s outside 1 to N - 1.
    """
    return _exhaust(verify_steps(public, message, r, s))


def verify_steps(public: bytes, message: bytes, r: int, s: int):
    """`verify` as a generator which pauses 54 times, as `sign_steps` does."""
    if not _is_key(public) or not (0 < r < N and 0 < s < N):
        return False
    w = _inverse(s, N)
    ours = yield from _base_times(_hash(message) * w % N)
    point = _add(ours, _affine((yield from _times(r * w % N, _point(public)))))
    return point[2] != 0 and _affine(point)[0] % N == r


def spki(public: bytes) -> bytes:
    """A public key as DER SubjectPublicKeyInfo, 91 bytes (RFC 5480 2); ValueError if it is no public key."""
    if not _is_key(public):
        raise ValueError("not a P-256 public key: 65 bytes, uncompressed, were expected")
    return _SPKI + public


def from_spki(der: bytes) -> bytes:
    """The public key, 65 bytes, in what `spki` makes; ValueError for any other curve, form or length."""
    if der[:26] != _SPKI or not _is_key(der[26:]):
        raise ValueError("not a P-256 public key: 91 bytes of DER, uncompressed, were expected")
    return der[26:]


def _scalar(secret: bytes) -> int:
    d = int.from_bytes(secret, "big")
    if len(secret) != 32 or not 0 < d < N:
        raise ValueError("not a P-256 secret: 32 bytes, below the order and not zero, were expected")
    return d


def _point(public: bytes):
    return int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")


def _is_key(public: bytes) -> bool:
    """SEC 1 3.2.2.1; its last step is void, for the cofactor is 1."""
    if len(public) != 65 or public[0] != 4:
        return False
    x, y = _point(public)
    return x < P and y < P and (y * y - x * (x * x - 3) - B) % P == 0


def _hash(message: bytes) -> int:
    return int.from_bytes(hashlib.sha256(message).digest(), "big")


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) under a key of 32 bytes; MicroPython has no hmac."""
    k = int.from_bytes(key + bytes(32), "big")
    inner = hashlib.sha256((k ^ _INNER).to_bytes(64, "big") + message).digest()
    return hashlib.sha256((k ^ _OUTER).to_bytes(64, "big") + inner).digest()


def _nonces(d: int, e: int):
    """RFC 6979 3.2: candidates for k, without end; all but one message in 2**32 take the first."""
    seed = d.to_bytes(32, "big") + (e % N).to_bytes(32, "big")
    key, value = bytes(32), b"\x01" * 32
    for step in (b"\x00", b"\x01"):
        key = _hmac(key, value + step + seed)
        value = _hmac(key, value)
    while True:
        value = _hmac(key, value)
        k = int.from_bytes(value, "big")
        if 0 < k < N:
            yield k
        key = _hmac(key, value + b"\x00")
        value = _hmac(key, value)


def _exhaust(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _inverse(a: int, m: int) -> int:
    """1 / a modulo the prime m, by Euclid: pow(a, -1, m) is silently 0 on MicroPython."""
    high, low, x, y = m, a, 0, 1
    while low > 1:
        q, rest = divmod(high, low)
        high, low, x, y = low, rest, y, x - q * y
    return y % m


def _base_times(k: int):
    """k times the base point, 0 <= k < N, as a generator: a comb (Lim, Lee: CRYPTO '94) of signs.

    An odd k below 2**264 is the sum over i < 264 of +2**i or -2**i, + where (k + 2**264 - 1) / 2 has bit i.
    Six signs that lie 44 apart choose a stored point or its negative; two such sixes a column, 22 columns.
    """
    signs = (k + (0 if k & 1 else N) + _ALL_SIGNS) >> 1
    point = _INFINITY
    for column in range(21, -1, -1):
        yield
        point = _double(point)
        point = _add(point, _stored(signs >> column, COMB[0]))
        point = _add(point, _stored(signs >> column + 22, COMB[1]))
    return point


def _stored(signs: int, block: bytes):
    pattern = (signs & _TEETH) % 431  # 2**44 is 2 modulo 431: the six signs come to lie side by side
    at = 64 * (pattern & 31 if pattern & 32 else 31 - pattern)
    x = int.from_bytes(block[at : at + 32], "big")
    y = int.from_bytes(block[at + 32 : at + 64], "big")
    return x, (y if pattern & 32 else P - y)


def _times(k: int, point):
    """k times an affine point, bit by bit, as a generator: for verifying, where nothing is secret."""
    total = _INFINITY
    for i in range(255, -1, -1):
        if i & 7 == 7:
            yield
        total = _double(total)
        if k >> i & 1:
            total = _add(total, point)
    return total


def _affine(point):
    x, y, z = point
    w = _inverse(z, P)
    ww = w * w % P
    return x * ww % P, y * ww * w % P


def _double(point):
    """Of infinity, infinity; no other point is its own negative."""
    x, y, z = point
    zz = z * z % P
    y2 = y + y
    yy2 = y2 * y % P
    m = 3 * (x - zz) * (x + zz) % P
    s = 2 * x * yy2 % P
    xx = (m * m - s - s) % P
    return xx, (m * (s - xx) - 2 * yy2 * yy2) % P, y2 * z % P


def _add(point, other):
    """A Jacobian point and an affine one, whatever they are to each other: SEC 1 2.2.1, rules 1 to 5."""
    x, y, z = point
    if z == 0:
        return other[0], other[1], 1
    zz = z * z % P
    h = other[0] * zz % P - x
    r = other[1] * (zz * z % P) % P - y
    if h == 0:
        return _double(point) if r == 0 else _INFINITY
    hh = h * h % P
    v = x * hh % P
    hhh = hh * h % P
    xx = (r * r - hhh - v - v) % P
    return xx, (r * (v - xx) - y * hhh) % P, z * h % P
