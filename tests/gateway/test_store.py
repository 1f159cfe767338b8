"""Store: what came is kept once, in its place, whatever the order; nothing that came is dropped."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.errors import SurroundingsError, UsageError
from gateway.intake import store
from gateway.ledger import records
from protocol import seal
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, in_memory, take_in

WRITER = Writer("U1")
WRITER.day(sessions=3)
CHAIN = WRITER.lines
OTHER = Writer("U2")
OTHER.day(sessions=1)


def stored(db: Database, unit: str = "U1") -> list[bytes]:
    """The unit's chain as the ledger has it."""
    return [line.encode() for line in records.lines(db, unit)]


def codes(db: Database) -> list[str]:
    return sorted(each["code"] for each in records.findings(db))


@given(st.permutations([*range(len(CHAIN)), *range(5)]), st.integers(1, 6))
def test_any_order_with_duplicates_ends_in_the_same_chain_and_no_open_finding(order, size):
    db = in_memory(WRITER)
    lines = [CHAIN[at] for at in order]
    outcomes = [take_in(db, lines[at : at + size]) for at in range(0, len(lines), size)]
    assert stored(db) == CHAIN
    assert sum(each.stored for each in outcomes) == len(CHAIN)
    assert sum(each.repeated for each in outcomes) == 5
    head = records.heads(db)["U1"]
    assert (head.us, head.digest) == (len(CHAIN), seal.digest(WRITER.payloads()[-1]))
    assert (head.first_us, head.first_up) == (1, "0" * 64)
    assert records.findings(db) == []
    assert records.chain(db, "U1").waiting is False


@given(st.permutations(range(6 + len(OTHER.lines))))
def test_two_units_in_one_batch_do_not_disturb_each_other(order):
    db = in_memory(WRITER, OTHER)
    take_in(db, [(CHAIN[:6] + OTHER.lines)[at] for at in order])
    assert stored(db, "U1") == CHAIN[:6]
    assert stored(db, "U2") == OTHER.lines


def test_a_repeat_gets_the_receipt_of_the_first_time():
    db = in_memory(WRITER)
    first = take_in(db, CHAIN[:3], now_ms=START_MS)
    again = take_in(db, CHAIN[:3], now_ms=START_MS + 5000)
    assert again.receipts == first.receipts
    assert [each.received_ms for each in again.receipts] == [START_MS] * 3
    assert (again.stored, again.repeated) == (0, 3)


def test_a_repeat_aside_gets_the_receipt_of_the_first_time_and_the_gap_is_named():
    db = in_memory(WRITER)
    take_in(db, [CHAIN[0], CHAIN[4]])
    again = take_in(db, [CHAIN[4]], now_ms=START_MS + 5000)
    assert [each.received_ms for each in again.receipts] == [START_MS]
    assert [(each.code, each.us, each.detail) for each in again.findings] == [("gap", 2, "4")]


def test_a_gap_is_a_finding_while_it_lasts_and_shrinks_as_it_fills():
    db = in_memory(WRITER)
    take_in(db, [CHAIN[0], CHAIN[6]])
    assert [each["us"] for each in records.findings(db)] == [2]
    take_in(db, [CHAIN[3]])
    assert [each["us"] for each in records.findings(db)] == [2, 5]
    take_in(db, [CHAIN[1], CHAIN[2]])
    assert [each["us"] for each in records.findings(db)] == [5]
    assert records.heads(db)["U1"].us == 4
    take_in(db, [CHAIN[4], CHAIN[5]])
    assert records.findings(db) == []
    assert records.heads(db)["U1"].us == 7


def test_a_first_record_may_have_any_number_and_earlier_ones_attach_downwards():
    db = in_memory(WRITER)
    take_in(db, CHAIN[5:7])
    assert (records.heads(db)["U1"].us, records.heads(db)["U1"].first_us) == (7, 6)
    take_in(db, [CHAIN[2], CHAIN[3]])
    assert codes(db) == ["gap"]
    take_in(db, [CHAIN[4]])
    assert records.heads(db)["U1"].first_us == 3
    assert stored(db) == CHAIN[2:7]


