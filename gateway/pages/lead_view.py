"""A lead and its history in the words of its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from gateway.audit import outcomes
from gateway.audit.outcomes import DISTRICT, Standing
from gateway.instants import iso
from gateway.ledger.reviews import Act, LeadFound
from gateway.pages.rendered import query
from gateway.pages.words import Say, knows, speak


class LeadWords:
    """A lead and its history in the language of the page."""

    def __init__(self, found: LeadFound, now: Standing, acts: list[Act], zone: tzinfo, lang: str):
        self.found, self.now, self.acts, self._zone, self._lang = found, now, acts, zone, lang
        self._say: Say = speak(lang)

    def texts(self) -> dict[str, Any]:
        """The template's values."""
        rule, body = f"rule.{self.found.rule}", self.found.body
        name = self._say(rule) if knows(rule) else self.found.rule
        clinic = self.found.clinic
        return {
            "title": self._say("lead_title", rule=name, day=self.found.day),
            "query": query(self._lang),
            "here": query(self._lang, clinic=clinic),
            "other": query("zh" if self._lang == "en" else "en", clinic=clinic),
            "month": query(self._lang, of=self.found.day[:7], clinic=clinic),
            "sentence": body[self._lang],
            "states": self._states(),
            "facts": self._facts(),
            "heading": lambda name: self._say(f"witness.{name}") if knows(f"witness.{name}") else name,
            "witness": _table(body.get("witness", [])),
            "history": [self._act(each) for each in self.acts],
            "outcomes": [(code, self._say(f"outcome.{code}")) for code in outcomes.OUTCOMES],
        }

    def _states(self) -> list[str]:
        """What is to be said of how it stands, after its state."""
        say, now = self._say, self.now
        told = [say(f"outcome.{now.outcome}")] if now.outcome and now.outcome != "pending" else []
        told += [say("lead.appealed")] if now.appealed else []
        told += [say("lead.due", day=now.due)] if now.due and now.state == "open" else []
        told += [say("lead.refunded_by", files=say("and").join(now.refunded_by))] if now.refunded_by else []
        if now.internal:
            told.append(say("lead.internal", outcome=say(f"outcome.{now.internal}")))
        return [*told, *([] if self.found.standing else [say("lead.gone")])]

    def _facts(self) -> list[tuple[str, str, str]]:
        """(name, value, class of the value) of all that it rests on and of what came of it."""
        say, body, now = self._say, self.found.body, self.now
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
            ("lead.lines", "  ".join(body["lines"]), "refs"),
            ("lead.supplies", "  ".join(body["supplies"]), "refs"),
            ("lead.dark", "\n".join(" – ".join(each) for each in map(_span, body["dark"])), "refs"),
            ("lead.parameters", _pairs(body.get("parameters", {})), "ref"),
            ("lead.cause", now.cause, ""),
            ("lead.rectification", now.rectification, ""),
        ]
        return [(say(name), value, style) for name, value, style in facts if value]

    def _act(self, act: Act) -> dict[str, Any]:
        say, said = self._say, act.body
        is_internal = act.kind == "review" and act.side != DISTRICT
        received = (
            None if act.received_ms is None else iso(act.received_ms, self._zone)[:16].replace("T", " ")
        )
        amounts = {name: said.get(f"{name}_fen") for name in ("withheld", "deducted")}
        notes = [say(f"lead.{name}", amount=_yuan(fen)) for name, fen in amounts.items() if fen is not None]
        notes += [
            f"{say(f'lead.{name}')}: {said[name]}" for name in ("cause", "rectification") if said.get(name)
        ]
        notes += [say("lead.due", day=said["due"])] if said.get("due") else []
        return {
            "name": say("act.internal" if is_internal else f"act.{act.kind}"),
            "outcome": say(f"outcome.{said['outcome']}") if act.kind == "review" else "",
            "who": f"{say(f'side.{act.side}')} {act.by}",
            "at": iso(act.at_ms, self._zone)[:16].replace("T", " "),
            "received": say("lead.received", at=received) if received else "",
            "text": said.get("text") or said.get("why"),
            "notes": notes,
            "files": said.get("attachments", []),
            "sha256": act.sha256,
        }


def _span(dark: list[str]) -> list[str]:
    name, start, end = dark
    return [f"{name} {start[:19].replace('T', ' ')}", end[11:19] if end[:10] == start[:10] else end[:19]]


def _pairs(parameters: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} = {value}" for name, value in parameters.items())


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _table(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The names and rows of a witness, whatever its rule tells."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return names, [[_shown(row.get(name)) for name in names] for row in rows]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    text = "" if value is None else str(value)
    return text[:19].replace("T", " ") if len(text) == 25 and text[10] == "T" else text
