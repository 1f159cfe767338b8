"""What may be done to the registry of units and the inventory of devices; each act is one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlite_utils import Database

from gateway.audit.posts import is_post
from gateway.errors import UsageError
from gateway.intake.verify import is_key
from gateway.ledger import trail, units
from gateway.ledger.database import transaction
from gateway.ledger.units import Device, Placement, Unit
from gateway.persons import GATEWAY, two_persons
from protocol import topics
from protocol.errors import EmitError

_NO_METER = '"MV":"none"'  # protocol/FORMAT.md, 5: the maker of the meter
_RESERVED = "attended"  # stands where a unit's name would, in what rests on a person's record


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a unit goes: on a new device of this load, room and bed, or on a `device` of the inventory."""

    load: str | None = None
    room: str | None = None
    bed: str = ""
    stations: int = 1
    blind: bool = False
    device: str | None = None


def enrol(
    db: Database,
    name: str,
    key_hex: str,
    clinic: str,
    plug: bool,
    spot: Spot,
    from_ms: int,
    now_ms: int,
    *,
    vouched: bool = False,
) -> str:
    """A new unit and the device it is on since `from_ms`; returns the device. `vouched`: a district's own act."""
    with transaction(db):
        return enter(db, name, key_hex, clinic, plug, spot, from_ms, now_ms, vouched=vouched)


def enter(
    db: Database,
    name: str,
    key_hex: str,
    clinic: str,
    plug: bool,
    spot: Spot,
    from_ms: int,
    now_ms: int,
    *,
    vouched: bool = False,
) -> str:
    """As `enrol`, inside the caller's transaction."""
    _check_name(name)
    _check_name(clinic)
    if not is_key(key_hex):
        raise UsageError(
            f"--key {key_hex[:16]}… 不是 P-256 公钥：请用 wattwitness-unit keygen 打印的十六进制",
            f"--key {key_hex[:16]}… is no P-256 public key: use the hex that wattwitness-unit keygen prints",
        )
    known = units.units(db)
    if name in known:
        raise UsageError(
            f"单元 {name} 已登记：换密钥须用新的单元号",
            f"unit {name} is enrolled already: a new key is a new unit",
        )
    _check_new_key(key_hex, known.values())
    units.add_unit(db, Unit(name, clinic, key_hex, plug, now_ms if vouched else None, now_ms, None))
    return _place(db, name, clinic, spot, from_ms)


def move(db: Database, name: str, spot: Spot, at_ms: int, people: tuple[str, str], now_ms: int) -> str:
    """The unit is elsewhere from `at_ms` on; returns the device there.

    Named a room, its device moves with it: the inventory has the device there anew, and here until then.
    """
    with transaction(db):
        return put(db, name, spot, at_ms, people, now_ms)


def put(db: Database, name: str, spot: Spot, at_ms: int, people: tuple[str, str], now_ms: int) -> str:
    """As `move`, inside the caller's transaction."""
    unit, last = known_unit(db, name), _placement(db, name)
    if last is not None:
        _check_later(at_ms, last.from_ms)
        units.end_placement(db, name, at_ms)
        old = units.devices(db)[last.device]
        if spot.device is None:
            units.end_device(db, old.device, at_ms)
            spot = replace(spot, load=old.load, stations=old.stations, blind=old.blind)
    device = _place(db, name, unit.clinic, spot, at_ms)
    units.note_amendment(db, device, f"unit {name} moved here", people, now_ms)
    return device


def take_off(db: Database, name: str, at_ms: int) -> str:
    """The unit leaves its device, which stays in the inventory and is dark from then on. Its records stay. Inside the caller's
    transaction; returns the device that it was on, or else the unit."""
    known_unit(db, name)
    last = _placement(db, name)
    if last is not None:
        _check_later(at_ms, last.from_ms)
    units.end_placement(db, name, at_ms)
    units.retire(db, name, at_ms)
    return last.device if last else name


def add_device(db: Database, name: str, clinic: str, spot: Spot, from_ms: int) -> None:
    """A device without a unit: blind."""
    with transaction(db):
        put_in(db, name, clinic, spot, from_ms)


def put_in(db: Database, name: str, clinic: str, spot: Spot, from_ms: int) -> str:
    """As `add_device`, inside the caller's transaction; returns the device."""
    _add_device(db, name, clinic, replace(spot, blind=True), from_ms)
    return name


def amend_stations(db: Database, name: str, stations: int, people: tuple[str, str], now_ms: int) -> None:
    """Corrects how many patients a device serves at once, for all its time. Two persons, who are kept."""
    with transaction(db):
        set_stations(db, name, stations, people, now_ms)


def set_stations(db: Database, name: str, stations: int, people: tuple[str, str], now_ms: int) -> str:
    """As `amend_stations`, inside the caller's transaction; returns the device."""
    both = two_persons(*people)
    was = known_device(db, name).stations
    units.set_stations(db, name, stations)
    units.note_amendment(db, name, f"stations {was} -> {stations}", both, now_ms)
    return name


