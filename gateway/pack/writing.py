"""Writes a pack: everything it rests on in one snapshot, then the file and its note in the trail together, or neither."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any

from sqlite_utils import Database

from gateway import pipeline
from gateway.audit import judged
from gateway.errors import SurroundingsError
from gateway.ledger import packing, trail
from gateway.ledger.database import transaction
from gateway.pack import contents, page, readme, sheet, tables
from gateway.pack.archive import Archive
from gateway.pack.contents import Asked, Contents, Tell
from gateway.persons import CONSOLE
from gateway.report.pdf import chinese_font

OWN = ("verify.py", "verify.html")
"""The verifiers that go into each pack. Whoever gets one should use another copy."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the SHA-256 of the manifest that people sign, how large the pack is and what it says."""

    manifest_sha256: str
    files: int
    bytes: int
    contents: Contents


def write(db: Database, asked: Asked, out: Path, tell: Tell, by: str = CONSOLE) -> Written:
    """Writes the pack as the new file `out`, keeps its reconciliations as runs, and notes it in the trail. There is either all
    of it or none. SurroundingsError where it cannot be written."""
    chinese_font()  # before the work, not after it
    pipeline.prepare(db, asked.config, asked.now_ms, (asked.first, asked.last))
    with _new_file(out) as (part, file):
        with packing.snapshot(db):
            held = contents.gather(db, asked, tell)
            manifest_sha256, files = _fill(Archive(file), db, held, tell)
        file.flush()
        os.fsync(file.fileno())
        written = Written(manifest_sha256, files, file.tell(), held)
        _publish(db, part, out, written, by)
    return written


def _fill(archive: Archive, db: Database, held: Contents, tell: Tell) -> tuple[str, int]:
    """Writes every member; the SHA-256 of the manifest, and how many files it lists."""
    try:
        return _filled(archive, db, held, tell)
    except BaseException:
        archive.abandon()
        raise


def _filled(archive: Archive, db: Database, held: Contents, tell: Tell) -> tuple[str, int]:
    for path, parts in tables.files(db, held, tell):
        archive.add(path, parts)
    tell("网页与签字页", "page and sheet")
    archive.add("index.html", page.parts(held))
    archive.add("README.txt", [readme.text(held)])
    for name in OWN:
        archive.add(name, [resources.files("gateway.pack").joinpath(name).read_bytes()])
    manifest = archive.close_with_manifest()
    archive.add_unlisted("sheet.pdf", sheet.pdf(held, manifest.sha256))
    archive.close()
    return manifest.sha256, len(archive.members)


def _note(db: Database, written: Written, by: str) -> None:
    """What the pack found is kept like every reconciliation, and that it was made is noted."""
    asked = written.contents.asked
    runs = {source: judged.keep(db, each) for source, each in written.contents.judged.items()}
    body: dict[str, Any] = {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "sources": list(runs),
        "runs": runs,
        "manifest_sha256": written.manifest_sha256,
        "bill_files": asked.bill_files,
    }
    trail.note(db, asked.now_ms, by, "pack", f"clinic:{asked.config.clinic}", body)


def _publish(db: Database, part: Path, out: Path, written: Written, by: str) -> None:
    """Gives the file its name, and notes it: both, or neither."""
    try:
        with transaction(db):
            _note(db, written, by)
            if out.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.rename(part, out)
    except BaseException:
        if not part.exists():  # it had its name already
            out.unlink(missing_ok=True)
        raise


@contextmanager
def _new_file(out: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside `out`, gone again unless it was given that name. SurroundingsError where the disk will not."""
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            try:
                yield part, file
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise SurroundingsError(
            f"不能写入 {out}：{error.strerror}", f"cannot write {out}: {error.strerror}"
        ) from error
