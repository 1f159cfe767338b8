"""The ledger's rows of one day, as a DayView. Nothing is judged here: verdicts are shown as the run left them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.audit.catalogue import Item
from gateway.config import Config
from gateway.instants import midnight_ms
from gateway.ledger import days, periods
from gateway.ledger.days import Row
from gateway.pages.sessions import Relied, sessions_of
from gateway.pages.view import (
    PENDING,
    DayView,
    Device,
    DoubtSet,
    Finding,
    Lead,
    Line,
    Session,
    Span,
    Treatment,
    in_order,
)

LOADS = ("tdp", "stim", "ionto")
"""Classes of devices in the order in which a page shows them; others follow."""

Judged = tuple[Row, Treatment]
"""What a run said of a treatment, as it is kept and as it is shown."""


def today(config: Config, now_ms: int) -> date:
    """The clinic's local date at that instant."""
    return datetime.fromtimestamp(now_ms // 1000, config.zone).date()


def day_to_show(db: Database, config: Config, now_ms: int) -> date:
    """Today if it has been reconciled, else the newest day that has, else today."""
    here = today(config, now_ms)
    if days.newest_run(db, config.clinic, here.isoformat()):
        return here
    newest = days.newest_reconciled_day(db, config.clinic)
    return date.fromisoformat(newest) if newest else here


def day_view(db: Database, config: Config, day: date) -> DayView:
    """What the ledger holds of that day, by the newest reconciliation that covers it."""
    whole = midnight_ms(day, config.zone), midnight_ms(day + timedelta(days=1), config.zone)
    run = days.newest_run(db, config.clinic, day.isoformat())
    spoken = days.verdicts(db, run["run"], day.isoformat()) if run else []
    judged = [(row, _treatment(row)) for row in spoken]
    sets = _sets(days.doubted(db, run["run"]), {each["line"] for each in spoken}) if run else ()
    bills = _of_one_source(days.bill_lines(db, config.clinic, *whole), spoken)
    items = catalogue.in_force(db).on(day)
    return DayView(
        day=day,
        clinic=config.name,
        zone=config.zone,
        whole=whole,
        opening=config.opening_ms(day),
        devices=_devices(db, config.clinic, whole, run, day.isoformat(), _relied_on(judged)),
        lines=_lines(bills, judged, sets, items),
        sets=sets,
        leads=_leads(days.leads(db, run["run"], day.isoformat()), day.isoformat()) if run else (),
        findings=_findings(periods.findings_between(db, config.clinic, *whole)),
        made_ms=run["made_ms"] if run else None,
        outside=sum(row["item"] not in items for row in bills),
    )


# --- devices ------------------------------------------------------------------------------------------------------


def _devices(
    db: Database, clinic: str, whole: Span, run: Row | None, day: str, relied_on: Relied
) -> tuple[Device, ...]:
    placements = days.placements(db, clinic, *whole)
    watched = {row["device"]: row for row in days.coverage(db, run["run"], day)} if run else {}
    rows = [_device(row, placements, watched) for row in days.devices(db, clinic, *whole)]
    placed = {device.device: device for device in rows}
    seen: dict[str, list[Session]] = defaultdict(list)
    for unit, session in sessions_of(db, clinic, whole, relied_on):
        seen[_device_of(unit, session.start_ms, placements)].append(session)
    for name in sorted(seen.keys() - placed.keys()):
        placed[name] = Device(name, (), "", "", "", 1, False)
    found = [replace(each, sessions=tuple(seen[each.device])) for each in placed.values()]
    return tuple(
        sorted(found, key=lambda each: (_rank(each.load), each.load, each.room, each.bed, each.name))
    )


def _rank(load: str) -> int:
    """The classes in the order of the page; what stands nowhere comes last."""
    return LOADS.index(load) if load in LOADS else len(LOADS) + (not load)


def _device(row: Row, placements: list[Row], watched: Mapping[str, Row]) -> Device:
    known = watched.get(row["device"])
    return Device(
        device=row["device"],
        units=tuple(dict.fromkeys(each["unit"] for each in placements if each["device"] == row["device"])),
        load=row["load"],
        room=row["room"],
        bed=row["bed"],
        stations=row["stations"],
        blind=bool(row["blind"]),
        dark=tuple((start, end) for start, end in json.loads(known["dark"])) if known else (),
        open_s=known["open_s"] if known else None,
        watched_s=known["watched_s"] if known else None,
    )


def _device_of(unit: str, at_ms: int, placements: list[Row]) -> str:
    """Where the unit was at that instant; its own name where nobody said."""
    for each in placements:
        ended = each["until_ms"] is not None and each["until_ms"] <= at_ms
        if each["unit"] == unit and each["from_ms"] <= at_ms and not ended:
            return str(each["device"])
    return unit


# --- bills and what was said of them -----------------------------------------------------------------------------


def _of_one_source(bills: list[Row], spoken: list[Row]) -> list[Row]:
    """The lines of the sources that were judged; of the clinic's own export where none was, else the platform's."""
    judged = {each["source"] for each in spoken}
    told = {each["source"] for each in bills}
    shown = judged or ({"clinic"} if "clinic" in told else told)
    return [each for each in bills if each["source"] in shown]


def _lines(
    bills: list[Row], judged: list[Judged], sets: tuple[DoubtSet, ...], items: Mapping[int, Item]
) -> tuple[Line, ...]:
    """The lines of items that were in force on the day."""
    treatments: dict[tuple[str, str], list[Treatment]] = defaultdict(list)
    for row, treatment in judged:
        treatments[row["source"], row["line"]].append(treatment)
    numbers: dict[str, list[int]] = defaultdict(list)
    for each in sets:
        for line in each.lines:
            numbers[line].append(each.number)
    return tuple(
        _line(
            row,
            items[row["item"]],
            tuple(treatments[row["source"], row["line"]]),
            tuple(numbers[row["line"]]),
        )
        for row in bills
        if row["item"] in items
    )


def _line(row: Row, item: Item, judged: tuple[Treatment, ...], sets: tuple[int, ...]) -> Line:
    waiting = tuple(Treatment(index, PENDING) for index in range(1, max(1, row["treatments"]) + 1))
    metered = not judged or any(each.code != "not_metered" for each in judged)
    return Line(
        line=row["line"],
        visit=row["visit"],
        item=row["item"],
        name=row["name"],
        load=None if item.attended or not metered else item.device_class,
        charged_ms=row["charged_ms"],
        amount_fen=row["amount_fen"],
        treatments=judged or waiting,
        sets=sets,
        room=row["room"],
        staff=row["staff"],
        source=row["source"],
    )


def _treatment(row: Row) -> Treatment:
    said = json.loads(row["body"])
    return Treatment(
        index=row["index"],
        code=row["code"],
        grade=said.get("grade"),
        active_s=said.get("active_s"),
        required_s=said.get("item_required_s") or said.get("required_s"),
        fit=said.get("fit"),
        records=tuple(said.get("records") or ()),
        among=tuple(said.get("among") or ()),
    )


def _relied_on(judged: list[Judged]) -> Relied:
    """Record -> (grade, whether it was found to be a long burn), of those that verdicts rest on."""
    relied: dict[str, tuple[str, bool]] = {}
    for _, each in judged:
        for name in each.records if each.grade else ():
            burned = relied.get(name, ("", False))[1]
            relied[name] = (each.grade or "", burned or each.fit == "long_burn")
    return relied


def _sets(doubted: list[Row], of_the_day: set[str]) -> tuple[DoubtSet, ...]:
    """One for each set of lines that holds a line of the day, numbered in the order of their first lines."""
    codes: dict[tuple[str, ...], list[str]] = defaultdict(list)
    short_s: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in doubted:
        said = json.loads(row["body"])
        lines = tuple(sorted(said["among"]))
        codes[lines].append(row["code"])
        if row["code"] == "short" and said.get("active_s") is not None:
            short_s[lines].append(said["active_s"])
    touched = sorted(lines for lines in codes if not of_the_day.isdisjoint(lines))
    return tuple(
        DoubtSet(number, lines, tuple(in_order(codes[lines])), tuple(sorted(short_s[lines])))
        for number, lines in enumerate(touched, start=1)
    )


def _leads(rows: list[Row], day: str) -> tuple[Lead, ...]:
    return tuple(_lead(row, json.loads(row["body"]), day) for row in rows)


def _lead(row: Row, said: dict[str, Any], day: str) -> Lead:
    dark = [f"{name} {_clock(start, day)}–{_clock(end, day)}" for name, start, end in said.get("dark") or ()]
    compared = row["rule"] == "capacity"
    return Lead(
        lead=row["lead"],
        rule=row["rule"],
        amount_fen=row["amount_fen"],
        zh=said["zh"],
        en=said["en"],
        lines=tuple(said.get("lines") or ()),
        supplies=(*(said.get("supplies") or ()), *dark),
        treatments=said.get("treatments") if compared else None,
        capacity=said.get("capacity") if compared else None,
    )


def _clock(instant: str, day: str) -> str:
    """HH:MM of an ISO 8601 instant, with the date where it is another than the day's."""
    return instant[11:16] if instant.startswith(day) else instant[:16].replace("T", " ")


def _findings(rows: list[Row]) -> tuple[Finding, ...]:
    return tuple(Finding(row["code"], row["unit"], row["us"], row["zh"], row["en"]) for row in rows)
