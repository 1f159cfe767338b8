"""Forwarding, both ends in one process over a link that is cut by hand: everything arrives, once, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway import pipeline
from gateway.district.admit import Brought
from gateway.district.log import Log, Tree
from gateway.district.overview import overview
from gateway.errors import SurroundingsError
from gateway.forward import outbox as stage
from gateway.forward.send import Answer
from gateway.ledger import outbox, records, units
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, enrol, in_memory, take_in

URL = "http://district"
WRITER = Writer("U1")
WRITER.day(sessions=2)
OTHER = Writer("U2")
OTHER.day(sessions=2)
ALL = WRITER.lines + OTHER.lines
EVENING_MS = START_MS + 12 * 3600 * 1000


@dataclass
class Wire:
    """The district at the other end of a wire: `cuts` says for each request whether it or its answer is lost."""

    db: Database
    clinic: str = CLINIC
    cuts: list[str] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    now_ms: int = EVENING_MS
    requests: int = 0

    def post(
        self, after: int, batch: Sequence[tuple[int, str]], trail: tuple[int, str] = (0, "0" * 64)
    ) -> Answer:
        self.requests += 1
        cut = self.cuts.pop(0) if self.cuts else ""
        if cut == "request":
            raise SurroundingsError("断", "cut")
        last = batch[-1][0] if batch else after
        brought = Brought(self.clinic, after, last, [line.encode() for _, line in batch], trail)
        said = pipeline.admit(self.db, brought, self.log, self.now_ms)
        if cut == "answer":
            raise SurroundingsError("断", "cut")
        return Answer(said["held"], said["checkpoint"], said["approved"], said["refused"])


def district(*writers: Writer) -> Wire:
    db = in_memory()
    for writer in writers:
        enrol(db, writer, vouched=True)
    return Wire(db)


def send_all(db: Database, wire: Wire) -> None:
    """As the forwarding thread does: again and again until there is no more."""
    for _ in range(100):
        try:
            if not pipeline.send_on(db, URL, wire, START_MS):  # type: ignore[arg-type]
                return
        except SurroundingsError:
            continue
    raise AssertionError("never done")


def lines(db: Database) -> dict[str, list[str]]:
    return {unit: list(records.lines(db, unit)) for unit in units.units(db)}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "_RECORDS", 3)


@settings(max_examples=50)
@given(st.permutations(range(len(ALL))), st.lists(st.sampled_from(["", "request", "answer"]), max_size=12))
def test_whatever_is_lost_on_the_way_the_district_ends_with_the_same_records(order, cuts):
    db, wire = in_memory(WRITER, OTHER), district(WRITER, OTHER)
    wire.cuts = list(cuts)
    for at in order:
        take_in(db, [ALL[at]])
    send_all(db, wire)
    assert lines(wire.db) == lines(db)
    assert records.findings(wire.db) == []
    assert outbox.forwarded(db, URL).position == outbox.last_position(db)


def test_the_log_has_one_leaf_per_record_whatever_came_twice():
    db, wire = in_memory(WRITER), district(WRITER)
    wire.cuts = ["answer"] * 3
    take_in(db, WRITER.lines)
    send_all(db, wire)
    digests = [row["digest"] for row in wire.db.query("SELECT digest FROM records ORDER BY position")]
    assert [row["digest"] for row in wire.db.query("SELECT digest FROM leaves ORDER BY leaf")] == digests
    assert outbox.checkpoint(db) == Tree(digests).checkpoint()


def test_without_anything_to_send_the_checkpoint_and_approvals_are_heard():
    db, wire = in_memory(WRITER, OTHER), district(WRITER)
    assert [unit.grade for unit in units.units(db).values()] == ["B", "B"]
    assert pipeline.send_on(db, URL, wire, START_MS) is False  # type: ignore[arg-type]
    assert outbox.checkpoint(db) == "0:e3b0c44298fc1c14"
    assert {name: unit.grade for name, unit in units.units(db).items()} == {"U1": "A", "U2": "B"}


def test_the_district_approves_a_key_and_not_a_name():
    db, wire = in_memory(Writer("U1", key="the clinic's own")), district(WRITER)
    send_all(db, wire)
    assert units.units(db)["U1"].grade == "B"


def test_a_district_restored_from_a_backup_gets_again_what_it_lost():
    db, wire = in_memory(WRITER), district(WRITER)
    take_in(db, WRITER.lines[:4])
    send_all(db, wire)
    old = b"".join(f"{line}\n".encode() for line in wire.db.conn.iterdump())
    take_in(db, WRITER.lines[4:])
    send_all(db, wire)
    restored = Database(memory=True)
    restored.conn.executescript(old.decode())
    wire.db, wire.log = restored, Log()
    send_all(db, wire)
    assert lines(wire.db) == lines(db)


def test_a_clinic_restored_from_a_backup_sends_its_new_records_under_old_positions():
    db, wire = in_memory(WRITER, OTHER), district(WRITER, OTHER)
    take_in(db, WRITER.lines)
    send_all(db, wire)
    younger = in_memory(WRITER, OTHER)
    take_in(younger, OTHER.lines[:5])
    send_all(younger, wire)
    assert lines(wire.db) == {"U1": lines(db)["U1"], "U2": lines(younger)["U2"]}


def test_what_the_district_does_not_know_waits_there_and_is_said():
    db, wire = in_memory(WRITER, OTHER), district(WRITER)
    take_in(db, ALL)
    send_all(db, wire)
    pipeline.send_on(db, URL, wire, START_MS)  # type: ignore[arg-type]
    assert outbox.forwarded(db, URL).refused == len(OTHER.lines)
    assert lines(wire.db) == {"U1": lines(db)["U1"]}
    enrol(wire.db, OTHER, vouched=True)
    outcome = pipeline.take_in_again(wire.db, "U2", logged=True)
    assert (outcome.stored, outcome.findings) == (len(OTHER.lines), [])
    assert lines(wire.db) == lines(db)
    assert records.findings(wire.db) == []
    pipeline.send_on(db, URL, wire, START_MS)  # type: ignore[arg-type]
    assert outbox.forwarded(db, URL).refused == 0


def test_a_gateway_cannot_bring_another_clinics_records_or_forged_ones():
    wire = district(WRITER)
    wire.clinic = "C666"
    forged = Writer("U1", key="the gateway's own").boot().decode()
    wire.post(0, [(1, WRITER.lines[0].decode()), (2, forged)])
    assert lines(wire.db) == {"U1": []}
    reasons = {row["reason"] for row in records.quarantine_counts(wire.db)}
    assert reasons == {"wrong_clinic", "bad_seal"}


def test_a_fork_is_forwarded_and_seen_by_the_district():
    one = Writer("U1")
    one.boot()
    other = one.fork()
    one.alive(), other.alive()
    db, wire = in_memory(one), district(one)
    take_in(db, one.lines + other.lines[1:])
    send_all(db, wire)
    assert [each["code"] for each in records.findings(wire.db)] == ["fork"]
    assert lines(wire.db) == lines(db)


def test_a_record_from_the_future_is_a_finding_at_the_district():
    early = Writer("U1", start_ms=START_MS + 121_000)
    early.boot()
    db, wire = in_memory(early), district(early)
    wire.now_ms = START_MS
    take_in(db, early.lines)
    send_all(db, wire)
    assert [(each["code"], each["us"]) for each in records.findings(wire.db)] == [("clock", 1)]
    assert records.findings(db) == []


def test_the_overview_names_what_is_missing_and_who_was_never_heard():
    db, wire = in_memory(WRITER), district(WRITER, OTHER)
    take_in(db, WRITER.lines[:2] + WRITER.lines[5:6])
    send_all(db, wire)
    clinic = overview(wire.db, ZoneInfo("Asia/Shanghai"))["clinics"][0]
    seen = {each["unit"]: each for each in clinic["units"]}
    assert (seen["U1"]["missing"], seen["U1"]["records"]) == ([[3, 5]], 3)
    assert (seen["U2"]["never_heard"], seen["U1"]["never_heard"]) == (True, False)
    assert (clinic["held"], clinic["quarantined"]) == (3, 0)
