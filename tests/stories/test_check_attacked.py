"""`check` on a ledger that somebody has improved: each change of a stored byte is found and named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from gateway.__main__ import wattwitness
from gateway.demo import plan
from tests.support.world import World


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """The ledger folder of the demo's day, reconciled."""
    world = World(tmp_path_factory.mktemp("honest"), plan.plan()).play()
    world.settle()
    world.db.close()
    return world.book.folder


@pytest.fixture
def attacked(honest, tmp_path):
    """attacked(change) -> what `check --json` says after `change(db)`."""

    def after(change: Callable[[sqlite3.Connection], object]) -> dict:
        folder = shutil.copytree(honest, tmp_path / "ledger")
        with sqlite3.connect(folder / "ledger.db") as db:
            change(db)
        db.close()
        return checked(folder)

    return after


def checked(folder, *more: str) -> dict:
    done = CliRunner().invoke(wattwitness, ["check", str(folder), "--json", *more], standalone_mode=False)
    assert done.exception is None, done.output
    said = json.loads(done.stdout)
    assert done.return_value == (1 if said["faults"] else 0)
    return said


def test_an_untouched_ledger_has_no_fault(honest):
    said = checked(honest)
    assert said["faults"] == [] and said["keys"] == "pack"
    assert min(said["records"], said["bill_files"], said["verdicts"], said["leads"]) > 0


@pytest.mark.parametrize("at", [20, 300, 500, -40, -3])
def test_a_changed_character_of_a_record_is_found(attacked, at):
    def change(db):
        (line,) = db.execute("SELECT line FROM records WHERE unit = 'L1' AND us = 20").fetchone()
        at_ = at % len(line)
        other = "1" if line[at_] != "1" else "2"
        db.execute("UPDATE records SET line = ? WHERE line = ?", [line[:at_] + other + line[at_ + 1 :], line])

    assert "L1:20" in {fault["where"] for fault in attacked(change)["faults"]}


def test_a_dropped_record_is_found(attacked):
    faults = attacked(lambda db: db.execute("DELETE FROM records WHERE unit = 'S1' AND us = 30"))["faults"]
    assert any(fault["where"].startswith("S1") for fault in faults)


def test_a_cut_off_end_is_found(attacked):
    faults = attacked(lambda db: db.execute("DELETE FROM records WHERE unit = 'S1' AND us > 60"))["faults"]
    assert any(fault["where"].startswith("S1") for fault in faults)


def test_the_key_of_another_unit_fits_no_record(attacked):
    swap = "UPDATE units SET key_hex = (SELECT key_hex FROM units WHERE unit = 'L2') WHERE unit = 'L1'"
    faults = attacked(lambda db: db.execute(swap))["faults"]
    assert {fault["code"] for fault in faults if fault["where"].startswith("L1:")} >= {"bad_seal"}


def test_a_changed_bill_file_is_found(attacked):
    faults = attacked(lambda db: db.execute("UPDATE bill_files SET body = CAST(body || ' ' AS BLOB)"))[
        "faults"
    ]
    assert "bill_file" in {fault["code"] for fault in faults}


def test_a_doubt_that_was_turned_into_support_is_found(attacked):
    def change(db):
        query = "SELECT rowid, body FROM verdicts WHERE code = 'no_device_time' LIMIT 1"
        row, body = db.execute(query).fetchone()
        (other,) = db.execute("SELECT body FROM verdicts WHERE code = 'supported' LIMIT 1").fetchone()
        said = {
            **json.loads(body),
            **{k: json.loads(other)[k] for k in ("verdict", "records", "active_s", "grade")},
        }
        db.execute(
            "UPDATE verdicts SET code = 'supported', body = ? WHERE rowid = ?", [json.dumps(said), row]
        )

    assert attacked(change)["faults"] != []


@pytest.mark.parametrize(
    "field, value", [("capacity", 41), ("treatments", 47), ("supplies", []), ("lines", [])]
)
def test_a_lead_whose_arithmetic_was_changed_is_found(attacked, field, value):
    def change(db):
        (body,) = db.execute("SELECT body FROM leads WHERE rule = 'capacity'").fetchone()
        said = json.dumps({**json.loads(body), field: value})
        db.execute("UPDATE leads SET body = ? WHERE rule = 'capacity'", [said])

    assert attacked(change)["faults"] != []


def test_a_session_that_was_left_out_of_a_lead_is_found(attacked):
    def change(db):
        (body,) = db.execute("SELECT body FROM leads WHERE rule = 'capacity'").fetchone()
        said = json.loads(body)
        said["supplies"].pop()
        said["capacity"] -= 1
        db.execute("UPDATE leads SET body = ? WHERE rule = 'capacity'", [json.dumps(said)])

    assert attacked(change)["faults"] != []


def test_with_keys_from_elsewhere_a_ledger_of_invented_keys_does_not_stand(honest, tmp_path):
    keys = tmp_path / "keys.json"
    with sqlite3.connect(honest / "ledger.db") as db:
        real = dict(db.execute("SELECT unit, key_hex FROM units").fetchall())
    keys.write_text(json.dumps({**real, "L1": real["L2"]}))
    faults = checked(honest, "--keys", str(keys))["faults"]
    assert {fault["where"].split(":")[0] for fault in faults if fault["code"] == "bad_seal"} == {"L1"}
