"""Reads records out of a journal's segments, and counts what cannot be read. This file does not write."""

from firmware.agent import pages


class Reader:
    """`lost`: octets that could not be read; `damaged`: whether there were any, here or, to begin with, elsewhere.

    `is_untold`: set with the first of them; whoever has told of it takes it back.
    """

    def __init__(self, segments, damaged: bool):
        self._segments, self.damaged, self.is_untold = segments, damaged, damaged
        self.lost = 0

    def lose(self, octets: int):
        """Something cannot be read."""
        self.lost += octets
        self.is_untold = self.is_untold or not self.damaged
        self.damaged = True

    def between(self, from_us: int, until_us: int):
        """The pages.Kept of the records from one number to another."""
        firsts = self._segments.firsts
        while len(firsts):
            for kept in self._read(self._segments.holding(from_us), from_us):
                if kept.us > until_us:
                    return
                if kept.us >= from_us:
                    yield kept
            firsts = self._segments.firsts  # it may have changed meanwhile
            later = [each for each in firsts if each > from_us]
            if not later or later[0] > until_us:
                return
            from_us = later[0]

    def since(self, index: int, from_us: int | None):
        """The pages.Kept of a segment, from the page of `from_us` if given, and of all after it."""
        for each in range(index, len(self._segments.firsts)):
            yield from self._read(each, from_us if each == index else None)

    def _read(self, index: int, from_us: int | None):
        first = self._segments.firsts[index]
        try:
            yield from pages.read(self._notice(self._segments.read(index, from_us)), self.lose)
        except OSError:
            if first in self._segments.firsts:  # it has not been forgotten meanwhile
                self.lose(1)

    def _notice(self, entries):
        for tag, body in entries:
            if tag is None:
                self.lose(body)
            yield tag, body
