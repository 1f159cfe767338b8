"""A wrong fact is put right by two persons, who see first which verdicts and leads that changes."""

from __future__ import annotations

import pytest

from gateway import amendment, inventory
from gateway.errors import UsageError
from gateway.inventory import Spot
from gateway.ledger import trail, units
from tests.support.audited import EVENING_MS, MONDAY, lamp_day, one_too_many, settle
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, take_in

BOTH = ("--by", "D01", "--and", "D02")


@pytest.fixture
def book(tmp_path):
    """A lamp of two heads entered as one: three treatments fit, four were charged, so one is in doubt."""
    return one_too_many(tmp_path / "clinic")


def everything(db):
    tables = ("runs", "verdicts", "leads", "devices", "placements", "amendments", "trail")
    return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def test_a_rehearsal_lists_what_would_change_and_changes_nothing(run, db):
    before = everything(db)
    code, said, _ = run("device", "amend", "tdp-U1", "--stations", 2, *BOTH, "--dry-run", "--json")
    assert (code, said["device"], said["done"]) == (0, "tdp-U1", False)
    (changed,) = said["changes"]["verdicts"]
    assert (changed["was"], changed["becomes"], changed["item"]) == ("no_device_time", "supported", 31)
    (gone,) = said["changes"]["leads"]["gone"]
    assert gone["rule"] == "capacity" and gone["day"] == "2026-03-02"
    assert everything(db) == before


def test_amending_does_it_and_notes_both_persons_and_what_it_changed(run, db):
    code, said, _ = run("device", "amend", "tdp-U1", "--stations", 2, *BOTH, "--json")
    assert code == 0 and said["done"]
    assert units.devices(db)["tdp-U1"].stations == 2
    (entry,) = trail.entries(db)
    assert (entry.who, entry.act, entry.subject) == ("D01", "amend", "device:tdp-U1")
    assert (entry.body["and"], entry.body["verdicts"]) == ("D02", 1)
    assert entry.body["leads"]["gone"] == [each["id"] for each in said["changes"]["leads"]["gone"]]
    assert [(each["by"], each["second"]) for each in units.amendments(db)] == [("D01", "D02")]


def test_what_was_said_before_stays_until_somebody_reconciles_anew(run, db, book):
    kept = db.execute("SELECT * FROM verdicts").fetchall()
    code, out, err = run("device", "amend", "tdp-U1", "--stations", 2, *BOTH)
    assert code == 0 and "无设备时间 → 相符" in out and "no device time → supported" in out
    assert "reconcile" in err
    assert db.execute("SELECT * FROM verdicts").fetchall() == kept
    assert settle(db, book)["summary"]["supported"] == 4


def test_what_the_rehearsal_said_is_what_reconciling_says_afterwards(run, db, book):
    changes = run("device", "amend", "tdp-U1", "--stations", 2, *BOTH, "--json")[1]["changes"]
    after = {(each["line"], each["index"]): each["verdict"] for each in settle(db, book)["treatments"]}
    assert all(after[each["line"], each["index"]] == each["becomes"] for each in changes["verdicts"])


@pytest.mark.parametrize(
    "people", [("--by", "D01", "--and", "D01"), ("--by", "D01", "--and", " "), ("--by", "", "--and", "D02")]
)
def test_one_person_alone_amends_nothing(run, db, people):
    code, _, said = run("device", "amend", "tdp-U1", "--stations", 2, *people)
    assert code == 2 and "two different persons" in said
    assert units.devices(db)["tdp-U1"].stations == 1 and trail.entries(db) == []


def test_a_move_in_the_past_that_changes_verdicts_takes_two_persons_and_shows_them(run, db):
    inventory.add_device(db, "tdp-2", CLINIC, Spot("tdp", "R2", stations=3), START_MS)
    asked = ("unit", "move", "U1", "--device", "tdp-2", "--at", "2026-03-02T08:31", "--json")
    code, _, said = run(*asked, "--by", "D01")
    assert code == 2 and "two different persons" in said
    code, said, _ = run(*asked, "--dry-run")
    assert (code, said["unit"], said["done"], said["device"]) == (0, "U1", False, None)
    assert said["changes"]["verdicts"]
    code, again, _ = run(*asked, *BOTH)
    assert (code, again["done"], again["device"], again["changes"]) == (0, True, "tdp-2", said["changes"])
    assert trail.entries(db)[-1].subject == "device:tdp-2"


def test_taking_a_unit_or_a_device_out_in_the_past_takes_two_persons_too(run, db):
    asked = ("unit", "retire", "U1", "--at", "2026-03-02T08:31")
    code, _, said = run(*asked)
    assert code == 2 and "two different persons" in said
    code, said, _ = run(*asked, *BOTH, "--json")
    assert (code, said["done"], said["device"]) == (0, True, "tdp-U1") and said["changes"]["verdicts"]
    asked = ("device", "retire", "tdp-U1", "--at", "2026-03-02T08:40")
    assert run(*asked)[0] == 2
    code, said, _ = run(*asked, *BOTH, "--json")
    assert code == 0 and units.devices(db)["tdp-U1"].until_ms is not None
    assert [each.act for each in trail.entries(db)] == ["amend", "amend"]


