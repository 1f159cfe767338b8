"""Records through a real Mosquitto until they are durable and acknowledged: one a message as units work, fifty a message
as they catch up; and how long one record on an idle link waits for its acknowledgement.

Beside it, in the same run: paho appending to a list, which is the ceiling, and the gateway that one would write first,
which verifies each signature and commits each message. The publisher is a process of its own in all three. What the
gateway does with a backlog is measured without a broker too, beside SQLite that is handed the same rows.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as paho

from gateway import canonical, pipeline
from gateway.intake.receive import Message
from gateway.ledger import records
from gateway.ledger.database import transaction
from gateway.ledger.records import CHAINED
from protocol import topics
from protocol.record import parse
from tests.bench import gateways, slow_disk
from tests.bench.chains import FastWriter, chains
from tests.bench.figures import Figure, alternating, percentile, seconds
from tests.bench.gateways import PATIENCE_S, broker_of, client_of, gateway_at
from tests.support.chain import START_MS
from tests.support.ledgers import CLINIC, in_folder


def figures(scale: float) -> list[Figure]:
    live = chains(gateways.UNITS, max(round(5_000 * scale), 50))
    backlog = chains(gateways.UNITS, max(round(20_000 * scale), 200))
    each = (gateways.ours, gateways.paho_alone, gateways.naive)
    ours, paho_s, naive = alternating(3, *(gateways.rounds(live, 1, how) for how in each))
    (drained,) = alternating(3, gateways.rounds(backlog, 50, gateways.ours))
    stored, alone = alternating(3, lambda: _stored(backlog), lambda: _sqlite_alone(backlog))
    acknowledged_ms, fsync_ms = _latency(live[0])
    rate, target = "records/s", ">= 0.85 x paho"
    return [
        Figure("live", "逐条收取", "live intake", ours, rate, paho_s, "paho", target, ours >= 0.85 * paho_s),
        *_beside_naive(ours, drained, naive, "", "", ""),
        *_slowly(scale),
        Figure(
            "drain_sqlite", "补收积压，不经代理", "backlog drain without a broker", stored, rate, alone, "SQLite alone",
            ">= 0.6 x", stored >= 0.6 * alone,
        ),
        Figure(
            "ack_p99", "空闲时一条的确认 p99", "one record acknowledged, p99", acknowledged_ms, "ms", fsync_ms, "fsync p99",
            "<= 10 ms", acknowledged_ms <= 10,
        ),
    ]  # fmt: skip


def _slowly(scale: float) -> list[Figure]:
    told = slow_disk.measured(scale)
    if told is None:
        return []
    where = ("_slow", "，每次 fsync 慢 5 ms", ", 5 ms more an fsync")
    return _beside_naive(told["live"], told["drain"], told["naive"], *where)


def _beside_naive(live: float, drained: float, naive: float, name: str, zh: str, en: str) -> list[Figure]:
    """Both beside the naive gateway with one record a message, as units send."""
    rate, of = "records/s", "naive"
    return [
        Figure(
            f"live_naive{name}", f"逐条收取{zh}", f"live intake{en}", live, rate, naive, of, ">= 8 x naive", live >= 8 * naive
        ),
        Figure(
            f"drain{name}", f"补收积压{zh}", f"backlog drain{en}", drained, rate, naive, of, ">= 30 x naive",
            drained >= 30 * naive,
        ),
    ]  # fmt: skip


def _stored(writers: Sequence[FastWriter]) -> float:
    """Records a second, verified and durable: messages of fifty, the units in turn, ten a transaction."""
    turns = range(0, max(len(writer.lines) for writer in writers), 50)
    messages = [
        Message(writer.unit, "record", b"\n".join(writer.lines[at : at + 50]))
        for at in turns
        for writer in writers
    ]
    with tempfile.TemporaryDirectory() as name, in_folder(Path(name), *writers).ledger() as db:

        def take_in() -> None:
            for start in range(0, len(messages), 10):
                lines = [
                    each for message in messages[start : start + 10] for each in message.arrivals(CLINIC)
                ]
                pipeline.take_in(db, lines, "mqtt", START_MS, sent_by_unit=True, by_heads=True)

        return sum(len(writer.lines) for writer in writers) / seconds(take_in)


def _sqlite_alone(writers: Sequence[FastWriter]) -> float:
    """The same rows into the same tables, 500 a transaction, nothing looked at."""
    rows: list[records.Row] = []
    for line in (line for turn in zip(*(writer.lines for writer in writers), strict=True) for line in turn):
        record = canonical.read(line) or parse(line.decode().split("|")[1])
        how = (START_MS, "mqtt", CHAINED, True)
        rows.append(records.row(len(rows) + 1, CLINIC, record, line.decode(), *how))
    with tempfile.TemporaryDirectory() as name, in_folder(Path(name), *writers).ledger() as db:

        def insert() -> None:
            for start in range(0, len(rows), 500):
                with transaction(db):
                    records.insert_all(db, rows[start : start + 500])

        return len(rows) / seconds(insert)


def _latency(writer: FastWriter, times: int = 200) -> tuple[float, float]:
    """p99 in milliseconds of record to acknowledgement on an idle link, and of one fsync on the same disk."""
    heard = threading.Event()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with broker_of(folder, [writer]) as broker, gateway_at(folder, broker, [writer]):
            topic = topics.topic(CLINIC, writer.unit, "record")
            with client_of(broker, topics.topic(CLINIC, writer.unit, "ack"), lambda _: heard.set()) as client:
                waits = [_wait(client, topic, line, heard) for line in writer.lines[: times + 1]]
        syncs = [_fsync(folder / "probe") for _ in range(times)]
    return percentile(waits[1:], 0.99) * 1000, percentile(syncs, 0.99) * 1000


def _wait(client: paho.Client, topic: str, line: bytes, heard: threading.Event) -> float:
    heard.clear()
    began = time.perf_counter()
    client.publish(topic, line, 1)
    assert heard.wait(PATIENCE_S), "no acknowledgement"
    return time.perf_counter() - began


def _fsync(path: Path) -> float:
    with path.open("ab") as file:
        file.write(b"x" * 800)
        file.flush()
        return seconds(lambda: os.fsync(file.fileno()))
