"""Records through a real Mosquitto until they are durable and acknowledged: one a message as units work, fifty a message
as they catch up; and how long one record on an idle link waits for its acknowledgement.

Beside it, in the same run: paho appending to a list, which is the ceiling, and the gateway that one would write first,
which verifies each signature and commits each message. The publisher is a process of its own in all three. What the
gateway does with a backlog is measured without a broker too, beside SQLite that is handed the same rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gateway import canonical, pipeline
from gateway.intake.receive import Message, _answer_at_once
from gateway.ledger import records
from gateway.ledger.database import transaction
from gateway.ledger.records import CHAINED
from protocol import p256, seal, topics
from protocol.record import parse
from tests.bench.chains import FastWriter, chains
from tests.bench.figures import Figure, alternating, percentile, seconds
from tests.support.broker import GATEWAY, PASSWORD, Broker
from tests.support.chain import START_MS
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import serve
from tests.support.tools import CHECKOUT

_SHA256 = ec.ECDSA(SHA256())
_UNITS = 4
_PATIENCE_S = 300
_DAY = "CREATE TABLE records (unit TEXT, us INTEGER, line TEXT, PRIMARY KEY (unit, us))"


def figures(scale: float) -> list[Figure]:
    live = chains(_UNITS, max(round(5_000 * scale), 50))
    drain = chains(_UNITS, max(round(20_000 * scale), 200))
    ours, paho_s, naive = alternating(3, *(_rounds(live, 1, each) for each in (_ours, _paho, _naive)))
    drained, slow = alternating(3, *(_rounds(drain, 50, each) for each in (_ours, _naive)))
    stored, alone = alternating(3, lambda: _stored(drain), lambda: _sqlite_alone(drain))
    acknowledged_ms, fsync_ms = _latency(live[0])
    rate, target = "records/s", ">= 0.85 x paho"
    return [
        Figure("live", "逐条收取", "live intake", ours, rate, paho_s, "paho", target, ours >= 0.85 * paho_s),
        Figure("live_naive", "逐条收取", "live intake", ours, rate, naive, "naive", ">= 8 x naive", ours >= 8 * naive),
        Figure("drain", "补收积压", "backlog drain", drained, rate, slow, "naive", ">= 30 x naive", drained >= 30 * slow),
        Figure(
            "drain_sqlite", "补收积压，不经代理", "backlog drain without a broker", stored, rate, alone, "SQLite alone",
            ">= 0.6 x", stored >= 0.6 * alone,
        ),
        Figure(
            "ack_p99", "空闲时一条的确认 p99", "one record acknowledged, p99", acknowledged_ms, "ms", fsync_ms, "fsync p99",
            "<= 10 ms", acknowledged_ms <= 10,
        ),
    ]  # fmt: skip


def _rounds(writers: Sequence[FastWriter], per: int, how: Callable[..., float]) -> Callable[[], float]:
    """One measurement, in records a second, in a folder of its own."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as name:
            took_s = how(Path(name), writers, per)
        return sum(len(writer.lines) for writer in writers) / took_s

    return measure


