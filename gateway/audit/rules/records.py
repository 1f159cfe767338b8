"""What units' own records give to ask: chain, load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from gateway.audit.coverage import Seen
from gateway.audit.facts import Facts
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
        found: dict[tuple[date, str], list[tuple[Session, Seen]]] = defaultdict(list)
        for session, measured in _outside(facts, settled.load, envelope, rule) if envelope else ():
            day = facts.day_in_period(session.start_ms)
            if day:
                found[day, session.device].append((session, measured))
        for (day, device), outside in found.items():
            sessions = [session for session, _ in outside]
            rows = [seen(session) | _power(session, measured) for session, measured in outside]
            watts = ", ".join(f"{measured.power_mw[1] / 1000:.1f}" for _, measured in outside)
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


def _outside(facts: Facts, load: str, envelope: list[int], rule: Figures) -> Iterator[tuple[Session, Seen]]:
    """Energy may be lower than the least power makes in the active seconds: a thermostat's pauses count as active."""
    slack = 1 + rule["slack_percent"] / 100
    least_mw, most_mw = envelope[0] / slack, envelope[1] * slack
    least_by_register, least_s = envelope[0] * rule["register_share"], rule["least_s"]
    for session in facts.metered[load]:
        measured = facts.measured[session.unit][session.us]
        if session.active_s >= least_s:
            by_register = _mean_mw(session, measured)
            if not least_mw <= measured.power_mw[1] <= most_mw or (
                by_register is not None and not least_by_register <= by_register <= most_mw
            ):
                yield session, measured


def _mean_mw(session: Session, measured: Seen) -> float | None:
    if not measured.energy_mwh or not session.active_s:
        return None
    return measured.energy_mwh * S_PER_H / session.active_s


def _power(session: Session, measured: Seen) -> dict[str, object]:
    """Least, mean and most power by the readings, and the mean by the register, in milliwatts."""
    by_register = _mean_mw(session, measured)
    return {
        "power_mw": list(measured.power_mw),
        "energy_mwh": measured.energy_mwh,
        "register_mw": None if by_register is None else round(by_register),
    }
