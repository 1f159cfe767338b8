"""A form with files, taken in bounded: what is too large is refused while it comes, and neither memory nor disk holds it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from gateway.errors import UsageError
from gateway.pages.bills_spool import Sent

MOST_MB = 50
MOST_BYTES = MOST_MB * 1024 * 1024
MOST_MAPPING_BYTES = 256 * 1024
_LISTENED_BYTES = (
    1024 * 1024 * 1024
)  # so much more is heard out and thrown away, so that the browser shows our answer
_REST_BYTES = 1024 * 1024  # of a form, beside its file
_LONGEST_NAME = 200

_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class TooLarge(UsageError):
    """More than MOST_BYTES."""


async def sent(request: Request) -> Sent:
    """The file of the form, and how it is to be read. TooLarge, or UsageError for a form that is none."""
    form = await _form(request)
    try:
        file, mapping = form.get("file"), form.get("mapping")
        if not isinstance(file, UploadFile) or not file.filename:
            raise UsageError("请选择收费文件", "choose a bill file")
        body = await file.read()
        if len(body) > MOST_BYTES:
            raise _too_large()
        form_name, source = (str(form.get(each) or "") for each in ("format", "source"))
        return Sent(body, file_name(file.filename), form_name, source, await _text(mapping))
    finally:
        await form.close()


def file_name(told: str) -> str:
    """The last part of a file's name, as text that can be kept and shown: nothing that moves what stands beside it."""
    last = re.split(r"[\\/]", told.encode(errors="replace").decode())[-1]
    return _NOT_SHOWN.sub("", last).strip()[:_LONGEST_NAME] or "?"


async def _text(mapping: object) -> str:
    if not isinstance(mapping, UploadFile) or not mapping.filename:
        return ""
    body = await mapping.read(MOST_MAPPING_BYTES + 1)
    if len(body) > MOST_MAPPING_BYTES:
        raise UsageError("对照文件过大", "the mapping file is too large")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            "对照文件不是 UTF-8：请另存", "the mapping file is not in UTF-8: save it so"
        ) from error


async def _form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UsageError("请用本页的表单发送文件", "send the file by the form of this page")
    stream = request.stream()
    declared = request.headers.get("content-length", "")
    try:
        if declared.isdigit() and int(declared) > MOST_BYTES + _REST_BYTES:
            raise _too_large()
        return await MultiPartParser(request.headers, _counted(stream), max_files=2, max_fields=8).parse()
    except MultiPartException as error:
        raise UsageError(f"表单不完整（{error}）", f"the form is not whole ({error})") from error
    except TooLarge:
        await _hear_out(stream)
        raise


async def _counted(stream: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    count = 0
    async for piece in stream:
        count += len(piece)
        if count > MOST_BYTES + _REST_BYTES:
            raise _too_large()
        yield piece


async def _hear_out(stream: AsyncIterator[bytes]) -> None:
    count = 0
    async for piece in stream:
        count += len(piece)
        if count > _LISTENED_BYTES:
            return


def _too_large() -> TooLarge:
    return TooLarge(
        f"文件超过 {MOST_MB} MB，没有接收：请按日或按月分开导出",
        f"the file is larger than {MOST_MB} MB and was not taken: export it by day or month",
    )