def twins() -> tuple[Writer, Writer]:
    """Two histories of U1 that part after its third record; both go on for three more."""
    one = Writer("U1")
    one.boot(), one.alive(), one.alive()
    other = one.fork()
    for writer in (one, other):
        writer.alive(), writer.alive(), writer.alive()
    return one, other


TWINS = twins()


def test_a_known_number_with_another_payload_is_a_fork_and_the_first_stored_stays():
    one, other = TWINS
    db = in_memory(one)
    take_in(db, one.lines)
    outcome = take_in(db, other.lines[3:4])
    assert [(each.code, each.us) for each in outcome.findings] == [("fork", 4)]
    assert (outcome.stored, outcome.quarantined) == (0, 1)
    assert stored(db) == one.lines
    assert records.chain(db, "U1").forked_us == 4
    assert [each["reason"] for each in records.quarantine_counts(db)] == ["fork"]


def test_a_next_record_on_another_past_is_a_fork_from_the_head_on():
    one, other = TWINS
    db = in_memory(one)
    take_in(db, one.lines[:4])
    outcome = take_in(db, other.lines[4:5])
    assert [(each.code, each.us) for each in outcome.findings] == [("fork", 5)]
    assert records.chain(db, "U1").forked_us == 4
    assert records.heads(db)["U1"].us == 4
    take_in(db, one.lines[4:])
    assert stored(db) == one.lines


def test_an_earlier_record_that_the_first_does_not_follow_is_a_fork():
    one, other = TWINS
    db = in_memory(one)
    take_in(db, one.lines[4:])
    take_in(db, other.lines[3:4])
    assert codes(db) == ["fork"]
    assert records.chain(db, "U1").forked_us == 4
    assert stored(db) == one.lines[4:]


def test_a_branch_that_waited_aside_is_found_out_when_the_chain_reaches_it():
    one, other = TWINS
    db = in_memory(one)
    take_in(db, [*one.lines[:3], other.lines[5]])
    assert codes(db) == ["gap"]
    take_in(db, one.lines[3:5])
    assert codes(db) == ["fork"]
    take_in(db, one.lines[5:])
    assert stored(db) == one.lines
    assert records.chain(db, "U1").waiting is False


@given(st.permutations(range(9)))
def test_a_fork_is_found_in_any_order_and_dark_from_where_the_histories_part(order):
    one, other = TWINS
    db = in_memory(one)
    for at in order:
        take_in(db, [(one.lines + other.lines[3:])[at]])
    chain = records.chain(db, "U1")
    assert chain.forked_us == 4
    assert chain.head is not None and (chain.head.us, chain.head.first_us) == (6, 1)
    assert stored(db) in (one.lines, other.lines) or stored(db)[:3] == one.lines[:3]
    assert len(list(db.query("SELECT 1 FROM records"))) == 9
    assert set(codes(db)) == {"fork"}


def test_a_repeated_branch_is_said_again_and_kept_once():
    one, other = TWINS
    db = in_memory(one)
    take_in(db, [*one.lines, other.lines[3]])
    again = take_in(db, [other.lines[3]])
    assert (again.repeated, [each.code for each in again.findings]) == (1, ["fork"])
    assert len(list(db.query("SELECT 1 FROM quarantine"))) == 1


def test_refused_lines_are_kept_once_with_a_count_and_change_no_chain():
    db = in_memory(WRITER)
    bent = CHAIN[0].replace(b"POWER_ON", b"POWER_OX")
    outcome = take_in(db, [bent, bent, b"no record at all", OTHER.lines[0]])
    assert outcome.quarantined == 4
    assert codes(db) == ["bad_seal", "malformed", "unknown_unit"]
    kept = {row["body"]: row["times"] for row in db.query("SELECT body, times FROM quarantine")}
    assert kept == {bent: 2, b"no record at all": 1, OTHER.lines[0]: 1}
    assert outcome.heads == {}


def test_a_gap_can_be_passed_by_a_person_and_stays_a_finding():
    db = in_memory(WRITER)
    take_in(db, CHAIN[:2] + CHAIN[4:7])
    outcome = store.pass_gap(db, "U1", 5, "D01", "storage replaced", START_MS)
    assert outcome.heads["U1"].us == 7
    assert codes(db) == ["gap"]
    take_in(db, CHAIN[7:9])
    assert records.heads(db)["U1"].us == 9
    assert stored(db) == CHAIN[:2] + CHAIN[4:9]


