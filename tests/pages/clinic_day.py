"""A simulated clinic day in a real ledger: units that sign, mains that fail, lines that are charged, a run that judges.

Everything goes the way it goes in a clinic: records are sealed, taken in and verified, the bill file is imported, the day is
reconciled. `SMALL` is for tests, `LARGE` (40 units, 600 lines) for what has to look well and be served quickly too.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

from sqlite_utils import Database

from gateway import inventory, pipeline
from gateway.audit import catalogue
from gateway.bootstrap import Book
from gateway.config import DISTRICT
from gateway.inventory import Spot
from gateway.ledger import attended
from gateway.ledger.attended import Entry
from gateway.ledger.database import transaction
from protocol import record
from protocol.record import Reading
from tests.support.audited import MONDAY, charge
from tests.support.bills import cancellation, detail, settlement, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, in_folder, take_in

DAY = MONDAY
MINUTE_MS = 60_000
OPENS, CLOSES = 0, 720
"""Minutes since eight, between which units should watch."""

CODES = {
    31: ("003401000010000", "12.00"),
    23: ("004300000160100", "26.00"),
    32: ("", "32.00"),
    16: ("004300000010100", "28.00"),
    34: ("004400000040000", "18.00"),
    26: ("004300000120100", "15.00"),
}
"""Item -> national code, where it has one, and price."""


NAMES = catalogue.read().on(DAY)


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the day is: rooms with (class, number of units, stations); lines of each item; how many minutes at most
    devices of a class pause; those that pause all day ran once, too shortly."""

    rooms: tuple[tuple[str, str, int, int], ...]
    lines: tuple[tuple[int, int], ...]
    pauses: tuple[tuple[str, int], ...]
    seed: int = 7


SMALL = Plan(
    rooms=(
        ("理疗一室", "tdp", 3, 1),
        ("理疗二室", "tdp", 2, 2),
        ("针灸室", "stim", 2, 1),
        ("透药室", "ionto", 1, 1),
    ),
    lines=((31, 52), (23, 15), (32, 1), (16, 7), (34, 4)),
    pauses=(("tdp", 150), ("stim", 130), ("ionto", CLOSES)),
)
LARGE = Plan(
    rooms=(
        ("理疗一室", "tdp", 8, 1), ("理疗二室", "tdp", 8, 2), ("理疗三室", "tdp", 6, 1), ("康复大厅", "tdp", 6, 1),
        ("针灸一室", "stim", 4, 1), ("针灸二室", "stim", 4, 1), ("透药室", "ionto", 4, 1),
    ),
    lines=((31, 352), (23, 92), (32, 36), (16, 58), (34, 38), (26, 24)),
    pauses=(("tdp", 78), ("stim", 58), ("ionto", 66)),
)  # fmt: skip


class Lamp(Writer):
    """A unit on one device: `load_mw` is what it draws."""

    def __init__(self, unit: str, load_mw: int, chance: random.Random):
        super().__init__(unit, START_MS - 10 * MINUTE_MS)
        self._load_mw, self._chance = load_mw, chance

    def watch(self, until_ms: int) -> None:
        """Heartbeats until then."""
        while self.at_ms + 10 * MINUTE_MS < until_ms:
            self.alive()
        self.at_ms = until_ms

    def burn(self, from_ms: int, seconds: int) -> None:
        """On from then for so many seconds."""
        self.watch(from_ms)
        self.open()
        begin_mwh = self._register_mwh
        end_ms = from_ms + seconds * 1000
        self.watch(end_ms)
        self._session(from_ms, end_ms, begin_mwh, record.LOAD_OFF)

    def fail(self, from_ms: int, at_ms: int, back_ms: int) -> None:
        """On from `from_ms`; mains fail at `at_ms` and come back at `back_ms`."""
        self.watch(from_ms)
        self.open()
        begin_mwh = self._register_mwh
        self.watch(at_ms)
        self.off(at_ms, back_ms)
        self._session(from_ms, at_ms, begin_mwh, record.POWER_FAILED)

    def off(self, at_ms: int, back_ms: int) -> None:
        """No mains between these instants."""
        self.at_ms = back_ms
        self._booted_ms, self._boot = back_ms, f"{self._us:016x}"
        alive = record.instant(at_ms, record.SYNCHRONISED)
        self._write(record.BOOT, {"UR": "POWER_ON", "UL": alive})

    def _session(self, from_ms: int, end_ms: int, begin_mwh: int, code: str) -> None:
        seconds = (end_ms - from_ms) // 1000
        spread = self._load_mw // 50
        mean = self._load_mw + self._chance.randint(-spread, spread)
        self._register_mwh = begin_mwh + mean * seconds // 3600
        begin = Reading(from_ms, record.SYNCHRONISED, begin_mwh, record.BEGIN)
        end = Reading(end_ms, record.SYNCHRONISED, self._register_mwh, code)
        self._write(
            record.SESSION, {"UA": seconds, "UW": [mean - spread, mean, mean + spread], "UI": 0}, [begin, end]
        )


_LOAD_MW = {"tdp": 250_000, "stim": 9_000, "ionto": 24_000}


def clinic_day(folder: Path, plan: Plan = SMALL) -> Book:
    """The ledger folder of the clinic, with its day reconciled."""
    book = in_folder(folder)
    _fill(book, plan, "clinic")
    return book


