"""The arithmetic of a lead that compares treatments with device time, as a run left it, row by row, so that anybody can do it
again by hand. Nothing is judged here: where a row's own figures do not give what the run says, only that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Carried:
    """One piece of device time: the records and unwatched devices that it is made of, when, and how it comes to `carries`."""

    records: tuple[str, ...]
    dark: tuple[str, ...]
    span: str
    active_s: int
    dark_s: int
    formula: str
    carries: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """All device time that a set of treatments could have used (`total`), against how many they are."""

    rows: list[Carried]
    total: int
    treatments: int
    required_s: int


def arithmetic(body: Mapping[str, Any]) -> Arithmetic | None:
    """Of a lead's body, as `reconcile --json` prints it; None where it compares nothing."""
    required_s = body.get("parameters", {}).get("required_s")
    if body.get("rule") != "capacity" or not required_s:
        return None
    rows = [_carried(row, required_s) for row in sorted(body.get("witness", []), key=_place)]
    return Arithmetic(rows, body["capacity"], body["treatments"], required_s)


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    """By unit, then by time."""
    return (*row["records"], *row["dark"])[0].rpartition(":")[0] or row["dark"][0], row["from"]


def _carried(row: Mapping[str, Any], required_s: int) -> Carried:
    active_s, dark_s, carries, stations = row["active_s"], row["dark_s"], row["carries"], row["stations"]
    start, until = (each[:19].replace("T", " ") for each in (row["from"], row["until"]))
    whole = (active_s + dark_s) // required_s
    own, rest = divmod(whole * stations - carries, stations)
    if not dark_s:
        formula = f"⌊{active_s} ÷ {required_s}⌋ × {stations}" if not own and not rest else str(carries)
    elif rest or own < 0:
        formula = str(carries)
    else:
        formula = f"(⌊({active_s} + {dark_s}) ÷ {required_s}⌋ − {own}) × {stations}"
    end = until[11:] if until[:10] == start[:10] else until
    return Carried(
        tuple(row["records"]), tuple(row["dark"]), f"{start[5:]}–{end}", active_s, dark_s, formula, carries
    )
