"""An evidence pack, opened without trusting it: names, sizes and the manifest are looked at before anything is unpacked.

What is refused is refused with one sentence (`PackRefused`); what is merely not so is a fault, and the rest is still looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.check.faults import Fault

FORMAT, MANIFEST, SHEET = "wattwitness-pack/1", "manifest.json", "sheet.pdf"
MOST_MEMBERS, MOST_BYTES, MOST_OF_A_TEXT = 20_000, 4 << 30, 512 << 20
"""How many members, how much they unpack to in all, and how much of one is ever held at once."""

LONGEST_LINE = 16 << 20

_NAME = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError, ValueError)


class PackRefused(Exception):
    """Why a file is not looked at as a pack, in Chinese and in English."""

    def __init__(self, zh: str, en: str):
        super().__init__(zh, en)
        self.zh, self.en = zh, en


class Pack:
    """A pack whose members are those that its manifest lists, each once. `faults`: whose bytes are not what is listed."""

    def __init__(self, file: zipfile.ZipFile, listed: dict[str, tuple[int, str]], manifest: bytes):
        self._file, self.listed = file, listed
        self.manifest_sha256 = hashlib.sha256(manifest).hexdigest()
        self.broken: set[str] = set()

    def __contains__(self, path: str) -> bool:
        return path in self.listed

    def under(self, folder: str, ending: str) -> list[str]:
        """The members in a folder with that ending, by name."""
        return sorted(each for each in self.listed if each.startswith(f"{folder}/") and each.endswith(ending))

    def examine(self) -> Iterator[Fault]:
        """A fault for each member that is not, byte for byte, what the manifest lists; and where the sheet is another one's."""
        for path, (size, sha256) in sorted(self.listed.items()):
            if self._hashed(path) != (size, sha256):
                self.broken.add(path)
                yield Fault("manifest", path)
        if self.manifest_sha256.encode() not in self._sheet():
            yield Fault("sheet", SHEET)

    def bytes_of(self, path: str) -> bytes:
        """All of a member; empty where it cannot be unpacked, which `examine` has said. PackRefused: far too large."""
        if path not in self.listed:
            return b""
        if self.listed[path][0] > MOST_OF_A_TEXT:
            raise PackRefused(f"{path} 大得不可信", f"{path} is too large to be credible")
        try:
            with self._file.open(path) as member:
                return member.read(MOST_OF_A_TEXT)
        except _BROKEN:
            return b""

    def lines(self, path: str) -> Iterator[str]:
        """The lines of a member, one after the other; what cannot be unpacked ends it."""
        if path in self.listed:
            try:
                with self._file.open(path) as member:
                    while line := member.readline(LONGEST_LINE):
                        yield line.rstrip(b"\n").decode("utf-8", "replace")
            except _BROKEN:
                return

    def json(self, path: str) -> Any:
        """The JSON of a member. ValueError where it is none."""
        return json.loads(self.bytes_of(path))

    def rows(self, path: str) -> Iterator[Any]:
        """The JSON objects of a member, one a line. ValueError where a line is none."""
        return (json.loads(line) for line in self.lines(path))

    def _hashed(self, path: str) -> tuple[int, str] | None:
        digest, size = hashlib.sha256(), 0
        try:
            with self._file.open(path) as member:
                while part := member.read(_CHUNK):
                    digest.update(part)
                    size += len(part)
        except _BROKEN:
            return None
        return size, digest.hexdigest()

    def _sheet(self) -> bytes:
        try:
            with self._file.open(SHEET) as sheet:
                return sheet.read(MOST_OF_A_TEXT)
        except _BROKEN:
            return b""


@contextmanager
def open_pack(path: Path) -> Iterator[Pack]:
    """The pack in a file. PackRefused where it is none, or would harm who unpacks it."""
    try:
        file = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise PackRefused(
            f"{path} 不是可读的 ZIP（{error}）", f"{path} is no readable ZIP ({error})"
        ) from error
    with file:
        _check_members(file, path.stat().st_size)
        manifest = _manifest(file)
        yield Pack(file, _listed(file, manifest), manifest)


