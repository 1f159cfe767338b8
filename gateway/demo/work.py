"""The day's work as happenings: what the counter charges and asks, what the nurse records, what is scanned at a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from gateway.demo.happening import Happening, nothing
from gateway.demo.people import Counter, Nurse
from gateway.demo.plan import LIVE_UNTIL, SHORT_NAMES, ByHand, Day, at

_EVERY = timedelta(minutes=30)
ASKED_AT = at("10:20")


class Work:
    """Everybody at work on a planned day; `now` is what the accelerated clock shows."""

    def __init__(self, day: Day, counter: Counter, nurse: Nurse, now: Callable[[], datetime]):
        self._day, self._counter, self._nurse, self._now = day, counter, nurse, now

    def happenings(self) -> Iterator[Happening]:
        """All of it, by and by."""
        yield from self._charging()
        for visit in self._day.tokens:
            charged = next(each.charged for each in self._day.charges if each.visit == visit)
            yield Happening(charged, partial(self._nurse.give, visit))
        for treatment in self._day.by_hand:
            yield self._undone(treatment) if not treatment.minutes else self._begun(treatment)
        yield Happening(ASKED_AT, self._ask)

    # --- the counter --------------------------------------------------------------------------------------------------

    def _charging(self) -> Iterator[Happening]:
        """The HIS sends every half hour what was charged since."""
        since, until = at("00:00"), at("08:30")
        while until <= at(LIVE_UNTIL):
            charges = [each for each in self._day.charges if since < each.charged <= until]
            if charges:
                yield Happening(until, partial(self._counter.charge, charges))
            since, until = until, until + _EVERY

    def _ask(self) -> list[Happening]:
        """A second charge to somebody who was charged the same this morning: it is warned of, and not made."""
        before = self._day.charges[0]
        return [
            Happening(
                ASKED_AT,
                nothing,
                f"HIS 收费前询问，得到提醒：{reason['zh']}；于是没有再收",
                f"the HIS asks before charging and is warned: {reason['en']}; so it does not charge",
            )
            for reason in self._counter.ask(before)
        ]

    # --- the nurse ----------------------------------------------------------------------------------------------------

    def _begun(self, treatment: ByHand) -> Happening:
        def begin() -> list[Happening]:
            entry = self._nurse.begin(treatment)
            # the machine may be slow: a treatment lasts as long as it does, from when it really began
            over = self._now() + timedelta(minutes=treatment.minutes)
            return [Happening(over, lambda: self._nurse.end(treatment, entry))]

        return Happening(treatment.begins, begin)

    def _undone(self, treatment: ByHand) -> Happening:
        zh, en = SHORT_NAMES[treatment.charge.item]
        is_refunded = treatment.charge.visit in self._day.refunded
        then_zh, then_en = ("当天退费", "refunded today") if is_refunded else ("没有退费", "not refunded")
        return Happening(
            treatment.begins,
            partial(self._nurse.undone, treatment),
            f"护士登记：{zh}未做待退（{treatment.why[0]}），{then_zh}",
            f"the nurse records: {en} not done ({treatment.why[1]}), {then_en}",
        )
