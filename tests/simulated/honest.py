"""An honest clinic's month. Every treatment that is charged is done, and yet much looks odd: lamps stay on between patients or
over lunch, mornings are charged together at noon, units break down, mains fail, cards are forgotten, courses run over weeks,
people pay for themselves.

Some honest habits break an assumption on which the bound rests (docs/verdicts.md, "What the bound rests on"): a charge a day
late, a treatment in two parts on two lamps. They are there unless the month is `strict`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
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
    STAFF,
    STIFF,
    STIM,
    TDP,
    Burn,
    Charge,
    Month,
    Recorded,
    at,
    days,
)

BY_HAND = {NECK: 16, STIFF: 16, HEADACHE: 16, CUPS: 3, NEEDLES: 4}  # minutes somebody is there
STAYS = {CUPS: 15, NEEDLES: 25}  # minutes it goes on by itself

PRESCRIPTIONS = (  # (weight, items with their counts): a few are common, as in every clinic
    (22, ((NEEDLES, 1), (TDP, 1))),
    (14, ((NECK, 1), (TDP, 2))),
    (12, ((STIM, 1), (TDP, 1), (CUPS, 1))),
    (10, ((TDP, 3),)),
    (9, ((NECK, 1), (CUPS, 1), (TDP, 1))),
    (8, ((STIM, 1),)),
    (7, ((HEADACHE, 1), (NEEDLES, 1))),
    (6, ((STIFF, 1), (TDP, 1))),
    (5, ((NECK, 1), (HEADACHE, 1))),
    (4, ((CUPS, 1), (TDP, 2))),
    (3, ((STIM, 1), (NEEDLES, 1), (TDP, 2), (CUPS, 1))),
)


@dataclass
class Clinic:
    """Plans a month. `visits` is about how many patients come on a day."""

    seed: int
    visits: int = 48
    strict: bool = False
    count: int = 30
    month: Month = field(init=False)

    def plan(self) -> Month:
        """The month; the same seed makes the same."""
        self.chance = random.Random(f"honest {self.seed} {self.strict}")
        self.month = Month(days(self.count))
        self.persons = [f"P{number:04d}" for number in range(260)]
        self.regulars = self.persons[:6]  # come nearly every day
        self.courses: dict[str, int] = {}
        self._visits = 0
        for number, day in enumerate(self.month.days):
            self._day(number, day)
        self._breakdowns()
        return self.month.number()

    # --- a day --------------------------------------------------------------------------------------------------

    def _day(self, number: int, day: date) -> None:
        self.free = {device: at(day, "08:02") for device in (*LAMPS, *BOXES)}
        self.hands = {staff: at(day, "08:05") for staff in STAFF}
        self.ends_ms, self.noon_ms = at(day, "17:20"), at(day, "11:50")
        self.at_noon = number % 5 == 3  # the cashier posts the morning together
        self.day, self.today = day, len(self.month.burns)
        self.here: set[str] = set()
        morning = [self.chance.uniform(485, 665) for _ in range(self.visits * 6 // 10)]
        afternoon = [self.chance.uniform(782, 955) for _ in range(self.visits * 4 // 10)]
        for minute in sorted(morning + afternoon):
            self._visit(at(day, minute))
        if number in (7, 18):
            self._power_cut(day)
        self._lamps_left_on()

    def _visit(self, comes_ms: int) -> None:
        person = self._somebody()
        if self.courses.get(person):
            self._continue_course(person, comes_ms)
            return
        items = self.chance.choices(
            [each for _, each in PRESCRIPTIONS], [weight for weight, _ in PRESCRIPTIONS]
        )[0]
        self._visits += 1
        visit, now_ms, charges = f"V{self._visits:05d}", comes_ms, []
        charged_ms = comes_ms - round(self.chance.uniform(1, 9) * MINUTE)
        pays_himself = self.chance.random() < 0.03
        for item, count in items:
            ends_ms, staff = self._treat(item, count, now_ms)
            if not ends_ms:
                continue
            charge = Charge(visit, person, item, count, charged_ms, staff)
            if not pays_himself:
                charges.append(charge)
                self._record(charge, now_ms, ends_ms)
            now_ms = ends_ms + round(self.chance.uniform(1, 4) * MINUTE)
        self._charge(charges, comes_ms)

    def _somebody(self) -> str:
        """Who was not here today yet."""
        waiting = self.regulars if self.chance.random() < 0.06 else self.persons
        person = self.chance.choice([each for each in waiting if each not in self.here] or self.persons[6:])
        self.here.add(person)
        return person

    def _charge(self, charges: list[Charge], comes_ms: int) -> None:
        """Most pay before; some days' mornings are posted together before lunch; now and then a day late."""
        if self.at_noon and comes_ms < self.noon_ms:
            posted = at(self.day, self.chance.uniform(700, 725))
            for charge in charges:
                charge.charged_ms = posted
        elif not self.strict and self.chance.random() < 0.006:
            later = [day for day in self.month.days if day > self.day][:1]
            for charge in charges if later else ():
                charge.charged_ms = at(later[0], self.chance.uniform(490, 560))
        for charge in charges:
            self._money_back(charge)
        self.month.charges += charges
        if charges and charges[0].item == STIM and len(charges) == 1 and self.chance.random() < 0.12:
            charges[0].count, charges[0].refunded = 10, 0
            self.courses[charges[0].patient] = 9

    def _money_back(self, charge: Charge) -> None:
        """Paid for and not done after all: the patient left, or one area was enough; refunded the same day or the next."""
        if self.chance.random() < 0.012:
            lost = Charge(charge.visit, charge.patient, TDP, 1, charge.charged_ms, charge.staff)
            lost.refunded, lost.refund_ms = (
                1,
                charge.charged_ms + self.chance.choice((3, 27, 70)) * 3600 * SECOND,
            )
            self.month.charges.append(lost)
            said_ms = charge.charged_ms + 40 * MINUTE
            self.month.recorded.append(Recorded(lost, said_ms, said_ms, charge.staff, undone=True))
        elif charge.item == TDP and charge.count < 3 and self.chance.random() < 0.03:
            charge.count += 1
            charge.refunded, charge.refund_ms = 1, charge.charged_ms + 26 * 3600 * SECOND

    def _continue_course(self, person: str, comes_ms: int) -> None:
        if self._treat(STIM, 1, comes_ms)[0]:
            self.courses[person] -= 1

    # --- a treatment --------------------------------------------------------------------------------------------

    def _treat(self, item: int, count: int, from_ms: int) -> tuple[int, str]:
        """When it ends and who did it; (0, "") where there was no room for it, so nobody pays."""
        if item in (TDP, STIM):
            return self._on(LAMPS if item == TDP else BOXES, count, from_ms), self.chance.choice(STAFF)
        staff = min(self.hands, key=lambda each: (max(self.hands[each], from_ms), each))
        begins_ms = self._after_lunch(max(self.hands[staff], from_ms))
        self.hands[staff] = begins_ms + round((BY_HAND[item] + self.chance.uniform(0, 3)) * MINUTE)
        ends_ms = self.hands[staff] + STAYS.get(item, 0) * MINUTE
        return (ends_ms, staff) if ends_ms < self.ends_ms else (0, "")

    def _on(self, devices: tuple[str, ...], count: int, from_ms: int) -> int:
        device = min(devices, key=lambda each: (max(self.free[each], from_ms), self.chance.random()))
        begins_ms = max(self.free[device] + 40 * SECOND, from_ms)
        each_s = self.chance.uniform(1202, 1320) if devices == LAMPS else self.chance.uniform(1205, 1900)
        length_ms = round(each_s * count) * SECOND
        if begins_ms < self.noon_ms < begins_ms + length_ms:
            begins_ms = max(self._after_lunch(self.noon_ms), self.free[device] + 40 * SECOND)
        if begins_ms + length_ms > self.ends_ms or begins_ms - from_ms > 100 * MINUTE:
            return 0
        if not self.strict and count == 1 and devices == LAMPS and self.chance.random() < 0.004:
            self._in_two_parts(device, begins_ms, length_ms)
        else:
            self.month.burns.append(Burn(device, begins_ms, begins_ms + length_ms))
        self.free[device] = begins_ms + length_ms
        return begins_ms + length_ms

    def _in_two_parts(self, device: str, begins_ms: int, length_ms: int) -> None:
        """The patient had to get up for three minutes, and the nurse switched the lamp off."""
        half_ms = length_ms // 2
        self.month.burns.append(Burn(device, begins_ms, begins_ms + half_ms - 90 * SECOND))
        self.month.burns.append(Burn(device, begins_ms + half_ms + 90 * SECOND, begins_ms + length_ms))

    def _after_lunch(self, at_ms: int) -> int:
        """Nothing begins between ten to twelve and one."""
        return at(self.day, "13:00") if self.noon_ms <= at_ms < at(self.day, "13:00") else at_ms

    def _record(self, charge: Charge, from_ms: int, until_ms: int) -> None:
        """What the nurse's list has of an item that no meter sees; one card in eight is forgotten."""
        if charge.item in (TDP, STIM) or self.chance.random() < 0.12:
            return
        taken_ms = (BY_HAND[charge.item] + STAYS.get(charge.item, 0)) * MINUTE
        began_ms = until_ms - taken_ms - round(self.chance.uniform(0, 60)) * SECOND
        self.month.recorded.append(Recorded(charge, began_ms, until_ms, charge.staff))

    # --- what befalls -------------------------------------------------------------------------------------------

    def _lamps_left_on(self) -> None:
        """Between patients, so that it stays warm; now and then over lunch or into the evening."""
        for burn in self.month.burns[self.today :]:
            luck = self.chance.random()
            if luck < 0.12:
                kept_ms = round(self.chance.uniform(1, 9) * MINUTE)
                self.month.burns.append(Burn(burn.device, burn.until_ms, burn.until_ms + kept_ms))
            elif luck < 0.124:
                kept_ms = round(self.chance.uniform(25, 70) * MINUTE)
                self.month.burns.append(Burn(burn.device, burn.until_ms, burn.until_ms + kept_ms))

    def _power_cut(self, day: date) -> None:
        """Twenty minutes without mains in mid-morning: who lay under a lamp stays, and gets the rest afterwards."""
        begins_ms = at(day, self.chance.uniform(560, 620))
        ends_ms = begins_ms + round(self.chance.uniform(12, 25) * MINUTE)
        for device in (*LAMPS, *BOXES):
            self.month.without_mains.setdefault(device, []).append((begins_ms, ends_ms))
        later_ms = ends_ms - begins_ms
        for position in range(self.today, len(self.month.burns)):
            burn = self.month.burns[position]
            if burn.until_ms > begins_ms:
                from_ms = burn.from_ms + (later_ms if burn.from_ms >= begins_ms else 0)
                self.month.burns[position] = Burn(burn.device, from_ms, burn.until_ms + later_ms)

    def _breakdowns(self) -> None:
        """A unit without power of its own for a day, a meter that falls silent, clocks that run fast and slow."""
        month, chance = self.month, self.chance
        for device, hours in (
            (chance.choice(LAMPS), 20),
            (chance.choice(BOXES), 4),
            (chance.choice(LAMPS), 3),
        ):
            begins_ms = at(chance.choice(month.days[1:-1]), chance.uniform(500, 900))
            month.without_mains.setdefault(device, []).append((begins_ms, begins_ms + hours * 3600 * SECOND))
        for device in chance.sample(LAMPS, 2):
            begins_ms = at(chance.choice(month.days), chance.uniform(500, 900))
            month.silent.setdefault(device, []).append((begins_ms, begins_ms + 45 * MINUTE))
        for device in (*LAMPS, *BOXES):
            month.drift_ppm[device] = chance.choice((-180, -40, -15, 5, 20, 60, 250))
