"""The random draw (双随机) that anybody can repeat: who knows the seed and the names computes it with sha256sum. Pure.

The rank of a name is the SHA-256, hex, of three texts in UTF-8, one below the other, without a line feed at the end:

    <seed>
    <what is drawn: clinic or platform for bill lines of that source, else clinics, units or inspectors>
    <name>

Drawn are the n smallest ranks. So the order of the names does not matter, a name more or less changes at most one of
those drawn, and nobody who does not choose the seed chooses what is drawn. This file does not know where a seed comes from.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import UsageError

KINDS = ("lines", "clinics", "units", "inspectors")
STRATA = ("item", "room", "verdict")
_SEED = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that can be drawn. `stratum` is the group of which so many are drawn: empty where there is only one group."""

    name: str
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One that was drawn, with its rank."""

    name: str
    stratum: str
    rank: str


def rank(seed: str, kind: str, name: str) -> str:
    """SHA-256, hex, by which the names are put in order."""
    return hashlib.sha256(f"{seed}\n{kind}\n{name}".encode()).hexdigest()


def draw(seed: str, kind: str, candidates: Iterable[Candidate], n: int) -> list[Drawn]:
    """Of each stratum the n with the smallest ranks, or all where there are fewer; by stratum and rank."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for each in candidates:
        groups[each.stratum][each.name] = rank(seed, kind, each.name)
    return [
        Drawn(name, stratum, ranked)
        for stratum in sorted(groups)
        for ranked, name in heapq.nsmallest(n, ((ranked, name) for name, ranked in groups[stratum].items()))
    ]


def fingerprint(names: Iterable[str]) -> str:
    """SHA-256, hex, of what can be drawn: each name once and with a line feed, in the order of their bytes (`sort -u` under
    LC_ALL=C)."""
    told = sorted({name.encode() for name in names})
    return hashlib.sha256(b"".join(each + b"\n" for each in told)).hexdigest()


def seed(text: str) -> str:
    """The seed as it was given; UsageError for what a shell or a line of text could change."""
    if not _SEED.fullmatch(text):
        raise UsageError(
            f"--seed {text!r} 不能作种子：1 到 128 个可见的 ASCII 字符，不含空格",
            f"--seed {text!r} is no seed: 1 to 128 visible ASCII characters, no blanks",
        )
    return text
