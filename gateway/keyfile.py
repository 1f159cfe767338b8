"""A secret of 32 bytes in a file of the ledger folder, made on first use and readable by the folder's owner alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from gateway.errors import SurroundingsError, UsageError

BYTES = 32


def open_key(folder: Path, name: str, lost_zh: str, lost_en: str) -> bytes:
    """The secret that the file holds; `lost_zh` and `lost_en` say what would be lost without it.

    UsageError where the file is damaged, SurroundingsError where it cannot be read or made.
    """
    path = folder / name
    try:
        if not path.exists():
            _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise SurroundingsError(
            f"不能读写 {path}：{error}", f"cannot read or make {path}: {error}"
        ) from error
    except ValueError:
        key = b""
    if len(key) != BYTES:
        raise UsageError(
            f"{path} 已损坏：请从备份恢复，否则{lost_zh}",
            f"{path} is damaged: restore it from a backup, or {lost_en}",
        )
    return key


def copy(path: Path, out: Path) -> None:
    """The same secret as a new file, readable by its owner alone; SurroundingsError where it cannot be made."""
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(path.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SurroundingsError(f"不能写 {out}：{error}", f"cannot write {out}: {error}") from error


def _make(path: Path) -> None:
    """Whole or not at all, and never over a key that is there: two programs may come here at once."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            if os.geteuid() == 0:  # what sudo makes, the service must be able to read
                owner = path.parent.stat()
                os.fchown(out.fileno(), owner.st_uid, owner.st_gid)
            out.write(secrets.token_hex(BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
