"""A bill line's evidence in words: what was said of each treatment, why that and nothing else, and what would have been needed.

All of it is what the run left: nothing is matched or judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from markupsafe import Markup

from gateway.audit.catalogue import Item
from gateway.instants import local_day
from gateway.ledger.attended import Entry
from gateway.ledger.evidence_of import Row
from gateway.pages.addresses import Addresses
from gateway.pages.arithmetic import arithmetic
from gateway.pages.focus import dark_span, drawn
from gateway.pages.phrases import Wording
from gateway.pages.resting import Doubt
from gateway.pages.sheet import Focus
from gateway.pages.view import DayView
from protocol.record import Record


@dataclass(frozen=True, slots=True)
class Rested:
    """A session that a verdict rests on: its device then, what it says, whether its seal verifies here and now ("good"), its
    grade, its place in the chain, and how many treatments the run found to have device time in it."""

    name: str
    device: Row | None
    said: Record
    seal: str
    grade: str
    chained: int
    uses: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run said of one treatment (`said`, as `reconcile --json` prints it), and the sessions that it rests on."""

    index: int
    code: str
    said: Row
    rested: list[Rested]


class LineWords(Wording):
    """A bill line's page in one language."""

    def __init__(self, lang: str, zone: tzinfo, to: Addresses):
        super().__init__(lang, zone)
        self._to = to

    def texts(
        self,
        line: Row,
        item: Item | None,
        view: DayView,
        evidence: list[Evidence],
        sets: list[Doubt],
        leads: list[Row],
    ) -> dict[str, Any]:
        """The template's values."""
        self._line, self._sets = line, sets
        self._is_attended = item is not None and item.attended
        self._found = [found for each in leads if (found := arithmetic(each["said"])) is not None]
        name = (item.en if self.lang == "en" else item.zh) if item else line["name"]
        return {
            "title": self.say("line.title", name=name, line=line["line"]),
            "words": self,
            "to": self._to,
            "day": local_day(line["charged_ms"], self.zone),
            "other": self._to.other(source=line["source"] if line["source"] != "clinic" else ""),
            "facts": self._facts(line, item),
            "why": self.why,
            "why_set": self._why_set,
            "leads": [self._lead(each) for each in leads],
            "sums": self._found,
            "strips": self._picture(view, item, evidence, leads),
            "entry": self._entry,
        }

    def _facts(self, line: Row, item: Item | None) -> list[tuple[str, str, str]]:
        """(name, value, class of the value) of what was charged."""
        number = (
            f"{line['item']} {item.en if self.lang == 'en' else item.zh}"
            if item
            else self.say("line.item_none")
        )
        insured = self.say(f"line.insured.{line['insured']}") if line["insured"] is not None else ""
        count = self.say("line.count_words", count=line["count"], treatments=line["treatments"])
        file = self.say(
            "line.file_words",
            name=line["file_name"],
            format=line["format"],
            row=line["row"],
            at=self.instant(line["imported_ms"]),
        )
        facts = [
            ("line.item", f"{number} · {line['name']}" if item and line["name"] != item.zh else number, ""),
            ("line.code", "  ".join(filter(None, (line["code"], line["own_code"]))), "ref"),
            ("line.count", count, ""),
            ("amount", self.say("clause").join(filter(None, (self.yuan(line["amount_fen"]), insured))), ""),
            ("line.when", self.moment(line["charged_ms"]), ""),
            ("line.performed", self.moment(line["performed_ms"]) if line["performed_ms"] else "", ""),
            ("line.visit", line["visit"], "ref"),
            ("line.where", " · ".join(filter(None, (line["room"], line["staff"]))), ""),
            ("line.settlement", line["settlement"], "ref"),
            ("line.file", f"{file} · {self.say('line.source.' + line['source'])}", ""),
            ("", line["sha256"], "ref"),
        ]
        return [
            (self.say(name) if name else "SHA-256", value, style) for name, value, style in facts if value
        ]

    # --- why ---------------------------------------------------------------------------------------------------

    def why(self, each: Evidence) -> list[str]:
        """Why a treatment got its verdict and no other, sentence by sentence."""
        said = each.said
        if each.code == "supported":
            return self._why_supported(each)
        if each.code == "reversed":
            told = [self.say("why.reversed", by=self._line["reversed_by"] or "—")]
            file = self._line["undone_name"]
            return [*told, *([self.say("why.reversed_file", file=file)] if file else [])]
        required_s, active_s = said["required_s"], said["active_s"] or 0
        figures = {
            "required": self.duration(required_s),
            "active": self.duration(active_s),
            "lack": self.duration(max(0, required_s - active_s)),
        }
        is_recorded = self._is_attended and not each.rested and each.code in ("short", "no_device_time")
        return [self.say(f"why.{each.code}{'_attended' if is_recorded else ''}", **figures)]

    def _why_supported(self, each: Evidence) -> list[str]:
        figures = {
            "active": self.duration(each.said["active_s"] or 0),
            "required": self.duration(each.said["required_s"]),
        }
        if not each.rested:
            records = self.say("and").join(each.said["records"])
            return [self.say("why.attended", records=records, **figures)]
        span, device = self.span(each.rested[0].said), self.device(each.rested[0])
        told = [self.say("why.supported", device=device, span=span, **figures), self.say("why.bound")]
        return [*told, *([self.say("why.long_burn")] if each.said["fit"] == "long_burn" else [])]

    def _why_set(self, doubt: Doubt) -> list[str]:
        """Why only a set can be spoken of."""
        told = self.say("why.set", others=len(doubt.lines) - 1, counts=self.counts(doubt.counts))
        seconds = self.say("and").join(map(self.duration, doubt.short_s))
        shorts = [self.say("set_seconds", seconds=seconds)] if doubt.short_s else []
        return [told, *shorts, *([self.say("why.set_needed")] if self._found else [])]

    # --- records -----------------------------------------------------------------------------------------------

    def device(self, each: Rested) -> str:
        """The device that a session was on."""
        if each.device is None:
            return each.said.unit
        return f"{each.device['device']} ({self.place(each.device['room'], each.device['bed'])})"

    def span(self, said: Record) -> str:
        """From when to when a session was, to the second."""
        return self.stretch(said.readings[0].at_ms, said.readings[-1].at_ms)

    def power(self, said: Record) -> str:
        """Least, mean and most power of a session."""
        return " / ".join(map(self.watts, said.power_mw or ()))

    def window(self, said: Row) -> str:
        """When a treatment may have begun."""
        return "–".join(each[:16].replace("T", " ") for each in said["window"])

    def dark(self, said: Row) -> list[tuple[str, str, int]]:
        """(name, from and until, seconds) of the unwatched time that could explain a treatment."""
        return [
            (name, self.stretch(start, end), (end - start) // 1000)
            for name, start, end in map(dark_span, said["dark"])
        ]

    def _entry(self, each: Entry) -> list[str]:
        """What a person recorded, in words."""
        end = self.moment(each.ended_ms)[11:] if each.ended_ms is not None else ""
        told = [
            self.say(
                "line.attended_words",
                outcome=self.say(f"line.attended.{each.outcome}"),
                began=self.moment(each.began_ms),
                ended=end,
                room=each.room,
                practitioner=each.practitioner,
                how=self.say(f"line.attended.{each.how}"),
                by=each.entered_by,
                at=self.moment(each.entered_ms),
            )
        ]
        counts = {"acupoints": each.acupoints, "cups": each.cups}
        told += [self.say(f"line.attended.{name}", n=n) for name, n in counts.items() if n is not None]
        told += [self.say("line.attended.body_part", part=each.body_part)] if each.body_part else []
        told += [each.reason] if each.reason else []
        return [*told, *([self.say("line.attended.later", why=each.why)] if each.why else [])]

    # --- leads and the picture -------------------------------------------------------------------------------------

    def _lead(self, row: Row) -> dict[str, str]:
        return {
            "address": self._to.lead(row["lead"]),
            "rule": self.rule(row["rule"]),
            "sentence": row["said"][self.lang],
        }

    def _picture(
        self, view: DayView, item: Item | None, evidence: list[Evidence], leads: list[Row]
    ) -> list[tuple[Markup, Markup]]:
        """The devices of the line's class on the day of its charge: its own evidence stands out, or that of all its set."""
        load = item.device_class if item else None
        if not any(each.load == load for each in view.devices):
            return []
        said = [each.said for each in evidence] or [
            each["said"] for each in leads if each["rule"] == "capacity"
        ]
        lines = {line for each in self._sets for line in each.lines} | {self._line["line"]}
        records = {name for each in said for name in (each["records"] or each["supplies"])}
        dark = tuple(dark_span(each) for body in said for each in body["dark"])
        return drawn(
            view, self.lang, Focus(frozenset(records), dark, frozenset(lines)), lambda each: each == load
        )
