"""The command line: what is printed, how it ends, and that what was refused changed nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gateway import __main__ as program
from gateway.ledger import records, trail
from protocol import seal
from protocol.p256 import N
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def writer() -> Writer:
    writer = Writer("U1")
    writer.day(sessions=2)
    return writer


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the ledger in `tmp_path`: (exit code, its JSON or text, what it said to people)."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = program.run(["--dir", str(tmp_path / "clinic"), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run


@pytest.fixture
def book(tmp_path: Path, writer: Writer) -> Any:
    return in_folder(tmp_path / "clinic", writer)


def test_init_makes_a_folder_that_everything_else_works_on(tmp_path, run):
    where = tmp_path / "clinic"
    code, said, _ = run(
        "init", where, "--clinic", "C001", "--name", "示范诊所", "--closed", "2026-05-01,2026-05-02", "--json"
    )
    assert (code, said["clinic"]) == (0, "C001")
    assert (where / "wattwitness.toml").stat().st_mode & 0o777 == 0o600
    code, said, _ = run("status", "--json")
    assert (code, said["units"], said["findings"], said["name"]) == (0, [], [], "示范诊所")


def test_init_never_touches_a_folder_that_has_a_ledger(tmp_path, book, run):
    before = {path.name: path.read_bytes() for path in book.folder.iterdir()}
    code, _, said = run("init", book.folder, "--clinic", "C001", "--name", "x")
    assert code == 2 and "已存在" in said and said.count("\n") == 1
    assert {path.name: path.read_bytes() for path in book.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--clinic", "a b", "--name", "x"], "clinic"),
        (["--clinic", "C1", "--name", " "], "name"),
        (["--clinic", "C1", "--name", "x", "--opens", "8:00"], "opens"),
        (["--clinic", "C1", "--name", "x", "--opens", "20:00"], "closes"),
        (["--clinic", "C1", "--name", "x", "--closes", "24:01"], "closes"),
        (["--clinic", "C1", "--name", "x", "--closed", "1st of May"], "closed"),
        (["--clinic", "C1", "--name", "x", "--timezone", "Mars/Base"], "timezone"),
        (["--clinic", "C1", "--name", "x", "--role", "ministry"], "role"),
    ],
)
def test_init_names_the_field_the_value_and_the_rule(tmp_path, run, options, field):
    code, _, said = run("init", tmp_path / "new", *options)
    assert code == 2 and f"{field} = " in said and said.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_take_in_prints_what_became_of_every_line(tmp_path, book, run, writer):
    path = tmp_path / "U1.records"
    path.write_bytes(b"\n".join(writer.lines) + b"\r\n\n")
    code, said, _ = run("take-in", path, "--json")
    assert (code, said) == (0, {"stored": 9, "repeated": 0, "quarantined": 0, "findings": []})
    code, said, _ = run("take-in", path, "--json")
    assert (code, said) == (0, {"stored": 0, "repeated": 9, "quarantined": 0, "findings": []})


def test_take_in_ends_with_1_and_names_what_it_refused(tmp_path, book, run, writer):
    path = tmp_path / "mixed.records"
    payload, section = seal.split(writer.lines[4])
    r, s = seal.signature_of(section)
    high = f'OCMF|{payload}|{{"SA":"{section["SA"]}","SD":"{seal.der(r, N - s).hex()}"}}'.encode()
    bent = writer.lines[2].replace(b'"UM"', b'"UM" ')
    lines = [*writer.lines[:2], bent, high, Writer("U9").boot(), b"nonsense", writer.lines[5]]
    path.write_bytes(b"\n".join(lines))
    code, said, _ = run("take-in", path, "--json")
    assert code == 1
    assert (said["stored"], said["quarantined"]) == (3, 4)
    found = {(each["code"], each["unit"], each["us"]) for each in said["findings"]}
    assert found == {
        ("bad_seal", "U1", 3), ("high_s", "U1", 5), ("unknown_unit", "U9", None), ("malformed", "", None), ("gap", "U1", 3),
    }  # fmt: skip
    assert all(each["zh"] and each["en"] for each in said["findings"])


def test_take_in_reads_every_file_or_none(tmp_path, book, run, writer):
    path = tmp_path / "U1.records"
    path.write_bytes(b"\n".join(writer.lines))
    code, out, said = run("take-in", path, tmp_path / "missing", "--json")
    assert (code, out) == (2, "") and "missing" in said and said.count("\n") == 1
    assert run("take-in", path, tmp_path, "--json")[0] == 2
    with book.ledger() as db:
        assert records.heads(db) == {}


def test_a_gap_is_filled_by_a_second_file_and_is_no_finding_then(tmp_path, book, run, writer):
    early, late = tmp_path / "early", tmp_path / "late"
    early.write_bytes(b"\n".join(writer.lines[1:5]))
    late.write_bytes(b"\n".join(writer.lines[:1] + writer.lines[6:]))
    code, said, _ = run("take-in", late, early, "--json")
    assert (code, [(each["code"], each["us"]) for each in said["findings"]]) == (1, [("gap", 6)])
    late.write_bytes(writer.lines[5])
    assert run("take-in", late, "--json")[:2] == (
        0,
        {"stored": 1, "repeated": 0, "quarantined": 0, "findings": []},
    )


def test_a_unit_is_enrolled_with_its_device_listed_moved_and_retired(book, run):
    key = Writer("U2").key_hex
    enrolled = ["U2", "--key", key, "--load", "tdp", "--room", "理疗一室", "--bed", "3", "--stations", "2"]
    code, said, _ = run("unit", "add", *enrolled, "--from", "2026-03-01", "--json")
    assert (code, said["device"]) == (0, "tdp-U2")
    row = run("unit", "list", "--json")[1]["units"][1]
    assert (row["unit"], row["grade"], row["room"], row["bed"], row["stations"]) == (
        "U2",
        "B",
        "理疗一室",
        "3",
        2,
    )
    assert row["from"] == "2026-03-01T00:00:00+08:00"
    code, said, _ = run(
        "unit",
        "move",
        "U2",
        "--room",
        "二室",
        "--at",
        "2026-03-02T12:00",
        "--by",
        "D01",
        "--and",
        "D02",
        "--json",
    )
    assert (code, said.pop("done"), any(said.pop("changes")["verdicts"])) == (0, True, False)
    assert said == {"unit": "U2", "device": "tdp-U2.2", "from": "2026-03-02T12:00:00+08:00"}
    devices = {each["device"]: each for each in run("device", "list", "--json")[1]["devices"]}
    assert (devices["tdp-U2"]["until"], devices["tdp-U2"]["unit"]) == ("2026-03-02T12:00:00+08:00", None)
    assert (devices["tdp-U2.2"]["room"], devices["tdp-U2.2"]["stations"]) == ("二室", 2)
    assert run("unit", "retire", "U2", "--at", "2026-03-03", "--json")[0] == 0
    row = run("unit", "list", "--json")[1]["units"][1]
    assert (row["retired"], row["device"]) == ("2026-03-03T00:00:00+08:00", None)


def test_an_enrolment_that_is_refused_leaves_nothing_behind(book, run, writer):
    before = run("unit", "list", "--json")[1]
    other = Writer("U2").key_hex
    refused = [
        ["U2", "--key", "abc", "--load", "tdp", "--room", "R"],
        ["U2", "--key", f"{other[:2]} {other[2:]}", "--load", "tdp", "--room", "R"],
        ["U2", "--key", other, "--load", "TDP lamp", "--room", "R"],
        ["U2", "--key", other, "--load", "tdp"],
        ["U/2", "--key", other, "--load", "tdp", "--room", "R"],
        ["U1", "--key", other, "--load", "tdp", "--room", "R"],
        ["U2", "--key", other, "--device", "nowhere"],
        ["U2", "--key", other, "--device", "tdp-U1"],
        ["U2", "--key", other, "--load", "tdp", "--room", "R", "--from", "yesterday"],
        ["U2", "--key", other, "--load", "tdp", "--room", "R", "--stations", "0"],
    ]
    for arguments in refused:
        code, _, said = run("unit", "add", *arguments)
        assert code == 2 and said.count("\n") == 1, arguments
    assert run("unit", "list", "--json")[1] == before


def test_a_clinic_enrols_its_own_units_and_a_district_says_whose(tmp_path, book, run):
    added = ["unit", "add", "U2", "--key", Writer("U2").key_hex, "--load", "tpd", "--room", "R"]
    assert run(*added, "--clinic", "C002")[0] == 2
    code, _, said = run(*added, "--clinic", CLINIC)
    assert code == 0 and "no item of the catalogue uses device class tpd" in said
    district = in_folder(tmp_path / "district", role="district")
    assert run("--dir", district.folder, *added)[0] == 2
    assert run("--dir", district.folder, *added, "--clinic", CLINIC)[0] == 0
    (row,) = run("--dir", district.folder, "unit", "list", "--json")[1]["units"]
    assert (row["clinic"], row["grade"]) == (CLINIC, "A")


@pytest.mark.parametrize("written", [str.lower, str.upper])
def test_a_key_is_one_units_alone_however_it_is_written_and_a_retired_ones_too(book, run, written):
    key = run("unit", "list", "--json")[1]["units"][0]["key"]
    twin = ["unit", "add", "U2", "--key", written(key), "--load", "tdp", "--room", "R2"]
    for _ in range(2):
        code, _, said = run(*twin)
        assert code == 2 and "U1" in said and "a key is one unit's alone" in said
        run("unit", "retire", "U1", "--at", "2026-03-10")
    assert [each["unit"] for each in run("unit", "list", "--json")[1]["units"]] == ["U1"]


def test_a_unit_replaces_another_on_its_device(book, run):
    run("unit", "retire", "U1", "--at", "2026-03-10")
    key = Writer("U2").key_hex
    code, said, _ = run(
        "unit", "add", "U2", "--key", key, "--device", "tdp-U1", "--from", "2026-03-09", "--json"
    )
    assert code == 2
    code, said, _ = run(
        "unit", "add", "U2", "--key", key, "--device", "tdp-U1", "--from", "2026-03-10", "--json"
    )
    assert (code, said["device"]) == (0, "tdp-U1")


def test_a_unit_enrolled_late_gets_its_quarantine_taken_in(tmp_path, book, run):
    late = Writer("U2")
    late.day(sessions=1)
    (tmp_path / "late").write_bytes(b"\n".join(late.lines))
    assert run("take-in", tmp_path / "late", "--json")[0] == 1
    code, said, _ = run("unit", "add", "U2", "--key", late.key_hex, "--load", "tdp", "--room", "R2", "--json")
    assert (code, said["stored"], said["findings"]) == (0, 5, [])
    code, said, _ = run("status", "--json")
    assert (code, said["quarantine"], said["units"][1]["us"]) == (0, [], 5)


def test_a_device_without_a_unit_is_blind_and_amended_by_two_persons(book, run):
    assert run("device", "add", "STIM-3", "--load", "stim", "--room", "针灸室", "--json")[0] == 0
    row = next(each for each in run("device", "list", "--json")[1]["devices"] if each["device"] == "STIM-3")
    assert (row["blind"], row["unit"], row["stations"]) == (True, None, 1)
    assert run("device", "amend", "STIM-3", "--stations", "5", "--by", "D01", "--and", "D01")[0] == 2
    assert run("device", "amend", "STIM-3", "--stations", "5", "--by", "D01", "--and", "D02")[0] == 0
    said = run("device", "list", "--json")[1]["amendments"]
    assert [(each["what"], each["by"], each["and"]) for each in said] == [("stations 1 -> 5", "D01", "D02")]
    assert run("device", "retire", "tdp-U1", "--at", "2026-03-10")[0] == 2
    assert run("device", "retire", "STIM-3", "--at", "2026-03-10")[0] == 0


def test_a_gap_is_passed_with_a_name_and_a_reason_and_stays_a_finding(tmp_path, book, run, writer):
    (tmp_path / "records").write_bytes(b"\n".join(writer.lines[:3] + writer.lines[5:]))
    run("take-in", tmp_path / "records")
    code, _, said = run("unit", "skip", "U1", "--to", 5, "--by", "D01", "--why", "storage replaced")
    assert (code, said.count("\n")) == (2, 1) and "--to 6" in said
    code, said, _ = run("unit", "skip", "U1", "--to", 6, "--by", "D01", "--why", "storage replaced", "--json")
    assert (code, said["head"], [each["code"] for each in said["findings"]]) == (1, 9, ["gap"])
    with book.ledger() as db:
        entry = trail.entries(db)[-1]
    assert (entry.who, entry.act, entry.subject) == ("D01", "skip", "unit:U1")
    assert entry.body == {"to": 6, "why": "storage replaced"}
    nobody = ("--by", " ", "--why", "storage replaced")
    assert run("unit", "skip", "U1", "--to", 6, *nobody)[0] == 2


def test_status_says_what_waits_what_was_refused_and_whether_serve_runs(tmp_path, book, run, writer):
    (tmp_path / "records").write_bytes(b"\n".join([*writer.lines[:3], writer.lines[6], b"nonsense"]))
    run("take-in", tmp_path / "records")
    code, said, _ = run("status", "--json")
    (unit,) = said["units"]
    assert (code, unit["us"], unit["aside"], unit["records"]) == (1, 3, 1, 4)
    assert [(each["reason"], each["bodies"]) for each in said["quarantine"]] == [("malformed", 1)]
    assert said["serve"] == {"running": False, "address": None, "troubles": {}}
    assert sorted(each["code"] for each in said["findings"]) == ["gap", "malformed"]
    code, text, _ = run("status")
    assert code == 1 and "示范诊所" in text and "gap U1:4" in text


def test_a_backup_is_a_whole_ledger_and_overwrites_nothing(tmp_path, book, run, writer):
    (tmp_path / "records").write_bytes(b"\n".join(writer.lines))
    run("take-in", tmp_path / "records")
    out = tmp_path / "copy.db"
    code, said, _ = run("backup", out, "--json")
    assert (code, said) == (0, {"out": str(out), "bytes": out.stat().st_size, "tag_key": None})
    copy = sqlite3.connect(out)
    assert copy.execute("SELECT count(*) FROM records").fetchone() == (9,)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert run("backup", out)[0] == 2
    assert run("backup", tmp_path / "no" / "folder.db")[0] == 2


def test_a_ledger_from_a_newer_version_is_refused_and_not_touched(tmp_path, book, run, writer):
    with book.ledger() as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('wattwitness', '0999_future', '')"
        )
    (tmp_path / "records").write_bytes(b"\n".join(writer.lines))
    before = {path.name: path.read_bytes() for path in book.folder.iterdir()}
    for command in (["status"], ["take-in", tmp_path / "records"], ["serve"], ["backup", tmp_path / "copy"]):
        code, _, said = run(*command)
        assert code == 2 and "0999_future" in said and "upgrade" in said and said.count("\n") == 1
    assert {path.name: path.read_bytes() for path in book.folder.iterdir()} == before


@pytest.mark.parametrize("damage", [b"this is no database, and never was one" * 100, b""])
def test_a_file_that_is_no_ledger_is_refused(book, run, damage):
    for path in book.folder.glob("ledger.db*"):
        path.unlink()
    (book.folder / "ledger.db").write_bytes(damage)
    code, _, said = run("status")
    assert (code, said.count("\n")) == (2, 1)
    assert (book.folder / "ledger.db").read_bytes() == damage


def test_without_a_folder_or_a_ledger_one_line_says_what_to_do(tmp_path, run, book):
    (book.folder / "ledger.db").unlink()
    code, _, said = run("status")
    assert code == 2 and "wattwitness init" in said and said.count("\n") == 1
    (book.folder / "wattwitness.toml").unlink()
    code, _, said = run("status")
    assert code == 2 and "wattwitness init" in said and said.count("\n") == 1


def test_an_unknown_command_is_wrong_usage_in_one_line(run):
    code, _, said = run("frobnicate")
    assert code == 2 and "frobnicate" in said and said.count("\n") == 1


def test_the_folder_can_come_from_the_environment(book, monkeypatch, capsys):
    monkeypatch.setenv("WATTWITNESS_DIR", str(book.folder))
    assert program.run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clinic"] == CLINIC


def every_command() -> list[list[str]]:
    """The path of every command and group."""
    found = []
    for name in program.wattwitness.list_commands(click.Context(program.wattwitness)):
        found.append([name])
        command = program.wattwitness.get_command(click.Context(program.wattwitness), name)
        if isinstance(command, click.Group):
            found += [[name, each] for each in command.commands]
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_the_help_of_every_command_ends_with_an_example(path):
    said = CliRunner().invoke(program.wattwitness, [*path, "--help"])
    assert said.exit_code == 0
    assert "例" in said.output and "wattwitness" in said.output.split("例", 1)[1]
