"""What was said that rests on a record: verdicts and leads. Of a line that is one of a set, only the set is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from gateway.ledger import evidence_of
from gateway.ledger.evidence_of import Row
from gateway.pages.view import in_order


@dataclass(frozen=True, slots=True)
class Doubt:
    """Lines that share their doubt, as a run found them: how many treatments among them are in doubt (`counts`), and the
    seconds that were there for those of them that were short."""

    source: str
    lines: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    short_s: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a treatment of a line that stands alone."""

    source: str
    line: str
    index: int
    item: int
    day: str
    code: str


@dataclass(frozen=True, slots=True)
class Resting:
    """What rests on a record. `leads` are (name, rule, day)."""

    verdicts: list[Verdict]
    doubts: list[Doubt]
    leads: list[tuple[str, str, str]]


def doubts(source: str, rows: Iterable[Row]) -> list[Doubt]:
    """The sets that these verdicts (`code`, `body`) name, each once."""
    told: dict[tuple[str, ...], list[tuple[str, int | None]]] = {}
    for row in rows:
        said = json.loads(row["body"])
        told.setdefault(tuple(sorted(said["among"])), []).append((row["code"], said.get("active_s")))
    return [
        Doubt(
            source,
            lines,
            tuple(in_order(Counter(code for code, _ in each).elements())),
            tuple(sorted(seconds for code, seconds in each if code == "short" and seconds is not None)),
        )
        for lines, each in sorted(told.items())
    ]


def resting(db: Database, clinic: str, record: str, days: tuple[str, str]) -> Resting:
    """All that the newest runs over treatments charged on these days (first, last) rest on it."""
    alone: list[Verdict] = []
    shared: dict[tuple[str, ...], Doubt] = {}
    for row in evidence_of.resting(db, clinic, record, *days):
        source, line = row["source"], row["line"]
        sets = doubts(source, evidence_of.sets(db, row["run"], source, line))
        shared |= {each.lines: each for each in sets}
        if not sets:
            alone.append(Verdict(source, line, row["index"], row["item"], row["day"], row["code"]))
    leads = evidence_of.leads_resting(db, clinic, record, *days)
    return Resting(alone, list(shared.values()), [(row["lead"], row["rule"], row["day"]) for row in leads])
