"""The demo's clinic day as real programs on this machine: broker, gateway, district and units, in accelerated time.

What befalls the units is real too: no mains is a killed process, no link is a cut wire.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.clock import Clock, real_ms
from gateway.demo import broker, plan
from gateway.demo.relay import Relay
from gateway.errors import SurroundingsError, UsageError
from gateway.ledger import database, records

MARK = "demo-day.json"  # a folder that carries it is ours to make anew
HEAD_START_S = 6  # real seconds until the clock reaches STARTS, for the programs to come up
BOOTS, STARTS, ENDS = plan.at("00:00"), plan.at("07:40"), plan.at("17:12")
READY_S = 30  # how long a program may take to come up, in real seconds

_GATEWAY = """clinic = "{clinic}"
name = "{name}"
role = "{role}"
opens = "{opens}"
closes = "{closes}"

[serve]
port = {port}

[clock]
real_ms = {clock.real_ms}
shown_ms = {clock.shown_ms}
speed = {clock.speed}
"""
_CLINIC_MORE = """
[mqtt]
port = {mqtt}
user = "{user}"
password = "{password}"

[forward]
url = "http://127.0.0.1:{district}"
token = "{token}"
"""
_DISTRICT_MORE = """
[district.tokens]
{clinic} = "{token}"
"""
_UNIT = """unit = "{unit}"
clinic = "{clinic}"
key = "key.pem"
load = "{load}"
journal = "journal"

[profile]
{profile}

[port]
kind = "bench"
scenario = "scenario.json"

[mqtt]
host = "127.0.0.1"
port = {mqtt}
user = "{unit}"
password = "{password}"
reconnect_least_ms = 100
reconnect_most_ms = 500

[clock]
real_ms = {clock.real_ms}
shown_ms = {clock.shown_ms}
speed = {clock.speed}
"""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the demo does at an instant of its day."""

    at: datetime
    zh: str
    en: str
    do: Callable[[], None]


