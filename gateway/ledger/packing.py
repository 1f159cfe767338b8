"""What an evidence pack takes out of the ledger, row by row, in one snapshot. SQL alone, no judgement."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlite_utils import Database

from gateway.ledger.bills import Teller
from gateway.ledger.trail import Head

Row = dict[str, Any]

_MOST_BACK = 3_000
"""How many records before those that are needed to look for the BOOT of their boot."""

_SYNCHRONISED = """line LIKE '%"RD":[{"TM":"_______________________+0800 S"%'"""
_TELLS = (
    "kind IN ('BOOT', 'OPEN', 'SESSION', 'GAP')"
    """ OR kind = 'FAULT' AND (line LIKE '%"UR":"METER_SILENT"%' OR line LIKE '%"UR":"STORAGE"%')"""
)


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """What is read inside is of one state of the ledger, whatever others write meanwhile."""
    db.conn.execute("BEGIN")
    try:
        db.execute("SELECT count(*) FROM trail").fetchone()  # from this reading on
        yield
    finally:
        db.rollback()


def begins(db: Database, unit: str, before_ms: int) -> int | None:
    """From which chained record on a unit's chain tells all of what was so at `before_ms` and later: before the last one
    with a synchronised clock, the last that tells of load or meter, and its BOOT where that is near. None: no records."""
    chained = "FROM records WHERE unit = :unit AND chained = 1"
    asked: Row = {"unit": unit, "ms": before_ms}
    asked["us"] = _one(
        db, f"SELECT us {chained} AND at_ms < :ms AND {_SYNCHRONISED} ORDER BY at_ms DESC LIMIT 1", asked
    )
    if asked["us"] is not None:
        told = f"SELECT us {chained} AND us <= :us AND ({_TELLS}) ORDER BY us DESC LIMIT 1"
        asked["us"] = _one(db, told, asked)
    if asked["us"] is None:
        return _one(db, f"SELECT min(us) {chained}", asked)
    asked["least"] = asked["us"] - _MOST_BACK
    boot = _one(db, f"SELECT max(us) {chained} AND kind = 'BOOT' AND us BETWEEN :least AND :us", asked)
    return asked["us"] if boot is None else boot


def _one(db: Database, sql: str, asked: Row) -> Any:
    found = db.execute(sql, asked).fetchone()
    return found[0] if found else None


def chained(db: Database, unit: str, first_us: int) -> Iterator[tuple[int, str, str, int, int]]:
    """(us, digest, exact line, received_ms, chained) of a unit's chain from a record on, in its order."""
    return db.execute(
        "SELECT us, digest, line, received_ms, chained FROM records WHERE unit = ? AND chained = 1 AND us >= ? ORDER BY us",
        [unit, first_us],
    )


def unchained(db: Database, unit: str) -> Iterator[tuple[int, str, str, int, int]]:
    """The same of what is stored and is not in the chain."""
    return db.execute(
        "SELECT us, digest, line, received_ms, chained FROM records WHERE unit = ? AND chained <> 1 ORDER BY us, position",
        [unit],
    )


def sessions(db: Database, unit: str, first_us: int, from_ms: int, last_ms: int) -> Iterator[tuple[int, str]]:
    """(us, exact line) of the sessions of a unit's chain, from a record on, that ended in [from, last]."""
    return db.execute(
        """SELECT us, line FROM records WHERE unit = ? AND chained = 1 AND us >= ? AND kind = 'SESSION'
           AND at_ms BETWEEN ? AND ? ORDER BY us""",
        [unit, first_us, from_ms, last_ms],
    )


def received_from(db: Database, unit: str, first_us: int) -> int:
    """When the record of that number came."""
    sql = "SELECT min(received_ms) FROM records WHERE unit = ? AND us = ?"
    return db.execute(sql, [unit, first_us]).fetchone()[0]


def heads(db: Database, clinic: str) -> list[Row]:
    """Where the chains of a clinic's units end, and from where on they are forked."""
    return list(
        db.query(
            """SELECT h.unit, h.us, h.digest, h.first_us, h.first_up, h.forked_us FROM heads h JOIN units USING (unit)
               WHERE clinic = ? ORDER BY h.unit""",
            [clinic],
        )
    )


def amendments(db: Database, clinic: str) -> list[Row]:
    """What two persons corrected about a clinic's devices."""
    return list(
        db.query(
            "SELECT a.* FROM amendments a JOIN devices USING (device) WHERE clinic = ? ORDER BY amendment",
            [clinic],
        )
    )


_LINE = """source, line, file, row, visit, patient, item, code, name, count, treatments, amount_fen, charged_ms, performed_ms,
  room, staff, settlement, reversed_by, own_code, insured"""


