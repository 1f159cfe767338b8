"""The demo's clinic day, planned: who was on which device when, what was charged, and which charges are false.

Only the plan knows the truth. The units see power, the gateway sees records and bills, and the demo compares in the
end what was found with what was planted.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))
DAY = datetime(2026, 3, 2, tzinfo=ZONE)  # a Monday
CLINIC, CLINIC_NAME = "SH-CN-DEMO", "示范中医诊所"
OPENS, CLOSES = "08:00", "17:00"
LIVE_UNTIL = "15:30"  # so long the HIS sends each charge; the rest comes as a file
TDP, STIM, ACUPUNCTURE, TUINA = 31, 23, 16, 4  # numbers in the first-batch catalogue
CODES = {
    TDP: ("003401000010000", "红外线治疗(TDP)"),
    STIM: ("004300000160100", "电针(最高)"),
    ACUPUNCTURE: ("004300000010100", "普通针刺最高(一级医院)"),
    TUINA: ("004500000020000", "颈椎病推拿治疗(一级医院)"),
}
PRICES_FEN = {TDP: 1200, STIM: 3000, ACUPUNCTURE: 2600, TUINA: 4000}
ROOM_BY_HAND = "针灸推拿室"
SHORT_NAMES = {  # items that no device shows
    ACUPUNCTURE: ("针刺", "acupuncture"),
    TUINA: ("推拿", "tuina"),
}
CHEATS = {
    "no_device": ("没有做过", "charged, never done"),
    "cut_short": ("时间不足", "cut short"),
    "shared_lamp": ("两人合用一灯", "two patients on one lamp"),
    "areas": ("多报区数", "more areas than lamps could serve"),
    "while_unplugged": ("拔掉单元后收费", "charged while the unit was unplugged"),
}


def at(clock: str) -> datetime:
    """The demo day's instant at `HH:MM` or `HH:MM:SS` local time."""
    hour, minute, second = [*(int(part) for part in clock.split(":")), 0][:3]
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


LATE = at("17:30")  # when what could not be sent in time may come


@dataclass(frozen=True, slots=True)
class PowerOn:
    """One period in which somebody had a device switched on. `options` are the load model's."""

    from_: datetime
    until: datetime
    options: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Unit:
    """One metered device of the demo: what it is, when it is on, what befalls its unit."""

    name: str
    load: str
    room: str
    note_zh: str
    note_en: str
    on: list[PowerOn] = field(default_factory=list)
    profile: dict[str, int] = field(default_factory=dict)  # what differs from the load's profile
    without_mains: tuple[datetime, datetime] | None = None
    without_link: tuple[datetime, datetime] | None = None
    has_reader: bool = False
    scans: list[tuple[datetime, str]] = field(default_factory=list)  # when a visit's token is shown to it


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of the day's bills. `cheat` names the lie in it (None: honest) and `false` how many of `count` lie."""

    line: int
    visit: str
    item: int
    count: int
    charged: datetime
    staff: str
    patient: str
    cheat: str | None = None
    false: int = 0


@dataclass(frozen=True, slots=True)
class ByHand:
    """What the nurse records of a treatment that no device shows: from when on and how long, or why it was not done
    (`minutes` is 0 then). `scanned`: the patient's token is read at her desk."""

    charge: Charge
    begins: datetime
    minutes: int
    scanned: bool = False
    why: tuple[str, str] = ("", "")

    @property
    def acupoints(self) -> int | None:
        """How many, where the catalogue lays down a minimum."""
        return 9 if self.charge.item == ACUPUNCTURE else None


