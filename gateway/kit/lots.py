"""What can be drawn, as the ledger has it, and the seed: made or given, and kept in the trail before anything is drawn.

Whoever tries seeds until one suits leaves each of them in the trail, with the hash of what could have been drawn.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlite_utils import Database

from gateway.audit.draw import Candidate, Drawn, draw, fingerprint, seed
from gateway.audit.hours import Hours, days
from gateway.ledger import bills, kept_runs, trail, units
from gateway.ledger import days as ledger_days
from gateway.ledger.bills import BillLine, Teller
from gateway.ledger.database import transaction
from gateway.ledger.trail import Entry

ACT = "draw_seed"


@dataclass(frozen=True, slots=True)
class Lot:
    """What is drawn from. `kind` is the second text of a rank: a source for bill lines, else clinics, units or inspectors;
    `about` goes into the trail and says which lines; `lines` are those by name, where lines are drawn."""

    subject: str
    kind: str
    candidates: Sequence[Candidate]
    about: Mapping[str, str]
    lines: Mapping[str, BillLine]

    @property
    def population(self) -> dict[str, object]:
        """How many can be drawn, and the SHA-256 of their names."""
        names = {each.name for each in self.candidates}
        return {"count": len(names), "sha256": fingerprint(names)}


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn of a lot by a seed, and the entry of the trail in which the seed stands."""

    lot: Lot
    seed: str
    n: int
    entry: Entry
    drawn: Sequence[Drawn]


def of_lines(db: Database, hours: Hours, teller: Teller, first: date, last: date, per: str | None) -> Lot:
    """The lines of a source charged from `first` to `last` that are in force and items of the catalogue."""
    span = hours.calendar_day(first)[0], hours.calendar_day(last)[1]
    lines = {
        each.line: each
        for each in bills.lines_charged(db, teller, *span)
        if each.item is not None and each.reversed_by is None
    }
    said = _verdicts(db, teller, first, last) if per == "verdict" else {}
    told = [Candidate(each.line, _stratum(each, per, said)) for each in lines.values()]
    about = {"clinic": teller.clinic, "from": first.isoformat(), "to": last.isoformat()}
    return Lot(f"draw:{teller.clinic}", teller.source, told, about, lines)


def of_units(db: Database, clinic: str) -> Lot:
    """The units of a clinic that are in use."""
    known = units.units(db).values()
    told = [Candidate(each.unit) for each in known if each.clinic == clinic and each.retired_ms is None]
    return Lot(f"draw:{clinic}", "units", told, {"clinic": clinic}, {})


def of_names(subject: str, kind: str, names: Sequence[str]) -> Lot:
    """Clinics or inspectors by name."""
    return Lot(subject, kind, [Candidate(each) for each in sorted(set(names))], {}, {})


def draw_lot(
    db: Database, lot: Lot, n: int, given: str | None, per: str | None, by: str, now_ms: int
) -> Draw:
    """Keeps the seed in the trail, durable, and only then draws. A seed that stands there already for the very same lot is
    not noted again."""
    chosen = os.urandom(16).hex() if given is None else seed(given)
    body = {
        "seed": chosen, "given": given is not None, "kind": lot.kind, "n": n, "per": per or "",
        "population": lot.population, **lot.about,
    }  # fmt: skip
    entry = _noted(db, lot.subject, body)
    if entry is None:
        with transaction(db):
            trail.note(db, now_ms, by, ACT, lot.subject, body)
        entry = _noted(db, lot.subject, body)
        assert entry is not None
    return Draw(lot, chosen, n, entry, draw(chosen, lot.kind, lot.candidates, n))


def _noted(db: Database, subject: str, body: dict[str, object]) -> Entry | None:
    """The first entry that holds this seed for this lot, made or given."""
    same = {name: value for name, value in body.items() if name != "given"}
    for each in trail.entries(db, subject=subject):
        if each.act == ACT and {name: value for name, value in each.body.items() if name != "given"} == same:
            return each
    return None


def _stratum(line: BillLine, per: str | None, said: Mapping[str, str]) -> str:
    if per == "item":
        return str(line.item)
    return line.room if per == "room" else said.get(line.line, "-") if per == "verdict" else ""


def _verdicts(db: Database, teller: Teller, first: date, last: date) -> dict[str, str]:
    """Line -> what the newest reconciliation of its day said of its treatments, each word once: `short+supported`; `among`
    of a line of a larger set, of which only that may be said."""
    runs = [
        each
        for each in kept_runs.newest_runs(db)
        if (each.clinic, each.source) == (teller.clinic, teller.source)
    ]
    words: dict[str, set[str]] = defaultdict(set)
    members: set[str] = set()
    for day in (each.isoformat() for each in days(first, last)):
        covering = [each.run for each in runs if each.from_day <= day <= each.to_day]
        if covering:
            run = max(covering)
            for row in ledger_days.verdicts(db, run, day):
                words[row["line"]].add(row["code"])
            members.update(
                line for row in ledger_days.doubted(db, run) for line in json.loads(row["body"])["among"]
            )
    return {line: "among" if line in members else "+".join(sorted(codes)) for line, codes in words.items()}
