"""A token read at a post begins a treatment of its visit, read there again it ends it: real records, entries, verdicts."""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway import __main__ as program
from gateway import config, inventory, pipeline
from gateway.audit import catalogue
from gateway.audit.editions import changes, lay
from gateway.audit.hours import Hours
from gateway.bootstrap import Book, open_book
from gateway.clock import Clock
from gateway.errors import UsageError
from gateway.inventory import Spot
from gateway.ledger import attended, days, trail
from gateway.ledger.attended import Entry
from gateway.ledger.database import FILE, transaction
from gateway.nurse import attend, posts
from gateway.nurse.attend import Act, Treated
from gateway.nurse.waiting import today
from gateway.pages import nurse
from gateway.service import Service
from protocol import record
from protocol.record import Reading
from tests.gateway.test_check import copied, faults
from tests.gateway.test_settle import EVENING_MS, MINUTE_MS, MONDAY, TUESDAY, charge, settle
from tests.support.bills import detail
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import in_folder, take_in
from tests.support.programs import eventually
from tests.support.signed_in import as_person

ITEMS = catalogue.read().items
MASSAGE, STIFF_NECK, NEEDLES = "004500000020000", "004500000010000", "004300000010100"  # items 4, 5 and 16
DAYS = (MONDAY, MONDAY)


def tag_of(visit: str) -> str:
    return visit.lower().ljust(64, "0").replace("v", "a")


class Post(Writer):
    """A unit in a room where no meter sees what is done; the clock stands at eight when it boots."""

    def __init__(self, unit: str = "P1") -> None:
        super().__init__(unit)
        self.boot()

    def read(self, visit: str, minute: float, flag: str = record.SYNCHRONISED) -> bytes:
        """The token of a visit is held to it, so many minutes after eight."""
        self.at_ms = START_MS + int(minute * MINUTE_MS)
        said = Reading(self.at_ms, flag, 0)
        return self._write(record.TAG, {"UT": [tag_of(visit)]}, [said])


def enrol(db: Database, post: Post, load: str = "post", room: str = "R1") -> None:
    inventory.enrol(db, post.unit, post.key_hex, "C001", False, Spot(load, room), 0, START_MS)


def know(db: Database, *visits: str) -> None:
    with transaction(db):
        for visit in visits:
            attended.keep_tag(db, "C001", tag_of(visit), visit, START_MS, "D09")


def paid(
    number: str, visit: str = "V1", code: str = MASSAGE, minute: int = 0, **other: Any
) -> dict[str, Any]:
    clock = f"2026-03-02 {8 + minute // 60:02d}:{minute % 60:02d}:00"
    return detail(number, visit=visit, med_list_codg=code, fee_ocur_time=clock, **other)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return in_folder(tmp_path / "clinic")


@pytest.fixture
def db(book: Book) -> Iterator[Database]:
    """V1 paid for a massage of the neck, and its token is known."""
    with book.ledger() as ledger:
        know(ledger, "V1", "V2")
        charge(ledger, book, paid("1"))
        yield ledger


