"""The catalogue as people change it: two persons for the items, one for a clinic's own codes; lines and verdicts follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from gateway import __main__ as program
from gateway import config, pipeline
from gateway.audit import catalogue, import_bills
from gateway.audit.formats.mapped import mapping
from gateway.audit.import_bills import Rules
from gateway.audit.patients import Patients
from gateway.bootstrap import Book
from gateway.check.recheck import recheck
from gateway.ledger import bills, trail
from gateway.ledger import catalogue as ledger
from gateway.ledger.bills import Teller
from gateway.pages.day import day_view
from tests.gateway.test_settle import EVENING_MS, MONDAY, TUESDAY, day_of
from tests.support.bills import as_json, detail, fee, fee_list, refund, upload
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in

Run = Callable[..., tuple[int, Any, str]]
CLINIC = Teller("C001", "clinic")
SHORTER = "[[items]]\nnumber = 31\nvalid_from = 2026-03-02\nmin_minutes = 10\n"
LATER_MS = 2_000_000_000_000  # after whatever the machine's clock says when a proposal is approved
OWN: dict[str, Any] = {"med_list_codg": None, "medins_list_codg": "L1", "medins_list_name": "烤电"}


@pytest.fixture
def writer() -> Writer:
    return day_of(Writer("U1"), 20, 45)


@pytest.fixture
def book(tmp_path: Path, writer: Writer) -> Book:
    return in_folder(tmp_path / "clinic", writer)


@pytest.fixture
def db(book: Book, writer: Writer) -> Database:
    held = book.ledger()
    take_in(held, writer.lines, EVENING_MS)
    return held


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the ledger: (exit code, its JSON or text, what it said to people)."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = program.run(["--dir", str(tmp_path / "clinic"), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run


@pytest.fixture
def proposal(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "change.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def take(db: Database, book: Book, body: bytes, teller: Teller = CLINIC, own: str = "") -> None:
    held = catalogue.in_force(db)
    mapped = mapping(own, "m", frozenset(held.items)) if own else None
    rules = Rules(held, book.config.zone, Patients(b"settle" * 8), mapped)
    assert not import_bills.import_bills(db, rules, body, "b", teller, EVENING_MS).refused


def charge(db: Database, book: Book, *lines: dict[str, Any], own: str = "") -> None:
    take(db, book, as_json(upload(*lines)), own=own)


def items(db: Database, teller: Teller = CLINIC) -> dict[str, tuple[int | None, int]]:
    """line -> its item and treatments."""
    return {each.line: (each.item, each.treatments) for each in bills.lines_charged(db, teller, 0, 2**60)}


def settle(db: Database, book: Book, last: date = MONDAY, now_ms: int = EVENING_MS) -> dict[str, Any]:
    return pipeline.settle(db, book.config, MONDAY, last, "clinic", now_ms).said


def faults(db: Database, writer: Writer, book: Book) -> list[Any]:
    connection = book.ledger().conn
    return recheck(connection, {"U1": writer.key_hex}, book.config.zone).faults


# --- a clinic's own codes ----------------------------------------------------------------------------------------


def test_what_has_no_item_is_listed_with_its_lines_and_money_and_not_guessed(db, book, run):
    charge(
        db, book, detail("1", **OWN), detail("2", **OWN, cnt="2", det_item_fee_sumamt="24.00"), detail("3")
    )
    code, told, _ = run("catalogue", "unmapped", "--json")
    (row,) = told["unmapped"]
    assert (code, told["lines"], told["amount"]) == (0, 2, "36.00")
    assert (row["code"], row["own_code"], row["name"]) == ("L1", "L1", "烤电")
    assert (row["lines"], row["amount"], row["candidates"]) == (2, "36.00", [])


def test_a_code_that_could_be_several_items_comes_first_and_is_exit_1(db, book, run):
    doubtful = detail("2", med_list_codg="450000008", medins_list_codg=None)
    charge(db, book, detail("1", **OWN, det_item_fee_sumamt="99.00"), doubtful)
    code, told, _ = run("catalogue", "unmapped", "--json")
    assert code == 1
    assert [each["candidates"] for each in told["unmapped"]] == [[11, 12, 13, 14], []]
    _, shown, said = run("catalogue", "unmapped")
    assert "450000008" in shown and "? 11, 12, 13, 14" in shown and "could be one" in said


def test_a_code_is_mapped_once_and_lines_without_item_get_theirs_also_later_ones(db, book, run):
    charge(db, book, detail("1", **OWN), detail("2", **OWN, cnt="3", det_item_fee_sumamt="36.00"))
    assert items(db) == {"V1/1": (None, 0), "V1/2": (None, 0)}
    code, told, _ = run("catalogue", "map", "L1", 31, "--by", "D01", "--json")
    assert (code, told["mapping"], told["item"], told["from"]) == (0, 1, 31, None)
    assert told["lines"] == {"given": 2, "moved": 0, "taken": 0, "counted": 0, "kept": []}
    charge(db, book, detail("3", **OWN))
    assert items(db) == {"V1/1": (31, 1), "V1/2": (31, 3), "V1/3": (31, 1)}
    assert run("catalogue", "unmapped", "--json")[1]["unmapped"] == []


def test_a_mapping_counts_from_its_day_on(db, book, run):
    later = detail("2", **OWN, fee_ocur_time="2026-03-02 00:00:00")
    charge(db, book, detail("1", **OWN, fee_ocur_time="2026-03-01 23:59:59"), later)
    assert (
        run("catalogue", "map", "L1", 31, "--by", "D01", "--from", "2026-03-02", "--json")[1]["lines"][
            "given"
        ]
        == 1
    )
    assert items(db) == {"V1/1": (None, 0), "V1/2": (31, 1)}
    charge(db, book, detail("3", **OWN, fee_ocur_time="2026-03-01 10:00:00"))
    assert items(db)["V1/3"] == (None, 0)


def test_of_two_mappings_the_later_one_counts_and_none_takes_one_back(db, book, run):
    charge(db, book, detail("1", **OWN))
    run("catalogue", "map", "L1", 31, "--by", "D01")
    assert run("catalogue", "map", "L1", 23, "--by", "D01", "--json")[1]["lines"]["moved"] == 1
    assert items(db) == {"V1/1": (23, 1)}
    assert run("catalogue", "map", "L1", "none", "--by", "D02", "--json")[1]["lines"]["taken"] == 1
    assert items(db) == {"V1/1": (None, 0)}
    kept = [(each.item, each.by) for each in ledger.own_codes(db, "C001")]
    assert kept == [(31, "D01"), (23, "D01"), (None, "D02")]


def test_what_partial_refunds_left_of_a_line_is_what_counts_when_it_gets_its_item(db, book, run):
    own = {
        "med_list_codg": "",
        "hilist_code": "",
        "medins_list_codg": "L1",
        "hilist_name": "",
        "medins_list_name": "烤电",
    }
    line = fee("1", **own, cnt="5", det_item_fee_sumamt="60.00")
    back = refund("9", **own, init_feedetl_sn="1", cnt="-2", det_item_fee_sumamt="-24.00")
    take(db, book, fee_list(line, back, quote='"'), Teller("C001", "platform"))
    assert run("catalogue", "map", "L1", 31, "--by", "D01", "--json")[1]["lines"]["given"] == 1
    (held,) = bills.lines_charged(db, Teller("C001", "platform"), 0, 2**60)
    assert (held.item, held.treatments, held.amount_fen, held.count) == (31, 3, 3600, "5")


def test_a_count_that_the_item_cannot_have_keeps_its_line_without_item(db, book, run):
    charge(db, book, detail("1", **OWN, cnt="1.5", det_item_fee_sumamt="18.00"))
    code, told, _ = run("catalogue", "map", "L1", 31, "--by", "D01", "--json")
    assert (code, told["lines"]["given"], told["lines"]["kept"]) == (0, 0, ["V1/1"])
    assert items(db) == {"V1/1": (None, 0)}


def test_a_line_that_has_its_item_by_a_mapping_file_keeps_it(db, book, run):
    charge(db, book, detail("1", **OWN), own="[items]\nL1 = 32\n")
    assert run("catalogue", "map", "L1", 31, "--by", "D01", "--json")[1]["lines"]["moved"] == 0
    assert items(db) == {"V1/1": (32, 1)}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("L1", 99, "--by", "D01"), "the catalogue has no item 99"),
        (("L1", "x", "--by", "D01"), "must be a number of the catalogue, or none"),
        (("L1", 31, "--by", " "), "--by says who it is"),
        (("1.5E+10", 31, "--by", "D01"), "turned into a number by a spreadsheet"),
        ((" ", 31, "--by", "D01"), "name a code as bills have it"),
        (("L1", 31, "--by", "D01", "--from", "1.3.2026"), "is no date"),
        (("L1", 31, "--by", "D01", "--clinic", "C999"), "not of C999"),
    ],
)
def test_a_mapping_that_cannot_stand_is_one_line_and_nothing_is_kept(db, run, arguments, says):
    code, _, said = run("catalogue", "map", *arguments)
    assert code == 2 and says in said
    assert ledger.own_codes(db, "C001") == [] and trail.entries(db) == []


# --- two persons change the catalogue ----------------------------------------------------------------------------


def test_one_proposes_and_sees_what_would_change_and_nothing_changes_yet(db, book, run, proposal):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    before = settle(db, book)
    assert before["summary"]["no_device_time"] == 1
    code, told, _ = run(
        "catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "2026-12", "--json"
    )
    assert (code, told["proposal"]) == (0, 1)
    assert told["differences"] == [
        {
            "item": 31,
            "from": "2026-03-02",
            "to": None,
            "change": "changed",
            "fields": {"min_minutes": {"was": 20, "becomes": 10}},
        }
    ]
    (changed,) = told["verdicts"]
    assert (changed["line"], changed["was"], changed["becomes"]) == ("V1/4", "no_device_time", "supported")
    assert catalogue.in_force(db).edition == 0
    assert settle(db, book) == before


def test_another_person_approves_and_verdicts_go_by_the_version_of_their_day(db, book, run, proposal, writer):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    settle(db, book)
    run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "2026-12")
    code, told, _ = run("catalogue", "approve", 1, "--by", "D02", "--json")
    assert (code, told["edition"], len(told["verdicts"])) == (0, 1, 1)
    assert faults(db, writer, book) == []  # the run from before still stands, by the catalogue of its time
    after = settle(db, book, now_ms=LATER_MS)
    assert after["summary"]["supported"] == 4
    assert [each["rule"] for each in after["leads"]] == ["unbilled"]  # of 20 and 45 minutes now more is left
    assert {each["required_s"] for each in after["treatments"]} == {540}
    assert faults(db, writer, book) == []


@pytest.mark.parametrize("who", ["D01", " d01 ", "Ｄ０１"])
def test_the_same_person_cannot_approve_whoever_that_is_written_as(db, run, proposal, who):
    run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "2026-12")
    code, _, said = run("catalogue", "approve", 1, "--by", who)
    assert code == 2 and "another person approves it" in said
    assert catalogue.in_force(db).edition == 0


def test_a_period_that_spans_a_change_goes_by_both_versions_and_errs_for_the_clinic(
    db, book, run, proposal, writer
):
    tuesday = SHORTER.replace("2026-03-02", "2026-03-03")
    run("catalogue", "propose", proposal(tuesday), "--by", "D01", "--why", "2026-12")
    run("catalogue", "approve", 1, "--by", "D02")
    charge(db, book, detail("1"), detail("2", fee_ocur_time="2026-03-03 09:00:00"))
    found = settle(db, book, TUESDAY, LATER_MS)
    assert {each["line"]: each["item_required_s"] for each in found["treatments"]} == {
        "V1/1": 1140,
        "V1/2": 540,
    }
    assert {each["required_s"] for each in found["treatments"]} == {540}
    alone = settle(db, book, now_ms=LATER_MS)
    assert [(each["item_required_s"], each["required_s"]) for each in alone["treatments"]] == [(1140, 1140)]
    assert faults(db, writer, book) == []


def test_a_line_follows_the_code_that_gave_it_its_item(db, book, run, proposal):
    charge(db, book, detail("1"), detail("2", fee_ocur_time="2026-03-01 09:00:00"))
    moved = (
        "[[items]]\nnumber = 31\nvalid_from = 2026-03-02\ncodes = []\n"
        '[[items]]\nnumber = 32\nvalid_from = 2026-03-02\ncodes = [{ code = "003401000010000", system = "national_15",'
        ' status = "official" }]\n'
    )
    run("catalogue", "propose", proposal(moved), "--by", "D01", "--why", "2026-12")
    told = run("catalogue", "approve", 1, "--by", "D02", "--json")[1]
    assert told["lines"]["moved"] == 1
    assert items(db) == {"V1/1": (32, 1), "V1/2": (31, 1)}


def test_a_line_without_item_gets_the_one_whose_code_is_known_at_last(db, book, run, proposal):
    charge(db, book, detail("1", med_list_codg="004700000990000", medins_list_codg=None))
    known = '[[items]]\nnumber = 30\ncodes = [{ code = "004700000990000", system = "national_15", status = "sourced" }]'
    run("catalogue", "propose", proposal(known), "--by", "D01", "--why", "2026-12")
    assert run("catalogue", "approve", 1, "--by", "D02", "--json")[1]["lines"]["given"] == 1
    assert items(db) == {"V1/1": (30, 1)}


def test_what_is_counted_otherwise_is_counted_anew(db, book, run, proposal):
    charge(db, book, detail("1", cnt="3", det_item_fee_sumamt="36.00"))
    run("catalogue", "propose", proposal('[[items]]\nnumber = 31\nper = "根"'), "--by", "D01", "--why", "x")
    assert run("catalogue", "approve", 1, "--by", "D02", "--json")[1]["lines"]["counted"] == 1
    assert items(db) == {"V1/1": (31, 1)}


def test_what_has_its_item_by_a_mapping_file_is_counted_anew_too(db, book, run, proposal):
    charge(db, book, detail("1", **OWN, cnt="3", det_item_fee_sumamt="36.00"), own="[items]\nL1 = 31\n")
    run("catalogue", "propose", proposal('[[items]]\nnumber = 31\nper = "根"'), "--by", "D01", "--why", "x")
    assert run("catalogue", "approve", 1, "--by", "D02", "--json")[1]["lines"]["counted"] == 1
    assert items(db) == {"V1/1": (31, 1)}


def test_an_item_that_was_withdrawn_is_none_from_then_on_in_verdicts_and_on_the_page(db, book, run, proposal):
    charge(db, book, detail("1"), detail("2", fee_ocur_time="2026-03-01 09:00:00"))
    settle(db, book)
    gone = "[[items]]\nnumber = 31\nwithdrawn = true\nvalid_from = 2026-03-02"
    told = run("catalogue", "propose", proposal(gone), "--by", "D01", "--why", "x", "--json")[1]
    assert [(each["was"], each["becomes"]) for each in told["verdicts"]] == [("supported", None)]
    assert told["differences"][0]["change"] == "withdrawn"
    run("catalogue", "approve", 1, "--by", "D02")
    assert items(db) == {"V1/1": (None, 0), "V1/2": (31, 1)}
    assert settle(db, book)["treatments"] == []
    view = day_view(db, book.config, MONDAY)
    assert (view.lines, view.outside) == ((), 1)
    assert len(day_view(db, book.config, date(2026, 3, 1)).lines) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[items]]\nnumber = 31\nmin_minutes = 20", "says nothing that is other than now"),
        ("[[items]]\nnumber = 31\nmin_minutes = 99", "must be at most max_minutes"),
        ("nonsense", "is no TOML"),
    ],
)
def test_a_proposal_that_cannot_count_is_refused_and_not_kept(db, run, proposal, text, says):
    code, _, said = run("catalogue", "propose", proposal(text), "--by", "D01", "--why", "x")
    assert code == 2 and says in said
    assert ledger.proposals(db) == [] and trail.entries(db) == []


def test_a_proposal_says_who_and_why(db, run, proposal):
    code, _, said = run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", " ")
    assert code == 2 and "--why" in said
    assert run("catalogue", "approve", 7, "--by", "D02")[2].endswith("see wattwitness catalogue proposals\n")


def test_a_proposal_counts_once(db, run, proposal):
    run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "x")
    run("catalogue", "approve", 1, "--by", "D02")
    code, _, said = run("catalogue", "approve", 1, "--by", "D03")
    assert code == 2 and "proposal 1 counts already" in said


def test_proposals_and_approvals_are_kept_with_who_why_and_every_character(db, book, run, proposal):
    run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "notice 12")
    run("catalogue", "approve", 1, "--by", "D02")
    (row,) = run("catalogue", "proposals", "--json")[1]["proposals"]
    assert (row["by"], row["why"], row["approved_by"], row["edition"]) == ("D01", "notice 12", "D02", 1)
    (whole,) = run("catalogue", "proposals", 1, "--json")[1]["proposals"]
    assert whole["body"] == SHORTER
    assert whole["differences"][0]["fields"] == {"min_minutes": {"was": 20, "becomes": 10}}
    assert [(each.who, each.act) for each in trail.entries(db)] == [
        ("D01", "catalogue_propose"),
        ("D02", "catalogue_approve"),
    ]


def test_the_catalogue_is_listed_as_it_is_on_a_day_and_an_item_with_all_its_versions(db, run, proposal):
    run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "x")
    run("catalogue", "approve", 1, "--by", "D02")

    def least(day: str) -> int:
        told = run("catalogue", "list", "--on", day, "--json")[1]
        assert (told["edition"], len(told["items"])) == (1, 36)
        return next(each["min_minutes"] for each in told["items"] if each["number"] == 31)

    assert (least("2026-03-01"), least("2026-03-02")) == (20, 10)
    versions = run("catalogue", "show", 31, "--json")[1]["versions"]
    assert [(each["valid_from"], each["valid_to"]) for each in versions] == [
        (None, "2026-03-01"),
        ("2026-03-02", None),
    ]
    assert "红外线治疗(TDP)" in run("catalogue", "list", "--on", "2026-03-02")[1]
    code, _, said = run("catalogue", "show", 99)
    assert code == 2 and "the catalogue has no item 99" in said


TAMPERED = {
    "one person alone": "UPDATE catalogue_approvals SET by = ' d01'",
    "other words": "UPDATE catalogue_proposals SET body = replace(body, '10', '5')",
    "never approved": "DELETE FROM trail WHERE act = 'catalogue_approve'",
    "another item": "UPDATE own_codes SET item = 23",
    "never mapped": "INSERT INTO own_codes (clinic, code, item, from_day, by, at_ms) VALUES ('C001', 'L2', 31, '', 'D01', 1)",
}


@pytest.mark.parametrize("sql", TAMPERED.values(), ids=TAMPERED)
def test_check_finds_a_change_without_its_second_person_or_its_trace(db, book, run, proposal, writer, sql):
    run("catalogue", "propose", proposal(SHORTER), "--by", "D01", "--why", "x")
    run("catalogue", "approve", 1, "--by", "D02")
    run("catalogue", "map", "L1", 31, "--by", "D01")
    assert faults(db, writer, book) == []
    db.execute("DROP TRIGGER trail_stays")
    db.execute(sql)
    db.conn.commit()
    assert "catalogue" in {each.code for each in faults(db, writer, book)}


# --- a district --------------------------------------------------------------------------------------------------

TWO_CLINICS = '[clinics.C001]\nname = "甲"\n[clinics.C002]\nname = "乙"\ntimezone = "Asia/Tokyo"\n'


@pytest.fixture
def district(tmp_path: Path) -> Book:
    """A district's ledger with the bills of two clinics, each with a code of its own; one has no hours written down."""
    book = in_folder(tmp_path / "clinic", role=config.DISTRICT, extra=TWO_CLINICS)
    with book.ledger() as db:
        for clinic in ("C001", "C002", "C003"):
            take(db, book, as_json(upload(detail("1", **OWN), detail("2"))), Teller(clinic, "platform"))
    return book


