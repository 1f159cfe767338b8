"""A copy of the ledger for people who ask questions of it: without accounts, keys of persons, files and texts of people."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from gateway.ledger import database

_EMPTIED = ("people", "sign_ins", "failed_sign_ins", "visit_tags", "attachments")
_BLANKED = {
    "bill_lines": "patient = ''",
    "bill_files": "body = x''",
    "attended": "reason = '', why = '', body_part = ''",
    "quarantine": "body = x''",
    "skips": "why = ''",
    "catalogue_proposals": "why = ''",
    "trail": "body = '{}'",
    "review_acts": "body = '{}'",
}
"""What the copy does not say; without it neither seals of the trail nor of reviews can be checked there."""

_VIEWS = {
    "coverage_by_device": """
        SELECT c.run, r.clinic, c.day, d.room, c.device, d.load, c.unit, c.open_s, c.watched_s,
          round(100.0 * c.watched_s / nullif(c.open_s, 0), 1) AS watched_percent
        FROM coverage c JOIN runs r USING (run) JOIN devices d USING (device)
        WHERE c.run IN newest_runs""",
    "treatments_by_day": """
        SELECT v.run, r.clinic, v.source, v.day, v.item, v.code, count(*) AS treatments, sum(v.amount_fen) / 100.0 AS yuan
        FROM verdicts v JOIN runs r USING (run) WHERE v.run IN newest_runs GROUP BY v.run, v.source, v.day, v.item, v.code""",
    "sessions": """
        SELECT unit, us, datetime(at_ms / 1000, 'unixepoch') AS ended_utc, json_extract(payload, '$.UA') AS active_s,
          json_extract(payload, '$.UW[1]') / 1000.0 AS mean_w, json_extract(payload, '$.RD[1].TX') AS ended
        FROM (SELECT unit, us, at_ms, substr(line, 6, instr(substr(line, 6), '|') - 1) AS payload
              FROM records WHERE kind = 'SESSION' AND chained = 1)""",
}
QUESTIONS = {
    "doubted_by_item": (
        "各项目的存疑次数 · Doubted treatments by item",
        "SELECT clinic, source, item, sum(treatments) AS treatments, sum(yuan) AS yuan FROM treatments_by_day"
        " WHERE code IN ('short', 'no_device_time') GROUP BY clinic, source, item ORDER BY yuan DESC",
    ),
    "least_watched": (
        "监测最少的设备 · Devices that were watched least",
        "SELECT clinic, room, device, sum(watched_s) * 100.0 / sum(open_s) AS watched_percent FROM coverage_by_device"
        " GROUP BY clinic, device ORDER BY watched_percent LIMIT 20",
    ),
    "sessions_of_unit": (
        "一个单元的通电 · Sessions of a unit",
        "SELECT * FROM sessions WHERE unit = :unit ORDER BY us DESC LIMIT 500",
    ),
}
"""Questions to begin with: name -> (what it asks, SQL)."""

_NEWEST = (
    "CREATE VIEW newest_runs AS SELECT max(run) AS run FROM runs GROUP BY from_day, to_day, clinic, source"
)


def make_room(db: Database, out: Path) -> dict[str, int]:
    """The copy as the new file `out`: table or view -> rows. Leads are named, and how a run judged each line; whose treatment
    it was is not."""
    database.backup(db, out)
    copy = sqlite3.connect(out)
    try:
        _empty(copy)
        copy.execute(_NEWEST)
        for name, sql in _VIEWS.items():
            copy.execute(f"CREATE VIEW {name} AS {sql}")
        copy.commit()
        copy.execute("VACUUM")  # what was deleted is gone from the file too
        names = [
            name
            for (name,) in copy.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
            )
        ]
        return {
            name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
            if name[:7] != "sqlite_"
        }
    finally:
        copy.close()


def _empty(copy: sqlite3.Connection) -> None:
    triggers = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in triggers:  # they keep people from rewriting the ledger; this is no ledger
        copy.execute(f'DROP TRIGGER "{name}"')
    for name in _EMPTIED:
        copy.execute(f"DELETE FROM {name}")
    for name, values in _BLANKED.items():
        copy.execute(f"UPDATE {name} SET {values}")
