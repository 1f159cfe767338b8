"""Checks a ledger from its stored bytes, sharing nothing with the programs that wrote it but `protocol`.

Seals, chains and bill files here; what reconciliations said in certificates.py. What it takes as given of a whole ledger:
the watched time that the ledger says. Of a pack that is recomputed too (dark.py).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import pairwise

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.check.catalogue import changes, examine_catalogue
from gateway.check.certificates import examine
from gateway.check.dark import Hours, Unwatched, examine_coverage, unwatched
from gateway.check.faults import Fault
from gateway.check.posts import examine_posts
from gateway.check.reread import Chains, Holdings, as_of, read
from gateway.check.said import newest_runs, read_run
from gateway.check.said_by_people import examine_people
from gateway.check.trail import examine_traces, examine_trail
from protocol import seal
from protocol.chain import ORIGIN
from protocol.errors import RecordError
from protocol.record import Record, parse

CHINA = timezone(timedelta(hours=8))

Verifier = Callable[[bytes, int, int], bool]


@dataclass(slots=True)
class Report:
    """How much was examined, and every fault found. Without faults the ledger says what its bytes say; by a catalogue that
    differs from the shipped one where `catalogue_changes` were approved."""

    records: int = 0
    bill_files: int = 0
    verdicts: int = 0
    leads: int = 0
    catalogue_changes: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """That the tables are those of a pack: what a period rests on, from `first_ms` to `last_ms`, of a clinic with those
    `hours`. Attachments and the runs that closings froze are not among them."""

    hours: Hours
    first_ms: int
    last_ms: int

    def unwatched(self, db: sqlite3.Connection, chains: Chains) -> Unwatched:
        """The dark time of all its days."""
        days = (
            datetime.fromtimestamp(each // 1000, self.hours.zone).date()
            for each in (self.first_ms, self.last_ms)
        )
        return unwatched(db, chains, self.hours, *days)


def recheck(
    db: sqlite3.Connection, keys: Mapping[str, str], zone: tzinfo = CHINA, part: Part | None = None
) -> Report:
    """Everything in the ledger, against the public keys (unit -> DER SPKI, hex) that are handed in. `zone` is the
    clinic's; `part` where the tables hold a pack."""
    db.row_factory = sqlite3.Row
    report = Report()
    chains = _seals(db, keys, report)
    report.faults += _chains(db, chains)
    report.faults += _forks(db)
    _bill_files(db, report)
    report.faults += examine_trail(db)
    report.faults += examine_traces(db, has_runs=part is None)
    report.faults += examine_people(db, has_files=part is None)
    report.faults += examine_catalogue(db)
    report.catalogue_changes = changes(db)
    held = read(db, chains, zone)
    report.faults += examine_posts(db, chains, held, part.first_ms if part else 0)
    dark = part.unwatched(db, chains) if part else None
    for run in newest_runs(db):
        _run(db, run, held, dark, report)
    return report


def _run(db: sqlite3.Connection, run: int, held: Holdings, dark: Unwatched | None, report: Report) -> None:
    try:
        said = read_run(db, run)
        then = as_of(db, held, said.made_ms).of_clinic(said.clinic)
        if dark is not None:
            said = replace(said, beyond=dark.beyond(said))
        found = list(examine(said, then))
        found += examine_coverage(said, dark, then) if dark is not None else []
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        report.faults.append(Fault("unreadable", f"run {run}"))
        return
    report.verdicts += len(said.verdicts)
    report.leads += len(said.leads)
    report.faults += found


# --- records ------------------------------------------------------------------------------------------------------


def _seals(db: sqlite3.Connection, keys: Mapping[str, str], report: Report) -> Chains:
    """Every chained record whose seal is good; of the others, a fault."""
    chains: dict[str, dict[int, Record]] = {}
    verifiers = {unit: _verifier(key) for unit, key in keys.items()}
    for row in db.execute("SELECT * FROM records ORDER BY unit, us"):
        report.records += 1
        where = f"{row['unit']}:{row['us']}"
        try:
            record = _record(row["line"], verifiers.get(row["unit"]))
        except RecordError as error:
            report.faults.append(Fault(error.code, where))
            continue
        if _is_misfiled(row, record):
            report.faults.append(Fault("misfiled", where))
        elif row["chained"] == 1:
            chains.setdefault(record.unit, {})[record.us] = record
    return chains


