"""One record: every byte of it, what its fields say, whose seal it bears and how to check that by hand, what stands before and
after it in the chain, and what was said that rests on it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.config import DISTRICT, Config
from gateway.instants import local_day
from gateway.ledger import evidence_of
from gateway.ledger.evidence_of import Kept, Row, Signer
from gateway.pages.addresses import Addresses
from gateway.pages.record_words import Field, RecordWords
from gateway.pages.rendered import language, rendered
from gateway.pages.resting import Resting, resting
from gateway.pages.whose import named
from gateway.pages.words import speak
from protocol import p256, record, seal
from protocol.errors import RecordError
from protocol.record import Record

OpenLedger = Callable[[], Database]

_MEMORY_DAYS = 31  # a unit holds 30 days unsent
_FIRST, _LAST = date(1971, 1, 1), date(2999, 12, 31)  # the days that have pages


@dataclass(frozen=True, slots=True)
class Shown:
    """One record kept under a number; `said` None where it cannot be read. `seal` is "good", or why it is not; `before` and
    `after` whether those that it joins are kept."""

    kept: Kept
    said: Record | None
    fields: list[Field]
    seal: str
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Found:
    """All that a record's page shows; `device` is the one that the unit was on, where somebody said."""

    signer: Signer
    shown: list[Shown]
    device: Row | None
    findings: list[Row]
    refused: list[Row]
    resting: Resting


def routes(open_ledger: OpenLedger, config: Config) -> APIRouter:
    """`/record/UNIT/US`, and its exact bytes as a file."""
    router = APIRouter(prefix="/record")

    @router.get("/{unit}/{us}.ocmf")
    def file(unit: str, us: str, digest: str = "") -> Response:
        with closing(open_ledger()) as db:
            kept = [
                each for each in evidence_of.records(db, unit, _number(us)) if digest in ("", each.digest)
            ]
        if not kept:
            raise HTTPException(404)
        name = f"{unit}-{us}.ocmf" if unit.isascii() and unit.replace("-", "").isalnum() else f"{us}.ocmf"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(kept[0].line.encode(), media_type="application/octet-stream", headers=headers)

    @router.get("/{unit}/{us}")
    def page(request: Request, unit: str, us: str) -> Response:
        lang = language(request)
        with closing(open_ledger()) as db:
            found = _found(db, config, unit, _number(us), lang)
        if found is None:
            raise HTTPException(404, speak(lang)("record.none", name=f"{unit}:{us}"[:60]))
        return rendered("record.html", lang, **_texts(config, found, lang))

    return router


def _number(us: str) -> int:
    """A record's number; 0, which none has, for what is no number."""
    return int(us) if us.isascii() and us.isdecimal() and len(us) < 17 else 0


def _found(db: Database, config: Config, unit: str, us: int, lang: str) -> Found | None:
    kept = evidence_of.records(db, unit, us)
    signer = evidence_of.signers(db, [unit]).get(unit)
    if not kept or signer is None:
        return None
    shown = [_shown(db, each, signer, RecordWords(lang, config.zone)) for each in kept]
    return Found(
        signer,
        shown,
        evidence_of.placed(db, unit, kept[0].at_ms),
        evidence_of.findings(db, unit, us),
        evidence_of.refused(db, unit, us),
        resting(db, signer.clinic, f"{unit}:{us}", _days(db, config, shown[0])),
    )


def _days(db: Database, config: Config, first: Shown) -> tuple[str, str]:
    """From which day to which a treatment can have been charged that rests on a record: as long before its day as a course
    or a charge is good for, and over midnight. What an unset clock says was at most a unit's memory before it came."""
    day = last = _day(first.kept.at_ms, config)
    if first.said is None or any(each.flag != record.SYNCHRONISED for each in first.said.readings):
        last = _day(first.kept.received_ms, config)
        day = last - timedelta(_MEMORY_DAYS)
    items = catalogue.in_force(db).on(last).values()
    most = max((each.course_days or each.valid_days or 0 for each in items), default=0)
    return str(day - timedelta(most + 1)), str(last + timedelta(1))


def _day(at_ms: int, config: Config) -> date:
    """The local day of an instant; of one that no clinic bills in, the last that it may."""
    return min(local_day(at_ms, config.zone), _LAST)


def _shown(db: Database, kept: Kept, signer: Signer, words: RecordWords) -> Shown:
    before = evidence_of.is_there(db, kept.unit, kept.us - 1, digest=kept.up)
    after = evidence_of.is_there(db, kept.unit, kept.us + 1, up=kept.digest)
    try:
        payload = seal.split(kept.line)[0]
        said, fields = record.parse(payload), words.fields(payload)
    except RecordError:
        said, fields = None, []
    return Shown(kept, said, fields, sealed(kept.line, signer.key_hex), before, after)


def sealed(line: str, key_hex: str) -> str:
    """ "good" where the seal of the line verifies with that key, now and here; else the code of what is wrong."""
    try:
        public = p256.from_spki(bytes.fromhex(key_hex))
        seal.check(line, lambda message, r, s: p256.verify(public, message, r, s))
    except RecordError as error:
        return error.code
    except ValueError:
        return "bad_key"
    return "good"


def _texts(config: Config, found: Found, lang: str) -> dict[str, Any]:
    first, words = found.shown[0], RecordWords(lang, config.zone)
    kept, to = first.kept, Addresses(lang, named(config, found.signer.clinic))
    name = f"{kept.unit}:{kept.us}"
    return {
        "title": words.say("record.title", name=name, kind=words.kind(kept.kind)),
        "name": name,
        "words": words,
        "to": to,
        "found": found,
        "unit": kept.unit,
        "us": kept.us,
        "day": _day_with_page(config, found.signer.clinic, kept),
        "zone": config.timezone,
        "grade": grade(found.signer),
        "fingerprint": fingerprint(found.signer.key_hex),
    }


def _day_with_page(config: Config, clinic: str, kept: Kept) -> date | None:
    """The day of a record, where it has a page here: an unset clock may say anything, and a district has to know the
    clinic's hours."""
    day = _day(kept.at_ms, config)
    return day if day >= _FIRST and (config.role != DISTRICT or clinic in config.clinics) else None


def grade(signer: Signer) -> str:
    """The grade of what a unit signs: A where the district vouches for its key, B of all others."""
    return "A" if signer.approved_ms is not None and not signer.plug else "B"


def fingerprint(key_hex: str) -> str:
    """SHA-256 of a public key's DER bytes, in groups of four hex digits, as people read it out to one another."""
    try:
        digest = hashlib.sha256(bytes.fromhex(key_hex)).hexdigest()
    except ValueError:
        return "—"
    return " ".join(digest[place : place + 4] for place in range(0, 64, 4))
