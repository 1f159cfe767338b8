"""Sheets for the archive: the same figures whatever they are written on, coverage beside each, the same bytes again."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import date, timedelta
from io import BytesIO, StringIO

import pytest
import typst
from hypothesis import example, given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from gateway.audit import month, review, sums
from gateway.audit.outcomes import DISTRICT, Decided
from gateway.audit.sums import Treated, Watched
from gateway.errors import SurroundingsError
from gateway.report import pdf, plain, sheets, workbook
from tests.support.audited import DAY_MS, EVENING_MS, MONDAY, charge, lamp_day, settle
from tests.support.bills import STIM, detail
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in

TUESDAY = MONDAY + timedelta(1)


@pytest.fixture
def book(tmp_path):
    """Monday: two of four charges in doubt. Tuesday: all supported, one item that nothing shows."""
    writer = lamp_day(Writer("U1"), 20, 25)
    lamp_day(writer, 20, 20, days=1)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS + DAY_MS)
        monday = (detail(str(number), orders_dr_code="D07") for number in range(1, 5))
        other = {"fee_ocur_time": "2026-03-03 09:00:00", "orders_dr_code": "D08"}
        tuesday = (detail("5", **other), detail("6", **other), detail("7", **other, med_list_codg=STIM))
        charge(db, book, *monday, *tuesday, now_ms=EVENING_MS + DAY_MS)
        for day in (MONDAY, TUESDAY):
            settle(db, book, day, now_ms=EVENING_MS + DAY_MS)
    return book


def figures(db, book, first=MONDAY, last=TUESDAY, now_ms=EVENING_MS + DAY_MS):
    return month.figures(db, book.config, "clinic", first, last, now_ms)


# --- sums ---------------------------------------------------------------------------------------------------------


def test_the_clinic_is_the_sum_of_its_days_and_of_its_items(db, book):
    found = figures(db, book).sums
    whole = found.whole
    assert (whole.treatments, whole.judged, whole.supported, whole.no_device_time, whole.not_metered) == (
        7,
        6,
        4,
        2,
        1,
    )
    for kind in ("day", "week", "item"):
        for name in (
            "treatments",
            "supported",
            "short",
            "no_device_time",
            "not_metered",
            "amount_fen",
            "leads",
        ):
            assert sum(getattr(each, name) for each in found.by_kind[kind]) == getattr(whole, name), (
                kind,
                name,
            )
    assert (whole.open_s, whole.watched_s) == (86400, 86400)
    assert [(each.name, each.open_s) for each in found.by_kind["day"]] == [
        ("2026-03-02", 43200),
        ("2026-03-03", 43200),
    ]


def test_a_practitioner_is_given_no_doubt_of_a_set(db, book):
    staff = {each.name: each for each in figures(db, book).sums.by_kind["staff"]}
    assert (staff["D07"].shared, staff["D07"].no_device_time, staff["D07"].supported) == (4, 0, 0)
    assert (staff["D08"].shared, staff["D08"].supported, staff["D08"].not_metered) == (0, 2, 1)
    assert {each.long_burn for each in staff.values()} == {None}
    assert (staff["D07"].leads, staff["D08"].leads) == (0, 0)


def test_a_set_that_lies_in_one_room_is_the_rooms(db, book):
    (room,) = figures(db, book).sums.by_kind["room"]
    assert (room.name, room.no_device_time, room.shared) == ("中医科", 2, 0)


LINES = st.lists(
    st.builds(
        lambda number, room, staff, code: (f"V{number}/1", room, staff, code),
        st.integers(0, 30),
        st.sampled_from(["R1", "R2"]),
        st.sampled_from(["D01", "D02", "D03"]),
        st.sampled_from(["supported", "short", "no_device_time", "unobserved", "not_metered", "reversed"]),
    ),
    unique_by=lambda each: each[0],
)


@given(LINES, st.data())
def test_whatever_the_sets_nobody_is_named_for_one_of_them(lines, data):
    doubtful = [line for line, _, _, code in lines if code in sums.DOUBTS]
    sets = (
        data.draw(st.lists(st.sets(st.sampled_from(doubtful), min_size=2), max_size=3))
        if doubtful[1:]
        else []
    )
    among = {line: tuple(sorted(each)) for each in sets for line in each}
    treated = [
        Treated("2026-03-02", line, 31, code, 1200, None, "A", among.get(line, ()), room, staff)
        for line, room, staff, code in lines
    ]
    found = sums.summed(treated, [], [], {31: "tdp"}, ["2026-03-02"])
    for each in found.by_kind["staff"]:
        own = [one for one in treated if one.staff == each.name]
        certain = [one for one in own if one.line not in among]
        for code in sums.DOUBTS:
            assert getattr(each, code) == sum(one.code == code for one in certain)
        assert each.shared == len(own) - len(certain)
    for kind in ("room", "staff", "item", "day"):
        for each in found.by_kind[kind]:
            told = (
                each.supported
                + each.short
                + each.no_device_time
                + each.unobserved
                + each.shared
                + each.not_metered
            )
            assert told == each.treatments


def test_coverage_of_an_item_is_that_of_the_devices_that_could_show_it():
    treated = [
        Treated("2026-03-02", f"V{n}/1", n, "supported", 1, None, "A", (), "R2", "D01") for n in (31, 23, 1)
    ]
    watched = [
        Watched("2026-03-02", "L1", "tdp", "R1", 100, 90),
        Watched("2026-03-02", "L2", "tdp", "R2", 100, 10),
        Watched("2026-03-02", "S1", "stim", "R1", 100, 50),
    ]
    found = sums.summed(treated, watched, [], {31: "tdp", 23: "stim", 1: "item1"}, ["2026-03-02"]).by_kind
    assert {each.name: (each.watched_s, each.open_s) for each in found["item"]} == {
        "1": (0, 0), "23": (50, 100), "31": (100, 200),
    }  # fmt: skip
    assert [(each.watched_s, each.open_s) for each in found["room"]] == [(10, 100)], (
        "the room's own lamp alone"
    )


def test_money_in_open_leads_goes_when_the_district_decides(db, book):
    whole = figures(db, book).sums.whole
    assert whole.leads > 0 and whole.leads_fen == 2400
    for lead, _ in figures(db, book).leads:
        review.decide(db, lead, DISTRICT, "Q01", EVENING_MS + DAY_MS, Decided("explained", "w"))
    whole = figures(db, book).sums.whole
    assert (whole.leads, whole.leads_fen) == (0, 0)


def test_a_rule_that_comes_back_after_it_was_put_right_is_told(db, book):
    (lead,) = [each for each, _ in figures(db, book).leads if each.rule == "capacity"]
    review.decide(db, lead, DISTRICT, "Q01", EVENING_MS, Decided("confirmed", "w", rectification="双人核对"))
    (again,) = figures(db, book).sums.came_back
    assert (again.rule, again.rectified, again.since) == ("capacity", MONDAY, 0)
    more = (detail(str(n), visit="V8", fee_ocur_time="2026-03-03 10:00:00") for n in range(3))
    charge(db, book, *more, now_ms=EVENING_MS + DAY_MS + 1)
    settle(db, book, TUESDAY, now_ms=EVENING_MS + DAY_MS + 1)
    (again,) = figures(db, book).sums.came_back
    assert again.since == 1
    told = {table.key: table for table in sheets.tables(figures(db, book))}["came_back"]
    assert told.rows[0][-1].zh == "再次出现"


# --- sheets -------------------------------------------------------------------------------------------------------


def test_coverage_stands_in_every_table_of_figures(db, book):
    found = {
        table.key: [column.name for column in table.columns] for table in sheets.tables(figures(db, book))
    }
    assert {"day", "item", "room", "staff"} <= found.keys()
    for key in found.keys() & {"day", "week", "item", "room", "staff"}:
        assert sheets.both("figure.coverage") in found[key]
    assert sheets.highlights(figures(db, book))[0][0] == sheets.both("figure.coverage")


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_never_rounded_up_to_all(part, whole):
    told = sheets.share(min(part, whole), whole)
    assert (told == "100%") == (part >= whole)


def test_a_pdf_is_the_same_bytes_again_and_is_an_archive_pdf_with_numbered_pages(db, book):
    found = figures(db, book)
    one, two = pdf.write(found), pdf.write(figures(db, book))
    assert one == two and one.startswith(b"%PDF-")
    assert b"pdfaid" in one


def test_the_pdf_says_everything_in_both_languages_with_signature_lines(db, book):
    document = pdf._document(figures(db, book))
    text = json.dumps(document, ensure_ascii=False)
    for word in (
        "机构负责人",
        "Head of the clinic",
        "监测",
        "watched",
        "按执行人",
        "By practitioner",
        "上限",
        "第 # 页",
    ):
        assert word in text
    assert all(len(row) == len(table["columns"]) for table in document["tables"] for row in table["rows"])


def test_without_a_chinese_font_there_is_no_pdf_but_one_clear_error(db, book, run, tmp_path, monkeypatch):
    class Bare:
        def __init__(self, **_):
            pass

        def families(self):
            return ["DejaVu Sans"]

    monkeypatch.setattr(typst, "Fonts", Bare)
    pdf.chinese_font.cache_clear()
    try:
        with pytest.raises(SurroundingsError, match="fonts-noto-cjk"):
            pdf.chinese_font()
        asked = ("report", "--from", MONDAY, "--to", MONDAY, "--out", tmp_path / "m.pdf")
        code, _, said = run(*asked)
        assert code == 3 and said.count("\n") == 1 and ".xlsx" in said and not (tmp_path / "m.pdf").exists()
    finally:
        pdf.chinese_font.cache_clear()


def test_a_workbook_holds_numbers_as_numbers_and_is_the_same_bytes_again(db, book):
    found = figures(db, book)
    body = workbook.write(found)
    assert body == workbook.write(figures(db, book))
    names = CalamineWorkbook.from_filelike(BytesIO(body)).sheet_names
    assert names[0] == "主要数字" and "按日" in names and "线索" in names
    rows = CalamineWorkbook.from_filelike(BytesIO(body)).get_sheet_by_name("按日").to_python()
    head = [str(cell).split("\n")[0] for cell in rows[2]]
    monday = dict(zip(head, rows[3], strict=True))
    assert (monday["收费次数"], monday["监测"], monday["无设备时间"]) == (4, 1, 2)


def test_text_in_a_workbook_is_never_a_formula_or_a_link(db, book):
    charge(db, book, detail("9", visit="V9", orders_dr_code="=1+1"), now_ms=EVENING_MS + DAY_MS + 1)
    settle(db, book, now_ms=EVENING_MS + DAY_MS + 1)
    body = workbook.write(figures(db, book))
    with zipfile.ZipFile(BytesIO(body)) as parts:
        assert not any(
            b"<f>" in parts.read(name) or b"hyperlink" in parts.read(name) for name in parts.namelist()
        )
    table = plain.write(figures(db, book)).decode("utf-8-sig")
    assert any(row and row[0] == "'=1+1" for row in csv.reader(StringIO(table)))


@given(st.text())
@example("＝1+1")
@example("\n=1+1")
def test_no_cell_of_a_csv_begins_like_a_formula(text):
    guarded = plain.guarded(text)
    assert not guarded.startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
    ) and guarded.endswith(text)


def test_a_csv_has_a_mark_for_spreadsheets_and_says_what_the_other_sheets_say(db, book):
    body = plain.write(figures(db, book))
    assert body.startswith(b"\xef\xbb\xbf") and b"\r\n" in body
    rows = list(csv.reader(StringIO(body.decode("utf-8-sig"))))
    (monday,) = [row for row in rows if row and row[0].startswith("2026-03-02 一")]
    assert monday[2:4] == ["100%", "4"]


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_writes_each_kind_and_tells_the_figures(run, tmp_path):
    for kind in ("pdf", "xlsx", "csv"):
        out = tmp_path / f"march.{kind}"
        code, said, _ = run("report", "--from", MONDAY, "--to", TUESDAY, "--out", out, "--json")
        assert code == 0 and out.stat().st_size > 500
        assert said["sums"]["clinic"][0]["treatments"] == 7
        assert [each["state"] for each in said["days"]] == ["not_closed", "not_closed"]


def test_the_command_says_which_days_are_not_closed(run, tmp_path):
    assert run("close", MONDAY, "--by", "D01")[0] == 0
    code, _, said = run("report", "--from", MONDAY, "--to", TUESDAY, "--out", tmp_path / "a.csv")
    assert code == 0 and "1 of its days" in said
    assert "#1" in (tmp_path / "a.csv").read_text("utf-8-sig")


@pytest.mark.parametrize(
    "first, last, name, told",
    [
        (MONDAY, TUESDAY, "a.doc", ".pdf"),
        (TUESDAY, MONDAY, "a.pdf", "--from"),
        (date(2020, 1, 1), TUESDAY, "a.pdf", "days"),
        (MONDAY, TUESDAY, "there.csv", "exists"),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_line(run, tmp_path, first, last, name, told):
    (tmp_path / "there.csv").write_text("mine")
    code, _, said = run("report", "--from", first, "--to", last, "--out", tmp_path / name)
    assert code == 2 and told in said and said.count("\n") == 1
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_a_month_without_anything_is_a_sheet_all_the_same(run, tmp_path):
    code, said, _ = run(
        "report", "--from", "2026-05-01", "--to", "2026-05-31", "--out", tmp_path / "may.pdf", "--json"
    )
    assert code == 0 and {each["state"] for each in said["days"]} == {"not_reconciled"}
