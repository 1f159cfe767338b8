"""The demo's clinic day as real programs on this machine: broker, gateway, district and units, in accelerated time.

What befalls the units is real too: no mains is a killed process, no link is a cut wire.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

from gateway.access import accounts, passwords
from gateway.access.places import ADMINISTRATOR, DISPLAY, INSPECTOR, MANAGER
from gateway.access.places import NURSE as NURSES
from gateway.clock import Clock, real_ms
from gateway.demo import bills, broker, plan, settings
from gateway.demo.happening import Agenda, Happening, nothing
from gateway.demo.people import Counter, Nurse
from gateway.demo.ports import free_port
from gateway.demo.reader import Reader
from gateway.demo.relay import Relay
from gateway.demo.visitor import Account, Visitor
from gateway.demo.work import Work
from gateway.errors import SurroundingsError, UsageError
from gateway.ledger import database, records
from gateway.nurse import tokens
from gateway.persons import CONSOLE

MARK = "demo-day.json"  # a folder that carries it is ours to make anew
HEAD_START_S = 6  # real seconds until the clock reaches STARTS, for the programs to come up
BOOTS, STARTS, ENDS = plan.at("00:00"), plan.at("07:40"), plan.at("17:12")
READY_S = 30  # how long a program may take to come up, in real seconds

NURSE, DESK, HEAD = "N01", "D09", "M01"
_ACCOUNTS = (
    (HEAD, MANAGER, "clinic"),
    (NURSE, NURSES, "clinic"),
    (DESK, NURSES, "clinic"),
    ("Q01", INSPECTOR, "clinic"),
    ("A01", ADMINISTRATOR, "clinic"),
    ("W01", DISPLAY, "clinic"),
    ("Q01", INSPECTOR, "district"),
    ("A01", ADMINISTRATOR, "district"),
)
"""Who may sign in: name, role, where."""


class Stage:
    """A folder with everything of one demo day, and the programs that run on it."""

    def __init__(self, folder: Path, day: plan.Day, speed: int, pages_port: int):
        self.folder = folder
        self.day = day
        self.clinic, self.district = folder / "clinic", folder / "district"
        self._passwords = {
            name: secrets.token_hex(12) for name in (broker.GATEWAY, *(u.name for u in day.units))
        }
        self._token, self._his = secrets.token_hex(16), secrets.token_hex(16)
        self._tokens = {visit: tokens.new_token() for visit in day.tokens}
        self._ports = {"pages": pages_port or free_port(), "district": free_port(), "mqtt": free_port()}
        self._clock = Clock()
        self._speed = speed
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._relays: dict[str, Relay] = {}
        self._readers: dict[str, Reader] = {}
        self.has_mosquitto = True
        self.accounts = [Account(*each, passwords.made_up()) for each in _ACCOUNTS]
        self._visitors: dict[str, Visitor] = {}

    @property
    def url(self) -> str:
        """The clinic's gateway."""
        return f"http://127.0.0.1:{self._ports['pages']}"

    @property
    def pages(self) -> str:
        """Where the day can be looked at while the gateway runs."""
        return f"{self.url}/day/{plan.DAY:%Y-%m-%d}"

    @property
    def nurse(self) -> Nurse:
        """The nurse at her list."""
        return Nurse(self.visitor(NURSE), self.visitor(DESK), self._tokens)

    def visitor(self, name: str) -> Visitor:
        """Somebody at the clinic's pages."""
        if name not in self._visitors:
            account = next(each for each in self.accounts if (each.name, each.where) == (name, "clinic"))
            self._visitors[name] = Visitor(self.url, account)
        return self._visitors[name]

    def address(self, where: str) -> str:
        """The pages of the clinic or the district."""
        return f"http://127.0.0.1:{self._ports['pages' if where == 'clinic' else where]}"

    def prepare(self) -> None:
        """Ledgers, keys, inventory, scenarios; everything from before in the folder is made anew."""
        self._clear()
        for where, role, name in (
            (self.clinic, "clinic", plan.CLINIC_NAME),
            (self.district, "district", settings.DISTRICT_NAME),
        ):
            identity = plan.CLINIC if role == "clinic" else settings.DISTRICT
            self.wattwitness("init", str(where), "--clinic", identity, "--name", name, "--role", role)
        with ThreadPoolExecutor(4) as several:
            list(several.map(self._prepare_unit, self.day.units))
        self._open_accounts()
        tokens.open_tag_key(self.clinic)  # made here, and told to the units with a reader
        (self.folder / "bills.json").write_text(bills.clinic(self.day), encoding="utf-8")
        (self.folder / "platform.json").write_text(bills.platform(self.day), encoding="utf-8")

    def start(self) -> None:
        """Bring everything up; the day begins when this returns."""
        mqtt = broker.start(self.folder / "broker", self._ports["mqtt"], plan.CLINIC, self._passwords)
        self._programs["broker"], self.has_mosquitto = mqtt.process, mqtt.mosquitto
        _await_port(mqtt.port, mqtt.process, self.folder / "broker" / "broker.log")
        ahead_ms = HEAD_START_S * 1000
        self._clock = Clock(real_ms() + ahead_ms, round(STARTS.timestamp() * 1000), self._speed)
        self._configure()
        self._serve()
        for unit in self.day.units:
            self.power_on(unit.name)

    def play(self, progress: Callable[[datetime], None]) -> Iterator[Happening]:
        """Each happening of the day, when its time has come and after it was done; `progress` hears the time shown.

        Raises SurroundingsError if a program ends that should not.
        """
        counter = Counter(self.url, self._his)
        agenda = Agenda(self._happenings())
        agenda.add(Work(self.day, counter, self.nurse, self.now).happenings())
        while happening := agenda.next_until(ENDS):
            self._wait_until(happening.at, progress)
            agenda.add(happening.do() or ())
            if happening.zh:
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

    def whole_page(self, path: str, name: str) -> str:
        """What the clinic's pages show somebody, with the style that is linked to in it: it can be opened from its folder."""
        visitor = self.visitor(name)

        def style(link: re.Match[str]) -> str:
            return f"<style>\n{visitor.get(link[1])}</style>"

        return re.sub(r'<link rel="stylesheet" href="([^"]+)">', style, visitor.get(path))

    def wattwitness(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run one command of the gateway to its end and return what it printed."""
        done = subprocess.run(_python("gateway", *arguments), capture_output=True, text=True, check=False)
        if done.returncode not in codes:
            raise _failed(" ".join(arguments[:3]), done.stderr)
        return done.stdout

    def backlog(self, without: str = "") -> int:
        """How many records the clinic has not, or the district has not; those of one unit left out."""
        emitted = {unit.name: self._emitted(unit.name) for unit in self.day.units if unit.name != without}
        held = [self._held(folder, emitted) for folder in (self.clinic, self.district)]
        return max(sum(emitted.values()) - min(held), 0)

    def mend(self, unit: str) -> None:
        """The unit has its link again."""
        self._relays[unit].mend()

    def move_on(self, instant: datetime) -> None:
        """From now on it is that instant for every command, and time passes as elsewhere."""
        self._clock = Clock(real_ms(), round(instant.timestamp() * 1000), 1)
        self._configure_gateways()

    def restart_pages(self) -> None:
        """Both gateways start anew, with their clocks as they are now."""
        self.stop("clinic", "district")
        self._serve()

    def _serve(self) -> None:
        for name in ("district", "clinic"):
            self._run(name, "gateway", "--dir", str(self.folder / name), "serve")
        for name, port in (("district", "district"), ("clinic", "pages")):
            _await_port(self._ports[port], self._programs[name], self.log(name))

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
        if not names:
            for relay in self._relays.values():
                relay.close()
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()
            for visitor in self._visitors.values():
                visitor.close()

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

    def _open_accounts(self) -> None:
        for each in self.accounts:
            with closing(database.open_ledger(self.folder / each.where)) as ledger:
                how = (each.name, each.role, each.password, CONSOLE, self._clock.now_ms())
                accounts.add(ledger, *how, is_first=False)

    def _configure(self) -> None:
        self._configure_gateways()
        for unit in self.day.units:
            self._configure_unit(unit)

    def _configure_gateways(self) -> None:
        password = self._passwords[broker.GATEWAY]
        told = settings.clinic(self._clock, self._ports, password, self._token, self._his)
        _write(self.clinic / "wattwitness.toml", told)
        told = settings.district(self._clock, self._ports, self._token)
        _write(self.district / "wattwitness.toml", told)

    def _configure_unit(self, unit: plan.Unit) -> None:
        port, device = self._ports["mqtt"], ""
        if unit.without_link:
            self._relays[unit.name] = Relay(port)
            port = self._relays[unit.name].port
        if unit.has_reader:
            self._readers[unit.name] = Reader()
            device = self._readers[unit.name].device
        password, key = self._passwords[unit.name], self.clinic / "tag.key"
        said = settings.unit(unit, self._clock, port, password, key, device)
        _write(self.folder / unit.name / "unit.toml", said)

    def _happenings(self) -> Iterator[Happening]:
        for unit in self.day.units:
            yield from self._mains(unit)
            yield from self._link(unit)
            for when, visit in unit.scans:
                yield Happening(when, partial(self._readers[unit.name].read, self._tokens[visit]))
        opening = ((plan.OPENS, "开门", "the clinic opens"), (plan.CLOSES, "关门", "the clinic closes"))
        for clock, zh, en in opening:
            yield Happening(plan.at(clock), nothing, zh, en)

    def _mains(self, unit: plan.Unit) -> Iterator[Happening]:
        if unit.without_mains:
            (down, up), name = unit.without_mains, unit.name
            yield Happening(down, partial(self.power_off, name), f"{name} 断电", f"{name} loses its mains")
            yield Happening(up, partial(self.power_on, name), f"{name} 来电", f"{name} has mains again")

    def _link(self, unit: plan.Unit) -> Iterator[Happening]:
        """Links that come back after the day are mended by whoever asks for it."""
        if unit.without_link:
            (down, up), relay, name = unit.without_link, self._relays[unit.name], unit.name
            yield Happening(down, relay.cut, f"{name} 断网", f"{name} loses its link")
            yield Happening(up, relay.mend, f"{name} 网络恢复", f"{name} has its link again")

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

    def _held(self, folder: Path, units: Iterable[str]) -> int:
        with closing(database.open_ledger(folder)) as ledger:
            heads = records.heads(ledger)
            return sum(heads[unit].us for unit in units if unit in heads)


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
