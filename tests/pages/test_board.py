"""The live room board: what it says of every state, to whom it tells it, and how it stays up to date."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlite_utils import Database

from gateway import web
from gateway.access import sign_ins
from gateway.access.places import DISPLAY, INSPECTOR, MANAGER, NURSE
from gateway.audit.live import DARK, Seen
from gateway.bootstrap import Book
from gateway.ledger import live, people
from gateway.now import Now
from gateway.pages import board_stream
from gateway.pages.board_stream import Stream
from gateway.pages.guard import COOKIE
from gateway.pages.words import knows
from tests.gateway.test_settle import charge
from tests.pages import rooms
from tests.pages.rooms import NOW_MS, burning, enrol, heard, idle, until
from tests.support.bills import detail
from tests.support.broker import Broker
from tests.support.browser import served
from tests.support.chain import START_MS
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import ended, eventually, serve
from tests.support.signed_in import account, client
from tests.support.unit_link import UnitLink

_NUMBERS = itertools.count(1)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return rooms.empty(tmp_path / "clinic")


def shown(book: Book, address: str = "/board", **linked: bool) -> str:
    """The page as a wall display gets it."""
    name = f"SCREEN-{next(_NUMBERS)}"
    with client(web.app(book, {}, linked=lambda: linked), book.folder, DISPLAY, name) as screen:
        answer = screen.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


def tiles(page: str) -> dict[str, tuple[str, str]]:
    """Device -> (its look, what its tile says)."""
    found = re.findall(r'<li class="tile (\w+)" data-device="([^"]+)">(.*?)</li>', page, re.S)
    return {
        device: (look, " ".join(re.sub(r"<[^>]+>", " ", inside).split())) for look, device, inside in found
    }


def only(page: str) -> tuple[str, str]:
    (tile,) = tiles(page).values()
    return tile


# --- what it says -------------------------------------------------------------------------------------------------


def test_a_lamp_that_burns_shows_its_minutes_against_those_required(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, burning(12)(writer))
    look, said = only(shown(book))
    assert look == "running"
    assert (
        "理疗一室 1 床" in said
        and "12 / 19 分钟" in said
        and "自 10:18 通电" in said
        and "最近记录 1 分钟前" in said
    )
    assert 'stroke-dasharray="190 302"' in shown(book)  # 12 of 19 minutes of the ring


def test_a_lamp_that_burned_long_enough_is_marked_as_reached(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, burning(19)(writer))
    look, said = only(shown(book))
    assert look == "reached" and "✓ 已满" in said and "19 / 19 分钟" in said


def test_a_lamp_that_has_burned_for_days_is_still_running(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1", booted_ms=START_MS - 2 * 86_400_000)
    writer.open()
    until(writer, 1)
    heard(book, writer)
    look, said = only(shown(book))
    assert look == "reached" and "自 02-28 08:00 通电" in said


def test_a_lamp_that_went_out_is_idle_since_then(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, idle(writer))
    assert only(shown(book)) == (
        "idle",
        "理疗一室 1 床 TDP 灯 tdp-U1 空闲 自 10:00 空闲 在线 · 最近记录 1 分钟前",
    )


def never(book: Book) -> None:
    enrol(book, "U1", "tdp", "理疗一室", "1")


def unheard(book: Book) -> None:
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, rooms.silent(writer))


def without_meter(book: Book) -> None:
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, rooms.faulty("METER_SILENT")(writer))


def full(book: Book) -> None:
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, rooms.faulty("STORAGE")(writer))


def incomplete(book: Book) -> None:
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    idle(writer)
    heard(book, writer, 1, [*writer.lines[:3], *writer.lines[5:]])


def forked(book: Book) -> None:
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    twin = writer.fork()
    idle(writer)
    idle(twin)
    heard(book, writer)
    heard(book, twin, 1, twin.lines[1:])


def without_a_unit(book: Book) -> None:
    with book.ledger() as db, rooms.transaction(db):
        rooms.inventory.put_in(db, "TDP-09", CLINIC, rooms.Spot("tdp", "理疗一室", "1"), START_MS)


def runs_unseen(book: Book) -> None:
    writer = enrol(book, "U1", "stim", "理疗一室", "1", blind=True)
    heard(book, writer, idle(writer))


@pytest.mark.parametrize(
    ("story", "why"),
    [
        (never, "单元从未上报"),
        (unheard, "09:30 起没有消息 离线"),
        (without_meter, "电表没有读数（10:29 报告）"),
        (full, "单元存储已满（10:29 报告）"),
        (incomplete, "还缺 2 条记录，未到齐"),
        (forked, "记录互相矛盾，须人工核实"),
        (without_a_unit, "没有监测单元"),
        (runs_unseen, "可不经单元运行（如用干电池）"),
    ],
)
def test_what_nobody_watches_is_unknown_and_says_why(book, story, why):
    story(book)
    page = shown(book)
    look, said = only(page)
    assert look == "dark" and "不知道" in said and why in said
    assert "空闲" not in said and "通电中" not in said
    assert 'fill="url(#hatch)"' in page  # told by its shape too


def test_every_dark_state_has_its_words_in_both_languages():
    assert [state for state in DARK if not knows(f"board.why.{state}")] == []


def test_a_blind_stimulator_that_runs_on_mains_is_seen_running(book):
    writer = enrol(book, "U1", "stim", "理疗一室", "1", blind=True)
    heard(book, writer, burning(5)(writer))
    assert only(shown(book))[0] == "running"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("CASE_OPEN", "外壳被打开（10:29）"),
        ("LOAD_MISMATCH", "功率不像此类设备（10:29）"),
        ("ACK_MISMATCH", "网关的确认对不上（10:29）"),
    ],
)
def test_a_fault_that_a_person_should_see_stands_beside_the_state(book, cause, words):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, rooms.faulty(cause, burning(12))(writer))
    look, said = only(shown(book))
    assert look == "running" and words in said and "12 / 19 分钟" in said


def test_a_fault_of_the_day_before_yesterday_is_shown_no_longer(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1", booted_ms=NOW_MS - 2 * 86_400_000)
    writer.fault("CASE_OPEN")
    until(writer, 1)
    with book.ledger() as db:
        rooms.take_in(db, writer.lines[:2], NOW_MS - 2 * 86_400_000)
    heard(book, writer)
    assert "外壳" not in only(shown(book))[1]


def test_the_link_is_what_the_unit_told_the_broker_else_what_was_heard(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, burning(12)(writer))
    assert " 在线 " in only(shown(book))[1]
    look, said = only(shown(book, U1=False))
    assert look == "dark" and "10:29 起没有消息 离线" in said  # what it does since, nobody here knows
    assert " 在线 " in only(shown(book, U1=True))[1]


def test_bills_that_wait_are_counted_and_name_nobody(book):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    heard(book, writer, burning(12)(writer))
    with book.ledger() as db:
        charge(
            db,
            book,
            detail("1", "V8801", psn_no="P0777", bilg_dr_codg="D42"),
            detail("2", "V8802"),
            now_ms=NOW_MS,
        )
    page = shown(book)
    assert "TDP 灯：今天已收费、还没有设备时间的 2 次" in page
    for personal in ("V8801", "V8802", "P0777", "D42"):
        assert personal not in page


def test_a_reader_at_a_post_shows_no_device_and_has_no_tile(book):
    heard(book, enrol(book, "U1", "post16", "针灸室", "1"))
    assert tiles(shown(book)) == {}


def test_rooms_come_in_order_with_their_counts_and_one_can_be_shown_alone(tmp_path):
    book = rooms.morning(tmp_path / "clinic")
    page = shown(book)
    assert [each.split()[0] for _, each in tiles(page).values()] == ["理疗一室"] * 3 + ["理疗二室"] * 2 + [
        "针灸室"
    ] * 3
    said = " ".join(re.sub(r"<[^>]+>", " ", page.split('<nav class="rooms"')[1].split("</nav>")[0]).split())
    assert (
        "全部 通电中 2 已满 1 空闲 1 不知道 4 理疗一室 通电中 1 已满 1 空闲 1 理疗二室 不知道 2 针灸室 通电中 1 不知道 2"
        in said
    )
    alone = tiles(shown(book, "/board?room=理疗二室"))
    assert len(alone) == 2 and all("理疗二室" not in said for _, said in alone.values())


def test_a_room_that_is_none_is_shown_empty_and_cannot_write_on_the_page(book):
    heard(book, enrol(book, "U1", "tdp", "理疗一室", "1"))
    page = shown(book, "/board?room=<script>alert(1)</script>")
    assert tiles(page) == {} and "<script>alert" not in page and "这里没有登记设备" in page


def test_the_english_board_says_the_same(tmp_path):
    page = shown(rooms.morning(tmp_path / "clinic"), "/board?lang=en")
    assert "12 of 19 min" in only_of(page, "tdp-U1") and "Unknown" in only_of(page, "tdp-U4")
    assert "nothing heard since 09:30" in only_of(page, "tdp-U4") and "no unit watches it" in only_of(
        page, "STIM-03"
    )
    assert "case opened (10:29)" in only_of(page, "stim-U6")


def only_of(page: str, device: str) -> str:
    return tiles(page)[device][1]


# --- to whom ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [DISPLAY, NURSE, MANAGER, INSPECTOR])
def test_everybody_who_has_signed_in_may_look(book, role):
    with client(web.app(book, {}), book.folder, role) as person:
        assert person.get("/board").status_code == 200


@pytest.mark.parametrize("address", ["/board", "/board/events"])
def test_nobody_else_may(book, address):
    with TestClient(web.app(book, {}), "http://127.0.0.1:8080", follow_redirects=False) as stranger:
        answer = stranger.get(address, headers={"Host": "127.0.0.1:8080"})
    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def test_a_wall_display_may_see_nothing_else(book):
    with client(web.app(book, {}), book.folder, DISPLAY) as screen:
        assert screen.get("/").headers["location"] == "/board"
        assert [screen.get(each).status_code for each in ("/bills", "/month", "/nurse", "/trail")] == [
            403
        ] * 4


# --- what it costs ------------------------------------------------------------------------------------------------


def test_what_a_unit_said_last_is_found_by_its_index(book):
    with book.ledger() as db:
        asked = f"SELECT us FROM records WHERE unit = 'U1' AND chained = 1 AND kind IN {live.TELLING} ORDER BY us DESC LIMIT 9"
        plan = db.execute(f"EXPLAIN QUERY PLAN {asked}").fetchall()
    assert "records_telling" in str(plan) and "TEMP B-TREE" not in str(plan)


def test_the_ledger_is_asked_again_only_when_somebody_changed_it(book, monkeypatch):
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    burning(12)(writer)
    heard(book, writer)
    now, said_last = Now(book), live.said_last
    asked: list[str] = []

    def counted(db: Database, unit: str) -> list[live.Said]:
        asked.append(unit)
        return said_last(db, unit)

    monkeypatch.setattr(live, "said_last", counted)
    first = now.look()
    assert now.look() == first and asked == ["U1"]
    heard(book, writer, 0, [writer.session(5)])
    assert now.look().units[0].state == "idle" and asked == ["U1", "U1"]


def test_many_who_listen_are_told_by_one_look(book):
    looked = []

    def look() -> Seen:
        looked.append(1)
        return Seen(NOW_MS + len(looked) * 60_000, ())

    async def listen() -> list[int]:
        stream, over = Stream(look), asyncio.Event()

        async def first_two() -> int:
            told = stream.listen(over)
            seen = [await anext(told), await anext(told)]
            await told.aclose()
            return seen[-1].at_ms

        return await asyncio.gather(*(first_two() for _ in range(20)))

    assert len(set(asyncio.run(listen()))) == 1
    assert len(looked) <= 3


def test_while_the_ledger_cannot_be_read_nothing_is_told(monkeypatch):
    monkeypatch.setattr(board_stream, "BEAT_S", 0.01)
    monkeypatch.setattr(board_stream, "_LOOK_S", 0.01)
    failing = [True] * 3

    def look() -> Seen:
        if failing:
            failing.pop()
            raise OSError("no disk")
        return Seen(NOW_MS, ())

    async def first() -> Seen:
        told = Stream(look).listen(asyncio.Event())
        seen = await anext(told)
        await told.aclose()
        return seen

    assert asyncio.run(first()).at_ms == NOW_MS and not failing


# --- the stream ---------------------------------------------------------------------------------------------------


class Listening:
    """A screen's stream, read in a thread of its own: events as (name, data)."""

    def __init__(self, base: str, token: str, query: str = ""):
        self.events: list[tuple[str, str]] = []
        self.is_over = False
        self.status = 0
        self.broke: Exception | None = None
        self._thread = threading.Thread(
            target=self._read, args=(f"{base}/board/events{query}", token), daemon=True
        )
        self._thread.start()

    def _read(self, address: str, token: str) -> None:
        name, data = "", []
        try:
            with httpx.stream("GET", address, cookies={COOKIE: token}, timeout=60) as answer:
                self.status = answer.status_code
                for line in answer.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        data.append(value)
                    elif not line:
                        self.events.append((name, "\n".join(data)))
                        name, data = "", []
        except httpx.HTTPError as error:
            self.broke = error
        self.is_over = True

    def hears(self, name: str, words: str = "") -> str:
        """Waits for an event of that name that says it."""
        return eventually(lambda: next((d or " " for n, d in self.events if n == name and words in d), None))


