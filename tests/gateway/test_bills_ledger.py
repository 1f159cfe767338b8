"""What the ledger keeps of bills, and that it keeps all of a file or nothing."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from gateway.audit import catalogue, import_bills, patients
from gateway.audit.import_bills import Imported, Rules
from gateway.errors import SurroundingsError, UsageError
from gateway.ledger import accounts, bills, database
from gateway.ledger.accounts import FileSpan
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.schema import migrations
from tests.support.bills import as_json, deletion, detail, fee, fee_list, refund, upload

OWN, PLATFORM = Teller("C001", "clinic"), Teller("C001", "platform")
NOW_MS = 1_774_929_600_000  # 2026-03-31 12:00 in Shanghai


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with database.create_ledger(tmp_path) as db:
        yield db


def take(db: Database, body: bytes, source: str = "clinic") -> Imported:
    rules = Rules(catalogue.read(), ZoneInfo("Asia/Shanghai"), patients.Patients(b"k" * 32))
    return import_bills.import_bills(db, rules, body, "bills.json", Teller("C001", source), NOW_MS)


def rows(db: Database) -> list[tuple[object, ...]]:
    return [
        tuple(row) for table in ("bill_files", "bill_lines") for row in db.execute(f"SELECT * FROM {table}")
    ]


def entry(line: str, charged_ms: int = 0, count: str = "1") -> Entry:
    visit = line.split("/")[0]
    return Entry(line, 0, 1, visit, "", 31, "C", "", count, 1, 1200, charged_ms, None, "", "", "", None)


def store(db: Database, *entries: Entry, source: str = "clinic") -> int:
    body = repr(entries).encode()
    file = BillFile(hashlib.sha256(body).hexdigest(), "C001", source, "x", "2204", NOW_MS, body)
    with database.transaction(db):
        return bills.store(db, file, entries, [])


def test_every_byte_of_a_file_is_kept_under_its_hash(db: Database) -> None:
    body = b"\xef\xbb\xbf" + as_json(upload(detail())) + b"\r\n"
    imported = take(db, body)
    assert imported.sha256 == hashlib.sha256(body).hexdigest()
    assert bills.file_body(db, imported.sha256) == body
    assert bills.file_body(db, "0" * 64) is None
    assert bills.known_file(db, imported.sha256, OWN) == imported.file
    assert bills.known_file(db, imported.sha256, PLATFORM) is None
    assert bills.known_file(db, imported.sha256, Teller("C002", "clinic")) is None


def test_lines_are_read_by_source_and_half_open_time(db: Database) -> None:
    store(db, entry("V1/2", 2000), entry("V1/1", 1000), entry("V1/3", 3000))
    store(db, entry("V1/1", 1500), source="platform")
    assert [line.line for line in bills.lines_charged(db, OWN, 1000, 3000)] == ["V1/1", "V1/2"]
    assert [line.charged_ms for line in bills.lines_charged(db, PLATFORM, 0, 9000)] == [1500]


def test_bills_from_before_a_ledger_knew_of_clinics_become_those_of_its_own() -> None:
    db = Database(memory=True)
    migrations.apply(db, stop_before="0008_clinics")
    db.execute("INSERT INTO devices VALUES ('d', 'C001', 'tdp', 'R', '', 1, 0, 0, NULL)")
    db.execute("INSERT INTO bill_files VALUES (7, 'aa', 'platform', 'f', '2204', 1, x'00')")
    about = ("platform", "V1/1", 7, 1, "V1", "", 31, "C", "", "1", 1, 1200, 5, None, "", "", "", None)
    db.execute(f"INSERT INTO bill_lines VALUES ({', '.join('?' * len(about))})", about)
    db.execute("INSERT INTO runs VALUES (1, '2026-03-02', '2026-03-02', 9)")
    db.execute(
        "INSERT INTO verdicts VALUES (1, 'platform', 'V1/1', 1, 31, 'supported', '2026-03-02', 1200, '{}')"
    )
    migrations.apply(db)
    assert bills.known_file(db, "aa", PLATFORM) == 7
    assert [line.line for line in bills.lines_charged(db, PLATFORM, 0, 9)] == ["V1/1"]
    assert list(db.query("SELECT clinic, source FROM runs")) == [{"clinic": "C001", "source": "platform"}]


def test_refunds_are_no_lines_of_their_own_to_those_who_judge(db: Database) -> None:
    store(db, entry("V1/1"), entry("V1/2", count="-1"))
    assert [line.line for line in bills.lines_charged(db, OWN, 0, 1)] == ["V1/1"]


def test_the_lines_of_a_visit_are_those_of_no_other(db: Database) -> None:
    store(db, *(entry(line) for line in ("V1/1", "V10/1", "V1/2", "V/1", "V1-/1", "V2/1")))
    found = bills.entries_of_visits(db, OWN, ["V1", "V2", "V1"])
    assert [each.line for each in found] == ["V1/1", "V1/2", "V2/1"]
    assert bills.entries_of_visits(db, PLATFORM, ["V1"]) == []


def test_a_failure_in_the_middle_of_a_file_leaves_nothing_of_it(db: Database) -> None:
    take(db, fee_list(fee("1")))
    before = rows(db)
    db.execute(
        "CREATE TRIGGER fault BEFORE INSERT ON bill_lines WHEN new.row = 4 BEGIN SELECT RAISE(ABORT, 'fault'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="fault"):
        take(db, fee_list(refund("8", init_feedetl_sn="1"), fee("2"), fee("3")))
    assert rows(db) == before
    db.execute("DROP TRIGGER fault")
    assert take(db, fee_list(refund("8", init_feedetl_sn="1"), fee("2"), fee("3"))).reversed == 1


def test_a_full_disk_is_the_surroundings_fault_and_leaves_what_was_there(db: Database) -> None:
    take(db, as_json(upload(detail("1"))))
    before = rows(db)
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone()
    with pytest.raises(SurroundingsError, match="disk is full"):
        take(db, as_json(upload(*(detail(str(number)) for number in range(2, 500)))))
    assert rows(db) == before


def test_what_took_a_line_back_survives_the_ledger_being_closed(tmp_path: Path) -> None:
    with database.create_ledger(tmp_path) as db:
        take(db, as_json(upload(detail("1"), detail("2"))))
        take(db, as_json(deletion(), upload(detail("2"))))
    with database.open_ledger(tmp_path) as db:
        lines = bills.lines_charged(db, OWN, 0, NOW_MS)
        assert {line.line: line.reversed_by for line in lines} == {"V1/1": "2205 0000", "V1/2": None}


def test_the_key_of_patients_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first, second = patients.open_patients(tmp_path), patients.open_patients(tmp_path)
    assert first.hashed("P0001") == second.hashed("P0001") != first.hashed("P0002")
    assert (tmp_path / patients.FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [patients.FILE]


@pytest.mark.parametrize("text", ["", "abc", "00" * 31, "zz" * 32])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / patients.FILE).write_text(text)
    with pytest.raises(UsageError, match="is damaged"):
        patients.open_patients(tmp_path)
    assert (tmp_path / patients.FILE).read_text() == text


def test_a_folder_that_cannot_be_written_is_the_surroundings_fault(tmp_path: Path) -> None:
    with pytest.raises(SurroundingsError, match="cannot read or make"):
        patients.open_patients(tmp_path / "missing")


def test_files_and_lines_from_before_speak_of_their_time_and_of_who_pays() -> None:
    db = Database(memory=True)
    migrations.apply(db, stop_before="0017_spans")
    store(db, entry("V1/1", 1000), entry("V2/1", 9000))
    assert accounts.file_spans(db, OWN) == []
    migrations.apply(db)
    assert accounts.file_spans(db, OWN) == [FileSpan(1000, 9000, NOW_MS)]
    assert [line.insured for line in bills.lines_charged(db, OWN, 0, 10_000)] == [1, 1]
