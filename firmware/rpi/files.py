"""The journal as files in a folder: append, fsync, recover, forget.

    journal-00000001.log ...   segments; only the last one is written to
    reserve                    room for the last words of a unit whose disk is full
    lock                       one process at a time

Nothing is published before `sync` has returned. This file does not know what a record says.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware.agent import journal, memory
from firmware.rpi.errors import SurroundingsError, UsageError

RESERVE = 65536  # an open session's end, a FAULT and a GAP take 5 kB
_SEGMENT = 1 << 20


class JournalFiles:
    """A unit's journal in `folder`, which may grow to `limit` bytes. `memory` is what the agent wakes up with.

    UsageError when another process holds it; SurroundingsError when the disk fails.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._segment = min(_SEGMENT, limit // 8)
        self._where: dict[int, tuple[Path, int]] = {}
        self._pending: list[bytes] = []
        self._text, self._digest = "", memory.ZEROS
        _make(folder)
        self._lock = _lock(folder / "lock")
        self._paths = sorted(folder.glob("journal-*.log"))
        self.memory, self.lost = self._recover()
        self._last_us, self._digest = self.memory.us, self.memory.digest
        self._open_last()
        self.full = not self._take_reserve() or not self._has_room(RESERVE)

    # --- writing ----------------------------------------------------------------------------------------------------

    def keep(self, us: int, memory_text: str, line: str) -> None:
        """Append a record; `sync` makes it durable."""
        self._digest, self._text, self._last_us = journal.digest_of(line), memory_text, us
        self._append(journal.record(memory_text, line, self._digest), us)

    def checkpoint(self, memory_text: str) -> None:
        """Append what the agent knows; `sync` makes it durable."""
        self._text = memory_text
        self._append(journal.checkpoint(memory_text, self._digest), None)

    def acknowledge(self, us: int) -> None:
        """Append a note of an acknowledgement, which need not be durable: without it records are sent again."""
        self._acked = us
        if not self.full:
            self._append(journal.acknowledged(us), None)

    @property
    def unsynced(self) -> int:
        """Bytes that were appended and are not durable yet."""
        return sum(map(len, self._pending))

    def sync(self) -> None:
        """Make durable what was appended. With the disk full it goes into the reserve, and `full` is True."""
        if not self._pending:
            return
        try:
            self._write(b"".join(self._pending))
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise _failed(self._paths[-1], error) from error
            self._spend_reserve()
        self._pending.clear()
        if self._size >= self._segment and not self.full:
            self._rotate()
        self.full = self.full or not self._has_room(RESERVE)

    def free(self) -> bool:
        """Whether there is room again, after a full disk or journal."""
        if self.full and self._has_room(2 * RESERVE) and self._take_reserve():
            self.full = False
        return not self.full

    def close(self) -> None:
        self.sync()
        os.close(self._handle)
        os.close(self._lock)

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The oldest record that is kept."""
        return next(iter(self._where), self._last_us + 1)  # they are in order

    def lines(self, from_us: int, until_us: int) -> Iterator[bytes]:
        """The record lines from one number to another, in order; what a damaged journal lost is passed over."""
        for us in range(from_us, until_us + 1):
            line = self._line(us)
            if line is not None:
                yield line.encode()

    def digest(self, us: int) -> str | None:
        """The digest of a record's payload, None where the record is not kept."""
        line = self._line(us)
        return None if line is None else journal.digest_of(line)

    def _line(self, us: int) -> str | None:
        if us not in self._where:
            return None
        path, offset = self._where[us]
        with open(path, "rb") as file:
            file.seek(offset)
            for _, kind, text in journal.entries(file.readline()):
                return journal.line_of(text) if kind == journal.RECORD else None
        return None

    # --- segments ---------------------------------------------------------------------------------------------------

    def _recover(self) -> tuple[memory.Memory, int]:
        recovery = journal.Recovery()
        self._sizes: dict[Path, int] = {}
        for path in self._paths:
            segment = _read(path)
            self._sizes[path] = len(segment)
            for us, offset, _ in recovery.read(segment):
                self._where[us] = (path, offset)
        self._acked = recovery.memory.acked
        if recovery.memory.us:
            self._text = memory.write(recovery.memory)
        return recovery.memory, recovery.lost

    def _open_last(self) -> None:
        if not self._paths:
            self._paths.append(self._folder / "journal-00000001.log")
        path = self._paths[-1]
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._size = os.fstat(self._handle).st_size
            if self._size and os.pread(self._handle, 1, self._size - 1) != b"\n":
                self._write(b"\n")  # the torn line before is passed over for ever
            _sync_folder(self._folder)
        except OSError as error:
            raise _failed(path, error) from error

    def _append(self, lines: bytes, us: int | None) -> None:
        if us is not None:
            self._where[us] = (self._paths[-1], self._size + self.unsynced)
        self._pending.append(lines)

    def _write(self, lines: bytes) -> None:
        try:
            written = 0
            while written < len(lines):
                written += os.write(self._handle, lines[written:])
            os.fsync(self._handle)
        except OSError:
            os.ftruncate(self._handle, self._size)
            raise
        self._size += len(lines)
        self._sizes[self._paths[-1]] = self._size

    def _rotate(self) -> None:
        number = int(self._paths[-1].stem.split("-")[1]) + 1
        os.close(self._handle)
        self._paths.append(self._folder / f"journal-{number:08d}.log")
        self._open_last()
        self._pending = [journal.checkpoint(self._text, self._digest), journal.acknowledged(self._acked)]
        self.sync()

    # --- room -------------------------------------------------------------------------------------------------------

    def _has_room(self, spare: int) -> bool:
        while sum(self._sizes.values()) + spare > self._limit and self._forget_oldest():
            pass
        return sum(self._sizes.values()) + spare <= self._limit

    def _forget_oldest(self) -> bool:
        oldest = self._paths[0]
        held = [us for us, (path, _) in self._where.items() if path == oldest]
        if len(self._paths) == 1 or max(held, default=0) > self._acked:
            return False
        oldest.unlink()
        _sync_folder(self._folder)
        self._paths.pop(0)
        del self._sizes[oldest]
        for us in held:
            del self._where[us]
        return True

    def _take_reserve(self) -> bool:
        try:
            handle = os.open(self._folder / "reserve", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, RESERVE)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError:
            return False
        return True

    def _spend_reserve(self) -> None:
        self.full = True
        (self._folder / "reserve").unlink(missing_ok=True)
        try:
            self._write(b"".join(self._pending))
        except OSError as error:
            en = f"{self._folder}: the disk is full, even the reserve: free some space"
            raise SurroundingsError(f"{self._folder}：磁盘已满，预留空间也已用完，请腾出空间", en) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)
    except OSError as error:
        en = f"journal {folder}: cannot be made ({error.strerror}): choose another folder"
        raise UsageError(f"日志目录 {folder} 无法建立：请换一个目录", en) from error


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a journal's lock meanwhile, so that no unit runs; UsageError when one does."""
    handle = _lock(path)
    try:
        yield
    finally:
        os.close(handle)


def _lock(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        en = f"{path.parent}: another process uses this journal: two would fork the chain; end one"
        raise UsageError(
            f"{path.parent}：另一个进程正在使用此日志，两个会使记录链分叉，请停掉一个", en
        ) from None
    except OSError as error:
        raise _failed(path, error) from error
    return handle


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _failed(path, error) from error


def _failed(path: Path, error: OSError) -> SurroundingsError:
    return SurroundingsError(
        f"{path}：磁盘读写失败，请检查存储卡和权限（{error.strerror}）",
        f"{path}: the disk failed ({error.strerror}): check the card and its permissions",
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
