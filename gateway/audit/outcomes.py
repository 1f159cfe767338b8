"""What was said of a lead, and how it stands because of that. Only a district's outcome is final; a clinic's own is
internal, and what a bill's reversal repaid is refunded.

This file does not know where acts come from. They are walked in the order in which they were done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.ledger.reviews import Act, LeadFound, LineNow
from gateway.money import yuan

OUTCOMES = ("confirmed", "explained", "entry_or_coding_error", "pending")
STATES = ("open", "answered", "closed", "refunded")
DISTRICT = "district"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decides of a lead: `outcome` is one of OUTCOMES; money in fen, `due` the day by which the clinic is
    to answer. None and empty: nothing said of it."""

    outcome: str
    why: str
    withheld_fen: int | None = None
    deducted_fen: int | None = None
    cause: str = ""
    rectification: str = ""
    due: date | None = None


@dataclass(slots=True)
class Standing:
    """How a lead stands. `state` is one of STATES; `outcome` is the district's last, `internal` the clinic's own last.
    `noted`: the money is what the clinic noted, before the district said anything. `rectified_ms` is when the
    rectification was noted that `rectification` names, `decided_ms` when it was closed."""

    state: str = "open"
    outcome: str | None = None
    internal: str | None = None
    due: date | None = None
    overdue: bool = False
    withheld_fen: int | None = None
    deducted_fen: int | None = None
    noted: bool = False
    cause: str = ""
    rectification: str = ""
    rectified_ms: int | None = None
    decided_ms: int | None = None
    appealed: bool = False
    refunded_by: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether money of it still counts as in open leads."""
        return self.state in ("open", "answered")

    def document(self) -> dict[str, Any]:
        """As `leads --json` prints it."""
        return {
            "state": self.state,
            "outcome": self.outcome,
            "internal": self.internal,
            "due": self.due and self.due.isoformat(),
            "overdue": self.overdue,
            "withheld": None if self.withheld_fen is None else yuan(self.withheld_fen),
            "deducted": None if self.deducted_fen is None else yuan(self.deducted_fen),
            "noted": self.noted,
            "cause": self.cause,
            "rectification": self.rectification,
            "appealed": self.appealed,
            "refunded_by": list(self.refunded_by),
        }


def standing(acts: Sequence[Act], refunded_by: tuple[str, ...], today: date) -> Standing:
    """How a lead stands after these acts, oldest first, on that day. What was refunded by files is settled, unless the
    district had decided already."""
    now = Standing(refunded_by=refunded_by)
    for act in acts:
        _STEPS[act.kind](now, act)
    if refunded_by and now.state != "closed":
        now.state = "refunded"
    now.overdue = now.state == "open" and now.due is not None and now.due < today
    return now


_REVIEW = {"outcome", "final", "why", "withheld_fen", "deducted_fen", "cause", "rectification", "due"}
_SAID = {"text", "attachments"}


def is_final(side: str, outcome: str) -> bool:
    """Whether an outcome ends the matter: only a district's does."""
    return side == DISTRICT and outcome != "pending"


def is_well_formed(kind: str, side: str, body: Any) -> bool:
    """Whether what another ledger says was said can be walked: the names and kinds of values that our own acts have, and
    no clinic's outcome that calls itself final."""
    if not isinstance(body, dict) or set(body) != (_REVIEW if kind == "review" else _SAID):
        return False
    if kind != "review":
        return kind in _STEPS and isinstance(body["text"], str) and all(map(_is_file, body["attachments"]))
    amounts = all(body[name] is None or type(body[name]) is int for name in ("withheld_fen", "deducted_fen"))
    texts = all(isinstance(body[name], str) for name in ("why", "cause", "rectification"))
    if body["outcome"] not in OUTCOMES or body["final"] is not is_final(side, body["outcome"]):
        return False
    return amounts and texts and (body["due"] is None or _is_day(body["due"]))


def _is_file(told: Any) -> bool:
    kinds = {"name": str, "sha256": str, "bytes": int}
    return isinstance(told, dict) and {name: type(each) for name, each in told.items()} == kinds


_LEAD: dict[str, type] = {"id": str, "rule": str, "day": str, "amount": str, "zh": str, "en": str}
_LEAD |= {"treatments": int, "capacity": int, "lines": list, "supplies": list, "dark": list}


def is_lead(found: LeadFound) -> bool:
    """Whether what another ledger says is a lead can be shown as one."""
    body, names = found.body, (found.clinic, found.lead, found.rule, found.day)
    if not all(isinstance(each, str) for each in names) or type(found.amount_fen) is not int:
        return False
    if not isinstance(body, dict) or {name: type(body.get(name)) for name in _LEAD} != _LEAD:
        return False
    texts = all(isinstance(each, str) for each in (*body["lines"], *body["supplies"]))
    darks = all(isinstance(each, list) and len(each) == 3 for each in body["dark"])
    known = re.fullmatch(r"[0-9a-f]{12}", found.lead) and _is_day(found.day)
    return bool(known) and texts and darks and type(body.get("item")) in (int, type(None))


def _is_day(told: Any) -> bool:
    try:
        return date.fromisoformat(told).isoformat() == told
    except (TypeError, ValueError):
        return False


def _answered(now: Standing, act: Act) -> None:
    if now.state == "open":
        now.state = "answered"


def _appealed(now: Standing, act: Act) -> None:
    now.appealed, now.state = True, "answered"


def _reviewed(now: Standing, act: Act) -> None:
    said = act.body
    if act.side == DISTRICT:
        now.outcome, now.appealed = said["outcome"], False
        now.state = "open" if now.outcome == "pending" else "closed"
        now.decided_ms = act.at_ms if now.state == "closed" else None
        now.due = date.fromisoformat(said["due"]) if said["due"] else now.due
    else:
        now.internal = said["outcome"]
    _of_money(now, act)
    now.cause = said["cause"] or now.cause
    if said["rectification"]:
        now.rectification, now.rectified_ms = said["rectification"], act.at_ms


def _of_money(now: Standing, act: Act) -> None:
    """Of money a clinic only notes what it was told, until the district speaks: then none of that note is left."""
    if act.side == DISTRICT and now.noted:
        now.withheld_fen = now.deducted_fen = None
        now.noted = False
    if act.side != DISTRICT and now.outcome is not None:
        return
    for name in ("withheld_fen", "deducted_fen"):
        if act.body[name] is not None:
            setattr(now, name, act.body[name])
            now.noted = act.side != DISTRICT


_STEPS = {"answer": _answered, "appeal": _appealed, "review": _reviewed}


def refunded_by(found: LeadFound, lines: Sequence[LineNow]) -> tuple[str, ...]:
    """The files whose reversals settled a lead: of one that counts treatments against capacity as many as were too
    many, of any other all its lines. Nothing where they did not."""
    told = found.body.get("lines", [])
    files = tuple(sorted({each.by_file for each in lines if each.by_file is not None}))
    if not told or len(lines) < len(told) or not files:
        return ()
    left = sum(each.treatments for each in lines if each.by_file is None)
    fits = found.rule == "capacity" and left <= found.body["capacity"]
    return files if fits or all(each.by_file is not None for each in lines) else ()
