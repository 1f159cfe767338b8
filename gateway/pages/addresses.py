"""Where things have their pages, so that one leads to the other; the language, and at a district the clinic, stay the same."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from gateway.pages.rendered import query

ATTENDED = "attended"
"""Where a unit's name would stand, in what rests on a record that a person made."""


class Addresses:
    """Addresses in one language; `clinic` only where an address has to say whose pages it means. Of lines and records only
    those that are `there` have one, where that is told."""

    def __init__(self, lang: str, clinic: str | None, there: Collection[str] | None = None):
        self.lang, self.clinic, self._there = lang, clinic, there
        self.query = query(lang, clinic=clinic)
        self._of_source = {"platform": query(lang, clinic=clinic, source="platform")}

    def day(self, day: object, **more: str) -> str:
        """A day, YYYY-MM-DD."""
        return f"/day/{day}{query(self.lang, clinic=self.clinic, **more) if more else self.query}"

    def line(self, source: str, line: str) -> str:
        """A bill line; the clinic's own unless `source` says otherwise. Nothing where it is not there."""
        if self._there is not None and line not in self._there:
            return ""
        return f"/line/{quote(line, safe='')}{self._of_source.get(source, self.query)}"

    def record(self, name: str) -> str:
        """A record `unit:us`; nothing where it is no unit's, or not there."""
        unit, _, us = name.rpartition(":")
        if (
            unit in ("", ATTENDED)
            or not us.isdecimal()
            or (self._there is not None and name not in self._there)
        ):
            return ""
        return f"/record/{quote(unit, safe='')}/{us}{self.query}"

    def lead(self, lead: str) -> str:
        """A lead."""
        return f"/lead/{quote(lead, safe='')}{self.query}"

    def other(self, **kept: str) -> str:
        """What the same page in the other language ends with."""
        return query("zh" if self.lang == "en" else "en", clinic=self.clinic, **kept)