def take_out(db: Database, name: str, at_ms: int) -> str:
    """The device leaves the inventory. A unit that is still on it must be moved or retired first. Inside the caller's
    transaction; returns the device."""
    _check_later(at_ms, known_device(db, name).from_ms)
    on_it = units.unit_on(db, name)
    if on_it is not None:
        raise UsageError(
            f"设备 {name} 上还有单元 {on_it}：请先 unit move 或 unit retire",
            f"unit {on_it} is still on device {name}: unit move or unit retire it first",
        )
    units.end_device(db, name, at_ms)
    return name


def known_unit(db: Database, name: str) -> Unit:
    """The unit of that name; UsageError where there is none."""
    found = units.units(db)
    if name not in found:
        raise _unknown("单元", "unit", name, found)
    return found[name]


def known_device(db: Database, name: str) -> Device:
    """The device of that name; UsageError where there is none."""
    found = units.devices(db)
    if name not in found:
        raise _unknown("设备", "device", name, found)
    return found[name]


def _check_new_key(key_hex: str, known: Iterable[Unit]) -> None:
    """One key under two names could sign one lamp's time twice."""
    key = bytes.fromhex(key_hex)
    twin = next((each.unit for each in known if bytes.fromhex(each.key_hex) == key), None)
    if twin is not None:
        raise UsageError(
            f"单元 {twin} 已用这把公钥登记：一把密钥只能是一个单元，请在新单元上生成新的密钥",
            f"unit {twin} is enrolled with that key: a key is one unit's alone, make a new one on the new unit",
        )


def _unknown(zh: str, en: str, name: str, found: Iterable[str]) -> UsageError:
    there = ", ".join(found) or "-"
    return UsageError(f"没有{zh} {name}：在册的有 {there}", f"there is no {en} {name}: there are {there}")


def _place(db: Database, unit: str, clinic: str, spot: Spot, from_ms: int) -> str:
    if spot.device is None:
        device = _free_name(f"{spot.load}-{unit}", units.devices(db))
        _add_device(db, device, clinic, spot, from_ms)
    else:
        device = spot.device
        _check_free(db, device, from_ms)
        units.set_blind(db, device, spot.blind)
    units.place(db, unit, device, from_ms)
    return device


def _add_device(db: Database, name: str, clinic: str, spot: Spot, from_ms: int) -> None:
    _check_name(name)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", spot.load or "") or not (spot.room or "").strip():
        raise UsageError(
            "请给出设备类别和房间，如 --load tdp --room 理疗一室",
            "name load and room, like --load tdp --room R1",
        )
    if name in units.devices(db):
        raise UsageError(
            f"设备 {name} 已在册：请换一个名字", f"device {name} exists already: choose another name"
        )
    units.add_device(
        db,
        Device(name, clinic, spot.load or "", spot.room or "", spot.bed, spot.stations, spot.blind, from_ms),
    )


def _check_free(db: Database, device: str, from_ms: int) -> None:
    _check_later(from_ms, known_device(db, device).from_ms - 1)
    for placed in units.placements(db):
        if placed.device == device and (placed.until_ms is None or placed.until_ms > from_ms):
            raise UsageError(
                f"设备 {device} 上那时有单元 {placed.unit}：请先 unit move 或 unit retire",
                f"unit {placed.unit} is on device {device} then: unit move or unit retire it first",
            )


def _free_name(name: str, taken: Iterable[str]) -> str:
    candidates = [name, *(f"{name}.{number}" for number in range(2, 10_000))]
    return next(each for each in candidates if each not in taken)


def _placement(db: Database, unit: str) -> Placement | None:
    return next((each for each in units.placements(db) if each.unit == unit and each.until_ms is None), None)


def _check_later(at_ms: int, than_ms: int) -> None:
    if at_ms <= than_ms:
        raise UsageError(
            "所给时间早于它的起始时间：请检查 --at", "that instant is before its beginning: check --at"
        )


def _check_name(name: str) -> None:
    if name == _RESERVED:
        raise UsageError(
            f"{name} 是人工登记所用的名字：请换一个", f"{name} names what people record: choose another name"
        )
    try:
        topics.name(name)
    except EmitError:
        raise UsageError(
            f"{name!r} 不能作名字：用 1 到 64 个字母、数字或 - _ .",
            f"{name!r} cannot be a name: use 1 to 64 letters, digits or - _ .",
        ) from None


def declare_unmeasured(db: Database, clinic: str, at_ms: int) -> list[str]:
    """Declares blind each device whose unit says in its last BOOT that it has no meter, and has seen no load go on since: what
    nothing measures must not look watched. Those that were not blind before; the trail says why."""
    unmeasured = [
        device
        for device, line in units.not_yet_on(db, clinic)
        if _NO_METER in line and not is_post(device.load) and not device.blind
    ]
    for each in unmeasured:
        with transaction(db):
            units.set_blind(db, each.device, True)
            trail.note(db, at_ms, GATEWAY, "blind", f"device:{each.device}", {"why": "unit without a meter"})
    return [each.device for each in unmeasured]