def test_what_one_clinic_says_of_its_codes_is_said_of_no_other(district, run):
    assert run("catalogue", "map", "L1", 31, "--by", "D01")[2].startswith("错误 · error: 请给出 --clinic")
    code, told, _ = run("catalogue", "map", "L1", 31, "--by", "D01", "--clinic", "C002", "--json")
    assert (code, told["clinic"], told["lines"]["given"]) == (0, "C002", 1)
    with district.ledger() as db:
        found = {clinic: items(db, Teller(clinic, "platform")) for clinic in ("C001", "C002")}
    assert found == {"C001": {"V1/1": (None, 0), "V1/2": (31, 1)}, "C002": {"V1/1": (31, 1), "V1/2": (31, 1)}}
    rest = run("catalogue", "unmapped", "--json")[1]["unmapped"]
    assert [each["clinic"] for each in rest] == ["C001", "C003"]
    assert run("catalogue", "unmapped", "--clinic", "C002", "--json")[1]["unmapped"] == []


def test_a_change_of_the_catalogue_counts_for_all_clinics_of_a_district_each_by_its_own_day(
    district, run, proposal
):
    ended = "[[items]]\nnumber = 31\nwithdrawn = true\nvalid_from = 2026-03-02"
    run("catalogue", "propose", proposal(ended), "--by", "D01", "--why", "x")
    assert run("catalogue", "approve", 1, "--by", "D02", "--json")[1]["lines"]["taken"] == 3
    with district.ledger() as db:
        assert {items(db, Teller(clinic, "platform"))["V1/2"] for clinic in ("C001", "C002", "C003")} == {
            (None, 0)
        }


