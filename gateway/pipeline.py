"""The order of the stages, here and nowhere else: take_in, settle, send_on.

take_in   what was received is verified, stored, and only then acknowledged; seals of a long run are looked at afterwards
settle    bills and device time of some days are gathered, reconciled, and what was found is kept
send_on   what a clinic stored goes to its district, which admits it: the same take_in on the same bytes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from gateway import inventory
from gateway.audit import closing, judged, month
from gateway.audit.closing import Closed
from gateway.audit.figures import Chosen, default_rules
from gateway.audit.hours import Hours
from gateway.audit.judged import Judged
from gateway.config import Config
from gateway.district.log import Log
from gateway.forward import outbox
from gateway.intake import store, verify
from gateway.intake.outcome import Came, Outcome
from gateway.intake.verify import Arrival, Enrolled
from gateway.ledger import outbox as forwards
from gateway.ledger import records, trail, units
from gateway.ledger.closings import Closing
from gateway.ledger.database import transaction
from gateway.ledger.outbox import Forwarded
from gateway.ledger.trail import Head
from gateway.nurse import posts

if TYPE_CHECKING:  # only shapes: commands that never touch the network start without its libraries
    from gateway.district.admit import Brought
    from gateway.forward.send import District


def take_in(
    db: Database,
    arrivals: Iterable[Arrival],
    source: str,
    now_ms: int,
    *,
    sent_by_unit: bool = False,
    logged: bool = False,
    by_heads: bool = False,
    by_cable: bool = False,
    acknowledge: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Verifies and stores lines as they came, and acknowledges what is durable then.

    The same for a clinic and for a district; `Came` says what the arguments mean. Raises SurroundingsError where
    the disk is full: nothing was stored and nothing acknowledged. `by_heads`: of records that follow each other one seal
    is looked at now, and the others by `look_at_seals`, which the caller then owes.
    """
    verified = verify.verify_all(arrivals, _registry(db), records.open_ends(db) if by_heads else None)
    outcome = store.store(db, verified, Came(source, now_ms, sent_by_unit, logged, by_cable))
    if acknowledge is not None:
        acknowledge(outcome)
    return outcome


def look_at_seals(db: Database, now_ms: int, most: int = 2_000) -> int:
    """Looks at seals that were owed a look, at most so many, the oldest first; how many it looked at. A record whose own
    seal is bad leaves its chain, with the findings it would have had when it came."""
    owed = records.vouched(db, most)
    with ThreadPoolExecutor() as pool:
        bad = verify.look_again(owed, _registry(db), pool.map)
    if owed:
        with transaction(db):
            records.seals_seen(db, (position for position, _, _ in owed))
            if bad:
                store.withdraw(db, bad, now_ms)
    return len(owed)


def take_in_again(db: Database, unit: str, logged: bool = False) -> Outcome:
    """Judges anew what waited in quarantine for `unit` to be enrolled. What came keeps its time of receipt."""
    with transaction(db):
        return let_in(db, unit, logged)


def let_in(db: Database, unit: str, logged: bool = False) -> Outcome:
    """As `take_in_again`, inside the caller's transaction."""
    total = Outcome()
    records.drop_findings(db, "unknown_unit", unit)
    registry = _registry(db)
    for sha256, received_ms, source, clinic, body in records.quarantined(db, unit, "unknown_unit"):
        records.release(db, sha256)
        verified = verify.verify(Arrival(body, clinic or None), registry)
        total.add(store.keep(db, [verified], Came(source, received_ms, logged=logged)))
    return total


def record_posts(db: Database, config: Config, now_ms: int, days: tuple[date, date] | None = None) -> int:
    """Records the treatments that readings at posts tell of, on these days, or on those that may still change by
    themselves; how many entries it made. Doing it again makes none."""
    hours = Hours(config)
    return posts.derive(db, hours, *(days or posts.days_now(hours, now_ms)), now_ms)


def prepare(db: Database, config: Config, now_ms: int, days: tuple[date, date]) -> None:
    """Brings up to date what is derived from records, before days are judged."""
    inventory.declare_unmeasured(db, config.clinic, now_ms)
    record_posts(db, config, now_ms, days)


def settle(
    db: Database,
    config: Config,
    first: date,
    last: date,
    source: str,
    now_ms: int,
    chosen: Chosen | None = None,
) -> Judged:
    """Reconciles the days [`first`, `last`] of the configured clinic with the bills of one source, and keeps what was
    found. `chosen` are the rules of leads, by default those shipped."""
    prepare(db, config, now_ms, (first, last))
    found = judged.judge(db, config, chosen or Chosen(default_rules()), first, last, source, now_ms)
    found.write()  # before the ledger is locked
    with transaction(db):
        judged.keep(db, found)
    return found


def close(
    db: Database, config: Config, day: date, source: str, by: str, now_ms: int, chosen: Chosen | None = None
) -> Closed:
    """Closes a day of the configured clinic: its inputs by hash and its verdicts, at once or not at all. A day that is
    closed already gets a new closing where its inputs have changed, else the old one stands."""
    closing.may_close(config, day, now_ms)
    prepare(db, config, now_ms, (day, day))
    with transaction(db):
        rules = chosen or Chosen(default_rules())
        return closing.close(db, judged.judge(db, config, rules, day, day, source, now_ms), by)


def close_month(
    db: Database,
    config: Config,
    days: Mapping[str, Closing],
    span: tuple[date, date],
    source: str,
    by: str,
    now_ms: int,
    chosen: Chosen | None = None,
) -> Closed:
    """Closes a month over the closings of its `days`, at once or not at all, unless it is closed over these already."""
    with transaction(db):
        stands = closing.month_closed(db, days, f"{span[0]:%Y-%m}")
        if stands is not None:
            return Closed(stands, False)
        found = judged.judge(db, config, chosen or Chosen(default_rules()), *span, source, now_ms)
        run = judged.keep(db, found)
        summed = month.figures(db, config, source, *span, now_ms).sums.by_kind
        figures = {kind: [each.document() for each in group] for kind, group in summed.items()}
        return Closed(closing.close_month(db, days, found, figures, run, by), True)


def compare(
    db: Database, config: Config, day: date, source: str, now_ms: int, chosen: Chosen | None = None
) -> tuple[Closing | None, dict[str, Any] | None]:
    """The closing of a day that stands, and what has changed since (None: nothing). Keeps nothing."""
    rules = chosen or Chosen(default_rules())
    return closing.change(db, judged.judge(db, config, rules, day, day, source, now_ms))


def send_on(db: Database, destination: str, district: District, now_ms: int) -> bool:
    """Sends the district what it does not hold yet, one request's worth; whether there is more.

    Without anything to send it hears the district's checkpoint and approvals. SurroundingsError where the district
    does not answer: it gets the same again, and takes it once.
    """
    after, batch = outbox.next_batch(db, destination)
    head = trail.head(db)
    answer = district.post(after, batch, (head.entry, head.hash))
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
        outcome = take_in(db, arrivals, f"forward:{brought.clinic}", now_ms, logged=True, by_heads=True)
        held = brought.last if brought.lines else held
    refused = forwards.quarantined_of(db, brought.clinic)
    with transaction(db):
        forwards.keep(db, origin, Forwarded(held, now_ms, None, refused))
        if brought.trail is not None:
            trail.keep_head(db, brought.clinic, Head(*brought.trail), now_ms)
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
