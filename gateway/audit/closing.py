"""Closing a day (日对账): what it rested on is frozen by hash, and so is what was said of it.

What comes late does not change a closing. It shows, and closing the day again gives it a new number that says what
changed; the old one stays. Pure but for reading and writing through the ledger inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway.audit import judged as judging
from gateway.audit.hours import Hours
from gateway.audit.judged import Judged
from gateway.audit.reconcile import Period
from gateway.audit.spans import Span
from gateway.config import Config
from gateway.errors import UsageError
from gateway.ledger import closings, trail
from gateway.ledger.bills import Teller
from gateway.ledger.closings import Closing
from gateway.ledger.reviews import ACROSS_DAYS
from gateway.persons import person

Json = dict[str, Any]
INPUTS = ("bills", "records", "attended", "inventory", "coverage", "findings", "catalogue", "rules", "hours")


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing a day came to: the closing that stands now, and whether it is a new one."""

    closing: Closing
    new: bool

    @property
    def reopened(self) -> bool:
        """Whether something came late, so that the day had to be closed anew."""
        return self.new and self.closing.number > 1


def may_close(config: Config, day: date, now_ms: int) -> None:
    """UsageError for a day whose opening hours are not over, or on a closed day itself."""
    hours = Hours(config)
    opening = hours.opening(day)
    over_ms = opening[-1][1] if opening else hours.calendar_day(day)[1]
    if now_ms < over_ms:
        at = hours.local(over_ms)
        raise UsageError(
            f"{day} 还没有结束：{at:%m-%d %H:%M} 之后再关账",
            f"{day} is not over: close it after {at:%m-%d %H:%M}",
        )


def close(db: Database, judged: Judged, by: str) -> Closed:
    """Closes the only day of `judged`, unless it is closed with the same inputs; inside the caller's transaction."""
    who, period = person(by), judged.period
    day = period.from_day.isoformat()
    before = closings.newest(db, judged.teller, day, day).get(day)
    told = inputs(db, judged)
    if before is not None and before.body["inputs"] == told:
        return Closed(before, False)
    run = judging.keep(db, judged)
    body = {
        "inputs": told,
        "summary": judged.summary,
        "run_sha256": closings.run_sha256(db, run),
        "leads": sorted(each.name for each in judged.found.leads),
        "changed": None if before is None else _changed(db, before, told, judged),
        "before": None if before is None else before.sha256,
        "trail": asdict(trail.head(db)),
    }
    number = 1 if before is None else before.number + 1
    closing = closings.add(db, judged.teller, day, number, run, period.now_ms, who, body)
    _note(db, closing, f"day:{day}")
    return Closed(closing, True)


def _note(db: Database, closing: Closing, subject: str) -> None:
    note = {name: getattr(closing, name) for name in ("clinic", "source", "number", "run", "sha256")}
    trail.note(db, closing.at_ms, closing.by, "close", subject, note)


def change(db: Database, judged: Judged) -> tuple[Closing | None, Json | None]:
    """The closing of the only day of `judged` that stands, and what has changed since; None where nothing has."""
    day = judged.period.from_day.isoformat()
    before, told = closings.newest(db, judged.teller, day, day).get(day), inputs(db, judged)
    same = before is None or before.body["inputs"] == told
    return before, None if same or before is None else _changed(db, before, told, judged)


def month_closed(db: Database, days: Mapping[str, Closing], month: str) -> Closing | None:
    """The last closing of the month, if it is over these very closings of its days."""
    before = closings.newest(db, _teller(days), month, month).get(month)
    return before if before is not None and before.body["days"] == _told(days) else None


def close_month(
    db: Database, days: Mapping[str, Closing], judged: Judged, figures: Json, run: int, by: str
) -> Closing:
    """Closes the month of `judged` over the closings of its days, inside the caller's transaction. `run` is that of the
    whole month, which finds what only many days together lead to."""
    who, teller, told, at_ms = person(by), _teller(days), _told(days), judged.period.now_ms
    month = f"{judged.period.from_day:%Y-%m}"
    before = closings.newest(db, teller, month, month).get(month)
    since = [] if before is None else [day for day in told if told[day] != before.body["days"].get(day)]
    body = {
        "days": told,
        "figures": figures,
        "run_sha256": closings.run_sha256(db, run),
        "leads": sorted(each.name for each in judged.found.leads),
        "changed": None if before is None else {"days": since},
        "before": None if before is None else before.sha256,
        "trail": asdict(trail.head(db)),
    }
    number = 1 if before is None else before.number + 1
    closing = closings.add(db, teller, month, number, run, at_ms, who, body)
    _note(db, closing, f"month:{month}")
    return closing


def _teller(days: Mapping[str, Closing]) -> Teller:
    first = next(iter(days.values()))
    return Teller(first.clinic, first.source)


def _told(days: Mapping[str, Closing]) -> Json:
    return {day: {"number": each.number, "sha256": each.sha256} for day, each in days.items()}


# --- inputs -------------------------------------------------------------------------------------------------------