def lines(db: Database, teller: Teller, names: Iterable[str], visits: Iterable[str]) -> Iterator[Row]:
    """These bill lines, the refunds that took any of them back, and all that these visits were charged of the catalogue."""
    asked = {"clinic": teller.clinic, "source": teller.source, "names": _list(names), "visits": _list(visits)}
    return db.query(
        f"""SELECT {_LINE} FROM bill_lines WHERE clinic = :clinic AND source = :source AND (
              line IN (SELECT value FROM json_each(:names))
              OR reversed_by IN (SELECT value FROM json_each(:names)) AND count LIKE '-%'
              OR visit IN (SELECT value FROM json_each(:visits)) AND item IS NOT NULL AND count NOT LIKE '-%'
            ) ORDER BY charged_ms, line""",
        asked,
    )


def files(db: Database, clinic: str) -> list[Row]:
    """The bill files of a clinic, without what is in them."""
    return list(
        db.query(
            """SELECT file, source, name, format, sha256, imported_ms, first_ms, last_ms, length(body) AS bytes
               FROM bill_files WHERE clinic = ? ORDER BY file""",
            [clinic],
        )
    )


def entries(db: Database, clinic: str, visits: Iterable[str], from_ms: int, until_ms: int) -> list[Row]:
    """What people recorded of these visits and of what began in [from, until), with all that was replaced."""
    asked = {"clinic": clinic, "visits": _list(visits), "from": from_ms, "until": until_ms}
    return list(
        db.query(
            """SELECT * FROM attended WHERE thread IN (
                 SELECT thread FROM attended WHERE clinic = :clinic
                   AND (visit IN (SELECT value FROM json_each(:visits)) OR began_ms >= :from AND began_ms < :until)
               ) ORDER BY entry""",
            asked,
        )
    )


def tags(db: Database, clinic: str, read: Collection[str]) -> Iterator[Row]:
    """Which visits these tags stand for."""
    return db.query(
        """SELECT clinic, tag, visit, at_ms, by FROM visit_tags WHERE clinic = ?
           AND tag IN (SELECT value FROM json_each(?)) ORDER BY tag""",
        [clinic, _list(read)],
    )


def own_codes(db: Database, clinic: str) -> list[Row]:
    """What the clinic says of its own codes."""
    sql = "SELECT mapping, clinic, code, item, from_day, by, at_ms FROM own_codes WHERE clinic = ? ORDER BY mapping"
    return list(db.query(sql, [clinic]))


def findings(db: Database, clinic: str) -> Iterator[Row]:
    """Every finding about no other clinic's unit, oldest first."""
    return db.query(
        """SELECT code, unit, us, found_ms, zh, en FROM findings f
           WHERE NOT EXISTS (SELECT 1 FROM units u WHERE u.unit = f.unit AND u.clinic <> ?) ORDER BY found_ms, finding""",
        [clinic],
    )


def quarantine(db: Database, clinic: str, from_ms: int, is_district: bool) -> Iterator[Row]:
    """What was refused since then of this clinic or its units; in a clinic's own ledger also what named nobody."""
    return db.query(
        """SELECT q.* FROM quarantine q LEFT JOIN units u USING (unit) WHERE q.received_ms >= :from_ms
           AND (q.clinic = :clinic OR u.clinic = :clinic OR q.clinic = '' AND u.unit IS NULL AND NOT :is_district)
           ORDER BY q.received_ms, q.sha256""",
        {"clinic": clinic, "from_ms": from_ms, "is_district": is_district},
    )


def skips(db: Database, clinic: str) -> Iterator[Row]:
    """The gaps that a person passed."""
    return db.query(
        """SELECT s.unit, s.to_us, s.by, s.why, s.at_ms FROM skips s JOIN units USING (unit)
           WHERE clinic = ? ORDER BY s.unit, s.to_us""",
        [clinic],
    )


def closings(db: Database, clinic: str, first: str, last: str) -> Iterator[Row]:
    """The closings of these days (YYYY-MM-DD) and of their months."""
    return db.query(
        """SELECT source, clinic, day, number, run, at_ms, by, body, sha256 FROM closings
           WHERE clinic = ? AND day BETWEEN substr(?, 1, length(day)) AND substr(?, 1, length(day))
           ORDER BY source, day, number""",
        [clinic, first, last],
    )


def acts(db: Database, clinic: str) -> Iterator[Row]:
    """What was said and decided of a clinic's leads."""
    return db.query(
        """SELECT clinic, lead, side, place, kind, at_ms, by, body, sha256, received_ms FROM review_acts
           WHERE clinic = ? ORDER BY lead, side, place""",
        [clinic],
    )


def trail(db: Database, head: Head) -> Iterator[Row]:
    """The trail from its first entry to that end."""
    return db.query(
        "SELECT entry, at_ms, who, act, subject, body, hash FROM trail WHERE entry <= ? ORDER BY entry",
        [head.entry],
    )


def _list(texts: Iterable[str]) -> str:
    return json.dumps(sorted(set(texts)), ensure_ascii=False)
