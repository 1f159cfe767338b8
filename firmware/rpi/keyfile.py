"""A unit's private key in a file: PEM, ECPrivateKey (RFC 5915) on P-256, as openssl reads and writes it.

This file does not know what is signed with the key.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from firmware.rpi.errors import UsageError
from protocol import p256

_BEGIN, _END = "-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----"
_BEFORE_SECRET = bytes.fromhex("30770201010420")  # SEQUENCE, version 1, OCTET STRING of 32
_BEFORE_PUBLIC = bytes.fromhex("a00a06082a8648ce3d030107a144034200")  # prime256v1, BIT STRING of 65


def make_secret() -> bytes:
    """32 bytes from the kernel's random source, in the range that P-256 allows."""
    while True:
        secret = secrets.token_bytes(32)
        if 0 < int.from_bytes(secret, "big") < p256.N:
            return secret


def write(path: Path, secret: bytes) -> None:
    """Keep `secret` in a new file that only its owner can read. UsageError if the file exists: a key is never replaced."""
    der = _BEFORE_SECRET + secret + _BEFORE_PUBLIC + p256.public_key(secret)
    text = base64.b64encode(der).decode()
    lines = [_BEGIN, *[text[start : start + 64] for start in range(0, len(text), 64)], _END, ""]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        en = f"{path} exists: a key is never overwritten; choose another --out"
        raise UsageError(f"{path} 已存在：密钥从不覆盖，请换一个 --out", en) from None
    except OSError as error:
        en = f"{path} cannot be written ({error.strerror}): choose another --out"
        raise UsageError(f"{path} 无法写入：请换一个 --out", en) from error
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> bytes:
    """The 32 secret bytes in a key file; UsageError if there are none."""
    try:
        lines = path.read_text("ascii").split()
    except OSError as error:
        en = f"{path}: the key cannot be read ({error.strerror}): make one with `keygen --out`"
        raise UsageError(f"{path}：无法读取密钥，请用 keygen --out 生成", en) from error
    except UnicodeDecodeError as error:
        en = f"{path} is no key file: make one with `keygen --out`"
        raise UsageError(f"{path} 不是密钥文件：请用 keygen --out 生成", en) from error
    return _secret(path, "".join(lines))


def _secret(path: Path, text: str) -> bytes:
    begin, end = _BEGIN.replace(" ", ""), _END.replace(" ", "")
    try:
        der = base64.b64decode(text.removeprefix(begin).removesuffix(end), validate=True)
        secret = der[7:39]
        if der != _BEFORE_SECRET + secret + _BEFORE_PUBLIC + p256.public_key(secret):
            raise ValueError("not the one form that keygen writes")
    except Exception as error:
        en = f"{path} is no P-256 key in PEM ({error}): make one with `keygen --out`"
        raise UsageError(f"{path} 不是 PEM 格式的 P-256 密钥：请用 keygen --out 生成", en) from error
    return secret
