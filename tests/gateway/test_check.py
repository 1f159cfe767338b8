"""An honest ledger has no faults; whatever is changed in it afterwards is found and named."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import __main__ as program
from gateway import inventory
from gateway.bootstrap import Book
from gateway.check.recheck import Report, recheck
from gateway.demo import plan
from gateway.intake.store import pass_gap
from gateway.inventory import Spot
from gateway.ledger import units
from gateway.ledger.database import FILE, transaction
from protocol import p256
from tests.gateway.test_settle import (
    EVENING_MS,
    MINUTE_MS,
    MONDAY,
    TUESDAY,
    Unset,
    burned,
    charge,
    charge_messages,
    day_of,
    entry,
    idle,
    keep,
    settle,
)
from tests.support.bills import STIM, deletion, detail, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import enrol, in_folder, take_in
from tests.support.world import World

ACUPUNCTURE = "004300000010100"


def examined(db: sqlite3.Connection, keys: dict[str, str] | None = None) -> Report:
    own = dict(db.execute("SELECT unit, key_hex FROM units").fetchall())
    return recheck(db, own if keys is None else keys)


def faults(db: sqlite3.Connection, keys: dict[str, str] | None = None) -> set[tuple[str, str]]:
    return {(each.code, each.where) for each in examined(db, keys).faults}


def faults_of(book: Book) -> set[tuple[str, str]]:
    db = sqlite3.connect(book.folder / FILE)
    try:
        return faults(db)
    finally:
        db.close()


# --- honest ledgers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 5, 9])
def test_the_demos_day_has_no_faults(seed, tmp_path):
    world = World(tmp_path, plan.plan(seed)).play()
    found = world.settle()
    assert faults_of(world.book) == set()
    report = examined(sqlite3.connect(tmp_path / FILE))
    assert (report.verdicts, report.leads) == (len(found["treatments"]), len(found["leads"]))
    assert report.records == len(list(world.emitted()))


def test_an_empty_ledger_has_no_faults(tmp_path):
    assert faults_of(in_folder(tmp_path / "clinic")) == set()


def test_nor_one_of_two_clinics_where_lamps_of_the_other_burned_unbilled(tmp_path):
    ours, theirs = day_of(Writer("U1"), 20), day_of(Writer("U9"), 20, 20, 20)
    book = in_folder(tmp_path / "clinic", ours)
    with book.ledger() as db:
        enrol(db, theirs, "C002")
        take_in(db, [*ours.lines, *theirs.lines], EVENING_MS)
        charge(db, book, detail("1"), detail("2"))
        assert settle(db, book)["summary"]["no_device_time"] == 1
    assert faults_of(book) == set()


def test_nor_one_with_gaps_passed_records_aside_forks_and_refused_seals(tmp_path):
    gapped, forked, waiting = (day_of(Writer(name), 20, 20, 20) for name in ("U1", "U2", "U3"))
    book = in_folder(tmp_path / "clinic", gapped, forked, waiting)
    with book.ledger() as db:
        take_in(db, [*gapped.lines[:12], *gapped.lines[13:]], EVENING_MS)
        pass_gap(db, "U1", 14, "D01", "lost", EVENING_MS)
        take_in(db, [*forked.lines, *day_of(Writer("U2"), 40).lines], EVENING_MS)
        take_in(db, [*waiting.lines[:9], *waiting.lines[20:], b"nonsense"], EVENING_MS)
        charge(db, book, *(detail(str(number)) for number in range(1, 9)))
        settle(db, book)
    assert faults_of(book) == set()


def test_nor_one_whose_clocks_were_set_late(tmp_path):
    writer = Unset("U1")
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, *(detail(str(number)) for number in range(1, 4)))
        assert settle(db, book)["summary"]["supported"] == 1
    assert faults_of(book) == set()


def test_nor_one_where_records_bills_and_approvals_came_after_it_was_reconciled(tmp_path):
    first, late = day_of(Writer("U1"), 20), day_of(Writer("U2"), 20, 20)
    book = in_folder(tmp_path / "clinic", first, late)
    with book.ledger() as db:
        take_in(db, [*first.lines, *late.lines[:3]], EVENING_MS - 10)
        charge(db, book, *(detail(str(number)) for number in range(1, 80)), now_ms=EVENING_MS - 10)
        assert settle(db, book, now_ms=EVENING_MS)["leads"]
        take_in(db, late.lines, EVENING_MS + 10)
        again = (upload(detail("1", visit="V2"), detail("2", visit="V2")), deletion("V1"))
        charge_messages(db, book, *again, now_ms=EVENING_MS + 10)
        with transaction(db):
            units.approve(db, "U1", EVENING_MS + 10)
    assert faults_of(book) == set()


def test_nor_one_with_moved_units_blind_devices_several_stations_and_several_days(tmp_path):
    writer, other = day_of(Writer("U1"), 45, 20), day_of(Writer("U2"), 20)
    day_of(writer, 20)
    book = in_folder(tmp_path / "clinic", writer)
    now_ms = EVENING_MS + 86_400_000
    with book.ledger() as db:
        spot = Spot("tdp", "R3", stations=3)
        inventory.enrol(db, "U2", other.key_hex, "C001", True, spot, START_MS + 30 * MINUTE_MS, START_MS)
        inventory.add_device(db, "box", "C001", Spot("stim", "R4"), 0)
        inventory.move(db, "U1", Spot(room="R2"), START_MS + 4 * 3600_000, ("D01", "D02"), now_ms)
        take_in(db, [*writer.lines, *other.lines], now_ms)
        charge(db, book, *(detail(str(number)) for number in range(1, 50)), now_ms=now_ms)
        charge(
            db,
            book,
            detail("1", visit="V2", med_list_codg=STIM),
            detail("2", visit="V2", med_list_codg=ACUPUNCTURE),
        )
        charge(db, book, detail("1", visit="V3", fee_ocur_time="2026-03-03 09:00:00"), now_ms=now_ms)
        for first, last in ((MONDAY, MONDAY), (MONDAY, TUESDAY), (TUESDAY, TUESDAY)):
            settle(db, book, first, last, now_ms=now_ms)
    assert faults_of(book) == set()


def test_nor_one_in_which_lines_of_other_days_compete(tmp_path):
    writer = day_of(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        late = entry("V/late", START_MS + 9 * 86_400_000, START_MS + 10 * MINUTE_MS)
        keep(db, late, entry("V/1", START_MS, None), entry("V/2", START_MS, None))
        settle(db, book)
        settle(db, book, date(2026, 3, 11))
    assert faults_of(book) == set()


def test_nor_one_whose_unit_lost_its_mains_in_mid_session(tmp_path):
    writer = Writer("U1")
    writer.boot()
    idle(writer, 30)
    burned(writer, 15)
    writer.at_ms += 2 * MINUTE_MS
    writer.boot()
    burned(writer, 8)
    idle(writer, 600)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, *(detail(str(number)) for number in range(1, 9)))
        assert settle(db, book)["summary"]["unobserved"] >= 1
    assert faults_of(book) == set()


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([5, 19, 21, 45])), max_size=5), st.integers(1, 9)
)
@settings(max_examples=15)
def test_nor_any_day_of_a_small_clinic(sessions, charges):
    with SmallClinic(sessions, charges) as db:
        assert faults(db) == set()


class SmallClinic:
    """A settled day of three lamps, two of them dark after their last record, as a plain connection."""

    def __init__(self, sessions: list[tuple[int, int]], charges: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        writers = [Writer(f"U{number}") for number in (1, 2, 3)]
        for writer in writers:
            writer.boot()
        for number, minutes in sessions:
            idle(writers[number - 1], 10)
            burned(writers[number - 1], minutes)
        idle(writers[0], 11 * 60)
        book = in_folder(Path(self._folder.name) / "clinic", *writers)
        with book.ledger() as db:
            for writer in writers:
                take_in(db, writer.lines, EVENING_MS)
            charge(
                db, book, *(detail(str(number), cnt=str(number % 3 + 1)) for number in range(1, charges + 1))
            )
            settle(db, book)
        self._db = sqlite3.connect(book.folder / FILE)

    def __enter__(self) -> sqlite3.Connection:
        return self._db

    def __exit__(self, *what: object) -> None:
        self._db.close()
        self._folder.cleanup()


# --- attacks ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> Iterator[sqlite3.Connection]:
    """Two lamps, one with dark time; verdicts of every kind, and leads."""
    lamp, other = day_of(Writer("U1"), 20, 45), Writer("U2")
    other.boot()
    idle(other, 30)
    burned(other, 10)
    idle(other, 11 * 60 - 10)
    book = in_folder(tmp_path_factory.mktemp("honest") / "clinic", lamp, other)
    with book.ledger() as db:
        enrol(db, Writer("U9"))  # a unit that never spoke
        units.set_blind(db, "tdp-U9", False)
        units.end_device(db, "tdp-U9", START_MS + 40 * MINUTE_MS)
        take_in(db, [*lamp.lines, *other.lines], EVENING_MS)
        lines = [detail(str(number)) for number in range(1, 9)]
        charge_messages(
            db,
            book,
            upload(*lines, detail("9", med_list_codg=ACUPUNCTURE)),
            upload(detail("1", visit="V2")),
            deletion("V2"),
        )
        found = settle(db, book)
        assert all(found["summary"].values()), found["summary"]
    db = sqlite3.connect(book.folder / FILE)
    assert faults(db) == set()
    yield db
    db.close()


@pytest.fixture
def ledger(honest) -> Iterator[sqlite3.Connection]:
    """A copy of it to be attacked."""
    copy = copied(honest)
    yield copy
    copy.close()


def copied(honest: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    honest.backup(copy)
    return copy


def body(db: sqlite3.Connection, table: str, where: str) -> dict[str, Any]:
    return json.loads(db.execute(f"SELECT body FROM {table} WHERE {where}").fetchone()[0])


def rewrite(db: sqlite3.Connection, table: str, where: str, **changes: Any) -> None:
    """Changes what a verdict or a lead says, wherever it is said."""
    said = body(db, table, where) | changes
    db.execute(f"UPDATE {table} SET body = ? WHERE {where}", [json.dumps(said, ensure_ascii=False)])
    if "verdict" in changes:
        db.execute(f"UPDATE {table} SET code = ? WHERE {where}", [changes["verdict"]])


SUPPORTED, WITHOUT, UNOBSERVED, SHORT = (
    f"rowid = (SELECT min(rowid) FROM verdicts WHERE code = '{code}')"
    for code in ("supported", "no_device_time", "unobserved", "short")
)
CAPACITY = "rule = 'capacity'"


@given(st.data())
@settings(max_examples=100)
def test_any_changed_byte_of_any_record_is_found_and_the_record_named(honest, data):
    db = copied(honest)
    unit, us, line = data.draw(st.sampled_from(db.execute("SELECT unit, us, line FROM records").fetchall()))
    at = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda char: char != line[at]))
    db.execute(
        "UPDATE records SET line = ? WHERE unit = ? AND us = ?",
        [line[:at] + other + line[at + 1 :], unit, us],
    )
    named = {where for _, where in faults(db)}
    db.close()
    assert f"{unit}:{us}" in named


@pytest.mark.parametrize("column", ["us", "digest", "up", "kind", "boot", "um_ms", "at_ms", "flag"])
def test_a_record_filed_under_what_it_does_not_say_is_named(ledger, column):
    value = {"us": 900, "um_ms": 1, "at_ms": 1, "kind": "ALIVE"}.get(column, "ab" * 32)
    ledger.execute(f"UPDATE records SET {column} = ? WHERE unit = 'U1' AND us = 5", [value])
    where = "U1:900" if column == "us" else "U1:5"
    assert ("misfiled", where) in faults(ledger)


def test_a_record_taken_out_of_the_chain_is_missing(ledger):
    for us in range(1, ledger.execute("SELECT us FROM heads WHERE unit = 'U1'").fetchone()[0] + 1):
        db = copied(ledger)
        db.execute("DELETE FROM records WHERE unit = 'U1' AND us = ?", [us])
        named = faults(db)
        assert {("missing", f"U1:{us}"), ("head", "U1")} & named, us
        db.close()


def test_nor_can_it_be_put_aside(ledger):
    ledger.execute("UPDATE records SET chained = 0 WHERE unit = 'U1' AND us = 5")
    assert ("missing", "U1:5") in faults(ledger)


def test_a_passed_gap_excuses_no_other(ledger):
    ledger.execute("INSERT INTO skips VALUES ('U1', 9, 'D01', 'lost', 0)")
    ledger.execute("DELETE FROM records WHERE unit = 'U1' AND us = 5")
    assert ("missing", "U1:5") in faults(ledger)


def test_a_chain_without_a_head_and_a_head_without_a_chain_are_named(ledger):
    ledger.execute("DELETE FROM heads WHERE unit = 'U1'")
    ledger.execute("DELETE FROM records WHERE unit = 'U2'")
    assert {("head", "U1"), ("head", "U2")} <= faults(ledger)


def test_a_swapped_key_makes_every_seal_of_its_unit_bad(ledger):
    stolen = p256.spki(p256.public_key(bytes(range(1, 33)))).hex()
    ledger.execute("UPDATE units SET key_hex = ? WHERE unit = 'U1'", [stolen])
    count = ledger.execute("SELECT count(*) FROM records WHERE unit = 'U1'").fetchone()[0]
    assert sum(code == "bad_seal" for code, _ in faults(ledger)) == count


@pytest.mark.parametrize("key", ["", "zz", "00", "3059301306072a8648ce3d0201"])
def test_what_is_no_key_verifies_nothing(ledger, key):
    ledger.execute("UPDATE units SET key_hex = ? WHERE unit = 'U1'", [key])
    assert ("no_key", "U1:1") in faults(ledger)


def test_keys_from_elsewhere_win_over_those_in_the_ledger(ledger):
    right = dict(ledger.execute("SELECT unit, key_hex FROM units").fetchall())
    assert faults(ledger, right) == set()
    assert ("bad_seal", "U1:1") in faults(ledger, right | {"U1": right["U2"]})
    assert ("no_key", "U2:1") in faults(ledger, {"U1": right["U1"]})


def test_a_changed_bill_file_is_named(ledger):
    ledger.execute("UPDATE bill_files SET body = CAST(replace(body, '12.00', '99.00') AS BLOB)")
    assert ("bill_file", "b.json") in faults(ledger)


@pytest.mark.parametrize(
    "change",
    [
        "amount_fen = 1",
        "treatments = 2",
        "visit = 'V7'",
        "charged_ms = charged_ms + 1000",
        "item = 23",
        "reversed_by = 'x'",
    ],
)
def test_a_changed_bill_line_does_not_fit_its_verdict(ledger, change):
    ledger.execute(f"UPDATE bill_lines SET {change} WHERE line = 'V1/1'")
    assert "bill" in {code for code, where in faults(ledger) if where.startswith("V1/1")}


def test_lines_and_verdicts_that_were_taken_away_are_missed(ledger):
    db = copied(ledger)
    db.execute("DELETE FROM bill_lines WHERE line = 'V1/1'")
    assert ("bill", "V1/1") in faults(db)
    db = copied(ledger)
    db.execute("DELETE FROM verdicts WHERE line = 'V1/1'")
    assert ("bill", "V1/1") in faults(db)


CHANGES: dict[str, Any] = {
    "line": "V1/77", "visit": "V77", "item": 16, "index": 9, "grade": "C", "active_s": 1141, "required_s": 60,
    "item_required_s": 60, "fit": "roomy", "records": ["U1:1"], "dark": [["U1", "2026-03-02T08:00:00+08:00", "2026-03-02T09:00:00+08:00"]],
    "among": ["V1/77"], "window": ["2026-03-01T00:00:00+08:00", "2026-03-02T23:59:59+08:00"],
    "charged": "2026-03-02T11:00:00+08:00", "amount": "0.01", "verdict": "reversed",
}  # fmt: skip


@pytest.mark.parametrize(
    "code", ["supported", "short", "no_device_time", "unobserved", "not_metered", "reversed"]
)
@pytest.mark.parametrize("member", list(CHANGES))
def test_whatever_is_changed_in_a_verdict_is_found(ledger, code, member):
    where = f"rowid = (SELECT min(rowid) FROM verdicts WHERE code = '{code}')"
    change = CHANGES[member] if body(ledger, "verdicts", where)[member] != CHANGES[member] else "supported"
    rewrite(ledger, "verdicts", where, **{member: change})
    assert faults(ledger) != set()


@pytest.mark.parametrize("member", list(CHANGES))
def test_a_verdict_without_one_of_its_members_cannot_be_read(ledger, member):
    said = body(ledger, "verdicts", SUPPORTED)
    del said[member]
    ledger.execute(f"UPDATE verdicts SET body = ? WHERE {SUPPORTED}", [json.dumps(said)])
    assert faults(ledger) != set()


def test_a_verdict_that_is_no_json_cannot_be_read(ledger):
    ledger.execute(f"UPDATE verdicts SET body = substr(body, 1, 40) WHERE {WITHOUT}")
    assert ("unreadable", "run 1") in faults(ledger)


def test_an_accusation_against_a_supported_treatment_is_not_borne_out(ledger):
    said = body(ledger, "verdicts", SUPPORTED)
    others = body(ledger, "verdicts", WITHOUT)["among"]
    less = {"grade": None, "active_s": None, "fit": None, "records": [], "among": others}
    rewrite(ledger, "verdicts", SUPPORTED, verdict="no_device_time", **less)
    named = {code for code, _ in faults(ledger)}
    assert {"overlooked", "witness"} <= named, said


def test_a_cheat_made_supported_overfills_its_session(ledger):
    more = {"grade": "B", "active_s": 1200, "fit": "ordinary", "records": ["U1:5"], "among": []}
    rewrite(ledger, "verdicts", WITHOUT, verdict="supported", **more)
    assert ("overfull", "U1:5") in faults(ledger)


def test_a_cheat_made_unobserved_leaves_its_lead_without_one(ledger):
    dark = body(ledger, "verdicts", UNOBSERVED)["dark"]
    rewrite(ledger, "verdicts", WITHOUT, verdict="unobserved", dark=dark)
    lead = body(ledger, "leads", CAPACITY)["id"]
    assert ("witness", lead) in faults(ledger)


def test_dark_time_that_was_watched_explains_nothing(ledger):
    dark = [["U1", "2026-03-02T12:00:00+08:00", "2026-03-02T13:00:00+08:00"]]
    rewrite(ledger, "verdicts", UNOBSERVED, dark=dark)
    assert "grounds" in {code for code, _ in faults(ledger)}


@pytest.mark.parametrize(
    "change", [{"capacity": 7}, {"capacity": 2}, {"treatments": 12}, {"amount": "0.01"}, {"lines": []}]
)
def test_a_lead_whose_figures_were_changed_is_named(ledger, change):
    lead = body(ledger, "leads", CAPACITY)
    assert all(lead[name] != value for name, value in change.items())
    rewrite(ledger, "leads", CAPACITY, **change)
    assert lead["id"] in {where for _, where in faults(ledger)}


def test_a_session_left_out_of_a_lead_is_named(ledger):
    lead = body(ledger, "leads", CAPACITY)
    for key in lead["supplies"]:
        db = copied(ledger)
        rewrite(db, "leads", CAPACITY, supplies=[each for each in lead["supplies"] if each != key])
        assert {("left_out", key), ("witness", lead["id"])} <= faults(db)
    rewrite(ledger, "leads", CAPACITY, supplies=[], capacity=0, dark=[])
    assert {("left_out", key) for key in lead["supplies"]} <= faults(ledger)


def test_dark_time_left_out_of_a_lead_or_put_into_it_is_found(ledger):
    lead = body(ledger, "leads", CAPACITY)
    assert lead["dark"]
    rewrite(ledger, "leads", CAPACITY, dark=[])
    assert ("dark", lead["id"]) in faults(ledger)
    more = ["U1", "2026-03-02T12:00:00+08:00", "2026-03-02T13:00:00+08:00"]
    rewrite(ledger, "leads", CAPACITY, dark=[*lead["dark"], more])
    assert ("dark", lead["id"]) in faults(ledger)


def test_a_lead_taken_away_leaves_its_treatments_unproven(ledger):
    left_over = body(ledger, "verdicts", WITHOUT)
    ledger.execute(f"DELETE FROM leads WHERE {CAPACITY}")
    assert ("unproven", f"{left_over['line']}#1") in faults(ledger)


@pytest.mark.parametrize("column", ["lead = 'x'", "day = '2026-03-01'", "amount_fen = 1", "rule = 'dark'"])
def test_a_lead_filed_under_what_it_does_not_say_is_found(ledger, column):
    ledger.execute(f"UPDATE leads SET {column} WHERE {CAPACITY}")
    assert faults(ledger) != set()


@pytest.mark.parametrize("column", ["watched_s = watched_s - 600", "open_s = open_s + 600", "dark = '[]'"])
def test_coverage_whose_parts_do_not_make_up_the_hours_is_found(ledger, column):
    ledger.execute(f"UPDATE coverage SET {column} WHERE device = 'tdp-U2'")
    assert ("coverage", "tdp-U2 2026-03-02") in faults(ledger)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE devices SET stations = 1 + stations",
        "UPDATE devices SET load = 'stim'",
        "DELETE FROM placements",
        "UPDATE placements SET from_ms = 9999999999999",
        "UPDATE heads SET forked_us = 2",
        "UPDATE units SET approved_ms = 1",
        "UPDATE runs SET from_day = '2026-03-01', to_day = '2026-03-01'",
    ],
)
def test_what_verdicts_rest_on_besides_records_cannot_be_changed_unnoticed(ledger, change):
    ledger.execute(change)
    assert faults(ledger) != set()


# --- the command --------------------------------------------------------------------------------------------------

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, Any, str]:
        code = program.run(["check", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run


@pytest.fixture
def book(tmp_path: Path) -> Book:
    writer = day_of(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, detail("1"), detail("2"))
        settle(db, book)
    return book


def test_check_exits_0_says_what_it_examined_and_that_own_keys_prove_no_authenticity(run, book):
    code, said, _ = run(book.folder, "--json")
    assert code == 0
    counts = {"records": len(day_of(Writer("U1"), 20).lines), "bill_files": 1, "verdicts": 2, "leads": 1}
    assert said == {"keys": "pack", **counts, "catalogue_changes": 0, "faults": []}
    assert "consistency, not authenticity" in run(book.folder)[2]


def test_check_with_the_districts_keys_names_their_file(run, book, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"U1": Writer("U1").key_hex.upper()}))
    code, said, told = run(book.folder, "--keys", keys, "--json")
    assert (code, said["keys"], said["faults"], told) == (0, str(keys), [], "")
    keys.write_text(json.dumps({"U1": Writer("U2").key_hex}))
    code, said, _ = run(book.folder, "--keys", keys, "--json")
    assert (code, said["faults"][0]) == (
        1,
        {
            "code": "bad_seal",
            "where": "U1:1",
            "zh": "签名与单元的公钥不符",
            "en": "the seal is not of the unit's key",
        },
    )


def test_check_says_each_fault_in_a_line(run, book):
    with book.ledger() as db, transaction(db):
        db.execute("UPDATE bill_files SET body = x'78'")
    code, said, told = run(book.folder)
    assert code == 1
    assert said.startswith("bill_file    b.json  账单文件被改动 · the bill file was changed")
    assert "1 faults" in told


def test_check_changes_nothing(run, book):
    before = (book.folder / FILE).read_bytes()
    run(book.folder)
    assert (book.folder / FILE).read_bytes() == before


@pytest.mark.parametrize("keys", ["[]", "{", '{"U1": 5}', '{"U1": "xyz"}'])
def test_keys_that_cannot_be_read_are_refused_in_one_line(run, book, tmp_path, keys):
    path = tmp_path / "keys.json"
    path.write_text(keys)
    code, _, told = run(book.folder, "--keys", path)
    assert (code, told.count("\n"), "cannot read the keys" in told) == (2, 1, True)


def test_what_is_no_ledger_is_refused_in_one_line(run, book, tmp_path):
    assert run(tmp_path / "nowhere")[0] == 2
    assert run(book.folder / FILE)[0] == 2
    (book.folder / FILE).write_bytes(b"this is no database, but it is long enough to be one" * 100)
    code, _, told = run(book.folder)
    assert (code, told.count("\n"), "cannot read the ledger" in told) == (2, 1, True)
