"""Tokens that stand for a visit: random, printed or on a card, and never kept. What is kept is a token's tag:
HMAC-SHA256 under the clinic's tag key, the same that units write (record profile, `UT`).

A token says nothing of a person. What looks like a person's number is refused: identity, insurance, telephone and card
numbers are digits (an identity number may end in X).
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path

from gateway.errors import UsageError
from gateway.keyfile import open_key

FILE = "tag.key"
LEAST, MOST = 16, 128
"""Characters; 16 hex digits are 64 bits."""

_DISTINCT = 6
_ALPHABET = re.compile(r"[0-9A-Za-z_.:/+=?&%#~-]*", re.ASCII)


def open_tag_key(folder: Path) -> bytes:
    """The tag key of this ledger folder, which is made on first use; its units are given the same."""
    return open_key(folder, FILE, "单元所读的标签对不上就诊", "tags that units read will match no visit")


def new_token() -> str:
    """A token of 80 random bits, in the characters that a QR code holds in the least room and no reader confuses."""
    return "".join(secrets.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(16))


def tag(key: bytes, token: str) -> str:
    """The tag of a token, 64 hex digits; UsageError for what must not become one. The error repeats nothing of it."""
    text = token.strip()
    letters = re.sub("[^A-Za-z]", "", text)
    if not LEAST <= len(text) <= MOST or not _ALPHABET.fullmatch(text):
        raise _refused(
            f"应为 {LEAST} 到 {MOST} 个 ASCII 字符", f"it has {LEAST} to {MOST} characters of ASCII"
        )
    if letters in ("", "X", "x"):
        raise _refused("全是数字，可能是某人的号码", "a number may be a person's: a token has letters")
    if len(set(text)) < _DISTINCT:
        raise _refused("不是随机的", "it is not random")
    return hmac.digest(key, text.encode(), "sha256").hex()


def proof(key: bytes, visit: str, at_ms: int) -> str:
    """That a token of the visit was read at the desk then, for a form that comes back."""
    seal = hmac.digest(key, f"read {at_ms} {visit}".encode(), "sha256").hex()
    return f"{at_ms}.{seal}"


def proves(key: bytes, visit: str, text: str, now_ms: int, within_ms: int) -> bool:
    """Whether a form brings back a proof of a reading that is not too long ago."""
    at, _, _ = text.partition(".")
    if not re.fullmatch("[0-9]{1,15}", at) or not now_ms - within_ms <= int(at) <= now_ms:
        return False
    return hmac.compare_digest(text.encode(), proof(key, visit, int(at)).encode())


def _refused(zh: str, en: str) -> UsageError:
    return UsageError(
        f"扫到的不是就诊标签（{zh}）：请扫描打印的标签",
        f"that is no visit token ({en}): scan the printed one",
    )
