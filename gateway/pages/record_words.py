"""A record in words: what it says as a sentence, and each of its fields with what it means and its units of measure.

Field names are those of the record's profile (protocol/FORMAT.md) and of OCMF 1.0; the values stand beside as they came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.pages.phrases import Wording
from gateway.pages.words import knows
from protocol import record, strictjson
from protocol.record import Record, read_instant


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in the record, what it means, its value as it came, and that in words where there is more to say."""

    name: str
    meaning: str
    raw: str
    words: str


class RecordWords(Wording):
    """Records in one language and zone."""

    def kind(self, kind: str) -> str:
        """What a kind of record is called."""
        return self.say(f"record.kind.{kind}") if knows(f"record.kind.{kind}") else kind

    def sentence(self, said: Record) -> str:
        """What the unit says by it."""
        if not knows(f"record.says.{said.kind}"):
            return self.say("record.says.other", kind=said.kind)
        at = self.moment(said.at_ms)
        if said.kind == record.SESSION:
            return self._session(said)
        gap = self.stretch(*said.gap_ms) if said.gap_ms else ""
        alive = self.moment(said.alive_ms) if said.alive_ms is not None else self.say("none")
        step = f"{(said.step_ms or 0) / 1000:+.3f} s" if said.kind == record.CLOCK else ""
        return self.say(
            f"record.says.{said.kind}",
            unit=said.unit,
            at=at,
            cause=self.cause(said.cause),
            gap=gap,
            alive=alive,
            step=step,
        )

    def _session(self, said: Record) -> str:
        begin, end = said.readings
        return self.say(
            "record.says.SESSION",
            unit=said.unit,
            span=self.stretch(begin.at_ms, end.at_ms),
            active=self.duration(said.active_s),
            ending=self.say(f"end.{end.tx}"),
        )

    def power(self, said: Record) -> str:
        """Least, mean and most power of a session."""
        least, mean, most = said.power_mw or (0, 0, 0)
        return self.say("record.power", least=self.watts(least), mean=self.watts(mean), most=self.watts(most))

    def energy(self, said: Record) -> str:
        """What a session used, in Wh."""
        begin, end = (each.register_mwh or 0 for each in said.readings)
        return f"{(end - begin) // 1000}.{(end - begin) % 1000 // 100} Wh"

    def cause(self, cause: str | None) -> str:
        """Why a unit began, or what was wrong."""
        if not cause:
            return ""
        return self.say(f"record.cause.{cause}") if knows(f"record.cause.{cause}") else cause

    def fields(self, payload: str) -> list[Field]:
        """Every field of a payload, in its order."""
        document = strictjson.read(payload)
        return list(self._fields(document, ""))

    def _fields(self, document: dict[str, Any], where: str) -> Iterator[Field]:
        for name, value in document.items():
            if name == "RD" and isinstance(value, list):
                for place, reading in enumerate(value, start=1):
                    yield from self._fields(reading, f"RD {place} · ")
            else:
                meaning = self.say(f"field.{name}") if knows(f"field.{name}") else self.say("field.other")
                yield Field(where + name, meaning, _raw(value), self._in_words(name, value, document))

    def _in_words(self, name: str, value: Any, document: dict[str, Any]) -> str:
        if name in ("TM", "UL") and isinstance(value, str):
            return self._instant(value)
        if name == "UG" and isinstance(value, list):
            return self.say("and").join(map(self._instant, value))
        if name == "UW" and isinstance(value, list):
            return " / ".join(self.watts(each) for each in value)
        if name == "UA":
            return self.duration(value)
        if name == "UM":
            return self.duration(value // 1000)
        if name == "UR" and isinstance(value, int):
            return f"{value / 1000:+.3f} s"
        named = {"UK": "record.kind", "UR": "record.cause", "TX": "field.TX", "ST": "field.ST"}.get(name)
        return self.say(f"{named}.{value}") if named and knows(f"{named}.{value}") else ""

    def _instant(self, text: str) -> str:
        at_ms, flag = read_instant(text)
        return f"{self.moment(at_ms)} · {self.say(f'field.flag.{flag}')}"


def _raw(value: Any) -> str:
    """A value as the record has it; its text where it is one."""
    if isinstance(value, strictjson.Decimal):
        return str(value.text)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
