"""Ledgers for tests: real SQLite in a temporary folder, or in memory where durability is not the question."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlite_utils import Database

from gateway import config, config_text, inventory, pipeline
from gateway.bootstrap import Book, open_book
from gateway.intake.outcome import Outcome
from gateway.intake.verify import Arrival
from gateway.inventory import Spot
from gateway.ledger import database
from gateway.ledger.schema import migrations
from tests.support.chain import START_MS, Writer

CLINIC = "C001"


def in_memory(*writers: Writer) -> Database:
    """An empty ledger that knows the units of `writers`."""
    db = Database(memory=True)
    migrations.apply(db)
    for writer in writers:
        enrol(db, writer)
    return db


def in_folder(
    folder: Path, *writers: Writer, role: str = config.CLINIC, extra: str = "", port: int = 0
) -> Book:
    """A ledger folder as `init` makes it, with `extra` lines of configuration, that knows the units."""
    folder.mkdir(parents=True, exist_ok=True)
    database.create_ledger(folder).close()
    clinic = CLINIC if role == config.CLINIC else "district"
    plain = config.Config(clinic, "示范诊所", role, serve=config.Serve(port=port))
    text = config_text.text(plain).replace("[district.tokens]", "")
    (folder / config.FILE).write_text(text + "\n" + extra, encoding="utf-8")
    book = open_book(folder)
    with book.ledger() as db:
        for writer in writers:
            enrol(db, writer, vouched=book.is_district)
    return book


def enrol(db: Database, writer: Writer, clinic: str = CLINIC, vouched: bool = False) -> None:
    """The unit of `writer` into the registry, on a lamp of its own."""
    spot = Spot("tdp", "R1")
    inventory.enrol(db, writer.unit, writer.key_hex, clinic, False, spot, 0, START_MS, vouched=vouched)


def take_in(
    db: Database, lines: Iterable[bytes], now_ms: int = START_MS, *, sent_by_unit: bool = False
) -> Outcome:
    """The lines through verify and store."""
    return pipeline.take_in(db, [Arrival(line) for line in lines], "test", now_ms, sent_by_unit=sent_by_unit)
