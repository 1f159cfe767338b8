"""A lead and its history in the words of its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from markupsafe import Markup

from gateway.audit import outcomes
from gateway.audit.outcomes import DISTRICT, Standing
from gateway.instants import iso
from gateway.ledger.reviews import Act, LeadFound
from gateway.money import yuan
from gateway.pages.addresses import Addresses
from gateway.pages.arithmetic import arithmetic
from gateway.pages.focus import dark_span, drawn
from gateway.pages.phrases import Wording
from gateway.pages.rendered import query
from gateway.pages.sheet import Focus
from gateway.pages.view import DayView, Device
from gateway.pages.words import knows


class LeadWords(Wording):
    """A lead and its history in the language of the page."""

    def __init__(self, found: LeadFound, now: Standing, acts: list[Act], zone: tzinfo, to: Addresses):
        super().__init__(to.lang, zone)
        self.found, self.now, self.acts, self._to = found, now, acts, to

    def texts(self, view: DayView | None) -> dict[str, Any]:
        """The template's values; `view` is the lead's day, where it is known."""
        body = self.found.body
        return {
            "title": self.say("lead_title", rule=self.rule(self.found.rule), day=self.found.day),
            "words": self,
            "to": self._to,
            "here": query(self.lang, clinic=self.found.clinic),
            "other": query("zh" if self.lang == "en" else "en", clinic=self.found.clinic),
            "month": query(self.lang, of=self.found.day[:7], clinic=self._to.clinic),
            "sentence": body[self.lang],
            "states": self._states(),
            "facts": self._facts(),
            "lines": [(line, self._to.line(self.found.source, line)) for line in body["lines"]],
            "supplies": [(name, self._to.record(name)) for name in body["supplies"]],
            "heading": lambda name: self.say(f"witness.{name}") if knows(f"witness.{name}") else name,
            "sum": arithmetic(body),
            "witness": _table(body.get("witness", [])),
            "strips": self._picture(view) if view else [],
            "history": [self._act(each) for each in self.acts],
            "outcomes": [(code, self.say(f"outcome.{code}")) for code in outcomes.OUTCOMES],
        }

    def _picture(self, view: DayView) -> list[tuple[Markup, Markup]]:
        """The day's devices of the classes that it is about: all that it rests on stands out."""
        body = self.found.body
        lines, records = frozenset(body["lines"]), frozenset(body["supplies"])
        focus = Focus(records, tuple(map(dark_span, body["dark"])), lines)
        loads = {each.load for each in view.lines if each.line in lines}
        loads |= {each.load for each in view.devices if _is_in(each, focus)}
        return drawn(view, self.lang, focus, lambda each: each in loads) if loads else []

    def _states(self) -> list[str]:
        """What is to be said of how it stands, after its state."""
        say, now = self.say, self.now
        told = [say(f"outcome.{now.outcome}")] if now.outcome and now.outcome != "pending" else []
        told += [say("lead.appealed")] if now.appealed else []
        told += [say("lead.due", day=now.due)] if now.due and now.state == "open" else []
        told += [say("lead.refunded_by", files=say("and").join(now.refunded_by))] if now.refunded_by else []
        if now.internal:
            told.append(say("lead.internal", outcome=say(f"outcome.{now.internal}")))
        return [*told, *([] if self.found.standing else [say("lead.gone")])]

    def _facts(self) -> list[tuple[str, str, str]]:
        """(name, value, class of the value) of all that it rests on and of what came of it."""
        say, body, now = self.say, self.found.body, self.now
        amounts = [say("yuan", value=body["amount"])]
        told = now.document()
        noted = say("lead.noted") if now.noted else ""
        there = [name for name in ("withheld", "deducted") if told[name]]
        amounts += [say(f"lead.{name}", amount=told[name]) + noted for name in there]
        facts = [("lead.money", say("clause").join(amounts), "")]
        if self.found.rule == "capacity":
            bound = say("lead_bound", treatments=body["treatments"], capacity=body["capacity"])
            facts.append(("lead.bound", bound, ""))
        facts += [
            ("lead.dark", "\n".join(" – ".join(each) for each in map(_span, body["dark"])), "refs"),
            ("lead.parameters", _pairs(body.get("parameters", {})), "ref"),
            ("lead.cause", now.cause, ""),
            ("lead.rectification", now.rectification, ""),
        ]
        return [(say(name), value, style) for name, value, style in facts if value]

    def _act(self, act: Act) -> dict[str, Any]:
        say, said = self.say, act.body
        is_internal = act.kind == "review" and act.side != DISTRICT
        received = None if act.received_ms is None else iso(act.received_ms, self.zone)[:16].replace("T", " ")
        amounts = {name: said.get(f"{name}_fen") for name in ("withheld", "deducted")}
        notes = [say(f"lead.{name}", amount=yuan(fen)) for name, fen in amounts.items() if fen is not None]
        notes += [
            f"{say(f'lead.{name}')}: {said[name]}" for name in ("cause", "rectification") if said.get(name)
        ]
        notes += [say("lead.due", day=said["due"])] if said.get("due") else []
        return {
            "name": say("act.internal" if is_internal else f"act.{act.kind}"),
            "outcome": say(f"outcome.{said['outcome']}") if act.kind == "review" else "",
            "who": f"{say(f'side.{act.side}')} {act.by}",
            "at": iso(act.at_ms, self.zone)[:16].replace("T", " "),
            "received": say("lead.received", at=received) if received else "",
            "text": said.get("text") or said.get("why"),
            "notes": notes,
            "files": said.get("attachments", []),
            "sha256": act.sha256,
        }


def _is_in(device: Device, focus: Focus) -> bool:
    sessions = any(each.record in focus.records for each in device.sessions)
    return sessions or any(focus.holds_dark(device, span) for span in device.dark)


def _span(dark: list[str]) -> list[str]:
    name, start, end = dark
    return [f"{name} {start[:19].replace('T', ' ')}", end[11:19] if end[:10] == start[:10] else end[:19]]


def _pairs(parameters: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} = {value}" for name, value in parameters.items())


def _table(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The names and rows of a witness, whatever its rule tells."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names, [[_shown(row.get(name)) for name in names] for row in rows]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    text = "" if value is None else str(value)
    return text[:19].replace("T", " ") if len(text) == 25 and text[10] == "T" else text