class Stage:
    """A folder with everything of one demo day, and the programs that run on it."""

    def __init__(self, folder: Path, day: plan.Day, speed: int, pages_port: int):
        self.folder = folder
        self.day = day
        self.clinic, self.district = folder / "clinic", folder / "district"
        self._passwords = {
            name: secrets.token_hex(12) for name in (broker.GATEWAY, *(u.name for u in day.units))
        }
        self._token = secrets.token_hex(16)
        self._ports = {"pages": pages_port or _free_port(), "district": _free_port(), "mqtt": _free_port()}
        self._clock = Clock()
        self._speed = speed
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._relays: dict[str, Relay] = {}
        self.has_mosquitto = True

    @property
    def pages(self) -> str:
        """Where the day can be looked at while the gateway runs."""
        return f"http://127.0.0.1:{self._ports['pages']}/day/{plan.DAY:%Y-%m-%d}"

    def prepare(self) -> None:
        """Ledgers, keys, inventory, scenarios; everything from before in the folder is made anew."""
        self._clear()
        for where, role, name in (
            (self.clinic, "clinic", plan.CLINIC_NAME),
            (self.district, "district", "示范区"),
        ):
            identity = plan.CLINIC if role == "clinic" else "SH-DISTRICT-DEMO"
            self.wattwitness("init", str(where), "--clinic", identity, "--name", name, "--role", role)
        with ThreadPoolExecutor(4) as several:
            list(several.map(self._prepare_unit, self.day.units))
        (self.folder / "bills.json").write_text(plan.bills(self.day), encoding="utf-8")

    def start(self) -> None:
        """Bring everything up; the day begins when this returns."""
        mqtt = broker.start(self.folder / "broker", self._ports["mqtt"], plan.CLINIC, self._passwords)
        self._programs["broker"], self.has_mosquitto = mqtt.process, mqtt.mosquitto
        _await_port(mqtt.port, mqtt.process, self.folder / "broker" / "broker.log")
        ahead_ms = HEAD_START_S * 1000
        self._clock = Clock(real_ms() + ahead_ms, round(STARTS.timestamp() * 1000), self._speed)
        self._configure()
        for name in ("district", "clinic"):
            self._run(name, "gateway", "--dir", str(self.folder / name), "serve")
        for name, port in (("district", "district"), ("clinic", "pages")):
            _await_port(self._ports[port], self._programs[name], self.log(name))
        for unit in self.day.units:
            self.power_on(unit.name)

    def play(self, progress: Callable[[datetime], None]) -> Iterator[Happening]:
        """Each happening of the day, when its time has come and after it was done; `progress` hears the time shown.

        Raises SurroundingsError if a program ends that should not.
        """
        for happening in sorted(self._happenings(), key=lambda each: each.at):
            self._wait_until(happening.at, progress)
            happening.do()
            yield happening
        self._wait_until(ENDS, progress)

    def _wait_until(self, instant: datetime, progress: Callable[[datetime], None]) -> None:
        while (left_ms := instant.timestamp() * 1000 - self._clock.now_ms()) > 0:
            self._all_alive()
            progress(self.now())
            time.sleep(min(0.2, left_ms / 1000 / self._speed))

    def now(self) -> datetime:
        """What the accelerated clock shows."""
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, plan.ZONE)

    def wattwitness(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run one command of the gateway to its end and return what it printed."""
        done = subprocess.run(_python("gateway", *arguments), capture_output=True, text=True, check=False)
        if done.returncode not in codes:
            raise _failed(" ".join(arguments[:3]), done.stderr)
        return done.stdout

    def backlog(self) -> int:
        """How many records the clinic has not, or the district has not."""
        emitted = sum(self._emitted(unit.name) for unit in self.day.units)
        held = [self._held(folder) for folder in (self.clinic, self.district)]
        return max(emitted - min(held), 0)

    def power_on(self, unit: str) -> None:
        """The unit has mains: its program starts."""
        self._run(unit, "firmware.rpi", "run", "--config", str(self.folder / unit / "unit.toml"))

    def power_off(self, unit: str) -> None:
        """The unit has no mains: its program is killed without warning."""
        self._programs[unit].kill()
        self._programs.pop(unit).wait()

    def log(self, name: str) -> Path:
        """Where a program writes what it has to say."""
        return self.folder / "log" / f"{name}.log"

    def stop(self, *names: str) -> None:
        """End these programs, all of them by default, in good order."""
        for name in names or tuple(reversed(self._programs)):
            if name in self._programs:
                process = self._programs.pop(name)
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=5)
                process.kill()
        for relay in self._relays.values() if not names else ():
            relay.close()

    def _clear(self) -> None:
        if self.folder.exists():
            if not (self.folder / MARK).exists() and any(self.folder.iterdir()):
                raise UsageError(
                    f"{self.folder} 里有别的东西，不敢覆盖：请用 --out 换一个目录",
                    f"{self.folder} holds other things and was not touched: choose another folder with --out",
                )
            shutil.rmtree(self.folder)
        (self.folder / "log").mkdir(parents=True)
        (self.folder / MARK).write_text(json.dumps({"day": f"{plan.DAY:%Y-%m-%d}"}))

    def _prepare_unit(self, unit: plan.Unit) -> None:
        home = self.folder / unit.name
        home.mkdir()
        (home / "scenario.json").write_text(plan.scenario(unit, sum(map(ord, unit.name)), BOOTS, ENDS))
        made = subprocess.run(
            _python("firmware.rpi", "keygen", "--out", str(home / "key.pem")),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise _failed("keygen", made.stderr)
        enrol = [
            "unit",
            "add",
            unit.name,
            "--key",
            made.stdout.strip(),
            "--load",
            unit.load,
            "--room",
            unit.room,
        ]
        enrol += ["--from", f"{plan.DAY:%Y-%m-%d}"]
        self.wattwitness("--dir", str(self.clinic), *enrol)
        self.wattwitness("--dir", str(self.district), *enrol, "--clinic", plan.CLINIC)

    def _configure(self) -> None:
        same = {
            "clock": self._clock,
            "opens": plan.OPENS,
            "closes": plan.CLOSES,
            "token": self._token,
            **self._ports,
        }
        clinic = {**same, "clinic": plan.CLINIC, "name": plan.CLINIC_NAME, "role": "clinic"}
        clinic |= {
            "user": broker.GATEWAY,
            "password": self._passwords[broker.GATEWAY],
            "port": self._ports["pages"],
        }
        _write(self.clinic / "wattwitness.toml", (_GATEWAY + _CLINIC_MORE).format(**clinic))
        district = {**same, "clinic": "SH-DISTRICT-DEMO", "name": "示范区", "role": "district"}
        district |= {"port": self._ports["district"]}
        more = _DISTRICT_MORE.format(clinic=plan.CLINIC, token=self._token)
        _write(self.district / "wattwitness.toml", _GATEWAY.format(**district) + more)
        for unit in self.day.units:
            self._configure_unit(unit)

    def _configure_unit(self, unit: plan.Unit) -> None:
        port = self._ports["mqtt"]
        if unit.without_link:
            self._relays[unit.name] = Relay(port)
            port = self._relays[unit.name].port
        said = {"unit": unit.name, "clinic": plan.CLINIC, "load": unit.load, "mqtt": port}
        profile = "\n".join(f"{key} = {value}" for key, value in unit.profile.items())
        said |= {"password": self._passwords[unit.name], "clock": self._clock, "profile": profile}
        _write(self.folder / unit.name / "unit.toml", _UNIT.format(**said))

    def _happenings(self) -> Iterator[Happening]:
        for unit in self.day.units:
            if unit.without_mains:
                down, up = unit.without_mains
                yield Happening(
                    down, f"{unit.name} 断电", f"{unit.name} loses its mains", _act(self.power_off, unit.name)
                )
                yield Happening(
                    up, f"{unit.name} 来电", f"{unit.name} has mains again", _act(self.power_on, unit.name)
                )
            if unit.without_link:
                down, up = unit.without_link
                relay = self._relays[unit.name]
                yield Happening(down, f"{unit.name} 断网", f"{unit.name} loses its link", relay.cut)
                yield Happening(up, f"{unit.name} 网络恢复", f"{unit.name} has its link again", relay.mend)
        opening = ((plan.OPENS, "开门", "the clinic opens"), (plan.CLOSES, "关门", "the clinic closes"))
        for clock, zh, en in opening:
            yield Happening(plan.at(clock), zh, en, lambda: None)

    def _run(self, name: str, module: str, *arguments: str) -> None:
        with self.log(name).open("ab") as log:
            command = _python(module, *arguments)
            self._programs[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _all_alive(self) -> None:
        for name, process in self._programs.items():
            if process.poll() is not None:
                raise _failed(name, _last_line(self.log(name)))

    def _emitted(self, unit: str) -> int:
        journal = self.folder / unit / "journal"
        return max((int(us) for us in _sequence_numbers(journal)), default=0)

    def _held(self, folder: Path) -> int:
        with closing(database.open_ledger(folder)) as ledger:
            return sum(head.us for head in records.heads(ledger).values())


def _act(do: Callable[[str], None], unit: str) -> Callable[[], None]:
    return lambda: do(unit)


def _sequence_numbers(journal: Path) -> Iterator[str]:
    for segment in journal.glob("*"):
        for line in segment.read_text("ascii", "replace").splitlines():
            if '"US":' in line:
                yield line.split('"US":', 1)[1].split(",", 1)[0]


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _failed(log.stem, _last_line(log))
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise _failed(log.stem, _last_line(log))


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else ""


def _failed(what: str, said: str) -> SurroundingsError:
    said = said.strip().splitlines()[-1] if said.strip() else "-"
    return SurroundingsError(f"{what} 没能运行", f"{what} did not run: {said}")


def page_text(url: str) -> str:
    """What the gateway shows at `url`."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode("utf-8"))
