"""A clinic's Monday with something of everything: two lamps, one of them dark for hours, verdicts of every kind, a lead, a day
that was closed, an answer to the lead, a tag and a treatment that a person recorded."""

from __future__ import annotations

from pathlib import Path

from sqlite_utils import Database

from gateway import pipeline
from gateway.audit import review
from gateway.bootstrap import Book
from gateway.ledger import attended, trail, units
from gateway.ledger.attended import Entry
from gateway.ledger.database import transaction
from tests.support.audited import DAY_MS, EVENING_MS, MINUTE_MS, MONDAY, charge, lamp_day, settle
from tests.support.bills import cancellation, detail, settlement, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, enrol, in_folder, take_in

ACUPUNCTURE = "004300000010100"
TUESDAY_MS = EVENING_MS + DAY_MS


def monday(folder: Path, extra: str = "") -> Book:
    """The clinic's ledger, on Tuesday evening."""
    lamp, other = lamp_day(Writer("U1"), 20, 45), _dark_at_noon()
    book = in_folder(folder, lamp, other, extra=extra)
    with book.ledger() as db:
        enrol(db, Writer("U9"))  # a unit that never spoke
        units.set_blind(db, "tdp-U9", False)
        units.end_device(db, "tdp-U9", START_MS + 40 * MINUTE_MS)
        take_in(db, [*lamp.lines, *other.lines, b"nonsense"], EVENING_MS)
        lines = [detail(str(number)) for number in range(1, 9)]
        lines += [detail("9", med_list_codg=ACUPUNCTURE), detail("1", visit="V3", med_list_codg=ACUPUNCTURE)]
        charge(db, book, upload(*lines), upload(detail("1", visit="V2")))
        charge(db, book, settlement("V2"), cancellation("V2"), now_ms=EVENING_MS + 1)
        with transaction(db):
            _recorded(db)
        pipeline.close(db, book.config, MONDAY, "clinic", "D01", TUESDAY_MS)
        found = settle(db, book, now_ms=TUESDAY_MS)
        lead = review.lead_named(
            db, next(each["id"] for each in found["leads"] if each["rule"] == "capacity")
        )
        review.answer(db, lead, "clinic", "D01", TUESDAY_MS, "counted twice", {"list.txt": b"nine names"})
    return book


def _dark_at_noon() -> Writer:
    """Half an hour of quiet and ten minutes on; 25 minutes around noon are dark."""
    writer = Writer("U2")
    writer.boot()
    for _ in range(3):
        writer.alive()
    writer.open()
    writer.session(10)
    for _ in range(20):
        writer.alive()
    writer.at_ms += 25 * MINUTE_MS
    writer.boot()
    while writer.at_ms < START_MS + 12 * 60 * MINUTE_MS:
        writer.alive()
    return writer


def _recorded(db: Database) -> None:
    attended.keep_tag(db, CLINIC, "ab" * 32, "V1", EVENING_MS, "D09")
    times = (START_MS + 60 * MINUTE_MS, START_MS + 80 * MINUTE_MS)
    named = (
        attended.next_entry(db),
        attended.next_entry(db),
        None,
        CLINIC,
        "V1",
        16,
        "V1/9",
        "R1",
        "D01",
        attended.DONE,
    )
    kept = Entry(*named, *times, "", 8, None, "", attended.MANUAL, "", 1, "offline", EVENING_MS, "D01")
    attended.add(db, kept)
    trail.note(db, EVENING_MS, "D01", "attended add", f"attended:{kept.entry}", kept.told())
