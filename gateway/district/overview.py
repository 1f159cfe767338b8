"""What a district sees of its clinics: whose records it holds, what is missing, who was never heard."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from sqlite_utils import Database

from gateway.instants import iso
from gateway.ledger import outbox, records, trail


def overview(db: Database, zone: tzinfo) -> dict[str, Any]:
    """Per clinic and unit, as `GET /district/v1/overview` answers and `status` prints."""
    clinics: dict[str, dict] = {}
    for row in records.positions(db):
        clinic = clinics.setdefault(row["clinic"], {"clinic": row["clinic"], "units": []})
        clinic["units"].append(_unit(db, row, zone))
    for clinic in clinics.values():
        came = outbox.forwarded(db, f"from:{clinic['clinic']}")
        clinic["held"] = came.position
        clinic["heard"] = iso(came.heard_ms, zone) if came.heard_ms else None
        clinic["quarantined"] = outbox.quarantined_of(db, clinic["clinic"])
        clinic["trail"] = _trail(db, clinic["clinic"])
    return {"clinics": list(clinics.values())}


def _trail(db: Database, clinic: str) -> dict[str, object]:
    """Where the clinic's trail ended last, and whether what it told can be one history."""
    told = [head for head, _ in trail.heads(db, clinic)]
    last = told[-1] if told else trail.Head(0, trail.ORIGIN)
    return {
        "entry": last.entry,
        "hash": last.hash,
        "heads": len(told),
        "rewritten": trail.contradictory(told),
    }


def _unit(db: Database, row: dict, zone: tzinfo) -> dict[str, object]:
    return {
        "unit": row["unit"],
        "first": row["first_us"],
        "last": row["last_us"],
        "records": row["records"],
        "missing": [list(each) for each in _missing(db, row)],
        "never_heard": row["records"] == 0,
        "heard": iso(row["heard_ms"], zone) if row["heard_ms"] else None,
        "forked": row["forked_us"],
        "branch": row["branch"],
    }


def _missing(db: Database, row: dict) -> list[tuple[int, int]]:
    """Holes are looked for only where there is a sign of one."""
    open_ = row["aside"] or records.has_finding(db, "gap", row["unit"])
    return records.missing(db, row["unit"]) if open_ else []
