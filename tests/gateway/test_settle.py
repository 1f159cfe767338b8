"""Bills and sealed chains in a real ledger become verdicts and leads: by `settle`, and by the commands that people use."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from gateway import __main__ as program
from gateway import inventory, pipeline
from gateway.audit import catalogue, coverage, import_bills
from gateway.audit.gather import gather
from gateway.audit.hours import Hours
from gateway.audit.import_bills import Rules
from gateway.audit.patients import Patients
from gateway.bootstrap import Book
from gateway.intake.store import pass_gap
from gateway.inventory import Spot
from gateway.ledger import bills, periods, reviews, units, verdicts
from gateway.ledger.bills import BillFile, Entry, Teller
from gateway.ledger.database import transaction
from protocol import record
from tests.support.bills import STIM, as_json, deletion, detail, upload
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import enrol, in_folder, take_in

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
MINUTE_MS, DAY_MS = 60_000, 86_400_000
EVENING_MS = START_MS + 13 * 3600_000

Run = Callable[..., tuple[int, Any, str]]


def burned(writer: Writer, minutes: int) -> None:
    """One session, told as a unit tells it: OPEN, heartbeats, SESSION."""
    writer.open()
    begin_ms = writer.at_ms
    for _ in range((minutes - 1) // 10):
        writer.alive()
    until_ms, writer.at_ms = begin_ms + minutes * MINUTE_MS, begin_ms
    writer.session(minutes)
    assert writer.at_ms == until_ms


def idle(writer: Writer, minutes: int) -> None:
    for _ in range(minutes // 10):
        writer.alive()


def day_of(writer: Writer, *sessions: int) -> Writer:
    """Twelve hours from eight o'clock: ten quiet minutes before each session, heartbeats to the end."""
    ends_ms = writer.at_ms + 12 * 3600_000
    writer.boot()
    for minutes in sessions:
        idle(writer, 10)
        burned(writer, minutes)
    while writer.at_ms < ends_ms:
        writer.alive()
    return writer


def charge(
    db: Database, book: Book, *lines: dict[str, Any], source: str = "clinic", now_ms: int = EVENING_MS
) -> None:
    """The lines of one 2204 upload into the ledger."""
    charge_messages(db, book, upload(*lines), source=source, now_ms=now_ms)


def charge_messages(
    db: Database, book: Book, *messages: dict[str, Any], source: str = "clinic", now_ms: int = EVENING_MS
) -> None:
    rules = Rules(catalogue.read(), book.config.zone, Patients(b"settle" * 8))
    body, teller = as_json(*messages), Teller(book.config.clinic, source)
    assert not import_bills.import_bills(db, rules, body, "b.json", teller, now_ms, form="2204").refused


def settle(
    db: Database, book: Book, first: date = MONDAY, last: date | None = None, **about: Any
) -> dict[str, Any]:
    source, now_ms = about.get("source", "clinic"), about.get("now_ms", EVENING_MS)
    return pipeline.settle(db, book.config, first, last or first, source, now_ms).said


