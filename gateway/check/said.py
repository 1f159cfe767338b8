"""What reconciliations said, as the ledger stores it, read for `check`."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.check.reread import Span

LEFT_OVER = ("short", "no_device_time")
MATCHED = (*LEFT_OVER, "supported", "unobserved")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One reconciliation. Verdicts and leads are pairs of their row and of what its body says. `beyond`: device -> its dark
    time on other days, where that is known."""

    clinic: str
    source: str
    from_day: str
    to_day: str
    made_ms: int
    verdicts: Sequence[tuple[sqlite3.Row, Json]]
    leads: Sequence[tuple[sqlite3.Row, Json]]
    coverage: Sequence[sqlite3.Row]
    beyond: Mapping[str, Sequence[Span]] | None = None

    @property
    def teller(self) -> tuple[str, str]:
        """Whose bills it was about, and who told them."""
        return self.clinic, self.source

    def covers(self, day: str) -> bool:
        """Whether it is about that day."""
        return self.from_day <= day <= self.to_day

    def dark(self, device: str) -> list[Span]:
        """When the device was not watched, in the days of the run."""
        return merged(
            (start, end)
            for row in self.coverage
            if row["device"] == device
            for start, end in json.loads(row["dark"])
        )

    def reach(self) -> Span:
        """From the first instant of all windows to the last."""
        windows = [window_of(said) for _, said in self.verdicts]
        return min((first for first, _ in windows), default=0), max((last for _, last in windows), default=0)

    def users(self) -> dict[str, list[Json]]:
        """Session -> the supported treatments that rest on it."""
        users: dict[str, list[Json]] = defaultdict(list)
        for _, said in self.verdicts:
            if said["verdict"] == "supported":
                for key in said["records"][:1]:
                    users[key].append(said)
        return users


def newest_runs(db: sqlite3.Connection) -> list[int]:
    """Of each period, clinic and source the reconciliation made last."""
    rows = db.execute("SELECT max(run) FROM runs GROUP BY from_day, to_day, clinic, source")
    return [run for (run,) in rows.fetchall()]


def read_run(db: sqlite3.Connection, run: int) -> Run:
    """All that a reconciliation said. ValueError where it is no JSON."""
    sql = "SELECT clinic, source, from_day, to_day, made_ms FROM runs WHERE run = ?"
    clinic, source, *about = db.execute(sql, [run]).fetchone()
    verdicts, leads, coverage = (
        db.execute(f"SELECT * FROM {table} WHERE run = ?", [run]).fetchall()
        for table in ("verdicts", "leads", "coverage")
    )
    return Run(clinic, source, about[0], about[1], about[2], _bodies(verdicts), _bodies(leads), coverage)


def _bodies(rows: Sequence[sqlite3.Row]) -> list[tuple[sqlite3.Row, Json]]:
    return [(row, json.loads(row["body"])) for row in rows]


def merged(spans: Any) -> list[Span]:
    """The same instants as sorted spans that do not touch."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def window_of(said: Json) -> Span:
    """When a treatment may have begun; its last second belongs to it."""
    return ms(said["window"][0]), ms(said["window"][1]) + 999


def ms(text: str) -> int:
    """Milliseconds since 1970 UTC of an ISO 8601 instant."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def second(at_ms: int) -> int:
    """The whole second, as printed."""
    return at_ms // 1000 * 1000


def yuan(amount_fen: int) -> str:
    """Money as printed."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def fen(amount: str) -> int:
    """Money as counted."""
    return int(amount.replace(".", ""))