@pytest.fixture
def run(book: Book, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    """Runs a command on the ledger, an hour after eight: (exit code, its JSON)."""
    file = book.folder / config.FILE
    clock = f"\n[clock]\nreal_ms = 0\nshown_ms = {at(60)}\nspeed = 0.000000001\n"
    file.write_text(file.read_text(encoding="utf-8") + clock, encoding="utf-8")

    def run(*arguments: object) -> tuple[int, Any]:
        code = program.run(["--dir", str(book.folder), *map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def at(minute: float) -> int:
    return START_MS + int(minute * MINUTE_MS)


def derived(db: Database, book: Book, minute: float = 13 * 60) -> list[Entry]:
    """What is in force when the posts have been looked at so many minutes after eight."""
    pipeline.record_posts(db, book.config, at(minute), DAYS)
    return attended.between(db, "C001", 0, EVENING_MS * 2)


def told(entries: Sequence[Entry]) -> list[tuple[Any, ...]]:
    return [
        (
            e.visit,
            e.item,
            (e.began_ms - START_MS) / MINUTE_MS,
            e.ended_ms and (e.ended_ms - START_MS) / MINUTE_MS,
            e.outcome,
        )
        for e in entries
    ]


def came(db: Database, post: Post, minute: float, *, load: str = "post", is_new: bool = True) -> None:
    if is_new:
        enrol(db, post, load)
    take_in(db, post.lines, at(minute))


def test_a_token_read_at_a_post_begins_a_treatment_and_read_again_ends_it(book, db):
    post = Post()
    post.read("V1", 10)
    came(db, post, 10)
    first = derived(db, book, 10)
    assert told(first) == [("V1", 4, 10, None, "running")]
    assert (first[0].how, first[0].scan, first[0].entered_by, first[0].later) == ("scanned", "P1:2", "P1", 0)
    post.read("V1", 28)
    came(db, post, 28, is_new=False)
    ended = derived(db, book, 28)
    assert told(ended) == [("V1", 4, 10, 28, "done")]
    assert (ended[0].later, ended[0].line, ended[0].practitioner) == (0, "V1/1", "D01")
    assert [each.act for each in trail.entries(db, subject="attended:1")] == [
        "attended begin",
        "attended end",
    ]


def test_looking_again_makes_nothing(book, db):
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    came(db, post, 28)
    assert pipeline.record_posts(db, book.config, at(30), DAYS) == 1
    assert pipeline.record_posts(db, book.config, at(31), DAYS) == 0


def test_readings_within_a_minute_count_once(book, db):
    post = Post()
    for minute in (10, 10.3, 10.9, 28, 28.5):
        post.read("V1", minute)
    came(db, post, 28.5)
    assert told(derived(db, book)) == [("V1", 4, 10, 28, "done")]


def test_an_end_that_was_forgotten_closes_the_record_which_is_no_evidence_and_may_be_corrected(book, db):
    post = Post()
    post.read("V1", 10)
    came(db, post, 10)
    assert told(derived(db, book, 45)) == [("V1", 4, 10, None, "running")]
    closed = derived(db, book, 46)
    assert told(closed) == [("V1", 4, 10, 45, "withdrawn")] and closed[0].why == posts.FORGOTTEN
    act = Act("C001", "D01", EVENING_MS)
    attend.correct(db, act, closed[0].entry, ITEMS, {"outcome": "done", "ended_ms": at(27)}, "忘记再读标签")
    assert told(derived(db, book)) == [("V1", 4, 10, 27, "done")]


def test_a_reading_after_the_longest_time_begins_anew_and_ends_nothing(book, db):
    post = Post()
    for minute in (10, 46, 63):
        post.read("V1", minute)
    came(db, post, 63)
    assert told(derived(db, book)) == [("V1", 4, 10, 45, "withdrawn"), ("V1", 4, 46, 63, "done")]


def test_an_end_that_comes_after_it_was_taken_to_be_forgotten_counts_and_is_marked_as_later(book, db):
    post = Post()
    post.read("V1", 10)
    came(db, post, 10)
    derived(db, book, 60)
    post.read("V1", 28)
    take_in(db, post.lines, at(90))
    found = derived(db, book, 90)
    assert told(found) == [("V1", 4, 10, 28, "done")] and found[0].later == 1 and found[0].why == posts.LATE


def test_what_is_read_where_a_lamp_is_begins_nothing(book, db):
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    came(db, post, 28, load="tdp")
    assert derived(db, book) == []


def test_a_tag_that_is_unknown_waits_for_its_visit_and_is_then_entered_as_later(book, db):
    post = Post()
    charge(db, book, paid("2", "V3"))
    post.read("V3", 10), post.read("V3", 28)
    came(db, post, 28)
    assert derived(db, book) == []
    assert [each.visit for each in today(db, Hours(book.config), at(40)).unclear] == [""]
    know(db, "V3")
    found = derived(db, book, 60)
    assert told(found) == [("V3", 4, 10, 28, "done")] and found[0].later == 1
    assert today(db, Hours(book.config), at(60)).unclear == []


def test_of_several_items_the_one_that_the_post_names_is_meant(book, db):
    charge(db, book, paid("2", code=NEEDLES))
    post = Post()
    post.read("V1", 10), post.read("V1", 40)
    came(db, post, 40, load="post16")
    assert told(derived(db, book)) == [("V1", 16, 10, 40, "done")]


def test_a_post_that_names_an_item_never_records_another(book, db):
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    came(db, post, 28, load="post16")
    assert derived(db, book) == []


def test_what_is_not_clear_is_begun_by_nobody_but_waits_on_the_list_for_a_choice(book, db):
    charge(db, book, paid("2", code=STIFF_NECK))
    post = Post()
    post.read("V1", 10)
    came(db, post, 10)
    assert derived(db, book, 11) == []
    assert [(each.visit, each.begin.room) for each in today(db, Hours(book.config), at(11)).unclear] == [
        ("V1", "R1")
    ]
    pick = Treated("V1", ITEMS[5], room="R1", practitioner="D01", how="scanned", scan="P1:2")
    attend.begin(db, Act("C001", "D01", at(12)), pick)
    assert told(derived(db, book, 13)) == [("V1", 5, 12, None, "running")]
    assert today(db, Hours(book.config), at(13)).unclear == []


def test_what_is_charged_for_another_room_of_the_inventory_is_not_meant_but_a_department_is_no_room(book, db):
    inventory.add_device(db, "TDP-9", "C001", Spot("tdp", "R2"), 0)
    charge(db, book, paid("2", code=STIFF_NECK, bilg_dept_name="R2"))
    post = Post()
    post.read("V1", 10)
    came(db, post, 10)
    assert told(derived(db, book, 11)) == [("V1", 4, 10, None, "running")]


def test_a_treatment_ends_on_the_day_on_which_it_began(book, db):
    post = Post()
    post.read("V1", 15 * 60 + 50), post.read("V1", 16 * 60 + 8)
    came(db, post, 16 * 60 + 8)
    assert [each[4] for each in told(derived(db, book, 17 * 60))] == ["withdrawn"]


def test_what_was_done_on_an_earlier_day_is_done_whichever_days_are_looked_at(book, db, monkeypatch):
    text = "[[items]]\nnumber = 4\nvalid_days = 3\n"
    changed = lay(ITEMS, changes(text, "test"), "test")
    monkeypatch.setattr(catalogue, "in_force", lambda _: catalogue.Catalogue("test", changed))
    post, next_day = Post(), 24 * 60
    for minute in (10, 28, next_day, next_day + 18):
        post.read("V1", minute)
    came(db, post, next_day + 18)
    both = (MONDAY, TUESDAY)
    for days_looked_at in (both, (TUESDAY, TUESDAY), (MONDAY, MONDAY), both):
        pipeline.record_posts(db, book.config, at(next_day + 30), days_looked_at)
        assert told(attended.between(db, "C001", 0, at(3 * next_day))) == [("V1", 4, 10, 28, "done")]


def test_the_take_in_command_records_what_a_post_read(book, db, tmp_path, run):
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    enrol(db, post)
    (tmp_path / "P1.records").write_bytes(b"\n".join(post.lines))
    assert run("take-in", tmp_path / "P1.records")[0] == 0
    entries = run("attended", "list", "--visit", "V1")[1]["entries"]
    assert [(each["outcome"], each["scan"], each["entered_by"]) for each in entries] == [
        ("done", "P1:2", "P1")
    ]


def test_serving_records_what_a_post_read_without_being_asked(book, db, run):
    post = Post()
    post.read("V1", 58)
    came(db, post, 58)
    service = Service(open_book(book.folder))
    service.start()
    try:
        eventually(lambda: attended.running(db, "C001"))
        assert told(attended.running(db, "C001")) == [("V1", 4, 58, None, "running")]
    finally:
        service.stop()


def test_the_nurses_page_shows_what_waits_for_a_choice_and_where_it_is_made(book, db):
    charge(db, book, paid("2", code=STIFF_NECK))
    post = Post()
    post.read("V1", 10), post.read("V9", 12)
    came(db, post, 12)
    pages, shown = FastAPI(), Clock(0, at(15), 1e-9)
    pages.include_router(nurse.routes(book.ledger, book.config, shown, lambda: b"k" * 32))
    client = TestClient(as_person(pages), base_url="http://127.0.0.1")
    page = client.get("/nurse", params={"by": "D01", "room": "R1", "lang": "en"}).text
    assert "Read at a post: pick the item" in page and "unknown token" in page
    assert re.search(r'08:10</span> <span class="what">R1</span>\s*<a href="/nurse/visit/V1', page)
    assert "Read at a post" not in client.get("/nurse", params={"by": "D01", "room": "R2", "lang": "en"}).text


def test_what_was_charged_only_afterwards_does_not_make_doubtful_what_had_begun(book, db):
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    came(db, post, 28)
    derived(db, book, 28)
    charge(db, book, paid("2", code=NEEDLES, minute=50))
    assert told(derived(db, book)) == [("V1", 4, 10, 28, "done")]


def test_what_people_recorded_before_is_not_recorded_again(book, db):
    attend.begin(db, Act("C001", "D01", at(5)), Treated("V1", ITEMS[4], room="R1", practitioner="D01"))
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    came(db, post, 28)
    assert told(derived(db, book)) == [("V1", 4, 5, None, "running")]


def test_what_a_nurse_ended_stays_as_the_nurse_said(book, db):
    post = Post()
    post.read("V1", 10)
    came(db, post, 10)
    running = derived(db, book, 10)[0]
    attend.end(db, Act("C001", "D01", at(26)), running.entry, ITEMS[4])
    post.read("V1", 28)
    take_in(db, post.lines, at(28))
    assert told(derived(db, book)) == [("V1", 4, 10, 26, "done")]


def test_a_refund_afterwards_unmakes_nothing(book, db):
    post = Post()
    post.read("V1", 10), post.read("V1", 28)
    came(db, post, 28)
    derived(db, book, 28)
    charge(db, book, paid("9", cnt="-1", det_item_fee_sumamt="-12.00", init_feedetl_sn="1", minute=300))
    assert told(derived(db, book)) == [("V1", 4, 10, 28, "done")]


def test_what_was_read_without_the_time_is_placed_by_the_clock_that_follows(book, db):
    post = Post()
    post.read("V1", 10, "U")
    post._write(record.CLOCK, {"UR": 5 * MINUTE_MS}, [Reading(at(15), record.SYNCHRONISED, 0)])
    post._booted_ms -= 5 * MINUTE_MS
    came(db, post, 20)
    assert told(derived(db, book, 20)) == [("V1", 4, 15, None, "running")]


def test_nobody_acts_in_the_name_of_a_unit(db):
    enrol(db, Post())
    with pytest.raises(UsageError):
        attend.begin(db, Act("C001", "P1", at(5)), Treated("V1", ITEMS[4]))


# --- any order --------------------------------------------------------------------------------------------------------

READINGS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["V1", "V2"]), st.integers(1, 40)), min_size=1, max_size=8
)


