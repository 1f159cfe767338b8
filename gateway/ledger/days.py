"""What the ledger holds of one day, for the page that shows it. Reads only; rows come as dicts of their columns.

`day` is a local date as YYYY-MM-DD; the caller knows when it begins and ends (`from_ms`, `until_ms`, half open).
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database

Row = dict[str, Any]


def newest_run(db: Database, clinic: str, day: str) -> Row | None:
    """`run`, `source` and `made_ms` of the last reconciliation that covers the day; one of the clinic's own lines goes
    before one of the platform's."""
    found = db.query(
        "SELECT run, source, made_ms FROM runs WHERE clinic = ? AND from_day <= ? AND to_day >= ?"
        " ORDER BY source, run DESC LIMIT 1",
        [clinic, day, day],
    )
    return next(iter(found), None)


def newest_reconciled_day(db: Database, clinic: str) -> str | None:
    """The latest day of which some run knows the coverage or a verdict. No run knows of days after its last."""
    told = "SELECT max(day) AS day FROM {} WHERE run = :run"
    sql = f"SELECT max(day) FROM ({told.format('coverage')} UNION ALL {told.format('verdicts')})"
    newest: str | None = None
    runs = db.execute(
        "SELECT run, to_day FROM runs WHERE clinic = ? ORDER BY to_day DESC, run DESC", [clinic]
    ).fetchall()
    for run, to_day in runs:
        if newest is not None and newest >= to_day:
            break
        found = db.execute(sql, {"run": run}).fetchone()[0]
        newest = max(filter(None, (newest, found)), default=None)
    return newest


def devices(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[Row]:
    """The inventory that stood at any time of the day, without reading posts, which show no load."""
    return list(
        db.query(
            "SELECT device, load, room, bed, stations, blind FROM devices"
            " WHERE clinic = ? AND from_ms < ? AND (until_ms IS NULL OR until_ms > ?)"
            " AND load <> 'post' AND load NOT GLOB 'post[1-9]*'",
            [clinic, until_ms, from_ms],
        )
    )


def placements(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[Row]:
    """Which unit was on which device at any time of the day, by time."""
    return list(
        db.query(
            "SELECT unit, device, p.from_ms, p.until_ms FROM placements p JOIN units USING (unit)"
            " WHERE clinic = ? AND p.from_ms < ? AND (p.until_ms IS NULL OR p.until_ms > ?)"
            " ORDER BY p.from_ms, unit",
            [clinic, until_ms, from_ms],
        )
    )


_SESSION_RECORDS = """
  WITH ours AS (SELECT unit FROM units WHERE clinic = :clinic),
  told AS (
    SELECT position FROM ours CROSS JOIN records USING (unit)
      WHERE at_ms >= :from AND at_ms < :until AND kind = 'SESSION'
    UNION SELECT (
      SELECT position FROM records r
        WHERE r.unit = ours.unit AND r.at_ms >= :until AND r.kind = 'SESSION' ORDER BY r.at_ms LIMIT 1
      ) FROM ours
    UNION SELECT s.position FROM ours CROSS JOIN records c USING (unit) CROSS JOIN records s ON s.unit = c.unit
      WHERE c.at_ms >= :from AND c.at_ms < :until + 86400000 AND c.kind = 'CLOCK'
        AND s.us < c.us AND s.boot = c.boot AND s.kind = 'SESSION'
  )
  SELECT unit, r.us, boot, line, chained AND (forked_us IS NULL OR r.us < forked_us) AS joined,
    plug = 0 AND approved_ms IS NOT NULL AS approved
  FROM told CROSS JOIN records r USING (position) JOIN units USING (unit) LEFT JOIN heads USING (unit)
"""


def session_records(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[Row]:
    """The SESSION records of all units that could tell of the day: those that ended in it by their own clock, of each
    unit the first that ended after it, and those whose clock was set in it, after they had been written."""
    return list(db.query(_SESSION_RECORDS, {"clinic": clinic, "from": from_ms, "until": until_ms}))


def later_clocks(db: Database, unit: str, boot: str, us: int) -> list[str]:
    """The lines of the CLOCK records that follow `us` in the same boot."""
    sql = "SELECT line FROM records WHERE unit = ? AND us > ? AND boot = ? AND kind = 'CLOCK' ORDER BY us"
    return [row["line"] for row in db.query(sql, [unit, us, boot])]


def coverage(db: Database, run: int, day: str) -> list[Row]:
    """Per device how long it should have been watched, how long it was, and when not."""
    sql = "SELECT device, unit, open_s, watched_s, dark FROM coverage WHERE run = ? AND day = ?"
    return list(db.query(sql, [run, day]))


def bill_lines(db: Database, clinic: str, from_ms: int, until_ms: int) -> list[Row]:
    """The bill lines charged in the day, of both sources, by time; a refund is told by the line that it takes back."""
    return list(
        db.query(
            "SELECT source, line, visit, item, name, treatments, amount_fen, charged_ms, room, staff, reversed_by"
            " FROM bill_lines"
            " WHERE clinic = ? AND source IN ('clinic', 'platform') AND charged_ms >= ? AND charged_ms < ?"
            " AND count NOT LIKE '-%' ORDER BY charged_ms, line, source",
            [clinic, from_ms, until_ms],
        )
    )


def verdicts(db: Database, run: int, day: str) -> list[Row]:
    """What the run said of the treatments charged on the day."""
    sql = 'SELECT source, line, "index", code, body FROM verdicts WHERE run = ? AND day = ? ORDER BY source, line, "index"'
    return list(db.query(sql, [run, day]))


def doubted(db: Database, run: int) -> list[Row]:
    """What the run said of every treatment, of whatever day, whose doubt is shared with other lines."""
    return list(
        db.query(
            "SELECT code, body FROM verdicts WHERE run = ? AND code IN ('short', 'no_device_time', 'unobserved')"
            " AND json_array_length(body, '$.among') > 1 ORDER BY source, line, \"index\"",
            [run],
        )
    )


def leads(db: Database, run: int, day: str) -> list[Row]:
    """The run's leads of the day, in the order in which it found them."""
    sql = "SELECT lead, rule, amount_fen, body FROM leads WHERE run = ? AND day = ? ORDER BY rowid"
    return list(db.query(sql, [run, day]))
