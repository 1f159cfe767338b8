"""Lies planted into an honest month. Each charge says which, so that afterwards it can be told what was found."""

from __future__ import annotations

import random
from datetime import date

from tests.simulated.plan import (
    BOXES,
    CUPS,
    HEADACHE,
    LAMPS,
    MINUTE,
    NECK,
    NEEDLES,
    SECOND,
    STIFF,
    STIM,
    TDP,
    Burn,
    Charge,
    Month,
    Recorded,
    at,
)

LIES = {
    "ghost": ("从未做过，混在一天之中", "never done, spread over the day"),
    "burst": ("中午或下班后集中补录", "posted together at noon or after closing"),
    "cut_short": ("时间不足", "cut short"),
    "areas": ("多报区数", "more areas than were treated"),
    "shared": ("两人合用一灯", "two patients under one lamp"),
    "unplugged": ("拔掉单元后收费", "charged while a unit was unplugged"),
    "time_switch": ("定时开关空烧充数", "covered by lamps on a time switch"),
    "burning": ("整天空烧充数", "covered by a lamp that burned all day"),
    "appliance": ("插别的电器充数", "covered by another appliance on the plug"),
    "copied": ("成批复制同一组合", "the same bundle copied for many persons"),
    "by_hand": ("一人一天几十次推拿", "dozens of tuina under one code in a day"),
    "made_up": ("人工登记是编的，两分钟一条", "made-up records, one every two minutes"),
    "borrowed_card": ("借卡天天来两次", "a borrowed card, twice every day"),
    "kept_money": ("记为未做待退，却不退费", "recorded as not done, and not refunded"),
    "kinds": ("一次推拿收三项", "one tuina charged as three items"),
}


