"""Whole numbers as octets: seven bits each, the lowest first, the eighth set on all but the last (LEB128)."""

import binascii


def number(value: int) -> bytes:
    """A whole number from 0; ValueError below."""
    if value < 0:
        raise ValueError("%d is below 0" % value)
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def signed(value: int) -> bytes:
    """Any whole number: small ones of either sign are short."""
    return number(2 * value if value >= 0 else -2 * value - 1)


def text(value: str) -> bytes:
    """Text, with its length before it."""
    raw = value.encode()
    return number(len(raw)) + raw


class Octets:
    """Reads what the functions above have written; ValueError at its end."""

    def __init__(self, raw: bytes, at: int = 0):
        self._raw, self.at = raw, at

    def number(self) -> int:
        value = shift = 0
        while True:
            octet = self.take(1)[0]
            value |= (octet & 127) << shift
            if octet < 128:
                return value
            shift += 7

    def signed(self) -> int:
        value = self.number()
        return -(value >> 1) - 1 if value & 1 else value >> 1

    def text(self) -> str:
        return self.take(self.number()).decode()

    def hex(self, length: int) -> str:
        """The next `length` octets as lower-case hex digits."""
        return str(binascii.hexlify(self.take(length)), "ascii")

    def take(self, length: int) -> bytes:
        """The next `length` octets."""
        if self.at + length > len(self._raw):
            raise ValueError("octets are missing")
        self.at += length
        return self._raw[self.at - length : self.at]
