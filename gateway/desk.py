"""What is done for the clinic's HIS: its questions and bills, from the shapes of the API to the ledger and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.audit import catalogue, precheck
from gateway.audit.advise import Advice, Asked
from gateway.audit.catalogue import Catalogue, Item
from gateway.audit.hours import Hours
from gateway.audit.import_bills import Rules, import_bills
from gateway.audit.live import Live
from gateway.audit.patients import Patients, open_patients
from gateway.audit.precheck import Answer, Question
from gateway.bootstrap import Book
from gateway.commands.imported import document
from gateway.his.routes import Desk
from gateway.his.shapes import Line, LineAdvice, Precheck, PrecheckAnswer, Reason, UnitNow, Units, Word
from gateway.instants import iso
from gateway.ledger.bills import Teller
from gateway.persons import HIS


def desk(book: Book) -> Desk:
    """The desk of a clinic's book. The key by which persons are hashed is read once."""
    patients = open_patients(book.folder)
    return Desk(
        lambda said: _precheck(book, patients, said),
        lambda body: _charge(book, patients, body),
        lambda: _units(book),
    )


def _precheck(book: Book, patients: Patients, said: Precheck) -> PrecheckAnswer:
    now_ms, hours = book.clock.now_ms(), Hours(book.config)
    charged_ms = now_ms if said.fee_ocur_time is None else round(said.fee_ocur_time.timestamp() * 1000)
    with book.ledger() as db:
        items = catalogue.in_force(db)
        meant = [_item(items, hours, line, charged_ms) for line in said.lines]
        asked = [
            Asked(item, line.cnt if item.per != "根" else 1, charged_ms, said.mdtrt_id, said.age)
            for line, item in zip(said.lines, meant, strict=True)
            if item is not None
        ]
        after = book.config.his is not None and book.config.his.settle_after_treatment
        question = Question(patients.hashed(said.psn_no), asked, after)
        return _answered(said, meant, precheck.answer(db, hours, items, question, now_ms))


def _item(items: Catalogue, hours: Hours, line: Line, charged_ms: int) -> Item | None:
    codes, own = [line.med_list_codg], [line.medins_list_codg]
    return items.find(codes, own, [line.medins_list_name], day=hours.day_of(charged_ms)).item


def _answered(said: Precheck, meant: list[Item | None], answer: Answer) -> PrecheckAnswer:
    found = iter(answer.advice)
    lines = [
        _line(line, item, list(next(found)) if item else [])
        for line, item in zip(said.lines, meant, strict=True)
    ]
    worst = max((each.advice for each in lines), key=("ok", "unknown", "attention").index)
    return PrecheckAnswer(advice=worst, lines=lines, time_left=answer.time_left)


def _line(line: Line, item: Item | None, advice: list[Advice]) -> LineAdvice:
    reasons = [Reason(code=each.reason, zh=each.zh, en=each.en) for each in advice]
    said: Word = "unknown" if item is None else "attention" if reasons else "ok"
    number = item.number if item else None
    return LineAdvice(feedetl_sn=line.feedetl_sn, item=number, advice=said, reasons=reasons)


def _charge(book: Book, patients: Patients, body: bytes) -> tuple[bool, Mapping[str, Any]]:
    teller = Teller(book.config.clinic, "clinic")
    with book.ledger() as db:
        rules = Rules(catalogue.in_force(db), book.config.zone, patients)
        imported = import_bills(db, rules, body, "api", teller, book.clock.now_ms(), form="2204", by=HIS)
    return imported.file is not None, document(imported, teller.source)


def _units(book: Book) -> Units:
    now_ms, hours = book.clock.now_ms(), Hours(book.config)
    with book.ledger() as db:
        found = precheck.units_now(db, hours, catalogue.in_force(db), now_ms)
    return Units(at=iso(now_ms, book.config.zone), units=[_unit(each, book) for each in found])


def _unit(now: Live, book: Book) -> UnitNow:
    place = now.place
    return UnitNow(
        unit=place.unit,
        device=place.device,
        load=place.load,
        room=place.room,
        bed=place.bed,
        state=now.state,
        since=None if now.since_ms is None else iso(now.since_ms, book.config.zone),
        minutes=now.minutes,
        required_minutes=now.required,
        waiting=now.waiting,
        bill_waits=now.waiting > 0,
    )
