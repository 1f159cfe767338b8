"""What a rule is asked in tests: the leads of one rule on a clinic made of values, its figures changed where a test says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.audit.figures import default_rules, laid_over
from gateway.audit.leads import Lead
from gateway.audit.reconcile import reconcile
from gateway.ledger.attended import Entry
from gateway.ledger.bills import BillLine
from tests.audit.clinic import Clinic, at, line

TUINA, HEADACHE, STIFF_NECK, CUPS, MOXA = 4, 11, 5, 34, 29


def leads_of(
    clinic: Clinic,
    rule: str,
    *lines: BillLine,
    entries: Sequence[Entry] = (),
    figures: dict[str, Any] | None = None,
    **about: Any,
) -> list[Lead]:
    """The leads of a rule; `entries` are what people recorded, `figures` what is other than shipped."""
    period = replace(clinic.period(*lines, **about), entries=entries)
    found = reconcile(period, laid_over(default_rules(), {rule: figures or {}}))
    return [lead for lead in found.leads if lead.rule == rule]


def the_lead(clinic: Clinic, rule: str, *lines: BillLine, **about: Any) -> Lead:
    """The only one, which says itself in both languages and is told to a person."""
    (lead,) = leads_of(clinic, rule, *lines, **about)
    assert lead.zh and lead.en.isascii() and "{" not in lead.zh + lead.en
    return lead


def bill(number: str, charged: str = "10:00", **other: Any) -> BillLine:
    """A bill line; `line`'s words are taken as such, others replace what it says."""
    known = ("day", "count", "item", "fen", "performed_ms", "reversed_by", "source")
    made = line(number, charged, **{key: value for key, value in other.items() if key in known})
    return replace(made, **{key: value for key, value in other.items() if key not in known})


def entry(
    number: int, charged: BillLine, start: str, minutes: float, outcome: str = "done", **other: Any
) -> Entry:
    """What a person recorded of a bill line's treatment, at the time."""
    day = other.pop("day", 0)
    began_ms = at(start, day)
    ended_ms = None if outcome == "undone" else began_ms + round(minutes * 60_000)
    made = Entry(
        number, number, None, "C001", charged.visit, charged.item or 0, charged.line, "R1", "D01", outcome, began_ms,
        ended_ms, "", None, None, "", "scanned", "", 0, "", ended_ms or began_ms, "N01",
    )  # fmt: skip
    return replace(made, **other)
