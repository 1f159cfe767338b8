"""docs/kit.md says what is so: codes, files, fields, the example and the shell lines."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from gateway.audit.draw import Candidate, draw
from gateway.kit import compare, compare_bills, compare_settings, folder
from tests.kit.scene import files_of, head_of
from tests.support.tools import CHECKOUT

PAGE = (CHECKOUT / "docs/kit.md").read_text("utf-8")


@pytest.fixture
def kit(once):
    return once[0] / "kit"


def test_every_code_has_its_row_and_says_whether_it_is_a_finding_or_a_note():
    rows = dict(re.findall(r"^\| `(\w+)` \| (发现|说明) \|", PAGE, re.M))
    assert rows.keys() == {*compare.CODES, *compare_bills.CODES, *compare_settings.CODES}
    notes = {*compare._NOTES, *compare_bills._NOTES}
    assert {code for code, kind in rows.items() if kind == "说明"} == notes


def listed() -> dict[str, str]:
    """Each file of the kit as the page names it, with what it says of it."""
    part = PAGE.split("## 包里有什么")[1]
    block = re.findall(r"^    (\S.*|  .*)$", part, re.M)
    found: dict[str, str] = {}
    for line in block:
        if not line.startswith(" "):
            names, _, about = line.partition("  ")
            last = names.split()[-1]
            found |= dict.fromkeys(names.split(), "")
        else:
            about = line
        found[last] += f" {about.strip()}"
    return found


def test_every_file_of_a_kit_is_named_and_no_other(kit):
    assert listed().keys() == files_of(kit).keys()


def test_the_fields_of_each_file_are_those_that_the_page_names(kit):
    files = files_of(kit)
    for path in (
        "kit.json",
        "heads.jsonl",
        "trail_heads.jsonl",
        "checkpoint.json",
        "inventory.json",
        "draw.json",
    ):
        told = json.loads(files[path].splitlines()[0])
        assert set(told) <= set(re.findall(r'"(\w+)"', listed()[path])), path
        missing = [
            name for name in re.findall(r'"(\w+)"', listed()[path]) if f'"{name}"'.encode() not in files[path]
        ]
        assert [name for name in missing if name != "wattwitness-kit/1"] == [], path
    (row, *_) = json.loads(files["registry.json"]).values()
    assert list(row) == sorted(re.findall(r'"(\w+)"', listed()["registry.json"]))
    assert head_of(kit)["format"] == folder.FORMAT and folder.FORMAT in listed()["kit.json"]


def test_the_example_is_what_the_shell_says():
    ((command, start),) = re.findall(r"`(printf [^`]+sha256sum)` → `(\w+)…`", PAGE)
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(start) and len(start) == 16


def test_the_shell_lines_draw_what_the_program_draws(tmp_path):
    (script,) = re.findall(r"^    SEED=s1 .*?\"\$N\"$", PAGE, re.M | re.S)
    names = [f"V{number}/1" for number in range(40)]
    (tmp_path / "population.txt").write_text("".join(f"{name}\n" for name in names))
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    drawn = draw("s1", "clinic", [Candidate(name) for name in names], 20)
    assert [line.split("  ")[1] for line in ran.stdout.splitlines()] == [each.name for each in drawn]