def inputs(db: Database, judged: Judged) -> Json:
    """All that the day's verdicts rest on, by hash; with it what is needed to say later what has changed."""
    period = judged.period
    rows = {
        row["device"]: [row["open_s"], row["watched_s"], _sha256(row["dark"])[:16]] for row in judged.coverage
    }
    setting = period.hours.config
    entries = {str(each.entry): _sha256(each.told())[:16] for each in period.entries}
    return {
        "bills": {line.line: _sha256(_bill(asdict(line)))[:16] for line in period.lines},
        "records": _records(db, period, judged.teller.clinic),
        "attended": entries | {tag: visit for tag, visit in sorted(period.visits.items())},
        "inventory": {
            **{device.device: _sha256(asdict(device))[:16] for device in period.devices},
            **{f"{each.unit}@{each.from_ms}": _sha256(asdict(each))[:16] for each in period.placements},
            **{f"grade {unit}": grade for unit, grade in sorted(period.grades.items())},
        },
        "coverage": rows,
        "findings": sorted({f"{each.code}:{each.unit}:{each.us or ''}" for each in period.findings}),
        "catalogue": _sha256([_plain(asdict(each)) for each in period.items.between(*_days(period))]),
        "rules": judged.chosen.sha256 or _sha256(judged.chosen.rules),
        "hours": [
            setting.opens,
            setting.closes,
            setting.timezone,
            period.from_day in setting.closed,
            period.tolerance_s,
        ],
    }


def _bill(line: Json) -> Json:
    """A line without its place in the file that told it last."""
    del line["row"]
    return line


def _plain(told: Json) -> Json:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in told.items()}


def _days(period: Period) -> tuple[date, date]:
    """The first and last day on which a line of the period was charged, the day itself included."""
    charged = [period.hours.day_of(each.charged_ms) for each in period.lines]
    return min([*charged, period.from_day]), max([*charged, period.to_day])


def _records(db: Database, period: Period, clinic: str) -> Json:
    """Per unit the range, number and hash of the records that could bear witness: those of opening hours, and every
    session. What a unit says at night changes nothing, and reopens nothing."""
    whole = period.hours.calendar_day(period.from_day)
    windows = period.windows.reach(period.lines)
    first_ms, until_ms = (min(whole[0], windows[0]), max(whole[1], windows[1])) if windows else whole
    opening = [
        span for day in _local_days(period, (first_ms, until_ms)) for span in period.hours.opening(day)
    ]
    by_unit: dict[str, list[tuple[int, str]]] = {}
    for unit, us, digest, kind, at_ms in closings.digests(db, clinic, first_ms, until_ms):
        if kind == "SESSION" or any(start <= at_ms < end for start, end in opening):
            by_unit.setdefault(unit, []).append((us, digest))
    return {unit: _range(records) for unit, records in by_unit.items()}


def _local_days(period: Period, span: Span) -> Iterable[date]:
    first, last = period.hours.day_of(span[0]), period.hours.day_of(span[1] - 1)
    return (date.fromordinal(each) for each in range(first.toordinal(), last.toordinal() + 1))


def _range(records: list[tuple[int, str]]) -> Json:
    digests = "\n".join(digest for _, digest in records)
    numbers = {"first": records[0][0], "last": records[-1][0], "count": len(records)}
    return numbers | {"sha256": hashlib.sha256(digests.encode()).hexdigest()}


def _sha256(value: object) -> str:
    return hashlib.sha256(trail.canonical(value).encode()).hexdigest()


# --- what changed -------------------------------------------------------------------------------------------------


def _changed(db: Database, before: Closing, told: Json, judged: Judged) -> Json:
    """What differs from the closing before: inputs by name, verdicts by treatment, leads by name."""
    found, closed = judged.found, judged.period.from_day
    day = closed.isoformat()
    was = closings.verdicts(db, before.run or 0, day)
    now = {(each.line, each.index): each.code for each, _ in found.verdicts}
    leads = {each.name for each in found.leads if each.day == closed and each.rule not in ACROSS_DAYS}
    had = closings.leads(db, before.run or 0, day)
    return {
        "inputs": {name: _difference(before.body["inputs"][name], told[name]) for name in INPUTS
                   if before.body["inputs"][name] != told[name]},
        "verdicts": [
            {"line": line, "index": index, "was": was.get((line, index)), "becomes": now.get((line, index))}
            for line, index in sorted(was.keys() | now.keys())
            if was.get((line, index)) != now.get((line, index))
        ],
        "leads": {"new": sorted(leads - had), "gone": sorted(had - leads)},
    }  # fmt: skip


def _difference(was: Any, now: Any) -> Json:
    """How many things of a kind are new, gone or other than they were."""
    if isinstance(was, list) and isinstance(now, list):
        was, now = Counter(map(str, was)), Counter(map(str, now))
    if not isinstance(was, dict) or not isinstance(now, dict):
        return {"new": 0, "gone": 0, "other": 1}
    both = was.keys() & now.keys()
    return {
        "new": len(now.keys() - both),
        "gone": len(was.keys() - both),
        "other": sum(was[name] != now[name] for name in both),
    }
