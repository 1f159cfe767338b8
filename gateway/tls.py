"""The certificate by which the pages are served, where there is one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.config import Serve
from gateway.errors import UsageError


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files: the certificate, with those between it and its authority behind it, and its private key."""

    path: Path
    key: Path


def certificate(folder: Path, serve: Serve) -> Certificate | None:
    """What `[serve]` of a ledger folder names; None where it names nothing, UsageError where it is none or cannot be read."""
    if not serve.cert:
        return None
    found = Certificate(folder / serve.cert, folder / serve.key)
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(found.path, found.key, "")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UsageError(
            f"serve.cert {found.path} 和 serve.key {found.key} 不能用（{error}）：应为一对可读的 PEM 文件，私钥不带口令",
            f"serve.cert {found.path} and serve.key {found.key} cannot be used ({error}): "
            "two PEM files that go together, readable, the key without a passphrase",
        ) from error
    return found


def trusting(certificate: Certificate | None) -> ssl.SSLContext | bool:
    """How a client on this machine believes that certificate and no other, whatever name it is for; True without one."""
    if certificate is None:
        return True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate.path)
    return context
