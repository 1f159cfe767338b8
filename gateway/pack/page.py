"""The pack's page for people, `index.html`: one file without scripts, that asks nothing of any network and prints well.

Chinese first, English beside. It shows what the pack says and computes nothing; one line of a larger set is never doubted alone.
Every text of the clinic goes through the template's escaping.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.instants import iso
from gateway.ledger.units import Unit
from gateway.pack import sums
from gateway.pack.contents import Contents
from gateway.report.sheets import Both, both

Json = dict[str, Any]

_DOUBTED = ("short", "no_device_time", "unobserved")
_APART = ("not_metered", "reversed")
_FEW = 12
"""So many references stand open; more are folded away."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A set of more than one line in which some treatments are doubted, nobody can tell which."""

    number: int
    lines: Sequence[str]
    treatments: int
    over: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Told:
    """What the page shows of one source: `sets` by their number, `days` the treatments by local day of charge."""

    source: str
    said: Json
    counts: Sequence[sums.Count]
    sets: Sequence[Doubted]
    days: Sequence[tuple[str, Sequence[Json]]]
    numbers: Mapping[str, Sequence[int]]

    def sets_of(self, treatment: Json) -> Sequence[int]:
        """The sets to which a treatment's line belongs, doubted or not: of those nothing is said of a line alone."""
        return () if treatment["verdict"] in _APART else self.numbers.get(treatment["line"], ())


def parts(held: Contents) -> Iterator[bytes]:
    """The page in UTF-8, in pieces."""
    devices = sums.watched(held)
    figures = {
        "about": held.document(),
        "made": iso(held.asked.now_ms, held.asked.config.zone),
        "devices": devices,
        "open_s": sum(each.open_s for each in devices),
        "watched_s": sum(each.watched_s for each in devices),
        "units": [_unit(held, each) for each in held.units],
        "sources": [_told(source, each.said) for source, each in held.judged.items()],
        "instant": partial(iso, zone=held.asked.config.zone),
        "item": partial(_item, held),
        "trail": held.trail,
        "few": _FEW,
    }
    for piece in _template().generate(figures):
        yield piece.encode()


@lru_cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("gateway.pack", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "t": _said,
        "two": two,
        "hours": sums.hours,
        "share": sums.share,
        "money": sums.money,
    }
    environment.globals |= {"dark_of": _dark, "clock": _clock}
    environment.filters["decimal"] = Decimal
    return environment.get_template("page.html")


def two(text: Both) -> Markup:
    """Both languages, the Chinese first; what both write alike once."""
    if text.zh == text.en:
        return escape(text.zh)
    return Markup('{}<span class="en" lang="en"> {}</span>').format(text.zh, text.en)


def _said(key: str, **values: object) -> Markup:
    return two(both(key, **values))


def _dark(row: Json) -> Any:
    """The dark spans of a device's day."""
    return json.loads(row["dark"])


def _clock(instant: str) -> str:
    """Day and time of an ISO 8601 instant, as people read them."""
    return instant[:19].replace("T", " ")


def _item(held: Contents, number: int) -> Both:
    """An item as the catalogue calls it last."""
    item = held.catalogue.items.get(number)
    return Both(f"{number} {item.zh}", item.en) if item else Both(str(number), str(number))


def _unit(held: Contents, unit: Unit) -> Json:
    """A unit with its grade, the hash of its key and where its records in the pack begin."""
    key = hashlib.sha256(bytes.fromhex(unit.key_hex)).hexdigest()
    placed = [each for each in held.placements if each.unit == unit.unit]
    return {
        "unit": unit,
        "key": key,
        "begins": held.begins.get(unit.unit),
        "head": held.heads.get(unit.unit),
        "devices": list(dict.fromkeys(each.device for each in placed)),
    }


def _told(source: str, said: Json) -> Told:
    sets = _sets(said["treatments"])
    numbers: dict[str, list[int]] = {}
    for each in sets:
        for line in each.lines:
            numbers.setdefault(line, []).append(each.number)
    days = [
        (day, list(rows)) for day, rows in groupby(said["treatments"], key=lambda each: each["charged"][:10])
    ]
    return Told(source, said, sums.counts(said), sets, days, numbers)


def _sets(treatments: Sequence[Json]) -> list[Doubted]:
    """The sets of more than one line, in the order in which a doubt is first said of them."""
    over = Counter(
        among for each in treatments if each["verdict"] in _DOUBTED and len(among := tuple(each["among"])) > 1
    )
    by_line: dict[str, list[Json]] = {}
    for each in treatments:
        by_line.setdefault(each["line"], []).append(each)
    return [_set(number, among, over[among], by_line) for number, among in enumerate(over, start=1)]


def _set(number: int, among: Sequence[str], over: int, by_line: Mapping[str, Sequence[Json]]) -> Doubted:
    inside = [each for line in among for each in by_line.get(line, ()) if each["verdict"] != "reversed"]
    amount = sum((Decimal(each["amount"]) for each in inside), Decimal(0))
    return Doubted(number, among, len(inside), over, amount)