# --- imports -----------------------------------------------------------------------------------------------------


def test_a_clinics_own_code_is_found_beside_a_national_code_that_is_not_known(db, book, run):
    unknown = detail("1", med_list_codg="009999999999999", medins_list_codg="L1")
    charge(db, book, unknown)
    (row,) = run("catalogue", "unmapped", "--json")[1]["unmapped"]
    assert (row["code"], row["own_code"]) == ("009999999999999", "L1")
    assert run("catalogue", "map", "L1", 32, "--by", "D01", "--json")[1]["lines"]["given"] == 1
    charge(db, book, detail("2", med_list_codg="009999999999999", medins_list_codg="L1"))
    assert items(db) == {"V1/1": (32, 1), "V1/2": (32, 1)}


def test_lines_are_read_by_the_version_of_their_day_when_they_come(db, book, run, proposal):
    other = '[[items]]\nnumber = 31\nvalid_from = 2026-03-02\nper = "根"'
    run("catalogue", "propose", proposal(other), "--by", "D01", "--why", "x")
    run("catalogue", "approve", 1, "--by", "D02")
    five = {"cnt": "5", "det_item_fee_sumamt": "60.00"}
    charge(db, book, detail("1", **five), detail("2", **five, fee_ocur_time="2026-03-01 23:59:59"))
    assert items(db) == {"V1/1": (31, 1), "V1/2": (31, 5)}


def test_an_export_that_tells_more_of_a_line_fills_in_what_was_not_told(db, book, run):
    """As of lines that were imported before own codes were kept."""
    charge(db, book, detail("1"))
    db.execute("UPDATE bill_lines SET own_code = '', insured = NULL")
    db.conn.commit()
    take(db, book, as_json(upload(detail("1"), detail("2"))))
    rows = db.execute("SELECT line, own_code, insured FROM bill_lines ORDER BY line").fetchall()
    assert rows == [("V1/1", "OWN31", 1), ("V1/2", "OWN31", 1)]