class Cheat:
    """Adds lies to a month, with chances of its own."""

    def __init__(self, seed: int, month: Month):
        self.chance = random.Random(f"cheat {seed}")
        self.month = month
        self._visits = 0

    def plant(self) -> Month:
        """All kinds, on days of their own choice."""
        for number, day in enumerate(self.month.days):
            self._every_day(day)
            if number % 8 == 4:
                self._burst(day, "12:08" if number % 16 == 4 else "19:05")
            if number % 5 == 2:
                self._unplugged(day)
            if number % 3 == 0:
                self._time_switch(day)
            if number % 6 == 1:
                self._burning(day)
            if number % 4 == 3:
                self._appliance(day)
            if number % 3 == 1:
                self._kept_money(day)
            if number in (6, 17):
                self._copied(day)
            if number in (3, 12, 21):
                self._by_hand(day)
            if number % 7 == 5:
                self._made_up(day)
        return self.month.number()

    # --- every day ----------------------------------------------------------------------------------------------

    def _every_day(self, day: date) -> None:
        for _ in range(self.chance.randint(2, 4)):
            self._ghost(day, "ghost", self.chance.choice((TDP, TDP, STIM)))
        self._cut_short(day)
        self._more_areas(day)
        if self.chance.random() < 0.5:
            self._ghost(day, "shared", TDP)
        for half in ("09:10", "14:20"):
            self._charge(at(day, half), "borrowed_card", TDP, patient="P9999")
        if self.chance.random() < 0.4:
            self._three_kinds(day)

    def _ghost(self, day: date, lie: str, item: int) -> None:
        self._charge(at(day, self.chance.uniform(490, 1000)), lie, item)

    def _cut_short(self, day: date) -> None:
        """A lamp on for eight to fourteen minutes, where nobody else lies under it."""
        device, begins_ms = self.chance.choice(LAMPS), at(day, self.chance.uniform(490, 1000))
        until_ms = begins_ms + round(self.chance.uniform(8, 14) * MINUTE)
        if not self._taken(device, begins_ms, until_ms):
            self.month.burns.append(Burn(device, begins_ms, until_ms))
        self._charge(begins_ms, "cut_short", TDP)

    def _more_areas(self, day: date) -> None:
        charges = [
            each
            for each in self.month.charges
            if each.item == TDP and each.count == 1 and not each.lie and not each.refunded
            if at(day, 0) <= each.charged_ms < at(day, 1440)
        ]
        for charge in self.chance.sample(charges, min(2, len(charges))):
            charge.count, charge.lie, charge.false = 3, "areas", 2

    def _three_kinds(self, day: date) -> None:
        visit, when = self._visit(), at(day, self.chance.uniform(490, 1000))
        self.month.charges.append(Charge(visit, self._person(), NECK, 1, when, "D03"))
        for item in (STIFF, HEADACHE):
            self.month.charges.append(
                Charge(visit, self.month.charges[-1].patient, item, 1, when, "D03", "kinds", 1)
            )

    # --- now and then -------------------------------------------------------------------------------------------

    def _burst(self, day: date, clock: str) -> None:
        for number in range(22):
            self._charge(at(day, clock) + number * 61 * SECOND, "burst", TDP)

    def _unplugged(self, day: date) -> None:
        """A lamp's and a box's unit lose their mains for two hours, while five treatments are charged."""
        begins_ms, ends_ms = at(day, "13:40"), at(day, "15:40")
        for device in (LAMPS[4], BOXES[2]):
            self.month.without_mains.setdefault(device, []).append((begins_ms, ends_ms))
        for number in range(5):
            self._charge(begins_ms + (number * 20 + 10) * MINUTE, "unplugged", STIM if number > 2 else TDP)

    def _time_switch(self, day: date) -> None:
        """Two lamps burn at noon, each day at the same second; four treatments are charged for it."""
        for device in LAMPS[6:]:
            self.month.burns.append(Burn(device, at(day, "12:02"), at(day, "12:45"), "time_switch"))
        for _ in range(4):
            self._ghost(day, "time_switch", TDP)

    def _burning(self, day: date) -> None:
        """One lamp burns from morning to evening, and a dozen treatments are charged for it."""
        self.month.burns.append(Burn(LAMPS[5], at(day, "08:10"), at(day, "17:00"), "burning"))
        for _ in range(12):
            self._ghost(day, "burning", TDP)

    def _appliance(self, day: date) -> None:
        """A bulb of 40 W on a box's plug, at times when the box is not used."""
        for clock in ("11:55", "12:25", "16:55"):
            begins_ms = at(day, clock)
            if not self._taken(BOXES[3], begins_ms, begins_ms + 24 * MINUTE):
                burn = Burn(BOXES[3], begins_ms, begins_ms + 24 * MINUTE, "appliance", 40_000)
                self.month.burns.append(burn)
            self._ghost(day, "appliance", STIM)

    def _copied(self, day: date) -> None:
        for number in range(16):
            visit, person = self._visit(), f"P{200 + number:04d}"
            when = at(day, "09:30") + number * 25 * MINUTE
            for item in (NECK, CUPS, HEADACHE, TDP):
                self.month.charges.append(Charge(visit, person, item, 1, when, "D04", "copied", 1))

    def _kept_money(self, day: date) -> None:
        self._charge(at(day, "10:40"), "kept_money", NEEDLES)
        charge, said_ms = self.month.charges[-1], at(day, "11:30")
        self.month.recorded.append(Recorded(charge, said_ms, said_ms, "D05", undone=True))

    def _by_hand(self, day: date) -> None:
        for number in range(46):
            self._charge(at(day, "08:20") + number * 11 * MINUTE, "by_hand", NECK, staff="D02")

    def _made_up(self, day: date) -> None:
        """Fourteen tuina that nobody gave, with records that somebody typed one after the other."""
        for number in range(14):
            begins_ms = at(day, "15:02") + number * 2 * MINUTE
            self._charge(begins_ms - 5 * MINUTE, "made_up", NECK, staff="D06")
            charge = self.month.charges[-1]
            self.month.recorded.append(Recorded(charge, begins_ms, begins_ms + 16 * MINUTE, "D06"))

    # --- all of them --------------------------------------------------------------------------------------------

    def _charge(self, when_ms: int, lie: str, item: int, patient: str = "", staff: str = "D05") -> None:
        person = patient or self._person()
        self.month.charges.append(Charge(self._visit(), person, item, 1, when_ms, staff, lie, 1))

    def _visit(self) -> str:
        self._visits += 1
        return f"W{self._visits:05d}"

    def _person(self) -> str:
        return f"P{self.chance.randrange(260):04d}"

    def _taken(self, device: str, from_ms: int, until_ms: int) -> bool:
        """Whether the device is on then, or within two minutes of it."""
        near = 2 * MINUTE
        return any(
            each.device == device and each.from_ms < until_ms + near and from_ms - near < each.until_ms
            for each in self.month.burns
        )
