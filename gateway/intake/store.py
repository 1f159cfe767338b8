"""Third stage: what was verified joins its chain, what was refused goes into quarantine, in one transaction.

Here stands the promise of the whole gateway: **what `store` returned from is durable.** Only then may a unit be told
so, and only then may it forget. A kill before the return leaves nothing of the batch behind, a kill after it all of
it; the same lines again are repeats, and get the receipt of the first time.
This file knows the chain and the ledger. It does not know the network, nor what a record means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlite_utils import Database

from gateway.errors import UsageError
from gateway.intake.findings import Finding, finding, missing, withheld
from gateway.intake.outcome import Came, Outcome, Receipt
from gateway.intake.verify import Refused, Verified
from gateway.ledger import leaves, records, trail
from gateway.ledger.database import transaction
from gateway.ledger.records import ASIDE, BRANCH, CHAINED, Chain, Link, Quarantined
from protocol import chain as links
from protocol.chain import FORK, GAP, NEXT, Head
from protocol.record import SYNCHRONISED, Record

LATE_MS = 120_000  # a record's instant may be this much later than a district's receipt


def store(db: Database, arrivals: Iterable[Verified | Refused], came: Came) -> Outcome:
    """Keeps a batch, in order. When this returns, it is durable; if it raises, nothing of it is kept.

    Raises SurroundingsError where the disk is full or fails.
    """
    with transaction(db):
        return keep(db, arrivals, came)


def keep(db: Database, arrivals: Iterable[Verified | Refused], came: Came) -> Outcome:
    """`store` within the caller's transaction: durable when that has ended."""
    shelf = _Shelf(db, came)
    for arrival in arrivals:
        if isinstance(arrival, Refused):
            shelf.refuse(arrival)
        else:
            shelf.put(arrival)
    return shelf.close()


def pass_gap(db: Database, unit: str, to_us: int, by: str, why: str, at_ms: int) -> Outcome:
    """The chain goes on at record `to_us`, which waits aside. What is missing before it stays a finding, and dark."""
    with transaction(db):
        head = records.chain(db, unit).head
        head_us = head.us if head else 0
        waiting = [
            link for link in records.links(db, unit, to_us) if link.chained == ASIDE and to_us > head_us
        ]
        if not waiting:
            raise _nothing_there(unit, to_us, records.first_aside(db, unit, head_us))
        records.note_skip(db, unit, to_us, by, why, at_ms)
        trail.note(db, at_ms, by, "skip", f"unit:{unit}", {"to": to_us, "why": why})
        shelf = _Shelf(db, Came("", at_ms))
        shelf.restart(unit, waiting[0])
        return shelf.close()


def withdraw(db: Database, bad: Mapping[int, Refused], at_ms: int) -> Outcome:
    """Records, by position, whose own seals turned out bad leave their chains, as if they had been refused when they came: they are in
    quarantine, and what followed them waits for them to come again."""
    shelf = _Shelf(db, Came("", at_ms))
    for position in sorted(bad):
        shelf.withdraw(position, bad[position])
    return shelf.close()


def note_lowered(db: Database, unit: str, us: int, at_ms: int) -> None:
    """The ledger holds less of a unit than was acknowledged to it."""
    found = finding("ack_lowered", unit, us)
    with transaction(db):
        records.note_finding(db, found.name, found.code, unit, us, (found.zh, found.en), at_ms)


def _nothing_there(unit: str, to_us: int, first_aside: int | None) -> UsageError:
    if first_aside is None:
        return UsageError(
            f"单元 {unit} 没有缺口，无需跳过", f"unit {unit} has no gap: nothing is to be skipped"
        )
    return UsageError(
        f"单元 {unit} 的记录 {to_us} 没有在缺口之后等待：缺口之后最先到的是 --to {first_aside}",
        f"record {to_us} of unit {unit} does not wait behind a gap: the first that does is --to {first_aside}",
    )


