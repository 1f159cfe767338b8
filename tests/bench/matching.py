"""A month of 100 clinics: 780,000 treatments, 8 lamps and 4 stimulators each, matched.

Beside it scipy's Hopcroft-Karp on the same cases, its graph built too, and what is usually done: an as-of join that
takes any session for good that overlaps a charge, and each charge taking the nearest session that is left.
The whole of `reconcile`, from a ledger to stored verdicts, is measured for one such clinic and told a hundredfold.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from sqlite_utils import Database

from gateway import config, config_text, inventory, pipeline
from gateway.audit.match import Treatment, maximum
from gateway.audit.supplies import Session, Supply, session_supplies
from gateway.bootstrap import Book, open_book
from gateway.intake.verify import Arrival
from gateway.inventory import Spot
from gateway.ledger import bills, database
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.database import transaction
from tests.bench.chains import FastWriter
from tests.bench.figures import Figure, alternating, seconds
from tests.support.chain import START_MS

_DAYS, _REQUIRED_S = 30, 1140
_DAY_MS, _HOUR_MS, _MINUTE_MS = 86_400_000, 3_600_000, 60_000
_CLASSES = {"tdp": (31, 8, 180), "stim": (23, 4, 80)}  # item, devices, treatments a day

Case = tuple[list[Treatment], list[Supply]]


def figures(scale: float) -> list[Figure]:
    clinics = max(round(100 * scale), 1)
    cases = [_case(Random(clinic), load) for clinic in range(clinics) for load in _CLASSES]
    treatments = sum(len(each) for each, _ in cases)
    ours: list[int] = []
    theirs: list[int] = []

    def match() -> float:
        ours.clear()
        return seconds(lambda: ours.extend(len(maximum(*case)) for case in cases))

    def scipy() -> float:
        theirs.clear()
        return seconds(lambda: theirs.extend(_hopcroft_karp(*case) for case in cases))

    ours_s, scipy_s = alternating(3, match, scipy)
    assert ours == theirs, "the two do not match equally many"
    unsupported = treatments - sum(ours)
    found, doubted = (sum(each(*case) for case in cases) for each in (_as_of, _nearest_unused))
    whole_s = _whole()
    return [
        Figure(
            "matching", f"匹配 {treatments} 次治疗", f"matching {treatments} treatments", ours_s, "s", scipy_s, "scipy",
            "< 1 x, equal counts", ours_s < scipy_s,
        ),
        Figure("unsupported", "其中无设备时间", "of them without device time", unsupported, "treatments"),
        Figure("as_of", "as-of 连接找到", "found by an as-of join", found, "treatments", unsupported, "of them"),
        Figure(
            "nearest", "最近未用法误疑", "falsely doubted by nearest-unused", doubted - unsupported, "treatments"
        ),
        Figure(
            "reconcile", "整个核对（一家一个月 × 100）", "whole reconcile, one clinic-month x 100", whole_s * 100, "s",
            target="<= 20 s", met=whole_s * 100 <= 20,
        ),
    ]  # fmt: skip


def _case(chance: Random, load: str) -> Case:
    item, devices, per_day = _CLASSES[load]
    sessions = [
        each
        for day in range(_DAYS)
        for device in range(devices)
        for each in _burned(chance, load, device, day)
    ]
    sessions.sort(key=lambda each: (each.start_ms, each.end_ms, each.unit, each.us))
    return _treatments(chance, item, per_day), session_supplies(sessions, _REQUIRED_S)


def _treatments(chance: Random, item: int, per_day: int) -> list[Treatment]:
    """Most lines may have been done at any time of their day, some say when, a few are courses of ten days."""
    made = []
    for day in range(_DAYS):
        midnight_ms = day * _DAY_MS
        for number in range(per_day):
            charged_ms = midnight_ms + chance.randrange(8 * _HOUR_MS, 18 * _HOUR_MS)
            window = (midnight_ms, midnight_ms + _DAY_MS - 1)
            if chance.random() < 0.2:
                window = (charged_ms - 30 * _MINUTE_MS, charged_ms + 30 * _MINUTE_MS)
            elif chance.random() < 0.05:
                window = (midnight_ms, midnight_ms + 10 * _DAY_MS - 1)
            made.append(Treatment(f"{day}/{number}", 1, item, *window, charged_ms, 1200))
    return sorted(made, key=lambda each: (each.charged_ms, each.line))


def _burned(chance: Random, load: str, device: int, day: int) -> list[Session]:
    made: list[Session] = []
    at_ms = day * _DAY_MS + 8 * _HOUR_MS
    while True:
        at_ms += chance.randrange(2, 20) * _MINUTE_MS
        minutes = chance.choice((12, 20, 20, 21, 21, 22, 25, 45))
        end_ms = at_ms + minutes * _MINUTE_MS
        if end_ms > day * _DAY_MS + 18 * _HOUR_MS:
            return made
        about = (f"{load}{device}", len(made) + day * 1000, f"{load}{device}")
        made.append(Session(*about, at_ms, end_ms, minutes * 60, 1, "A", "L"))
        at_ms = end_ms


def _hopcroft_karp(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many scipy matches: one column for each slot, edges by bisection over sorted slots."""
    slots = sorted(
        (each.begins_from_ms, each.begins_until_ms)
        for each in supplies
        if each.is_usable
        for _ in range(each.capacity)
    )
    firsts = [first for first, _ in slots]
    lasts = numpy.array([last for _, last in slots])
    pointers, columns = [0], []
    for treatment in treatments:
        until = bisect_left(firsts, treatment.window_until_ms + 1)
        near = numpy.nonzero(lasts[:until] >= treatment.window_from_ms)[0]
        columns.append(near)
        pointers.append(pointers[-1] + len(near))
    indices = numpy.concatenate(columns)
    shape = (len(treatments), len(slots))
    graph = csr_matrix((numpy.ones(len(indices), numpy.int8), indices, pointers), shape)
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _as_of(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many have no session at all that could have held them, whoever else used it."""
    slots = sorted((each.begins_from_ms, each.begins_until_ms) for each in supplies if each.is_usable)
    firsts, latest = [first for first, _ in slots], list(accumulate((last for _, last in slots), max))
    return sum(not _reaches(latest, bisect_left(firsts, one.window_until_ms + 1), one) for one in treatments)


def _reaches(latest: Sequence[int], until: int, one: Treatment) -> bool:
    return until > 0 and latest[until - 1] >= one.window_from_ms


def _nearest_unused(treatments: Sequence[Treatment], supplies: Sequence[Supply]) -> int:
    """How many find nothing left when each charge in turn takes the nearest session of its window."""
    slots = sorted(
        (each.begins_from_ms, each.begins_until_ms)
        for each in supplies
        if each.is_usable
        for _ in range(each.capacity)
    )
    doubted = 0
    for one in treatments:
        at = bisect_left(slots, (one.charged_ms, 0))
        near = sorted(
            range(max(0, at - 40), min(len(slots), at + 40)), key=lambda n: abs(slots[n][0] - one.charged_ms)
        )
        fits = (n for n in near if slots[n][0] <= one.window_until_ms and slots[n][1] >= one.window_from_ms)
        taken = next(fits, None)
        if taken is None:
            doubted += 1
        else:
            del slots[taken]
    return doubted


# --- the whole of reconcile -----------------------------------------------------------------------------------


def _whole() -> float:
    """Seconds for a month of one clinic, its ledger full of real records."""
    with tempfile.TemporaryDirectory() as name:
        book = _ledger(Path(name))
        with book.ledger() as db:
            first, last, now_ms = date(2026, 3, 2), date(2026, 3, 31), START_MS + 40 * _DAY_MS
            return seconds(lambda: pipeline.settle(db, book.config, first, last, "clinic", now_ms))


def _ledger(folder: Path) -> Book:
    database.create_ledger(folder).close()
    made = config.Config("C001", "示范诊所", closes="18:00")
    (folder / config.FILE).write_text(config_text.text(made), encoding="utf-8")
    book, chance = open_book(folder), Random(1)
    with book.ledger() as db:
        for load, (item, devices, per_day) in _CLASSES.items():
            for number in range(devices):
                writer = _month(chance, f"{load}{number}")
                unit = (writer.unit, writer.key_hex, "C001")
                inventory.enrol(db, *unit, False, Spot(load, "R1"), 0, START_MS, vouched=True)
                pipeline.take_in(
                    db, [Arrival(line) for line in writer.lines], "bench", START_MS + 31 * _DAY_MS
                )
            _charge(db, load, _treatments(chance, item, per_day))
    return book


def _month(chance: Random, unit: str) -> FastWriter:
    """A month of a unit that is powered all day: heartbeats, and sessions in opening hours."""
    writer = FastWriter(unit)
    writer.boot()
    for day in range(_DAYS):
        for session in _burned(chance, "", 0, day):
            start_ms, minutes = START_MS - 8 * _HOUR_MS + session.start_ms, session.active_s // 60
            while writer.at_ms + 10 * _MINUTE_MS < start_ms:
                writer.alive(10)
            writer.at_ms = max(start_ms, writer.at_ms)
            writer.open()
            begin_ms = writer.at_ms
            for _ in range((minutes - 1) // 10):
                writer.alive(10)
            writer.at_ms = begin_ms
            writer.session(minutes)
    return writer


def _charge(db: Database, load: str, treatments: Sequence[Treatment]) -> None:
    entries = [_entry(load, each) for each in treatments]
    file = BillFile(load, "C001", "clinic", load, "2204", START_MS, b"")
    assert file.teller == Teller("C001", "clinic")
    with transaction(db):
        bills.store(db, file, entries, [])


def _entry(load: str, one: Treatment) -> Entry:
    charged_ms = START_MS - 8 * _HOUR_MS + one.charged_ms
    performed_ms = charged_ms if one.window_until_ms - one.window_from_ms < _DAY_MS // 2 else None
    about = (
        f"{load}{one.line}",
        0,
        1,
        f"{load}{one.line.split('/')[0]}",
        "",
        one.item,
        "C",
        "",
        "1",
        1,
        one.amount_fen,
    )
    return Entry(*about, charged_ms, performed_ms, "R1", "D01", "", None)
