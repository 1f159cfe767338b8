"""A reconciliation as the JSON that `reconcile --json` prints and the ledger keeps. Other people's scripts read it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import tzinfo
from functools import lru_cache
from typing import Any

import msgspec

from gateway.audit.facts import DeviceDay
from gateway.audit.hours import Hours
from gateway.audit.leads import Lead
from gateway.audit.reconcile import Reconciliation
from gateway.audit.verdicts import CODES, Verdict
from gateway.instants import iso
from gateway.ledger.bills import BillLine
from gateway.money import yuan

Json = dict[str, Any]
_encoder = msgspec.json.Encoder()


def document(found: Reconciliation, hours: Hours) -> Json:
    """The whole of it."""
    return {
        "from": found.from_day.isoformat(),
        "to": found.to_day.isoformat(),
        "summary": summary(found),
        "treatments": [treatment(verdict, line, hours) for verdict, line in found.verdicts],
        "coverage": _coverage(found.coverage),
        "leads": [lead(each, hours) for each in found.leads],
    }


def summary(found: Reconciliation) -> dict[str, int]:
    """How many treatments got each verdict."""
    counts = Counter(verdict.code for verdict, _ in found.verdicts)
    return {code: counts[code] for code in CODES}


def treatment(verdict: Verdict, line: BillLine, hours: Hours) -> Json:
    """One verdict on one treatment."""
    return {
        "line": verdict.line,
        "visit": line.visit,
        "item": verdict.item,
        "index": verdict.index,
        "verdict": verdict.code,
        "grade": verdict.grade,
        "active_s": verdict.active_s,
        "required_s": verdict.required_s,
        "item_required_s": verdict.item_required_s,
        "fit": verdict.fit,
        "tagged": verdict.tagged,
        "records": list(verdict.records),
        "dark": _darks(verdict.dark, hours),
        "among": list(verdict.among),
        "window": list(_window(verdict.window_from_ms, verdict.window_until_ms, hours.zone)),
        "charged": _iso(line.charged_ms, hours),
        "amount": yuan(verdict.amount_fen),
    }


def lead(found: Lead, hours: Hours) -> Json:
    """One lead with its arithmetic and all that it rests on."""
    return {
        "id": found.name,
        "rule": found.rule,
        "item": found.item,
        "day": found.day.isoformat(),
        "treatments": found.treatments,
        "capacity": found.capacity,
        "lines": list(found.lines),
        "supplies": list(found.supplies),
        "dark": _darks(found.dark, hours),
        "amount": yuan(found.amount_fen),
        "zh": found.zh,
        "en": found.en,
        "parameters": dict(found.parameters),
        "witness": [_evidence(each, hours) for each in found.witness],
    }


def _evidence(row: Mapping[str, object], hours: Hours) -> Json:
    """Instants are printed as such, under their names without `_ms`."""
    said: Json = {}
    zone = hours.zone
    for key, value in row.items():
        if key[-3:] == "_ms" and isinstance(value, int):
            said[key[:-3]] = iso(value, zone)
        else:
            said[key] = value
    return said


def row(verdict: Verdict, line: BillLine, hours: Hours) -> Json:
    """A verdict as the ledger keeps it."""
    return {
        "source": line.source,
        "line": verdict.line,
        "index": verdict.index,
        "item": verdict.item,
        "code": verdict.code,
        "day": hours.day_of(line.charged_ms).isoformat(),
        "amount_fen": verdict.amount_fen,
        "body": _text(treatment(verdict, line, hours)),
    }


def lead_row(found: Lead, hours: Hours) -> Json:
    """A lead as the ledger keeps it."""
    return {
        "lead": found.name,
        "rule": found.rule,
        "day": found.day.isoformat(),
        "amount_fen": found.amount_fen,
        "body": _text(lead(found, hours)),
    }


def coverage_row(found: DeviceDay) -> Json:
    """A device's day as the ledger keeps it."""
    return {
        "day": found.day.isoformat(),
        "device": found.device.device,
        "unit": found.unit,
        "open_s": found.open_s,
        "watched_s": found.watched_s,
        "dark": json.dumps(found.dark),  # closings hash this text
    }


def _text(value: object) -> str:
    return _encoder.encode(value).decode()


def _darks(darks: tuple[tuple[str, int, int], ...], hours: Hours) -> list[list[str]]:
    return [[name, _iso(start, hours), _iso(end, hours)] for name, start, end in darks]


def _coverage(rows: list[DeviceDay]) -> list[Json]:
    """Seconds of the whole period for each device; `unit` is the device's own name where it has none."""
    total: dict[str, Json] = {}
    for row in rows:
        name = row.name
        each = total.setdefault(
            name, {"unit": name, "device": row.device.device, "open_s": 0, "watched_s": 0}
        )
        each["open_s"] += row.open_s
        each["watched_s"] += row.watched_s
    return list(total.values())


@lru_cache(1 << 14)
def _window(from_ms: int, until_ms: int, zone: tzinfo) -> tuple[str, str]:
    """Those of one day and item are the same."""
    return iso(from_ms, zone), iso(until_ms, zone)


def _iso(at_ms: int, hours: Hours) -> str:
    return iso(at_ms, hours.zone)
