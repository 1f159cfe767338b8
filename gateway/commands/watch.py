"""A folder into which bill files are put: each is imported once, when it is all there. Nothing in it is moved or changed.

A file is all there when its size and time are the same in two looks. What was refused is tried again when it changes.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import SurroundingsError, UsageError

PAUSE_S = 1.0

_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")

Seen = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""


def watch(folder: Path, take: Callable[[Path], None], pause: Callable[[], bool]) -> None:
    """Gives `take` each file of `folder` that is all there, the oldest first, until `pause` says to stop.

    UsageError where there is no such folder, SurroundingsError where it can no longer be read.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} 不是目录:请给出收费文件所在目录", f"{folder} is no folder: name the one to watch"
        )
    before: dict[Path, Seen] = {}
    taken: dict[Path, Seen] = {}
    while True:
        now = _look(folder)
        for path in sorted(now, key=lambda each: (now[each][1], each.name)):
            if now[path] == before.get(path) and now[path] != taken.get(path):
                taken[path] = now[path]
                take(path)
        before = now
        if not pause():
            return


def _look(folder: Path) -> dict[Path, Seen]:
    """The files that stand there now, but for hidden ones and those that say they are unfinished."""
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        raise SurroundingsError(
            f"不能读取目录 {folder}:{error.strerror}", f"cannot read folder {folder}: {error.strerror}"
        ) from error
    return {path: seen for path in paths if (seen := _seen(path))}


def _seen(path: Path) -> Seen | None:
    if path.name.startswith((".", "~$")) or path.suffix.lower() in _UNFINISHED:
        return None
    try:
        told = path.stat()
    except OSError:
        return None  # gone meanwhile, or not ours to read
    return (told.st_size, told.st_mtime_ns) if path.is_file() and told.st_size else None


@contextmanager
def until_asked() -> Iterator[Callable[[], bool]]:
    """A pause that ends at once, and for good, on Ctrl-C or SIGTERM; what is being imported then is finished first."""
    asked = threading.Event()
    held = {
        number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield lambda: not asked.wait(PAUSE_S)
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
