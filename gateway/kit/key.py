"""The district's key, by which kits are signed: made on first use in the ledger folder, 0600, and never replaced.

Its public half is told to inspectors on another way than the stick: a kit's own copy proves nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import UsageError
from gateway.keyfile import open_key
from protocol import p256, seal
from protocol.errors import RecordError

FILE = "district.key"
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.+)-----END PUBLIC KEY-----", re.S)


@dataclass(frozen=True, slots=True)
class Signer:
    """A district's key. `public` is DER SubjectPublicKeyInfo."""

    secret: bytes
    public: bytes

    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256 as DER; the same for the same message (RFC 6979)."""
        return seal.der(*p256.sign(self.secret, message))


def open_signer(folder: Path) -> Signer:
    """The key of a district's ledger folder, made where there is none. UsageError where its file is damaged."""
    drawn = open_key(folder, FILE, "核查人员须改用新的公钥", "inspectors need another public key")
    # 32 random bytes are no secret of P-256 once in 2**32 times: so they are taken modulo its order
    secret = (int.from_bytes(drawn, "big") % (p256.N - 1) + 1).to_bytes(32, "big")
    return Signer(secret, p256.spki(p256.public_key(secret)))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature (DER) is of the message by a key (DER SubjectPublicKeyInfo)."""
    try:
        return p256.verify(p256.from_spki(public), message, *seal.undo_der(signature))
    except (RecordError, ValueError):
        return False


def pem(public: bytes) -> bytes:
    """A public key as openssl reads it."""
    body = base64.b64encode(public).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()


def read_public(path: Path) -> bytes:
    """The public key in a file, PEM or hex; UsageError for anything else."""
    try:
        text = path.read_text("ascii")
        found = _PEM.search(text)
        public = base64.b64decode(found[1]) if found else bytes.fromhex(text.strip())
        p256.from_spki(public)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} 不是公钥文件（{error}）：应为 PEM 或十六进制的 P-256 公钥",
            f"{path} holds no public key ({error}): it should be a P-256 key as PEM or hex",
        ) from error
    return public


def fingerprint(public: bytes) -> str:
    """SHA-256, hex, of a public key: short enough to be read out over the telephone."""
    return hashlib.sha256(public).hexdigest()