@contextmanager
def _broker(folder: Path, writers: Sequence[FastWriter]):
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker", CLINIC, [writer.unit for writer in writers])
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def _client(broker: Broker, topic: str, heard: Callable[[paho.MQTTMessage], None]):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set(GATEWAY, PASSWORD)
    client.on_socket_open = _answer_at_once
    client.on_message = lambda _client, _data, message: heard(message)
    ready = threading.Event()
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe(topic, 1)
    assert ready.wait(_PATIENCE_S)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _publish(
    folder: Path, broker: Broker, writers: Sequence[FastWriter], per: int, done: threading.Event
) -> float:
    """Seconds from the word to publish until `done`."""
    lines = folder / "lines.json"
    lines.write_text(json.dumps([[each.unit, [line.decode() for line in each.lines]] for each in writers]))
    command = [sys.executable, "-m", "tests.bench.publisher", str(broker.port), str(lines), str(per)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": CHECKOUT, "text": True}
    with subprocess.Popen(command, **pipes) as publisher:  # type: ignore[call-overload]
        assert publisher.stdout.readline() == "ready\n"
        began = time.perf_counter()
        print("go", file=publisher.stdin, flush=True)
        assert done.wait(_PATIENCE_S), "not all of it came"
        took_s = time.perf_counter() - began
    return took_s


def _records(clinic: str = CLINIC) -> str:
    return f"ww/{topics.VERSION}/{clinic}/+/record"


def _paho(folder: Path, writers: Sequence[FastWriter], per: int) -> float:
    """Nothing is done with what comes."""
    messages = sum(-(-len(writer.lines) // per) for writer in writers)
    kept: list[bytes] = []
    done = threading.Event()

    def heard(message: paho.MQTTMessage) -> None:
        kept.append(bytes(message.payload))
        if len(kept) >= messages:
            done.set()

    with _broker(folder, writers) as broker, _client(broker, _records(), heard):
        return _publish(folder, broker, writers, per, done)


def _naive(folder: Path, writers: Sequence[FastWriter], per: int) -> float:
    """Each signature verified, each message committed with synchronous FULL."""
    left = sum(len(writer.lines) for writer in writers)
    keys = {writer.unit: _key(writer) for writer in writers}
    done = threading.Event()
    ledger: list[sqlite3.Connection] = []

    def heard(message: paho.MQTTMessage) -> None:
        nonlocal left
        if not ledger:
            ledger.append(_plain_ledger(folder))
        for line in message.payload.split(b"\n"):
            payload, section = seal.split(line)
            said = json.loads(payload)
            keys[said["GS"]].verify(seal.der(*seal.signature_of(section)), payload.encode(), _SHA256)
            ledger[0].execute(
                "INSERT OR IGNORE INTO records VALUES (?, ?, ?)", (said["GS"], said["US"], line.decode())
            )
            left -= 1
        ledger[0].commit()
        if left <= 0:
            done.set()

    with _broker(folder, writers) as broker, _client(broker, _records(), heard):
        return _publish(folder, broker, writers, per, done)


def _ours(folder: Path, writers: Sequence[FastWriter], per: int) -> float:
    """`wattwitness serve`, until the last acknowledgement."""
    ends = {writer.unit: len(writer.lines) for writer in writers}
    done = threading.Event()

    def heard(message: paho.MQTTMessage) -> None:
        unit = message.topic.split("/")[3]
        if json.loads(message.payload)["us"] == ends.get(unit):
            del ends[unit]
        if not ends:
            done.set()

    acks = f"ww/{topics.VERSION}/{CLINIC}/+/ack"
    with (
        _broker(folder, writers) as broker,
        _gateway(folder, broker, writers),
        _client(broker, acks, heard),
    ):
        return _publish(folder, broker, writers, per, done)


@contextmanager
def _gateway(folder: Path, broker: Broker, writers: Sequence[FastWriter]):
    book = in_folder(folder / "clinic", *writers, extra=broker.config)
    program, _ = serve(book.folder)
    try:
        yield
    finally:
        program.stop()


def _plain_ledger(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / "plain.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(_DAY)
    return db


def _key(writer: FastWriter) -> ec.EllipticCurvePublicKey:
    point = p256.from_spki(bytes.fromhex(writer.key_hex))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


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
        with _broker(folder, [writer]) as broker, _gateway(folder, broker, [writer]):
            topic = topics.topic(CLINIC, writer.unit, "record")
            with _client(broker, topics.topic(CLINIC, writer.unit, "ack"), lambda _: heard.set()) as client:
                waits = [_wait(client, topic, line, heard) for line in writer.lines[: times + 1]]
        syncs = [_fsync(folder / "probe") for _ in range(times)]
    return percentile(waits[1:], 0.99) * 1000, percentile(syncs, 0.99) * 1000


def _wait(client: paho.Client, topic: str, line: bytes, heard: threading.Event) -> float:
    heard.clear()
    began = time.perf_counter()
    client.publish(topic, line, 1)
    assert heard.wait(_PATIENCE_S), "no acknowledgement"
    return time.perf_counter() - began


def _fsync(path: Path) -> float:
    with path.open("ab") as file:
        file.write(b"x" * 800)
        file.flush()
        return seconds(lambda: os.fsync(file.fileno()))
