"""`wattwitness import-bills --watch DIR` imports what is put into a folder, once, until it is asked to stop."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.__main__ import run
from gateway.bootstrap import open_book
from gateway.commands import import_bills
from gateway.commands.watch import watch
from gateway.errors import SurroundingsError, UsageError
from tests.support.bills import as_json, detail, upload
from tests.support.ledgers import in_folder
from tests.support.programs import Program, ended
from tests.support.xlsx import export, his

Step = Callable[[], object]


def steps(*each: Step) -> Callable[[], bool]:
    """Instead of waiting: does one step after the other, then says to stop."""
    left = list(each)

    def pause() -> bool:
        if left:
            left.pop(0)()
            return True
        return False

    return pause


def nothing() -> None:
    """A look without any change."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "bills").mkdir()
    return tmp_path / "bills"


def names(folder: Path, *each: Step) -> list[str]:
    taken: list[str] = []
    watch(folder, lambda path: taken.append(path.name), steps(*each))
    return taken


def test_a_file_is_taken_once_when_it_no_longer_grows(place: Path) -> None:
    def grow() -> None:
        with (place / "a").open("ab") as file:
            file.write(b"x")

    taken: list[int] = []
    watch(
        place,
        lambda path: taken.append(path.stat().st_size),
        steps(grow, grow, grow, nothing, nothing, nothing),
    )
    assert taken == [3]


def test_files_that_stand_there_already_come_oldest_first(place: Path) -> None:
    for at, name in ((3, "a"), (1, "c"), (2, "b")):
        (place / name).write_bytes(b"x")
        os.utime(place / name, (at, at))
    assert names(place, nothing, nothing) == ["c", "b", "a"]


def test_a_file_that_changes_is_taken_again(place: Path) -> None:
    (place / "a").write_bytes(b"x")
    assert names(place, nothing, nothing, lambda: (place / "a").write_bytes(b"xy"), nothing, nothing) == [
        "a",
        "a",
    ]


def test_hidden_unfinished_and_empty_files_and_folders_are_left_alone(place: Path) -> None:
    for name in (".a", "~$a.xlsx", "a.part", "a.TMP"):
        (place / name).write_bytes(b"x")
    (place / "empty").touch()
    (place / "folder").mkdir()
    assert names(place, nothing, nothing) == []


def test_a_file_that_goes_away_is_no_trouble(place: Path) -> None:
    (place / "a").write_bytes(b"x")
    assert names(place, (place / "a").unlink, nothing) == []


def test_a_folder_that_is_not_there_is_wrong_usage_and_one_that_goes_away_is_not(place: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        names(place / "b")
    with pytest.raises(SurroundingsError, match="cannot read folder"):
        names(place, place.rmdir)


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return in_folder(tmp_path / "clinic").folder


def lines(folder: Path) -> list[str]:
    with open_book(folder).ledger() as db:
        return [row[0] for row in db.execute("SELECT line FROM bill_lines ORDER BY line")]


def said_while(
    folder: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *each: Step,
) -> list[str]:
    """What the command says, but for its first line; it ends with 0."""
    pause = steps(*each)
    monkeypatch.setattr(import_bills, "watch", lambda where, take, _: watch(where, take, pause))
    assert run(["--dir", str(folder), "import-bills", "--watch", str(place)]) == 0
    said = capsys.readouterr()
    assert said.out == "" and "watching" in said.err
    return said.err.splitlines()[1:]


def test_each_file_is_one_line_and_a_refused_one_keeps_no_other_out(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies = {
        "1.json": as_json(upload(detail("1"))),
        "2.json": as_json(upload(detail("2"), detail("3", cnt="abc"))),
        "3.bin": b"\xd0\xcf\x11\xe0",
        "4.xlsx": export(his()),
        "5.json": as_json(upload(detail("1"))),
    }
    for at, (name, body) in enumerate(bodies.items()):
        (place / name).write_bytes(body)
        os.utime(place / name, (at, at))
    said = said_while(folder, place, monkeypatch, capsys, nothing, nothing)
    assert [line.split(":")[0] for line in said] == list(bodies)
    assert "1 lines, 1 new, 0 repeated" in said[0]
    assert "nothing was stored, 1 rows refused, first row 2: is no number" in said[1]
    assert "an old XLS" in said[2] and "1 new" in said[3] and "already in the ledger" in said[4]
    assert lines(folder) == ["M1/S1.RX1.OWN31.2026-03-02.1", "V1/1"]
    assert {path.name: path.read_bytes() for path in place.iterdir()} == bodies


def test_what_is_in_the_ledger_is_known_after_a_restart(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "a").write_bytes(as_json(upload(detail("1"))))
    assert "1 new" in said_while(folder, place, monkeypatch, capsys, nothing)[0]
    (said,) = said_while(folder, place, monkeypatch, capsys, nothing)
    assert "already in the ledger" in said


def test_watching_goes_without_a_file_and_without_json(
    folder: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ([str(place / "a")], ["--json"]):
        assert run(["--dir", str(folder), "import-bills", "--watch", str(place), *more]) == 2
        assert "--watch goes without FILE and --json" in capsys.readouterr().err


def test_a_mapping_that_is_wrong_is_told_before_anything_is_waited_for(
    folder: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.toml").write_text("[colums]\n")
    mapping = ["--mapping", str(tmp_path / "m.toml")]
    assert run(["--dir", str(folder), "import-bills", "--watch", str(place), *mapping]) == 2
    assert "unknown" in capsys.readouterr().err


def test_the_program_imports_what_appears_and_ends_with_0_on_sigterm(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    program = Program(
        tmp_path / "log", "gateway", "--dir", str(folder), "import-bills", "--watch", str(place)
    )
    with ended(program):
        program.said("(watching)")
        (place / "a.json").write_bytes(as_json(upload(detail("1"))))
        program.said("(1 lines, 1 new)")
        assert program.stop() == 0
    assert lines(folder) == ["V1/1"]
