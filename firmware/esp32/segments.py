"""A journal's segments: files of two flash blocks, each named by its first record's number.

littlefs makes a file's new end durable as a whole when the file is closed, or not at all. What is damaged is passed over
up to the next page. This file does not know what a record says, or when a segment may go.
"""

import binascii
import os
from array import array

from micropython import const

from firmware.agent.pages import IDENTITY, OVERHEAD, PAGE, PAGE_HEAD, TAGS

SEGMENT = 8184  # two blocks of 4096, less littlefs's pointers

_CHUNK = const(1024)
_MOST = const(4096)  # no entry is longer


class Segments:
    """The segments in `folder`/log; none where there is no folder. OSError if the flash fails.

    `firsts`: their first records' numbers, in order.
    """

    def __init__(self, folder: str | None):
        self.firsts = array("I")
        self._folder = ""
        if folder is not None:
            self.settle(folder)

    def settle(self, folder: str):
        """Go on in this folder."""
        self._folder = folder
        names = [each for each in os.listdir(folder + "/log") if _is_segment(each)]
        self.firsts = array("I", sorted([int(each) for each in names]))

    def path(self, first_us: int) -> str:
        return "%s/log/%08d" % (self._folder, first_us)

    def size(self) -> int:
        """Of the last segment."""
        return os.stat(self.path(self.firsts[-1]))[6]

    def is_sound(self) -> bool:
        """Whether the last segment can be read to its end, and written on."""
        try:
            return all([tag is not None for tag, _ in self.read(len(self.firsts) - 1)])
        except OSError:
            return False

    def identity(self) -> str | None:
        """Who speaks in the last segment; None where it does not begin with that."""
        for tag, body in self.read(len(self.firsts) - 1):
            return body.decode() if tag == IDENTITY else None
        return None

    def write(self, first_us: int, entries: bytes):
        """Append to the segment that begins with `first_us`, or begin it. Durable on return, or not there at all."""
        new = not len(self.firsts) or self.firsts[-1] != first_us
        with open(self.path(first_us), "wb" if new else "ab") as file:
            file.write(entries)
        if new:
            self.firsts.append(first_us)

    def drop(self, index: int):
        """Remove a segment."""
        os.remove(self.path(self.firsts[index]))
        self.firsts = array("I", [each for each in self.firsts if each != self.firsts[index]])

    def holding(self, us: int) -> int:
        """Index of the segment in which record `us` would be; 0 for what is older than all."""
        low, high = 0, len(self.firsts)
        while high - low > 1:
            middle = (low + high) // 2
            if self.firsts[middle] <= us:
                low = middle
            else:
                high = middle
        return low

    def read(self, index: int, from_us: int | None = None):
        """(tag, body) of the entries of a segment, (None, length) of damage; from the page of `from_us`, if given.

        No file stays open between two of them, so whoever reads may stop anywhere.
        """
        path = self.path(self.firsts[index])
        at = 0 if from_us is None else _page_of(path, from_us)
        raw, start = _load(path, 0, _CHUNK), 0
        if at:
            tag, body = _entry(raw, 0)
            yield (tag, body) if tag is not None else (None, OVERHEAD)
        while True:
            tag, body = _entry(raw, at - start)
            if tag is None:
                raw, start = _load(path, at, _CHUNK), at
                if not raw:
                    return
                length = OVERHEAD + int.from_bytes(raw[1:3], "big")
                if _CHUNK < length < _MOST:
                    raw = _load(path, at, length)
                tag, body = _entry(raw, 0)
            after = _next_page(path, at + 1) if tag is None else at + OVERHEAD + len(body)
            yield (tag, body) if tag is not None else (None, after - at)
            at = after


def _is_segment(name: str) -> bool:
    return len(name) == 8 and all(c in "0123456789" for c in name)


def _load(path: str, at: int, length: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(length)


def _entry(raw: bytes, at: int):
    """(tag, body) of the entry at `at`; (None, b"") where it is not whole or not sound."""
    end = at + OVERHEAD + int.from_bytes(raw[at + 1 : at + 3], "big")
    if len(raw) < end or binascii.crc32(raw[at : end - 4]) != int.from_bytes(raw[end - 4 : end], "big"):
        return None, b""
    return raw[at : at + 1], raw[at + 3 : end - 4]


def _page_of(path: str, us: int) -> int:
    """Where the last page stands that begins before record `us`; the file's beginning where there is none."""
    found = at = 0
    with open(path, "rb") as file:
        while True:
            file.seek(at)
            head = file.read(7)
            if len(head) < 7 or head[:1] not in TAGS:
                return found
            if head[:1] == PAGE:
                if int.from_bytes(head[3:], "big") >= us:
                    return found
                found = at
            at += OVERHEAD + int.from_bytes(head[1:3], "big")


def _next_page(path: str, at: int) -> int:
    """Where the next sound page begins, or the file ends."""
    while True:
        raw = _load(path, at, _CHUNK)
        found = raw.find(PAGE_HEAD)
        if found >= 0 and _entry(raw, found)[0] is not None:
            return at + found
        if found >= 0:
            at += max(1, found)
        elif len(raw) < _CHUNK:
            return at + len(raw)
        else:
            at += len(raw) - len(PAGE_HEAD)