def _check_members(file: zipfile.ZipFile, size: int) -> None:
    """Refuses what could harm: names that lead elsewhere, names twice, members over each other, and far too much."""
    members = file.infolist()
    if len(members) > MOST_MEMBERS:
        raise PackRefused(f"成员过多（{len(members)} 个）", f"too many members ({len(members)})")
    name, count = next(iter(Counter(each.filename for each in members).most_common(1)), ("", 0))
    if count > 1:
        raise PackRefused(f"{name!r} 出现了 {count} 次", f"{name!r} is in it {count} times")
    for each in members:
        _check_member(each)
    unpacked = sum(each.file_size for each in members)
    if unpacked > MOST_BYTES or sum(each.compress_size for each in members) > size:
        raise PackRefused(
            f"解开后大得不可信（{unpacked} 字节）", f"unpacks to more than is credible ({unpacked} bytes)"
        )
    ends, begins = 0, min((each.header_offset for each in members), default=0)
    if begins:
        raise PackRefused(
            f"ZIP 之前还有 {begins} 字节：不同的程序可能读出不同的包",
            f"{begins} bytes stand before the ZIP: two programs may read two packs in it",
        )
    for each in sorted(members, key=lambda one: one.header_offset):
        if each.header_offset < ends:
            raise PackRefused(f"{each.filename} 与另一成员重叠", f"{each.filename} lies over another member")
        ends = each.header_offset + each.compress_size


def _check_member(each: zipfile.ZipInfo) -> None:
    parts = each.filename.split("/")
    if not _NAME.fullmatch(each.filename) or {".", ".."} & set(parts) or each.orig_filename != each.filename:
        raise PackRefused(f"成员名 {each.filename!r} 不可接受", f"a member is called {each.filename!r}")
    if (
        each.compress_type not in _METHODS
        or each.flag_bits & 0x41
        or (each.external_attr >> 28) not in (0, 8)
    ):
        raise PackRefused(
            f"{each.filename} 不是普通文件，或已加密", f"{each.filename} is no plain file, or is encrypted"
        )
    if each.file_size > 1032 * each.compress_size + 1024:  # deflate cannot do better
        raise PackRefused(f"{each.filename} 的大小不可信", f"the size of {each.filename} is not credible")


def _manifest(file: zipfile.ZipFile) -> bytes:
    try:
        if file.getinfo(MANIFEST).file_size > MOST_OF_A_TEXT:
            raise PackRefused(f"{MANIFEST} 大得不可信", f"{MANIFEST} is too large to be credible")
        return file.read(MANIFEST)
    except (KeyError, *_BROKEN) as error:
        raise PackRefused(
            f"不能读取 {MANIFEST}：这不是证据包", f"cannot read {MANIFEST}: this is no evidence pack"
        ) from error


def _listed(file: zipfile.ZipFile, manifest: bytes) -> dict[str, tuple[int, str]]:
    """Path -> (bytes, SHA-256), of exactly the members that there are."""
    try:
        said = json.loads(manifest)
        files = [(each["path"], each["bytes"], each["sha256"]) for each in said["files"]]
        is_ours = said["format"] == FORMAT and said["unlisted"] == [SHEET]
        is_written_so = all(_is_entry(*each) for each in files) and plain(said).encode() == manifest.rstrip(
            b"\n"
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise PackRefused(f"{MANIFEST} 残缺", f"{MANIFEST} is damaged") from error
    if not is_ours or not is_written_so or len({path for path, _, _ in files}) < len(files):
        raise PackRefused(f"{MANIFEST} 不是 {FORMAT} 的清单", f"{MANIFEST} is no manifest of {FORMAT}")
    listed = {path: (size, sha256) for path, size, sha256 in files}
    there = {each.filename for each in file.infolist()} - {MANIFEST, SHEET}
    for path in sorted(there - listed.keys()):
        raise PackRefused(f"清单没有列出 {path}", f"{path} is in it and not in the manifest")
    for path in sorted(listed.keys() - there):
        raise PackRefused(f"缺少清单列出的 {path}", f"{path} is in the manifest and not in it")
    return listed


def plain(value: object) -> str:
    """The one way of writing JSON in a pack. ValueError of a number that is none."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _is_entry(path: object, size: object, sha256: object) -> bool:
    is_named = isinstance(path, str) and path not in (MANIFEST, SHEET)
    return is_named and type(size) is int and isinstance(sha256, str) and bool(_SHA256.fullmatch(sha256))
