"""What a card or a printed code says, made into a tag: HMAC-SHA256 under the clinic's key, and nothing else is kept.

A token is random, at least 64 bits. What looks like a person's number is refused: identity, insurance, telephone and
card numbers are digits (an identity number may end in X). This file does not know what read the token.
"""

import binascii
import hashlib

from protocol.errors import WitnessError

LEAST, MOST = 16, 128  # characters; 16 hex digits are 64 bits
_DISTINCT = 6  # a random token of 16 hex digits has fewer once in 30,000
_PERSON = 17  # digits of an identity number before its check digit
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MARKS = "-_.:/+=?&%#~"  # a printed code may be a link


class TagError(WitnessError):
    """What was read is no token. The text says why and repeats nothing of it."""


def tag(key: bytes, token: str) -> str:
    """The tag of a token, 64 hex digits; TagError for what must not become one. `key` has 32 bytes."""
    _check(token)
    return str(binascii.hexlify(hmac_sha256(key, token.encode())), "ascii")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104 with SHA-256, for keys of at most 64 bytes; MicroPython has no hmac."""
    padded = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([each ^ 0x36 for each in padded]) + message).digest()
    return hashlib.sha256(bytes([each ^ 0x5C for each in padded]) + inner).digest()


def _check(token: str):
    if not LEAST <= len(token) <= MOST:
        raise TagError("a token has %d to %d characters, but this has %d" % (LEAST, MOST, len(token)))
    for sign in token:
        if sign not in _DIGITS and sign not in _LETTERS and sign not in _MARKS:
            raise TagError("a token is ASCII letters, digits and " + _MARKS)
    letters = [sign for sign in token if sign in _LETTERS]
    if not letters or letters in (["X"], ["x"]):
        raise TagError("a number may be a person's: a token has letters")
    if _longest_number(token) >= _PERSON:
        raise TagError("a number may be a person's: a token has letters between")
    if len(set(token)) < _DISTINCT:
        raise TagError("a token is random")


def _longest_number(token: str) -> int:
    longest = now = 0
    for sign in token:
        now = now + 1 if sign in _DIGITS else 0
        longest = max(longest, now)
    return longest
