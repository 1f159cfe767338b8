"""Verifiers that we did not write, asked about one record: `ocmf` (pyocmf from PyPI) and plain openssl.

Nothing of ours takes part: a record is taken apart here again, with what those who distrust us would use.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from pathlib import Path

from tests.support.tools import tool


def ocmf_accepts(line: str, pub_hex: str, strict: bool = True) -> bool:
    """Whether `ocmf verify` finds the signature valid, and with `strict` the document true to the OCMF text.

    `pub_hex` is the key's DER SubjectPublicKeyInfo in hex.
    """
    command = [str(tool("ocmf")), "verify", line, "--public-key", pub_hex]
    return _agrees(command + ["--strict"] * strict, "Signature verification: VALID")


def ocmf_finds_compliant(line: str, pub_hex: str) -> bool:
    """Whether `ocmf` finds the signature valid and the session fit for billing by German calibration law."""
    return _agrees([str(tool("ocmf")), line, "--public-key", pub_hex], "Eichrecht compliance: COMPLIANT")


def openssl_accepts(line: str, pub_hex: str) -> bool:
    """Whether `openssl dgst -sha256 -verify` finds the payload signed by the key."""
    _, payload, section = line.split("|")
    with tempfile.TemporaryDirectory() as folder:
        key, signature, signed = (Path(folder, name) for name in ("key.pem", "signature.der", "payload.json"))
        key.write_text(_pem(pub_hex))
        signature.write_bytes(bytes.fromhex(json.loads(section)["SD"]))
        signed.write_text(payload)
        command = [str(tool("openssl")), "dgst", "-sha256", "-verify", str(key), "-signature", str(signature)]
        return _agrees([*command, str(signed)], "Verified OK")


def _pem(pub_hex: str) -> str:
    body = base64.encodebytes(bytes.fromhex(pub_hex)).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n"


def _agrees(command: list[str], sentence: str) -> bool:
    """Whether the program succeeds and says so; a program that falls over has not refused anything."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode == 0 and sentence in ran.stdout
