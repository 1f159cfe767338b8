"""Units, the devices they watch, and which unit was on which device when.

All instants are milliseconds since 1970 UTC; `until_ms` None means still so.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the registry. `approved_ms`: since when the district vouches for its key."""

    unit: str
    clinic: str
    key_hex: str
    plug: bool
    approved_ms: int | None
    added_ms: int
    retired_ms: int | None

    @property
    def grade(self) -> str:
        """Grade of what it signs: A, or B for a key that only the clinic enrolled and for a shop plug."""
        return "A" if self.approved_ms is not None and not self.plug else "B"


@dataclass(frozen=True, slots=True)
class Device:
    """A lamp or box of the inventory. `blind`: it has no unit, or can run unseen."""

    device: str
    clinic: str
    load: str
    room: str
    bed: str
    stations: int
    blind: bool
    from_ms: int
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A unit's time on a device."""

    unit: str
    device: str
    from_ms: int
    until_ms: int | None = None


_OURS = ":clinic IS NULL OR clinic = :clinic"


def units(db: Database, clinic: str | None = None) -> dict[str, Unit]:
    """All units by name, retired ones too; of one clinic, or of all."""
    rows = db.query(f"SELECT * FROM units WHERE {_OURS} ORDER BY unit", {"clinic": clinic})
    return {row["unit"]: Unit(**{**row, "plug": bool(row["plug"])}) for row in rows}


def devices(db: Database, clinic: str | None = None) -> dict[str, Device]:
    """All devices by name, retired ones too; of one clinic, or of all."""
    rows = db.query(f"SELECT * FROM devices WHERE {_OURS} ORDER BY room, bed, device", {"clinic": clinic})
    return {row["device"]: Device(**{**row, "blind": bool(row["blind"])}) for row in rows}


def placements(db: Database, clinic: str | None = None) -> list[Placement]:
    """Every placement that ever was, by unit and time; of one clinic's units, or of all."""
    rows = db.query(
        f"SELECT * FROM placements WHERE unit IN (SELECT unit FROM units WHERE {_OURS}) ORDER BY unit, from_ms",
        {"clinic": clinic},
    )
    return [Placement(**row) for row in rows]


def device_at(db: Database, unit: str, at_ms: int) -> Device | None:
    """The device on which a unit was at an instant."""
    found = db.query(
        "SELECT devices.* FROM placements JOIN devices USING (device)"
        " WHERE unit = ? AND placements.from_ms <= ? AND ? < coalesce(placements.until_ms, ? + 1)",
        [unit, at_ms, at_ms, at_ms],
    )
    row = next(iter(found), None)
    return Device(**{**row, "blind": bool(row["blind"])}) if row else None


def unit_on(db: Database, device: str) -> str | None:
    """The unit that is on a device now."""
    row = db.execute("SELECT unit FROM placements WHERE device = ? AND until_ms IS NULL", [device]).fetchone()
    return row[0] if row else None


def add_unit(db: Database, unit: Unit) -> None:
    """Into the registry."""
    db.execute("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(unit))


def add_device(db: Database, device: Device) -> None:
    """Into the inventory."""
    db.execute("INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(device))


def place(db: Database, unit: str, device: str, from_ms: int) -> None:
    """The unit is on the device from then on."""
    db.execute("INSERT INTO placements (unit, device, from_ms) VALUES (?, ?, ?)", [unit, device, from_ms])


def end_placement(db: Database, unit: str, until_ms: int) -> None:
    """The unit leaves the device it is on."""
    db.execute("UPDATE placements SET until_ms = ? WHERE unit = ? AND until_ms IS NULL", [until_ms, unit])


def end_device(db: Database, device: str, until_ms: int) -> None:
    """The device leaves the inventory."""
    db.execute("UPDATE devices SET until_ms = ? WHERE device = ?", [until_ms, device])


def not_yet_on(db: Database, clinic: str) -> list[tuple[Device, str]]:
    """The devices of a clinic with a unit on them now that has not seen its load go on since its last BOOT, and the exact line
    of that. A SESSION says nothing here: it may close what the boot before had opened."""
    rows = db.query(
        """SELECT d.*, (SELECT CASE kind WHEN 'BOOT' THEN line END FROM records r WHERE r.unit = p.unit AND r.chained = 1
                               AND r.kind IN ('BOOT', 'OPEN') -- and for the index records_telling
                               AND r.kind IN ('BOOT', 'OPEN', 'SESSION', 'GAP', 'FAULT')
                             ORDER BY r.us DESC LIMIT 1) AS line
           FROM placements p JOIN units u USING (unit) JOIN devices d USING (device)
           WHERE u.clinic = ? AND p.until_ms IS NULL""",
        [clinic],
    )
    found = [(row.pop("line"), row) for row in rows]
    return [(Device(**{**row, "blind": bool(row["blind"])}), line) for line, row in found if line is not None]


def set_blind(db: Database, device: str, blind: bool) -> None:
    """Whether a device has no unit or can run unseen."""
    db.execute("UPDATE devices SET blind = ? WHERE device = ?", [blind, device])


def set_stations(db: Database, device: str, stations: int) -> None:
    """How many patients the device serves at once."""
    db.execute("UPDATE devices SET stations = ? WHERE device = ?", [stations, device])


def retire(db: Database, unit: str, at_ms: int) -> None:
    """The unit is out of use; its records stay."""
    db.execute("UPDATE units SET retired_ms = ? WHERE unit = ?", [at_ms, unit])


def approve(db: Database, unit: str, at_ms: int) -> None:
    """The district vouches for the unit's key, since when it first did."""
    db.execute("UPDATE units SET approved_ms = ? WHERE unit = ? AND approved_ms IS NULL", [at_ms, unit])


def note_amendment(db: Database, device: str, what: str, people: tuple[str, str], at_ms: int) -> None:
    """Keeps who changed what about a device; nothing of it is overwritten."""
    db.execute(
        "INSERT INTO amendments (device, what, by, second, at_ms) VALUES (?, ?, ?, ?, ?)",
        [device, what, *people, at_ms],
    )


def amendments(db: Database) -> list[dict]:
    """Every amendment, oldest first."""
    return list(db.query("SELECT * FROM amendments ORDER BY amendment"))
