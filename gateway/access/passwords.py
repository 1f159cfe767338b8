"""Passwords: Argon2id with the library's parameters (RFC 9106, section 4, second recommendation); never kept in clear."""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import UsageError

LEAST, MOST = 10, 200
"""Characters. No other rule: length is what counts (NIST SP 800-63B, section 5.1.1)."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # what cannot be misread on paper
_hasher = PasswordHasher()
_at_once = threading.BoundedSemaphore(2)  # each takes 64 MiB: forty at once would be too much for a Pi
_NOBODY = _hasher.hash(secrets.token_hex())  # so that an unknown name takes as long as a known one


def hashed(password: str) -> str:
    """What is kept of a password. UsageError for one that is too short or too long."""
    password = _plain(password)
    if not LEAST <= len(password) <= MOST:
        raise UsageError(
            f"口令须有 {LEAST} 到 {MOST} 个字符",
            f"a password has {LEAST} to {MOST} characters: choose another one",
        )
    with _at_once:
        return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether it is the password; of somebody who is not known (None) it never is, and that takes as long."""
    try:
        with _at_once:
            return _hasher.verify(kept or _NOBODY, _plain(password)[: MOST + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def made_up() -> str:
    """A new password: four groups of four, 80 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _plain(password: str) -> str:
    """However a keyboard writes it: wide or narrow, composed or not (NIST SP 800-63B, section 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