class _Shelf:
    """One batch while it is put away: each chain it touches is read once and written once."""

    def __init__(self, db: Database, came: Came):
        self._db = db
        self._came = came
        self._chains: dict[str, Chain] = {}
        self._findings: dict[str, Finding] = {}
        self._rows: list[records.Row] = []
        self._leaves: list[str] = []
        self._next_position = records.next_position(db)
        self._had: dict[str, int] = {}  # of units read by cable: the last record that the ledger had
        self._outcome = Outcome()

    def put(self, arrival: Verified) -> None:
        """A verified record to its place: in the chain, aside, or on the branch of a fork."""
        record = arrival.record
        chain = self._chain(record.unit)
        if chain.head is not None and _follows(chain, record):
            chain.head = links.lengthen(chain.head, record)
            self._insert(arrival, CHAINED)
            return
        self._flush()
        if self._is_repeat(record):
            chain.begun = chain.begun or (self._came.sent_by_unit and _is_first(chain, record))
            return
        judgement = links.judge(chain.head, record, self._digest_at(record))
        self._insert(arrival, {NEXT: CHAINED, GAP: ASIDE, FORK: BRANCH}[judgement])
        self._flush()
        if judgement == NEXT:
            upwards = chain.head is None or record.us > chain.head.us
            chain.head = links.lengthen(chain.head, record)
            if chain.waiting or not upwards:
                self._join_aside(record.unit, chain)
        elif judgement == GAP:
            chain.waiting = True
            self._compare_aside(record, chain)
        else:
            self._branch(arrival.clinic, record.unit, chain, record, arrival.line)

    def refuse(self, refused: Refused) -> None:
        """Into quarantine, with its finding; of an unknown unit one finding will do."""
        sha256 = self._quarantine(
            refused.code, refused.why, refused.clinic, refused.unit, refused.us, refused.body
        )
        if refused.code == "unknown_unit":
            self._find(finding(refused.code, refused.unit))
        else:
            self._find(finding(refused.code, refused.unit, refused.us, sha256[:16]))

    def restart(self, unit: str, link: Link) -> None:
        """The chain's head is now a run that waited aside."""
        chain = self._chain(unit)
        chain.head, chain.begun = Head(link.us, link.digest, link.us, link.up), True
        records.set_chained(self._db, link.position, CHAINED)
        self._join_aside(unit, chain)

    def withdraw(self, position: int, refused: Refused) -> None:
        """One record into quarantine, and out of its chain unless one before it took it along."""
        unit, us, chained = records.place_of(self._db, position)
        records.take_out(self._db, position)
        self.refuse(refused)
        chain = self._chain(unit)  # of one that only waited too: where its gap ends has changed
        if chained == CHAINED:
            assert chain.head is not None
            before = next(each for each in records.links(self._db, unit, us - 1) if each.chained == CHAINED)
            chain.head = Head(us - 1, before.digest, chain.head.first_us, chain.head.first_up)
            records.set_aside_above(self._db, unit, us)
            chain.waiting = True

    def close(self) -> Outcome:
        """Writes records, chains and findings, and says what became of the batch."""
        self._flush()
        for unit, chain in self._chains.items():
            chain.begun = chain.begun or (chain.head is not None and chain.head.first_us == 1)
            records.keep_chain(self._db, unit, chain, self._came.received_ms)
            self._note_gaps(unit, chain)
            self._note_withheld(unit)
            if chain.head is not None and chain.begun:
                self._outcome.heads[unit] = chain.head
        for each in self._findings.values():
            said = (each.zh, each.en)
            records.note_finding(
                self._db, each.name, each.code, each.unit, each.us, said, self._came.received_ms
            )
        self._outcome.findings = list(self._findings.values())
        return self._outcome

    def _chain(self, unit: str) -> Chain:
        if unit not in self._chains:
            self._chains[unit] = records.chain(self._db, unit)
            if self._came.by_cable:
                self._had[unit] = records.last_us(self._db, unit)
        return self._chains[unit]

    def _find(self, found: Finding) -> None:
        self._findings[found.name] = found

    def _is_repeat(self, record: Record) -> bool:
        known = records.receipt(self._db, record.unit, record.digest)
        if known is None:
            return False
        position, received_ms, chained = known
        if chained == BRANCH:
            self._find(finding("fork", record.unit, record.us, record.digest[:16]))
        self._outcome.repeated += 1
        self._outcome.receipts.append(Receipt(record.unit, record.us, record.digest, position, received_ms))
        return True

    def _digest_at(self, record: Record) -> str | None:
        """The digest in the chain under the record's sequence number."""
        stored = records.links(self._db, record.unit, record.us)
        return next((link.digest for link in stored if link.chained == CHAINED), None)

    def _insert(self, arrival: Verified, chained: int) -> None:
        """Into the batch, which `_flush` writes before anything of it is looked for."""
        record, received_ms = arrival.record, self._came.received_ms
        how = (received_ms, self._came.source, chained, arrival.vouched)
        position = self._next_position + len(self._rows)
        self._rows.append(records.row(position, arrival.clinic, record, arrival.line, *how))
        self._outcome.stored += chained != BRANCH
        self._outcome.receipts.append(Receipt(record.unit, record.us, record.digest, position, received_ms))
        if self._came.logged:
            self._leaves.append(record.digest)
            if record.flag == SYNCHRONISED and record.at_ms > received_ms + LATE_MS:
                self._find(finding("clock", record.unit, record.us))

    def _flush(self) -> None:
        if self._rows:
            records.insert_all(self._db, self._rows)
            leaves.append_all(self._db, self._leaves, self._came.received_ms)
            self._next_position += len(self._rows)
            self._rows, self._leaves = [], []

    def _join_aside(self, unit: str, chain: Chain) -> None:
        """Joins what fits above and below the chain, until nothing does."""
        assert chain.head is not None
        while self._join(unit, chain, chain.head.us + 1):
            pass
        while chain.head.first_us > 1 and self._join(unit, chain, chain.head.first_us - 1):
            pass
        chain.waiting = records.first_aside(self._db, unit) is not None

    def _join(self, unit: str, chain: Chain, us: int) -> bool:
        """Whether one of the records stored under `us` has joined; the others contradict the chain."""
        joined: str | None = None
        for link in records.links(self._db, unit, us):
            if link.chained == BRANCH:
                continue
            if links.judge(chain.head, link, joined) == NEXT:
                chain.head = links.lengthen(chain.head, link)
                joined = link.digest
                records.set_chained(self._db, link.position, CHAINED)
            else:
                self._contradict(unit, chain, link)
        return joined is not None

    def _contradict(self, unit: str, chain: Chain, link: Link) -> None:
        """What waited aside, or stands below a gap that was passed, turns out to be of another history."""
        if link.chained == CHAINED:
            self._fork(unit, chain, link)
            return
        records.set_chained(self._db, link.position, BRANCH)
        clinic, line = records.line_at(self._db, link.position)
        self._branch(clinic, unit, chain, link, line)

    def _branch(self, clinic: str, unit: str, chain: Chain, link: Link | Record, line: str) -> None:
        """The second side of a fork: kept, visible in quarantine, and the unit supports nothing from there on."""
        self._fork(unit, chain, link)
        self._quarantine(
            "fork", "sealed by the unit, but of another history", clinic, unit, link.us, line.encode()
        )

    def _compare_aside(self, record: Record, chain: Chain) -> None:
        if any(link.digest != record.digest for link in records.links(self._db, record.unit, record.us)):
            self._fork(record.unit, chain, record)

    def _fork(self, unit: str, chain: Chain, link: Link | Record) -> None:
        assert chain.head is not None
        since_us = chain.head.us if link.us == chain.head.us + 1 else link.us
        chain.forked_us = since_us if chain.forked_us is None else min(chain.forked_us, since_us)
        self._find(finding("fork", unit, link.us, link.digest[:16]))

    def _quarantine(
        self, code: str, why: str, clinic: str | None, unit: str | None, us: int | None, body: bytes
    ) -> str:
        self._outcome.quarantined += 1
        refused = Quarantined(body, code, why, clinic or "", unit, us)
        return records.quarantine(self._db, refused, self._came.source, self._came.received_ms)

    def _note_withheld(self, unit: str) -> None:
        """Of a unit that was read by cable: what the ledger had not got of its end."""
        had_us = self._had.get(unit)
        last_us = 0 if had_us is None else records.last_us(self._db, unit)
        if had_us is not None and last_us > had_us:
            self._find(withheld(unit, had_us + 1, last_us))

    def _note_gaps(self, unit: str, chain: Chain) -> None:
        """The finding `gap` lasts as long as its records are missing."""
        if not chain.waiting and not records.has_finding(self._db, "gap", unit):
            return
        found = [missing(unit, first, last) for first, last in records.missing(self._db, unit)]
        records.drop_findings(self._db, "gap", unit, [each.name for each in found])
        for each in found:
            self._find(each)


def _follows(chain: Chain, record: Record) -> bool:
    """Whether the record is simply the next, so that it needs not be looked for."""
    head = chain.head
    return not chain.waiting and head is not None and record.us == head.us + 1 and record.up == head.digest


def _is_first(chain: Chain, record: Record) -> bool:
    """Whether the record is the oldest of the chain."""
    return chain.head is not None and chain.head.first_us == record.us