def test_what_was_missing_closes_a_passed_gap_when_it_comes_after_all():
    db = in_memory(WRITER)
    take_in(db, CHAIN[:2] + CHAIN[4:7])
    store.pass_gap(db, "U1", 5, "D01", "storage replaced", START_MS)
    take_in(db, [CHAIN[2], CHAIN[3]])
    assert records.findings(db) == []
    assert stored(db) == CHAIN[:7]
    assert records.heads(db)["U1"].first_us == 1


def test_only_what_waits_behind_a_gap_can_be_skipped_to():
    db = in_memory(WRITER)
    take_in(db, [*CHAIN[:2], CHAIN[6]])
    with pytest.raises(UsageError, match="--to 7"):
        store.pass_gap(db, "U1", 6, "D01", "typo", START_MS)
    assert list(db.query("SELECT * FROM skips")) == []


def test_the_head_is_never_moved_back():
    db = in_memory(WRITER)
    take_in(db, [*CHAIN[4:6], CHAIN[1]])
    with pytest.raises(UsageError, match="no gap"):
        store.pass_gap(db, "U1", 2, "D01", "typo", START_MS)


def test_a_full_disk_stores_nothing_of_the_batch_and_touches_nothing_stored(tmp_path):
    book = in_folder(tmp_path, WRITER)
    db = book.ledger()
    take_in(db, CHAIN[:4])
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SurroundingsError, match="disk is full"):
        for _ in range(200):
            take_in(db, CHAIN[4:])
            take_in(db, [b"x" * 3000 + str(_).encode()])
    kept = stored(db)
    assert kept[:4] == CHAIN[:4]
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.execute("PRAGMA max_page_count = 100000")
    take_in(db, CHAIN)
    assert stored(db) == CHAIN


def test_a_kill_in_the_middle_leaves_nothing_of_the_batch(tmp_path, monkeypatch):
    book = in_folder(tmp_path, WRITER)
    db = book.ledger()
    take_in(db, CHAIN[:4])

    def cut(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(records, "keep_chain", cut)
    with pytest.raises(KeyboardInterrupt):
        take_in(db, CHAIN[4:8])
    monkeypatch.undo()
    assert stored(book.ledger()) == CHAIN[:4]
    assert take_in(db, CHAIN[4:8]).stored == 4


def test_the_same_record_cannot_be_stored_twice_even_by_two_connections(tmp_path):
    book = in_folder(tmp_path, WRITER)
    one, other = book.ledger(), book.ledger()
    take_in(one, CHAIN[:4])
    assert take_in(other, CHAIN[:4]).repeated == 4
    with pytest.raises(sqlite3.IntegrityError):
        one.execute("INSERT INTO records SELECT NULL, clinic, unit, us, digest, up, kind, boot, um_ms, at_ms, line,"
                    " received_ms, source, chained, vouched, flag FROM records LIMIT 1")  # fmt: skip


def test_a_unit_whose_oldest_stored_record_is_not_its_first_is_not_acknowledged_until_it_starts_over():
    db = in_memory(WRITER)
    assert take_in(db, CHAIN[3:6], sent_by_unit=True).heads == {}
    assert take_in(db, CHAIN[4:6], sent_by_unit=True).heads == {}
    assert records.begun_heads(db) == {}
    assert take_in(db, CHAIN[3:7], sent_by_unit=True).heads["U1"].us == 7
    assert records.begun_heads(db)["U1"].us == 7


def test_what_was_lost_before_the_first_stored_record_comes_when_the_unit_starts_over():
    db = in_memory(WRITER)
    take_in(db, CHAIN[2:4], sent_by_unit=True)
    assert take_in(db, CHAIN[:5], sent_by_unit=True).heads["U1"].us == 5
    assert stored(db) == CHAIN[:5]


def test_a_file_or_a_broker_that_repeats_does_not_speak_for_the_unit():
    db = in_memory(WRITER)
    take_in(db, CHAIN[3:6], sent_by_unit=True)
    assert take_in(db, CHAIN[3:6]).heads == {}
