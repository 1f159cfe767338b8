"""The demo's clinic day, planned: who was on which device when, what was charged, and which charges are false.

Only the plan knows the truth. The units see power, the gateway sees records and bills, and the demo compares in the
end what was found with what was planted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))
DAY = datetime(2026, 3, 2, tzinfo=ZONE)  # a Monday
CLINIC, CLINIC_NAME = "SH-CN-DEMO", "示范中医诊所"
OPENS, CLOSES = "08:00", "17:00"
TDP, STIM, ACUPUNCTURE = 31, 23, 16  # numbers in the first-batch catalogue
CODES = {
    TDP: ("003401000010000", "红外线治疗(TDP)"),
    STIM: ("004300000160100", "电针(最高)"),
    ACUPUNCTURE: ("004300000010100", "普通针刺最高(一级医院)"),
}
PRICES_FEN = {TDP: 1200, STIM: 3000, ACUPUNCTURE: 2600}
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


@dataclass(slots=True)
class Day:
    """The whole plan."""

    units: list[Unit]
    charges: list[Charge]
    refunded: list[str]  # visits whose charges were deleted again (2205)


def plan(seed: int = 1) -> Day:
    """The day that `seed` makes; the same seed makes the same day."""
    return _Planner(random.Random(seed)).day()


class _Planner:
    def __init__(self, chance: random.Random):
        self._chance = chance
        self._charges: list[Charge] = []
        self._refunded: list[str] = []

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
        for minute in (30, 95, 200, 310, 420):
            self._charge(ACUPUNCTURE, at("08:00") + timedelta(minutes=minute))
        self._charges.sort(key=lambda each: (each.charged, each.line))
        return Day(units, self._charges, self._refunded)

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
            "L3", "tdp", "理疗二室", "网络中断数小时，记录补传", "loses its link for hours and sends later"
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
        unit = Unit("S1", "stim", "电针室", "普通使用", "ordinary use")
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

    def _treat(self, unit: Unit, item: int, first: str, last: str, options: dict[str, object]) -> None:
        """One honest treatment after the other, each charged a few minutes before it begins."""
        start = at(first)
        while start + timedelta(minutes=25) < at(last):
            if not at("11:50") < start + timedelta(minutes=22) < at("13:00"):
                self._on(unit, start, self._chance.randint(1230, 1370), options)
                self._charge(item, start - timedelta(seconds=self._chance.randint(60, 400)))
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


def bills(day: Day) -> str:
    """The day's uploads as the clinic's HIS keeps them: 2204 messages and the 2205 that deletes a visit's lines."""
    messages = [
        _message("2204", charge.charged, {"feedetail": [_feedetail(charge)]}) for charge in day.charges
    ]
    for visit in day.refunded:
        deleted = {"data": {"mdtrt_id": visit, "chrg_bchno": "0000"}}
        messages.append(_message("2205", at("16:58"), deleted))
    return json.dumps(messages, ensure_ascii=False, indent=1)


def _message(infno: str, when: datetime, content: Mapping[str, object]) -> dict[str, object]:
    stamp = when.strftime("%Y-%m-%d %H:%M:%S")
    return {
        "infno": infno,
        "fixmedins_code": CLINIC,
        "fixmedins_name": CLINIC_NAME,
        "inf_time": stamp,
        "input": content,
    }


def _feedetail(charge: Charge) -> dict[str, str]:
    code, name = CODES[charge.item]
    price = PRICES_FEN[charge.item]
    return {
        "feedetl_sn": str(charge.line),
        "mdtrt_id": charge.visit,
        "psn_no": charge.patient,
        "chrg_bchno": f"B{charge.line:04d}",
        "fee_ocur_time": charge.charged.strftime("%Y-%m-%d %H:%M:%S"),
        "med_list_codg": code,
        "medins_list_codg": f"OWN{charge.item}",
        "medins_list_name": name,
        "det_item_fee_sumamt": f"{price * charge.count / 100:.2f}",
        "cnt": f"{charge.count}.0000",
        "pric": f"{price / 100:.6f}",
        "bilg_dept_codg": "TCM",
        "bilg_dept_name": "中医科",
        "bilg_dr_codg": charge.staff,
        "bilg_dr_name": charge.staff,
    }
