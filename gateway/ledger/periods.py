"""What a reconciliation reads of records, findings and bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlite_utils import Database

from gateway.ledger.bills import BillLine, Teller

_CHAINED = "FROM records WHERE unit = :unit AND chained = 1"
_SYNCHRONISED = """line LIKE '%"RD":[{"TM":"_______________________+0800 S"%'"""
_BEFORE = f"{_CHAINED} AND at_ms < :from_ms AND {_SYNCHRONISED} ORDER BY at_ms DESC LIMIT 1"
_AFTER = f"{_CHAINED} AND at_ms >= :until_ms AND +us > :first AND {_SYNCHRONISED} ORDER BY at_ms LIMIT 1"
_NEVER = 1 << 62
_SET_MS = 946_684_800_000  # 2000: what says it was made before has no clock


Told = tuple[int, str, int, int, str | None]
"""us, boot, um_ms and at_ms of a record, and what more it says of watching: nothing where it is a heartbeat with a
synchronised clock, of other plain kinds kind and clock flag (`OPEN S`), of all else its line."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records of a unit's chain: what all those of some time say, in order of `us`, and the exact lines of the nearest on
    either side (if any) that tell of load or meter."""

    told: list[Told]
    beside: list[str]


def stretch(
    db: Database,
    unit: str,
    from_ms: int,
    until_ms: int,
    telling: Sequence[str],
    unread: Sequence[str],
    plain: Sequence[str] = (),
) -> Stretch:
    """The unit's chained records made in [from_ms, until_ms), and at least one with a synchronised clock around them.

    Between two such records the order of `us` is that of time, whatever an unset clock said. `telling` are the kinds,
    `unread` the causes of a FAULT, for which to look; before the stretch a BOOT tells too. Of the `plain` kinds, of which
    heartbeats are the first, the columns say enough, unless they were kept before all columns were there.
    """
    asked: dict[str, object] = {"unit": unit, "from_ms": from_ms, "until_ms": until_ms}
    asked["first"] = _one(db, f"us {_BEFORE}", asked) or 0
    asked["last"] = _one(db, f"us {_AFTER}", asked) or _NEVER
    told = db.execute(
        f"SELECT us, boot, um_ms, at_ms, {_more(plain)} {_CHAINED} AND us BETWEEN :first AND :last ORDER BY us",
        asked,
    ).fetchall()
    tells = " OR ".join(f"kind = '{kind}'" for kind in telling)
    backwards = " OR ".join([tells, "kind = 'BOOT'", *map(_fault, unread)])
    before = _one(db, f"line {_CHAINED} AND us < :first AND ({backwards}) ORDER BY us DESC LIMIT 1", asked)
    after = _one(db, f"line {_CHAINED} AND us > :last AND ({tells}) ORDER BY us LIMIT 1", asked)
    return Stretch(told, [line for line in (before, after) if line])


def _more(plain: Sequence[str]) -> str:
    if not plain:
        return "line"
    kinds = ", ".join(f"'{kind}'" for kind in plain)
    return f"""CASE WHEN kind = '{plain[0]}' AND flag = 'S' THEN NULL
                    WHEN kind IN ({kinds}) AND flag <> '' THEN kind || ' ' || flag ELSE line END"""


def _fault(cause: str) -> str:
    return f"""kind = 'FAULT' AND line LIKE '%"UR":"{cause}"%'"""


def _one(db: Database, sql: str, asked: dict[str, object]) -> Any:
    found = db.execute(f"SELECT {sql}", asked).fetchone()
    return found[0] if found else None


def lines_performed(
    db: Database, teller: Teller, performed: tuple[int, int], charged: tuple[int, int]
) -> list[BillLine]:
    """The lines that say they were performed within one time and were charged outside of another. Both ends of either
    belong to it."""
    names = ", ".join(each.name for each in fields(BillLine))
    rows = db.execute(
        f"""SELECT {names} FROM bill_lines
            WHERE clinic = ? AND source = ? AND performed_ms BETWEEN ? AND ? AND charged_ms NOT BETWEEN ? AND ?
              AND count NOT LIKE '-%'""",
        [teller.clinic, teller.source, *performed, *charged],
    )
    return [BillLine(*row) for row in rows]


def findings_between(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[dict[str, Any]]:
    """Findings of [from_ms, until_ms) that are about no other clinic's unit, with `at_ms`: when the record concerned was
    made, or of one that is not here the record before it. What no record dates stands at the time of its finding."""
    return list(
        db.query(
            """SELECT * FROM (
                 SELECT f.code, f.unit, f.us, f.zh, f.en, coalesce(
                   (SELECT CASE WHEN r.at_ms < :set_ms THEN r.received_ms ELSE r.at_ms END FROM records r
                    WHERE r.unit = f.unit AND r.us <= f.us ORDER BY r.us DESC LIMIT 1), f.found_ms
                 ) AS at_ms, f.finding FROM findings f
                 WHERE NOT EXISTS (SELECT 1 FROM units u WHERE u.unit = f.unit AND u.clinic <> :clinic)
               ) WHERE at_ms >= :from_ms AND at_ms < :until_ms ORDER BY unit, us, finding""",
            {"clinic": clinic, "from_ms": from_ms, "until_ms": until_ms, "set_ms": _SET_MS},
        )
    )
