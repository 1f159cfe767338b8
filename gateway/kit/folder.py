"""A kit as a folder: written whole or not at all, read only after signature and every hash were verified.

This file does not know what the files say.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import SurroundingsError, UsageError
from gateway.kit.key import Signer, is_signed
from gateway.ledger.trail import canonical

FORMAT = "wattwitness-kit/1"
HEAD, SIGNATURE = "kit.json", "kit.sig"
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """A kit whose signature and hashes hold. `authentic`: by a key that was brought, not by the kit's own."""

    head: Mapping[str, Any]
    files: Files
    authentic: bool


def sealed(head: Mapping[str, Any], files: Files, signer: Signer) -> dict[str, bytes]:
    """All files of a kit: these, and kit.json over them with its signature."""
    listed = [
        {"path": path, "sha256": hashlib.sha256(files[path]).hexdigest(), "bytes": len(files[path])}
        for path in sorted(files)
    ]
    said = {**head, "format": FORMAT, "key": signer.public.hex(), "files": listed}
    body = (canonical(said) + "\n").encode()
    return {**files, HEAD: body, SIGNATURE: signer.sign(body)}


def write(out: Path, files: Files) -> None:
    """The folder with exactly these files. They are written and flushed beside it first, so what stands there is a whole kit,
    the old or the new one, at every instant; or, between two renames, none, with both beside it.

    UsageError where something stands there that is no kit, SurroundingsError where it cannot be written.
    """
    check_place(out)
    draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    old = draft.with_name(f"{draft.name}.old")
    try:
        _fill(draft, files)
        if out.exists():
            out.rename(old)
        draft.rename(out)
        _flush(out.parent)
        _sweep(out)
    except OSError as error:
        if old.exists() and not out.exists():
            old.rename(out)
        raise SurroundingsError(
            f"不能写入 {out}：{error.strerror}", f"cannot write {out}: {error.strerror}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_place(out: Path) -> None:
    """UsageError where a kit may not be written: over something else, or in a folder that is not there."""
    if not out.parent.is_dir():
        raise UsageError(
            f"没有目录 {out.parent}：请先建立或插入 U 盘",
            f"there is no folder {out.parent}: make it, or insert the stick",
        )
    if not _may_be_replaced(out):
        raise UsageError(
            f"{out} 已存在，但不是检查包：请换一个目录", f"{out} exists and is no kit: choose another folder"
        )


def _may_be_replaced(out: Path) -> bool:
    """Whether there is nothing, an empty folder, or an older kit: a folder with kit.json of our format and kit.sig."""
    if not out.exists():
        return True
    if not out.is_dir() or out.is_symlink():
        return False
    if not any(out.iterdir()):
        return True
    try:
        head = json.loads((out / HEAD).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(head, dict) and head.get("format") == FORMAT and (out / SIGNATURE).is_file()


def read(folder: Path, district_key: bytes | None) -> Opened:
    """A kit, verified by the district's key that was brought, or else by its own. UsageError names the file that is missing,
    was added or differs by a byte."""
    body, signature = _bytes(folder, HEAD), _bytes(folder, SIGNATURE)
    head = _head(folder, body)
    own = bytes.fromhex(head["key"])
    if not is_signed(own, body, signature):
        raise _refused(folder, f"{HEAD}, {SIGNATURE}", "与签名不符", "not as it was signed")
    if district_key not in (None, own):
        raise _refused(folder, HEAD, "不是用区里的密钥签的", "not signed by the district's key")
    listed = {each["path"]: each for each in head["files"]}
    files = {}
    for path, said in listed.items():
        found = _bytes(folder, path)
        if len(found) != said["bytes"] or hashlib.sha256(found).hexdigest() != said["sha256"]:
            raise _refused(folder, path, "内容与签名时不同", "not what was signed")
        files[path] = found
    extra = sorted(_names(folder) - {*listed, HEAD, SIGNATURE})
    if extra:
        raise _refused(folder, extra[0], "不在签名的清单中", "not among what was signed")
    return Opened(head, files, district_key is not None)


def _fill(draft: Path, files: Files) -> None:
    draft.mkdir(parents=True)
    for path, body in files.items():
        place = draft / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    for folder in {draft, *((draft / path).parent for path in files)}:
        _flush(folder)


def _sweep(out: Path) -> None:
    """What writing left beside the kit, now or when it was killed."""
    ours = re.compile(rf"\.{re.escape(out.name)}\.[0-9a-f]{{8}}(\.old)?")
    for each in out.parent.iterdir():
        if ours.fullmatch(each.name):
            shutil.rmtree(each, ignore_errors=True)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _head(folder: Path, body: bytes) -> dict[str, Any]:
    try:
        head = json.loads(body)
        if head["format"] != FORMAT:
            raise ValueError(head["format"])
        bytes.fromhex(head["key"])
        for each in head["files"]:
            parts = Path(each["path"]).parts
            if Path(each["path"]).is_absolute() or ".." in parts or not isinstance(each["sha256"], str):
                raise ValueError(each["path"])
            each["bytes"] = int(each["bytes"])
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(folder, HEAD, "读不懂", "not understood") from error
    return head


def _bytes(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise _refused(
            folder, path, f"读不到（{error.strerror}）", f"not readable ({error.strerror})"
        ) from error


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def _refused(folder: Path, path: str, zh: str, en: str) -> UsageError:
    return UsageError(
        f"检查包 {folder} 不可用：{path} {zh}；请向区里另取一份",
        f"the kit {folder} cannot be used: {path} is {en}; get another from the district",
    )
