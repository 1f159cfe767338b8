"""Reads from the ledger what a cashier's question rests on, and puts the answers of `advise` together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlite_utils import Database

from gateway.audit import advise
from gateway.audit.advise import Advice, Asked
from gateway.audit.catalogue import Catalogue
from gateway.audit.gather import gather
from gateway.audit.hours import Hours
from gateway.audit.live import Live, live, waiting
from gateway.audit.posts import is_post
from gateway.audit.reconcile import Period, classes_judged
from gateway.ledger import bills
from gateway.ledger import live as ledger
from gateway.ledger.bills import Teller

Waits = Mapping[str, tuple[int, int]]
"""Class -> how many treatments wait, and the seconds that one takes."""


@dataclass(frozen=True, slots=True)
class Question:
    """Lines that are about to be charged, those that are items of the catalogue, to one person (`patient`: the keyed hash, or
    empty). `after_treatment`: the clinic settles after the treatment, so device time must have been there already."""

    patient: str
    asked: Sequence[Asked]
    after_treatment: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """For each line asked what speaks against it, and of each class how many more treatments the day can hold."""

    advice: Sequence[Sequence[Advice]]
    time_left: dict[str, int]


def answer(db: Database, hours: Hours, catalogue: Catalogue, question: Question, now_ms: int) -> Answer:
    """What the book says now. Nothing is kept of the question."""
    teller = _teller(db, hours.config.clinic)
    today = hours.day_of(now_ms)
    charged = ledger.charged_to(db, teller, question.patient, *_courses(hours, catalogue, today))
    found = advise.advise(question.asked, charged, hours)
    of_today = [each for each in question.asked if hours.day_of(each.charged_ms) == today]
    if not of_today:
        return Answer(found, {})
    period = _today(db, hours, catalogue, teller, today, now_ms)
    left = advise.time_left(period, [each.item.device_class for each in of_today])
    timed = advise.without_time(of_today, left)
    if question.after_treatment:
        timed = _joined(timed, advise.not_yet_done(of_today, period))
    extra = iter(timed)
    timely = [next(extra) if each in of_today else [] for each in question.asked]
    return Answer(_joined(found, timely), left)


def units_now(db: Database, hours: Hours, catalogue: Catalogue, now_ms: int) -> list[Live]:
    """Every unit on a device of the clinic, and what it is doing."""
    waits = waits_now(db, hours, catalogue, now_ms)
    return [
        live(place, ledger.said_last(db, place.unit), waits, now_ms)
        for place in ledger.places(db, hours.config.clinic)
    ]


def devices_now(db: Database, clinic: str, waits: Waits, now_ms: int) -> list[Live]:
    """As `units_now`, with the devices that no unit watches, by room and bed; without readers at posts, which show no
    device."""
    places = [*ledger.places(db, clinic), *ledger.bare(db, clinic)]
    places.sort(key=lambda place: (place.room, place.bed, place.device))
    return [
        live(place, ledger.said_last(db, place.unit), waits, now_ms)
        for place in places
        if not is_post(place.load)
    ]


def waits_now(db: Database, hours: Hours, catalogue: Catalogue, now_ms: int) -> Waits:
    """Class -> how many treatments charged today have no device time yet, and the seconds that one takes."""
    clinic, today = hours.config.clinic, hours.day_of(now_ms)
    period = _today(db, hours, catalogue, _teller(db, clinic), today, now_ms)
    of_today = {line.line for line in period.lines if hours.day_of(line.charged_ms) == today}
    return waiting(classes_judged(period), of_today)


def _teller(db: Database, clinic: str) -> Teller:
    return Teller(clinic, bills.usual_source(db, clinic))


def _courses(hours: Hours, catalogue: Catalogue, today: date) -> tuple[int, int]:
    """The days over which a course that is still going on can have been charged, today included."""
    longest = max((item.course_days or 1 for item in catalogue.on(today).values()), default=1)
    first = hours.calendar_day(today - timedelta(days=longest - 1))[0]
    return first, hours.calendar_day(today)[1]


def _today(
    db: Database, hours: Hours, catalogue: Catalogue, teller: Teller, today: date, now_ms: int
) -> Period:
    return gather(db, hours, catalogue.items, today, today, teller.source, now_ms)


def _joined(one: Iterable[Sequence[Advice]], other: Iterable[Sequence[Advice]]) -> list[list[Advice]]:
    return [[*a, *b] for a, b in zip(one, other, strict=True)]