def _two_posts(readings: list[tuple[int, str, int]]) -> list[Post]:
    both, minute = [Post("P1"), Post("P2")], 0
    for place, visit, pause in readings:
        minute += pause
        both[place].read(visit, minute)
    return both


def _whole(readings: Any, order: Callable[[Any], Iterable[int]]) -> tuple[list[Any], list[int], set[Any]]:
    """What stands at night if records, bills and tags came in that order, and was looked at after each; how many entries
    another look then makes; what `check` says."""
    with tempfile.TemporaryDirectory() as folder:
        book, both = in_folder(Path(folder) / "clinic"), _two_posts(readings)
        with book.ledger() as db:
            for post in both:
                enrol(db, post)
            bill = [paid("1", cnt="2"), paid("2", code=NEEDLES, minute=60), paid("3", "V2")]
            comes: list[Callable[[], object]] = [
                partial(know, db, "V1"),
                partial(know, db, "V2"),
                *(partial(charge, db, book, each) for each in bill),
                *(partial(take_in, db, [line], EVENING_MS) for post in both for line in post.lines),
            ]
            for place in order(comes):
                comes[place]()
                pipeline.record_posts(db, book.config, EVENING_MS, DAYS)
            again = [pipeline.record_posts(db, book.config, EVENING_MS + n, DAYS) for n in (0, 1)]
            stands = [
                each for each in attended.between(db, "C001", 0, EVENING_MS) if each.outcome != "withdrawn"
            ]
        with closing(sqlite3.connect(book.folder / FILE)) as connection:
            return told(stands), again, faults(connection)


