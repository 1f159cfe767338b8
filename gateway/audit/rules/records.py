"""What units' own records give to ask: chain, load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from gateway.audit.facts import Facts, Measured
from gateway.audit.rules.found import Figures, Found, item_of, place, seen
from gateway.audit.supplies import Session

S_PER_H = 3600


def chain(facts: Facts, rule: Figures) -> Iterator[Found]:
    """What was found of a unit's records: gaps, forks, refused seals, clocks that jumped; the same once a record."""
    loads = {each.unit: each.device.load for each in facts.coverage}
    named = {(each.code, each.unit, each.us): each for each in reversed(facts.findings)}
    for identity, finding in named.items():
        yield Found(
            identity=identity,
            day=facts.day_of(finding.at_ms),
            item=item_of(facts, loads.get(finding.unit)),
            supplies=() if finding.us is None else (f"{finding.unit}:{finding.us}",),
            said={"unit": finding.unit or "?", "why_zh": finding.zh, "why_en": finding.en},
            witness=[
                {"code": finding.code, "unit": finding.unit, "us": finding.us, "found_ms": finding.at_ms}
            ],
        )


def load(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Sessions whose mean power, or whose energy over their active seconds, lies outside the envelope of their class's load:
    another appliance on the plug, or a lamp of another kind. One lead for each device and day."""
    for settled in facts.settled:
        envelope = rule["envelope_mw"].get(settled.load)
        found: dict[tuple[date, str], list[Session]] = defaultdict(list)
        for session in facts.metered[settled.load] if envelope else ():
            measured, day = facts.measured.get(session.key), facts.day_in_period(session.start_ms)
            if measured and day and _is_outside(session, measured, envelope, rule):
                found[day, session.device].append(session)
        for (day, device), sessions in found.items():
            rows = [seen(each) | _power(each, facts.measured[each.key]) for each in sessions]
            watts = ", ".join(f"{facts.measured[each.key].power_mw[1] / 1000:.1f}" for each in sessions)
            yield Found(
                identity=(day, device),
                day=day,
                item=settled.item,
                capacity=sum(each.active_s // settled.case.required_s * each.stations for each in sessions),
                supplies={each.key for each in sessions},
                said=place(facts.devices[device])
                | {"sessions": len(sessions), "watts": watts}
                | {"least": f"{envelope[0] / 1000:g}", "most": f"{envelope[1] / 1000:g}"},
                parameters={"envelope_mw": envelope},
                witness=rows,
            )


def _is_outside(session: Session, measured: Measured, envelope: list[int], rule: Figures) -> bool:
    """Energy may be lower than the least power makes in the active seconds: a thermostat's pauses count as active."""
    if session.active_s < rule["least_s"]:
        return False
    least_mw, most_mw = envelope
    slack = 1 + rule["slack_percent"] / 100
    if not least_mw / slack <= measured.power_mw[1] <= most_mw * slack:
        return True
    by_register = _mean_mw(session, measured)
    return by_register is not None and not least_mw * rule["register_share"] <= by_register <= most_mw * slack


def _mean_mw(session: Session, measured: Measured) -> float | None:
    if not measured.energy_mwh or not session.active_s:
        return None
    return measured.energy_mwh * S_PER_H / session.active_s


def _power(session: Session, measured: Measured) -> dict[str, object]:
    """Least, mean and most power by the readings, and the mean by the register, in milliwatts."""
    by_register = _mean_mw(session, measured)
    return {
        "power_mw": list(measured.power_mw),
        "energy_mwh": measured.energy_mwh,
        "register_mw": None if by_register is None else round(by_register),
    }
