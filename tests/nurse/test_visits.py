"""Tokens of visits: random, kept only as tags that units compute the same, and read again where a treatment begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.agent import tags as unit_tags
from gateway.audit import catalogue
from gateway.errors import UsageError
from gateway.ledger import attended, trail
from gateway.ledger.database import open_ledger
from gateway.nurse import tokens, visits
from gateway.nurse.attend import Act, Treated
from protocol import record
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, take_in

KEY = b"k" * 32
TOKEN = "K7QXPNTUVW4ABDRM"
ACT = Act("C001", "D09", START_MS)
ITEM = catalogue.read().items[4]
MINUTE_MS = 60_000


@pytest.fixture
def db(tmp_path: Path):
    return open_ledger(in_folder(tmp_path / "clinic").folder)


def test_a_units_tag_of_a_token_is_the_gateways() -> None:
    for token in (TOKEN, *(tokens.new_token() for _ in range(50))):
        assert tokens.tag(KEY, token) == unit_tags.tag(KEY, token)


def test_new_tokens_are_long_random_and_of_characters_that_no_reader_confuses() -> None:
    made = {tokens.new_token() for _ in range(200)}
    assert len(made) == 200
    assert all(len(each) == 16 and not set(each) & set("01IO") for each in made)


NO_TOKENS = (
    *("", "SHORT1", "x" * 129, "a" * 24, "就诊标签" * 4),
    *("310105198001011234", "31010519800101123X", "13800138000138001"),  # as persons' numbers look
)


@pytest.mark.parametrize("text", NO_TOKENS)
def test_what_may_be_a_persons_number_or_is_not_random_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        tokens.tag(KEY, text)
    assert not text or text not in str(refused.value)


def test_a_token_that_was_issued_stands_for_its_visit_and_is_kept_nowhere(db, tmp_path: Path) -> None:
    token = visits.issue_token(db, ACT, KEY, "V1")
    assert visits.visit_of(db, "C001", KEY, token) == "V1"
    db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = (tmp_path / "clinic" / "ledger.db").read_bytes()
    assert token.encode() not in kept
    assert [each.act for each in trail.entries(db, subject="visit:V1")] == ["visit token"]


def test_a_token_stands_for_one_visit_for_ever(db) -> None:
    visits.bind_token(db, ACT, KEY, TOKEN, "V1")
    with pytest.raises(UsageError):
        visits.bind_token(db, ACT, KEY, TOKEN, "V2")
    assert visits.visit_of(db, "C001", KEY, TOKEN) == "V1"
    assert len(trail.entries(db)) == 1


def test_a_token_of_another_clinic_or_key_is_unknown(db) -> None:
    visits.bind_token(db, ACT, KEY, TOKEN, "V1")
    for clinic, key in (("C002", KEY), ("C001", b"j" * 32)):
        with pytest.raises(UsageError):
            visits.visit_of(db, clinic, key, TOKEN)


def test_the_tag_key_is_made_once_and_is_what_units_are_given(tmp_path: Path) -> None:
    key = tokens.open_tag_key(tmp_path)
    assert key == tokens.open_tag_key(tmp_path) == bytes.fromhex((tmp_path / tokens.FILE).read_text().strip())
    assert len(key) == 32 and (tmp_path / tokens.FILE).stat().st_mode & 0o777 == 0o600


def test_a_proof_of_a_reading_holds_for_its_visit_and_a_quarter_of_an_hour() -> None:
    proof = tokens.proof(KEY, "V1", START_MS)
    assert tokens.proves(KEY, "V1", proof, START_MS + visits.SCAN_MS, visits.SCAN_MS)
    assert not tokens.proves(KEY, "V1", proof, START_MS + visits.SCAN_MS + 1, visits.SCAN_MS)
    assert not tokens.proves(KEY, "V1", proof, START_MS - 1, visits.SCAN_MS)
    assert not tokens.proves(KEY, "V2", proof, START_MS, visits.SCAN_MS)
    for forged in (
        "",
        "1",
        proof[:-1],
        proof[:-1] + ("0" if proof[-1] != "0" else "1"),
        f"{START_MS}." + "é",
    ):
        assert not tokens.proves(KEY, "V1", forged, START_MS, visits.SCAN_MS)


class Reader(Writer):
    def tag(self, tag: str) -> bytes:
        return self._write(record.TAG, {"UT": [tag]})


@pytest.fixture
def read(tmp_path: Path):
    """A ledger in which unit U1 read the tag of V1 at 08:10 and one that nobody knows at 08:20."""
    reader = Reader("U1")
    reader.boot()
    reader.alive()
    reader.tag(tokens.tag(KEY, TOKEN))
    reader.alive()
    reader.tag("ab" * 32)
    db = open_ledger(in_folder(tmp_path / "reader", reader).folder)
    take_in(db, reader.lines, START_MS + 30 * MINUTE_MS)
    visits.bind_token(db, ACT, KEY, TOKEN, "V1")
    return db


@pytest.mark.parametrize("minute, scan", [(9, ""), (10, "U1:3"), (25, "U1:3"), (26, "")])
def test_a_tag_that_a_unit_read_counts_as_the_scan_for_a_quarter_of_an_hour(read, minute, scan) -> None:
    act = Act("C001", "D01", START_MS + minute * MINUTE_MS)
    found = visits.identified(read, act, Treated("V1", ITEM), was_read=False)
    assert (found.scan, found.how) == (scan, attended.SCANNED if scan else attended.MANUAL)


def test_a_tag_that_a_unit_read_says_nothing_of_another_visit(read) -> None:
    act = Act("C001", "D01", START_MS + 12 * MINUTE_MS)
    assert visits.identified(read, act, Treated("V2", ITEM), was_read=False).how == attended.MANUAL
    assert visits.identified(read, act, Treated("V2", ITEM), was_read=True).how == attended.SCANNED
