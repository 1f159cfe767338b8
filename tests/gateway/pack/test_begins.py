"""The records with which a pack begins are enough: what they say of its time is what the whole chain says of it."""

from __future__ import annotations

from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.audit import gather
from gateway.audit.spans import Span, intersect
from gateway.check.watched import watched
from gateway.ledger import packing, records
from gateway.ledger.records import CHAINED
from gateway.ledger.schema import migrations
from protocol.record import Record
from tests.audit.test_coverage import HISTORIES, played
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, enrol

HOUR_MS = 3_600_000


def ledger_of(chain: list[Record]) -> Database:
    """A ledger that holds this chain, as if its seals had been good."""
    db = Database(memory=True)
    migrations.apply(db)
    enrol(db, Writer(chain[0].unit))
    rows = [
        records.row(at, CLINIC, each, f"OCMF|{each.payload}|{{}}", each.at_ms, "test", CHAINED, False)
        for at, each in enumerate(chain, start=1)
    ]
    records.insert_all(db, rows)
    return db


@given(HISTORIES, st.integers(-1, 10), st.integers(0, 10), st.sampled_from([0, 3_000]))
@settings(max_examples=300, deadline=None)
def test_what_a_pack_holds_of_a_chain_says_of_its_time_what_the_ledger_says(history, first_hour, hours, back):
    chain = played(history)[1]
    span = (START_MS + first_hour * HOUR_MS, START_MS + (first_hour + hours) * HOUR_MS)
    near, margin = (
        mock.patch.object(packing, "_MOST_BACK", back),
        mock.patch.object(gather, "MARGIN_MS", HOUR_MS),
    )
    with ledger_of(chain) as db, near, margin:
        begins = packing.begins(db, chain[0].unit, span[0] - HOUR_MS)
        held = {each.us: each for each in chain if begins is not None and each.us >= begins}
        in_ledger = gather._attested(db, chain[0].unit, span).watched
    assert of_time(watched(held, None), span) == of_time(in_ledger, span)


def of_time(spans: list[Span], span: Span) -> list[Span]:
    return intersect(spans, [span])


def test_a_chain_without_records_begins_nowhere_and_one_that_began_later_with_its_first():
    chain = played(("right", [("watch", 250.0, 1260), ("watch", 2.0, 2400)]))[1]
    with ledger_of(chain) as db:
        assert packing.begins(db, "U9", START_MS) is None
        assert packing.begins(db, chain[0].unit, START_MS - HOUR_MS) == 1
