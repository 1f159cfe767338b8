"""The figures of a period as tables: what every sheet and the page of a month show, whatever they are written on.

Coverage stands beside every figure. Of practitioners only sets of one are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.audit.month import DayState, Figures
from gateway.audit.sums import CameBack, Sum
from gateway.instants import local_day
from gateway.money import yuan
from gateway.pages.words import knows, speak

TEXT, COUNT, SHARE, MONEY, MARK = "text", "count", "share", "money", "mark"
"""Kinds of columns. A share is a pair (part, whole), money is in fen, a mark is short text that is never wrapped."""


@dataclass(frozen=True, slots=True)
class Both:
    """One thing in Chinese and in English."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        """In one of the two languages."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `wide` ones take the room that is left."""

    name: Both
    kind: str
    wide: bool = False


Cell = Any
"""Both for text and marks, an int for counts and money, a pair for shares; None where nothing can be said."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `key` names it for programs, `note` says how it is to be read."""

    key: str
    title: Both
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: Both | None = None


_ZH, _EN = speak("zh"), speak("en")


def both(key: str, **values: object) -> Both:
    """A text of the pages in both languages."""
    return Both(_ZH(key, **values), _EN(key, **values))


def same(text: object) -> Both:
    """What is written alike in both languages: names, codes, hashes."""
    return Both(str(text), str(text))


def share(part: int, whole: int) -> str:
    """A share in per cent with one decimal, rounded down: 100% means all of it. A dash of nothing."""
    if not whole:
        return "—"
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10}%" if tenths < 1000 else "100%"


def shown(column: Column, cell: Cell) -> str:
    """A figure as people read it; a dash where nothing can be said."""
    if cell is None:
        return "—"
    if column.kind == SHARE:
        return share(*cell)
    return yuan(cell) if column.kind == MONEY else str(cell)


SIGNATURES = tuple(
    Both(_ZH(key), _EN(key))
    for key in (
        "report.head_of_clinic",
        "report.insurance_officer",
        "report.district_reviewer",
        "report.date",
    )
)


def about(figures: Figures) -> list[tuple[Both, str]]:
    """What the sheet is about: (name, value)."""
    period = str(figures.first) if figures.first == figures.last else f"{figures.first} – {figures.last}"
    source = both(f"report.source.{figures.source}")
    told = both("report.rules_own" if figures.own_rules else "report.rules_shipped")
    rules = [told.zh, told.en, *(each[:16] for each in figures.own_rules)]
    return [
        (both("report.clinic"), f"{figures.name} {figures.clinic}"),
        (both("report.period"), period),
        (both("report.source"), f"{source.zh} {source.en}"),
        (both("report.rules"), " ".join(rules)),
    ]


def highlights(figures: Figures) -> list[tuple[Both, str, Both]]:
    """The few figures that come first, coverage before all: (name, value, why)."""
    whole = figures.sums.whole
    told = {
        "coverage": share(whole.watched_s, whole.open_s),
        "billed": str(whole.treatments),
        "supported": share(whole.supported, whole.judged),
        "by_hand": share(whole.by_hand, whole.treatments),
        "leads": str(whole.leads),
        "leads_amount": yuan(whole.leads_fen),
    }
    return [
        (both(f"figure.{key}"), value, both(f"figure_why.{key}", manual=whole.manual))
        for key, value in told.items()
    ]


def tables(figures: Figures) -> list[Table]:
    """Every table of a period, in the order in which people read them; empty ones are left out."""
    many = len(figures.days) > 1
    found = [_of(figures, "day", _day_name(figures))]
    if len(figures.sums.by_kind["week"]) > 1:
        found.append(_of(figures, "week", lambda each: [same(each.name)]))
    found += [
        _of(figures, "item", lambda each: [_item(figures, each.name)]),
        _of(figures, "room", lambda each: [_named(each.name)]),
        _of(figures, "staff", lambda each: [_named(each.name)], note=both("report.staff_note")),
        _leads(figures),
        _came_back(figures.sums.came_back),
        _closings(figures) if many or figures.days[0].closing else Table("closings", same(""), (), ()),
    ]
    return [each for each in found if each.rows]


# --- sums ---------------------------------------------------------------------------------------------------------

_FIGURES: Mapping[str, tuple[str, Callable[[Sum], Cell]]] = {
    "coverage": (SHARE, lambda each: (each.watched_s, each.open_s)),
    "billed": (COUNT, lambda each: each.treatments),
    "supported": (SHARE, lambda each: (each.supported, each.judged)),
    "long_burn": (SHARE, lambda each: None if each.long_burn is None else (each.long_burn, each.supported)),
    "short": (COUNT, lambda each: each.short),
    "no_device_time": (COUNT, lambda each: each.no_device_time),
    "unobserved": (COUNT, lambda each: each.unobserved),
    "shared": (COUNT, lambda each: each.shared),
    "not_metered": (COUNT, lambda each: each.not_metered),
    "reversed": (COUNT, lambda each: each.reversed),
    "by_hand": (SHARE, lambda each: (each.by_hand, each.treatments)),
    "amount": (MONEY, lambda each: each.amount_fen),
    "leads": (COUNT, lambda each: each.leads),
    "leads_amount": (MONEY, lambda each: each.leads_fen),
}
_BY_CHANCE = {"room": ("long_burn",), "staff": ("long_burn", "leads_amount")}


