"""The unit's key: made once, readable by its owner, written as openssl writes it."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware.rpi import keyfile
from firmware.rpi.__main__ import commands
from firmware.rpi.errors import UsageError
from protocol import p256
from tests.support.tools import tool


def test_keygen_prints_the_public_key_and_only_the_owner_can_read_the_file(tmp_path: Path):
    out = tmp_path / "u1.pem"
    ran = CliRunner().invoke(commands, ["keygen", "--out", str(out)])
    assert ran.exit_code == 0
    assert ran.stdout.strip() == p256.spki(p256.public_key(keyfile.read(out))).hex()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_keygen_prints_one_json_document_when_asked(tmp_path: Path):
    ran = CliRunner().invoke(commands, ["keygen", "--out", str(tmp_path / "k.pem"), "--json"])
    assert json.loads(ran.stdout)["key"].startswith("3059301306072a8648ce3d0201")


def test_a_key_is_never_overwritten(tmp_path: Path):
    out = tmp_path / "u1.pem"
    keyfile.write(out, b"\x01" * 32)
    before = out.read_bytes()
    with pytest.raises(UsageError, match="a key is never overwritten; choose another --out"):
        keyfile.write(out, b"\x02" * 32)
    assert out.read_bytes() == before


def test_openssl_reads_the_key_and_finds_the_same_public_one(tmp_path: Path):
    out = tmp_path / "u1.pem"
    secret = keyfile.make_secret()
    keyfile.write(out, secret)
    command = [str(tool("openssl")), "ec", "-in", str(out), "-pubout", "-outform", "DER"]
    ran = subprocess.run(command, capture_output=True, check=True)
    assert ran.stdout == p256.spki(p256.public_key(secret))


def test_a_key_that_openssl_made_is_read(tmp_path: Path):
    out = tmp_path / "theirs.pem"
    openssl = str(tool("openssl"))
    subprocess.run(
        [openssl, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(out)], check=True
    )
    public = subprocess.run(
        [openssl, "ec", "-in", str(out), "-pubout", "-outform", "DER"], capture_output=True
    )
    assert p256.spki(p256.public_key(keyfile.read(out))) == public.stdout


@pytest.mark.parametrize("text", [b"", b"nonsense", b"\xff\xfe", b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, text):
    (tmp_path / "k.pem").write_bytes(text)
    with pytest.raises(
        UsageError, match=r"k\.pem is no (P-256 key|key file).*: make one with `keygen --out`"
    ):
        keyfile.read(tmp_path / "k.pem")
    with pytest.raises(UsageError, match="the key cannot be read"):
        keyfile.read(tmp_path / "none.pem")


def test_a_damaged_key_is_refused(tmp_path: Path):
    out = tmp_path / "k.pem"
    keyfile.write(out, b"\x01" * 32)
    lines = out.read_text().splitlines()
    lines[2] = ("A" if lines[2][0] != "A" else "B") + lines[2][1:]
    out.write_text("\n".join(lines))
    with pytest.raises(UsageError, match="no P-256 key"):
        keyfile.read(out)