def told(leads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the ledger tells leads: with whose bills they are about."""
    return [{**each, "clinic": "C001", "source": "clinic"} for each in leads]


def said_of(found: dict[str, Any]) -> dict[str, str]:
    return {f"{each['line']}#{each['index']}": each["verdict"] for each in found["treatments"]}


@pytest.fixture
def writer() -> Writer:
    return day_of(Writer("U1"), 20, 45)


@pytest.fixture
def book(tmp_path: Path, writer: Writer) -> Book:
    return in_folder(tmp_path / "clinic", writer)


@pytest.fixture
def db(book: Book, writer: Writer) -> Database:
    ledger = book.ledger()
    take_in(ledger, writer.lines, EVENING_MS)
    return ledger


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the ledger: (exit code, its JSON or text, what it said to people)."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = program.run(["--dir", str(tmp_path / "clinic"), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run


# --- settle -------------------------------------------------------------------------------------------------------


def test_an_honest_day_is_supported_and_leaves_no_lead(db, book):
    charge(db, book, detail("1"), detail("2"), detail("3"))
    found = settle(db, book)
    assert set(said_of(found).values()) == {"supported"}
    assert found["leads"] == []
    assert found["coverage"] == [{"unit": "U1", "device": "tdp-U1", "open_s": 43200, "watched_s": 43200}]
    assert {record for each in found["treatments"] for record in each["records"]} == {"U1:5", "U1:12"}


def test_one_more_than_fits_is_a_lead_that_anyone_can_check_by_hand(db, book):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    found = settle(db, book)
    assert found["summary"]["no_device_time"] == 1
    lead = found["leads"][0]
    assert (lead["rule"], lead["treatments"], lead["capacity"], lead["amount"]) == ("capacity", 4, 3, "12.00")
    assert lead["supplies"] == ["U1:5", "U1:12"]


def test_what_was_settled_is_kept_as_it_was_printed(db, book):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)), detail("9", med_list_codg=STIM))
    found = settle(db, book)
    kept = [json.loads(body) for (body,) in db.execute("SELECT body FROM verdicts ORDER BY rowid")]
    assert kept == found["treatments"]
    assert [each.body for each in reviews.leads(db) if each.standing] == found["leads"]
    assert db.execute("SELECT device, unit, open_s, watched_s, dark FROM coverage").fetchall() == [
        ("tdp-U1", "U1", 43200, 43200, "[]")
    ]


def test_settling_again_stands_beside_the_first_time_and_says_the_same(db, book):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    first, second = settle(db, book), settle(db, book, now_ms=EVENING_MS + 1)
    assert first == second
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    assert [each.body for each in reviews.leads(db) if each.standing] == second["leads"]


def test_a_run_is_kept_whole_or_not_at_all(db, book):
    row = {"day": "2026-03-02", "device": "d", "unit": None, "open_s": 1, "watched_s": 1, "dark": "[]"}
    with pytest.raises(sqlite3.IntegrityError):
        verdicts.save(db, Teller("C001", "clinic"), (MONDAY, MONDAY), 1, [], [row, row], [])
    for table in ("runs", "coverage"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_line_that_was_deleted_again_is_reversed(db, book):
    charge_messages(db, book, upload(detail("1")), upload(detail("2", visit="V2")), deletion("V2"))
    assert said_of(settle(db, book)) == {"V1/1#1": "supported", "V2/2#1": "reversed"}


def test_each_source_is_settled_by_itself(db, book):
    charge(db, book, detail("1"))
    charge(db, book, detail("1"), *(detail(str(number)) for number in range(2, 5)), source="platform")
    assert len(said_of(settle(db, book))) == 1
    assert settle(db, book, source="platform")["summary"]["no_device_time"] == 1


def test_a_day_with_neither_bills_nor_records_is_dark_and_done(db, book):
    found = settle(db, book, date(2026, 3, 20))
    assert (found["treatments"], found["leads"]) == ([], [])
    assert found["coverage"][0]["watched_s"] == 0


def test_units_of_another_clinic_do_not_help(db, book):
    other = day_of(Writer("X1"), 20, 20, 20)
    enrol(db, other, clinic="C002")
    take_in(db, other.lines, EVENING_MS)
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    assert settle(db, book)["summary"]["no_device_time"] == 1


def test_a_unit_vouched_for_by_the_district_supports_with_grade_a(tmp_path):
    writer = day_of(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, detail("1"))
        assert settle(db, book)["treatments"][0]["grade"] == "B"
        with transaction(db):
            units.approve(db, "U1", EVENING_MS)
        assert settle(db, book)["treatments"][0]["grade"] == "A"


def test_a_unit_that_moves_at_noon_takes_its_watch_along(db, book, writer):
    people = ("D01", "D02")
    inventory.move(db, "U1", Spot(room="R2"), START_MS + 4 * 3600_000, people, EVENING_MS)
    found = settle(db, book)
    assert [(row["unit"], row["open_s"], row["watched_s"]) for row in found["coverage"]] == [
        ("U1", 43200, 43200)
    ]


# --- chains that are not whole ------------------------------------------------------------------------------------


def test_records_after_a_gap_wait_and_their_time_is_dark_until_a_person_passes_it(book, writer):
    with book.ledger() as db:
        take_in(db, [*writer.lines[:6], *writer.lines[7:]], EVENING_MS)
        charge(db, book, detail("1"), detail("2"), detail("3"))
        found = settle(db, book)
        assert sorted(said_of(found).values()) == ["supported", "unobserved", "unobserved"]
        gap = next(lead for lead in found["leads"] if lead["rule"] == "chain")
        assert (gap["supplies"], gap["day"], gap["item"]) == (["U1:7"], "2026-03-02", 31)
        pass_gap(db, "U1", 8, "D01", "lost", EVENING_MS)
        found = settle(db, book)
        assert set(said_of(found).values()) == {"supported"}
        assert 10 * 60 <= 43200 - found["coverage"][0]["watched_s"] <= 30 * 60
        assert "chain" in {lead["rule"] for lead in found["leads"]}


def test_a_gap_found_long_after_is_a_lead_of_the_day_of_the_records_around_it(book, writer):
    with book.ledger() as db:
        take_in(db, [*writer.lines[:6], *writer.lines[7:]], EVENING_MS + 30 * DAY_MS)
        assert "chain" in [lead["rule"] for lead in settle(db, book)["leads"]]
        assert settle(db, book, TUESDAY)["leads"] == []


def test_from_a_fork_on_the_unit_supports_nothing(book, writer, db):
    twin = Writer("U1")
    twin.boot()
    for _ in range(3):
        idle(twin, 20)
    take_in(db, twin.lines, EVENING_MS)
    charge(db, book, detail("1"))
    found = settle(db, book)
    assert said_of(found) == {"V1/1#1": "unobserved"}
    assert "chain" in {lead["rule"] for lead in found["leads"]}


def test_refused_seals_are_one_lead_for_each_record_however_often_they_came(book, db, writer):
    bad = [writer.lines[4].replace(b'"UA":1200', f'"UA":{seconds}'.encode()) for seconds in (1300, 1400)]
    assert take_in(db, [*bad, b"nonsense", b"more nonsense"], EVENING_MS).quarantined == 4
    found = settle(db, book)
    named = [(lead["rule"], lead["supplies"]) for lead in found["leads"] if lead["rule"] == "chain"]
    assert sorted(named) == [("chain", []), ("chain", ["U1:5"])]


# --- what is read of a long chain ---------------------------------------------------------------------------------


def test_a_lamp_that_burned_for_days_supports_also_a_day_in_its_middle(tmp_path):
    writer = Writer("U1")
    writer.boot()
    idle(writer, 10)
    burned(writer, 8 * 24 * 60)
    idle(writer, 60)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, START_MS + 9 * DAY_MS)
        charge(db, book, detail("1", fee_ocur_time="2026-03-06 10:00:00"), now_ms=START_MS + 9 * DAY_MS)
        found = settle(db, book, date(2026, 3, 6), now_ms=START_MS + 9 * DAY_MS)
        assert [(each["verdict"], each["fit"]) for each in found["treatments"]] == [
            ("supported", "long_burn")
        ]
        assert found["coverage"][0]["watched_s"] == 43200


def test_only_records_around_the_day_are_read_of_two_years(tmp_path):
    writer = Writer("U1")
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        _two_years(db)
        day_ms = START_MS + 400 * DAY_MS
        stretch = periods.stretch(db, "U1", day_ms, day_ms + DAY_MS, coverage.TELLING, coverage.UNREAD)
        assert len(stretch.told) == 146
        assert len(stretch.beside) == 2


def test_the_searches_of_a_stretch_go_by_indexes(tmp_path):
    with in_folder(tmp_path / "clinic", Writer("U1")).ledger() as db:
        seen: list[str] = []
        db.conn.set_trace_callback(seen.append)
        periods.stretch(db, "U1", 0, 1, coverage.TELLING, coverage.UNREAD)
        periods.findings_between(db, "C001", 0, 1)
        db.conn.set_trace_callback(None)
        plans = [row[3] for sql in seen for row in db.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
    assert len(plans) >= 6
    assert not any(
        "SCAN r" in plan or "SCAN records" in plan or "TEMP B-TREE" in plan for plan in plans[:5]
    ), plans


def _two_years(db: Database) -> None:
    """Heartbeats every ten minutes, a session at the beginning and one at the end; unsealed, put straight in."""
    tm = '{{"RD":[{{"TM":"{0}","RV":0.000000}}],"UR":""}}'
    steps = 730 * 144
    kinds = {0: "BOOT", 1: "OPEN", 2: "SESSION", steps: "OPEN", steps + 1: "SESSION"}
    with transaction(db):
        db.conn.executemany(
            "INSERT INTO records (clinic, unit, us, digest, up, kind, boot, um_ms, at_ms, line, received_ms, source,"
            " chained) VALUES ('C001', 'U1', ?, ?, '', ?, 'b', ?, ?, ?, 0, '', 1)",
            (
                (
                    step + 1, str(step), kinds.get(step, "ALIVE"), step * 600_000, START_MS + step * 600_000,
                    tm.format(record.instant(START_MS + step * 600_000, "S")),
                )
                for step in range(steps + 2)
            ),
        )  # fmt: skip


def test_what_an_unset_clock_said_is_read_with_the_day_to_which_its_clock_record_brings_it(tmp_path):
    writer = Unset("U1")
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, detail("1"))
        assert said_of(settle(db, book)) == {"V1/1#1": "supported"}
        assert settle(db, book, date(1970, 1, 1))["coverage"][0]["watched_s"] == 0


class Unset(Writer):
    """A unit that boots without a clock, sees a session, and hears the time two hours later."""

    def __init__(self, unit: str):
        super().__init__(unit)
        lag_ms = self.at_ms - 1000
        self.at_ms, self.flag = 1000, "U"
        self.boot()
        burned(self, 30)
        idle(self, 90)
        self.at_ms, self.flag = self.at_ms + lag_ms, "S"
        self._booted_ms += lag_ms
        self._write(record.CLOCK, {"UR": lag_ms})
        idle(self, 600)

    def _write(self, kind: str, fields: dict, readings: list | None = None) -> bytes:
        readings = readings or [record.Reading(self.at_ms, self.flag, self._register_mwh)]
        for each in readings:
            each.flag = self.flag
        return super()._write(kind, fields, readings)


# --- lines of other days ------------------------------------------------------------------------------------------


def entry(line: str, charged_ms: int, performed_ms: int | None) -> Entry:
    about = ("V", "P", 31, "c", "TDP", "1", 1, 1200)
    return Entry(line, 0, 1, *about, charged_ms, performed_ms, "R1", "D01", "", None)


def keep(db: Database, *entries: Entry) -> None:
    with transaction(db):
        bills.store(
            db,
            BillFile(hashlib.sha256(b"").hexdigest(), "C001", "clinic", "f", "mapped", EVENING_MS, b""),
            entries,
            [],
        )


def test_a_line_charged_on_another_day_competes_for_the_time_at_which_it_was_performed(tmp_path):
    writer = day_of(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        begun_ms = START_MS + 10 * MINUTE_MS
        keep(db, entry("V/late", START_MS + 9 * DAY_MS, begun_ms), entry("V/now", START_MS, None))
        found = settle(db, book)
        assert list(said_of(found)) == ["V/now#1"]
        lead = found["leads"][0]
        assert (lead["rule"], lead["lines"], lead["day"]) == ("capacity", ["V/late", "V/now"], "2026-03-02")
        found = settle(db, book, date(2026, 3, 11))
        assert list(said_of(found)) == ["V/late#1"]


def test_a_line_performed_far_from_its_charge_is_reported_on_the_day_of_the_charge(db, book):
    keep(db, entry("V/far", START_MS, START_MS - 40 * DAY_MS))
    assert said_of(settle(db, book)) == {"V/far#1": "unobserved"}


def test_gathering_follows_windows_that_overlap_by_chain(db, book):
    begun_ms = START_MS + 10 * MINUTE_MS
    chain = [entry(f"V/{day}", START_MS + day * DAY_MS, begun_ms + (day - 1) * DAY_MS) for day in range(1, 4)]
    keep(db, entry("V/0", START_MS, None), *chain)
    items = catalogue.read().items
    period = gather(db, Hours(book.config), items, MONDAY, MONDAY, "clinic", EVENING_MS)
    assert [line.line for line in period.lines] == ["V/0", "V/1"]
    period = gather(db, Hours(book.config), items, TUESDAY, TUESDAY, "clinic", EVENING_MS)
    assert [line.line for line in period.lines] == ["V/0", "V/1", "V/2"]


# --- commands -----------------------------------------------------------------------------------------------------


def test_reconcile_exits_0_without_leads_and_1_with_them(run, db, book):
    charge(db, book, detail("1"), detail("2"), detail("3"))
    code, said, _ = run("reconcile", "--from", MONDAY, "--to", MONDAY, "--json")
    assert (code, said["summary"]["supported"]) == (0, 3)
    charge(db, book, detail("4", visit="V2"))
    code, said, _ = run("reconcile", "--from", MONDAY, "--to", MONDAY, "--json")
    assert (code, said["summary"]["no_device_time"]) == (1, 1)


def test_reconcile_says_in_words_what_its_json_says(run, db, book):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    code, said, told = run("reconcile", "--from", MONDAY, "--to", MONDAY)
    assert code == 1
    assert "3  相符" in said and "1  无设备时间" in said and "at least 1 had none" in said
    assert "1 leads for a person to review" in told


def test_reconcile_takes_the_platforms_lines_where_the_clinic_has_told_none(run, db, book):
    charge(db, book, detail("1"), source="platform")
    assert len(run("reconcile", "--from", MONDAY, "--to", MONDAY, "--json")[1]["treatments"]) == 1
    charge(db, book, detail("1"), detail("2"))
    assert len(run("reconcile", "--from", MONDAY, "--to", MONDAY, "--json")[1]["treatments"]) == 2


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        ("2026-03-03", "2026-03-02", "is before"),
        ("yesterday", "2026-03-02", "is no date"),
        ("2026-03-02", "9999-12-31", "2000 to 2099"),
        ("0001-01-01", "2026-03-02", "2000 to 2099"),
    ],
)
def test_reconcile_of_an_impossible_period_is_refused_in_one_line_and_nothing_is_kept(
    run, db, first, last, why
):
    code, _, told = run("reconcile", "--from", first, "--to", last)
    assert (code, told.count("\n")) == (2, 1)
    assert why in told
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)


HOURS = '[clinics.C001]\nname = "示范诊所"\nopens = "08:00"\ncloses = "20:00"'


@pytest.mark.parametrize(
    ("clinic", "why"),
    [([], "name the clinic"), (["--clinic", "C002"], "no [clinics.C002]")],
)
def test_a_district_reconciles_no_clinic_that_is_not_named_or_whose_hours_it_does_not_know(
    tmp_path, run, clinic, why
):
    in_folder(tmp_path / "clinic", role="district", extra=HOURS)
    code, _, told = run("reconcile", "--from", MONDAY, "--to", MONDAY, *clinic)
    assert (code, why in told) == (2, True)


def test_a_district_reconciles_each_clinic_with_its_own_lines_and_its_own_lamps(tmp_path, run):
    ours, theirs = day_of(Writer("U1"), 20), day_of(Writer("U9"), 20, 20, 20)
    book = in_folder(tmp_path / "clinic", ours, role="district", extra=HOURS)
    with book.ledger() as db:
        enrol(db, theirs, "C002", vouched=True)
        take_in(db, [*ours.lines, *theirs.lines], EVENING_MS)
    bills_file = tmp_path / "extract.json"
    bills_file.write_bytes(as_json(upload(detail("1"), detail("2"))))
    told = ("import-bills", str(bills_file), "--source", "platform", "--json")
    for clinic in ("C001", "C002"):
        assert run(*told, "--clinic", clinic)[1]["new"] == 2
    code, said, _ = run("reconcile", "--from", MONDAY, "--to", MONDAY, "--clinic", "C001", "--json")
    assert (code, said["summary"]["supported"], said["summary"]["no_device_time"]) == (1, 1, 1)
    assert {each["unit"] for each in said["coverage"]} == {"U1"}
    assert {each["clinic"] for each in run("leads", "--json")[1]} == {"C001"}
    assert run("leads", "--clinic", "C002", "--json")[1] == []


def test_a_district_reconciles_all_its_clinics_at_once_as_it_does_each_alone(tmp_path, run):
    ours, theirs = day_of(Writer("U1"), 20), day_of(Writer("U9"), 20, 20, 20)
    both = HOURS + "\n" + HOURS.replace("C001", "C002").replace("20:00", "18:00")
    book = in_folder(tmp_path / "clinic", ours, role="district", extra=both)
    with book.ledger() as db:
        enrol(db, theirs, "C002", vouched=True)
        take_in(db, [*ours.lines, *theirs.lines], EVENING_MS)
    bills_file = tmp_path / "extract.json"
    bills_file.write_bytes(as_json(upload(detail("1"), detail("2"))))
    for clinic in ("C001", "C002"):
        assert (
            run("import-bills", str(bills_file), "--source", "platform", "--json", "--clinic", clinic)[0] == 0
        )
    days = ("reconcile", "--from", MONDAY, "--to", MONDAY)
    alone = [run(*days, "--clinic", clinic, "--json")[1] for clinic in ("C001", "C002")]
    code, said, _ = run(*days, "--every-clinic", "--json")
    assert (code, [each.pop("clinic") for each in said]) == (1, ["C001", "C002"])
    assert said == alone and alone[0] != alone[1]
    code, said, _ = run(*days, "--every-clinic")
    assert code == 1 and "C002  supported 2" in said
    with book.ledger() as db:
        assert db.execute("SELECT clinic, count(*) FROM runs GROUP BY 1 ORDER BY 1").fetchall() == [
            ("C001", 3),
            ("C002", 3),
        ]


def test_every_clinic_is_for_a_district_and_names_none_beside(tmp_path, run, db):
    days = ("reconcile", "--from", MONDAY, "--to", MONDAY, "--every-clinic")
    for more, why in (((), "for a district"), (("--clinic", "C001"), "use one of them")):
        code, _, told = run(*days, *more)
        assert (code, why in told) == (2, True)


def test_leads_lists_those_of_the_newest_run_of_each_day(run, db, book):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    found = settle(db, book)
    code, said, _ = run("leads", "--json")
    assert {each["review"]["state"] for each in said} == {"open"} and all(each["standing"] for each in said)
    bare = [
        {name: value for name, value in each.items() if name not in ("review", "standing")} for each in said
    ]
    assert (code, bare) == (0, told(found["leads"]))
    assert run("leads", "--from", "2026-03-03", "--json")[1] == []
    late = day_of(Writer("U2"), 20)
    enrol(db, late)
    take_in(db, late.lines, EVENING_MS)
    settle(db, book, now_ms=EVENING_MS + 1)
    assert run("leads", "--json")[1] == []
    assert "0 leads" in run("leads")[2]


def test_lead_show_tells_all_that_a_lead_rests_on_also_one_that_no_longer_stands(run, db, book):
    charge(db, book, *(detail(str(number)) for number in range(1, 5)))
    lead = settle(db, book)["leads"][0]
    code, said, _ = run("lead", "show", lead["id"], "--json")
    assert code == 0 and (said.pop("review")["state"], said.pop("history"), said.pop("standing")) == (
        "open",
        [],
        True,
    )
    assert said == told([lead])[0]
    code, said, _ = run("lead", "show", lead["id"])
    assert code == 0
    assert all(name in said for name in (*lead["lines"], *lead["supplies"], lead["zh"], lead["en"]))


def test_a_lead_that_there_is_not_is_said_in_one_line(run, db):
    code, _, told = run("lead", "show", "nothing")
    assert (code, told.count("\n"), "no lead nothing" in told) == (2, 1, True)
