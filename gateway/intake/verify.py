"""Second stage: whose record a line is, and whether that unit sealed it.

The key comes from the registry of units, never from the document. This file does not know the chain, the ledger,
the time, or how a line came.
"""

from __future__ import annotations

import binascii
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gateway import canonical
from gateway.uncollected import uncollected
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


@dataclass(slots=True)
class Verified:
    """A record that its unit sealed; `line` is its exact text, `clinic` the unit's. `vouched`: what it says is proven by the
    seal of a later record that rests on it, and its own seal is still to be looked at."""

    record: record.Record
    line: str
    clinic: str
    vouched: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no record, or not of whom it should be: `code` is a finding code, `why` an English sentence."""

    code: str
    why: str
    body: bytes
    clinic: str | None = None
    unit: str | None = None
    us: int | None = None


def verify_all(
    arrivals: Iterable[Arrival], units: Mapping[str, Enrolled], ends: Mapping[str, str] | None = None
) -> list[Verified | Refused]:
    """`verify` of each, in order.

    With `ends` (unit -> what the next record of its chain must name in its `UP`, of units of which nothing waits to be
    joined), of records that go on a unit's chain one after the other only the last one's seal is looked at. A good seal on the
    last of a run proves what the others say (FORMAT.md, Verifying). Whoever takes them so owes each of them a look at its own
    seal: `look_again`.
    """
    arrivals = list(arrivals)
    if not ends:
        return [verify(each, units) for each in arrivals]
    ends = dict(ends)
    said: dict[int, Verified | Refused] = {}
    with uncollected():
        for places, read in _runs(arrivals):
            run = [arrivals[place] for place in places]
            said.update(zip(places, _verify_run(run, read, units, ends), strict=True))
    return [said[place] for place in range(len(arrivals))]


_Read = Sequence[record.Record | None]
"""The records in some arrivals, where they are in the form of units; their seals were not looked at."""


def _runs(arrivals: Sequence[Arrival]) -> Iterator[tuple[Sequence[int], _Read]]:
    """The places of all arrivals, together where each is the next of its unit after the one before and came as it did: units
    that speak at the same time do not part each other's runs."""
    of_unit: dict[tuple[str | None, str | None, bytes], list[int]] = defaultdict(list)
    for place, each in enumerate(arrivals):
        of_unit[each.clinic, each.unit, _named(each.line)].append(place)
    for places in of_unit.values():
        first = 0
        for read in canonical.chained(arrivals[place].line for place in places):
            yield places[first : first + len(read)], read
            first += len(read)


def _named(line: bytes) -> bytes:
    """What stands where units write their names: enough to sort by, and believed by nobody."""
    return line.partition(b'"GS":"')[2].partition(b'"')[0]


def _verify_run(
    run: Sequence[Arrival], read: _Read, units: Mapping[str, Enrolled], ends: dict[str, str]
) -> list[Verified | Refused]:
    """What is said of a run; where it goes on a chain `ends` is brought to its end."""
    first, last = read[0], None
    if len(run) > 1 and first is not None and ends.get(first.unit) == first.up:
        last = verify(run[-1], units)
    if last is None or isinstance(last, Refused):
        said = [verify(each, units) for each in run[:-1]]
        said.append(last or verify(run[-1], units))
        for each in said:
            if isinstance(each, Verified):
                _go_on(ends, each.record)
        return said
    ends[last.record.unit] = last.record.digest
    clinic = last.clinic
    before = [each for each in read[:-1] if each is not None]
    return [*[Verified(each, each.line, clinic, True) for each in before], last]  # type: ignore[attr-defined]


def _go_on(ends: dict[str, str], read: record.Record) -> None:
    """A record that does not go on its unit's chain may wait aside, or make a fork: from there on every seal is looked at."""
    if ends.get(read.unit) == read.up:
        ends[read.unit] = read.digest
    else:
        ends.pop(read.unit, None)


Spread = Callable[[Callable[[Arrival], Verified | Refused], Iterable[Arrival]], Iterable[Verified | Refused]]


def look_again(
    lines: Iterable[tuple[int, str, str]], units: Mapping[str, Enrolled], spread: Spread = map
) -> dict[int, Refused]:
    """Of (number, clinic, line) the numbers of those that are refused when their own seal is looked at, and why. `spread` may
    share the work among threads."""
    told = list(lines)
    arrivals = [Arrival(line.encode("ascii"), clinic) for _, clinic, line in told]
    pairs = zip(told, spread(lambda each: verify(each, units), arrivals), strict=True)
    return {number: said for (number, *_), said in pairs if isinstance(said, Refused)}


def verify(arrival: Arrival, units: Mapping[str, Enrolled]) -> Verified | Refused:
    """The record in a line, or why it is refused: malformed, unknown_unit, high_s, bad_seal, wrong_clinic."""
    read: record.Record | None = None
    try:
        read, signature = _read(arrival.line)
        if arrival.unit not in (None, read.unit):
            raise RecordError(
                "wrong_clinic", f"a record of unit {read.unit} came as one of unit {arrival.unit}"
            )
        enrolled = units.get(read.unit)
        if enrolled is None:
            raise RecordError("unknown_unit", f"unit {read.unit} is not in the registry")
        _check_seal(read.payload, signature, enrolled.key_hex)
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
        p256.from_spki(binascii.unhexlify(key_hex))
    except ValueError:
        return False
    return True


def _read(line: bytes) -> tuple[record.Record, bytes | dict]:
    """The record in a line, and its signature (DER) or, where it may still be malformed, its signature section."""
    swift = canonical.sealed(line)
    if swift is not None:
        return swift
    payload, section = _split(line)
    return record.parse(payload), section


def _split(line: bytes) -> tuple[str, dict]:
    if len(line) > LONGEST_LINE:
        sha256 = hashlib.sha256(line).hexdigest()
        raise RecordError("malformed", f"{len(line)} bytes, of which the first MiB is kept; SHA-256 {sha256}")
    return seal.split(line)


def _check_seal(payload: str, signature: bytes | dict, key_hex: str) -> None:
    if isinstance(signature, dict):
        signature = seal.der(*seal.signature_of(signature))
    try:
        _key(key_hex).verify(signature, payload.encode(), _SHA256)
    except InvalidSignature:
        raise RecordError("bad_seal", "not signed, or not as it is now, by the unit's key") from None


@lru_cache(maxsize=4096)
def _key(key_hex: str) -> ec.EllipticCurvePublicKey:
    point = p256.from_spki(binascii.unhexlify(key_hex))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
