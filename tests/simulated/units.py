"""A unit over a month: the real agent, fed with the power of a load model at the instants that matter, its records sealed.

Readings come every 100 s, and by the second where the load goes on or off. What befalls the unit is real to it: without mains
it dies and boots again from what its journal kept.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from firmware.agent import events, journal
from firmware.agent.agent import Agent
from firmware.agent.memory import Memory
from firmware.rpi.settings import agent_config
from gateway.audit.spans import Span, intersect, subtract, union
from hardware.loads.model import LoadModel, SwitchedOn
from hardware.loads.profiles import load_profile
from protocol import p256, seal
from tests.simulated.plan import MINUTE, SECOND, Month, at

EVERY_MS = 100 * SECOND
EDGE_MS = (-1 * SECOND, 0, 1 * SECOND, 4 * SECOND, 62 * SECOND)  # around where the load goes on or off
SET_MS = 30 * MINUTE  # how often the gateway tells the time


class SimulatedUnit:
    """One unit of a month; `lines` are the records that it wrote."""

    def __init__(self, device: str, month: Month):
        self.device = device
        self.load = "tdp" if device.startswith("L") else "stim"
        self.unit = f"U-{device}"
        self.lines: list[bytes] = []
        secret = hashlib.sha256(f"simulated {device}".encode()).digest()
        self.key_hex = p256.spki(p256.public_key(secret)).hex()
        self._key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        self._config = agent_config(self.unit, self.load, {}, _meter(self.unit))
        self._model = LoadModel(load_profile(self.load).model, sum(map(ord, device)))
        self._drift_ppm = month.drift_ppm.get(device, 0)
        self._burns = sorted(
            (each for each in month.burns if each.device == device),
            key=lambda each: (each.from_ms, each.until_ms),
        )
        self._on = union((each.from_ms, each.until_ms) for each in self._burns)
        self._others = [each for each in self._burns if each.power_mw]
        self._silent = month.silent.get(device, [])
        mains = [(at(day, "07:35"), at(day, "20:30")) for day in month.days]
        self._mains = subtract(mains, month.without_mains.get(device, []))
        self._kept = b""

    def run(self) -> SimulatedUnit:
        """The whole month: one boot for each time that mains came."""
        for span in self._mains:
            self._boot(span)
        return self

    def _boot(self, mains: Span) -> None:
        self._booted_ms = mains[0]
        self._agent = Agent(self._config, journal.recover([self._kept]) if self._kept else Memory())
        boot = hashlib.sha256(f"{self.unit} {mains[0]}".encode()).hexdigest()[:16]
        self._feed(events.Booted(0, boot, "POWER_ON", mains[0], True, True))
        told_ms = mains[0]
        for at_ms in self._instants(mains):
            self._tick(at_ms)
            if not any(start <= at_ms < end for start, end in self._silent):
                self._feed(events.Reading(self._mono(at_ms), self._power_mw(at_ms)))
            if at_ms - told_ms >= SET_MS:
                told_ms = at_ms
                self._feed(events.Time(self._mono(at_ms), at_ms, True, None))
        self._tick(mains[1])

    def _instants(self, mains: Span) -> Iterator[int]:
        edges = {
            edge + shift
            for span in intersect(self._on, [mains])
            for edge in (span[0], span[1])
            for shift in EDGE_MS
        }
        regular = range(mains[0] + SECOND, mains[1], EVERY_MS)
        yield from sorted(each for each in {*regular, *edges} if mains[0] < each < mains[1])

    def _tick(self, at_ms: int) -> None:
        while self._agent.due_ms <= self._mono(at_ms):
            self._feed(events.Tick(self._agent.due_ms))

    def _mono(self, at_ms: int) -> int:
        """What the unit's own quartz has counted since it booted."""
        true_ms = at_ms - self._booted_ms
        return true_ms + true_ms * self._drift_ppm // 1_000_000

    def _power_mw(self, at_ms: int) -> int:
        place = bisect_right(self._on, (at_ms, 1 << 62)) - 1
        is_on = place >= 0 and self._on[place][0] <= at_ms < self._on[place][1]
        if not is_on:
            return self._model.power_mw(at_ms, None)
        other = next((each for each in self._others if each.from_ms <= at_ms < each.until_ms), None)
        return other.power_mw if other else self._model.power_mw(at_ms, _switched(self._on[place]))

    def _feed(self, event: Any) -> None:
        for action in self._agent.feed(event):
            if isinstance(action, events.Emit):
                line = seal.seal(action.payload, self._sign)
                self._kept = journal.record(action.memory, line, seal.digest(action.payload))
                self.lines.append(line.encode())
                self._feed(events.Kept(event.mono_ms, action.us))
            elif isinstance(action, events.Checkpoint):
                payload = seal.split(self.lines[-1])[0]
                last = self._kept.split(b"\n", 1)[0] + b"\n"
                self._kept = last + journal.checkpoint(action.memory, seal.digest(payload))

    def _sign(self, message: bytes) -> tuple[int, int]:
        return decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))


def _switched(span: Span) -> SwitchedOn:
    return SwitchedOn(span[0], span[1], [], (0, 0))


def _meter(name: str) -> dict[str, str]:
    return {"maker": "bench", "model": "bench", "serial": name, "version": "1"}


def all_of(month: Month) -> Iterator[SimulatedUnit]:
    """Every unit of the month, run."""
    for device in sorted({*month.drift_ppm, *(each.device for each in month.burns)}):
        yield SimulatedUnit(device, month).run()
