"""A recording through the agent: what a unit would have said, had it watched. This file does not know commands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from firmware.agent import events
from firmware.agent.agent import Agent
from firmware.agent.config import Config
from firmware.agent.memory import Memory
from protocol import p256, record, seal

_CHINA = timezone(timedelta(hours=8))


@dataclass
class Played:
    """The record lines, in order, the milliseconds since the first row at which each was said, and what was refused."""

    lines: list[str] = field(default_factory=list)
    said_ms: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def play(
    rows: list[tuple[int, int]], config: Config, secret: bytes, progress: Callable[[int], None]
) -> Played:
    """Feed (at_ms, power_mw) rows to an agent whose clock counts as synchronised; an open session ends at the last.

    The same rows, unit and key give the same bytes: the boot id comes from the rows. `progress` hears the row number.
    """
    agent, played, start_ms = Agent(config, Memory()), Played(), rows[0][0]

    def feed(event: Any) -> None:
        for action in agent.feed(event):
            if isinstance(action, events.Emit):
                played.lines.append(seal.seal(action.payload, lambda message: p256.sign(secret, message)))
                played.said_ms.append(event.mono_ms)
            elif isinstance(action, events.Note):
                played.refused.append(f"{action.code}: {action.text}")

    feed(events.Booted(0, _boot_id(rows, config.unit), "REPLAY", start_ms, True, True))
    for number, (at_ms, power_mw) in enumerate(rows):
        while agent.due_ms < at_ms - start_ms:
            feed(events.Tick(agent.due_ms))
        feed(events.Reading(at_ms - start_ms, power_mw))
        progress(number)
    feed(events.Finished(rows[-1][0] - start_ms))
    return played


def _boot_id(rows: list[tuple[int, int]], unit: str) -> str:
    text = unit + "".join(f"{at_ms},{power_mw};" for at_ms, power_mw in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def summary(unit: str, lines: list[str]) -> dict[str, Any]:
    """What the lines say, as `replay --json` prints it."""
    records = [record.parse(line.split("|")[1]) for line in lines]
    gaps = [each.gap_ms for each in records if each.gap_ms is not None]
    return {
        "unit": unit,
        "records": len(lines),
        "sessions": [_session(each) for each in records if each.kind == record.SESSION],
        "gaps": [[iso(from_ms), iso(until_ms)] for from_ms, until_ms in gaps],
    }


def _session(said: record.Record) -> dict[str, Any]:
    begin, end = said.readings
    return {
        "us": said.us,
        "start": iso(begin.at_ms),
        "end": iso(end.at_ms),
        "active_s": said.active_s,
        "energy_mwh": end.register_mwh - begin.register_mwh,
        "end_code": end.tx,
        "interruptions": said.interruptions,
    }


def iso(at_ms: int) -> str:
    """ISO 8601 with China's zone; milliseconds only where there are any."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return at.astimezone(_CHINA).isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds")
