"""Sessions in the container of OCMF programs, read by a program that we did not write."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from pyocmf import OcmfContainer

from gateway.pack.container import container
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.chain import Writer
from tests.support.outside import openssl_accepts
from tests.support.packs import members, packed
from tests.support.tools import tool


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of Monday as files."""
    folder = tmp_path_factory.mktemp("unpacked")
    packed(monday(folder / "clinic"), folder / "day.zip", MONDAY, now_ms=TUESDAY_MS)
    for name, body in members(folder / "day.zip").items():
        path = folder / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder / "pack"


def test_each_session_is_in_it_with_its_exact_bytes_and_its_units_key(unpacked):
    read = OcmfContainer.from_xml(unpacked / "ocmf" / "U1.xml", strict=True)
    lines = (unpacked / "records" / "U1.ocmf").read_text().splitlines()
    sessions = [line for line in lines if '"UK":"SESSION"' in line]
    text = (unpacked / "ocmf" / "U1.xml").read_text()
    assert len(read) == len(sessions) == 2 and all(f">{line}<" in text for line in sessions)
    assert all(each.verify_signature() for each in read)
    assert all(result.is_compliant for result in read.check_eichrecht())


def test_the_command_of_that_program_finds_all_of_them_valid(unpacked):
    ran = subprocess.run(
        [str(tool("ocmf")), "verify", str(unpacked / "ocmf" / "U1.xml"), "--all"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0 and ran.stdout.count("VALID") >= 2 and "INVALID" not in ran.stdout, ran.stdout


def test_a_session_changed_in_the_container_is_not_valid(unpacked, tmp_path):
    text = (unpacked / "ocmf" / "U1.xml").read_text().replace('"UA":1200', '"UA":1201')
    (tmp_path / "U1.xml").write_text(text)
    ran = subprocess.run(
        [str(tool("ocmf")), "verify", str(tmp_path / "U1.xml"), "--all"], capture_output=True, text=True
    )
    assert ran.returncode != 0


def test_any_record_of_the_pack_is_verified_by_openssl_with_the_key_beside_it(unpacked):
    keys = {
        each["unit"]: each["key"] for each in json.loads((unpacked / "inventory.json").read_bytes())["units"]
    }
    for unit in ("U1", "U2"):
        assert openssl_accepts(
            (unpacked / "records" / f"{unit}.ocmf").read_text().splitlines()[3], keys[unit]
        )


def test_the_readme_tells_how_as_it_stands(unpacked):
    """What README.txt prints, typed into a shell."""
    tool("openssl"), tool("xxd")
    lines = (unpacked / "README.txt").read_text("utf-8-sig").splitlines()
    first = next(at for at, line in enumerate(lines) if "LINE=" in line)
    script = (
        "\n".join(lines[first : first + 5])
        .replace("UNIT", "U1")
        .replace(" KEY ", f" {Writer('U1').key_hex} ")
    )
    ran = subprocess.run(["sh", "-c", script], cwd=unpacked, capture_output=True, text=True)
    assert ran.stdout == "Verified OK\n", ran.stderr


def test_a_unit_without_sessions_in_the_span_has_no_container(unpacked):
    assert {path.name for path in (unpacked / "ocmf").iterdir()} == {"U1.xml", "U2.xml"}


def test_what_xml_would_misread_is_escaped():
    text = b"".join(container([(1, 'OCMF|{"a":"<&>"}|{}')], Writer().key_hex)).decode()
    assert "&lt;&amp;&gt;" in text and "<&" not in text