@dataclass(slots=True)
class Day:
    """The whole plan."""

    units: list[Unit]
    charges: list[Charge]
    refunded: list[str]  # visits whose charges were deleted again the same day (2205)
    by_hand: list[ByHand] = field(default_factory=list)
    left_out: list[Charge] = field(default_factory=list)  # insured, and not in the clinic's own export

    @property
    def owed(self) -> list[ByHand]:
        """What was recorded as not done, and not refunded the same day."""
        return [each for each in self.by_hand if not each.minutes and each.charge.visit not in self.refunded]

    @property
    def late(self) -> str:
        """The unit that sends the last of its day after closing time."""
        return next(unit.name for unit in self.units if unit.without_link and unit.without_link[1] == LATE)

    @property
    def tokens(self) -> list[str]:
        """The visits whose patient has a token, in the order of their charges."""
        scanned = {each.charge.visit for each in self.by_hand if each.scanned}
        scanned |= {visit for unit in self.units for _, visit in unit.scans}
        return [each.visit for each in self.charges if each.visit in scanned]


def plan(seed: int = 1) -> Day:
    """The day that `seed` makes; the same seed makes the same day."""
    return _Planner(random.Random(seed)).day()


class _Planner:
    def __init__(self, chance: random.Random):
        self._chance = chance
        self._charges: list[Charge] = []
        self._refunded: list[str] = []
        self._by_hand: list[ByHand] = []

    def day(self) -> Day:
        units = [
            self._lamp_1(),
            self._lamp_2(),
            self._lamp_3(),
            self._lamp_4(),
            self._stim_1(),
            self._stim_2(),
        ]
        self._false_charges(units)
        self._refund()
        self._acupuncture()
        self._tuina()
        kept = len(self._charges)
        for clock in ("09:12", "10:47", "14:21"):
            self._charge(ACUPUNCTURE, at(clock))
        self._charges, left_out = self._charges[:kept], self._charges[kept:]
        self._charges.sort(key=lambda each: (each.charged, each.line))
        return Day(units, self._charges, self._refunded, self._by_hand, left_out)

    def _lamp_1(self) -> Unit:
        unit = Unit(
            "L1", "tdp", "理疗一室", "普通使用；两次提前关灯", "ordinary use; switched off early twice"
        )
        self._treat(unit, TDP, "08:06", "11:40", {})
        self._treat(unit, TDP, "13:05", "15:20", {})
        for start, minutes in (("15:40", 9), ("16:05", 11)):
            self._on(unit, at(start), minutes * 60 + 20, {})
            self._charge(TDP, at(start), cheat="cut_short", false=1)
        return unit

    def _lamp_2(self) -> Unit:
        unit = Unit("L2", "tdp", "理疗一室", "治疗中途断电后恢复", "loses its mains in mid-treatment")
        self._treat(unit, TDP, "08:15", "10:00", {"dimmer": [[0, 100], [600, 70]]})
        unit.without_mains = (at("10:22"), at("10:31"))
        self._on(
            unit, at("10:10"), 37 * 60, {"dimmer": [[0, 100], [600, 70]]}
        )  # honest: the outage falls into it
        self._charge(TDP, at("10:08"))
        self._treat(unit, TDP, "11:05", "16:30", {"dimmer": [[0, 100], [600, 70]]})
        return unit

    def _lamp_3(self) -> Unit:
        unit = Unit(
            "L3",
            "tdp",
            "理疗二室",
            "扫就诊标签；断网数小时，记录补传",
            "reads patients' tokens; loses its link for hours and sends later",
            has_reader=True,
        )
        unit.without_link = (at("10:30"), at("13:30"))
        unit.profile["thermostat_s"] = 45  # this lamp switches its plate off for half a minute at a time
        self._treat(unit, TDP, "08:10", "16:40", {"thermostat": [90, 30]})
        return unit

    def _lamp_4(self) -> Unit:
        unit = Unit(
            "L4", "tdp", "理疗二室", "定时开关：午休空开一小时", "on a time switch: burns an hour over lunch"
        )
        self._treat(unit, TDP, "08:20", "11:30", {})
        self._on(unit, at("12:00"), 3600, {})
        return unit

    def _stim_1(self) -> Unit:
        unit = Unit(
            "S1", "stim", "电针室", "下午断网，关门后才补传", "loses its link and sends after closing time"
        )
        unit.without_link = (at("15:10"), LATE)
        self._treat(unit, STIM, "08:12", "16:20", {})
        return unit

    def _stim_2(self) -> Unit:
        unit = Unit("S2", "stim", "电针室", "下午被人为拔掉", "unplugged on purpose in the afternoon")
        self._treat(unit, STIM, "08:25", "12:50", {})
        unit.without_mains = (at("13:30"), at("15:30"))
        for clock in ("13:50", "14:20"):
            self._charge(STIM, at(clock), cheat="while_unplugged", false=1)
        return unit

    def _false_charges(self, units: list[Unit]) -> None:
        for minute in (2, 6, 9, 13, 17):
            self._charge(TDP, at("16:42") + timedelta(minutes=minute), cheat="no_device", false=1)
        for lamp in units[:2]:
            shared = lamp.on[2].from_ + timedelta(minutes=1)
            self._charge(TDP, shared, cheat="shared_lamp", false=1)
        self._on(units[3], at("14:10"), 1290, {})
        self._charge(TDP, at("14:08"), count=3, cheat="areas", false=2)

    def _refund(self) -> None:
        refunded = self._charge(TDP, at("09:31"))
        self._refunded.append(refunded.visit)

    def _acupuncture(self) -> None:
        for clock, begins, minutes, scanned in (
            ("08:30", "08:40", 30, True),
            ("09:35", "10:05", 28, True),
            ("11:20", "11:35", 25, False),
            ("15:00", "15:35", 25, False),
        ):
            self._record(ACUPUNCTURE, clock, begins, minutes, scanned)
        left = self._record(
            ACUPUNCTURE, "13:10", "13:40", 0, why=("患者有事先走", "the patient had to leave")
        )
        self._refunded.append(left.visit)

    def _tuina(self) -> None:
        for clock, begins, minutes, scanned in (
            ("08:45", "09:05", 20, True),
            ("10:15", "10:35", 20, False),
            ("14:35", "15:05", 18, True),
        ):
            self._record(TUINA, clock, begins, minutes, scanned)
        self._record(TUINA, "14:05", "14:40", 0, why=("患者改约", "the patient comes another day"))

    def _record(
        self,
        item: int,
        clock: str,
        begins: str,
        minutes: int,
        scanned: bool = False,
        why: tuple[str, str] = ("", ""),
    ) -> Charge:
        charge = self._charge(item, at(clock))
        self._by_hand.append(ByHand(charge, at(begins), minutes, scanned, why))
        return charge

    def _treat(self, unit: Unit, item: int, first: str, last: str, options: dict[str, object]) -> None:
        """One honest treatment after the other, each charged a few minutes before it begins."""
        start = at(first)
        while start + timedelta(minutes=25) < at(last):
            if not at("11:50") < start + timedelta(minutes=22) < at("13:00"):
                self._on(unit, start, self._chance.randint(1230, 1370), options)
                charge = self._charge(item, start - timedelta(seconds=self._chance.randint(60, 400)))
                if unit.has_reader:
                    unit.scans.append((start + timedelta(minutes=3), charge.visit))
            start += timedelta(seconds=self._chance.randint(2000, 2700))

    def _on(self, unit: Unit, start: datetime, seconds: int, options: dict[str, object]) -> None:
        unit.on.append(PowerOn(start, start + timedelta(seconds=seconds), options))

    def _charge(
        self, item: int, charged: datetime, count: int = 1, cheat: str | None = None, false: int = 0
    ) -> Charge:
        number = len(self._charges) + 1
        staff = self._chance.choice(("D01", "D02", "D03"))
        charge = Charge(number, f"V{number:04d}", item, count, charged, staff, f"P{number:04d}", cheat, false)
        self._charges.append(charge)
        return charge


def scenario(unit: Unit, seed: int, starts: datetime, ends: datetime) -> str:
    """What the bench port of a unit plays, as JSON text (hardware/ports/bench.py)."""
    on = [[each.from_.isoformat(), each.until.isoformat(), each.options] for each in unit.on]
    return json.dumps(
        {
            "load": unit.load,
            "seed": seed,
            "from": starts.isoformat(),
            "until": ends.isoformat(),
            "every_s": 2,
            "on": sorted(on, key=lambda period: period[0]),
        }
    )
