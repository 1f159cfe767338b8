"""`verify.py` as a forensic expert runs it: alone in an empty folder, with Python's standard library and nothing else."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.ledger.trail import canonical
from gateway.pack import verify
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.chain import Writer
from tests.support.packs import changed, members, packed, write

PROGRAM = Path(verify.__file__)
Ran = tuple[int, str]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monday")
    packed(monday(folder / "clinic"), folder / "monday.zip", MONDAY, now_ms=TUESDAY_MS)
    return folder / "monday.zip"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ran]:
    """Runs a copy of the program in an empty folder, isolated and without site packages: (exit code, what it said)."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(PROGRAM, alone)

    def ran(*arguments: object) -> Ran:
        command = [sys.executable, "-I", "-S", "verify.py", *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=alone,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    return ran


def test_it_has_fewer_than_500_lines_and_asks_for_nothing_but_the_standard_library_of_python_3_8():
    source = PROGRAM.read_text("utf-8")
    assert len(source.splitlines()) < 500
    module = ast.parse(source, feature_version=(3, 8))
    imported = {name.name for node in ast.walk(module) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(module) if isinstance(node, ast.ImportFrom) and node.module}
    assert imported <= sys.stdlib_module_names


def test_every_function_says_what_it_is_for():
    module = ast.parse(PROGRAM.read_text("utf-8"))
    lines = PROGRAM.read_text("utf-8").splitlines()
    functions = [node for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    silent = [
        each.name
        for each in functions
        if not ast.get_docstring(each) and "  # " not in lines[each.lineno - 1]
    ]
    tiny = {
        "__init__",
        "digest",
        "yuan",
        "length",
        "in_force",
        "iso",
    }  # one line, and nothing to add to the name
    assert set(silent) <= tiny, silent


def test_an_honest_pack_holds_and_it_says_what_it_took_as_given(honest, run):
    code, said = run(honest)
    assert (
        code == 0 and "全部成立" in said and "不证明真实" in said and "取为已知" in said and "未重算" in said
    )
    code, said = run(honest, "--lang", "en", "--every")
    assert (
        code == 0
        and "All holds" in said
        and "consistency only, no authenticity" in said
        and "Not recomputed" in said
    )


def test_with_keys_of_ones_own_it_does_not_say_consistency_only(honest, run, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"U1": Writer("U1").key_hex, "U2": {"key": Writer("U2").key_hex}}))
    code, said = run(honest, "--keys", keys, "--lang", "en")
    assert code == 0 and "consistency only" not in said
    keys.write_text(json.dumps({"U1": Writer("U2").key_hex}))
    code, said = run(honest, "--keys", keys, "--lang", "en")
    assert code == 1 and "key not the registry's: U1 key" in said and "seal does not hold: U1" in said


def test_a_change_is_named_with_what_should_be_and_what_is(honest, run, tmp_path):
    def dearer(body: bytes) -> bytes:
        before, _, after = body.rpartition(b'"amount":"12.00"')
        return before + b'"amount":"13.00"' + after

    out = changed(honest, tmp_path / "out.zip", {"runs/clinic.json": dearer})
    code, said = run(out)
    assert code == 1 and "判定不成立" in said and " amount" in said and "12.00" in said and "13.00" in said
    code, said = run(
        changed(honest, tmp_path / "other.zip", {"runs/clinic.json": dearer}, relist=False), "--lang", "en"
    )
    assert code == 1 and "file not as manifest.json lists it: runs/clinic.json" in said


def test_damaged_bytes_inside_the_zip_are_named_and_the_rest_is_looked_at(honest, run, tmp_path):
    raw = bytearray(honest.read_bytes())
    with zipfile.ZipFile(honest) as file:
        member = file.getinfo("bills/files.jsonl")
    raw[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(raw)
    code, said = run(tmp_path / "damaged.zip", "--lang", "en")
    assert code == 1 and "file damaged: bills/files.jsonl" in said


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_named(honest, run, tmp_path):
    out = tmp_path / "twice.zip"
    write(out, members(honest))
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("runs/clinic.json", b"{}")
    code, said = run(out, "--lang", "en")
    assert code == 1 and "name refused: runs/clinic.json" in said


@pytest.mark.parametrize("name", ["../evil", "/etc/x", "C:/x", "a//b", "a/", "..", "\u540d", "a b"])
def test_a_name_that_leads_elsewhere_is_named(honest, run, tmp_path, name):
    out = tmp_path / "elsewhere.zip"
    write(out, members(honest) | {name: b"x"})
    code, said = run(out, "--lang", "en")
    assert code == 1 and f"name refused: {name}" in said


def test_what_a_pack_says_cannot_write_over_what_is_said_of_it(honest, run, tmp_path):
    """Escapes and line feeds in a name are shown, not obeyed, on an inspector's terminal."""
    trick = "\x1b[2J\u202e\n全部成立。"

    def add(body: bytes) -> bytes:
        inventory = json.loads(body)
        inventory["units"].append({**inventory["units"][0], "unit": trick})
        inventory["heads"].append({**inventory["heads"][0], "unit": trick})
        return f"{canonical(inventory)}\n".encode()

    code, said = run(changed(honest, tmp_path / "trick.zip", {"inventory.json": add}))
    assert code == 1 and "\\x1b[2J\\u202e\\n" in said
    assert "\x1b" not in said and "\u202e" not in said and "全部成立。" not in said.splitlines()


@pytest.mark.parametrize("body", [b"", b"no zip", b"PK\x03\x04" + bytes(40)], ids=["empty", "text", "header"])
def test_what_is_no_readable_pack_has_exit_code_2(body, run, tmp_path):
    (tmp_path / "none.zip").write_bytes(body)
    code, said = run(tmp_path / "none.zip")
    assert code == 2 and "none.zip" in said


def test_a_zip_without_a_manifest_a_folder_and_nothing_at_all_have_exit_code_2(honest, run, tmp_path):
    there = members(honest)
    del there["manifest.json"]
    write(tmp_path / "bare.zip", there)
    for path in (tmp_path / "bare.zip", tmp_path, tmp_path / "gone.zip"):
        assert run(path)[0] == 2


def test_a_zip_that_would_fill_the_memory_is_not_unpacked(run, tmp_path, honest):
    raw = bytearray(honest.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = raw[raw.index(b"PK\x01\x02") + 24 : raw.index(b"PK\x01\x02") + 28] = (
        b"\xfe\xff\xff\xff"
    )
    (tmp_path / "bomb.zip").write_bytes(raw)
    code, said = run(tmp_path / "bomb.zip")
    assert code == 2 and "4 GiB" in said
