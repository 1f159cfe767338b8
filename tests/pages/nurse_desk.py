"""A clinic's morning at the nurse's desk: paid lines, a lamp that burns, what was recorded so far."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from sqlite_utils import Database

from gateway.access.places import NURSE
from gateway.audit import catalogue
from gateway.clock import Clock
from gateway.ledger import attended
from gateway.ledger.database import open_ledger, transaction
from gateway.nurse import attend, tokens
from gateway.nurse.attend import Act, Details, Treated
from gateway.pages import nurse
from gateway.pages.app import create_app
from gateway.pages.guard import Guard
from tests.pages import sample
from tests.support.signed_in import enter

KEY = b"k" * 32
NOW_MS = sample.at("10:30")
ITEMS = catalogue.read().items
TOKEN = "K7QXPNTUVW4ABDRM"

# line, visit, item, count, charged, room
_LINES = [
    ("2026030200071/101", "2026030200071", 31, 2, "09:40", "理疗一室"),
    ("2026030200071/102", "2026030200071", 16, 1, "09:40", "针灸室"),
    ("2026030200071/103", "2026030200071", 34, 1, "09:40", "针灸室"),
    ("2026030200072/101", "2026030200072", 4, 1, "09:52", "推拿室"),
    ("2026030200073/101", "2026030200073", 23, 1, "10:02", "针灸室"),
    ("2026030200073/102", "2026030200073", 33, 1, "10:02", "针灸室"),
    ("2026030200074/101", "2026030200074", 31, 1, "10:11", "理疗一室"),
    ("2026030200075/101", "2026030200075", 8, 1, "10:20", "推拿室"),
]


def act(clock: str, by: str = "D01") -> Act:
    return Act("C001", by, sample.at(clock))


def morning(folder: Path) -> Path:
    """The ledger in `folder`: four lines done or running, four waiting, one lamp on."""
    path = folder / "ledger.db"
    db = sample.ledger(path, day=False)
    _bills(db)
    sample._device(db, "U1", "TDP-01", "tdp", "理疗一室", "1", 1, 0, [], [])
    with db.conn:
        _lamp_on(db)
    db.close()
    db = open_ledger(folder)
    _recorded(db)
    db.close()
    return path


def _bills(db: Database) -> None:
    with db.conn:
        db.table("bill_files").insert({
            "file": 1, "sha256": "0" * 64, "clinic": "C001", "source": "clinic", "name": "2204.json",
            "format": "2204", "imported_ms": sample.at("10:21"), "body": b"",
        })  # fmt: skip
        for row, (line, visit, item, count, clock, room) in enumerate(_LINES, start=1):
            db.table("bill_lines").insert({
                "clinic": "C001", "source": "clinic", "line": line, "file": 1, "row": row, "visit": visit,
                "patient": "ab" * 32, "item": item, "code": "x", "name": ITEMS[item].zh, "count": str(count),
                "treatments": count, "amount_fen": 1200 * count, "charged_ms": sample.at(clock), "room": room,
                "staff": "D01", "settlement": "",
            })  # fmt: skip


def _lamp_on(db: Database) -> None:
    each = sample.session("U1", 3, sample.at("10:18"), 1)
    sample.store(db, each, kind="OPEN")
    db.table("heads").insert({
        "unit": "U1", "us": 3, "digest": each.digest, "first_us": 1, "first_up": "0" * 64, "heard_ms": sample.at("10:29"),
    })  # fmt: skip


def _treated(place: int, how: str = "manual") -> Treated:
    line, visit, item, _, _, room = _LINES[place]
    return Treated(visit, ITEMS[item], line, room, "D01", how)


def _recorded(db: Database) -> None:
    with transaction(db):
        attended.keep_tag(db, "C001", tokens.tag(KEY, TOKEN), "2026030200073", sample.at("10:02"), "D09")
    first = attend.begin(db, act("09:45"), _treated(1, "scanned"))
    attend.end(db, act("10:07"), first.entry, ITEMS[16], Details(acupoints=9))
    attend.begin(db, act("10:12"), _treated(3, "scanned"))
    attend.begin(db, act("10:19"), _treated(0))
    stopped = attend.begin(db, act("10:08"), _treated(2))
    attend.end(db, act("10:13"), stopped.entry, ITEMS[34], Details(), "stopped", "患者感到不适")


CLOCK = Clock(0, NOW_MS, 1e-9)


def app(path: Path) -> FastAPI:
    """The pages at half past ten, as they are behind the guard."""

    def ledger() -> Database:
        return open_ledger(path.parent)

    pages = create_app(ledger, sample.CONFIG, CLOCK)
    pages.include_router(nurse.routes(ledger, sample.CONFIG, CLOCK, lambda: KEY))
    return pages


def guarded(path: Path) -> FastAPI:
    """The same with the guard before them."""
    pages = app(path)
    pages.add_middleware(
        Guard, open_ledger=lambda: open_ledger(path.parent), config=sample.CONFIG, clock=CLOCK
    )
    return pages


def token(folder: Path, name: str = "D01", role: str = NURSE) -> str:
    """What the browser of somebody with a new account of that role keeps."""
    db = open_ledger(folder)
    try:
        return enter(db, name, role, NOW_MS)
    finally:
        db.close()
