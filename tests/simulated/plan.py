"""What a month is made of: who was charged what, which device was on when, what befell the units, what people recorded.

Instants are milliseconds since 1970 UTC. `lie` names what is false in a charge; honest ones have none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from gateway.audit import catalogue

ZONE = timezone(timedelta(hours=8))
FIRST = date(2026, 3, 2)  # a Monday
DAYS = 30
OPENS, CLOSES = "08:00", "17:30"
CLINIC = "C001"
SECOND, MINUTE = 1000, 60_000

TDP, STIM, NEEDLES, CUPS, NECK, STIFF, HEADACHE = 31, 23, 16, 34, 4, 5, 11
PRICES_FEN = {TDP: 1200, STIM: 3000, NEEDLES: 2600, CUPS: 2000, NECK: 4500, STIFF: 4500, HEADACHE: 4500}
LAMPS = tuple(f"L{number}" for number in range(1, 9))
BOXES = tuple(f"S{number}" for number in range(1, 5))
STAFF = ("D01", "D02", "D03", "D04", "D05", "D06")


def at(day: date, clock: str | float) -> int:
    """The instant of HH:MM, or of so many minutes after midnight, on a local day."""
    if isinstance(clock, str):
        hour, minute = clock.split(":")
        clock = int(hour) * 60 + int(minute)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return round((midnight.timestamp() + clock * 60) * 1000)


def local(at_ms: int) -> datetime:
    """The instant in the clinic's zone."""
    return datetime.fromtimestamp(at_ms / 1000, ZONE)


def days(count: int = DAYS) -> list[date]:
    """The days of the month on which the clinic is open: not on Sundays."""
    every = (FIRST + timedelta(days=number) for number in range(count))
    return [day for day in every if day.weekday() != 6]


def sundays(count: int = DAYS) -> list[date]:
    """The days on which it is closed."""
    return [FIRST + timedelta(days=number) for number in range(count) if (number + 1) % 7 == 0]


@dataclass(slots=True)
class Charge:
    """One bill line. `false` of its treatments were not done as charged; `refunded` of them were paid back at `refund_ms`."""

    visit: str
    patient: str
    item: int
    count: int
    charged_ms: int
    staff: str
    lie: str = ""
    false: int = 0
    refunded: int = 0
    refund_ms: int = 0
    number: int = 0

    @property
    def line(self) -> str:
        """As the ledger names it."""
        return f"{self.visit}/{self.number}"


@dataclass(frozen=True, slots=True)
class Burn:
    """A device that somebody had on. `power_mw` is that of another appliance on its plug; `lie` why it was on for nobody."""

    device: str
    from_ms: int
    until_ms: int
    lie: str = ""
    power_mw: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a person recorded of a charge's treatment: done, or not done."""

    charge: Charge
    from_ms: int
    until_ms: int
    staff: str
    undone: bool = False


@dataclass(slots=True)
class Month:
    """One clinic's month, and what is true of it. `without_mains`: unit -> when it had none; `silent`: when its meter said
    nothing; `drift_ppm`: how much too fast its clock runs."""

    days: list[date]
    charges: list[Charge] = field(default_factory=list)
    burns: list[Burn] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    without_mains: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    silent: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    drift_ppm: dict[str, int] = field(default_factory=dict)

    def number(self) -> Month:
        """Gives every charge its number, in the order of charge."""
        self.charges.sort(key=lambda each: (each.charged_ms, each.visit, each.item))
        for number, charge in enumerate(self.charges, start=1):
            charge.number = number
        return self


COURSE = """
[[items]]
number = 23
day_max = 1
course_max = 10
course_days = 21
"""
"""What two persons put into the catalogue: ten times of electro-acupuncture may be paid at once."""


def name_of(item: int) -> str:
    """What the bill calls it."""
    return catalogue.read().items[item].zh


def code_of(item: int) -> str:
    """Its national code, where one is known."""
    codes = catalogue.read().items[item].codes
    return next((each.code for each in codes if each.system == "national_15"), "")
