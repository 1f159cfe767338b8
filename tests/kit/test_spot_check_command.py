"""`spot-check`: what the ledger says of each device at one instant, on paper and for programs."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from gateway import inventory
from gateway.audit import spot_check as seen
from gateway.audit.hours import Hours
from gateway.audit.live import State
from gateway.config import Config
from gateway.instants import iso
from gateway.inventory import Spot
from gateway.kit import sheet, spot
from tests.support.audited import MINUTE_MS, runner
from tests.support.chain import START_MS, Writer
from tests.support.ledgers import CLINIC, in_folder, take_in

TEN_PAST_MS = START_MS + 10 * MINUTE_MS


@pytest.fixture
def book(tmp_path):
    """U1 has run since ten past eight; U2 never spoke; a stimulator has no unit."""
    writer = Writer("U1")
    writer.boot()
    writer.alive()
    writer.open()
    book = in_folder(tmp_path / "clinic", writer, Writer("U2"))
    with book.ledger() as db:
        take_in(db, writer.lines, TEN_PAST_MS)
        inventory.add_device(db, "STIM-1", CLINIC, Spot("stim", "R2", "3"), 0)
    return book


@pytest.fixture
def run(book, capsys):
    return runner(book.folder, capsys)


def asked(run, tmp_path, at_ms, zone, name="s.pdf"):
    code, told, _ = run("spot-check", "--out", tmp_path / name, "--at", iso(at_ms, zone), "--json")
    assert code == 0
    return told


def test_each_room_tells_its_devices_and_what_runs_since_when(run, book, tmp_path):
    told = asked(run, tmp_path, TEN_PAST_MS + 5 * MINUTE_MS, book.config.zone)
    assert [room["room"] for room in told["rooms"]] == ["R1", "R2"]
    one, two = told["rooms"][0]["devices"]
    assert (one["unit"], one["state"], one["minutes"]) == ("U1", "running", 5)
    assert one["since"] == iso(TEN_PAST_MS, book.config.zone)
    assert (two["unit"], two["state"], two["since"]) == ("U2", "never", None)
    (stim,) = told["rooms"][1]["devices"]
    assert (stim["unit"], stim["state"], stim["can_run_unseen"], stim["bed"]) == (None, "blind", True, "3")
    assert told["counted"] == [{"load": "stim", "devices": 1}, {"load": "tdp", "devices": 2}]


def test_an_earlier_instant_tells_what_was_known_then_and_a_later_one_that_nothing_is(run, book, tmp_path):
    zone = book.config.zone
    before = asked(run, tmp_path, TEN_PAST_MS - 1000, zone, "a.pdf")["rooms"][0]["devices"][0]
    assert before["state"] == "never"
    later = asked(run, tmp_path, TEN_PAST_MS + 60 * MINUTE_MS, zone, "b.pdf")["rooms"][0]["devices"][0]
    assert later["state"] == "unheard" and later["since"] == iso(TEN_PAST_MS, zone)


def test_the_sheet_is_an_archive_pdf_and_the_same_again(run, book, tmp_path):
    asked(run, tmp_path, TEN_PAST_MS, book.config.zone, "a.pdf")
    asked(run, tmp_path, TEN_PAST_MS, book.config.zone, "b.pdf")
    one, two = ((tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert one == two and one.startswith(b"%PDF-") and b"pdfaid" in one


def test_the_sheet_asks_in_both_languages_what_only_eyes_see(book):
    with book.ledger() as db:
        check = spot.gather(db, CLINIC, TEN_PAST_MS)
    document = sheet.document(check, book.config)
    text = json.dumps(document, ensure_ascii=False)
    for word in ("现在开着？", "On now?", "患者在场？", "Patient present?", "封条号", "intact", "实有", "Counted",
                 "备注", "Notes", "检查人员", "Inspectors", "第 # 页", "无单元，不监测"):  # fmt: skip
        assert word in text
    assert all(len(row) == len(table["columns"]) for table in document["tables"] for row in table["rows"])
    assert [table["title"]["zh"] for table in document["tables"]] == ["房间 R1", "房间 R2", "清点"]


def test_a_file_that_is_there_is_not_overwritten_and_an_odd_instant_is_refused(run, tmp_path):
    (tmp_path / "s.pdf").write_text("mine")
    assert run("spot-check", "--out", tmp_path / "s.pdf")[0] == 2
    assert (tmp_path / "s.pdf").read_text() == "mine"
    code, _, said = run("spot-check", "--out", tmp_path / "t.pdf", "--at", "soon")
    assert code == 2 and "soon" in said and not (tmp_path / "t.pdf").exists()


def test_now_is_the_default_and_people_are_told_how_many(run, tmp_path):
    code, out, said = run("spot-check", "--out", tmp_path / "s.pdf")
    assert code == 0 and out == "" and "3 台设备" in said


@pytest.mark.parametrize("state", [*get_args(State), "blind"])
def test_whatever_state_a_device_is_in_the_sheet_has_words_for_it(state):
    here = seen.Spot("L1", "tdp", "R1", "1", 1, "U1", False, state, TEN_PAST_MS, 5)
    said = sheet.says(here, Hours(Config(CLINIC, "示范诊所")))
    assert said.zh and said.en and said.zh != said.en


def test_a_unit_whose_memory_is_full_is_unknown_on_the_sheet(tmp_path, capsys):
    writer = Writer("U1")
    writer.boot()
    writer.fault("STORAGE")
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, TEN_PAST_MS)
        check = spot.gather(db, CLINIC, TEN_PAST_MS)
    assert check.spots[0].state == "full"
    figures = {each["name"]["zh"]: each["value"] for each in sheet.document(check, book.config)["figures"]}
    assert figures["此刻不知道"] == "1"


def test_a_lamp_that_has_been_on_for_days_is_not_said_to_be_off(tmp_path):
    writer = Writer("U1")
    writer.boot()
    writer.open()
    for _ in range(300):
        writer.alive()
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, writer.at_ms)
        (lamp,) = spot.gather(db, CLINIC, writer.at_ms).spots
    assert (lamp.state, lamp.minutes) == ("running", 3000)
