"""What a change would do to verdicts that were kept, before it is made: each kept run is judged as things are, and once
more with the change, which is rolled back. What was kept is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from sqlite_utils import Database

from gateway.audit import judged
from gateway.audit.figures import Chosen, default_rules
from gateway.audit.reconcile import Reconciliation
from gateway.config import Config
from gateway.ledger import kept_runs
from gateway.ledger.database import rehearsal
from gateway.ledger.kept_runs import Run

ConfigOf = Callable[[str], Config]
"""The configuration of a clinic."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A treatment of a kept run of which another thing would be said; `was` or `becomes` None where it is not judged."""

    run: Run
    line: str
    index: int
    item: int
    was: str | None
    becomes: str | None


def rehearse(
    db: Database,
    act: Callable[[Database], object],
    config_of: ConfigOf,
    now_ms: int,
    concerned: Callable[[Run], bool] = lambda run: True,
) -> list[Changed]:
    """The treatments of the newest runs of which another thing would be said after `act`, which opens no transaction of
    its own. Runs that are not `concerned` are passed over."""
    return [
        each
        for run, before, after in compared(db, act, config_of, now_ms, concerned)
        for each in changed(run, before, after)
    ]


def compared(
    db: Database,
    act: Callable[[Database], object],
    config_of: ConfigOf,
    now_ms: int,
    concerned: Callable[[Run], bool] = lambda run: True,
    chosen: Chosen | None = None,
) -> Iterator[tuple[Run, Reconciliation, Reconciliation]]:
    """Each newest run that is concerned, as it would be judged now, and as after `act`; by the `chosen` rules of leads."""
    for run in kept_runs.newest_runs(db):
        if concerned(run):
            yield run, *_both(db, act, run, config_of(run.clinic), now_ms, chosen)


def _both(
    db: Database,
    act: Callable[[Database], object],
    run: Run,
    config: Config,
    now_ms: int,
    chosen: Chosen | None,
) -> tuple[Reconciliation, Reconciliation]:
    days = date.fromisoformat(run.from_day), date.fromisoformat(run.to_day)
    asked = (chosen or Chosen(default_rules()), *days, run.source, now_ms)
    before = judged.judge(db, config, *asked).found
    with rehearsal(db):
        act(db)
        after = judged.judge(db, config, *asked).found
    return before, after


def changed(run: Run, before: Reconciliation, after: Reconciliation) -> Iterable[Changed]:
    """The treatments of which the two say different things."""
    was, becomes = _codes(before), _codes(after)
    for line, index in sorted(was.keys() | becomes.keys()):
        one, other = was.get((line, index)), becomes.get((line, index))
        if one != other:
            told = other or one
            item = told[0] if told else 0
            yield Changed(run, line, index, item, one[1] if one else None, other[1] if other else None)


def _codes(found: Reconciliation) -> dict[tuple[str, int], tuple[int, str]]:
    return {(each.line, each.index): (each.item, each.code) for each, _ in found.verdicts}
