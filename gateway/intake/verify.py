"""Second stage: whose record a line is, and whether that unit sealed it.

The key comes from the registry of units, never from the document. This file does not know the chain, the ledger,
the time, or how a line came.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from protocol import p256, record, seal
from protocol.errors import RecordError

LONGEST_LINE = 1 << 20  # bytes; a record of ours is under 2,000
_SHA256 = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A unit of the registry: whose it is, and its public key (DER SubjectPublicKeyInfo, hex)."""

    clinic: str
    key_hex: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A line as it came. `clinic` and `unit` are whom its carrier authenticated, where it did."""

    line: bytes
    clinic: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A record that its unit sealed; `line` is its exact text, `clinic` the unit's."""

    record: record.Record
    line: str
    clinic: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no record, or not of whom it should be: `code` is a finding code, `why` an English sentence."""

    code: str
    why: str
    body: bytes
    clinic: str | None = None
    unit: str | None = None
    us: int | None = None


def verify_all(arrivals: Iterable[Arrival], units: Mapping[str, Enrolled]) -> list[Verified | Refused]:
    """`verify` of each, in order."""
    return [verify(each, units) for each in arrivals]


def verify(arrival: Arrival, units: Mapping[str, Enrolled]) -> Verified | Refused:
    """The record in a line, or why it is refused: malformed, unknown_unit, high_s, bad_seal, wrong_clinic."""
    read: record.Record | None = None
    try:
        payload, section = _split(arrival.line)
        read = record.parse(payload)
        if arrival.unit not in (None, read.unit):
            raise RecordError(
                "wrong_clinic", f"a record of unit {read.unit} came as one of unit {arrival.unit}"
            )
        enrolled = units.get(read.unit)
        if enrolled is None:
            raise RecordError("unknown_unit", f"unit {read.unit} is not in the registry")
        _check_seal(payload, section, enrolled.key_hex)
        if arrival.clinic not in (None, enrolled.clinic):
            raise RecordError(
                "wrong_clinic", f"{arrival.clinic} brought a record of unit {read.unit}, not its own"
            )
    except RecordError as error:
        unit = arrival.unit or (read.unit if read else None)
        body = arrival.line[:LONGEST_LINE]
        return Refused(error.code, error.why, body, arrival.clinic, unit, read.us if read else None)
    return Verified(read, arrival.line.decode("ascii"), enrolled.clinic)


def is_key(key_hex: str) -> bool:
    """Whether `key_hex` is a public key that a unit can have."""
    try:
        p256.from_spki(bytes.fromhex(key_hex))
    except ValueError:
        return False
    return True


def _split(line: bytes) -> tuple[str, dict]:
    if len(line) > LONGEST_LINE:
        sha256 = hashlib.sha256(line).hexdigest()
        raise RecordError("malformed", f"{len(line)} bytes, of which the first MiB is kept; SHA-256 {sha256}")
    return seal.split(line)


def _check_seal(payload: str, section: dict, key_hex: str) -> None:
    r, s = seal.signature_of(section)
    try:
        _key(key_hex).verify(seal.der(r, s), payload.encode(), _SHA256)
    except InvalidSignature:
        raise RecordError("bad_seal", "not signed, or not as it is now, by the unit's key") from None


@lru_cache(maxsize=4096)
def _key(key_hex: str) -> ec.EllipticCurvePublicKey:
    point = p256.from_spki(binascii.unhexlify(key_hex))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
