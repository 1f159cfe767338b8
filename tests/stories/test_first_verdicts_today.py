"""`docs/first-verdicts-today.md`, done as it says: its own commands, a real broker, the real programs.

What is not as it says: a program answers for the plugs, the clock runs faster (and a silence may last longer on it),
ports are free ones, the clinic closes at 08:30, and `./run demo` is not run again.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.demo.ports import free_port
from tests.support.broker import wait_for_port
from tests.support.programs import eventually
from tests.support.tools import CHECKOUT, tool

PAGE = (CHECKOUT / "docs/first-verdicts-today.md").read_text("utf-8")
SPEED = 80
CHINA = timezone(timedelta(hours=8))


def at(clock: str) -> int:
    """Milliseconds since 1970 UTC, of a time of the day that is played."""
    return round(datetime.fromisoformat(f"2026-03-02T{clock}").replace(tzinfo=CHINA).timestamp() * 1000)


STARTS, ENDS = at("07:40:00"), at("08:31:30")
LAMPS = {
    "tasmota_U1": (at("08:01:00"), at("08:23:00")),
    "tasmota_U2": (at("08:03:00"), at("08:28:00")),
    "tasmota_U3": (at("08:10:00"), at("08:23:00")),
    "tasmota_U4": (0, 0),
}


def blocks(mark: str) -> list[str]:
    return re.findall(rf"^```{mark}\n(.*?)^```$", PAGE, re.M | re.S)


class Shell:
    """A person's shell: what it starts in the background goes on between the blocks, and ends with it."""

    def __init__(self, changes: dict[str, str]):
        self._changes = changes
        self._process = subprocess.Popen(
            ["sh"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def types(self, block: str) -> tuple[int, str]:
        """The exit code of the block's last command (any other must succeed), and what all of them printed."""
        assert self._process.stdin and self._process.stdout
        for said, meant in self._changes.items():
            block = block.replace(said, meant)
        mark = f"--- {uuid.uuid4().hex}"
        self._process.stdin.write(f"{block}\nended=$?; echo; echo '{mark}' $ended\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(mark):
                return int(line.rsplit(" ", 1)[1]), "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended:\n{''.join(lines)}")

    def end(self) -> None:
        """With everything it started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate(timeout=20)


class Plugs:
    """Answers `Status 8` as Tasmota does, for lamps that are on when the day says so."""

    def __init__(self, port: int, password: str, now_ms):
        self._now_ms = now_ms
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="plugs")
        self._client.username_pw_set("plug", password)
        self._client.on_message = self._answer
        self._client.on_connect = lambda client, *_: client.subscribe("cmnd/+/STATUS")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _answer(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        plug, now_ms = message.topic.split("/")[1], self._now_ms()
        begin, end = LAMPS[plug]
        power = 251 if begin <= now_ms < end else 2
        wh = 251 * max(0, min(now_ms, end) - begin) // 3_600_000
        self._client.publish(f"stat/{plug}/STATUS8", status8(now_ms, power, wh))


def status8(now_ms: int, power: int, wh: int) -> str:
    when = datetime.fromtimestamp(now_ms // 1000, CHINA)
    energy = {
        "TotalStartTime": "2026-01-05T10:00:00", "Total": 14 + wh / 1000, "Yesterday": 0.553, "Today": wh / 1000,
        "Power": power, "ApparentPower": power + 1, "ReactivePower": 12, "Factor": 0.99, "Voltage": 231,
        "Current": round(power / 231, 3),
    }  # fmt: skip
    sensors = {"Time": f"{when:%Y-%m-%dT%H:%M:%S}", "ENERGY": energy}
    return json.dumps({"StatusSNS": sensors}, separators=(",", ":"))


@contextmanager
def played(today: Path, port: int, start_s: float) -> Iterator[None]:
    """The plugs answer, and the day passes."""

    def now_ms() -> int:
        return STARTS + round((time.time() - start_s) * 1000 * SPEED)

    wait_for_port(port)
    plugs = Plugs(port, (today / "plug.password").read_text().strip(), now_ms)
    try:
        eventually(lambda: now_ms() >= ENDS, within_s=90)
        yield
    finally:
        plugs.stop()


def test_every_command_of_the_page_does_what_the_page_says(tmp_path):
    for name in ("mosquitto", "mosquitto_passwd", "openssl"):
        tool(name)
    mqtt, web, today = free_port(), free_port(), tmp_path / "today"
    shell = Shell({
        "1883": str(mqtt), "8080": str(web), "0.0.0.0": "127.0.0.1", "--closes 20:00": "--closes 08:30",
        "mkdir today && cd today": f"mkdir {today} && cd {today}",
    })  # fmt: skip
    try:
        first, *prepared, started, charged = blocks("sh")
        for block in (first, *prepared):
            code, printed = shell.types(block)
            assert code == 0, printed
        assert [line.split()[:2] for line in printed.splitlines() if line] == [
            [f"U{n}", "B"] for n in range(1, 5)
        ]
        start_s = make_the_clock_run(today, web)
        assert shell.types(started)[0] == 0
        with played(today, mqtt, start_s):
            code, printed = shell.types(blocks("sh check")[0])
            assert code == 0 and printed.count(" B ") == 4, printed
            assert shell.types(charged)[0] == 0
            see_the_verdicts(shell)
            keep_the_page(shell, today)
    finally:
        shell.end()
    assert (today / "U1.log").exists()


def make_the_clock_run(today: Path, web: int) -> float:
    """Faster than a person's; returns when it began."""
    now_s = time.time()
    clock = f"\n[clock]\nreal_ms = {round(now_s * 1000)}\nshown_ms = {STARTS}\nspeed = {SPEED}\n"
    for path in (today / "clinic/wattwitness.toml", *sorted(today.glob("U?.toml"))):
        patience = "\n[profile]\nsilence_s = 600\n" if path.name.startswith("U") else ""
        text = path.read_text("utf-8").replace("port = 8080", f"port = {web}")
        path.write_text(text + patience + clock, encoding="utf-8")
    return now_s


def see_the_verdicts(shell: Shell) -> None:
    reconcile, leads = blocks("sh verdicts")[0].splitlines()
    code, printed = shell.types(reconcile)
    assert code == 1
    (promised,) = blocks("text verdicts")
    assert printed.startswith(promised)
    code, printed = shell.types(leads)
    assert code == 0 and "capacity" in printed and "at least 2 had none" in printed


def keep_the_page(shell: Shell, today: Path) -> None:
    code, printed = shell.types(blocks("sh page")[0])
    assert code == 0, printed
    assert (today / "day.xlsx").read_bytes().startswith(b"PK")


def test_the_page_has_no_commands_but_those_that_are_run():
    marks = set(re.findall(r"^```(\S.*)$", PAGE, re.M))
    assert marks == {"sh setup", "sh", "sh check", "sh verdicts", "sh page", "text", "text verdicts"}
    assert blocks("sh setup") == ["./run demo --once\n"]
