"""The order of the stages, here and nowhere else: take_in, settle, send_on.

take_in   what was received is verified, stored, and only then acknowledged
settle    bills and device time of some days are gathered, reconciled, and what was found is kept
send_on   what a clinic stored goes to its district, which admits it: the same take_in on the same bytes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway.audit import catalogue, document, leads
from gateway.audit.gather import gather
from gateway.audit.hours import Hours
from gateway.audit.reconcile import reconcile
from gateway.config import Config
from gateway.district.admit import Brought
from gateway.district.log import Log
from gateway.forward import outbox
from gateway.forward.send import District
from gateway.intake import store, verify
from gateway.intake.outcome import Came, Outcome
from gateway.intake.verify import Arrival, Enrolled
from gateway.ledger import outbox as forwards
from gateway.ledger import records, units, verdicts
from gateway.ledger.bills import Teller
from gateway.ledger.database import transaction
from gateway.ledger.outbox import Forwarded


def take_in(
    db: Database,
    arrivals: Iterable[Arrival],
    source: str,
    now_ms: int,
    *,
    sent_by_unit: bool = False,
    logged: bool = False,
    acknowledge: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Verifies and stores lines as they came, and acknowledges what is durable then.

    The same for a clinic and for a district; `Came` says what the arguments mean. Raises SurroundingsError where
    the disk is full: nothing was stored and nothing acknowledged.
    """
    verified = verify.verify_all(arrivals, _registry(db))
    outcome = store.store(db, verified, Came(source, now_ms, sent_by_unit, logged))
    if acknowledge is not None:
        acknowledge(outcome)
    return outcome


def take_in_again(db: Database, unit: str, logged: bool = False) -> Outcome:
    """Judges anew what waited in quarantine for `unit` to be enrolled. What came keeps its time of receipt."""
    total = Outcome()
    with transaction(db):
        records.drop_findings(db, "unknown_unit", unit)
        registry = _registry(db)
        for sha256, received_ms, source, clinic, body in records.quarantined(db, unit, "unknown_unit"):
            records.release(db, sha256)
            verified = verify.verify(Arrival(body, clinic or None), registry)
            total.add(store.keep(db, [verified], Came(source, received_ms, logged=logged)))
    return total


def settle(db: Database, config: Config, first: date, last: date, source: str, now_ms: int) -> dict[str, Any]:
    """Reconciles the days [`first`, `last`] of the configured clinic with the bills of one source, keeps what was found, and returns it as
    `reconcile --json` prints it."""
    hours = Hours(config)
    found = reconcile(
        gather(db, hours, catalogue.read().items, first, last, source, now_ms), leads.default_rules()
    )
    said = document.document(found, hours)
    judged = [
        document.row(verdict, line, body, hours)
        for (verdict, line), body in zip(found.verdicts, said["treatments"], strict=True)
    ]
    watched = [document.coverage_row(each) for each in found.coverage]
    asked = [document.lead_row(lead, body) for lead, body in zip(found.leads, said["leads"], strict=True)]
    verdicts.save(db, Teller(config.clinic, source), (first, last), now_ms, judged, watched, asked)
    return said


def send_on(db: Database, destination: str, district: District, now_ms: int) -> bool:
    """Sends the district what it does not hold yet, one request's worth; whether there is more.

    Without anything to send it hears the district's checkpoint and approvals. SurroundingsError where the district
    does not answer: it gets the same again, and takes it once.
    """
    after, batch = outbox.next_batch(db, destination)
    answer = district.post(after, batch)
    last = batch[-1][0] if batch else after
    return outbox.settle(db, destination, after, last, answer, now_ms)


def admit(db: Database, brought: Brought, log: Log, now_ms: int) -> dict[str, Any]:
    """What a clinic brought is taken in; returns what its gateway is answered, all of it durable.

    If we hold less than the clinic believes, because our ledger was restored from a backup, nothing is taken in and
    the answer says from where on we need it again.
    """
    origin = f"from:{brought.clinic}"
    held = forwards.forwarded(db, origin).position
    outcome = Outcome()
    if brought.after <= held:
        arrivals = [Arrival(line, brought.clinic) for line in brought.lines]
        outcome = take_in(db, arrivals, f"forward:{brought.clinic}", now_ms, logged=True)
        held = brought.last if brought.lines else held
    refused = forwards.quarantined_of(db, brought.clinic)
    with transaction(db):
        forwards.keep(db, origin, Forwarded(held, now_ms, None, refused))
    return {
        "held": held,
        "checkpoint": log.checkpoint(db),
        "approved": _approved(db, brought.clinic),
        "refused": refused,
        "stored": outcome.stored,
        "repeated": outcome.repeated,
        "quarantined": outcome.quarantined,
    }


def _approved(db: Database, clinic: str) -> dict[str, str]:
    """The keys of a clinic's units that the district's own person saw."""
    return {
        unit.unit: outbox.key_sha256(unit.key_hex)
        for unit in units.units(db).values()
        if unit.clinic == clinic and unit.approved_ms is not None
    }


def _registry(db: Database) -> dict[str, Enrolled]:
    return {name: Enrolled(unit.clinic, unit.key_hex) for name, unit in units.units(db).items()}
