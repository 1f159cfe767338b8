"""What may be done about treatments that people record; each act is one transaction, and noted in the trail.

A tap on the nurse's list begins a treatment now, another one ends it. What is entered afterwards, or corrects what was
entered, says why, and is marked as later for ever. Nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlite_utils import Database

from gateway.audit.catalogue import Item
from gateway.errors import UsageError
from gateway.ledger import attended, trail, units
from gateway.ledger.attended import DONE, MANUAL, RUNNING, STOPPED, UNDONE, WITHDRAWN, Entry
from gateway.ledger.database import transaction
from gateway.persons import person, reason

LONGEST_MS = 12 * 3600 * 1000
"""No treatment lasts longer: whoever forgot to end one corrects it instead."""

MOST = 99
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Act:
    """Whose book, who acts, and when."""

    clinic: str
    by: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Details:
    """What some items ask for: how many acupoints, how many cups, which part of the body."""

    acupoints: int | None = None
    cups: int | None = None
    body_part: str = ""


@dataclass(frozen=True, slots=True)
class Treated:
    """Whose treatment by what, where, and by whom. `line` is the bill line where it is known; `how` says how the visit
    was known, `scan` which record of a unit read its tag."""

    visit: str
    item: Item
    line: str = ""
    room: str = ""
    practitioner: str = ""
    how: str = MANUAL
    scan: str = ""


def asked_of(item: Item) -> tuple[str, ...]:
    """Which details an item asks for: those of which the catalogue lays down a minimum, and of an item charged by area
    the area."""
    asks = {"acupoints": item.min_acupoints, "cups": item.min_cups, "body_part": item.per == "区"}
    return tuple(name for name, least in asks.items() if least)


# --- treatments -------------------------------------------------------------------------------------------------------


class Changed(UsageError):
    """Somebody was faster, or tapped twice."""


def begin(db: Database, act: Act, treated: Treated, known: int | None = None) -> Entry:
    """A treatment begins now. `known`: how many were recorded of this visit and item when it was decided; Changed where
    there are others by now."""
    return _first(db, act, "attended begin", _blank(act, treated), known)


def end(
    db: Database,
    act: Act,
    number: int,
    item: Item,
    details: Details = Details(),
    outcome: str = DONE,
    why: str = "",
) -> Entry:
    """A treatment that runs ends now: done, or stopped by the patient, whose reason is kept."""
    with transaction(db):
        was = _running(db, act, number)
        if act.now_ms - was.began_ms > LONGEST_MS:
            raise UsageError(
                "开始已超过 12 小时：请用更正写明真正的结束时间",
                "it began more than 12 hours ago: correct it and say when it ended",
            )
        ended = replace(was, outcome=_of(outcome, (DONE, STOPPED)), ended_ms=act.now_ms)
        ended = _detailed(ended, item, details)
        ended = replace(ended, reason=_why(why) if outcome == STOPPED else "")
        return _next(db, act, "attended end", was, ended)


def undone(db: Database, act: Act, treated: Treated, why: str, known: int | None = None) -> Entry:
    """A treatment that was charged is not done, and to be refunded. `known` as in `begin`."""
    said = replace(_blank(act, treated), outcome=UNDONE, reason=_why(why))
    return _first(db, act, "attended undone", said, known)


def withdraw(db: Database, act: Act, number: int, why: str) -> Entry:
    """An entry was a mistake: it stays, and counts for nothing."""
    with transaction(db):
        was = _in_force(db, act, number)
        said = replace(was, outcome=WITHDRAWN, why=reason(why))
        return _next(db, act, "attended withdraw", was, said)


@dataclass(frozen=True, slots=True)
class When:
    """From when to when a treatment lasted."""

    began_ms: int
    ended_ms: int


def add(
    db: Database,
    act: Act,
    treated: Treated,
    when: When,
    details: Details,
    why: str,
    outcome: str = DONE,
    stopped: str = "",
) -> Entry:
    """A treatment is entered afterwards, and marked so. `why` it was not entered then, `stopped` why the patient did."""
    said = replace(
        _blank(act, treated),
        outcome=_of(outcome, (DONE, STOPPED)),
        began_ms=when.began_ms,
        ended_ms=when.ended_ms,
        reason=_why(stopped) if outcome == STOPPED else "",
        later=1,
        why=reason(why),
    )
    return _first(db, act, "attended add", _timed(_detailed(said, treated.item, details), act))


CHANGEABLE = ("visit", "line", "room", "practitioner", "outcome", "began_ms", "ended_ms", "reason")


def correct(
    db: Database, act: Act, number: int, items: Mapping[int, Item], changes: Mapping[str, object], why: str
) -> Entry:
    """An entry is corrected, and both are kept. `changes` may name what is CHANGEABLE, the item (by number) and its
    details. A record of another visit is no longer one whose token was read."""
    with transaction(db):
        was = _in_force(db, act, number)
        details = {name: changes.get(name, getattr(was, name)) for name in ("acupoints", "cups", "body_part")}
        changed = {name: changes[name] for name in CHANGEABLE if name in changes}
        item = items[_known(items, changes.get("item", was.item))]
        said = replace(was, **changed, item=item.number, later=1, why=reason(why))  # type: ignore[arg-type]
        if said.visit != was.visit:
            said = replace(said, how=MANUAL, scan="")
        if item.number != was.item:
            details = {name: changes.get(name) or ("" if name == "body_part" else None) for name in details}
        said = _detailed(_whole(said), item, Details(**details))  # type: ignore[arg-type]
        return _next(db, act, "attended correct", was, _timed(said, act))


def _blank(act: Act, treated: Treated) -> Entry:
    """A first entry, running from now."""
    return Entry(
        entry=0,
        thread=0,
        replaces=None,
        clinic=act.clinic,
        visit=visit_name(treated.visit),
        item=treated.item.number,
        line=treated.line.strip(),
        room=_text(treated.room, "房间", "room"),
        practitioner=person(treated.practitioner or act.by),
        outcome=RUNNING,
        began_ms=act.now_ms,
        ended_ms=None,
        reason="",
        acupoints=None,
        cups=None,
        body_part="",
        how=treated.how,
        scan=treated.scan,
        later=0,
        why="",
        entered_ms=act.now_ms,
        entered_by=person(act.by),
    )


def _whole(said: Entry) -> Entry:
    """A corrected entry: what stays of it fits its outcome."""
    outcome = _of(said.outcome, (RUNNING, DONE, STOPPED, UNDONE))
    why = _why(said.reason) if outcome in (STOPPED, UNDONE) else ""
    ended_ms = said.ended_ms if outcome in (DONE, STOPPED) else None
    if outcome in (DONE, STOPPED) and ended_ms is None:
        raise UsageError("请写明何时结束", "say when it ended")
    visit, practitioner = visit_name(said.visit), person(said.practitioner)
    return replace(said, visit=visit, practitioner=practitioner, ended_ms=ended_ms, reason=why)


def _timed(said: Entry, act: Act) -> Entry:
    """Ended after it began, neither still to come, and no longer than any treatment lasts."""
    ended_ms = said.began_ms if said.ended_ms is None else said.ended_ms
    if (
        not said.began_ms <= ended_ms <= said.began_ms + LONGEST_MS
        or max(ended_ms, said.began_ms) > act.now_ms
    ):
        raise UsageError(
            "起止时间不合：结束应在开始之后 12 小时以内，且都不晚于现在",
            "those times cannot be: it ends after it began, within 12 hours, and neither is still to come",
        )
    return said


def _detailed(said: Entry, item: Item, details: Details) -> Entry:
    """With the details that the item asks for: all of them where it was done."""
    asked = asked_of(item)
    for name in ("acupoints", "cups", "body_part"):
        value = getattr(details, name)
        given = value not in (None, "")
        if given and name not in asked:
            raise UsageError(
                f"第 {item.number} 项不问 {name}：请去掉",
                f"item {item.number} asks for no {name}: leave it out",
            )
        if name in asked and not given and said.outcome == DONE:
            raise UsageError(
                f"第 {item.number} 项要写明 {name}", f"item {item.number} asks for {name}: say it"
            )
        if isinstance(value, int) and not 1 <= value <= MOST:
            raise UsageError(f"{name} 应为 1 到 {MOST}", f"{name} is a number from 1 to {MOST}")
    body_part = _text(details.body_part, "部位", "body part")
    return replace(said, acupoints=details.acupoints, cups=details.cups, body_part=body_part)


def _first(db: Database, act: Act, what: str, said: Entry, known: int | None = None) -> Entry:
    with transaction(db):
        if known is not None and known != _recorded(db, said):
            raise Changed(
                "刚才已有登记：请看最新的列表", "something was recorded meanwhile: look at the list"
            )
        number = attended.next_entry(db)
        kept = replace(said, entry=number, thread=number, entered_by=_acting(db, act.by))
        attended.add(db, kept)
        trail.note(db, act.now_ms, kept.entered_by, what, f"attended:{kept.thread}", kept.told())
    return kept


def _recorded(db: Database, said: Entry) -> int:
    """How many treatments of this visit and item are recorded, mistakes left out."""
    found = attended.of_visits(db, said.clinic, [said.visit])
    return sum(each.item == said.item and each.outcome != WITHDRAWN for each in found)


def _next(db: Database, act: Act, what: str, was: Entry, said: Entry) -> Entry:
    """The entry that follows one, inside the caller's transaction."""
    kept = replace(
        said,
        entry=attended.next_entry(db),
        replaces=was.entry,
        entered_ms=act.now_ms,
        entered_by=_acting(db, act.by),
    )
    attended.add(db, kept)
    trail.note(db, act.now_ms, kept.entered_by, what, f"attended:{kept.thread}", kept.told())
    return kept


