"""The catalogue of items that are reconciled, and which of them a bill line means on the day of its charge.

What a bill calls an item is compared exactly, after Unicode NFKC (full-width brackets and digits): a line that
fits several items, or none, stays without one and is shown to a person. Nothing is guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from unicodedata import normalize

from sqlite_utils import Database

from gateway.audit import items as versions
from gateway.audit.editions import Editions, changes, lay
from gateway.audit.items import PER as PER
from gateway.audit.items import Code as Code
from gateway.audit.items import Item as Item
from gateway.ledger import catalogue as ledger

FILE = Path(__file__).with_name("catalogue.toml")

_SPACE = re.compile(r"\s+")
_Clues = Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Found:
    """Which item a line means; None with the `candidates` that its codes and name leave open, if any."""

    item: Item | None
    candidates: tuple[int, ...] = ()


def plain(text: str) -> str:
    """A name as names are compared: NFKC, no blanks, one case."""
    return _SPACE.sub("", normalize("NFKC", text)).casefold()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every version of the items, where they come from, and how many approved changes they hold (`edition`).

    `items` as a mapping has the newest version of each number.
    """

    source: str
    items: Editions
    edition: int = 0
    _clues: dict[int, tuple[_Clues, _Clues]] = field(default_factory=dict, repr=False, compare=False)

    def on(self, day: date) -> Mapping[int, Item]:
        """The items in force on a local day, by number."""
        return self.items.on(day)

    def find(
        self,
        codes: Sequence[str],
        own_codes: Sequence[str] = (),
        names: Sequence[str] = (),
        own_items: Mapping[str, int] | None = None,
        day: date = date.max,
    ) -> Found:
        """The item that a line charged on a local day means; by default, as things stand last.

        Clues are asked in turn: the national and price `codes`, what the clinic itself said of a code
        (`own_items`), the `names`. A clue that leaves several items open is narrowed by those after it.
        """
        by_code, by_name = self._clues_on(day)
        there, own = self.on(day), own_items or {}
        clues = [by_code.get(code) for code in codes]
        clues += [frozenset({own[code]} & there.keys()) for code in (*own_codes, *codes) if code in own]
        clues += [by_name.get(plain(name)) for name in names if name]
        open_: frozenset[int] = frozenset()
        for clue in filter(None, clues):
            open_ = (open_ & clue or open_) if open_ else clue
            if len(open_) == 1:
                return Found(there[next(iter(open_))])
        return Found(None, tuple(sorted(open_)))

    def _clues_on(self, day: date) -> tuple[_Clues, _Clues]:
        stretch = self.items.stretch(day)
        if stretch not in self._clues:
            self._clues[stretch] = _clues(self.on(day).values())
        return self._clues[stretch]


def _clues(items: Iterable[Item]) -> tuple[_Clues, _Clues]:
    """Code -> numbers, and plain name -> numbers."""
    by_code, by_name = defaultdict(set), defaultdict(set)
    for item in items:
        for name in (item.zh, *item.names):
            by_name[plain(name)].add(item.number)
        for code in item.codes:
            by_code[code.code].add(item.number)
    return _frozen(by_code), _frozen(by_name)


@lru_cache
def read(path: Path = FILE) -> Catalogue:
    """The catalogue that a TOML file holds; by default ours, as shipped. UsageError where an item of it cannot stand."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    made = [versions.item(versions.said(each, path.name), path.name) for each in document["items"]]
    return Catalogue(document["source"], Editions(made))


def in_force(db: Database, edition: int | None = None) -> Catalogue:
    """The catalogue of a ledger: as shipped, with every change that two persons made, in the order of approval; of an
    earlier `edition`, with so many of them."""
    return _changed(tuple(ledger.approved(db)[:edition]))


@lru_cache(8)
def _changed(approved: tuple[tuple[str, str], ...]) -> Catalogue:
    shipped = read()
    items = shipped.items
    for name, body in approved:
        items = lay(items, changes(body, name), name)
    return Catalogue(shipped.source, items, len(approved))


def proposed(held: Catalogue, body: str, name: str) -> Catalogue:
    """The catalogue as it would be with one more change; UsageError where the change cannot be made."""
    return Catalogue(held.source, lay(held.items, changes(body, name), name), held.edition + 1)


def _frozen(sets: Mapping[str, set[int]]) -> dict[str, frozenset[int]]:
    return {key: frozenset(each) for key, each in sets.items()}