@pytest.fixture
def screens(tmp_path: Path) -> Iterator[tuple[str, Book, str]]:
    book = rooms.morning(tmp_path / "clinic")
    token = account(book.folder, "BOARD", DISPLAY)
    with served(web.app(book, {})) as base:
        yield base, book, token


def test_a_record_that_arrives_is_on_the_screen_without_being_asked_for(screens):
    base, book, token = screens
    screen = Listening(base, token, "?room=理疗二室")
    screen.hears("board", "没有消息")
    writer = enrol(book, "U9", "tdp", "理疗二室", "9")
    heard(book, writer, burning(3)(writer))
    said = screen.hears("board", "tdp-U9")
    assert tiles(said)["tdp-U9"][0] == "running" and "理疗一室 3" not in said


def test_a_beat_says_that_what_is_shown_still_holds(screens, monkeypatch):
    monkeypatch.setattr(board_stream, "BEAT_S", 0.05)
    base, _, token = screens
    assert Listening(base, token).hears("beat") == "10:30"


def test_the_stream_ends_with_the_sign_in_and_says_so(screens, monkeypatch):
    monkeypatch.setattr(board_stream, "BEAT_S", 0.05)
    monkeypatch.setattr("gateway.pages.board.BEAT_S", 1.0)  # asked at every word
    base, book, token = screens
    screen = Listening(base, token)
    screen.hears("board")
    with book.ledger() as db, rooms.transaction(db):
        people.end(db, "BOARD", NOW_MS)
    screen.hears("ended")
    eventually(lambda: screen.is_over)
    assert screen.broke is None


