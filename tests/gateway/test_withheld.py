"""What an inspector read out of a unit by cable, and the ledger lacked: a finding, once, that no second reading washes away."""

from __future__ import annotations

from sqlite_utils import Database

from gateway import pipeline
from gateway.intake.outcome import Outcome
from gateway.intake.verify import Arrival
from gateway.ledger import records
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_memory, take_in


def unit() -> Writer:
    writer = Writer("U1")
    writer.day(sessions=2)
    assert len(writer.lines) >= 8
    return writer


def by_cable(db: Database, lines: list[bytes]) -> Outcome:
    return pipeline.take_in(db, [Arrival(line) for line in lines], "cable:U1", START_MS, by_cable=True)


def withheld(db: Database) -> list[tuple[str, int]]:
    return [(each["unit"], each["us"]) for each in records.findings(db) if each["code"] == "withheld"]


def test_a_tail_that_the_ledger_lacks_is_found_once_and_is_taken_in():
    writer = unit()
    db = in_memory(writer)
    take_in(db, writer.lines[:5])
    outcome = by_cable(db, writer.lines)
    (found,) = outcome.findings
    assert (found.code, found.us) == ("withheld", 6)
    assert f"6 to {len(writer.lines)}" in found.en and f"6 至 {len(writer.lines)}" in found.zh
    assert records.heads(db)["U1"].us == len(writer.lines)
    assert by_cable(db, writer.lines).findings == [] and withheld(db) == [("U1", 6)]


def test_what_the_ledger_has_to_its_end_is_not_withheld():
    writer = unit()
    db = in_memory(writer)
    take_in(db, writer.lines)
    assert by_cable(db, writer.lines).findings == []
    assert by_cable(db, writer.lines[:3]).findings == []


def test_of_a_unit_that_never_arrived_everything_is_withheld():
    writer = unit()
    db = in_memory(writer)
    by_cable(db, writer.lines)
    assert withheld(db) == [("U1", 1)]


def test_a_hole_that_is_filled_by_cable_is_no_tail():
    """Records 3 and 4 were missing and known to be: what came after them was there."""
    writer = unit()
    db = in_memory(writer)
    take_in(db, writer.lines[:2] + writer.lines[4:])
    assert [each["code"] for each in records.findings(db)] == ["gap"]
    by_cable(db, writer.lines)
    assert records.findings(db) == []


def test_a_forged_tail_is_refused_and_accuses_nobody():
    writer = unit()
    db = in_memory(writer)
    take_in(db, writer.lines[:-1])
    by_cable(db, [writer.lines[-1].replace(b'"UM":', b'"UM":1')])
    assert withheld(db) == [] and {each["code"] for each in records.findings(db)} == {"bad_seal"}


def test_a_file_that_came_another_way_accuses_nobody():
    writer = unit()
    db = in_memory(writer)
    take_in(db, writer.lines[:5])
    take_in(db, writer.lines)
    assert records.findings(db) == []
