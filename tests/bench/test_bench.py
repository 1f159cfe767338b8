"""The bench runs, on a little of everything, and tells what it measured; what it measured is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench import bars, bills, district, intake, matching, page, verification
from tests.bench.figures import Figure, table
from tests.support.tools import CHECKOUT


@pytest.mark.parametrize("bench", [bars, bills, district, intake, matching, page, verification])
def test_each_bench_measures_something_at_any_scale(bench):
    found = bench.figures(0.01)
    assert found and all(each.value >= 0 and each.zh and each.en for each in found)


def test_the_table_says_value_ratio_target_and_whether_it_was_met():
    told = table([Figure("x", "甲", "a", 12.5, "s", 5, "csv", "<= 5 s", False)])
    assert told == "甲 · a  12.5 s  2.50 x csv  <= 5 s  未达到 · not met"


def test_the_command_writes_what_it_prints_as_json(tmp_path):
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "verification", "--scale", "0.01", "--json", str(out)]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(out.read_text("utf-8"))
    assert [each["name"] for each in said["figures"]] == ["verification"]
    assert "连续记录的核验" in ran.stdout and str(out) in ran.stdout


def test_a_bench_that_there_is_not_is_said_with_those_that_there_are():
    command = [sys.executable, "-m", "tests.bench", "speed"]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, "matching" in ran.stderr) == (2, True)