def test_a_device_put_in_afterwards_that_would_explain_everything_takes_two_persons(run, db):
    asked = ("device", "add", "LAMP-9", "--load", "tdp", "--room", "R9")
    code, _, said = run(*asked)
    assert code == 2 and "two different persons" in said and "LAMP-9" not in units.devices(db)
    code, said, _ = run(*asked, "--dry-run", "--json")
    assert (code, said["done"]) == (0, False)
    assert [each["becomes"] for each in said["changes"]["verdicts"]] == ["unobserved"]
    assert run(*asked, *BOTH)[0] == 0 and trail.entries(db)[0].subject == "device:LAMP-9"


def test_a_unit_entered_for_all_time_that_would_explain_everything_takes_two_persons(run, db):
    asked = ("unit", "add", "U9", "--key", Writer("U9").key_hex, "--load", "tdp", "--room", "R9")
    code, _, said = run(*asked)
    assert (
        code == 2 and "two different persons" in said and "since when" in said and "U9" not in units.units(db)
    )
    code, said, _ = run(*asked, "--dry-run", "--json")
    assert (code, said["done"], said["device"], said["stored"]) == (0, False, None, 0)
    assert [each["becomes"] for each in said["changes"]["verdicts"]] == ["unobserved"]
    assert "U9" not in units.units(db)
    code, again, _ = run(*asked, *BOTH, "--json")
    assert (code, again["unit"], again["device"], again["changes"]) == (0, "U9", "tdp-U9", said["changes"])
    assert (trail.entries(db)[0].subject, trail.entries(db)[0].body["and"]) == ("device:tdp-U9", "D02")


def test_records_that_waited_for_their_unit_count_among_what_it_changes(run, db):
    late = lamp_day(Writer("U9"), 25)
    assert take_in(db, late.lines, EVENING_MS).quarantined == len(late.lines)
    asked = ("unit", "add", "U9", "--key", late.key_hex, "--load", "tdp", "--room", "R9", "--json")
    code, said, _ = run(*asked, "--dry-run")
    assert code == 0 and [each["becomes"] for each in said["changes"]["verdicts"]] == ["supported"]
    assert db.execute("SELECT count(*) FROM quarantine").fetchone() == (len(late.lines),)
    code, said, _ = run(*asked, *BOTH)
    assert (code, said["stored"], said["done"]) == (0, len(late.lines), True)


def entered(db):
    return [(each.who, each.act, each.subject) for each in trail.entries(db)]


def test_a_unit_that_is_new_since_a_later_day_is_entered_by_one_person(run, db):
    key = Writer("U9").key_hex
    asked = ("unit", "add", "U9", "--key", key, "--load", "tdp", "--room", "R9", "--from", "2026-03-03")
    code, out, said = run(*asked)
    assert (code, out) == (0, "") and "tdp-U9" in said
    assert entered(db) == [("console", "inventory", "device:tdp-U9")]


def test_what_changes_nothing_that_was_said_takes_one_person_and_is_no_amendment(run, db):
    assert run("device", "add", "STIM-9", "--load", "stim", "--room", "R9")[0] == 0
    assert run("device", "add", "LAMP-9", "--load", "tdp", "--room", "R9", "--from", "2026-03-03")[0] == 0
    assert run("device", "retire", "STIM-9", "--at", "2026-03-02T09:00", "--by", "D01")[0] == 0
    assert [who for who, act, _ in entered(db) if act == "inventory"] == ["console", "console", "D01"]


def test_a_move_from_now_on_is_no_amendment_and_takes_one(run, db):
    code, said, _ = run("unit", "move", "U1", "--room", "R2", "--at", "2026-03-03T08:00", "--json")
    assert (code, said["done"]) == (0, True)
    assert entered(db) == [("console", "inventory", "device:tdp-U1.2")]


def test_what_cannot_be_done_is_refused_before_anything_is_shown(run, db):
    code, out, said = run("unit", "move", "U1", "--device", "nosuch", "--at", "2026-03-02T09:00", *BOTH)
    assert code == 2 and "nosuch" in said and out == ""


def test_the_act_and_its_trace_are_done_together_or_not_at_all(db, monkeypatch):
    monkeypatch.setattr(trail, "note", lambda *_: 1 / 0)
    act = lambda db: inventory.set_stations(db, "tdp-U1", 2, ("D01", "D02"), EVENING_MS)  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        amendment.do(db, act, "w", ("D01", "D02"), amendment.Effect(), EVENING_MS)
    assert units.devices(db)["tdp-U1"].stations == 1 and units.amendments(db) == []


def test_an_amendment_of_another_clinic_concerns_nothing_here(db, book):
    assert amendment.is_back_dated(db, CLINIC, MONDAY)
    assert not amendment.is_back_dated(db, "C002", MONDAY)
    with pytest.raises(UsageError):
        inventory.set_stations(db, "nosuch", 2, ("D01", "D02"), EVENING_MS)
