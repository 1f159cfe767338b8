"""The catalogue of items that are reconciled, and which of them a bill line means.

What a bill calls an item is compared exactly, after Unicode NFKC (full-width brackets and digits): a line that
fits several items, or none, stays without one and is shown to a person. Nothing is guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from unicodedata import normalize

FILE = Path(__file__).with_name("catalogue.toml")

PER = ("次", "区", "根")
"""What is counted: performances, areas (each of them a treatment), needles (the line is one treatment)."""

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Code:
    """One code of an item. `system` is "price_2001" or "national_15"; `status` says how far it was verified."""

    code: str
    system: str
    status: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item. Minutes are those of one treatment; None where nothing is laid down or known.

    `device_class` is the class of the device that shows it; an item that no meter sees is a class of its own
    (`item<number>`), and `attended`.
    """

    number: int
    zh: str
    en: str
    per: str
    min_minutes: int
    max_minutes: int
    min_acupoints: int | None = None
    min_cups: int | None = None
    note_zh: str = ""
    note_en: str = ""
    device_class: str = ""
    codes: tuple[Code, ...] = ()
    day_max: int | None = None
    course_max: int | None = None
    course_days: int | None = None
    valid_days: int | None = None

    @property
    def attended(self) -> bool:
        """Whether only a person's record can show it."""
        return self.device_class == f"item{self.number}"


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
    """The items by number, and where they come from."""

    source: str
    items: Mapping[int, Item]
    _by_code: Mapping[str, frozenset[int]] = field(repr=False)
    _by_name: Mapping[str, frozenset[int]] = field(repr=False)

    def find(
        self,
        codes: Sequence[str],
        own_codes: Sequence[str] = (),
        names: Sequence[str] = (),
        own_items: Mapping[str, int] | None = None,
    ) -> Found:
        """The item that a line means.

        Clues are asked in turn: the national and price `codes`, what the clinic itself said of a code
        (`own_items`), the `names`. A clue that leaves several items open is narrowed by those after it.
        """
        own = own_items or {}
        clues = [self._by_code.get(code) for code in codes]
        clues += [frozenset({own[code]}) for code in (*own_codes, *codes) if code in own]
        clues += [self._by_name.get(plain(name)) for name in names if name]
        open_: frozenset[int] = frozenset()
        for clue in filter(None, clues):
            open_ = (open_ & clue or open_) if open_ else clue
            if len(open_) == 1:
                return Found(self.items[next(iter(open_))])
        return Found(None, tuple(sorted(open_)))


@lru_cache
def read(path: Path = FILE) -> Catalogue:
    """The catalogue that a TOML file holds; by default ours. ValueError where an item of it cannot stand."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    items = [_item(each) for each in document["items"]]
    by_code, by_name = defaultdict(set), defaultdict(set)
    for item in items:
        by_name[plain(item.zh)].add(item.number)
        for code in item.codes:
            by_code[code.code].add(item.number)
    if len({item.number for item in items}) != len(items):
        raise ValueError(f"{path}: two items have the same number")
    return Catalogue(
        document["source"], {item.number: item for item in items}, _frozen(by_code), _frozen(by_name)
    )


def _item(table: dict[str, object]) -> Item:
    codes = tuple(Code(**each) for each in table.get("codes", ()))  # type: ignore[attr-defined]
    own_class = {"device_class": f"item{table['number']}"}
    item = Item(**{**own_class, **table, "codes": codes})  # type: ignore[arg-type]
    if item.per not in PER or not 0 < item.min_minutes <= item.max_minutes:
        raise ValueError(
            f"item {item.number}: per {item.per}, {item.min_minutes} to {item.max_minutes} minutes"
        )
    return item


def _frozen(sets: Mapping[str, set[int]]) -> dict[str, frozenset[int]]:
    return {key: frozenset(each) for key, each in sets.items()}
