"""A clinic day in one process: the real agent, the real intake and a real SQLite ledger over a wire of our own.

No sleeps and no threads: clocks are moved by hand, links are cut by hand, mains fail by hand. The same plan gives the
same ledger, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from firmware.agent import events, journal
from firmware.agent.agent import Agent
from firmware.rpi.settings import agent_config
from gateway import config, config_text, inventory, pipeline
from gateway.audit import catalogue, import_bills
from gateway.audit.import_bills import Rules
from gateway.audit.patients import Patients
from gateway.bootstrap import Book, open_book
from gateway.demo import bills, plan
from gateway.intake.verify import Arrival
from gateway.inventory import Spot
from gateway.ledger import database, records
from gateway.ledger.attended import MANUAL, SCANNED
from gateway.ledger.bills import Teller
from gateway.nurse import attend, tokens, visits
from gateway.nurse.attend import Act, Details, Treated
from hardware.ports.bench import ScenarioPort
from protocol import p256, seal
from protocol.chain import ORIGIN

STEP_MS = 20_000
STARTS, ENDS = plan.at("07:40"), plan.at("17:40")
TAG_KEY = b"paper tags" + bytes(22)


def token_of(visit: str) -> str:
    """The token of a visit: letters and digits that are always the same."""
    return hashlib.sha256(f"token {visit}".encode()).hexdigest()[:20].upper() + "XYZ"


def ms(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


class PaperUnit:
    """One unit of the plan: its agent, its journal (bytes that survive), its scripted meter."""

    def __init__(self, planned: plan.Unit):
        self.planned = planned
        self.secret = hashlib.sha256(f"paper {planned.name}".encode()).digest()
        self.key_hex = p256.spki(p256.public_key(self.secret)).hex()
        self.lines: list[str] = []  # every record it ever emitted
        self._journal = b""
        self._scenario = json.loads(plan.scenario(planned, sum(map(ord, planned.name)), STARTS, ENDS))
        self._agent: Agent | None = None
        self._linked = False
        self._unread = sorted(planned.scans)

    def step(self, now_ms: int, world: World) -> None:
        """Everything that falls due until `now_ms`."""
        if self._without(self.planned.without_mains, now_ms):
            self._agent = None
            return
        if self._agent is None:
            self._boot(now_ms)
        self._mind_link(now_ms, world)
        for mono_ms, power_mw in self._port.take(now_ms - self._booted_ms):
            self._tick_until(mono_ms, world)
            self._feed(events.Reading(mono_ms, power_mw), world)
        while self._unread and ms(self._unread[0][0]) <= now_ms:
            token = token_of(self._unread.pop(0)[1])
            self._feed(events.Tagged(now_ms - self._booted_ms, tokens.tag(TAG_KEY, token)), world)
        self._tick_until(now_ms - self._booted_ms, world)

    def _boot(self, now_ms: int) -> None:
        memory = journal.recover([self._journal])
        config_ = agent_config(
            self.planned.name, self.planned.load, self.planned.profile, _meter(self.planned.name)
        )
        self._agent, self._booted_ms, self._linked = Agent(config_, memory), now_ms, False
        self._port = ScenarioPort(self._scenario, now_ms)
        boot = hashlib.sha256(f"{self.planned.name} {now_ms}".encode()).hexdigest()[:16]
        self._feed(events.Booted(0, boot, "POWER_ON", now_ms, True, True), None)

    def _mind_link(self, now_ms: int, world: World) -> None:
        linked = not self._without(self.planned.without_link, now_ms)
        if linked and not self._linked:
            self._feed(events.Linked(now_ms - self._booted_ms), world)
        elif self._linked and not linked:
            self._feed(events.Unlinked(now_ms - self._booted_ms), world)
        self._linked = linked

    def _tick_until(self, mono_ms: int, world: World) -> None:
        assert self._agent is not None
        while self._agent.due_ms <= mono_ms:
            self._feed(events.Tick(self._agent.due_ms), world)

    def _feed(self, event: Any, world: World | None) -> None:
        assert self._agent is not None
        for action in self._agent.feed(event):
            if isinstance(action, events.Emit):
                line = seal.seal(action.payload, lambda message: p256.sign(self.secret, message))
                self._journal += journal.record(action.memory, line, seal.digest(action.payload))
                self.lines.append(line)
                self._feed(events.Kept(event.mono_ms, action.us), world)
            elif isinstance(action, events.Checkpoint):
                self._journal += journal.checkpoint(action.memory, self._digest(len(self.lines)))
            elif isinstance(action, events.Acked):
                self._journal += journal.acknowledged(action.us)
            elif isinstance(action, events.Send) and world is not None:
                self._send(action, event.mono_ms, world)

    def _send(self, action: events.Send, mono_ms: int, world: World) -> None:
        us, up = world.receive(self.planned.name, self.lines[action.from_us - 1 : action.until_us])
        self._feed(events.AckHeard(mono_ms, us, up, self._digest(us)), world)

    def _digest(self, us: int) -> str:
        return seal.digest(seal.split(self.lines[us - 1])[0]) if us else ORIGIN

    @staticmethod
    def _without(span: tuple[datetime, datetime] | None, now_ms: int) -> bool:
        return span is not None and ms(span[0]) <= now_ms < ms(span[1])


def _meter(name: str) -> dict[str, str]:
    return {"maker": "bench", "model": "bench", "serial": name, "version": "1"}


class World:
    """The clinic of the plan: its units, and a gateway's ledger in `folder`."""

    def __init__(self, folder: Path, day: plan.Day):
        self.day = day
        self.now_ms = ms(STARTS)
        self.units = [PaperUnit(each) for each in day.units]
        self.book = _found(folder)
        self.db = self.book.ledger()
        self._enrol()

    def play(self) -> World:
        """The whole day, from before opening to after closing."""
        while self.now_ms <= ms(ENDS):
            for unit in self.units:
                unit.step(self.now_ms, self)
            self.now_ms += STEP_MS
        return self

    def receive(self, unit: str, lines: list[str]) -> tuple[int, str]:
        """What the gateway does with a message; the acknowledgement that it gives."""
        arrivals = [Arrival(line.encode(), plan.CLINIC, unit) for line in lines]
        pipeline.take_in(self.db, arrivals, "paper", self.now_ms)
        head = records.heads(self.db).get(unit)
        return (head.us, head.digest) if head else (0, ORIGIN)

    def settle(self) -> dict[str, Any]:
        """What people recorded and the day's bills, both as the clinic and the platform tell them, come in and are
        reconciled; as `reconcile --json` prints it."""
        self._record()
        rules = Rules(catalogue.read(), self.book.config.zone, Patients(b"paper" * 8))
        for source, body in (("clinic", bills.clinic(self.day)), ("platform", bills.platform(self.day))):
            teller = Teller(plan.CLINIC, source)
            imported = import_bills.import_bills(
                self.db, rules, body.encode(), f"{source}.json", teller, self.now_ms, form="2204"
            )
            assert not imported.refused, imported.refused
        day = date(plan.DAY.year, plan.DAY.month, plan.DAY.day)
        return pipeline.settle(self.db, self.book.config, day, day, "clinic", self.now_ms).said

    def _record(self) -> None:
        """What the desk and the nurse did in the day, by their own acts."""
        for visit in self.day.tokens:
            act = Act(plan.CLINIC, "D09", ms(plan.at("08:00")))
            visits.bind_token(self.db, act, TAG_KEY, token_of(visit), visit)
        items = catalogue.read().on(plan.DAY.date())
        for each in self.day.by_hand:
            item, charge = items[each.charge.item], each.charge
            how = SCANNED if each.scanned else MANUAL
            treated = Treated(charge.visit, item, f"{charge.visit}/{charge.line}", plan.ROOM_BY_HAND, how=how)
            act = Act(plan.CLINIC, "N01", ms(each.begins))
            if not each.minutes:
                attend.undone(self.db, act, treated, each.why[0])
                continue
            entry = attend.begin(self.db, act, treated).entry
            done = Act(plan.CLINIC, "N01", act.now_ms + each.minutes * 60_000)
            attend.end(self.db, done, entry, item, Details(acupoints=each.acupoints))

    def emitted(self) -> Iterator[tuple[str, str]]:
        """(unit, line) of every record that any unit ever emitted."""
        for unit in self.units:
            for line in unit.lines:
                yield unit.planned.name, line

    def _enrol(self) -> None:
        for unit in self.units:
            spot, since_ms = Spot(unit.planned.load, unit.planned.room), ms(plan.DAY)
            named = (unit.planned.name, unit.key_hex, plan.CLINIC)
            inventory.enrol(self.db, *named, False, spot, since_ms, since_ms, vouched=True)


def _found(folder: Path) -> Book:
    database.create_ledger(folder).close()
    made = config.Config(plan.CLINIC, plan.CLINIC_NAME, opens=plan.OPENS, closes=plan.CLOSES)
    (folder / config.FILE).write_text(config_text.text(made), encoding="utf-8")
    return open_book(folder)