def _verifier(key_hex: str) -> Verifier | None:
    """None where the text is no key of ours."""
    try:
        key = load_der_public_key(bytes.fromhex(key_hex))
    except ValueError:
        return None
    return None if not isinstance(key, ec.EllipticCurvePublicKey) else lambda *seal: _is_good(key, *seal)


def _is_good(key: ec.EllipticCurvePublicKey, message: bytes, r: int, s: int) -> bool:
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _record(line: str, verify: Verifier | None) -> Record:
    """The record in a line, which must be written as its unit writes; RecordError names what is wrong."""
    if verify is None:
        raise RecordError("no_key", "there is no public key for this unit")
    payload = seal.check(line, verify)
    if line != seal.join(payload, *seal.signature_of(seal.split(line)[1])):
        raise RecordError("rewritten", "the signature section is not written as units write it")
    return parse(payload)


def _is_misfiled(row: sqlite3.Row, record: Record) -> bool:
    """Whether a column says what the line does not. Of records kept before there was a column for it, the flag is empty."""
    filed = ("unit", "us", "digest", "up", "kind", "boot", "um_ms", "at_ms")
    names = [name for name in filed if name in row.keys()]  # noqa: SIM118
    flag = row["flag"] if "flag" in row.keys() else ""  # noqa: SIM118 (a row is no mapping)
    return flag not in ("", record.flag) or any(row[name] != getattr(record, name) for name in names)


def _chains(db: sqlite3.Connection, chains: Chains) -> Iterator[Fault]:
    """Every chain hangs together from its first record to its head, but for gaps that a person passed."""
    passed = {(row["unit"], row["to_us"]) for row in db.execute("SELECT unit, to_us FROM skips")}
    heads = {row["unit"]: row for row in db.execute("SELECT unit, us, digest, first_us, first_up FROM heads")}
    for unit in sorted(chains.keys() | heads.keys()):
        chain = chains.get(unit, {})
        yield from _links(unit, chain, passed)
        head = heads.get(unit)
        if head is None or not chain or _ends(chain, head["first_us"]) != tuple(head)[1:]:
            yield Fault("head", unit)


def _forks(db: sqlite3.Connection) -> Iterator[Fault]:
    """From a fork on nothing counts and all is dark: so one that is told needs the other history's record, which the unit sealed,
    and such a record needs a fork that is told."""
    rows = db.execute(
        """SELECT h.unit FROM heads h WHERE (forked_us IS NULL OR forked_us > (
             SELECT min(us) FROM records r WHERE r.unit = h.unit AND chained = 2))
             AND EXISTS (SELECT 1 FROM records r WHERE r.unit = h.unit AND chained = 2)
             OR forked_us IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM records r WHERE r.unit = h.unit AND chained <> 1 AND us BETWEEN forked_us AND forked_us + 1)"""
    )
    for (unit,) in rows.fetchall():
        yield Fault("fork", unit)


def _links(unit: str, chain: Mapping[int, Record], passed: set[tuple[str, int]]) -> Iterator[Fault]:
    numbers = sorted(chain)
    if chain and numbers[0] == 1 and chain[1].up != ORIGIN:
        yield Fault("chain", f"{unit}:1")
    for before, us in pairwise(numbers):
        if us > before + 1 and (unit, us) not in passed:
            yield Fault("missing", f"{unit}:{before + 1}")
        elif us == before + 1 and chain[us].up != chain[before].digest:
            yield Fault("chain", f"{unit}:{us}")


def _ends(chain: Mapping[int, Record], first_us: int) -> tuple[object, ...]:
    """What the table of heads should say, if the run that holds the head begins at `first_us`."""
    last, first = chain[max(chain)], chain.get(first_us)
    return (last.us, last.digest, first_us, first.up if first else None)


# --- bill files ---------------------------------------------------------------------------------------------------


def _bill_files(db: sqlite3.Connection, report: Report) -> None:
    for row in db.execute("SELECT name, sha256, body FROM bill_files WHERE body IS NOT NULL"):
        report.bill_files += 1
        if hashlib.sha256(row["body"]).hexdigest() != row["sha256"]:
            report.faults.append(Fault("bill_file", row["name"]))