def test_what_was_forgotten_and_then_turns_out_to_be_nothing_known_is_unmade_too():
    """The other post's reading comes last and takes the only massage: of the first beginning nobody can say what it was, and it
    may have run until the second."""
    readings = [(1, "V2", 1), (0, "V2", 1), (0, "V1", 1), (0, "V2", 35), (0, "V2", 1), (0, "V2", 1)]
    stands, again, found = _whole(readings, lambda comes: range(len(comes)))
    assert [(visit, began, ended) for visit, _, began, ended, _ in stands] == [("V2", 39, 40)]
    assert (again, found) == ([0, 0], set())


@given(READINGS, st.data())
@settings(max_examples=25, deadline=None)
def test_the_order_in_which_records_bills_and_tags_come_is_nothing_to_what_stands_and_check_bears_it_out(
    readings, data
):
    straight = _whole(readings, lambda comes: range(len(comes)))
    mixed = _whole(readings, lambda comes: data.draw(st.permutations(range(len(comes)))))
    assert straight[0] == mixed[0]
    assert straight[1:] == mixed[1:] == ([0, 0], set())


# --- the whole way ----------------------------------------------------------------------------------------------------


@pytest.fixture
def day(book: Book) -> Iterator[tuple[Book, dict[str, Any]]]:
    """Three massages were charged: one was done in full, one too short, of one the end was forgotten."""
    post = Post()
    for visit, *minutes in (("V1", 10, 28), ("V2", 40, 46), ("V3", 70)):
        for minute in minutes:
            post.read(visit, minute)
    with book.ledger() as db:
        know(db, "V1", "V2", "V3")
        charge(db, book, *(paid(str(number), f"V{number}") for number in (1, 2, 3)))
        enrol(db, post)
        take_in(db, post.lines, at(80))
        yield book, settle(db, book)