def _in_force(db: Database, act: Act, number: int) -> Entry:
    found = attended.entry(db, number)
    if found is None or found.clinic != act.clinic:
        raise UsageError(f"没有登记 {number}", f"there is no entry {number}")
    if not attended.is_in_force(db, number):
        raise Changed(
            f"登记 {number} 已被后来的登记取代：请刷新后再试",
            f"entry {number} was replaced by a later one: look again, then try again",
        )
    return found


def _running(db: Database, act: Act, number: int) -> Entry:
    found = _in_force(db, act, number)
    if found.outcome != RUNNING:
        raise Changed(f"登记 {number} 已经结束：请用更正", f"entry {number} has ended: correct it instead")
    return found


def _known(items: Mapping[int, Item], number: object) -> int:
    if not isinstance(number, int) or number not in items:
        raise UsageError(f"目录中没有第 {number} 项", f"the catalogue has no item {number}")
    return number


def _of(outcome: str, allowed: tuple[str, ...]) -> str:
    if outcome not in allowed:
        raise UsageError(f"结果应为 {'、'.join(allowed)} 之一", f"the outcome is one of {', '.join(allowed)}")
    return outcome


def _acting(db: Database, by: str) -> str:
    """Who acts; UsageError for the name of a unit, whose entries follow from its own records."""
    kept = person(by)
    if kept in units.units(db):
        raise UsageError(f"{kept} 是单元：请写明是谁", f"{kept} is a unit: say who acts")
    return kept


def visit_name(text: str) -> str:
    """A visit as it is kept; UsageError where it is empty or cannot be printed."""
    kept = _text(text, "就诊号", "visit")
    if not kept:
        raise UsageError("请写明就诊号", "name the visit")
    return kept


def _why(text: str) -> str:
    kept = _text(text, "原因", "reason")
    if not kept:
        raise UsageError("请写明未做或中止的原因", "say why it was not done, or why the patient stopped it")
    return kept


def _text(text: str, zh: str, en: str) -> str:
    kept = text.strip()
    if len(kept) > _LONGEST_TEXT or not (kept.isprintable() or not kept):
        raise UsageError(f"{zh}过长或含不可见字符", f"{en}: too long, or not printable")
    return kept
