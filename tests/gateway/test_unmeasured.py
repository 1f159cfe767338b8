"""A unit without a meter on a lamp, by somebody's mistake: nobody is doubted for what nothing measured."""

from __future__ import annotations

from pathlib import Path

from gateway import inventory
from gateway.ledger import trail, units
from gateway.ledger.database import transaction
from tests.support.audited import EVENING_MS, charge, lamp_day, runner, settle
from tests.support.bills import detail
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder, take_in


def judged(folder: Path, maker: str) -> dict[str, int]:
    writer = lamp_day(Writer("U1", maker=maker))
    book = in_folder(folder, writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, detail("1"))
        return {code: n for code, n in settle(db, book)["summary"].items() if n}


def test_with_a_meter_a_lamp_that_never_burned_proves_that_no_time_was_there(tmp_path):
    assert judged(tmp_path, "bench") == {"no_device_time": 1}


def test_without_a_meter_the_same_records_leave_it_open(tmp_path, capsys):
    assert judged(tmp_path, "none") == {"unobserved": 1}
    code, _, said = runner(tmp_path, capsys)("check", tmp_path)
    assert code == 0, said


def test_it_is_declared_once_and_the_trail_says_why(tmp_path):
    writer = lamp_day(Writer("U1", maker="none"))
    book = in_folder(tmp_path, writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        settle(db, book)
        settle(db, book)
        said = [(each.who, each.act, each.subject) for each in trail.entries(db)]
        assert said == [("gateway", "blind", "device:tdp-U1")]
        assert units.devices(db)["tdp-U1"].blind


def test_a_session_that_was_open_when_the_meter_went_does_not_hide_it(tmp_path):
    """The first boot saw the load go on; the next, which has no meter, closes that session and says that all is well."""
    writer = Writer("U1")
    writer.boot(), writer.open()
    writer._identity = Writer("U1", maker="none")._identity
    writer.boot(), writer.session(10), writer.alive()
    book = in_folder(tmp_path, writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        assert inventory.declare_unmeasured(db, CLINIC, EVENING_MS) == ["tdp-U1"]


def test_a_unit_that_saw_its_load_go_on_has_a_meter(tmp_path):
    writer = lamp_day(Writer("U1"), 20)
    book = in_folder(tmp_path, writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        assert inventory.declare_unmeasured(db, CLINIC, EVENING_MS) == []


def test_a_post_is_none_the_worse_for_having_no_meter(tmp_path):
    writer = lamp_day(Writer("U1", maker="none"))
    book = in_folder(tmp_path, writer)
    with book.ledger() as db:
        with transaction(db):
            db.execute("UPDATE devices SET load = 'post16'")
        take_in(db, writer.lines, EVENING_MS)
        settle(db, book)
        assert trail.entries(db) == [] and not units.devices(db)["tdp-U1"].blind
