"""Review of leads: the clinic answers, the district decides.

Every act is one transaction, stands in the trail, and none is overwritten: what was decided first can still be read
beside what was decided later. How a lead stands follows from its acts: outcomes.py.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway.audit.formats.values import Unfit, fen
from gateway.audit.outcomes import Decided, Standing, is_final, refunded_by, standing
from gateway.errors import UsageError
from gateway.instants import read_day
from gateway.ledger import reviews, trail
from gateway.ledger.database import transaction
from gateway.ledger.reviews import Act, LeadFound
from gateway.money import yuan
from gateway.persons import person, reason

COMPLAINT = "complaint"
MOST_BYTES = 20 * 1024 * 1024

_NUMBERS_OF_PEOPLE = re.compile(r"(?<!\d)(\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx]|1\d\d[ -]?\d{4}[ -]?\d{4})(?!\d)")


# --- reading a ledger ---------------------------------------------------------------------------------------------


def lead_named(db: Database, name: str, clinic: str | None = None) -> LeadFound:
    """The lead of that name; UsageError where there is none, or where two clinics have one."""
    found = reviews.leads(db, clinic=clinic, lead=name)
    if not found:
        raise UsageError(f"没有线索 {name}：请看 wattwitness leads", f"no lead {name}: see wattwitness leads")
    if len(found) > 1:
        whose = ", ".join(each.clinic for each in found)
        raise UsageError(
            f"{whose} 都有线索 {name}：请给出 --clinic", f"{whose} each have a lead {name}: name the --clinic"
        )
    return found[0]


def standing_of(db: Database, found: LeadFound, today: date) -> Standing:
    """How a lead of the ledger stands."""
    return standing(reviews.acts(db, found.clinic, found.lead), _refunds(db, found), today)


def listed(
    db: Database, first: str, last: str, clinic: str | None, today: date
) -> list[tuple[LeadFound, Standing]]:
    """The leads of the days [first, last] and how they stand: those that the newest runs find, and of those that they
    do not find any more the ones that somebody spoke of or that were refunded."""
    found = reviews.leads(db, first, last, clinic)
    spoken = _by_lead(db, {each.clinic for each in found})
    listed = [
        (each, standing(spoken.get((each.clinic, each.lead), ()), _refunds(db, each), today))
        for each in found
    ]
    return [
        (each, now)
        for each, now in listed
        if each.standing or now.refunded_by or (each.clinic, each.lead) in spoken
    ]


def _by_lead(db: Database, clinics: set[str]) -> Mapping[tuple[str, str], list[Act]]:
    spoken: dict[tuple[str, str], list[Act]] = {}
    for clinic in clinics:
        for act in reviews.acts(db, clinic):
            spoken.setdefault((act.clinic, act.lead), []).append(act)
    return spoken


def _refunds(db: Database, found: LeadFound) -> tuple[str, ...]:
    lines = found.body.get("lines", [])
    return refunded_by(found, reviews.lines_now(db, found, lines)) if lines else ()


# --- acts ---------------------------------------------------------------------------------------------------------


def answer(
    db: Database, found: LeadFound, side: str, by: str, at_ms: int, text: str, files: Mapping[str, bytes]
) -> Act:
    """The clinic says what there is to say, with `files` (name -> bytes) attached."""
    return _say(db, found, side, "answer", by, at_ms, text, files)


def appeal(
    db: Database, found: LeadFound, side: str, by: str, at_ms: int, text: str, files: Mapping[str, bytes]
) -> Act:
    """The clinic contests what the district decided: the lead waits for the district again."""
    now = standing(reviews.acts(db, found.clinic, found.lead), (), date.min)
    if now.state != "closed":
        raise UsageError(
            f"线索 {found.lead} 还没有区里的结论，不能申诉：请用 lead answer 答复",
            f"the district has not decided lead {found.lead}, there is nothing to appeal: use lead answer",
        )
    return _say(db, found, side, "appeal", by, at_ms, text, files)


def decide(db: Database, found: LeadFound, side: str, by: str, at_ms: int, decided: Decided) -> Act:
    """A person sets an outcome: final where the ledger is a district's, internal where it is a clinic's."""
    body = {
        "outcome": decided.outcome,
        "final": is_final(side, decided.outcome),
        "why": reason(decided.why),
        "withheld_fen": decided.withheld_fen,
        "deducted_fen": decided.deducted_fen,
        "cause": decided.cause.strip(),
        "rectification": decided.rectification.strip(),
        "due": decided.due and decided.due.isoformat(),
    }
    return _act(db, found, side, "review", by, at_ms, body, {})


def open_lead(
    db: Database, clinic: str, about: dict[str, Any], amount_fen: int, by: str, at_ms: int
) -> LeadFound:
    """A person opens a lead because of a complaint (举报): `about` holds day, text, item and lines. Who complained is asked
    of nobody and kept nowhere."""
    text, day = reason(about["text"], "--text"), about["day"]
    if _NUMBERS_OF_PEOPLE.search(unicodedata.normalize("NFKC", text)):
        raise UsageError(
            "线索正文里不要写身份证号或电话号码，更不要写举报人：请删去",
            "no identity or telephone number in a lead, least of all who complained: leave it out",
        )
    name = hashlib.sha256(f"{clinic}\n{COMPLAINT}\n{day}\n{text}".encode()).hexdigest()[:12]
    body = {
        "id": name,
        "rule": COMPLAINT,
        "item": about["item"],
        "day": day,
        "treatments": 0,
        "capacity": 0,
        "lines": sorted(set(about["lines"])),
        "supplies": [],
        "dark": [],
        "amount": yuan(amount_fen),
        "zh": f"举报：{text}",
        "en": f"Complaint: {text}",
        "parameters": {},
        "witness": [],
    }
    found = LeadFound(clinic, "", name, COMPLAINT, day, amount_fen, body, True)
    who = person(by)
    with transaction(db):
        if reviews.leads(db, clinic=clinic, lead=name):
            raise UsageError(f"同样的线索已经开立：{name}", f"the same lead is there already: {name}")
        reviews.tell(db, found, at_ms)
        trail.note(db, at_ms, who, "lead_open", f"lead:{name}", {"clinic": clinic, "rule": COMPLAINT})
    return found


def _say(
    db: Database,
    found: LeadFound,
    side: str,
    kind: str,
    by: str,
    at_ms: int,
    text: str,
    files: Mapping[str, bytes],
) -> Act:
    kept = {name: hashlib.sha256(each).hexdigest() for name, each in files.items()}
    told = [{"name": name, "sha256": kept[name], "bytes": len(each)} for name, each in sorted(files.items())]
    body = {"text": reason(text, "--text"), "attachments": told}
    return _act(db, found, side, kind, by, at_ms, body, {kept[name]: each for name, each in files.items()})


def _act(
    db: Database,
    found: LeadFound,
    side: str,
    kind: str,
    by: str,
    at_ms: int,
    body: dict[str, Any],
    files: Mapping[str, bytes],
) -> Act:
    """Act, attachments and trail, all or nothing."""
    who = person(by)
    with transaction(db):
        act = reviews.next_act(db, found.clinic, found.lead, side, kind, at_ms, who, body)
        reviews.attach(db, files)
        reviews.add(db, act)
        trail.note(
            db, at_ms, who, f"lead_{kind}", f"lead:{found.lead}", {"clinic": found.clinic, "act": act.sha256}
        )
    return act


# --- what people write --------------------------------------------------------------------------------------------


def money(text: str | None, option: str) -> int | None:
    """Yuan as people write it, in fen; UsageError for anything but an amount that is not negative."""
    if text is None:
        return None
    try:
        amount = fen(text)
    except Unfit as error:
        raise UsageError(f"{option} {text!r}：{error.zh}", f"{option} {text!r}: {error.en}") from None
    if amount < 0:
        raise UsageError(f"{option} {text!r} 不能为负", f"{option} {text!r} must not be negative")
    return amount


def due_day(text: str | None) -> date | None:
    """The day by which an answer is due."""
    return None if text is None else read_day(text)
