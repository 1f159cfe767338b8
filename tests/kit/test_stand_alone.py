"""The kit's own verify.py, with nothing but Python's standard library: as the README on the stick says."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.kit.scene import DAY, FEES, HEARD_MS, at, platform
from tests.support.audited import MINUTE_MS
from tests.support.bills import fee_list
from tests.support.ledgers import in_folder, take_in


@pytest.fixture
def verify(there, tmp_path):
    """Runs the stick's verify.py outside of this project, where nothing of it can be imported."""
    shutil.copy(tmp_path / "kit/verify.py", tmp_path / "brought.py")

    def run(pack="pack.zip"):
        command = [sys.executable, "-I", tmp_path / "brought.py", tmp_path / pack, "--kit", tmp_path / "kit"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    return run


@pytest.fixture
def packed(there, tmp_path, capsys):
    def pack(book):
        assert at(book, capsys)("pack", *DAY, "--out", tmp_path / "new.zip")[0] == 0
        return "new.zip"

    return pack


def test_an_honest_clinic_passes(verify):
    code, said = verify()
    assert code == 0, said


def test_an_honest_clinic_that_has_the_platforms_bills_too_passes(there, verify, packed):
    """Each ledger hashes patients by a key of its own, so these differ and nothing else does."""
    platform(there.clinic, fee_list(*FEES))
    code, said = verify(packed(there.clinic))
    assert code == 0, said


def test_an_honest_clinic_with_codes_of_its_own_passes(there, verify, packed, capsys):
    assert at(there.clinic, capsys)("catalogue", "map", "LL-1", 31, "--by", "D01")[0] == 0
    code, said = verify(packed(there.clinic))
    assert code == 0, said


def test_a_line_that_was_down_accuses_nobody(there, verify, packed):
    there.write_on(there.writers[0], 20, HEARD_MS + 30 * MINUTE_MS)
    code, said = verify(packed(there.clinic))
    assert code == 0, said


def test_a_withheld_tail_is_found(there, verify, packed, tmp_path):
    shown = in_folder(tmp_path / "shown", *there.writers)
    with shown.ledger() as db:
        for writer in there.writers:
            take_in(db, writer.lines[:-3], HEARD_MS)
    code, said = verify(packed(shown))
    assert code == 1 and "U1" in said and "U2" in said


def test_a_touched_kit_is_found(verify, tmp_path):
    with (tmp_path / "kit/heads.jsonl").open("ab") as file:
        file.write(b"\n")
    code, said = verify()
    assert code != 0 and "heads.jsonl" in said
