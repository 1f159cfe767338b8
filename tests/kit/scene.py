"""A clinic and its district, two real ledgers with real sealed records, and the line between them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from gateway import pipeline
from gateway.audit import catalogue, import_bills
from gateway.audit.import_bills import Rules
from gateway.audit.patients import Patients
from gateway.bootstrap import Book
from gateway.config import DISTRICT
from gateway.district.admit import Brought
from gateway.district.log import Log
from gateway.forward.send import Answer
from gateway.ledger import trail
from gateway.ledger.bills import Teller
from gateway.ledger.database import transaction
from tests.support.audited import EVENING_MS, MONDAY, Run, charge, lamp_day, runner
from tests.support.bills import detail, fee, fee_list, upload
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder, take_in

DAY = ("--from", MONDAY.isoformat(), "--to", MONDAY.isoformat())
HEARD_MS = EVENING_MS
OF_DISTRICT = f'[clinics.{CLINIC}]\nname = "示范诊所"\n[clinics.C002]\nname = "另一家"\n'
FEES = [fee(str(number)) for number in range(1, 5)]


@dataclass
class Scene:
    """The clinic's ledger and the district's. `send` is the line, which is up only while it runs."""

    clinic: Book
    district: Book
    writers: list[Writer]
    log: Log

    def send(self, now_ms: int = HEARD_MS) -> None:
        """All that waits goes to the district, and the trail's end with it."""
        with self.clinic.ledger() as db, self.district.ledger() as there:
            while pipeline.send_on(db, "http://district", _Wire(there, self.log, now_ms), now_ms):  # type: ignore[arg-type]
                pass

    def write_on(self, writer: Writer, minutes: int, now_ms: int) -> None:
        """The unit says so many heartbeats more, and the gateway takes them in."""
        before = len(writer.lines)
        for _ in range(minutes // 10):
            writer.alive()
        with self.clinic.ledger() as db:
            take_in(db, writer.lines[before:], now_ms)


@dataclass
class _Wire:
    db: Database
    log: Log
    now_ms: int

    def post(self, after: int, batch: Sequence[tuple[int, str]], trail: tuple[int, str]) -> Answer:
        last = batch[-1][0] if batch else after
        brought = Brought(CLINIC, after, last, [line.encode() for _, line in batch], trail)
        said = pipeline.admit(self.db, brought, self.log, self.now_ms)
        return Answer(said["held"], said["checkpoint"], said["approved"], said["refused"])


def scene(folder: Path) -> Scene:
    """Monday of a clinic with two lamps and four charges; the district knows both units, has all that they said and the
    platform's bills of the day."""
    writers = [lamp_day(Writer("U1"), 20, 45), lamp_day(Writer("U2"), 25)]
    clinic = in_folder(folder / "clinic", *writers)
    district = in_folder(folder / "district", *writers, role=DISTRICT, extra=OF_DISTRICT)
    made = Scene(clinic, district, writers, Log())
    with clinic.ledger() as db:
        for writer in writers:
            take_in(db, writer.lines, EVENING_MS - 1000)
        charge(db, clinic, upload(*(detail(str(number)) for number in range(1, 5))))
        act(db, "V1")
    made.send()
    platform(district, fee_list(*FEES))
    return made


def act(db: Database, visit: str) -> None:
    """Somebody at the clinic did something: an entry of its trail."""
    with transaction(db):
        trail.note(db, EVENING_MS - 500, "D01", "visit token", f"visit:{visit}", {"tag": visit})


def platform(book: Book, body: bytes, now_ms: int = EVENING_MS) -> None:
    """The platform's extract into a ledger, which hashes patients by its own key."""
    secret = b"district" if book.is_district else b"clinic's"
    rules = Rules(catalogue.read(), book.config.zone, Patients(secret * 4))
    with book.ledger() as db:
        teller = Teller(CLINIC, "platform")
        done = import_bills.import_bills(db, rules, body, "extract.csv", teller, now_ms, form="fee-list")
        assert not done.refused


def at(book: Book, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs commands on a ledger."""
    return runner(book.folder, capsys)


def files_of(kit: Path) -> dict[str, bytes]:
    """Every file of a folder by its path in it."""
    return {str(path.relative_to(kit)): path.read_bytes() for path in kit.rglob("*") if path.is_file()}


def head_of(kit: Path) -> Any:
    """What kit.json says."""
    return json.loads((kit / "kit.json").read_bytes())
