"""The live room board in words: a tile for each device, a line for each room. It tells nothing of persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from gateway.audit.live import Live, Seen
from gateway.pages.words import Say, knows, speak

AROUND = 302
"""The ring's length in the units of its drawing: a circle of radius 48."""

_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS
_LOOKS = ("running", "reached", "idle", "dark")
_MANY = (8, 15, 24)  # so many tiles fit on a screen in each size


@dataclass(frozen=True, slots=True)
class Tile:
    """A device. `look` is one of _LOOKS; `big` and `small` stand in the ring, of which `arc` is filled; `why` says since when
    or why nobody knows, `alarms` what a person should look at, `facts` the rest."""

    name: str
    room: str
    bed: str
    load: str
    look: str
    big: str
    small: str
    arc: int
    why: str
    alarms: Sequence[str]
    facts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Room:
    """A room, or with an empty name all of them: how many devices have each look."""

    name: str
    counts: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Board:
    """What is drawn. `size` is 0 for few tiles, more for many; `waits` a sentence for each class that is waited for."""

    at: str
    tiles: Sequence[Tile]
    rooms: Sequence[Room]
    size: int
    waits: Sequence[str]


def board(seen: Seen, room: str, zone: tzinfo, lang: str) -> Board:
    """The board of one room, or of all where none is named."""
    say = speak(lang)
    tiles = [_tile(_as_known(each, seen), seen, zone, say) for each in seen.units]
    shown = [each for each in tiles if room in ("", each.room)]
    names = dict.fromkeys(each.room for each in tiles)
    rooms = [_room("", tiles), *(_room(name, [t for t in tiles if t.room == name]) for name in names)]
    size = sum(len(shown) > most for most in _MANY)
    return Board(_clock(seen.at_ms, seen.at_ms, zone), shown, rooms, size, _waits(seen.units, say))


def _as_known(unit: Live, seen: Seen) -> Live:
    """Of a unit that is cut off it is known what it did when it was heard last, and not what it does now."""
    is_cut = seen.linked is not None and seen.linked.get(unit.place.unit) is False
    if not is_cut or unit.state not in ("running", "idle"):
        return unit
    return replace(unit, state="unheard", since_ms=unit.place.heard_ms or None, minutes=None)


def _room(name: str, tiles: Sequence[Tile]) -> Room:
    counts = ((look, sum(tile.look == look for tile in tiles)) for look in _LOOKS)
    return Room(name, [(look, count) for look, count in counts if count])


def _tile(unit: Live, seen: Seen, zone: tzinfo, say: Say) -> Tile:
    place, look = unit.place, _look(unit)
    big, small = _middle(unit, look, say)
    return Tile(
        name=place.device,
        room=place.room,
        bed=say("bed", bed=place.bed) if place.bed else "",
        load=load_name(place.load, say),
        look=look,
        big=big,
        small=small,
        arc=_arc(unit),
        why=_why(unit, seen, zone, say),
        alarms=[_alarm(cause, at_ms, seen, zone, say) for cause, at_ms in unit.faults],
        facts=_facts(unit, seen, say),
    )


def _look(unit: Live) -> str:
    if unit.is_dark:
        return "dark"
    return "reached" if unit.is_reached else "running" if unit.state == "running" else "idle"


def _middle(unit: Live, look: str, say: Say) -> tuple[str, str]:
    if unit.minutes is None:
        return say(f"board.{look}"), ""
    if unit.required is None:
        return str(unit.minutes), say("board.minutes")
    return str(unit.minutes), say("board.of", required=unit.required)


def _arc(unit: Live) -> int:
    if unit.minutes is None:
        return 0
    return AROUND if unit.required is None else min(AROUND, AROUND * unit.minutes // max(1, unit.required))


def _why(unit: Live, seen: Seen, zone: tzinfo, say: Say) -> str:
    if unit.state == "incomplete":
        return say("board.why.incomplete", count=unit.place.missing)
    since = None if unit.since_ms is None else _clock(unit.since_ms, seen.at_ms, zone)
    if unit.state == "blind" and unit.place.unit:
        return say("board.why.unseen")
    if since is None:
        return say(f"board.why.{unit.state}") if unit.state != "idle" else ""
    return say(f"board.since.{unit.state}", since=since)


def _alarm(cause: str, at_ms: int, seen: Seen, zone: tzinfo, say: Say) -> str:
    key = f"board.fault.{cause}"
    return say(key if knows(key) else "board.fault.other", cause=cause, since=_clock(at_ms, seen.at_ms, zone))


def _facts(unit: Live, seen: Seen, say: Say) -> list[str]:
    """Link, last record, what is missing, what waits."""
    place = unit.place
    facts = []
    if place.unit:
        facts.append(say(f"board.{_link(unit, seen)}"))
    if place.heard_ms and unit.state != "unheard":
        facts.append(say("board.last", ago=_ago(seen.at_ms - place.heard_ms, say)))
    if place.missing:
        facts.append(say("board.unsent", count=place.missing))
    if place.stations > 1:
        facts.append(say("stations_served", n=place.stations))
    return facts


def _link(unit: Live, seen: Seen) -> str:
    """What the unit told of its connection; where it tells nothing, whether it was heard lately."""
    told = (seen.linked or {}).get(unit.place.unit)
    is_on = unit.state not in ("unheard", "never") if told is None else told
    return "online" if is_on else "offline"


def _waits(units: Sequence[Live], say: Say) -> list[str]:
    waiting = {unit.place.load: unit.waiting for unit in units if unit.waiting}
    return [say("board.waits", load=load_name(load, say), count=count) for load, count in waiting.items()]


def load_name(load: str, say: Say) -> str:
    """What a device of a class is called."""
    key = f"board.load.{load}"
    return say(key) if knows(key) else say("load.other", load=load)


def _ago(passed_ms: int, say: Say) -> str:
    minutes = max(0, passed_ms) // _MINUTE_MS
    if minutes < 1:
        return say("board.just_now")
    if minutes < 60:
        return say("board.minutes_ago", count=minutes)
    return say("board.hours_ago", count=minutes // 60)


def _clock(at_ms: int, now_ms: int, zone: tzinfo) -> str:
    """HH:MM; with the date where it was more than a day ago."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    return f"{at:%m-%d %H:%M}" if now_ms - at_ms >= _DAY_MS else f"{at:%H:%M}"
