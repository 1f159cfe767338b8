"""Rooms whose devices are in every state that the live board knows, at half past ten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway import inventory
from gateway.bootstrap import Book
from gateway.inventory import Spot
from gateway.ledger.database import transaction
from tests.gateway.test_his import clock
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, in_folder, take_in

MINUTE_MS = 60_000
NOW_MS = START_MS + 150 * MINUTE_MS

Story = Callable[[Writer], int]
"""Writes what a unit said, and gives how many minutes ago it was heard last."""


def until(writer: Writer, ago: int) -> None:
    """Heartbeats until so many minutes ago."""
    while (left := (NOW_MS - writer.at_ms) // MINUTE_MS - ago) > 0:
        writer.alive(min(10, left))


def burning(minutes: int) -> Story:
    """On for so many minutes now."""

    def told(writer: Writer) -> int:
        until(writer, minutes)
        writer.open()
        until(writer, 1)
        return 1

    return told


def idle(writer: Writer) -> int:
    """Went out a while ago."""
    until(writer, 50)
    writer.session(20)
    until(writer, 1)
    return 1


def silent(writer: Writer) -> int:
    """Was on when it was heard last, an hour ago."""
    until(writer, 70)
    writer.open()
    writer.alive(10)
    return 60


def faulty(cause: str, before: Story = idle) -> Story:
    """A fault at the end."""

    def told(writer: Writer) -> int:
        ago = before(writer)
        writer.fault(cause)
        return ago

    return told


def enrol(
    book: Book, unit: str, load: str, room: str, bed: str, blind: bool = False, booted_ms: int = START_MS
) -> Writer:
    """A unit that has booted, on a device of its own: U1 on tdp-U1."""
    writer = Writer(unit, booted_ms)
    with book.ledger() as db:
        spot = Spot(load, room, bed, blind=blind)
        inventory.enrol(db, unit, writer.key_hex, CLINIC, False, spot, 0, START_MS)
    writer.boot()
    return writer


def heard(book: Book, writer: Writer, minutes_ago: int = 1, lines: list[bytes] | None = None) -> None:
    """The ledger takes in what the unit wrote."""
    with book.ledger() as db:
        take_in(db, writer.lines if lines is None else lines, NOW_MS - minutes_ago * MINUTE_MS)


def empty(folder: Path, extra: str = "") -> Book:
    """A clinic without devices, at half past ten for ever."""
    return in_folder(folder, extra=clock(NOW_MS) + extra)


STORIES: dict[str, tuple[str, str, str, Story]] = {
    "U1": ("tdp", "理疗一室", "1", burning(12)),
    "U2": ("tdp", "理疗一室", "2", burning(27)),
    "U3": ("tdp", "理疗一室", "3", idle),
    "U4": ("tdp", "理疗二室", "1", silent),
    "U5": ("tdp", "理疗二室", "2", faulty("METER_SILENT")),
    "U6": ("stim", "针灸室", "1", faulty("CASE_OPEN", burning(5))),
    "U7": ("stim", "针灸室", "2", faulty("STORAGE")),
}


def morning(folder: Path, extra: str = "") -> Book:
    """Eight devices in three rooms; the last has no unit."""
    book = empty(folder, extra)
    for unit, (load, room, bed, story) in STORIES.items():
        writer = enrol(book, unit, load, room, bed)
        ago = story(writer)
        heard(book, writer, ago)
    with book.ledger() as db, transaction(db):
        inventory.put_in(db, "STIM-03", CLINIC, Spot("stim", "针灸室", "3"), START_MS)
    return book
