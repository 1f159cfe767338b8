"""How this gateway is, for Prometheus: its text format at `/metrics`, for whoever shows the key of `[metrics]`.

Of persons, bills and leads it says nothing.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from sqlite_utils import Database

from gateway.bootstrap import Book
from gateway.ledger import database, outbox, records, units

PATH = "/metrics"


def routes(book: Book, key: str, troubles: Mapping[str, str]) -> APIRouter:
    """`/metrics`; HTTP 401 without the key."""
    registry = CollectorRegistry()
    registry.register(_Now(book.ledger, book, troubles))
    ProcessCollector(registry=registry)
    router = APIRouter()

    @router.get(PATH)
    def metrics(authorization: Annotated[str, Header()] = "") -> Response:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {key}".encode()):
            raise HTTPException(401, "Bearer <[metrics] key>")
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


class _Now(Collector):
    """What the ledger and the threads say at the moment of asking."""

    def __init__(self, open_ledger: Callable[[], Database], book: Book, troubles: Mapping[str, str]):
        self._open, self._book, self._troubles = open_ledger, book, troubles

    def collect(self) -> Iterator[Metric]:
        with closing(self._open()) as db:
            yield from _of_units(db)
            yield _counted(
                "findings", "发现 · Findings", "code", Counter(each["code"] for each in records.findings(db))
            )
            refused: Counter[str] = Counter()
            for row in records.quarantine_counts(db):
                refused[row["reason"]] += row["bodies"]
            yield _counted("quarantined", "隔离区 · Bodies in quarantine", "reason", refused)
            yield _gauge("ledger_bytes", "账本大小 · Size of the ledger", database.size(db))
            yield from self._forwarding(db)
        yield _counted(
            "trouble", "故障 · 1: this part is in trouble", "part", dict.fromkeys(self._troubles, 1)
        )

    def _forwarding(self, db: Database) -> Iterator[Metric]:
        if self._book.config.forward is None:
            return
        now = outbox.forwarded(db, self._book.config.forward.url)
        yield _gauge("forward_waiting_records", "待发 · Records that the district does not hold yet",
                     outbox.waiting(db, now.position))  # fmt: skip
        if now.heard_ms:  # 1970 would read as long ago, not as never
            yield _gauge("forward_heard_timestamp_seconds", "区里最近回答 · When the district answered last",
                         now.heard_ms / 1000)  # fmt: skip


def _of_units(db: Database) -> Iterator[Metric]:
    inventory = units.units(db)
    in_use = {name for name, unit in inventory.items() if unit.retired_ms is None}
    stored = Gauge(
        "wattwitness_unit_head", "链的末端序号 · Sequence number at the chain's end", labels=("unit",)
    )
    heard = Gauge(
        "wattwitness_unit_heard_timestamp_seconds", "最近收到 · When it was heard last", labels=("unit",)
    )
    for unit, head in records.heads(db).items():
        if unit in in_use:
            stored.add_metric((unit,), head.us)
    for unit, heard_ms in records.heard(db).items():
        if unit in in_use:
            heard.add_metric((unit,), heard_ms / 1000)
    return iter((_gauge("units", "在用单元 · Units in use", len(in_use)), stored, heard))


def _gauge(name: str, help_: str, value: float) -> Metric:
    return Gauge(f"wattwitness_{name}", help_, value=value)


def _counted(name: str, help_: str, label: str, counts: Mapping[str, float]) -> Metric:
    found = Gauge(f"wattwitness_{name}", help_, labels=(label,))
    for each, count in counts.items():
        found.add_metric((each,), count)
    return found
