"""The seal: an OCMF document's signature section over the exact bytes of its payload section.

    OCMF|<payload>|{"SA":"ECDSA-secp256r1-SHA256","SD":"<DER, hex>"}

OCMF 1.0, "Signature Section" (table 8). Signed are the bytes between the first `|` and the second as they
came, not as we would have written them. Of (r, s) and (r, N - s), both valid, only the lower s is taken:
nobody can make a second signature out of the first. This file does not know what a payload says, or whose key
is whose.
"""

import binascii

from protocol import strictjson
from protocol.errors import RecordError
from protocol.p256 import N
from protocol.sealing import ALGORITHM, HEADER, der, digest, digest_of, is_plain, join, undo_der  # noqa: F401

MIME_TYPE = "application/x-der"


def seal(payload: str, sign) -> str:
    """The whole document of `payload`, where sign(message bytes) -> (r, s). EmitError as for `join`."""
    return join(payload, *sign(payload.encode()))


def split(line):
    """(payload text, signature section as dict) of a record, bytes or str; RecordError("malformed").

    Nothing is verified yet. A public key as fourth part, which some OCMF readers believe, is refused.
    """
    try:
        raw = line if isinstance(line, bytes) else line.encode("ascii")
        if not is_plain(raw):
            raise ValueError("not printable ASCII")
        parts = raw.decode().split("|")
        if len(parts) != 3 or parts[0] != HEADER:
            raise ValueError("not %s|payload|signature" % HEADER)
        return parts[1], _object(parts[2])
    except ValueError as error:
        raise RecordError("malformed", str(error)) from error


def signature_of(section: dict):
    """(r, s) of a signature section; RecordError malformed or high_s. Only SA, SE, SM and SD count."""
    for name, only in (("SA", ALGORITHM), ("SM", MIME_TYPE)):
        if section.get(name, only) != only:
            raise RecordError("malformed", "%s is not %s" % (name, only))
    r, s = undo_der(_octets(section.get("SD"), section.get("SE", "hex")))
    if s > N // 2:
        raise RecordError("high_s", "of two signatures the one with the higher s")
    return r, s


def check(line, verify) -> str:
    """The payload of `line` if its seal is good; RecordError malformed, high_s or bad_seal.

    verify(message bytes, r, s) -> bool knows the key, from the registry of units and never from the document.
    """
    payload, section = split(line)
    r, s = signature_of(section)
    if not verify(payload.encode(), r, s):
        raise RecordError("bad_seal", "not signed, or not as it is now, by the unit's key")
    return payload


def _object(text: str) -> dict:
    section = strictjson.read(text)
    if not isinstance(section, dict):
        raise ValueError("the signature section is no object")
    return section


def _octets(text, encoding) -> bytes:
    """What `text` spells in hex or base64. Written again it must be `text`, for decoders overlook things:

    a2b_base64 foreign letters, MicroPython's unhexlify spaces.
    """
    try:
        if isinstance(text, str) and encoding == "hex":
            octets = binascii.unhexlify(text)
            if octets.hex() == text.lower():
                return octets
        if isinstance(text, str) and encoding == "base64":
            octets = binascii.a2b_base64(text)
            if binascii.b2a_base64(octets).decode() == text + "\n":
                return octets
    except ValueError:
        pass
    raise RecordError("malformed", "SD is no text in hex, or in base64 where SE says so")
