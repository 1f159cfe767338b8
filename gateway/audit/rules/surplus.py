"""Device time that nobody can be shown to have used: unbilled, overlong, long_burn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from gateway.audit.facts import Facts, Settled
from gateway.audit.match import Treatment
from gateway.audit.rules import ordinary
from gateway.audit.rules.found import (
    Figures,
    Found,
    least_fen,
    place,
    seen,
)
from gateway.audit.supplies import ATTENDED, Session
from gateway.audit.verdicts import Remainder


def unbilled(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Device time for whole treatments that no charge asks for; one lead for each device and day.

    The stations of a device burn together: its time counts once, and only where no station of it was billed.
    """
    for settled in facts.settled:
        left: dict[tuple[date, str], list[Remainder]] = defaultdict(list)
        for remainder in settled.judgement.unused:
            day = facts.day_in_period(remainder.session.start_ms)
            if day and remainder.station == 0 and remainder.session.unit != ATTENDED:
                left[day, remainder.session.device].append(remainder)
        required_s = settled.case.required_s
        for (day, device), remainders in left.items():
            carried = sum(each.left_s // required_s for each in remainders)
            if carried >= rule["least_treatments"]:
                yield Found(
                    identity=(day, device),
                    day=day,
                    item=settled.item,
                    capacity=carried,
                    supplies={each.session.key for each in remainders},
                    said=place(facts.devices[device]) | {"seconds": sum(each.left_s for each in remainders)},
                    parameters={"required_s": required_s},
                    witness=[
                        seen(each.session) | {"used": each.used, "left_s": each.left_s} for each in remainders
                    ],
                )


def overlong(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Sessions far longer than the longest treatment of their class; one lead for each device and day."""
    for settled in facts.settled:
        limit_s = max(rule["times"] * ordinary.longest_s(facts, settled), rule["least_s"])
        found: dict[tuple[date, str], list[Session]] = defaultdict(list)
        for session in facts.metered[settled.load]:
            day = facts.day_in_period(session.start_ms) if session.active_s > limit_s else None
            if day:
                found[day, session.device].append(session)
        for (day, device), sessions in found.items():
            longest = max(sessions, key=lambda each: each.active_s)
            spoken = {
                "minutes": longest.active_s // 60,
                "from": f"{facts.hours.local(longest.start_ms):%H:%M}",
                "until": f"{facts.hours.local(longest.end_ms):%H:%M}",
                "longest": ordinary.longest_s(facts, settled) // 60,
            }
            yield Found(
                identity=(day, device),
                day=day,
                item=settled.item,
                supplies={each.key for each in sessions},
                said=place(facts.devices[device]) | spoken,
                parameters={"longer_than_s": limit_s},
                witness=[seen(each) for each in sessions],
            )


def long_burn(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Of the supported treatments of a day, so many can only rest on what sessions burned beyond an ordinary length: all else
    carries fewer than were charged. One lead for each class and day; the count is a lower bound."""
    for settled in facts.settled:
        longer_than_s = ordinary.long_s(facts, settled, rule)
        if all(each.active_s <= longer_than_s for each in facts.metered[settled.load]):
            continue
        ran = ordinary.sessions_by_day(facts, settled, longer_than_s)
        for day, treatments in _supported(facts, settled).items():
            burnt = len(treatments) - ran[day].ordinary - ran[day].within
            enough = max(rule["least_treatments"], rule["least_share"] * len(treatments))
            if ran[day].long and burnt >= enough:
                yield _burnt(facts, settled, day, treatments, ran[day], longer_than_s)


def _burnt(
    facts: Facts,
    settled: Settled,
    day: date,
    treatments: list[Treatment],
    ran: ordinary.Day,
    longer_than_s: int,
) -> Found:
    there = ran.ordinary + ran.within
    burnt = len(treatments) - there
    return Found(
        identity=(facts.hours.config.clinic, settled.load, day),
        day=day,
        item=settled.item,
        treatments=len(treatments),
        capacity=there,
        lines=facts.with_doubt(each.line for each in treatments),
        supplies={each.key for each in ran.long},
        amount_fen=least_fen(treatments, burnt),
        said={"burnt": burnt, "sessions": len(ran.long), "minutes": longer_than_s // 60},
        parameters={"required_s": settled.case.required_s, "longer_than_s": longer_than_s},
        witness=[seen(each) for each in ran.long],
    )


def _supported(facts: Facts, settled: Settled) -> dict[date, list[Treatment]]:
    """The supported treatments that can only have been done on their day."""
    supported = {
        (each.line, each.index)
        for each in settled.judgement.verdicts
        if each.code == "supported" and each.grade != "C"
    }
    found: dict[date, list[Treatment]] = defaultdict(list)
    for each in settled.case.treatments:
        day = facts.day_alone(each) if (each.line, each.index) in supported else None
        if day:
            found[day].append(each)
    return found
