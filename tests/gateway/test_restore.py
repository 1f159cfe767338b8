"""A backup becomes a ledger again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway import __main__ as program
from gateway.access import accounts, sign_ins
from gateway.bootstrap import Book, open_book
from gateway.install.choices import PAGES_TLS
from gateway.ledger import records, trail
from gateway.nurse import tokens
from tests.support.audited import EVENING_MS, Run, lamp_day, one_too_many, runner
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in
from tests.support.signed_in import PASSWORD


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return one_too_many(tmp_path / "clinic")


@pytest.fixture
def saved(book: Book, tmp_path: Path) -> Path:
    """What the nightly service leaves: the copy, the key of the tags, the settings, the key of persons."""
    to = tmp_path / "usb"
    to.mkdir()
    tokens.open_tag_key(book.folder)
    assert program.run(["--dir", str(book.folder), "backup", str(to / "ledger.db")]) == 0
    for name in PAGES_TLS:
        (book.folder / name).write_text(name)
    for name in ("wattwitness.toml", "patient.key", *PAGES_TLS):
        if (book.folder / name).exists():
            shutil.copy(book.folder / name, to / name)
    return to / "ledger.db"


@pytest.fixture
def there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path / "new", capsys)


def test_what_was_saved_stands_again_and_check_bears_it_out(book, saved, there, tmp_path):
    code, said, _ = there("restore", saved, "--json")
    new = open_book(tmp_path / "new")
    with book.ledger() as before, new.ledger() as after:
        assert said["heads"] == [{"unit": "U1", "us": records.heads(before)["U1"].us}]
        assert [each.hash for each in trail.entries(after)][: trail.head(before).entry] == [
            each.hash for each in trail.entries(before)
        ]
        assert trail.entries(after)[-1].act == "restore"
    assert code == 0 and tokens.FILE in said["files"] and "wattwitness.toml" in said["files"]
    assert set(PAGES_TLS) <= set(said["files"])
    for each in (book.folder / "ledger.db", saved, new.folder / "ledger.db", new.folder / "pages.key"):
        assert each.stat().st_mode & 0o777 == 0o600
    assert tokens.open_tag_key(new.folder) == tokens.open_tag_key(book.folder)
    assert there("check", new.folder)[0] == 0
    assert there("reconcile", "--from", "2026-03-02", "--to", "2026-03-02", "--json")[1]["leads"]


def test_units_send_again_what_came_after_the_backup(tmp_path, there, capsys):
    """Records that were acknowledged after it are not lost where the unit still has them."""
    writer = lamp_day(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines[:20], EVENING_MS)
    program.run(["--dir", str(book.folder), "backup", str(tmp_path / "ledger.db")])
    shutil.copy(book.folder / "wattwitness.toml", tmp_path / "wattwitness.toml")
    with book.ledger() as db:
        take_in(db, writer.lines[20:], EVENING_MS)
    capsys.readouterr()
    assert there("restore", tmp_path / "ledger.db", "--json")[1]["heads"] == [{"unit": "U1", "us": 20}]
    with open_book(tmp_path / "new").ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        assert records.heads(db)["U1"].us == len(writer.lines)


def test_nobody_is_signed_in_by_an_old_copy(book, tmp_path, there, capsys):
    with book.ledger() as db:
        accounts.add(db, "D01", "manager", PASSWORD, "console", EVENING_MS, is_first=False)
        entered = sign_ins.sign_in(db, "D01", PASSWORD, "127.0.0.1", EVENING_MS)
    assert entered is not None
    program.run(["--dir", str(book.folder), "backup", str(tmp_path / "ledger.db")])
    shutil.copy(book.folder / "wattwitness.toml", tmp_path / "wattwitness.toml")
    capsys.readouterr()
    assert there("restore", tmp_path / "ledger.db")[0] == 0
    with open_book(tmp_path / "new").ledger() as db:
        assert sign_ins.whose(db, entered.token, EVENING_MS) is None
        assert sign_ins.sign_in(db, "D01", PASSWORD, "127.0.0.1", EVENING_MS) is not None


def test_a_ledger_is_never_overwritten(book, saved, capsys):
    before = (book.folder / "ledger.db").read_bytes()
    assert program.run(["--dir", str(book.folder), "restore", str(saved)]) == 2
    assert (book.folder / "ledger.db").read_bytes() == before


def test_a_damaged_copy_is_refused_and_leaves_no_ledger(saved, there, tmp_path):
    whole = saved.read_bytes()
    for at in range(4096, len(whole) - 4096, len(whole) // 7):
        saved.write_bytes(whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :])
        code, _, said = there("restore", saved)
        assert code == 2 and str(saved) in said, at
    saved.write_bytes(whole[: len(whole) // 2])
    assert there("restore", saved)[0] == 2
    saved.write_bytes(b"no ledger at all")
    assert there("restore", saved)[0] == 2
    assert not (tmp_path / "new" / "ledger.db").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == []
    saved.write_bytes(whole)
    assert there("restore", saved)[0] == 0


def test_without_its_settings_a_backup_is_asked_for_them(saved, there):
    saved.with_name("wattwitness.toml").unlink()
    code, _, said = there("restore", saved)
    assert code == 2 and "wattwitness.toml" in said


def test_a_restored_folder_says_what_it_holds(saved, there):
    code, text, said = there("restore", saved)
    assert code == 0 and json.dumps(text) == '""' and "serve" in said