def test_what_a_post_read_bears_out_what_it_saw_whole_and_no_more(day):
    book, found = day
    said = {each["line"]: (each["verdict"], each["grade"], each["active_s"]) for each in found["treatments"]}
    assert said == {
        "V1/1": ("supported", "C", 18 * 60),
        "V2/2": ("short", "C", 6 * 60),
        "V3/3": ("not_metered", None, None),
    }
    assert found["coverage"] == []
    with book.ledger() as db:
        assert days.devices(db, "C001", START_MS, EVENING_MS) == []
    with closing(sqlite3.connect(book.folder / FILE)) as connection:
        assert faults(connection) == set()


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE attended SET ended_ms = ended_ms + 600000 WHERE visit = 'V2'",
        "UPDATE attended SET began_ms = began_ms - 600000 WHERE visit = 'V1'",
        "UPDATE attended SET visit = 'V3' WHERE visit = 'V1'",
        "UPDATE attended SET scan = 'P1:99' WHERE visit = 'V1'",
        "UPDATE attended SET item = 16 WHERE visit = 'V1'",
        "UPDATE attended SET room = 'R9' WHERE visit = 'V1'",
        "UPDATE attended SET outcome = 'done', ended_ms = began_ms + 1200000 WHERE visit = 'V3'",
        "UPDATE devices SET load = 'post5'",
        "UPDATE devices SET load = 'tdp'",
    ],
)
def test_an_entry_that_its_readings_do_not_bear_out_is_found(day, attack):
    book, _ = day
    with closing(sqlite3.connect(book.folder / FILE)) as connection, closing(copied(connection)) as ledger:
        ledger.execute("DROP TRIGGER attended_stands")
        ledger.execute(attack)
        assert "post" in {code for code, _ in faults(ledger)}
