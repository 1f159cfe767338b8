"""`wattwitness attended`: what people recorded, by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import __main__ as program
from gateway.ledger import attended
from gateway.ledger.database import open_ledger
from gateway.nurse import tokens
from tests.support.ledgers import in_folder

Run = Callable[..., tuple[int, Any, str]]

ADD = (
    "add",
    "--visit",
    "V1",
    "--item",
    16,
    "--began",
    "2026-03-02T09:45",
    "--ended",
    "2026-03-02T10:07",
    "--by",
    "D01",
)
DETAILS = ("--acupoints", 9, "--why", "断网")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return in_folder(tmp_path / "clinic").folder


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `attended ... --json` in the folder: exit code, what it printed, what it said to people."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = program.run(["--dir", str(folder), "attended", *map(str, arguments), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return run


def test_a_later_entry_is_kept_and_told(run: Run) -> None:
    code, said, _ = run(*ADD, *DETAILS, "--room", "针灸室", "--practitioner", "D03")
    assert code == 0
    assert (said["entry"], said["outcome"], said["later"], said["why"]) == (1, "done", True, "断网")
    assert (said["began"], said["ended"]) == ("2026-03-02T09:45:00+08:00", "2026-03-02T10:07:00+08:00")
    assert (said["practitioner"], said["entered_by"], said["room"]) == ("D03", "D01", "针灸室")
    assert run("list")[1] == {"entries": [said]}


def test_a_correction_shows_beside_what_it_corrects_when_a_visit_is_asked_for(run: Run) -> None:
    run(*ADD, *DETAILS)
    _, fixed, _ = run("correct", 1, "--ended", "2026-03-02T10:02", "--by", "D02", "--why", "误记")
    assert (fixed["entry"], fixed["replaces"], fixed["ended"][11:16]) == (2, 1, "10:02")
    assert [each["entry"] for each in run("list")[1]["entries"]] == [2]
    assert [each["entry"] for each in run("list", "--visit", "V1")[1]["entries"]] == [1, 2]


def test_days_bound_the_list(run: Run) -> None:
    run(*ADD, *DETAILS)
    assert len(run("list", "--from", "2026-03-02", "--to", "2026-03-02")[1]["entries"]) == 1
    assert run("list", "--from", "2026-03-03")[1] == run("list", "--to", "2026-03-01")[1] == {"entries": []}


def test_what_is_not_done_needs_a_reason_and_no_times(run: Run) -> None:
    undone = ("add", "--visit", "V1", "--item", 4, "--outcome", "undone", "--by", "D01")
    assert run(*undone)[0] == 2
    code, said, _ = run(*undone, "--reason", "患者离开")
    assert (code, said["outcome"], said["reason"], said["ended"]) == (0, "undone", "患者离开", None)


def test_what_was_a_mistake_is_withdrawn_and_stays(run: Run) -> None:
    run(*ADD, *DETAILS)
    assert run("withdraw", 1, "--by", "D01", "--why", "误登")[1]["outcome"] == "withdrawn"
    assert len(run("list", "--visit", "V1")[1]["entries"]) == 2


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((*ADD, "--acupoints", 9), "--why"),
        ((*ADD, "--why", "断网"), "acupoints"),
        ((*ADD, *DETAILS, "--cups", 7), "cups"),
        (("add", "--visit", "V1", "--item", 99, "--by", "D01"), "99"),
        (("add", "--visit", "V1", "--item", 4, "--by", "D01", "--why", "断网"), "--began"),
        ((*ADD[:6], "2026-03-02T25:00", *ADD[7:], *DETAILS), "2026-03-02T25:00"),
        (("correct", 1, "--by", "D02", "--why", "误记"), "1"),
        (("withdraw", 7, "--by", "D02", "--why", "误记"), "7"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_kept(run: Run, arguments, said) -> None:
    code, told, err = run(*arguments)
    assert (code, told) == (2, None)
    assert len(err.splitlines()) == 1 and said in err
    assert run("list")[1] == {"entries": []}


def test_a_token_is_issued_once_and_its_key_goes_with_the_backup(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    _, said, _ = run("token", "V1", "--by", "D09")
    key = tokens.open_tag_key(folder)
    db = open_ledger(folder)
    assert attended.visit_of(db, "C001", tokens.tag(key, said["token"])) == said["visit"] == "V1"
    out = tmp_path / "copy.db"
    assert program.run(["--dir", str(folder), "backup", str(out)]) == 0
    copied = tmp_path / "copy.db.tag.key"
    assert copied.read_bytes() == (folder / tokens.FILE).read_bytes()
    assert copied.stat().st_mode & 0o777 == 0o600
    out.unlink()
    assert program.run(["--dir", str(folder), "backup", str(out)]) == 2  # the key is not overwritten either
    assert not out.exists()


def test_a_district_records_no_treatments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    district = in_folder(tmp_path / "district", role="district").folder
    arguments = ["--dir", str(district), "attended", *map(str, (*ADD, *DETAILS))]
    assert program.run(arguments) == 2
    assert "诊所" in capsys.readouterr().err
