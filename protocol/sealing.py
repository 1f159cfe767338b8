"""The making of a seal: an OCMF document out of a payload and its signature. All that a unit has to load; seal.py checks.

OCMF 1.0, "Signature Section" (table 8). This file does not know what a payload says, or whose key is whose.
"""

import hashlib

from protocol.errors import EmitError, RecordError
from protocol.p256 import N

HEADER = "OCMF"
ALGORITHM = "ECDSA-secp256r1-SHA256"


def join(payload: str, r: int, s: int) -> str:
    """`payload` and its signature, whose s is lowered; EmitError unless it is printable ASCII without `|`."""
    if not is_plain(payload.encode()) or "|" in payload:
        raise EmitError("a payload is printable ASCII without '|': %r" % payload)
    return '%s|%s|{"SA":"%s","SD":"%s"}' % (HEADER, payload, ALGORITHM, der(r, min(s, N - s)).hex())


def digest(payload: str) -> str:
    """SHA-256 of the payload, 64 lower-case hex digits: what the next record's `UP` repeats."""
    return hashlib.sha256(payload.encode()).digest().hex()


def digest_of(line: str) -> str:
    """The digest of a whole document's payload."""
    return digest(line.split("|", 2)[1])


def der(r: int, s: int) -> bytes:
    """ECDSA-Sig-Value (SEC 1 C.5) of two integers from 0 to 2**256 - 1."""
    body = _der_integer(r) + _der_integer(s)
    return bytes((0x30, len(body))) + body


def undo_der(raw: bytes):
    """(r, s) such that der(r, s) is `raw`; RecordError("malformed") if there are none.

    DER writes a pair in one way only (X.690 10.1, 8.3.2): what differs from that way need not be told apart.
    """
    if len(raw) >= 8:
        end = 4 + raw[3]
        r, s = int.from_bytes(raw[4:end], "big"), int.from_bytes(raw[end + 2 :], "big")
        if not (r | s) >> 256 and der(r, s) == raw:
            return r, s
    raise RecordError("malformed", "SD is not DER of two integers")


def _der_integer(number: int) -> bytes:
    octets = number.to_bytes(33, "big").lstrip(b"\x00")
    if not octets or octets[0] & 0x80:
        octets = b"\x00" + octets
    return bytes((0x02, len(octets))) + octets


def is_plain(raw: bytes) -> bool:
    """Whether these are printable ASCII characters, and some."""
    return len(raw) > 0 and min(raw) >= 0x20 and max(raw) <= 0x7E
