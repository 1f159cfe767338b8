"""Verifying a run of records: by heads, against a library that verifies every signature."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.intake import verify
from gateway.intake.verify import Arrival, Enrolled
from protocol import p256, seal
from tests.bench.chains import chains
from tests.bench.figures import Figure, alternating, seconds

_SHA256 = ec.ECDSA(SHA256())


def figures(scale: float) -> list[Figure]:
    (writer,) = chains(1, round(20_000 * scale))
    units = {writer.unit: Enrolled("C001", writer.key_hex)}
    arrivals = [Arrival(line, "C001", writer.unit) for line in writer.lines]
    key = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), p256.from_spki(bytes.fromhex(writer.key_hex))
    )
    signed = [
        (payload.encode(), seal.der(*_signature(line)))
        for payload, line in zip(writer.payloads(), writer.lines, strict=True)
    ]

    def every() -> float:
        return seconds(lambda: [key.verify(signature, message, _SHA256) for message, signature in signed])

    def ours() -> float:
        ends = {writer.unit: "0" * 64}
        return seconds(lambda: verify.verify_all(arrivals, units, ends))

    by_heads, by_library = (len(arrivals) / each for each in alternating(3, ours, every))
    met = by_heads >= 10 * by_library
    return [
        Figure(
            "verification", "连续记录的核验", "verifying a contiguous run", by_heads, "records/s", by_library,
            "every signature by `cryptography`", ">= 10 x", met,
        )
    ]  # fmt: skip


def _signature(line: bytes) -> tuple[int, int]:
    return seal.signature_of(seal.split(line)[1])
