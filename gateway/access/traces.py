"""What leaves a trace in the trail though it changes nothing: looks, and what was refused. Bounded, so that nobody makes
the trail grow as they like: what is beyond is counted in one entry, that there was more."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlite_utils import Database

from gateway.ledger import trail
from gateway.ledger.database import transaction
from gateway.ledger.people import Person

WITHIN_MS = 15 * 60_000
MOST_LOOKS, MOST_REFUSED, MOST_BY_STRANGERS = 300, 30, 100
"""In a quarter of an hour: looks of one person, refusals of one person or address, refusals of those not signed in."""
AGAIN_MS = 60_000
"""Looking at the same page again within that time is the same look."""


@dataclass(slots=True)
class Counts:
    """How often something happened in each quarter of an hour."""

    within_ms: int = WITHIN_MS
    _window: int = -1
    _counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, at_ms: int) -> int:
        """How often it has happened in this one, this time included."""
        if self._window != at_ms // self.within_ms:
            self._window = at_ms // self.within_ms
            self._counts.clear()
        self._counts[what] = self._counts.get(what, 0) + 1
        return self._counts[what]


@dataclass(slots=True)
class Traces:
    """Notes looks and refusals of one program that serves pages. Not for several threads at once: ask `look` and `refused`
    in one, and note what they give in any."""

    _looks: Counts = field(default_factory=Counts)
    _pages: Counts = field(default_factory=lambda: Counts(AGAIN_MS))
    _refused: Counts = field(default_factory=Counts)

    def look(self, person: Person, address: str, at_ms: int) -> Trace | None:
        """That somebody looks at a page; None where it is in the trail already."""
        if self._pages.count(f"{person.name} {address}", at_ms) > 1:
            return None
        count = self._looks.count(person.name, at_ms)
        return _trace(person.name, "look", address, {"role": person.role}, count, MOST_LOOKS)

    def refused(
        self, person: Person | None, method: str, path: str, why: str, address: str, at_ms: int
    ) -> Trace | None:
        """That somebody was refused, and why: `role` (another's page), `origin` (another site's form, or another name of
        this machine), `token` (nobody's), `size` (more than fits)."""
        who = person.name if person else "?"
        body: dict[str, object] = {"method": method, "why": why, "address": address}
        body |= {"role": person.role} if person else {}
        all_ = self._refused.count("strangers", at_ms) if person is None else 0
        if all_ > MOST_BY_STRANGERS:
            return None
        count = self._refused.count(f"person {who}" if person else f"address {address}", at_ms)
        count = MOST_REFUSED if all_ == MOST_BY_STRANGERS and count < MOST_REFUSED else count
        return _trace(who, "refused", path[:200], body, count, MOST_REFUSED)


@dataclass(frozen=True, slots=True)
class Trace:
    """An entry to be."""

    who: str
    act: str
    subject: str
    body: dict[str, object]

    def note(self, db: Database, at_ms: int) -> None:
        """Puts it into the trail."""
        with transaction(db):
            trail.note(db, at_ms, self.who, self.act, self.subject, self.body)


def _trace(who: str, act: str, subject: str, body: dict[str, object], count: int, most: int) -> Trace | None:
    if count > most:
        return None
    return Trace(who, act, subject, body | ({"more": True} if count == most else {}))