def test_to_watch_the_board_keeps_a_display_signed_in_and_nobody_else(book):
    now_ms = book.clock.now_ms()
    tokens = {role: account(book.folder, role.upper(), role) for role in (DISPLAY, NURSE)}
    with book.ledger() as db:
        for token in tokens.values():
            later_ms = now_ms + 11 * 3_600_000
            assert sign_ins.holds(db, token, later_ms)
            assert (sign_ins.holds(db, token, later_ms + 2 * 3_600_000)) is (token == tokens[DISPLAY])


def test_more_screens_than_the_server_can_serve_are_told_so(screens, monkeypatch):
    monkeypatch.setattr(board_stream, "MOST", 1)
    base, _, token = screens
    Listening(base, token).hears("board")
    answer = httpx.get(f"{base}/board/events", cookies={COOKIE: token})
    assert answer.status_code == 503 and json.loads(answer.text) == {"full": True}


def test_a_server_that_ends_lets_its_screens_go_in_peace(tmp_path):
    """Every stream is finished as streams are, and none has to be cut off when patience ends."""
    broker = Broker(tmp_path / "broker", CLINIC, ["U1"])
    book = in_folder(tmp_path / "clinic", extra=broker.config)
    token = account(book.folder, "BOARD", DISPLAY)
    writer = enrol(book, "U1", "tdp", "理疗一室", "1")
    link = UnitLink(broker.port, "U1")
    program, base = serve(book.folder)
    try:
        with ended(program):
            screens = [Listening(base, token) for _ in range(3)]
            link.send(writer.lines)
            for screen in screens:
                screen.hears("board", "idle")
            link.send_raw(f"ww/1/{CLINIC}/U1/status", b"offline")
            for screen in screens:
                screen.hears("board", "dark")
            assert program.stop() == 0
            eventually(lambda: all(screen.is_over for screen in screens))
            assert [screen.broke for screen in screens] == [None] * 3
            assert "Cancel" not in program.log() and "Traceback" not in program.log()
    finally:
        link.close()
        broker.stop()
