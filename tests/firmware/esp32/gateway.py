"""A gateway and a broker for a unit on the bench: the broker real, with or without TLS, the gateway honest or not."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

from protocol import seal, topics
from protocol.record import Record, parse
from tests.support.broker import GATEWAY, PASSWORD, Broker

CLINIC, UNIT = "C1", "U1"
ZEROS = "0" * 64


class Gateway:
    """Keeps what the unit says, in the order of its chain, and acknowledges it. `answer` decides what it answers."""

    def __init__(self, port: int, ca: Path | None = None) -> None:
        self.port = port
        self.records: list[Record] = []
        self.lines: list[bytes] = []
        self.repeated = 0
        self.statuses: list[bytes] = []
        self.answer: Callable[[Gateway], object] = Gateway.acknowledge
        self._changed = threading.Condition()
        linked = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gateway")
        self._client.username_pw_set(GATEWAY, PASSWORD)
        if ca is not None:
            self._client.tls_set(str(ca))
        self._client.on_socket_open = at_once
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: linked.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([(topics.topic(CLINIC, UNIT, each), 1) for each in ("record", "status")])
        assert linked.wait(10)

    @property
    def head(self) -> tuple[int, str]:
        return (self.records[-1].us, self.records[-1].digest) if self.records else (0, ZEROS)

    def acknowledge(self) -> None:
        """What an honest gateway answers to a message of records."""
        self.publish("ack", topics.ack(*self.head), retained=True)

    def publish(self, what: str, payload: bytes, retained: bool = False) -> None:
        """`ack` or `time`, whatever it says."""
        topic = topics.time_topic(CLINIC) if what == "time" else topics.topic(CLINIC, UNIT, what)
        self._client.publish(topic, payload, 1, retained)

    def hears(self, kind: str, count: int = 1, within_s: float = 30) -> list[Record]:
        """Waits until `count` records of a kind came; `FAULT:CAUSE` for a cause."""
        kind, _, cause = kind.partition(":")

        def found() -> list[Record]:
            return [each for each in self.records if each.kind == kind and (not cause or each.cause == cause)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, within_s), [
                f"{each.kind} {each.cause or ''}" for each in self.records
            ]
        return found()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            if message.topic.endswith("/status"):
                self.statuses.append(bytes(message.payload))
            else:
                for line in topics.unbatch(bytes(message.payload)):
                    self._take(line)
                self.answer(self)
            self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        record = parse(seal.split(line)[0])
        if (record.us, record.up) == (self.head[0] + 1, self.head[1]):
            self.records.append(record)
            self.lines.append(line)
        else:
            self.repeated += 1


def at_once(_client: object, _data: object, handle: Any) -> None:
    """Small messages do not wait for each other."""
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def unit_json(port: int, **changes: Any) -> dict[str, Any]:
    """A unit's configuration for the bench's broker; a dict in `changes` changes a table."""
    fields: dict[str, Any] = {
        "unit": UNIT,
        "clinic": CLINIC,
        "board": "esp32_devkitc_v4",
        "required_s": 1140,
        "meter": {"kind": "pzem004t_v3", "maker": "scripted", "model": "pzem", "serial": "1", "version": "1"},
        "profile": {"on_mw": 40000, "off_mw": 25000, "least_mw": 60000, "most_mw": 700000},
        "wifi": {"ssid": "clinic", "password": "only-for-tests"},
        "mqtt": {"host": "127.0.0.1", "port": port, "user": UNIT, "password": PASSWORD, "keepalive_s": 600},
    }
    for key, value in changes.items():
        fields[key] = {**fields[key], **value} if isinstance(value, dict) else value
    return fields


def now_ms() -> int:
    """What a calendar shows that is right, which TLS asks."""
    return time.time_ns() // 1_000_000


def kinds(gateway: Gateway, but: str = "ALIVE") -> list[str]:
    """What the unit said, in order, a FAULT by its cause."""
    return [
        str(each.cause) if each.kind == "FAULT" else each.kind for each in gateway.records if each.kind != but
    ]


def told(port: int, until_s: int, report_s: int = 3600, changes: Any = None, **more: Any) -> dict[str, Any]:
    """What days.py is told."""
    text = json.dumps(unit_json(port, **(changes or {})))
    return {"unit_json": text, "until_s": until_s, "report_s": report_s, **more}


# --- TLS ---


class Authority:
    """A clinic's CA, with its certificate in `folder`/ca.der and ca.pem."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "clinic CA")])
        self._write("ca", self._sign(self._name, self._key.public_key(), is_ca=True), self._key)

    def issue(self, name: str) -> None:
        """A certificate for `name`, and its key: `name`.der, .pem, .key.der, .key.pem."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._write(name, self._sign(subject, key.public_key()), key)

    def settings(self, with_client_certificates: bool = False) -> str:
        """Mosquitto's lines for a broker whose certificate is made out to `gateway`."""
        lines = f"cafile {self.folder}/ca.pem\ncertfile {self.folder}/gateway.pem\nkeyfile {self.folder}/gateway.key.pem\n"
        return lines + ("require_certificate true\n" if with_client_certificates else "")

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, is_ca: bool = False
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("gateway"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _write(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        der, pem = serialization.Encoding.DER, serialization.Encoding.PEM
        plain, form = serialization.NoEncryption(), serialization.PrivateFormat.TraditionalOpenSSL
        for encoding, ending in ((der, "der"), (pem, "pem")):
            (self.folder / f"{name}.{ending}").write_bytes(certificate.public_bytes(encoding))
            (self.folder / f"{name}.key.{ending}").write_bytes(key.private_bytes(encoding, form, plain))


def broker(folder: Path, settings: str = "") -> Broker:
    """A broker for the unit, with more lines of configuration."""
    made = Broker(folder, CLINIC, [UNIT])
    if settings:
        made.stop()
        made.start(settings)
    return made
