"""Evidence packs for tests: made of real ledgers, taken apart, changed by somebody who knows the format, and checked."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from gateway.audit import figures
from gateway.bootstrap import Book
from gateway.check.opened import open_pack
from gateway.check.packed import recheck_pack
from gateway.check.recheck import Report
from gateway.ledger.trail import canonical
from gateway.pack import contents, writing
from gateway.pack.contents import Asked
from gateway.pack.writing import Written

Change = Callable[[bytes], bytes | None]
"""What becomes of a member: other bytes, or None where it is taken out."""


def packed(
    book: Book,
    out: Path,
    first: date,
    last: date | None = None,
    *,
    now_ms: int,
    clinic: str | None = None,
    bill_files: bool = False,
) -> Written:
    """A pack of these days, as the command makes it at that instant."""
    config, chosen = book.of_clinic(clinic), figures.read(book.folder)
    rules = (book.folder / figures.FILE).read_bytes() if chosen.sha256 else None
    with book.ledger() as db:
        sources = contents.sources_of(db, config.clinic, None)
        days = (first, last or first)
        asked = Asked(config, book.config.clinic, *days, sources, chosen, rules, now_ms, bill_files)
        return writing.write(db, asked, out, lambda zh, en: None)


def examined(path: Path, keys: Mapping[str, str] | None = None) -> Report:
    """What `check` finds in a pack."""
    with open_pack(path) as pack:
        return recheck_pack(pack, keys)


def faults(path: Path, keys: Mapping[str, str] | None = None) -> set[tuple[str, str]]:
    """(code, where) of all that `check` finds in a pack."""
    return {(each.code, each.where) for each in examined(path, keys).faults}


def members(path: Path) -> dict[str, bytes]:
    """All members by name, in their order."""
    with zipfile.ZipFile(path) as file:
        return {each.filename: file.read(each) for each in file.infolist()}


def rows(path: Path, member: str) -> list[dict]:
    """The objects of a member, one a line."""
    return [json.loads(line) for line in members(path)[member].splitlines()]


def changed(path: Path, out: Path, changes: Mapping[str, Change], *, relist: bool = True) -> Path:
    """The pack with members changed. With `relist` the manifest and the sheet's mark of it are made anew, as somebody does who
    wants it to look whole."""
    there = members(path)
    for name, change in changes.items():
        body = change(there.get(name, b""))
        if body is None:
            del there[name]
        else:
            there[name] = body
    if relist:
        _relist(there)
    write(out, there)
    return out


def _relist(there: dict[str, bytes]) -> None:
    before = hashlib.sha256(there["manifest.json"]).hexdigest()
    manifest = json.loads(there["manifest.json"])
    listed = sorted(there.keys() - {"manifest.json", "sheet.pdf"})
    manifest["files"] = [
        {"path": name, "bytes": len(there[name]), "sha256": hashlib.sha256(there[name]).hexdigest()}
        for name in listed
    ]
    there["manifest.json"] = f"{canonical(manifest)}\n".encode()
    after = hashlib.sha256(there["manifest.json"]).hexdigest()
    there["sheet.pdf"] = there["sheet.pdf"].replace(before.encode(), after.encode())


def write(out: Path, there: Mapping[str, bytes]) -> None:
    """A ZIP of these members."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in there.items():
            file.writestr(name, body)


def line_changed(pattern: str, text: str) -> Change:
    """Replaces the first place in a member that the pattern finds; there must be one."""

    def change(body: bytes) -> bytes:
        found, count = re.subn(pattern.encode(), text.encode(), body, count=1)
        assert count == 1, pattern
        return found

    return change
