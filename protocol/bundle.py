"""A release of a unit's program as it travels: a signed offer, and the image in pieces.

    offer   "WWR1"; the release's number and the image's length, 32 bits each, big-endian; the image's SHA-256; the
            version, 16 octets of ASCII padded with zeros; and by the release key over all that r and s, 32 octets each
    bundle  the offer and the image after it: one file

This file does not know who signs, nor where an image is kept.
"""

import hashlib
import struct

from protocol.errors import RecordError

PIECE = 512  # octets of the image in one message
OFFER = 124
ROOM = "release"  # in a unit's place: pieces are told to all of a clinic, ww/1/<clinic>/release/<number>
MOST = 99999999  # the highest number of a release: a unit notes it in 27 bits
_MARK = b"WWR1"
_SIGNED = 60


def describe(release: int, version: str, image: bytes) -> bytes:
    """What the release key signs."""
    return struct.pack(
        ">4sII32s16s", _MARK, release, len(image), hashlib.sha256(image).digest(), version.encode()
    )


def offer(signed: bytes, r: int, s: int) -> bytes:
    """What is told to a unit."""
    return signed + r.to_bytes(32, "big") + s.to_bytes(32, "big")


def read(octets: bytes):
    """(release, length, digest, version, signed, r, s) of an offer; RecordError("malformed") for anything else."""
    if len(octets) != OFFER or octets[:4] != _MARK:
        raise RecordError("malformed", "this is no offer of a release")
    _, release, length, digest, version = struct.unpack(">4sII32s16s", octets[:_SIGNED])
    version = version.rstrip(b"\0")
    if not all(32 <= each < 127 for each in version):
        raise RecordError("malformed", "a version that is no ASCII")
    r, s = [int.from_bytes(octets[at : at + 32], "big") for at in (_SIGNED, _SIGNED + 32)]
    if not 0 < release <= MOST:
        raise RecordError("malformed", "a release of no number")
    return release, length, digest, version.decode(), octets[:_SIGNED], r, s


def pieces(length: int) -> int:
    """In how many pieces an image of so many octets travels."""
    return (length + PIECE - 1) // PIECE
