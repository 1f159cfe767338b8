"""What people recorded of treatments, as the matching takes it: supplies of grade C, of the visit that they name.

While a class has no device, each visit is judged by itself: what was written down for one patient never stands for
another. Pure: entries come in as values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.audit.facts import Told
from gateway.audit.match import Treatment, Witness
from gateway.audit.supplies import ATTENDED, Session, session_supplies
from gateway.audit.verdicts import Case, Judgement, Verdict, judge
from gateway.ledger.attended import Entry
from gateway.ledger.bills import BillLine

_ENDED, _UNDONE = ("done", "stopped"), "undone"


def sessions(entries: Iterable[Entry], items: Iterable[int]) -> list[Session]:
    """The time that was recorded for treatments of these items, each of its visit alone."""
    wanted = set(items)
    return [
        _session(each, each.ended_ms)
        for each in entries
        if each.item in wanted and each.outcome in _ENDED and each.ended_ms is not None
    ]


def _session(entry: Entry, ended_ms: int) -> Session:
    active_s = (ended_ms - entry.began_ms) // 1000
    when = (entry.began_ms, ended_ms, active_s)
    return Session(ATTENDED, entry.entry, "", *when, 1, "C", "L", (entry.visit,))


def lines_recorded(entries: Iterable[Entry], lines: Iterable[BillLine]) -> frozenset[str]:
    """The lines of whose item and visit a person recorded that it was done or stopped."""
    said = {(each.visit, each.item) for each in entries if each.outcome in _ENDED}
    return frozenset(each.line for each in lines if (each.visit, each.item) in said)


VisitItem = tuple[str, int]
"""A visit, and the number of an item that was charged in it."""


def awaiting_refund(
    entries: Sequence[Entry], treatments: Iterable[Treatment], refunded: Mapping[str, int]
) -> Counter[VisitItem]:
    """How many treatments of each visit and item were recorded as not done, are not refunded yet, and were not recorded as
    done or stopped after all. `refunded`: line -> how many of its treatments were taken back; each of them answers one entry,
    of its own line first."""
    alike: dict[VisitItem, list[Treatment]] = defaultdict(list)
    for treatment in treatments:
        alike[treatment.visit, treatment.item].append(treatment)
    ended = Counter(
        (each.visit, each.item)
        for each in entries
        if each.outcome in _ENDED and any(_is_of(each, one) for one in alike[each.visit, each.item])
    )
    in_force = {asked: sum(not each.reversed for each in group) for asked, group in alike.items()}
    unanswered = _unanswered(entries, alike, Counter(refunded))
    return Counter({asked: min(count, in_force[asked] - ended[asked]) for asked, count in unanswered.items()})


def _unanswered(
    entries: Iterable[Entry], alike: Mapping[VisitItem, Sequence[Treatment]], refunded: Counter[str]
) -> Counter[VisitItem]:
    """What was recorded as not done, without what refunds answer; of entries of no charge, none."""
    unanswered: Counter[VisitItem] = Counter()
    for each in sorted(entries, key=lambda entry: not entry.line):
        asked = each.visit, each.item
        if each.outcome == _UNDONE and asked in alike:
            lines = [one.line for one in alike[asked]]
            own = [each.line] if each.line in lines else lines
            answered = next((line for line in own if refunded[line] > 0), None)
            if answered is None:
                unanswered[asked] += 1
            else:
                refunded[answered] -= 1
    return unanswered


def _is_of(entry: Entry, treatment: Treatment) -> bool:
    """Whether what was recorded lies at the time of the treatment."""
    ended_ms = entry.began_ms if entry.ended_ms is None else entry.ended_ms
    return entry.began_ms <= treatment.window_until_ms and treatment.window_from_ms <= ended_ms


def judge_class(case: Case, undone: Mapping[VisitItem, int], first_unit_ms: int) -> Judgement:
    """The judgement on a class. Treatments in whose window it had no device are judged by visit, by what was recorded while
    there was none; a device or unit that comes later, or is gone, changes nothing for them. The others are judged together,
    and of records only those that began before its first unit came supply them. `undone`: what awaits its refund."""
    bare = {each for each in {one.window for one in case.treatments} if not case.had_device(each)}
    alone = [each for each in case.treatments if each.window in bare]
    visits = {each.visit for each in alone}
    own, others = [], []
    for each in case.sessions:
        is_own = _is_record(each) and each.visits[0] in visits and not case.had_device((each.start_ms,) * 2)
        if is_own:
            own.append(each)
        elif not _is_record(each) or each.start_ms < first_unit_ms:
            others.append(each)
    together = [each for each in case.treatments if each.window not in bare]
    found = judge(replace(case, treatments=together, sessions=others, attended=frozenset()))
    if not alone:
        return found
    apart = judge_by_visit(replace(case, treatments=alone, sessions=own, darks=[], inventory=[]), undone)
    witnesses = (*found.witnesses, *apart.witnesses)
    return replace(found, verdicts=_in_order(case, found, apart), witnesses=witnesses)


def _is_record(session: Session) -> bool:
    return session.unit == ATTENDED


def _in_order(case: Case, *judgements: Judgement) -> tuple[Verdict, ...]:
    charged = {_name(each): (each.charged_ms, each.line, each.index) for each in case.treatments}
    verdicts = (verdict for each in judgements for verdict in each.verdicts)
    return tuple(sorted(verdicts, key=lambda each: charged[each.line, each.index]))


def judge_by_visit(case: Case, undone: Mapping[VisitItem, int]) -> Judgement:
    """The judgement where there is no device, and records serve the visits that they name.

    What the clinic itself recorded as not done, and to be refunded, asks for no time: as many of the visit's treatments
    as `undone` says, the last ones, are said to have no record.
    """
    away = _not_done(case.treatments, undone)
    asked = [each for each in case.treatments if _name(each) not in away]
    rest = judge(
        replace(
            case, treatments=[each for each in case.treatments if _name(each) in away], attended=frozenset()
        )
    )
    found = _apart(replace(case, treatments=asked))
    return Judgement(_in_order(case, found, rest), (), found.witnesses)


def _not_done(treatments: Iterable[Treatment], undone: Mapping[VisitItem, int]) -> set[tuple[str, int]]:
    left, away = Counter(undone), set()
    for treatment in sorted(
        treatments, key=lambda each: (each.charged_ms, each.line, each.index), reverse=True
    ):
        if not treatment.reversed and left[treatment.visit, treatment.item] > 0:
            left[treatment.visit, treatment.item] -= 1
            away.add(_name(treatment))
    return away


def _name(treatment: Treatment) -> tuple[str, int]:
    return treatment.line, treatment.index


def _apart(case: Case) -> Judgement:
    """Each visit judged as if it had a time of its own, in which nobody else's records lie: one matching for all, in which
    no two visits meet."""
    lasts_ms = _length_ms(case)
    visits = sorted({each.visit for each in case.treatments} | {each.visits[0] for each in case.sessions})
    shift_ms = {visit: place * lasts_ms for place, visit in enumerate(visits)}
    found = judge(
        replace(
            case,
            treatments=[_moved(each, shift_ms[each.visit]) for each in case.treatments],
            sessions=[_later(each, shift_ms[each.visits[0]]) for each in case.sessions],
        )
    )
    treatments = {_name(each): each for each in case.treatments}
    sessions = {each.key: each for each in case.sessions}
    verdicts = tuple(_back(each, treatments[each.line, each.index]) for each in found.verdicts)
    witnesses = tuple(_witness(each, treatments, sessions, case.required_s) for each in found.witnesses)
    return Judgement(verdicts, (), witnesses)


def _length_ms(case: Case) -> int:
    """Longer than all of it."""
    spans = [each.window for each in case.treatments] + [
        (each.start_ms, each.end_ms) for each in case.sessions
    ]
    return max((end for _, end in spans), default=0) - min((start for start, _ in spans), default=0) + 1


def _moved(each: Treatment, by_ms: int) -> Treatment:
    return Treatment(
        each.line,
        each.index,
        each.item,
        each.window_from_ms + by_ms,
        each.window_until_ms + by_ms,
        each.charged_ms,
        each.amount_fen,
        each.reversed,
        each.visit,
    )


def _later(each: Session, by_ms: int) -> Session:
    return replace(each, start_ms=each.start_ms + by_ms, end_ms=each.end_ms + by_ms)


def _back(verdict: Verdict, treatment: Treatment) -> Verdict:
    first, last = treatment.window
    return replace(verdict, window_from_ms=first, window_until_ms=last)


def _witness(
    found: Witness,
    treatments: Mapping[tuple[str, int], Treatment],
    sessions: Mapping[str, Session],
    required_s: int,
) -> Witness:
    own = [sessions[supply.sessions[0].key] for supply in found.supplies]
    asked = tuple(treatments[_name(each)] for each in found.treatments)
    return Witness(asked, tuple(session_supplies(own, required_s)), found.capacity)


def told(entries: Sequence[Entry]) -> list[Told]:
    """For the rules: what was recorded, entries that were withdrawn or still run left out."""
    return [
        Told(
            key=each.key,
            outcome=each.outcome,
            line=each.line,
            visit=each.visit,
            item=each.item,
            staff=each.practitioner,
            at_ms=each.entered_ms,
            start_ms=each.began_ms if each.outcome in _ENDED else None,
            end_ms=each.ended_ms,
            later=bool(each.later),
        )
        for each in entries
        if each.outcome in (*_ENDED, _UNDONE)
    ]
