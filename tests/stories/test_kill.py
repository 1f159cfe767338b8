"""A clinic day of real programs in which any of them is killed at any moment: nothing is lost, nothing comes twice.

Three units, a broker, a gateway and a district run in accelerated time; each seed kills units, gateway and district
without warning and starts them again. In the end what the units kept, what the gateway holds and what the district
holds are the same records, each once, and every chain is whole from its first record to its last.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from firmware.agent import journal
from firmware.rpi import keyfile
from gateway import config, inventory
from gateway.bootstrap import Book
from gateway.clock import real_ms
from gateway.demo.ports import free_port
from gateway.instants import iso
from gateway.inventory import Spot
from gateway.ledger import records
from protocol import chain, p256, record, seal
from tests.support.broker import PASSWORD, Broker
from tests.support.chain import START_MS
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import Program, ended, eventually

SEEDS = range(12)
UNITS = ("U1", "U2", "U3")
SPEED = 1200
DAY_S = 7.0  # of real time
KILLS = 8
TOKEN = "a-token-only-for-tests"

_CLOCK = "[clock]\nreal_ms = {real_ms}\nshown_ms = {shown_ms}\nspeed = {speed}\n"
_UNIT = """
unit = "{unit}"
clinic = "{clinic}"
key = "key.pem"
load = "tdp"
journal = "journal"

[port]
kind = "bench"
scenario = "scenario.json"

[mqtt]
port = {port}
user = "{unit}"
password = "{password}"
reconnect_least_ms = 50
"""


@dataclass
class World:
    """Everything of one day, in one folder."""

    folder: Path
    broker: Broker
    clinic: Book
    district: Book
    programs: dict[str, Program]

    def emitted(self, unit: str) -> list[bytes]:
        """The records in a unit's journal, in order."""
        recovery = journal.Recovery()
        paths = sorted((self.folder / unit / "journal").glob("journal-*.log"))
        return [line.encode() for path in paths for _, _, line in recovery.read(path.read_bytes())]

    def set_clock(self, clock: str) -> None:
        """From their next start on, the units' clocks run so."""
        for unit in UNITS:
            settings = _UNIT.format(unit=unit, clinic=CLINIC, port=self.broker.port, password=PASSWORD)
            (self.folder / unit / "unit.toml").write_text(settings + "\n" + clock)


def held(book: Book, unit: str) -> list[bytes]:
    """The records of a unit's chain in a ledger."""
    with book.ledger() as db:
        return [line.encode() for line in records.lines(db, unit)]


def make(folder: Path) -> World:
    """Ledgers, keys, scenarios and programs; the day begins now."""
    clock = _CLOCK.format(real_ms=real_ms(), shown_ms=START_MS, speed=SPEED)
    broker = Broker(folder / "broker", CLINIC, UNITS)
    port = free_port()
    forward = f'[forward]\nurl = "http://127.0.0.1:{port}"\ntoken = "{TOKEN}"\n'
    clinic = in_folder(folder / "clinic", extra=broker.config + forward + clock)
    tokens = f'[district.tokens]\n{CLINIC} = "{TOKEN}"\n'
    district = in_folder(folder / "district", role=config.DISTRICT, extra=tokens + clock, port=port)
    world = World(folder, broker, clinic, district, {})
    for number, unit in enumerate(UNITS):
        make_unit(world, unit, number)
    world.set_clock(clock)
    for book in (district, clinic):
        name = book.folder.name
        world.programs[name] = Program(folder / f"{name}.log", "gateway", "--dir", str(book.folder), "serve")
    for unit in UNITS:
        arguments = ("run", "--config", str(folder / unit / "unit.toml"))
        world.programs[unit] = Program(folder / f"{unit}.log", "firmware.rpi", *arguments)
    return world


