"""A month through the real path: records taken in, the fee list imported, people's records kept, all reconciled at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from gateway import config, config_text, inventory, pipeline
from gateway.audit import catalogue, changes, import_bills
from gateway.audit.import_bills import Rules
from gateway.audit.patients import Patients
from gateway.bootstrap import Book, open_book
from gateway.intake.verify import Arrival
from gateway.inventory import Spot
from gateway.ledger import attended, database
from gateway.ledger.attended import Entry
from gateway.ledger.bills import Teller
from gateway.ledger.database import transaction
from tests.simulated.plan import (
    CLINIC,
    CLOSES,
    COURSE,
    OPENS,
    PRICES_FEN,
    Charge,
    Month,
    Recorded,
    at,
    code_of,
    local,
    name_of,
    sundays,
)
from tests.simulated.units import SimulatedUnit, all_of
from tests.support.bills import fee, fee_list, refund

BATCH = 500
LATER_MS = 10 * 24 * 3600 * 1000  # the month is reconciled ten days after it ended, when refunds have come


def settle(folder: Path, month: Month) -> dict[str, Any]:
    """What `reconcile --json` says of the whole month, in a new ledger in `folder`."""
    book = _found(folder, month)
    now_ms = at(month.days[-1], "23:59") + LATER_MS
    with book.ledger() as db:
        _amend(db, book)
        for unit in all_of(month):
            _take_in(db, unit, now_ms)
        _import(db, book, month, now_ms)
        _keep_records(db, month)
        return pipeline.settle(db, book.config, month.days[0], month.days[-1], "platform", now_ms).said


def _found(folder: Path, month: Month) -> Book:
    folder.mkdir()
    database.create_ledger(folder).close()
    made = config.Config(CLINIC, "模拟诊所", opens=OPENS, closes=CLOSES, closed=tuple(sundays(31)))
    (folder / config.FILE).write_text(config_text.text(made), encoding="utf-8")
    return open_book(folder)


def _amend(db: Database, book: Book) -> None:
    """Two persons put the course into the catalogue."""
    zone_of = lambda clinic: book.config.zone  # noqa: E731
    number, _ = changes.propose(db, COURSE, "course.toml", "D01", "疗程 course", 0)
    changes.approve(db, number, "D02", 0, zone_of)


def _take_in(db: Database, unit: SimulatedUnit, now_ms: int) -> None:
    spot = Spot(unit.load, f"R{unit.device[1:]}")
    inventory.enrol(db, unit.unit, unit.key_hex, CLINIC, False, spot, 0, 0, vouched=True)
    for lines in _batches(unit.lines):
        arrivals = [Arrival(line, CLINIC, unit.unit) for line in lines]
        outcome = pipeline.take_in(db, arrivals, "simulated", now_ms)
        assert outcome.stored == len(lines), outcome


def _batches(lines: list[bytes]) -> Iterator[list[bytes]]:
    coming = iter(lines)
    while batch := list(islice(coming, BATCH)):
        yield batch


def _import(db: Database, book: Book, month: Month, now_ms: int) -> None:
    rules = Rules(catalogue.in_force(db), book.config.zone, Patients(b"simulated month " * 2))
    body = fee_list(*_rows(month.charges))
    imported = import_bills.import_bills(db, rules, body, "month.csv", Teller(CLINIC, "platform"), now_ms)
    assert not imported.refused and not imported.unmapped, (imported.refused[:3], imported.unmapped)


def _rows(charges: Iterable[Charge]) -> Iterator[dict[str, str]]:
    for charge in charges:
        yield fee(str(charge.number), **_about(charge, charge.count, charge.charged_ms))
        if charge.refunded:
            about = _about(charge, -charge.refunded, charge.refund_ms)
            settled = {"init_feedetl_sn": str(charge.number), "setl_id": f"T{charge.number}"}
            yield refund(f"{charge.number}R", **(about | settled))


def _about(charge: Charge, count: int, at_ms: int) -> dict[str, str]:
    price_fen = PRICES_FEN[charge.item]
    return {
        "visit": charge.visit,
        "psn_no": charge.patient,
        "fee_ocur_time": f"{local(at_ms):%Y-%m-%d %H:%M:%S}",
        "cnt": str(count),
        "pric": f"{price_fen / 100:.2f}",
        "det_item_fee_sumamt": f"{price_fen * count / 100:.2f}",
        "hilist_name": name_of(charge.item),
        "hilist_code": "",
        "med_list_codg": code_of(charge.item),
        "medins_list_codg": "",
        "medins_list_name": name_of(charge.item),
        "acord_dr_code": charge.staff,
        "setl_id": f"S{charge.visit}",
        "mdtrt_id": charge.visit,
    }


def _keep_records(db: Database, month: Month) -> None:
    with transaction(db):
        for number, recorded in enumerate(sorted(month.recorded, key=lambda each: each.from_ms), start=1):
            attended.add(db, _entry(number, recorded))


def _entry(number: int, told: Recorded) -> Entry:
    charge, ended_ms = told.charge, None if told.undone else told.until_ms
    outcome = "undone" if told.undone else "done"
    return Entry(
        number, number, None, CLINIC, charge.visit, charge.item, charge.line, "R1", told.staff, outcome, told.from_ms,
        ended_ms, "patient left" if told.undone else "", None, None, "", "scanned", "", 0, "",
        ended_ms or told.from_ms, "N01",
    )  # fmt: skip
