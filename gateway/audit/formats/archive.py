"""What is in a ZIP, which XLSX files are too: looked at before it is unpacked, so that a small file cannot fill the memory."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo

from gateway.audit.formats.statements import UnreadableFile

MARKS = (b"PK\x03\x04", b"PK\x05\x06")
"""How a ZIP begins: with its first part, or empty."""
MOST_BYTES = 512 * 1024 * 1024
"""Unpacked, all parts together: 200,000 rows of 35 columns need less."""

_STEP = 1024 * 1024
_BROKEN = (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error)


class Archive:
    """An opened ZIP. UnreadableFile where it is broken, locked by a password, or unpacks to more than we take."""

    def __init__(self, body: bytes, most_bytes: int | None = None):
        self._most_bytes = MOST_BYTES if most_bytes is None else most_bytes
        try:
            self._zip = ZipFile(io.BytesIO(body))
        except _BROKEN as error:
            _refuse_broken(error)
        self._parts = {part.filename: part for part in self._zip.infolist() if not part.is_dir()}
        if any(part.flag_bits & 1 for part in self._parts.values()):
            raise UnreadableFile(
                "ZIP 有密码:请去掉密码后重试", "the ZIP has a password: remove it, then try again"
            )
        if sum(part.file_size for part in self._parts.values()) > self._most_bytes:
            self._refuse_size()

    @property
    def names(self) -> list[str]:
        """The parts, without folders and what one system adds for itself."""
        return [name for name in self._parts if not name.startswith("__MACOSX/")]

    @property
    def is_workbook(self) -> bool:
        """Whether it is an XLSX, whatever its name is."""
        return "xl/workbook.xml" in self._parts

    def read(self, name: str) -> bytes:
        """One part, unpacked."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """One part, unpacked piece by piece; no more of it than its entry says."""
        try:
            yield from self._chunks(self._parts[name])
        except _BROKEN as error:
            _refuse_broken(error)

    def _chunks(self, part: ZipInfo) -> Iterator[bytes]:
        with self._zip.open(part) as opened:
            while piece := opened.read(_STEP):
                yield piece

    def _refuse_size(self) -> NoReturn:
        megabytes = self._most_bytes // (1024 * 1024)
        raise UnreadableFile(
            f"解压后超过 {megabytes} MB:请按月或按日分开导出",
            f"unpacks to more than {megabytes} MB: export it by month or day",
        )


def _refuse_broken(error: Exception) -> NoReturn:
    raise UnreadableFile(
        f"XLSX 或 ZIP 文件已损坏({error}):请重新导出",
        f"a broken XLSX or ZIP file ({error}): export it again",
    ) from None