def district_day(folder: Path, plan: Plan = SMALL) -> Book:
    """The ledger folder of a district that holds the same records, and the platform's extract of the same bills."""
    book = in_folder(folder, role=DISTRICT, extra=f'[clinics.{CLINIC}]\nname = "示范诊所"\n')
    _fill(replace(book, config=book.config.of_clinic(CLINIC)), plan, "platform")
    return book


def _fill(book: Book, plan: Plan, source: str) -> None:
    chance = random.Random(plan.seed)
    lamps = _lamps(plan, chance)
    evening_ms = START_MS + (CLOSES + 60) * MINUTE_MS
    with book.ledger() as db:
        for lamp, load, room, bed, stations in lamps:
            plug = load == "stim" and bed == "2"
            spot = Spot(load, room, bed, stations)
            inventory.enrol(db, lamp.unit, lamp.key_hex, CLINIC, plug, spot, 0, START_MS, vouched=not plug)
            take_in(db, lamp.lines, evening_ms)
        lines = _lines(plan, chance, [room for room, *_ in plan.rooms])
        refunded = str(lines[-1]["mdtrt_id"])
        told = (upload(*lines), settlement(refunded), cancellation(refunded))
        charge(db, book, *told, source=source, now_ms=evening_ms)
        _recorded(db, evening_ms)
        pipeline.settle(db, book.config, DAY, DAY, source, evening_ms + MINUTE_MS)


def _lamps(plan: Plan, chance: random.Random) -> list[tuple[Lamp, str, str, str, int]]:
    """(unit that has written its day, class, room, bed, stations)."""
    made: list[tuple[Lamp, str, str, str, int]] = []
    for room, load, count, stations in plan.rooms:
        for bed in range(1, count + 1):
            lamp = Lamp(f"U{len(made) + 1:02}", _LOAD_MW[load], chance)
            _day(lamp, len(made), dict(plan.pauses)[load], chance)
            made.append((lamp, load, room, str(bed), stations))
    return made


def _day(lamp: Lamp, number: int, pause: int, chance: random.Random) -> None:
    """Sessions in the morning and in the afternoon; here and there one too short, a lamp that burns, mains that fail."""
    lamp.boot()
    at = chance.randint(5, 25)
    if pause >= CLOSES:
        lamp.burn(_ms(at), 700)
        at = CLOSES
    while at < CLOSES - 60:
        minutes = chance.choice((20, 20, 21, 21, 22, 25))
        if at < 240 < at + minutes + 15:
            at = 335 + chance.randint(0, 20)
        if number % 7 == 3 and 60 < at < 240:
            lamp.burn(_ms(at), 118 * 60)
            at += 118
        elif number % 7 == 1 and 100 < at < 200:
            lamp.fail(_ms(at), _ms(at + 11), _ms(at + 34))
            at += 40
        elif chance.random() < 0.08:
            lamp.burn(_ms(at), chance.randint(500, 900))
            at += 16
        else:
            lamp.burn(_ms(at), minutes * 60 + chance.randint(0, 50))
            at += minutes
        at += chance.randint(pause // 6, pause)
        if number % 9 == 4 and 400 < at < 520:
            lamp.watch(_ms(at))
            lamp.off(_ms(at), _ms(at + 95))
            at += 100
    lamp.watch(_ms(CLOSES + 20))


def _ms(minute: int) -> int:
    return START_MS + minute * MINUTE_MS


def _lines(plan: Plan, chance: random.Random, rooms: list[str]) -> list[dict[str, object]]:
    """Charges, mostly late in the morning and in the afternoon; some of several areas."""
    lines: list[dict[str, object]] = []
    for item, count in plan.lines:
        code, price = CODES[item]
        for _ in range(count):
            number = len(lines) + 1
            areas = 2 if item == 31 and chance.random() < 0.12 else 1
            minute = int(chance.gauss(150, 55)) if chance.random() < 0.6 else int(chance.gauss(430, 60))
            minute = min(max(minute, 2), CLOSES - 5)
            lines.append(
                detail(
                    "1", f"V{number:04}", psn_no=f"P{number:04}", med_list_codg=code, medins_list_codg=f"OWN{item}",
                    fee_ocur_time=f"2026-03-02 {8 + minute // 60:02}:{minute % 60:02}:00", cnt=f"{areas}.0000",
                    det_item_fee_sumamt=f"{float(price) * areas:.2f}", pric=f"{price}0000",
                    medins_list_name=NAMES[item].zh, bilg_dept_name=rooms[number % len(rooms)], bilg_dr_codg=f"D{1 + number % 9:02}",
                )
            )  # fmt: skip
    return lines


def _recorded(db: Database, at_ms: int) -> None:
    """What a person recorded of a few treatments that no meter sees."""
    rows = db.execute(
        "SELECT visit, line, charged_ms, staff FROM bill_lines WHERE item = 16 ORDER BY line LIMIT 4"
    ).fetchall()
    with transaction(db):
        for visit, line, charged_ms, staff in rows:
            number = attended.next_entry(db)
            attended.add(
                db,
                Entry(
                    number, number, None, CLINIC, visit, 16, line, "针灸室", staff, attended.DONE, charged_ms + 300_000,
                    charged_ms + 300_000 + 1_500_000, "", 9, None, "", attended.MANUAL, "", 0, "", at_ms, staff,
                ),
            )  # fmt: skip
