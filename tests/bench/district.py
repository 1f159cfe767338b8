"""A district reconciles a month of its 100 clinics by one command, from the ledger to stored verdicts: 5.7 million records,
780,000 treatments.

A few clinics' records are really signed and taken in; the others hold the same rows under other names. Bills are each clinic's
own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from sqlite_utils import Database

from gateway import config, config_text, inventory, pipeline
from gateway.audit.match import Treatment
from gateway.bootstrap import Book, open_book
from gateway.intake.verify import Arrival
from gateway.inventory import Spot
from gateway.ledger import bills, database
from gateway.ledger.bills import BillFile, Entry
from gateway.ledger.database import transaction
from tests.bench.chains import FastWriter
from tests.bench.figures import Figure, seconds
from tests.bench.matching import CLASSES, DAY_MS, DAYS, HOUR_MS, MINUTE_MS, burned, charged
from tests.support.chain import START_MS
from tests.support.tools import CHECKOUT

_SIGNED = 4  # clinics whose records are signed
_POWER_MW = {"tdp": 250_000, "stim": 4_000}
_CACHE_KIB = 400_000
_MIDNIGHT_MS = START_MS - 8 * HOUR_MS


def figures(scale: float) -> list[Figure]:
    clinics = max(round(100 * scale), 1)
    with tempfile.TemporaryDirectory() as name:
        book = ledger(Path(name), clinics)
        took_s = seconds(lambda: _reconcile(book))
    return [
        Figure(
            "reconcile", f"整个核对，{clinics} 家一个月", f"whole reconcile, a month of {clinics} clinics", took_s, "s",
            target=f"<= {clinics / 5:.3g} s", met=took_s <= clinics / 5,
        )
    ]  # fmt: skip


def _reconcile(book: Book) -> None:
    days = ("--from", "2026-03-02", "--to", "2026-03-31")
    command = [
        sys.executable,
        "-m",
        "gateway",
        "--dir",
        str(book.folder),
        "reconcile",
        *days,
        "--every-clinic",
    ]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert ran.returncode == 1 and len(ran.stdout.splitlines()) == len(book.config.clinics), ran.stderr


def ledger(folder: Path, clinics: int) -> Book:
    """The ledger folder of a district of so many clinics."""
    database.create_ledger(folder).close()
    names = [f"C{number:03}" for number in range(clinics)]
    made = config.Config("D001", "示范区", config.DISTRICT)
    text = config_text.text(made) + "".join(map(_hours, names))
    (folder / config.FILE).write_text(text, encoding="utf-8")
    book = open_book(folder)
    with book.ledger() as db:
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for number, clinic in enumerate(names):
            _clinic(db, clinic, Random(number), names[number % _SIGNED] if number >= _SIGNED else None)
    return book


def _hours(clinic: str) -> str:
    return f'\n[clinics.{clinic}]\nname = "示范诊所"\nopens = "08:00"\ncloses = "18:00"\n'


def _clinic(db: Database, clinic: str, chance: Random, like: str | None) -> None:
    """Its units with their month, or with that of the clinic that it is like; and its bills."""
    for load, (item, devices, per_day) in CLASSES.items():
        for number in range(devices):
            unit = f"{clinic}-{load}{number}"
            writer = _month(chance, unit, _POWER_MW[load]) if like is None else FastWriter(unit)
            spot = Spot(load, "R1")
            inventory.enrol(db, unit, writer.key_hex, clinic, False, spot, 0, START_MS, vouched=True)
            if like is None:
                arrivals = [Arrival(line) for line in writer.lines]
                pipeline.take_in(db, arrivals, "bench", START_MS + 31 * DAY_MS, by_heads=True)
            else:
                _copy(db, unit, f"{like}-{load}{number}", clinic)
        _charge(db, clinic, load, charged(chance, item, per_day))


def _copy(db: Database, unit: str, like: str, clinic: str) -> None:
    rest = "us, digest, up, kind, boot, um_ms, at_ms, line, received_ms, source, chained, vouched, flag"
    head = "us, digest, first_us, first_up, forked_us, begun, heard_ms"
    with transaction(db):
        db.execute(
            f"INSERT INTO records (clinic, unit, {rest}) SELECT ?, ?, {rest} FROM records WHERE unit = ? ORDER BY us",
            [clinic, unit, like],
        )
        db.execute(
            f"INSERT INTO heads (unit, {head}) SELECT ?, {head} FROM heads WHERE unit = ?", [unit, like]
        )


def _month(chance: Random, unit: str, power_mw: int) -> FastWriter:
    """A month of a unit that is powered all day: heartbeats, and sessions in opening hours."""
    writer = FastWriter(unit)
    writer.boot()
    for day in range(DAYS):
        for session in burned(chance, "", 0, day):
            start_ms, minutes = _MIDNIGHT_MS + session.start_ms, session.active_s // 60
            while writer.at_ms + 10 * MINUTE_MS < start_ms:
                writer.alive(10)
            writer.at_ms = max(start_ms, writer.at_ms)
            writer.open()
            begin_ms = writer.at_ms
            for _ in range((minutes - 1) // 10):
                writer.alive(10)
            writer.at_ms = begin_ms
            writer.session(minutes, power_mw)
    return writer


def _charge(db: Database, clinic: str, load: str, treatments: Sequence[Treatment]) -> None:
    file = BillFile(f"{clinic}-{load}", clinic, "clinic", load, "2204", START_MS, b"")
    with transaction(db):
        bills.store(db, file, [_entry(load, each) for each in treatments], [])


def _entry(load: str, one: Treatment) -> Entry:
    charged_ms = _MIDNIGHT_MS + one.charged_ms
    performed_ms = charged_ms if one.window_until_ms - one.window_from_ms < DAY_MS // 2 else None
    visit = f"{load}{one.line.split('/')[0]}"
    about = (f"{load}{one.line}", 0, 1, visit, "", one.item, "C", "", "1", 1, one.amount_fen)
    return Entry(*about, charged_ms, performed_ms, "R1", "D01", "", None)
