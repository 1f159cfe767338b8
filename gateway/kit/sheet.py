"""The spot-check sheet on paper: a table for each room with what the ledger says and blanks for what eyes see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.audit.hours import Hours
from gateway.audit.live import DARK
from gateway.audit.spot_check import Room, Spot, SpotCheck
from gateway.config import Config
from gateway.report.sheets import COUNT, MARK, TEXT, Both, Cell, Column, Table, both, same

_SIGNATURES = ("spot.inspector", "spot.witness", "spot.date")
_NAMED_LOADS = ("tdp", "stim", "ionto")


def write(check: SpotCheck, config: Config) -> bytes:
    """The sheet as PDF (PDF/A-3b), the same bytes for the same values. SurroundingsError without a Chinese font."""
    from gateway.report.pdf import typeset

    return typeset(document(check, config))


def document(check: SpotCheck, config: Config) -> dict[str, Any]:
    """What report/sheet.typ draws."""
    from gateway.report.pdf import in_both, table_of

    hours = Hours(config)
    local = hours.local(check.at_ms)
    about = [
        (both("spot.clinic"), f"{config.name} {config.clinic}"),
        (both("spot.at"), local.isoformat(timespec="minutes")),
        (both("spot.round"), both("spot.blank_time").zh),
    ]
    return {
        "date": [local.year, local.month, local.day],
        "title": in_both(both("spot.title")),
        "about": [{"name": in_both(name), "value": value} for name, value in about],
        "figures": [
            {
                "name": in_both(both(f"spot.{name}")),
                "value": str(value),
                "why": in_both(both(f"spot.{name}_why")),
            }
            for name, value in _figures(check.spots)
        ],
        "bound": in_both(both("spot.bound")),
        "tables": [table_of(each) for each in tables(check, hours)],
        "signatures": [in_both(both(each)) for each in _SIGNATURES],
        "footer": f"{config.name} {config.clinic} · {local.isoformat(timespec='minutes')}",
        "page": in_both(both("report.page", page="#", pages="%")),
    }


def tables(check: SpotCheck, hours: Hours) -> list[Table]:
    """A table for each room, and the count at the end."""
    return [*(_room(each, hours) for each in check.rooms), _count(check)]


def says(spot: Spot, hours: Hours) -> Both:
    """What the ledger says of a device."""
    since = None if spot.since_ms is None else f"{hours.local(spot.since_ms):%m-%d %H:%M}"
    key = f"spot.state.{spot.state}"
    if spot.state == "running" and since is not None and spot.minutes is not None:
        told = both(f"{key}_for", minutes=spot.minutes, since=since)
    elif spot.state == "idle" and since is not None:
        told = both(f"{key}_since", since=since)
    else:
        told = both(key, since=since or "—")
    if spot.unit is None or not spot.can_run_unseen:
        return told
    unseen = both("spot.unseen")
    return Both(f"{told.zh}；{unseen.zh}", f"{told.en}; {unseen.en}")


def _figures(spots: Sequence[Spot]) -> list[tuple[str, int]]:
    return [
        ("devices", len(spots)),
        ("units", sum(each.unit is not None for each in spots)),
        ("running", sum(each.state == "running" for each in spots)),
        ("unknown", sum(each.state in DARK for each in spots)),
    ]


def _room(room: Room, hours: Hours) -> Table:
    columns = [
        Column(both("spot.device"), MARK),
        Column(both("spot.bed"), MARK),
        Column(both("spot.unit"), MARK),
        Column(both("spot.says"), TEXT, wide=True),
        Column(both("spot.on_now"), TEXT),
        Column(both("spot.patient"), TEXT),
        Column(both("spot.seal"), TEXT),
        Column(both("spot.notes"), TEXT, wide=True),
    ]
    return Table(
        f"room:{room.room}",
        both("spot.room", room=room.room),
        columns,
        [_row(each, hours) for each in room.spots],
    )


def _row(spot: Spot, hours: Hours) -> list[Cell]:
    seal = both("spot.seal_blank") if spot.unit else same("—")
    asked = both("spot.yes_no")
    return [
        same(spot.device if spot.stations == 1 else f"{spot.device} ×{spot.stations}"),
        same(spot.bed),
        same(spot.unit or "—"),
        says(spot, hours),
        asked,
        asked,
        seal,
        "",
    ]


def _count(check: SpotCheck) -> Table:
    columns = [
        Column(both("spot.class"), TEXT),
        Column(both("spot.in_inventory"), COUNT),
        Column(both("spot.counted"), TEXT),
        Column(both("spot.notes"), TEXT, wide=True),
    ]
    rows = [[_class(load), count, both("spot.blank"), ""] for load, count in check.counted.items()]
    return Table("count", both("spot.count_title"), columns, rows, both("spot.count_note"))


def _class(load: str) -> Both:
    return both(f"load.{load}") if load in _NAMED_LOADS else same(load)
