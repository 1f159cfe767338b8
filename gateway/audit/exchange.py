"""Reviews as a file: how a district's outcomes reach the clinic and the clinic's answers the district, also where no
line joins them.

A file carries its own SHA-256, which both sides can read to each other over the telephone; each side's acts on a lead
are chained, so the same file again changes nothing, and a file that tells another past than ours is refused whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlite_utils import Database

from gateway.audit.outcomes import is_lead, is_well_formed
from gateway.errors import UsageError
from gateway.ledger import reviews, trail
from gateway.ledger.database import transaction
from gateway.ledger.reviews import Act, LeadFound
from gateway.persons import person

Json = dict[str, Any]
FORMAT = "wattwitness-leads-1"


@dataclass(slots=True)
class Brought:
    """What importing a file did: leads, acts and attachments that were new, and acts that were known."""

    leads: int = 0
    repeated: int = 0
    attachments: int = 0
    new: list[Act] = field(default_factory=list)

    @property
    def acts(self) -> int:
        """How many acts were new."""
        return len(self.new)


def bundle(db: Database, side: str, clinic: str | None, first: str, last: str, at_ms: int) -> Json:
    """All leads of the days [first, last] of which somebody spoke or a person told, with their acts and attachments."""
    leads: list[Json] = []
    files: dict[str, bytes] = {}
    for found in reviews.leads(db, first, last, clinic):
        acts = reviews.acts(db, found.clinic, found.lead)
        if acts or found.source == "":
            leads.append(
                {"lead": _lead(found), "acts": [each.said() | {"sha256": each.sha256} for each in acts]}
            )
            files |= {sha256: _kept(db, sha256) for each in acts for sha256 in _attached(each)}
    head = trail.head(db)
    document: Json = {
        "format": FORMAT,
        "side": side,
        "made_ms": at_ms,
        "trail": {"entry": head.entry, "hash": head.hash},
        "leads": leads,
        "attachments": {name: base64.b64encode(body).decode() for name, body in sorted(files.items())},
    }
    return document | {"sha256": _sha256(document)}


def take(db: Database, text: bytes, side: str, clinic: str | None, by: str, at_ms: int) -> Brought:
    """Takes in what the other side said, whole or not at all. `clinic` is whose ledger this is, None at a district."""
    who = person(by)
    try:
        document = json.loads(text)
        told = document.pop("sha256")
        if document["format"] != FORMAT or told != _sha256(document):
            raise ValueError
        leads = [
            (LeadFound(**each["lead"], source="", standing=True), _acts(each)) for each in document["leads"]
        ]
        files = {
            name: base64.b64decode(body, validate=True) for name, body in document["attachments"].items()
        }
        if not all(is_lead(found) for found, _ in leads):
            raise ValueError
        if any(hashlib.sha256(body).hexdigest() != name for name, body in files.items()):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(
            "文件残缺或被改动（摘要不符），未作改动：请对方重新 lead export",
            "the file is damaged or was changed (its hash does not fit), nothing was changed: ask for a new lead export",
        ) from error
    with transaction(db):
        brought = _keep(db, leads, files, side, clinic, at_ms)
        if brought.acts or brought.leads:
            body = {"sha256": told, "leads": brought.leads, "trail": document["trail"]}
            body["acts"] = sorted(act.sha256 for act in brought.new)
            trail.note(db, at_ms, who, "lead_import", f"file:{told[:12]}", body)
    return brought


def _keep(
    db: Database,
    leads: Iterable[tuple[LeadFound, list[Act]]],
    files: Mapping[str, bytes],
    side: str,
    clinic: str | None,
    at_ms: int,
) -> Brought:
    brought = Brought()
    for found, acts in leads:
        if clinic is not None and found.clinic != clinic:
            raise UsageError(
                f"文件里有 {found.clinic} 的线索，这是 {clinic} 的账本：未作改动",
                f"the file holds leads of {found.clinic}, this is the ledger of {clinic}: nothing was changed",
            )
        if not reviews.leads(db, clinic=found.clinic, lead=found.lead):
            reviews.tell(db, found, at_ms)
            brought.leads += 1
        new = _new(found, acts, reviews.acts(db, found.clinic, found.lead), side)
        for act in new:
            brought.attachments += _attach(db, act, files)
            reviews.add(db, _received(act, at_ms))
        brought.new += new
        brought.repeated += len(acts) - len(new)
    return brought


def _new(found: LeadFound, acts: list[Act], held: list[Act], side: str) -> list[Act]:
    """The acts that are not held yet; UsageError where the file tells another past than ours."""
    here = {(each.side, each.place): each.sha256 for each in held}
    before = {name: trail.ORIGIN for name in reviews.SIDES}
    new = []
    for act in sorted(acts, key=lambda each: (each.side, each.place)):
        known = here.get((act.side, act.place))
        chained = trail.digest(before[act.side], act.said()) == act.sha256
        ours = act.side == side and known is None
        if (
            (act.clinic, act.lead) != (found.clinic, found.lead)
            or not chained
            or ours
            or known not in (None, act.sha256)
        ):
            raise UsageError(
                f"线索 {found.lead} 在文件中的经过与账本不符（{act.side} 第 {act.place} 条），整份未导入：请双方核对 lead show",
                f"lead {found.lead}: the file tells another history than this ledger ({act.side} act {act.place}), nothing"
                " was imported: compare lead show on both sides",
            )
        before[act.side] = act.sha256
        new += [act] if known is None else []
    return new


def _received(act: Act, at_ms: int) -> Act:
    """The act as one that came from elsewhere."""
    return Act(**{each.name: getattr(act, each.name) for each in fields(Act)} | {"received_ms": at_ms})


def _attach(db: Database, act: Act, files: Mapping[str, bytes]) -> int:
    """How many files of the act were not held yet; UsageError where one is in neither the file nor the ledger."""
    missing = [each for each in _attached(act) if reviews.attachment(db, each) is None]
    for sha256 in missing:
        if sha256 not in files:
            raise UsageError(
                f"线索 {act.lead} 的附件 {sha256[:12]} 不在文件里，整份未导入：请对方重新 lead export",
                f"attachment {sha256[:12]} of lead {act.lead} is not in the file, nothing was imported: ask for a new one",
            )
    reviews.attach(db, {sha256: files[sha256] for sha256 in missing})
    return len(missing)


def _acts(told: Json) -> list[Act]:
    return [_checked(Act(**each)) for each in told["acts"]]


def _checked(act: Act) -> Act:
    whole = type(act.place) is int and type(act.at_ms) is int and is_well_formed(act.kind, act.side, act.body)
    if act.side not in reviews.SIDES or not whole or act.received_ms is not None:
        raise ValueError(act.kind)
    return act


def _lead(found: LeadFound) -> Json:
    return {name: getattr(found, name) for name in ("clinic", "lead", "rule", "day", "amount_fen", "body")}


def _attached(act: Act) -> list[str]:
    return [each["sha256"] for each in act.body.get("attachments", [])]


def _kept(db: Database, sha256: str) -> bytes:
    body = reviews.attachment(db, sha256)
    if body is None:
        raise UsageError(
            f"附件 {sha256[:12]} 不在账本里：请用备份恢复",
            f"attachment {sha256[:12]} is not in the ledger: restore it",
        )
    return body


def _sha256(document: Json) -> str:
    return hashlib.sha256(trail.canonical(document).encode()).hexdigest()
