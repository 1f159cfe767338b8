"""The clock flags that the ledger files beside each record: what a reconciliation reads by them is what the lines say, however
the records came; and records kept before there was a column for them say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.audit.coverage import Attested, attest
from gateway.audit.gather import _attested
from gateway.audit.overlaps import without_overlaps
from gateway.errors import UsageError
from gateway.intake.store import pass_gap
from gateway.ledger import records
from gateway.ledger.schema import migrations
from protocol.record import parse
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import enrol, in_memory, take_in

DAY_MS = 86_400_000
WHOLE = (START_MS, START_MS + 3 * DAY_MS)
STEPS = st.lists(
    st.sampled_from(["boot", "alive", "alive", "alive", "late", "open", "session", "gap"]), max_size=12
)


def written(writer: Writer, steps: list[str]) -> Writer:
    for step in steps:
        writer.alive(12) if step == "late" else getattr(writer, step)()
    return writer


def by_lines(db: Database, unit: str) -> Attested:
    """What the whole chain attests, each record read from its line."""
    chain = [parse(line.split("|")[1]) for line in records.lines(db, unit)]
    return without_overlaps(attest(chain, records.chain(db, unit).forked_us))


@given(STEPS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_chain_attests_by_its_columns_what_its_lines_say_however_it_came(steps: list[str], data: Any):
    """Records in any order, some of them never, a fork, and gaps that a person passed."""
    writer = Writer("U1")
    writer.boot()
    twin = written(written(writer, steps), ["alive"]).fork()
    lines = written(writer, ["alive", "open", "session"]).lines
    coming = data.draw(st.permutations(lines)) if data.draw(st.booleans()) else list(lines)
    coming = coming[data.draw(st.integers(0, 3)) :]
    if data.draw(st.booleans()):
        coming += written(twin, ["session", "alive"]).lines
    db = in_memory(writer)
    while coming:
        some = data.draw(st.integers(1, len(coming)))
        take_in(db, coming[:some], WHOLE[1])
        coming = coming[some:]
    waiting = records.first_aside(db, "U1")
    if waiting is not None and data.draw(st.booleans()):
        try:
            pass_gap(db, "U1", waiting, "D01", "lost", WHOLE[1])
        except UsageError:
            assert records.chain(db, "U1").head is not None
    assert _attested(db, "U1", WHOLE) == by_lines(db, "U1")
    db.execute("UPDATE records SET flag = ''")
    assert _attested(db, "U1", WHOLE) == by_lines(db, "U1")


def test_a_ledger_of_before_takes_the_column_and_files_flags_from_then_on():
    writer = written(Writer("U1"), ["boot", "alive", "alive"])
    db = Database(memory=True)
    migrations.apply(db, stop_before="0019_flags")
    enrol(db, writer)
    columns = "clinic, unit, us, digest, up, kind, boot, um_ms, at_ms, line, received_ms, source, chained"
    for read, line in ((parse(each.decode().split("|")[1]), each.decode()) for each in writer.lines):
        place = ("C001", "U1", read.us, read.digest, read.up, read.kind, read.boot, read.um_ms, read.at_ms)
        db.execute(
            f"INSERT INTO records ({columns}) VALUES ({', '.join('?' * 13)})", [*place, line, 0, "x", 1]
        )
        ends = (read.us, read.digest, 1, "0" * 64)
        db.execute(
            "INSERT OR REPLACE INTO heads (unit, us, digest, first_us, first_up) VALUES ('U1', ?, ?, ?, ?)",
            ends,
        )
    migrations.apply(db)
    take_in(db, written(writer, ["alive", "open"]).lines)
    flags = [row[0] for row in db.execute("SELECT flag FROM records ORDER BY us").fetchall()]
    assert flags == ["", "", "", "S", "S"]
    assert _attested(db, "U1", WHOLE) == by_lines(db, "U1")


@pytest.mark.parametrize("flag", ["I", "U"])
def test_what_a_clock_that_was_never_set_says_is_filed_as_it_said_it(flag: str):
    line = written(Writer("U1"), ["boot"]).lines[0]
    assert b"+0800 S" in line
    said = parse(line.decode().split("|")[1].replace("+0800 S", f"+0800 {flag}"))
    assert records.row(1, "C001", said, line.decode(), 0, "x", 1, False)[-1] == flag