def _of(figures: Figures, kind: str, name: Callable[[Sum], list[Cell]], note: Both | None = None) -> Table:
    groups = figures.sums.by_kind[kind]
    left_out = (*_BY_CHANCE.get(kind, ()), *([] if any(each.shared for each in groups) else ["shared"]))
    shown = {key: told for key, told in _FIGURES.items() if key not in left_out}
    columns = [Column(both(f"by.{kind}"), MARK if kind in ("day", "week") else TEXT, wide=True)]
    if kind == "day":
        columns.append(Column(both("report.closing"), MARK))
    columns += [Column(both(f"figure.{key}"), of) for key, (of, _) in shown.items()]
    total = [figures.sums.whole] if kind in ("day", "item", "room") and len(groups) > 1 else []
    rows = [[*name(each), *(tell(each) for _, tell in shown.values())] for each in groups]
    blank = [same("")] * (kind == "day")
    rows += [[both("report.total"), *blank, *(tell(each) for _, tell in shown.values())] for each in total]
    return Table(kind, both(f"per.{kind}"), columns, rows, note)


def _day_name(figures: Figures) -> Callable[[Sum], list[Cell]]:
    states = {str(each.day): each for each in figures.days}
    return lambda each: [_weekday(each.name), _closed(states[each.name])]


def _weekday(day: str) -> Both:
    place = date.fromisoformat(day).weekday()
    return Both(f"{day} {_ZH('weekdays').split()[place]}", f"{day} {_EN('weekdays').split()[place][:3]}")


def _closed(state: DayState) -> Both:
    told = both(f"day.{state.state}")
    number = f" #{state.closing.number}" if state.closing else ""
    return Both(told.zh + number, told.en + number)


def _item(figures: Figures, name: str) -> Both:
    zh, en = figures.items.get(int(name), ("", ""))
    return Both(f"{name} {zh}", f"{name} {en}")


def _named(name: str) -> Both:
    return same(name) if name else both("report.unnamed")


# --- leads --------------------------------------------------------------------------------------------------------


def rule(code: str) -> Both:
    """What a rule of leads is called."""
    return both(f"rule.{code}") if knows(f"rule.{code}") else same(code)


def _leads(figures: Figures) -> Table:
    columns = [
        Column(both("by.day"), MARK),
        Column(both("report.lead"), MARK),
        Column(both("report.rule"), TEXT),
        Column(both("report.sentence"), TEXT, wide=True),
        Column(both("report.state"), TEXT),
        Column(both("amount"), MONEY),
        Column(both("report.withheld"), MONEY),
        Column(both("report.deducted"), MONEY),
    ]
    rows = []
    for lead, now in figures.leads:
        state = both(f"state.{now.state}")
        if now.outcome:
            said = both(f"outcome.{now.outcome}")
            state = Both(f"{state.zh}：{said.zh}", f"{state.en}: {said.en}")
        elif now.internal:
            said = both(f"outcome.{now.internal}")
            state = Both(f"{state.zh}（内部：{said.zh}）", f"{state.en} (internal: {said.en})")
        sentence = Both(lead.body["zh"], lead.body["en"])
        decided = (None, None) if now.noted else (now.withheld_fen, now.deducted_fen)
        money_told = [lead.amount_fen, *decided]
        rows.append([same(lead.day), same(lead.lead), rule(lead.rule), sentence, state, *money_told])
    return Table("leads", both("leads"), columns, rows, both("report.leads_note"))


def _came_back(found: Sequence[CameBack]) -> Table:
    columns = [
        Column(both("report.rule"), TEXT),
        Column(both("report.rectified"), MARK),
        Column(both("report.rectification"), TEXT, wide=True),
        Column(both("report.since"), COUNT),
        Column(both("report.again"), TEXT),
    ]
    rows = [
        [
            rule(each.rule),
            same(each.rectified),
            same(each.rectification),
            each.since,
            both("report.came_back" if each.since else "report.stayed_away"),
        ]
        for each in found
    ]
    return Table("came_back", both("report.came_back_title"), columns, rows)


def _closings(figures: Figures) -> Table:
    columns = [
        Column(both("report.closed_day"), MARK),
        Column(both("report.number"), COUNT),
        Column(both("report.by"), MARK),
        Column(both("report.on"), MARK),
        Column(both("report.sha256"), MARK, wide=True),
    ]
    closed = [each.closing for each in figures.days if each.closing] + (
        [figures.month] if figures.month else []
    )
    rows = [
        [
            same(each.day),
            each.number,
            same(each.by),
            same(local_day(each.at_ms, figures.zone)),
            same(each.sha256),
        ]
        for each in closed
    ]
    return Table("closings", both("report.closings"), columns, rows, both("report.closings_note"))
