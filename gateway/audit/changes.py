"""What people change of the catalogue and say of codes: one proposes and another approves, and a clinic maps its own codes.

Each act is one transaction, stands in the trail, and overwrites nothing. The clock is an argument.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo

from sqlite_utils import Database

from gateway.audit import catalogue
from gateway.audit.catalogue import Catalogue, plain
from gateway.audit.editions import Difference, differences
from gateway.audit.formats.values import Unfit
from gateway.audit.meaning import Meaning, as_code
from gateway.audit.reassign import Reassigned, meant, reassign
from gateway.errors import UsageError
from gateway.instants import local_day
from gateway.ledger import catalogue as ledger
from gateway.ledger import trail
from gateway.ledger.catalogue import Called, Proposal
from gateway.ledger.database import transaction
from gateway.persons import person, reason, two_persons

LONGEST = 256 * 1024
"""Characters of a proposal: the whole catalogue has 10,000."""

ZoneOf = Callable[[str], tzinfo]
"""The time zone of a clinic."""


@dataclass(frozen=True, slots=True)
class WithoutItem:
    """What bills call something that has no item: with how many lines, what those in force cost, when they were charged,
    and the `candidates` that codes and name leave open. It may be no item at all."""

    called: Called
    candidates: tuple[int, ...]


# --- the catalogue: one proposes, another approves ---------------------------------------------------------------


def propose(
    db: Database, body: str, name: str, by: str, why: str, at_ms: int
) -> tuple[int, list[Difference]]:
    """Keeps a proposed change; its number, and what it would change. Nothing counts yet.

    UsageError where it cannot be made, or changes nothing.
    """
    who, because = person(by), reason(why)
    if len(body) > LONGEST:
        raise UsageError(f"{name} 过长：只写改动的项目", f"{name} is too long: write the items that change")
    with transaction(db):
        held = catalogue.in_force(db)
        changed = differences(held.items, catalogue.proposed(held, body, name).items)
        if not changed:
            raise UsageError(
                f"{name} 与现行目录没有不同：请检查", f"{name} says nothing that is other than now: check it"
            )
        number = ledger.propose(db, who, because, name, body, at_ms)
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        trail.note(
            db, at_ms, who, "catalogue_propose", f"proposal:{number}", {"why": because, "sha256": sha256}
        )
    return number, changed


def shown(db: Database, number: int) -> tuple[Proposal, list[Difference]]:
    """A proposal, and what it would change now; of one that counts, what it changed."""
    found = _proposal(db, number)
    before = catalogue.in_force(db, None if found.edition is None else found.edition - 1)
    return found, differences(before.items, catalogue.proposed(before, found.body, found.name).items)


def approve(db: Database, number: int, by: str, at_ms: int, zone_of: ZoneOf) -> tuple[int, Reassigned]:
    """The proposal counts from now on, for the days that it names; its edition, and what became of lines already told.

    UsageError where it counts already, where the same person proposed it, or where it can no longer be made.
    """
    with transaction(db):
        found = _proposal(db, number)
        who = another(found, by)
        done = lay(db, found, who, at_ms, zone_of)
        edition = len(ledger.approved(db))
        body = {"edition": edition, "lines": done.lines, "proposed_by": found.by}
        trail.note(db, at_ms, who, "catalogue_approve", f"proposal:{number}", body)
    return edition, done


def lay(db: Database, found: Proposal, who: str, at_ms: int, zone_of: ZoneOf) -> Reassigned:
    """What approving does, inside the caller's transaction and without a trace in the trail: so it can be rehearsed."""
    before = catalogue.in_force(db)
    catalogue.proposed(before, found.body, found.name)  # or nothing is kept
    ledger.approve(db, found.proposal, who, at_ms)
    after, done = catalogue.in_force(db), Reassigned()
    for clinic in ledger.clinics(db):
        own = ledger.own_codes(db, clinic)
        done.add(reassign(db, clinic, zone_of(clinic), Meaning(before, own), Meaning(after, own)))
    return done


def _proposal(db: Database, number: int) -> Proposal:
    found = ledger.proposal(db, number)
    if found is None:
        raise UsageError(
            f"没有第 {number} 号提议：请看 wattwitness catalogue proposals",
            f"there is no proposal {number}: see wattwitness catalogue proposals",
        )
    return found


def another(found: Proposal, by: str) -> str:
    """The name of who approves, as it is kept; UsageError where that is nobody else, or the proposal counts already."""
    if found.edition is not None:
        raise UsageError(
            f"第 {found.proposal} 号提议已由 {found.approved_by} 批准",
            f"proposal {found.proposal} counts already",
        )
    try:
        return two_persons(found.by, by)[1]
    except UsageError:
        raise UsageError(
            f"第 {found.proposal} 号提议由 {found.by} 提出，须由另一人批准（双人核对）",
            f"proposal {found.proposal} was made by {found.by}: another person approves it",
        ) from None


# --- a clinic's own codes ----------------------------------------------------------------------------------------


def map_code(
    db: Database,
    clinic: str,
    zone: tzinfo,
    code: str,
    item: int | None,
    since: date | None,
    by: str,
    at_ms: int,
) -> tuple[int, Reassigned]:
    """From `since` on (None: for all time) a clinic's code means that item, or with None nothing any more; the number of
    what was said, and what became of lines already told. UsageError where the catalogue has no such item then."""
    who, code = person(by), _code(code)
    from_day = since.isoformat() if since else ""
    with transaction(db):
        held = catalogue.in_force(db)
        _check_item(held, item, since)
        before = Meaning(held, ledger.own_codes(db, clinic))
        number = ledger.map_code(db, clinic, code, item, from_day, who, at_ms)
        done = reassign(db, clinic, zone, before, Meaning(held, ledger.own_codes(db, clinic)))
        body = {"code": code, "item": item, "from": from_day or None, "lines": done.lines}
        trail.note(db, at_ms, who, "catalogue_map", f"clinic:{clinic}", body)
    return number, done


def _code(text: str) -> str:
    try:
        code = as_code(text)
    except Unfit as unfit:
        raise UsageError(f"编码 {text!r} {unfit.zh}", f"code {text!r}: {unfit.en}") from None
    if not code or len(code) > 100 or not code.isprintable():
        raise UsageError("请给出收费文件里的编码，如 LL-001", "name a code as bills have it, like LL-001")
    return code


def _check_item(held: Catalogue, item: int | None, since: date | None) -> None:
    known = {each.number for each in held.items.between(since or date.min, date.max)}
    if item is not None and item not in known:
        raise UsageError(
            f"目录中没有第 {item} 项：请看 wattwitness catalogue list",
            f"the catalogue has no item {item}: see wattwitness catalogue list",
        )


def without_item(db: Database, clinic: str | None, zone_of: ZoneOf) -> list[WithoutItem]:
    """How lines without item are called: first those that could be an item, then by what they cost."""
    held = catalogue.in_force(db)
    meanings: dict[str, Meaning] = {}
    found = []
    for called in ledger.called(db, clinic):
        if called.item is None and called.lines:
            if called.clinic not in meanings:
                meanings[called.clinic] = Meaning(held, ledger.own_codes(db, called.clinic))
            day = local_day(called.last_ms, zone_of(called.clinic))
            found.append(WithoutItem(called, meant(called, meanings[called.clinic], day).candidates))
    return sorted(
        found,
        key=lambda each: (not each.candidates, -each.called.fen, each.called.code, plain(each.called.name)),
    )
