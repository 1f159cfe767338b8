"""Gateways that take what a publisher sends through a real Mosquitto, as fast as they can: ours, one that only keeps what
comes, and the one that one would write first."""

from __future__ import annotations

import json
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

from gateway.intake.receive import _answer_at_once
from protocol import p256, seal, topics
from tests.bench.chains import FastWriter
from tests.support.broker import GATEWAY, PASSWORD, Broker
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import serve
from tests.support.tools import CHECKOUT

UNITS = 4
_SHA256 = ec.ECDSA(SHA256())
PATIENCE_S = 300
_DAY = "CREATE TABLE records (unit TEXT, us INTEGER, line TEXT, PRIMARY KEY (unit, us))"


def rounds(writers: Sequence[FastWriter], per: int, how: Callable[..., float]) -> Callable[[], float]:
    """One measurement, in records a second, in a folder of its own."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as name:
            took_s = how(Path(name), writers, per)
        return sum(len(writer.lines) for writer in writers) / took_s

    return measure


@contextmanager
def broker_of(folder: Path, writers: Sequence[FastWriter]):
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker", CLINIC, [writer.unit for writer in writers])
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def client_of(broker: Broker, topic: str, heard: Callable[[paho.MQTTMessage], None]):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set(GATEWAY, PASSWORD)
    client.on_socket_open = _answer_at_once
    client.on_message = lambda client_of, _data, message: heard(message)
    ready = threading.Event()
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe(topic, 1)
    assert ready.wait(PATIENCE_S)
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
        assert done.wait(PATIENCE_S), "not all of it came"
        took_s = time.perf_counter() - began
    return took_s


def _records(clinic: str = CLINIC) -> str:
    return f"ww/{topics.VERSION}/{clinic}/+/record"


def paho_alone(folder: Path, writers: Sequence[FastWriter], per: int) -> float:
    """Nothing is done with what comes."""
    messages = sum(-(-len(writer.lines) // per) for writer in writers)
    kept: list[bytes] = []
    done = threading.Event()

    def heard(message: paho.MQTTMessage) -> None:
        kept.append(bytes(message.payload))
        if len(kept) >= messages:
            done.set()

    with broker_of(folder, writers) as broker, client_of(broker, _records(), heard):
        return _publish(folder, broker, writers, per, done)


def naive(folder: Path, writers: Sequence[FastWriter], per: int) -> float:
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

    with broker_of(folder, writers) as broker, client_of(broker, _records(), heard):
        return _publish(folder, broker, writers, per, done)


def ours(folder: Path, writers: Sequence[FastWriter], per: int) -> float:
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
        broker_of(folder, writers) as broker,
        gateway_at(folder, broker, writers),
        client_of(broker, acks, heard),
    ):
        return _publish(folder, broker, writers, per, done)


@contextmanager
def gateway_at(folder: Path, broker: Broker, writers: Sequence[FastWriter]):
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
