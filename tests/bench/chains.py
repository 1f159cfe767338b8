"""Long chains of records under real seals, made fast: the signatures are `cryptography`'s."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from protocol import p256
from tests.support.chain import Writer

_SHA256 = ec.ECDSA(SHA256())


class FastWriter(Writer):
    """A unit that signs by the machine's library."""

    def __init__(self, unit: str):
        super().__init__(unit)
        self._fast = ec.derive_private_key(int.from_bytes(self._secret, "big") % p256.N, ec.SECP256R1())

    def sign(self, message: bytes) -> tuple[int, int]:
        return decode_dss_signature(self._fast.sign(message, _SHA256))


def chains(units: int, records: int) -> list[FastWriter]:
    """So many units with so many records each: a boot, then quiet minutes."""
    writers = [FastWriter(f"U{number}") for number in range(units)]
    for writer in writers:
        writer.boot()
        while len(writer.lines) < records:
            writer.alive(10)
    return writers