def make_unit(world: World, unit: str, number: int) -> None:
    """A key, the registries' entries, and a lamp that is switched on every half hour."""
    home = world.folder / unit
    home.mkdir()
    secret = keyfile.make_secret()
    keyfile.write(home / "key.pem", secret)
    key_hex = p256.spki(p256.public_key(secret)).hex()
    for book in (world.clinic, world.district):
        with book.ledger() as db:
            spot = Spot("tdp", f"R{number}")
            vouched = book.is_district
            inventory.enrol(db, unit, key_hex, CLINIC, False, spot, 0, START_MS, vouched=vouched)
    (home / "scenario.json").write_text(json.dumps(scenario(number)))


def scenario(number: int) -> dict:
    """Sessions of 20 minutes, half an hour apart, for six hours."""
    zone = config.Config(CLINIC, "-").zone
    starts = [START_MS + (5 + number * 3 + each * 30) * 60_000 for each in range(12)]
    return {
        "load": "tdp",
        "seed": number,
        "every_s": 5,
        "from": iso(START_MS, zone),
        "on": [[iso(at, zone), iso(at + 20 * 60_000, zone)] for at in starts],
    }


def play(world: World, seed: int) -> None:
    """The day: kills at random moments, each followed by a new start a little later."""
    chance = random.Random(seed)
    begin = time.monotonic()
    acts = []
    for _ in range(KILLS):
        name = chance.choice([*UNITS, "clinic", "clinic", "district"])
        at_s = chance.uniform(0.3, DAY_S - 1)
        acts += [(at_s, name, "kill"), (at_s + chance.uniform(0.05, 1.5), name, "start")]
    for at_s, name, act in sorted(acts):
        time.sleep(max(0.0, begin + at_s - time.monotonic()))
        program = world.programs[name]
        if act == "kill" and program.running:
            program.kill()
        elif act == "start" and not program.running:
            program.start()
    time.sleep(max(0.0, begin + DAY_S - time.monotonic()))


def deliver(world: World) -> None:
    """After the day: units stop measuring fast, start once more at the sun's pace, and everything arrives."""
    for unit in UNITS:
        world.programs[unit].stop()
    shown_ms = START_MS + (real_ms() - world.clinic.clock.real_ms) * SPEED
    world.set_clock(_CLOCK.format(real_ms=real_ms(), shown_ms=shown_ms, speed=1))
    before = {unit: len(world.emitted(unit)) for unit in UNITS}
    for program in world.programs.values():
        if not program.running:
            program.start()

    def arrived() -> bool:
        emitted = {unit: world.emitted(unit) for unit in UNITS}
        booted = all(len(emitted[unit]) > before[unit] for unit in UNITS)
        return booted and all(
            held(book, unit) == emitted[unit] for book in (world.clinic, world.district) for unit in UNITS
        )

    eventually(arrived, within_s=60)


def check(world: World) -> None:
    """Each record once in both ledgers, every chain whole, and nothing found that a person should look at."""
    for unit in UNITS:
        emitted = world.emitted(unit)
        assert len(emitted) == len(set(emitted)) > 10
        head = None
        for line in emitted:
            read = record.parse(seal.split(line)[0])
            assert chain.judge(head, read) == chain.NEXT
            head = chain.lengthen(head, read)
        assert head is not None and (head.first_us, head.us) == (1, len(emitted))
    for book in (world.clinic, world.district):
        with book.ledger() as db:
            assert records.findings(db) == []
            assert records.quarantine_counts(db) == []
            count = db.execute("SELECT count(*), count(DISTINCT unit || ':' || us) FROM records").fetchone()
            assert count == (sum(len(world.emitted(unit)) for unit in UNITS),) * 2
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    with world.district.ledger() as db:
        leaves = db.execute("SELECT count(*), count(DISTINCT digest) FROM leaves").fetchone()
        assert leaves == count


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_is_killed_every_record_ends_in_both_ledgers_once(tmp_path, seed):
    world = make(tmp_path)
    try:
        with ended(*world.programs.values()):
            play(world, seed)
            deliver(world)
            check(world)
    finally:
        world.broker.stop()
