"""A copy of the ledger to ask questions of."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gateway.access import accounts
from gateway.bootstrap import Book
from gateway.ledger import bills, records
from gateway.ledger.database import transaction
from tests.support.audited import EVENING_MS, Run, one_too_many, runner
from tests.support.signed_in import PASSWORD
from tests.support.tools import tool


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return one_too_many(tmp_path / "clinic")


@pytest.fixture
def run(book: Book, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(book.folder, capsys)


def asked(room: Path, path: str) -> list[dict[str, object]]:
    """What the real Datasette answers."""
    told: list[str | Path] = [
        tool("datasette"),
        room / "room.db",
        "--metadata",
        room / "metadata.json",
        "--get",
        path,
    ]
    done = subprocess.run(told, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_datasette_answers_from_the_copy(run, tmp_path):
    code, said, _ = run("data-room", tmp_path / "room", "--json")
    assert code == 0 and {"name": "verdicts", "rows": 4} in said["tables"]
    assert asked(tmp_path / "room", "/room/trail.json?_shape=array")[-1]["act"] == "data_room"
    sessions = asked(tmp_path / "room", "/room/sessions.json?_shape=array")
    assert [(each["unit"], each["active_s"]) for each in sessions] == [("U1", 1200), ("U1", 2700)]
    doubted = asked(tmp_path / "room", "/room/doubted_by_item.json?_shape=array")
    assert [(each["item"], each["treatments"]) for each in doubted] == [(31, 1)]
    watched = asked(tmp_path / "room", "/room/coverage_by_device.json?_shape=array")
    assert [each["watched_percent"] for each in watched] == [100.0]


def test_the_copy_says_nothing_of_persons_and_accounts(book, run, tmp_path):
    with book.ledger() as db:
        accounts.add(db, "D01", "manager", PASSWORD, "console", EVENING_MS)
        (hashed,) = {patient for (patient,) in db.execute("SELECT DISTINCT patient FROM bill_lines")}
        with transaction(db):
            records.note_skip(db, "U1", 7, "D01", "because P001 asked", EVENING_MS)
        assert hashed and bills.usual_source(db, "C001") == "clinic"
    run("data-room", tmp_path / "room")
    body = (tmp_path / "room" / "room.db").read_bytes()
    for secret in (hashed.encode(), b"argon2", b"psn_no", b"P001"):
        assert secret not in body


def test_nothing_is_overwritten(run, tmp_path):
    assert run("data-room", tmp_path / "room")[0] == 0
    assert run("data-room", tmp_path / "room")[0] == 2
