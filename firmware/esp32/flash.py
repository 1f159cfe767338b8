"""The journal in a unit's flash: keep, make durable, recover, forget.

    <folder>/log/00000001 ...   segments of records (segments.py); only the last one is written to
    <folder>/state, reserve     what the agent knows; room for its last words (place.py)

Nothing leaves before `sync` has returned. What the next record needs stands in three places: in the last segment, in
`state`, and in `apart` (nvs.py), outside this file system; the newest counts. So a number that may have left is never
given again: with nothing to count from, the journal stays full and the unit silent until it gets a new key.
"""

from micropython import const

from firmware.agent import memory, pages
from firmware.esp32 import place
from firmware.esp32.reader import Reader
from firmware.esp32.segments import SEGMENT, Segments
from protocol.sealing import digest_of

_NO_SPACE = const(28)  # ENOSPC, which MicroPython's errno does not name
_NOW_AND_THEN = const(256)


class JournalFlash:
    """A unit's journal in `folder`: at most `limit` octets, or what the flash has room for.

    `memory` is what the agent wakes up with.
    `apart` keeps octets outside the file system: `read()` gives what `write(octets)` last made durable, b"" where there
    is nothing, None where it cannot be read. A unit is new where there is no folder, and nothing apart.
    `full`: what is left is the reserve; or something cannot be read, and the agent shall tell STORAGE: then it is full
    for one sync. OSError where the flash cannot be used at all.
    """

    def __init__(self, folder: str, limit: int, apart=None):
        self._apart = apart
        self._place = place.Place(folder)
        limit = min(limit, self._place.room())
        self._segment = min(SEGMENT, limit // 16)
        self._most = limit // self._segment - 1  # and one more for the last words
        self._pending: list = []  # [first record of the segment, its new entries]
        self._unkept = self._unkept_records = False
        self._segments = Segments(self._place.path)
        self._reader = Reader(self._segments, self._place.damaged)
        self.memory = self._known = self._recover()
        self._digest, self._acked, self._last_us = self.memory.digest, self.memory.acked, self.memory.us
        self._recent = (self._last_us, self._digest)
        self._asked, self._acked_then = 0, self._acked
        self._resume()
        self.full = self._silent or not self._has_room()
        self.memory.first = self.first
        self.memory.acked = max(self.memory.acked, self.first - 1)

    # --- writing ----------------------------------------------------------------------------------------------------

    def keep(self, us: int, memory_text: str, line: str):
        """Append a record; `sync` makes it durable."""
        before = (us - 1, self._digest)
        self._known = memory.read(memory_text)
        self._known.digest, self._known.acked = digest_of(line), self._acked
        raw = self._writer.add(before, line, self._known) if self._writer.fits(line) else None
        if raw is None or self._size + len(raw) > self._segment:
            raw = self._writer.begin(line) + self._writer.add(before, line, self._known)
            self._pending.append([us, bytearray()])
            self._size = 0
        elif not self._pending:
            self._pending.append([self._segments.firsts[-1], bytearray()])
        self._pending[-1][1].extend(raw)
        self._size += len(raw)
        self._last_us, self._digest = us, self._known.digest
        self._unkept = self._unkept_records = True

    def checkpoint(self, memory_text: str):
        """Note what the agent knows; `sync` makes it durable."""
        self._known = memory.read(memory_text)
        self._known.digest, self._unkept = self._digest, True

    def acknowledge(self, us: int):
        """Note an acknowledgement. It gets durable with the next sync; without it records are sent again."""
        self._acked = us

    @property
    def unsynced(self) -> int:
        """Octets that are not durable yet."""
        return sum([len(each[1]) for each in self._pending]) + (128 if self._unkept else 0)

    def sync(self):
        """Make durable what was noted. Without room it goes into the reserve, and `full` is True.

        OSError if even that fails: then nothing of it may leave, and the next sync tries again.
        """
        if not self._unkept:
            return
        while True:
            try:
                self._write()
                break
            except OSError as error:
                if error.errno != _NO_SPACE or not self._make_room():
                    self.full = True
                    raise
        self._unkept = self._unkept_records = False
        self._writer.noted(self._known)
        if self._reader.is_untold:
            self._reader.is_untold, self.full = False, True

    def free(self) -> bool:
        """Whether there is room again, after full flash. It looks after each acknowledgement, else now and then."""
        if self.full and not self._silent:
            self._asked += 1
            if self._asked % _NOW_AND_THEN == 1 or self._acked != self._acked_then:
                self._acked_then = self._acked
                self.full = not self._has_room()
        if not self.full:
            self._asked = 0
        return not self.full

    def close(self):
        self.sync()

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def damaged(self) -> bool:
        """Whether something could not be read, in this boot."""
        return self._reader.damaged

    @property
    def lost(self) -> int:
        """Octets that could not be read."""
        return self._reader.lost

    @property
    def first(self) -> int:
        """The oldest record that is kept."""
        firsts = self._segments.firsts
        if len(firsts):
            return firsts[0]
        return self._pending[0][0] if self._pending else self._last_us + 1

    def lines(self, from_us: int, until_us: int):
        """The record lines from one number to another, in order; what damaged flash lost is passed over."""
        for kept in self._reader.between(from_us, until_us):
            self._recent = (kept.us, kept.digest)
            yield kept.line.encode()

    def digest(self, us: int):
        """The digest of a record's payload, None where the record is not kept."""
        for known, digest in ((self._last_us, self._digest), self._recent):
            if known == us > 0:
                return digest
        for kept in self._reader.between(us, us):
            return kept.digest
        return None

    # --- waking up --------------------------------------------------------------------------------------------------

    def _recover(self) -> memory.Memory:
        """What the agent knew last, by whatever of the three places knows it best."""
        known = self._noted()
        alone, last_us, firsts = known is None, 0, self._segments.firsts
        index = self._segments.holding(known.us) if known else max(0, len(firsts) - 1)
        while True:
            for kept in self._reader.since(index, known and known.us):
                last_us = kept.us
                if known is None:
                    known = kept.told
                elif kept.us > known.us:
                    known = kept.follow(known)
            if known is not None or index == 0:
                break
            index -= 1
        if known is not None and last_us < known.us:
            self._reader.lose(0)
        self._silent = alone and self._is_uncertain(known)
        known = known or memory.Memory()
        if len(firsts) and firsts[-1] > known.us + 1:
            self._silent = True  # a number that was given stands beyond all that can be read
        return known

    def _is_uncertain(self, known) -> bool:
        """Whether a number may have been given of which nothing is left, where neither a state nor apart can be read."""
        if known is not None:
            return self._reader.lost > 0
        return not self._place.is_new or (self._apart is not None and self._apart.read() != b"")

    def _noted(self):
        """The newest memory that stands in a state or apart; None where there is none."""
        known = None if self._apart is None else place.read(self._apart.read() or b"")
        for each in self._place.states:
            if known is None or each.us >= known.us:
                known = each
        return known

    def _resume(self):
        """Go on in the last segment if it is sound, else in a new one; what stands apart may have been behind."""
        firsts = self._segments.firsts
        self._writer, self._size = pages.Writer(None), self._segment
        if self._silent:
            return
        if self._place.path is None:
            self._place.make(self.memory)
            self._segments.settle(self._place.path)
        if len(firsts) and firsts[-1] > self.memory.us:
            self._segments.drop(len(firsts) - 1)  # the power failed as it was begun: nothing in it has left
        elif len(firsts):
            self._go_on()
        self._writer.noted(self.memory)
        if self._apart is not None:
            self._apart.write(place.frame(self.memory))

    def _go_on(self):
        if self._segments.is_sound():
            self._writer, self._size = pages.Writer(self._segments.identity()), self._segments.size()
        else:
            self._reader.lose(0)

    # --- room -------------------------------------------------------------------------------------------------------

    def _write(self):
        while self._pending:
            first, raw = self._pending[0]
            new = not len(self._segments.firsts) or self._segments.firsts[-1] != first
            if new and not self._forget_down_to(self._most - 1):
                self.full = True
            self._segments.write(first, raw)
            self._pending.pop(0)
        self._known.acked = self._acked
        self._place.write_state(place.frame(self._known))
        if self._apart is not None and self._unkept_records:
            self._apart.write(place.frame(self._known))

    def _make_room(self) -> bool:
        """After the flash itself was full: forget what may be forgotten, else give up the reserve."""
        if self._forget_down_to(len(self._segments.firsts) - 1):
            return True
        self.full = True
        return self._place.spend_reserve()

    def _forget_down_to(self, most: int) -> bool:
        """Whether at most so many segments are left, when the oldest that are acknowledged have gone."""
        while len(self._segments.firsts) > most:
            firsts = self._segments.firsts
            if len(firsts) < 2 or firsts[1] - 1 > self._acked:
                return False
            self._segments.drop(0)
        return True

    def _has_room(self) -> bool:
        """Whether the reserve stands, when as much has gone as may and must: other files may leave less than `limit`."""
        most = self._most
        while self._forget_down_to(most):
            if self._place.take_reserve(2 * self._segment):
                return True
            most = len(self._segments.firsts) - 1
        return False
