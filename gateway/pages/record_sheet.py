"""The treatment record sheet of a visit, in words: for the archive and the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from gateway.audit.items import Item
from gateway.ledger.attended import WITHDRAWN, Entry
from gateway.nurse.waiting import Task
from gateway.pages.nurse_list import name, times
from gateway.pages.words import Say, speak


@dataclass(frozen=True, slots=True)
class Row:
    """One treatment."""

    number: int
    item: str
    times: str
    minutes: str
    details: str
    outcome: str
    by: str
    room: str
    how: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """`waits` are paid items of which treatments are not entered, with how many; `history` tells of each entry that came
    later, corrects another one or was corrected."""

    visit: str
    dates: str
    rows: Sequence[Row]
    waits: Sequence[tuple[str, int]]
    history: Sequence[str]


def sheet(
    visit: str,
    threads: Sequence[Sequence[Entry]],
    tasks: Sequence[Task],
    items: dict[int, Item],
    zone: tzinfo,
    lang: str,
) -> Sheet:
    """`threads` are the entries of each of the visit's treatments, oldest first; `tasks` what still waits today."""
    made = _Made(items, zone, lang)
    last = sorted((each[-1] for each in threads), key=lambda entry: (entry.began_ms, entry.entry))
    rows = [made.row(number, each) for number, each in enumerate(_counted(last), start=1)]
    days = sorted({made.day(each.began_ms) for each in last})
    history = [made.history(each) for thread in threads for each in _notable(thread)]
    waits = [(name(each.item, lang), each.left) for each in tasks if each.left]
    return Sheet(
        visit, "、".join(map(str, days)) if lang == "zh" else ", ".join(map(str, days)), rows, waits, history
    )


def _counted(entries: Sequence[Entry]) -> list[Entry]:
    return [each for each in entries if each.outcome != WITHDRAWN]


def _notable(thread: Sequence[Entry]) -> list[Entry]:
    """What makes a thread other than a start and an end: all of it, where something came later."""
    return list(thread) if any(each.why for each in thread) else []


class _Made:
    def __init__(self, items: dict[int, Item], zone: tzinfo, lang: str):
        self._items, self._zone, self._lang = items, zone, lang
        self._say: Say = speak(lang)

    def row(self, number: int, entry: Entry) -> Row:
        item = self._items.get(entry.item)
        how = self._say(f"attended.{entry.how}")
        if entry.later:
            how += " · " + self._say("attended.later" if entry.replaces is None else "attended.corrected")
        return Row(
            number,
            name(item, self._lang) if item else str(entry.item),
            times(entry, self._zone),
            self._minutes(entry, item),
            self._details(entry),
            self._outcome(entry),
            entry.practitioner,
            entry.room,
            how,
        )

    def day(self, at_ms: int) -> date:
        return datetime.fromtimestamp(at_ms // 1000, self._zone).date()

    def history(self, entry: Entry) -> str:
        item = self._items.get(entry.item)
        what = name(item, self._lang) if item else str(entry.item)
        said = (what, times(entry, self._zone), self._details(entry), self._outcome(entry))
        at = f"{datetime.fromtimestamp(entry.entered_ms // 1000, self._zone):%Y-%m-%d %H:%M}"
        what = self._say("and").join(each for each in said if each not in ("", "—"))
        return self._say(
            "sheet.history_line", entry=entry.entry, at=at, by=entry.entered_by, what=what, why=entry.why
        ).strip()

    def _minutes(self, entry: Entry, item: Item | None) -> str:
        if entry.ended_ms is None:
            return ""
        minutes = (entry.ended_ms - entry.began_ms) // 60_000
        return self._say("sheet.minutes_of", minutes=minutes, least=item.min_minutes if item else "?")

    def _details(self, entry: Entry) -> str:
        said = [self._say("sheet.acupoints", n=entry.acupoints)] if entry.acupoints else []
        said += [self._say("sheet.cups", n=entry.cups)] if entry.cups else []
        return self._say("and").join([*said, entry.body_part] if entry.body_part else said)

    def _outcome(self, entry: Entry) -> str:
        said = self._say(f"attended.{entry.outcome}")
        return said + self._say("colon") + entry.reason if entry.reason else said
