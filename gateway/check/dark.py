"""When devices were not watched in opening hours, told anew for `check` from what units attest and where they were placed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from gateway.check.faults import Fault
from gateway.check.reread import Chains, Holdings
from gateway.check.said import Json, Run, ms
from gateway.check.watched import Span, joined, watched, within, without

_POST = re.compile(r"post([1-9][0-9]*)?")
_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Hours:
    """When a clinic is open: minutes after local midnight, on all days but those `closed` (ISO), in `zone`."""

    zone: tzinfo
    opens: int
    closes: int
    closed: frozenset[str]

    def opening(self, day: date) -> list[Span]:
        """The opening hours of a local day."""
        if day.isoformat() in self.closed:
            return []
        midnight_ms = round(datetime.combine(day, time(), self.zone).timestamp() * 1000)
        return [(midnight_ms + self.opens * 60_000, midnight_ms + self.closes * 60_000)]


@dataclass(frozen=True, slots=True)
class Unwatched:
    """Device -> day (ISO) -> its opening hours there, and the dark time in them; of each the first unit that was on it."""

    there: Mapping[str, Mapping[str, Sequence[Span]]]
    dark: Mapping[str, Mapping[str, Sequence[Span]]]
    unit: Mapping[str, Mapping[str, str | None]]

    def beyond(self, run: Run) -> dict[str, list[Span]]:
        """Device -> its dark time on days that a run does not cover."""
        return {
            device: [span for day, spans in days.items() if not run.covers(day) for span in spans]
            for device, days in self.dark.items()
        }

    def all_of(self, device: str) -> list[Span]:
        """All dark time of a device."""
        return joined(span for spans in self.dark.get(device, {}).values() for span in spans)


def unwatched(db: sqlite3.Connection, chains: Chains, hours: Hours, first: date, last: date) -> Unwatched:
    """What nobody watched from one local day to another, both included."""
    forked = dict(db.execute("SELECT unit, forked_us FROM heads WHERE forked_us IS NOT NULL").fetchall())
    seen = {unit: watched(chain, forked.get(unit)) for unit, chain in chains.items()}
    placed = db.execute(
        "SELECT unit, device, from_ms, until_ms FROM placements ORDER BY from_ms, unit"
    ).fetchall()
    found = Unwatched(defaultdict(dict), defaultdict(dict), defaultdict(dict))
    devices = db.execute("SELECT device, load, blind, from_ms, until_ms FROM devices").fetchall()
    for device, load, blind, from_ms, until_ms in devices:
        if _POST.fullmatch(load):
            continue
        stays = [(unit, start, _end(end)) for unit, where, start, end in placed if where == device]
        watching = joined(each for unit, *stay in stays for each in within(seen.get(unit, []), *stay))
        for day in _days(first, last):
            there = [
                span for whole in hours.opening(day) for span in within([whole], from_ms, _end(until_ms))
            ]
            if there:
                name = day.isoformat()
                found.there[device][name] = there  # type: ignore[index]
                found.dark[device][name] = there if blind else _dark(there, watching)  # type: ignore[index]
                found.unit[device][name] = _unit(stays, there)  # type: ignore[index]
    return found


def _end(until_ms: int | None) -> int:
    return _FOREVER if until_ms is None else until_ms


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _dark(there: Sequence[Span], watching: Sequence[Span]) -> list[Span]:
    """What of `there` was not watched, widened to whole seconds."""
    gone = [(start // 1000 * 1000, -(-end // 1000) * 1000) for start, end in without(there, watching)]
    return [span for start, end in there for span in within(joined(gone), start, end)]


def _unit(stays: Sequence[tuple[str, int, int]], there: Sequence[Span]) -> str | None:
    return next((unit for unit, start, end in stays if start < there[-1][1] and there[0][0] < end), None)


def examine_coverage(run: Run, found: Unwatched, held: Holdings) -> Iterator[Fault]:
    """A fault for each device and day of which a run says another thing than the records do, and for each dark time that a
    verdict or a `capacity` lead names and that was none."""
    said = {(row["device"], row["day"]): row for row in run.coverage}
    there = {(device, day) for device, days in found.there.items() for day in days if run.covers(day)}
    for device, day in sorted(there | said.keys()):
        row = said.get((device, day))
        if row is None or (device, day) not in there or not _is_so(row, found, device, day):
            yield Fault("coverage", f"{device} {day}")
    named = [(f"{each['line']}#{each['index']}", each["dark"]) for _, each in run.verdicts]
    named += [(lead["id"], lead["dark"]) for _, lead in run.leads if lead["rule"] == "capacity"]
    whole = {device: found.all_of(device) for device in found.dark}
    for where, darks in named:
        if not all(_was_dark(each, whole, held) for each in darks):
            yield Fault("dark", where)


def _is_so(row: sqlite3.Row, found: Unwatched, device: str, day: str) -> bool:
    there, dark = found.there[device][day], list(found.dark[device][day])
    open_ms, dark_ms = (sum(end - start for start, end in spans) for spans in (there, dark))
    told = (row["unit"], row["open_s"], row["watched_s"], [tuple(span) for span in json.loads(row["dark"])])
    return told == (found.unit[device][day], open_ms // 1000, (open_ms - dark_ms) // 1000, dark)


def _was_dark(dark: Sequence[str], whole: Mapping[str, Sequence[Span]], held: Holdings) -> bool:
    start_ms, end_ms = ms(dark[1]), ms(dark[2])
    spans = whole.get(held.device_of(dark[0], start_ms), ())
    return any(start <= start_ms and end_ms <= end for start, end in spans)


def examine_sums(run: Run, said: Json) -> Iterator[Fault]:
    """A fault where the sums of a reconciliation are not those of what it says. `said` is all of it, as printed."""
    counted: dict[str, int] = defaultdict(int)
    for _, each in run.verdicts:
        counted[each["verdict"]] += 1
    if {code: count for code, count in said["summary"].items() if count} != dict(counted):
        yield Fault("summary", f"{run.source} {run.from_day}")
    summed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in run.coverage:
        name = row["unit"] or row["device"]
        summed[name][0] += row["open_s"]
        summed[name][1] += row["watched_s"]
    told = {each["unit"]: [each["open_s"], each["watched_s"]] for each in said["coverage"]}
    for name in sorted(told.keys() | summed.keys()):
        if told.get(name) != summed.get(name):
            yield Fault("coverage", name)
