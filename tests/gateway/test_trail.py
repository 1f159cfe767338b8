"""The trail only grows, and whoever reads it from its bytes sees what was changed, put between or taken out."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from fastapi import HTTPException
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway import __main__ as program
from gateway import pipeline
from gateway.check.trail import examine_trail
from gateway.config import DISTRICT
from gateway.district import admit
from gateway.district.log import Log
from gateway.errors import UsageError
from gateway.forward.send import Answer
from gateway.ledger import trail
from gateway.ledger.database import open_ledger, transaction
from gateway.persons import person, reason, two_persons
from tests.support.ledgers import CLINIC, in_folder, in_memory

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
BODY = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=3), max_size=4
)
ACTS = st.lists(st.tuples(st.integers(0, 2**41), TEXT, TEXT, TEXT, BODY), min_size=1, max_size=8)


def told(acts) -> Database:
    db = in_memory()
    for at_ms, who, act, subject, body in acts:
        with transaction(db):
            trail.note(db, at_ms, who, act, subject, body)
    return db


def faults(db: Database) -> list[str]:
    return [each.where for each in examine_trail(db.conn)]


def tamper(db: Database, sql: str, values: list) -> None:
    """As somebody would who owns the file: the triggers do not stop them."""
    db.execute("DROP TRIGGER IF EXISTS trail_stands")
    db.execute("DROP TRIGGER IF EXISTS trail_stays")
    db.execute(sql, values)


@given(ACTS)
@settings(deadline=None, max_examples=60)
def test_what_was_noted_comes_back_in_order_and_examines_clean(acts):
    db = told(acts)
    kept = trail.entries(db)
    assert [(e.at_ms, e.who, e.act, e.subject, e.body) for e in kept] == acts
    assert [e.entry for e in kept] == list(range(1, len(acts) + 1))
    assert (trail.head(db).entry, trail.head(db).hash) == (len(acts), kept[-1].hash)
    assert faults(db) == []


@given(ACTS, st.data())
@settings(deadline=None, max_examples=60)
def test_a_changed_word_is_seen_wherever_it_stands(acts, data):
    db = told(acts)
    entry = data.draw(st.integers(1, len(acts)))
    column = data.draw(st.sampled_from(["at_ms", "who", "act", "subject", "body", "hash"]))
    was = db.execute(f"SELECT {column} FROM trail WHERE entry = ?", [entry]).fetchone()[0]
    now = was + 1 if column == "at_ms" else was + " "
    tamper(db, f"UPDATE trail SET {column} = ? WHERE entry = ?", [now, entry])
    assert f"trail:{entry}" in faults(db)


@given(ACTS.filter(lambda acts: len(acts) > 1), st.data())
@settings(deadline=None, max_examples=60)
def test_an_entry_taken_out_is_seen_even_when_the_rest_is_numbered_anew(acts, data):
    db = told(acts)
    entry = data.draw(st.integers(1, len(acts) - 1))
    tamper(db, "DELETE FROM trail WHERE entry = ?", [entry])
    assert faults(db)
    db.execute("UPDATE trail SET entry = entry - 1 WHERE entry > ?", [entry])
    assert faults(db)


def test_a_trail_cut_at_its_end_shows_against_the_head_that_somebody_kept():
    db = told([(1, "D01", "answer", "lead:a", {}), (2, "D02", "review", "lead:a", {})])
    kept = trail.head(db)
    tamper(db, "DELETE FROM trail WHERE entry = 2", [])
    assert faults(db) == [] and trail.head(db) != kept


def test_two_entries_that_are_exchanged_are_seen():
    db = told([(1, "D01", "a", "s", {}), (1, "D02", "b", "s", {}), (1, "D03", "c", "s", {})])
    tamper(db, "UPDATE trail SET entry = CASE entry WHEN 2 THEN -3 ELSE -2 END WHERE entry > 1", [])
    db.execute("UPDATE trail SET entry = -entry WHERE entry < 0")
    assert faults(db) == ["trail:2", "trail:3"]


def test_the_program_itself_cannot_change_or_remove_an_entry():
    db = told([(1, "D01", "answer", "lead:a", {})])
    for sql in ("UPDATE trail SET who = 'D02'", "DELETE FROM trail"):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(sql)
    assert [each.who for each in trail.entries(db)] == ["D01"]


def test_an_act_that_fails_leaves_no_trace_and_a_note_outside_a_transaction_is_refused(tmp_path):
    book = in_folder(tmp_path)
    with book.ledger() as db:
        with pytest.raises(ZeroDivisionError), transaction(db):
            trail.note(db, 1, "D01", "answer", "lead:a", {})
            raise ZeroDivisionError
        with pytest.raises(RuntimeError, match="transaction"):
            trail.note(db, 1, "D01", "answer", "lead:a", {})
    with open_ledger(tmp_path) as db:
        assert trail.entries(db) == []


def test_the_entries_of_one_subject_or_after_a_number_are_found():
    db = told([(n, "D01", "answer", f"lead:{n % 2}", {"n": n}) for n in range(1, 6)])
    assert [each.body["n"] for each in trail.entries(db, subject="lead:1")] == [1, 3, 5]
    assert [each.entry for each in trail.entries(db, after=3)] == [4, 5]


def test_the_command_lists_the_acts_and_check_examines_them(tmp_path, capsys):
    book = in_folder(tmp_path)
    with book.ledger() as db, transaction(db):
        trail.note(db, book.clock.now_ms(), "D01", "answer", "lead:abc", {"text": "补录"})
    assert program.run(["--dir", str(tmp_path), "trail", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["head"] == {"entry": 1, "hash": said["entries"][0]["hash"]}
    assert said["entries"][0]["body"] == {"text": "补录"}
    assert program.run(["--dir", str(tmp_path), "trail"]) == 0
    assert "D01" in capsys.readouterr().out
    assert program.run(["check", str(tmp_path)]) == 0
    with book.ledger() as db:
        tamper(db, "UPDATE trail SET who = 'D02'", [])
    capsys.readouterr()
    assert program.run(["check", str(tmp_path), "--json"]) == 1
    assert [each["code"] for each in json.loads(capsys.readouterr().out)["faults"]] == ["trail"]


@pytest.mark.parametrize(
    "by, second", [("", "D02"), ("D01", ""), ("D01", " D01 "), ("D01", "d01"), ("D01", "Ｄ０１")]
)
def test_two_persons_are_two(by, second):
    with pytest.raises(UsageError, match="two different persons"):
        two_persons(by, second)


def test_names_and_reasons_are_kept_without_the_blanks_around_them():
    assert two_persons(" D01", "D02 ") == ("D01", "D02")
    assert person(" D01 ") == "D01" and reason(" 双头灯 ") == "双头灯"


@pytest.mark.parametrize("name", ["", "  ", "D01\nD02", "D" * 65, "D\udcff1"])
def test_a_name_that_names_nobody_is_refused(name):
    with pytest.raises(UsageError, match="--by"):
        person(name)


@pytest.mark.parametrize("text", ["  ", "half \udcff"])
def test_a_reason_says_something(text):
    with pytest.raises(UsageError, match="--why"):
        reason(text)


# --- heads that a district keeps ----------------------------------------------------------------------------------


def told_heads(numbers):
    return [trail.Head(entry, f"{digest:064x}") for entry, digest in numbers]


@pytest.mark.parametrize(
    "numbers, rewritten",
    [
        ([], False),
        ([(1, 1), (4, 2)], False),
        ([(3, 1), (2, 2)], True),
        ([(3, 1), (3, 2)], True),
        ([(3, 1), (4, 2), (3, 1)], True),
    ],
)
def test_heads_that_cannot_be_of_one_history_are_seen(numbers, rewritten):
    assert trail.contradictory(told_heads(numbers)) == rewritten


@given(ACTS, ACTS)
@settings(deadline=None, max_examples=40)
def test_a_history_fits_its_own_heads_and_no_other_history_does(acts, others):
    db, other = told(acts), told(others)
    heads = [trail.Head(each.entry, each.hash) for each in trail.entries(db)]
    assert trail.contradicted(heads, trail.entries(db)) == []
    same = [here == there for here, there in zip(acts, others, strict=False)]
    first = same.index(False) if False in same else len(same)
    assert trail.contradicted(heads, trail.entries(other)) == heads[first:]


def test_with_forwarding_the_district_learns_where_the_trail_ends_and_a_cut_trail_shows(tmp_path, capsys):
    clinic, there = in_folder(tmp_path / "clinic"), in_folder(tmp_path / "district", role=DISTRICT)
    with clinic.ledger() as db, there.ledger() as district_db:
        wire: Any = Wire(district_db)
        for who in ("D01", "D02", "D03"):
            with transaction(db):
                trail.note(db, 1, who, "answer", "lead:a", {})
            pipeline.send_on(db, "u", wire, 2)
            pipeline.send_on(db, "u", wire, 3)
        kept = [head for head, _ in trail.heads(district_db, CLINIC)]
        assert [each.entry for each in kept] == [1, 2, 3] and kept[-1] == trail.head(db)
        assert program.run(["--dir", str(there.folder), "trail", "--heads", CLINIC, "--json"]) == 0
        (tmp_path / "heads.json").write_text(capsys.readouterr().out)
        asked = ["--dir", str(clinic.folder), "trail", "--against", str(tmp_path / "heads.json"), "--json"]
        assert program.run(asked) == 0
        assert json.loads(capsys.readouterr().out)["contradicted"] == []
        tamper(db, "DELETE FROM trail WHERE entry = 3", [])
        assert faults(db) == [], "the clinic's own ledger looks whole"
        assert program.run(asked) == 1
        assert [each["entry"] for each in json.loads(capsys.readouterr().out)["contradicted"]] == [3]
        pipeline.send_on(db, "u", wire, 4)
    assert program.run(["--dir", str(there.folder), "trail", "--heads", CLINIC]) == 1
    assert "written anew" in capsys.readouterr().err


class Wire:
    """The district at the other end of a wire, as `District` is."""

    def __init__(self, db):
        self._db, self._log = db, Log()

    def post(self, after, batch, head):
        brought = admit.Brought(CLINIC, after, after, [], head)
        said = pipeline.admit(self._db, brought, self._log, 1)
        return Answer(said["held"], said["checkpoint"], said["approved"], said["refused"])


@pytest.mark.parametrize(
    "told",
    [
        {"entry": -1, "hash": "0" * 64},
        {"entry": 1, "hash": "x" * 64},
        {"entry": 1},
        "head",
        {"entry": "1", "hash": "0" * 64},
    ],
)
def test_a_head_that_is_none_is_refused_by_the_district(told):
    body = json.dumps({"after": 0, "records": [], "trail": told}).encode()
    with pytest.raises(HTTPException):
        admit._read(CLINIC, body)


def test_a_gateway_of_before_that_tells_no_head_is_taken():
    assert admit._read(CLINIC, b'{"after": 0, "records": []}').trail is None


def test_a_file_that_holds_no_heads_is_said_so(tmp_path, capsys):
    book = in_folder(tmp_path)
    (tmp_path / "heads.json").write_text("[]")
    assert program.run(["--dir", str(book.folder), "trail", "--against", str(tmp_path / "heads.json")]) == 2
    assert "trail --heads" in capsys.readouterr().err
