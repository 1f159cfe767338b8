"""The thin hand: looks at what is there, and puts files in place. What it wrote it knows again by its digest.

A file that somebody changed by hand is not overwritten unless asked to, and is then kept, but not beside: NetworkManager
and dnsmasq would read it there. Below another root than `/` nothing is given to other owners.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SurroundingsError, UsageError
from gateway.install.choices import KEPT, STATE, File

NEW, SAME, RENEWED, CHANGED = "new", "same", "renewed", "changed"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to become of a file: NEW, SAME (as it is there), RENEWED (ours, of before), CHANGED (by hand)."""

    file: File
    what: str


def decide(
    files: Iterable[File], present: Mapping[str, str | None], digests: Mapping[str, str]
) -> list[Step]:
    """What is to be done so that `files` are there; `digests` are of what we wrote last."""
    return [Step(file, _what(file, present[file.path], digests.get(file.path))) for file in files]


def _what(file: File, there: str | None, digest: str | None) -> str:
    if there is None:
        return NEW
    if there == file.text:
        return SAME
    return RENEWED if digest == digest_of(there) else CHANGED


def digest_of(text: str) -> str:
    """By which a text is known again."""
    return hashlib.sha256(text.encode()).hexdigest()


class Place:
    """A file system's root. SurroundingsError where it cannot be read or written."""

    def __init__(self, root: Path):
        self.root = root
        self.is_here = root.resolve() == Path("/")

    def path(self, name: str) -> Path:
        """Where the file that will be called `name` is."""
        return self.root / name.lstrip("/")

    def read(self, name: str) -> str | None:
        """A file's text; None where there is none."""
        try:
            return self.path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as error:
            raise _failed(self.path(name), error) from error

    def write(self, file: File) -> None:
        """Puts a file in place whole or not at all: with its mode and owner from the first byte on."""
        path = self.path(file.path)
        new = path.with_name(path.name + ".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(file.text)
                if self.is_here and file.owner != "root":
                    shutil.chown(new, file.owner, file.owner)
                os.fchmod(out.fileno(), file.mode)
                out.flush()
                os.fsync(out.fileno())
            os.replace(new, path)
        except (OSError, LookupError) as error:
            raise _failed(path, error) from error

    def keep_aside(self, name: str) -> Path:
        """What somebody changed by hand, kept below KEPT, where only root reads; returns where."""
        number = 1
        while self.path(kept := f"{KEPT}/{name.lstrip('/')}.{number}").exists():
            number += 1
        self.write(File(kept, self.read(name) or "", 0o600))
        return self.path(kept)

    def state(self) -> dict:
        """What the last installation here chose and wrote; empty before the first."""
        try:
            return json.loads(self.read(STATE) or "{}")
        except ValueError as error:
            raise UsageError(
                f"{self.path(STATE)} 已损坏（{error}）：请从备份恢复，单元的 Wi-Fi 密码在里面",
                f"{self.path(STATE)} is damaged ({error}): restore it, the units' Wi-Fi password stands there",
            ) from error

    def keep_state(self, state: Mapping[str, object]) -> None:
        """For the next installation, and for units' accounts. The units' Wi-Fi password stands there."""
        self.write(File(STATE, json.dumps(state, ensure_ascii=False, indent=1) + "\n", 0o600))


def _failed(path: Path, error: Exception) -> SurroundingsError:
    return SurroundingsError(
        f"{path} 不能读写（{error}）：请用 sudo，并检查磁盘空间",
        f"{path} cannot be read or written ({error}): use sudo, and check the disk's space",
    )
