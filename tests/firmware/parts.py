"""Real parts for the unit's process: a gateway that stores in memory and acknowledges, and a unit to kill."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from firmware.agent import journal
from firmware.rpi import keyfile
from protocol import p256, record, seal, topics
from protocol.chain import NEXT, REPEAT, Head, judge, lengthen
from tests.support.broker import GATEWAY, PASSWORD
from tests.support.ledgers import CLINIC
from tests.support.programs import Program, eventually

SECRET = bytes(range(1, 33))
PUBLIC = p256.public_key(SECRET)
SHOWN_MS = 1_772_409_600_000  # 2026-03-02T08:00:00+08:00


class Gateway:
    """Stores what verifies and continues the chain, and acknowledges it while `acknowledges`.

    `stored` are the lines by number, `odd` what it could not take, `repeated` how often a line came again.
    """

    def __init__(self, port: int) -> None:
        self.acknowledges = True
        self.stored: dict[str, dict[int, bytes]] = {}
        self.heads: dict[str, Head] = {}
        self.odd: list[str] = []
        self.status: dict[str, bytes] = {}
        self.repeated = 0
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="gateway")
        self._client.on_connect = self._subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.username_pw_set(GATEWAY, PASSWORD)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _subscribe(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(f"ww/1/{CLINIC}/+/record", 1), (f"ww/1/{CLINIC}/+/status", 1)])

    def publish(self, what: str, payload: bytes, unit: str = "U1") -> None:
        self._client.publish(topics.topic(CLINIC, unit, what), payload, 1, what == "ack")

    def tell_time(self, at_ms: int, checkpoint: str | None = None, retained: bool = False) -> None:
        self._client.publish(topics.time_topic(CLINIC), topics.time(at_ms, checkpoint), 1, retained)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def acknowledge(self, unit: str = "U1") -> None:
        head = self.heads[unit]
        self.publish("ack", topics.ack(head.us, head.digest), unit)

    def records(self, unit: str = "U1") -> list[record.Record]:
        lines = self.stored.get(unit, {})
        return [record.parse(seal.split(lines[us])[0]) for us in sorted(lines)]

    def kinds(self) -> list[str]:
        return [str(each.cause) if each.kind == record.FAULT else each.kind for each in self.records()]

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        _, unit, what = topics.read_topic(message.topic)
        if what == "status":
            self.status[unit] = bytes(message.payload)
            return
        for line in topics.unbatch(bytes(message.payload)):
            self._take(unit, line)
        if self.acknowledges and unit in self.heads:
            self.acknowledge(unit)

    def _take(self, unit: str, line: bytes) -> None:
        read = record.parse(seal.check(line, lambda message, r, s: p256.verify(PUBLIC, message, r, s)))
        stored = self.stored.setdefault(unit, {})
        known = journal.digest_of(stored[read.us].decode()) if read.us in stored else None
        verdict = judge(self.heads.get(unit), read, known)
        if verdict == NEXT:
            stored[read.us] = line
            self.heads[unit] = lengthen(self.heads.get(unit), read)
        elif verdict == REPEAT:
            self.repeated += 1
        else:
            self.odd.append(f"{verdict} {read.us}")


class Plug:
    """A Tasmota plug that answers when it is asked for its sensors, and knows no time. It draws `watts`."""

    def __init__(self, port: int, topic: str) -> None:
        self.watts, self._topic = 2, topic
        self.asked: list[bytes] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="plug")
        self._client.username_pw_set("plug", PASSWORD)
        self._client.on_connect = lambda client, *_: client.subscribe(f"cmnd/{topic}/STATUS", 1)
        self._client.on_message = self._answer
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _answer(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self.asked.append(bytes(message.payload))
        energy = {"Total": 0.1, "Power": self.watts, "ApparentPower": self.watts + 1}
        said = {"StatusSNS": {"Time": "1970-01-01T00:00:10", "ENERGY": energy}}
        client.publish(f"stat/{self._topic}/STATUS8", json.dumps(said), 1)


class UnitProcess:
    """`wattwitness-unit run` as a process that can be started and killed. Its bench clock goes on while it is dead."""

    def __init__(self, folder: Path, broker_port: int, speed: int = 3000, **more: str) -> None:
        self.folder, self.config = folder, folder / "unit.toml"
        folder.mkdir(exist_ok=True)
        if not (folder / "u1.pem").exists():
            keyfile.write(folder / "u1.pem", SECRET)
        clock = f"real_ms = {time.time_ns() // 1_000_000}\nshown_ms = {SHOWN_MS}\nspeed = {speed}\n"
        self.config.write_text(
            f'unit = "U1"\nclinic = "{CLINIC}"\nkey = "u1.pem"\nload = "tdp"\n{more.get("top", "")}'
            f'[mqtt]\nport = {broker_port}\nuser = "U1"\npassword = "{PASSWORD}"\n'
            "reconnect_least_ms = 50\nreconnect_most_ms = 200\nresend_s = 1\n"
            + more.get("port", '[port]\nkind = "bench"\nscenario = "u1.json"\n')
            + more.get("clock", "[clock]\n" + clock)
        )
        self._program: Program | None = None

    def scenario(self, **fields: Any) -> None:
        (self.folder / "u1.json").write_text(
            json.dumps({"load": "tdp", "from": "2026-03-02T08:00:00", **fields})
        )

    def start(self) -> None:
        if self._program is None:
            log = self.folder / "unit.log"
            self._program = Program(log, "firmware.rpi", "run", "--config", str(self.config))
        else:
            self._program.start()

    @property
    def program(self) -> Program:
        assert self._program is not None
        return self._program

    def kill(self) -> None:
        """As when the mains fail."""
        self.program.kill()

    def stop(self) -> tuple[int, str]:
        """Ask it to end; (exit code, what it said)."""
        return self.program.stop(), self.program.log()

    def ended(self) -> tuple[int, str]:
        """Wait until it has ended by itself; likewise."""
        eventually(lambda: not self.program.running)
        return self.stop()

    def kept(self) -> dict[int, bytes]:
        """Every record line in the journal, by number."""
        recovery, lines = journal.Recovery(), {}
        for path in sorted((self.folder / "journal").glob("journal-*.log")):
            lines.update({us: line.encode() for us, _, line in recovery.read(path.read_bytes())})
        return lines
