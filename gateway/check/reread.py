"""What a ledger holds, read anew for `check`: sessions, devices, items, bill lines.

It shares nothing with the programs that wrote the ledger but `protocol`: what those decided is decided here again.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from gateway.check import attended, catalogue
from gateway.check.catalogue import Catalogue, Item
from gateway.check.overlaps import made_one
from protocol.record import Record

_HALF_HOUR_MS = 30 * 60 * 1000

Chains = Mapping[str, Mapping[int, Record]]
"""unit -> us -> record, of every record in the chain whose seal is good."""

Span = tuple[int, int]

Teller = tuple[str, str]
"""Whose bills, and who told them: the clinic or the platform."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the inventory."""

    clinic: str
    load: str
    stations: int
    from_ms: int
    until_ms: int | None

    def was_there(self, first_ms: int, last_ms: int) -> bool:
        """Whether it was in the inventory at some instant of the two and what is between them."""
        return self.from_ms <= last_ms and (self.until_ms is None or first_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class Line:
    """A bill line of an item. `told_ms`: when its file came; `day`: the local date of its charge; `window`: when its
    treatments can have begun."""

    name: str
    visit: str
    item: int
    treatments: int
    amount_fen: int
    charged_ms: int
    is_reversed: bool
    told_ms: int
    day: str
    window: Span


@dataclass(frozen=True, slots=True)
class Session:
    """A session that the chain bears out, or an attended record. `known_ms`: since when all that it rests on was here,
    None if that is not sure; it supports treatments either way. `until_ms`: when something else took its place.
    `visits`: those whose tags were read at it, or whose treatment was recorded."""

    key: str
    unit: str
    device: str
    start_ms: int
    end_ms: int
    active_s: int
    broken_off: bool
    plug: bool
    known_ms: int | None
    load: str
    stations: int
    visits: tuple[str, ...] = ()
    until_ms: int | None = None
    clinic: str = ""

    def holds(self, required_s: int, window: Span) -> bool:
        """Whether it is long enough for a treatment, and one of that window could have begun in it."""
        if self.active_s < required_s:
            return False
        return max(self.start_ms, window[0]) <= min(self.end_ms - required_s * 1000, window[1])

    def was_known(self, at_ms: int) -> bool:
        """Whether it surely counted at that instant."""
        stood = self.until_ms is None or at_ms < self.until_ms
        return self.known_ms is not None and self.known_ms <= at_ms and stood


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that verdicts rest on. `recorded`: what people recorded as done or stopped; `undone`: as not done."""

    zone: tzinfo
    items: Catalogue
    devices: Mapping[str, Device]
    placements: Sequence[tuple[str, str, int, int | None]]
    sessions: Mapping[str, Session]
    lines: Mapping[Teller, Mapping[str, Line]]
    told_ms: Mapping[Teller, int]
    assigned_ms: Mapping[str, int]
    approved: Mapping[str, int | None]
    recorded: attended.Stood
    undone: attended.Stood

    def of_clinic(self, clinic: str) -> Holdings:
        """The same with the devices of one clinic, and the sessions on them: of those alone its runs can speak."""
        devices = {name: each for name, each in self.devices.items() if each.clinic == clinic}
        sessions = {key: each for key, each in self.sessions.items() if each.clinic == clinic}
        return replace(self, devices=devices, sessions=sessions)

    def had_device(self, load: str, span: Span) -> bool:
        """Whether there was a device of the class at some instant of the span."""
        return any(each.load == load and each.was_there(*span) for each in self.devices.values())

    def item(self, number: int, day: str) -> Item:
        """What the catalogue lays down of an item on the day of its charge; of one not in force then, what it does last."""
        return self.items.on(number, day) or self.items[number]

    def room(self, session: Session, required_s: int) -> int:
        """How many treatments that take so long fit into a session."""
        return session.active_s // required_s * session.stations

    def has_record(self, stood: attended.Stood, said: Mapping[str, Any], at_ms: int) -> bool:
        """Whether a record of that visit and item stood at that instant."""
        spans = stood.get((said["visit"], said["item"]), ())
        return any(since <= at_ms and (until is None or at_ms < until) for since, until in spans)

    def lines_of(self, teller: Teller) -> Mapping[str, Line]:
        """The bill lines that somebody told, by name."""
        return self.lines.get(teller, {})

    def device_of(self, name: str, at_ms: int) -> str:
        """The device that a unit was on at an instant; else the name, which is a device's where it is one."""
        for unit, device, from_ms, until_ms in self.placements:
            if unit == name and from_ms <= at_ms and (until_ms is None or at_ms < until_ms):
                return device
        return name

    def day(self, at_ms: int) -> str:
        """The local date of an instant."""
        return datetime.fromtimestamp(at_ms // 1000, self.zone).date().isoformat()


def read(db: sqlite3.Connection, chains: Chains, zone: tzinfo) -> Holdings:
    """What the ledger holds, as far as `chains` bear it out."""
    placements = db.execute(
        "SELECT unit, device, from_ms, until_ms FROM placements ORDER BY from_ms"
    ).fetchall()
    devices = db.execute("SELECT device, clinic, load, stations, from_ms, until_ms FROM devices").fetchall()
    units = db.execute("SELECT unit, CASE WHEN plug THEN NULL ELSE approved_ms END FROM units").fetchall()
    told = db.execute(
        "SELECT clinic, source, max(imported_ms) FROM bill_files GROUP BY clinic, source"
    ).fetchall()
    items = catalogue.read(db)
    held_devices = {name: Device(*about) for name, *about in devices}
    return Holdings(
        zone=zone,
        items=items,
        devices=held_devices,
        placements=[tuple(each) for each in placements],
        sessions={each.key: each for each in _all_sessions(db, chains, placements, held_devices, items)},
        lines=_lines(db, items, zone),
        told_ms={(clinic, source): told_ms for clinic, source, told_ms in told},
        assigned_ms=catalogue.assigned_ms(db),
        approved=dict(units),
        recorded=attended.recorded(db),
        undone=attended.undone(db),
    )


def as_of(db: sqlite3.Connection, held: Holdings, at_ms: int) -> Holdings:
    """The same by the catalogue that counted at an instant."""
    if not catalogue.changed_since(db, at_ms):
        return held
    items = catalogue.read(db, at_ms)
    return replace(held, items=items, lines=_lines(db, items, held.zone))


def _lines(db: sqlite3.Connection, items: Catalogue, zone: tzinfo) -> dict[Teller, dict[str, Line]]:
    """Who told it -> name -> line, of all that are items of the catalogue."""
    lines: dict[Teller, dict[str, Line]] = defaultdict(dict)
    rows = db.execute(
        "SELECT b.*, coalesce(f.imported_ms, 0) AS told_ms FROM bill_lines b LEFT JOIN bill_files f USING (file)"
        " WHERE b.item IS NOT NULL AND b.count NOT LIKE '-%'"
    )
    for row in rows:
        day = datetime.fromtimestamp(row["charged_ms"] // 1000, zone).date().isoformat()
        item = items.on(row["item"], day)
        if item is not None:
            lines[row["clinic"], row["source"]][row["line"]] = _line(row, item, zone)
    return lines


def _line(row: sqlite3.Row, item: Item, zone: tzinfo) -> Line:
    charged = datetime.fromtimestamp(row["charged_ms"] // 1000, zone)
    first = charged.replace(hour=0, minute=0, second=0)
    paid = 1 if item.per == "根" else int(Decimal(row["count"]))
    until = first + timedelta(days=item.days(paid))
    window = (round(first.timestamp() * 1000), round(until.timestamp() * 1000) - 1)
    if row["performed_ms"] is not None:
        window = (row["performed_ms"] - _HALF_HOUR_MS, row["performed_ms"] + _HALF_HOUR_MS)
    return Line(
        name=row["line"],
        visit=row["visit"],
        item=row["item"],
        treatments=row["treatments"],
        amount_fen=row["amount_fen"],
        charged_ms=row["charged_ms"],
        is_reversed=row["reversed_by"] is not None,
        told_ms=row["told_ms"],
        day=charged.date().isoformat(),
        window=window,
    )


def _all_sessions(
    db: sqlite3.Connection,
    chains: Chains,
    placements: Sequence[Any],
    devices: Mapping[str, Device],
    items: Catalogue,
) -> Iterator[Session]:
    """Those of the chains; and what people recorded before their class's first unit came, or while it had no device."""
    yield from _sessions(db, chains, placements, devices)
    units = [(devices[device], from_ms) for _, device, from_ms, _ in placements if device in devices]
    for each in attended.read(db):
        load = items[each.item].load if each.item in items else ""
        whose = (each.clinic, load)
        there = [device for device in devices.values() if (device.clinic, device.load) == whose]
        first_ms = min((ms for device, ms in units if (device.clinic, device.load) == whose), default=None)
        is_before = first_ms is None or each.began_ms < first_ms
        if load and (is_before or not any(one.was_there(each.began_ms, each.began_ms) for one in there)):
            seconds, read = (each.ended_ms - each.began_ms) // 1000, (each.visit,)
            when = (each.began_ms, each.ended_ms, seconds, False, False, each.entered_ms)
            yield Session(each.key, attended.NAME, "", *when, load, 1, read, each.until_ms, each.clinic)


def _sessions(
    db: sqlite3.Connection, chains: Chains, placements: Sequence[Any], devices: Mapping[str, Device]
) -> Iterator[Session]:
    """Every session that makes sense and has an instant, on the device where its unit was when it began. Those of a unit
    that overlap are one."""
    visits = attended.visits(db)
    forked = dict(db.execute("SELECT unit, forked_us FROM heads WHERE forked_us IS NOT NULL").fetchall())
    for unit, chain in chains.items():
        known_ms = _known(db, unit)
        whole = {us: record for us, record in chain.items() if us < forked.get(unit, us + 1)}
        for each in made_one(_seen(unit, chain, whole, known_ms, visits)):
            for device in _devices_at(placements, unit, each.start_ms):
                shown = devices[device]
                about = {"load": shown.load, "stations": shown.stations, "clinic": shown.clinic}
                yield replace(each, device=device, **about)  # type: ignore[arg-type]


def _seen(
    unit: str,
    chain: Mapping[int, Record],
    whole: Mapping[int, Record],
    known_ms: Mapping[int, int],
    visits: Mapping[str, str],
) -> Iterator[Session]:
    """The sessions of a unit before its fork, on no device yet."""
    for us, record in whole.items():
        shift_ms = shift_of(record, chain) if record.kind == "SESSION" and _is_sensible(record) else None
        if shift_ms is not None:
            times = (record.readings[0].at_ms + shift_ms, record.at_ms + shift_ms, record.active_s)
            told = (record.readings[1].tx != "L", record.maker == "plug")
            sure_ms = known_ms.get(us) if record.flag == "S" else None
            read = tuple(visits[tag] for tag in record.tags if tag in visits)
            yield Session(f"{unit}:{us}", unit, "", *times, *told, sure_ms, "", 1, read)


def _devices_at(placements: Sequence[Any], unit: str, at_ms: int) -> Iterator[str]:
    for placed, device, from_ms, until_ms in placements:
        if placed == unit and from_ms <= at_ms and (until_ms is None or at_ms < until_ms):
            yield device


def _known(db: sqlite3.Connection, unit: str) -> dict[int, int]:
    """us -> when it and all the chain before it had come."""
    known, latest_ms = {}, 0
    rows = db.execute(
        "SELECT us, received_ms FROM records WHERE unit = ? AND chained = 1 ORDER BY us", [unit]
    )
    for us, received_ms in rows:
        known[us] = latest_ms = max(latest_ms, received_ms)
    return known


def _is_sensible(record: Record) -> bool:
    begin, end = record.readings
    lasted_ms = end.at_ms - begin.at_ms
    if lasted_ms < 0 or (begin.register_mwh or 0) > (end.register_mwh or 0):
        return False
    return record.active_s * 1000 <= lasted_ms + 1000


def shift_of(session: Record, chain: Mapping[int, Record]) -> int | None:
    """By how much the instants of a session, or of a reading of a tag, are moved by the CLOCKs that follow in its boot;
    None: never set."""
    if session.flag == "S":
        return 0
    spoke = session.us
    if session.readings[-1].tx == "P":  # in the clock of the boot that died, after all its steps
        while spoke in chain and chain[spoke].boot == session.boot:
            spoke -= 1
    boot = [chain[us] for us in _neighbours(spoke, chain)]
    if spoke != session.us and not any(each.kind == "OPEN" for each in boot):
        return None
    shift_ms = 0
    for record in (each for each in boot if each.us > spoke):
        shift_ms += record.step_ms or 0
        if _is_set(record):
            return shift_ms
    since = max((each.us for each in boot if each.kind == "CLOCK"), default=0)
    return 0 if since <= spoke and any(_is_set(each) for each in boot if each.us >= since) else None


def _neighbours(us: int, chain: Mapping[int, Record]) -> range:
    """The numbers of the records of its boot, as far as none is missing."""
    first = last = us
    while us in chain and first - 1 in chain and chain[first - 1].boot == chain[us].boot:
        first -= 1
    while us in chain and last + 1 in chain and chain[last + 1].boot == chain[us].boot:
        last += 1
    return range(first, last + 1) if us in chain else range(0)


def _is_set(record: Record) -> bool:
    return record.flag == "S" and not (record.kind == "SESSION" and record.readings[-1].tx == "P")
