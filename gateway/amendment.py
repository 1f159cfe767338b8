"""A wrong fact is put right: what it changes is shown before it is done, and then it is done by two persons.

The kept periods concerned are judged once as things are and once as they would be; nothing of that is stored, and no
verdict that was kept is touched: whoever wants the new ones reconciles or closes again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway import rehearse
from gateway.audit.figures import Chosen
from gateway.audit.leads import Lead
from gateway.ledger import kept_runs, trail
from gateway.ledger.database import transaction
from gateway.ledger.kept_runs import Run
from gateway.persons import two_persons
from gateway.rehearse import Changed, ConfigOf

Act = Callable[[Database], str]
"""Does it, inside the caller's transaction; returns the device concerned."""


@dataclass(slots=True)
class Effect:
    """What an amendment changes: treatments of which another thing would be said, leads that would come or go."""

    verdicts: list[Changed] = field(default_factory=list)
    new: dict[str, Lead] = field(default_factory=dict)
    gone: dict[str, Lead] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.verdicts or self.new or self.gone)

    def document(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "verdicts": [
                {
                    "line": each.line,
                    "index": each.index,
                    "item": each.item,
                    "was": each.was,
                    "becomes": each.becomes,
                }
                for each in self.verdicts
            ],
            "leads": {
                "new": [_told(each) for each in self.new.values()],
                "gone": [_told(each) for each in self.gone.values()],
            },
        }


def _told(lead: Lead) -> dict[str, str]:
    return {"id": lead.name, "rule": lead.rule, "day": lead.day.isoformat(), "zh": lead.zh, "en": lead.en}


def concerned(clinic: str, from_day: date) -> Callable[[Run], bool]:
    """Which kept runs a change of this clinic from that day on can touch: a course that was charged later looks back no
    further than its charge."""
    return lambda run: run.clinic == clinic and run.to_day >= from_day.isoformat()


def is_back_dated(db: Database, clinic: str, from_day: date) -> bool:
    """Whether the change touches days that were reconciled already."""
    return any(map(concerned(clinic, from_day), kept_runs.newest_runs(db)))


def effect(
    db: Database,
    act: Act,
    config_of: ConfigOf,
    clinic: str,
    from_day: date,
    now_ms: int,
    chosen: Chosen | None = None,
) -> Effect:
    """What the act would change, found by doing it and taking it back. Whatever refuses the act refuses it here. `chosen`
    are the rules of leads, by default those shipped."""
    found, seen = Effect(), set()
    for run, before, after in rehearse.compared(
        db, act, config_of, now_ms, concerned(clinic, from_day), chosen
    ):
        for each in rehearse.changed(run, before, after):
            if (each.line, each.index, each.was, each.becomes) not in seen:
                seen.add((each.line, each.index, each.was, each.becomes))
                found.verdicts.append(each)
        was, becomes = ({lead.name: lead for lead in judged.leads} for judged in (before, after))
        found.new |= {name: becomes[name] for name in becomes.keys() - was.keys()}
        found.gone |= {name: was[name] for name in was.keys() - becomes.keys()}
    return found


def do(db: Database, act: Act, what: str, people: tuple[str, str], changes: Effect, now_ms: int) -> str:
    """Does it, and notes in the trail who did and what it changed, at once or not at all; the device concerned."""
    by, second = two_persons(*people)
    with transaction(db):
        device = act(db)
        body = {
            "what": what,
            "and": second,
            "verdicts": len(changes.verdicts),
            "leads": {"new": sorted(changes.new), "gone": sorted(changes.gone)},
        }
        trail.note(db, now_ms, by, "amend", f"device:{device}", body)
    return device
