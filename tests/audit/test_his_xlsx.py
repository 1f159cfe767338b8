"""The spreadsheet that hospital systems export becomes bill lines, whatever stands around its header."""

from __future__ import annotations

import io
import random
from datetime import datetime
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.formats import archive, sheet
from gateway.audit.formats.his_xlsx import COLUMNS
from gateway.errors import UsageError
from tests.audit.test_import_bills import Clinic, ms, why
from tests.support.bills import TDP, fee, fee_list
from tests.support.xlsx import Cell, back, export, his, rows_of, sheet_xml, workbook, zipped

NAME = "M1/S1.RX1.OWN31.2026-03-02.1"


def test_a_row_becomes_a_bill_line() -> None:
    clinic = Clinic()
    imported = clinic.take(export(his("M7", 数量="3", 金额="36.00")))
    assert (imported.format, imported.lines, imported.new) == ("his-xlsx", 1, 1)
    (line,) = clinic.lines()
    assert (line.visit, line.item, line.treatments, line.amount_fen) == ("M7", 31, 3, 3600)
    assert (line.line, line.row) == ("M7/S1.RX1.OWN31.2026-03-02.1", 4)
    assert (line.charged_ms, line.room, line.staff) == (ms("2026-03-02 09:15:00"), "中医科", "")


def test_it_has_35_columns() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 35


def test_neither_names_nor_identity_numbers_are_kept_as_text() -> None:
    clinic = Clinic()
    clinic.take(export(his(), his(身份证号="ID-0002", 处方号="RX2"), his(处方号="RX3")))
    first, second, third = (line.patient for line in clinic.lines())
    assert first == third != second and len(first) == 64
    rows = clinic.db.execute("SELECT * FROM bill_lines").fetchall()
    assert not [cell for row in rows for cell in row if "ID-000" in str(cell) or "P0001" in str(cell)]


def test_masked_identity_numbers_are_told_apart_by_the_name() -> None:
    clinic = Clinic()
    people = [his(处方号=each, 身份证号="310****12", 人员姓名=f"P{each}") for each in ("1", "2")]
    clinic.take(export(*people))
    assert len({line.patient for line in clinic.lines()}) == 2


# --- headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        rows_of(his()),
        [["一"], [None], ["制表人 D01"], *rows_of(his())],
        [["费用", *[None] * 33, "结算"], *rows_of(his())],
        [[f" {name[:1]} {name[1:]} " for name in COLUMNS], rows_of(his())[1]],
        [[{"金额": "金额（元）", "单价": "单价(元)"}.get(name, name) for name in COLUMNS], rows_of(his())[1]],
        [
            [name if at % 2 else None for at, name in enumerate(COLUMNS)],
            [None if at % 2 else name for at, name in enumerate(COLUMNS)],
            rows_of(his())[1],
        ],
        rows_of(his(), columns=tuple(reversed(COLUMNS))),
        rows_of(his(), columns=[name for name in COLUMNS if name not in ("国标名称", "规格", "单价")]),
        [*rows_of(his()), list(COLUMNS), [None] * 35],
    ],
    ids=["plain", "titles", "groups", "blanks", "yuan", "two rows", "order", "fewer", "pages"],
)
def test_the_header_is_found_wherever_it_stands(rows: list[list[Cell]]) -> None:
    clinic = Clinic()
    clinic.take(workbook(rows))
    assert list(clinic.states()) == [NAME]


def test_sheets_without_the_header_do_not_matter() -> None:
    clinic = Clinic()
    clinic.take(workbook([["说明"]], [], rows_of(his())))
    assert list(clinic.states()) == [NAME]


def test_two_sheets_that_both_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="more than one sheet"):
        Clinic().take(workbook(rows_of(his()), rows_of(his("M2"))))


def test_a_sheet_of_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match="no sheet has the header"):
        Clinic().take(workbook([["a", "b"], ["1", "2"]]))


def test_missing_columns_are_named() -> None:
    columns = [name for name in COLUMNS if name not in ("数量", "费用发生日期")]
    with pytest.raises(UsageError, match="missing columns: 数量, 费用发生日期"):
        Clinic().take(workbook(rows_of(his(), columns=columns)))


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="columns named twice: 数量"):
        Clinic().take(workbook(rows_of(his(), columns=[*COLUMNS, "数量"])))


# --- sums --------------------------------------------------------------------------------------------------------


def total(amount: Cell, label: str = "合 计") -> list[Cell]:
    row = dict.fromkeys(COLUMNS) | {"序号": label, "金额": amount}
    return [row[name] for name in COLUMNS]


def test_the_exports_own_sums_are_no_lines_and_have_to_be_right() -> None:
    rows = [*rows_of(his(), his(处方号="RX2")), total("12.00", "小计"), total(24.0)]
    assert Clinic().take(workbook(rows)).new == 2
    clinic = Clinic()
    row, column, en = why(clinic.take(workbook(rows[:2] + rows[3:])))
    assert (row, column, en) == (4, "金额", "the rows add up to 12.00: incomplete, export it again")
    assert clinic.content() == []


# --- what a spreadsheet does to cells ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        {"数量": 1, "单价": 12, "金额": 12},
        {"数量": 1.0, "单价": 12.0, "金额": 12.0},
        {"数量": "１", "金额": "１２．００"},
        {"费用发生日期": datetime(2026, 3, 2, 9, 15)},
        {"费用发生日期": "2026/3/2 9:15"},
        {"费用发生日期": "2026-03-02 09:15:00.0"},
    ],
)
def test_exact_numbers_and_dates_say_the_same_as_their_text(cells: dict[str, Cell]) -> None:
    clinic, plain = Clinic(), Clinic()
    clinic.take(export(his(**cells)))
    plain.take(export(his()))
    assert clinic.lines() == plain.lines()


@pytest.mark.parametrize("day", [datetime(2026, 3, 2), "2026-03-02", "2026/3/2", "2026.3.2"])
def test_a_date_without_time_counts_as_midnight_and_that_is_noted(day: Cell) -> None:
    clinic = Clinic()
    imported = clinic.take(export(his(费用发生日期=day)))
    assert clinic.lines()[0].charged_ms == ms("2026-03-02 00:00:00")
    assert "1 rows have a date without time" in imported.notes[0][1]


def test_every_second_of_a_day_comes_back_from_a_spreadsheets_date() -> None:
    seconds = random.Random(7).sample(range(1, 86400), 40)
    at = [datetime(2026, 3, 2, each // 3600, each // 60 % 60, each % 60) for each in seconds]
    clinic = Clinic()
    clinic.take(export(*(his(f"M{n}", 费用发生日期=each) for n, each in enumerate(at))))
    told = {line.visit: line.charged_ms for line in clinic.lines()}
    assert told == {f"M{n}": ms(str(each)) for n, each in enumerate(at)}


def test_a_visit_written_as_a_number_is_the_same_visit() -> None:
    clinic = Clinic()
    clinic.take(export(his("20260302001")))
    assert clinic.take(export(his(**{"门诊号": 20260302001}))).repeated == 1


REFUSED: list[tuple[str, Cell, str]] = [
    ("国标代码", 3401000010000, "a code as a number: export as text"),
    ("国标代码", "3401000010000", "15 digits, leading zeros lost: export as text"),
    ("国标代码", "3.401E+12", "turned into a number by a spreadsheet: export as text"),
    ("项目代码", 31, "a code as a number: export as text"),
    ("门诊号", 1234567890123456, "a long number lost its last digits: export as text"),
    ("门诊号", 1.5, "a long number lost its last digits: export as text"),
    ("门诊号", "A/1", "must be a short name without /"),
    ("门诊号", None, "must not be empty"),
    ("数量", 0.1 + 0.2, "more than 4 decimals"),
    ("数量", "", "must not be empty"),
    ("数量", "#N/A", "an error of a formula: correct it and export again"),
    ("数量", True, "must be a text or a number"),
    ("数量", "1.5", "charged per treatment: a whole number"),
    ("金额", 12.000000000000002, "more than 2 decimals"),
    ("金额", "1,200.00", "is no number"),
    ("金额", "-12.00", "count and amount differ in sign"),
    ("费用发生日期", 46083.5, "must be a date: export it as text or as a date"),
    ("费用发生日期", "2026-13-02", "must be yyyy-MM-dd HH:mm:ss"),
    ("费用发生日期", "3月2日", "must be yyyy-MM-dd HH:mm:ss"),
    ("费用发生日期", "2026-05-02", "lies in the future"),
]


@pytest.mark.parametrize(("column", "value", "en"), REFUSED)
def test_a_row_that_cannot_be_taken_is_refused_with_its_row_and_the_whole_file(
    column: str, value: Cell, en: str
) -> None:
    clinic = Clinic()
    imported = clinic.take(export(his("M2"), his(**{column: value})))
    assert why(imported) == (5, column, en)
    assert clinic.content() == []


def test_an_identity_number_that_lost_its_digits_is_refused_and_not_repeated_to_anybody() -> None:
    imported = Clinic().take(export(his(身份证号=310101199001011234)))
    assert why(imported)[1:] == ("身份证号", "a long number lost its last digits: export as text")
    assert imported.refused[0].value == ""


def test_a_second_institution_is_refused() -> None:
    imported = Clinic().take(export(his(), his("M2", 机构编码="H0002")))
    assert why(imported) == (5, "机构编码", "another institution than the file's first row")


def test_parts_can_be_accepted() -> None:
    imported = Clinic().take(export(his(), his("M2", 数量="x")), accept_partial=True)
    assert (imported.new, len(imported.refused)) == (1, 1)


# --- what a line is called ---------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing() -> None:
    clinic = Clinic()
    body = export(his(), his(), his("M2"), back("M2"))
    first = clinic.take(body)
    content = clinic.content()
    again = clinic.take(body)
    assert (first.new, first.reversed, again.new, again.repeated) == (4, 1, 0, 4)
    assert clinic.content() == content


def test_equal_rows_are_lines_of_their_own() -> None:
    clinic = Clinic()
    clinic.take(export(his(), his(), his(金额="13.00"), his(项目代码="B")))
    assert len(clinic.states()) == 4


def test_overlapping_exports_in_any_order_are_the_same_lines() -> None:
    rows = [his(), his(), his(金额="13.00", 序号="9"), his("M2"), his(结算流水号="S3"), his(处方号="RX2")]
    clinic = Clinic()
    clinic.take(export(*rows))
    states = clinic.states()
    imported = clinic.take(export(*reversed(rows), his("M3")))
    assert (imported.new, imported.repeated) == (1, 6)
    assert clinic.states().keys() - states.keys() == {NAME.replace("M1", "M3")}


def test_a_line_that_says_other_than_before_is_refused() -> None:
    clinic = Clinic()
    clinic.take(export(his()))
    imported = clinic.take(export(his(数量="2", 金额="24.00")))
    assert why(imported) == (4, "结算流水号+处方号+项目", "differs from what row 4 of file 1 said")


def test_rows_without_settlement_or_prescription_are_lines_too() -> None:
    clinic = Clinic()
    clinic.take(export(his(结算流水号="", 处方号=None, 国标代码="", 险种类别="自费")))
    assert list(clinic.states()) == ["M1/0.0.OWN31.2026-03-02.1"]


# --- refunds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settlement", ["S2", "S1", ""])
def test_a_refund_takes_back_its_exact_opposite_whichever_settlement_it_shows(settlement: str) -> None:
    rows = [his(金额="13.00"), his(), his("M2"), back(结算流水号=settlement)]
    for order in (rows, rows[::-1]):
        clinic = Clinic()
        imported = clinic.take(export(*order))
        assert (imported.new, imported.reversed) == (4, 1)
        live = sorted((line.visit, line.amount_fen) for line in clinic.lines() if not line.reversed_by)
        assert live == [("M1", 1300), ("M2", 1200)]


def test_a_refund_finds_its_line_in_an_earlier_export() -> None:
    clinic = Clinic()
    clinic.take(export(his()))
    assert clinic.take(export(back())).reversed == 1
    assert clinic.take(export(his(), back())).reversed == 0


def test_charged_refunded_and_charged_again_leaves_one_also_when_told_without_the_reversal() -> None:
    clinic = Clinic()
    clinic.take(export(his(), back(), his(结算流水号="S3")))
    assert clinic.take(export(his(结算流水号="S3"))).repeated == 1
    assert [line.settlement for line in live_entries(clinic)] == ["S3"]


def live_entries(clinic: Clinic) -> list[Any]:
    rows = clinic.db.query("SELECT * FROM bill_lines WHERE count NOT LIKE '-%' AND reversed_by IS NULL")
    return [type("Row", (), each) for each in rows]


def test_a_negative_row_without_its_original_is_refused() -> None:
    assert why(Clinic().take(export(back())))[2] == "a negative line without its original"


def test_a_refund_of_a_part_is_refused() -> None:
    rows = [his(数量="3", 金额="36.00"), back()]
    assert why(Clinic().take(export(*rows)))[2] == "a negative line without its original"


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 3), st.booleans()), min_size=1), st.data())
@settings(max_examples=40, deadline=None)
def test_refunds_lose_no_fen_in_any_order(told: list[tuple[str, int, bool]], data: st.DataObject) -> None:
    rows = []
    for visit, count, refunded in told:
        said = {"数量": str(count), "金额": f"{12 * count}.00"}
        rows.append(his(visit, **said))
        if refunded:
            rows.append(back(visit, **{name: f"-{value}" for name, value in said.items()}))
    clinic = Clinic()
    assert clinic.take(export(*data.draw(st.permutations(rows)))).refused == []
    live = sum(line.amount_fen for line in clinic.lines() if not line.reversed_by)
    assert live == sum(1200 * count for _, count, refunded in told if not refunded)


# --- files that are something else -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "an old XLS.*save it as .xlsx"),
        (
            b"<html><body><table><tr><td>1</td></tr></table>",
            "no sheet has the header.*save another table as CSV",
        ),
        (b"\xef\xbb\xbf<meta charset=utf-8><table>", "no sheet has the header.*save another table as CSV"),
        (
            b"<?xml version='1.0'?><Workbook><Worksheet/></Workbook>",
            "markup without a table.*save it as .xlsx",
        ),
        (b"PK\x03\x04....", "a broken XLSX or ZIP file"),
        (export(his())[:-200], "a broken XLSX or ZIP file"),
        (zipped({"word/document.xml": "<x/>"}), "a 3202 ZIP holds one .txt"),
        (zipped({"xl/workbook.xml": "<x"}), "a broken XLSX file"),
    ],
    ids=["xls", "html", "html fragment", "xml", "mark alone", "cut", "another zip", "no parts"],
)
@pytest.mark.parametrize("form", ["auto", "his-xlsx"])
def test_what_is_no_such_export_is_one_clear_error_that_says_what_to_do(
    body: bytes, says: str, form: str
) -> None:
    clinic = Clinic()
    with pytest.raises(UsageError, match=says if form == "auto" or "3202" not in says else "3202"):
        clinic.take(body, form=form)
    assert clinic.content() == []


def page(rows: list[list[Cell]], encoding: str = "utf-8") -> bytes:
    """The rows as the web page that some hospital systems call `.xls`."""
    cells = ("".join(f"<td x:str>{'&nbsp;' if cell is None else cell}</td>" for cell in row) for row in rows)
    return f"<html><head><style>td{{}}</style></head><table>{''.join(f'<tr>{row}' for row in cells)}</table>".encode(
        encoding
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_web_page_that_is_called_xls_says_the_same_as_the_workbook(encoding: str) -> None:
    rows: list[list[Cell]] = [
        ["一月费用明细"],
        *rows_of(his(), his("M2", 数量="２", 金额="24.00"), back("M2", 数量="-2", 金额="-24.00")),
    ]
    clinic, other = Clinic(), Clinic()
    imported = clinic.take(page(rows, encoding))
    other.take(workbook(rows))
    assert imported.format == "his-xlsx"
    assert clinic.lines() == other.lines() and len(clinic.lines()) == 2


def test_merged_cells_of_a_web_page_keep_its_columns_in_place() -> None:
    names = "".join(
        f'<td rowspan="2">{name}</td>' if at < 30 else ("" if at > 30 else '<td colspan="5">金额</td>')
        for at, name in enumerate(COLUMNS)
    )
    below = "".join(f"<td>{name}</td>" for name in COLUMNS[30:])
    cells = "".join(f"<td>{cell}</td>" for cell in rows_of(his())[1])
    clinic = Clinic()
    clinic.take(f"<table><tr>{names}</tr><tr>{below}</tr><tr>{cells}</tr></table>".encode())
    assert list(clinic.states()) == [NAME]


def test_comments_quoted_marks_and_signs_written_as_words_do_not_disturb_a_page() -> None:
    told = (
        page(rows_of(his(费用科室名称="内科&amp;针灸&#31185;")))
        .decode()
        .replace("<html>", "<html><!--[if mso]><table><td>-->")
    )
    told = told.replace("<td x:str>H0001", '<td x:fmla="=A1>B2">H0001').replace(
        "</table>", "</TABLE><!-- open"
    )
    clinic = Clinic()
    clinic.take(told.encode())
    (line,) = clinic.lines()
    assert (line.line, line.room) == (NAME, "内科&针灸科")


def test_a_page_with_a_table_inside_a_cell_is_two_tables() -> None:
    inner = page(rows_of(his())).decode()
    clinic = Clinic()
    clinic.take(f"<table><tr><td>报表{inner}</td></tr></table>".encode())
    assert list(clinic.states()) == [NAME]


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_text_that_is_called_xls_says_the_same_as_the_workbook(delimiter: str, encoding: str) -> None:
    rows = rows_of(his(), his("M2", 项目代码='="0031"'))
    told = "\r\n".join(
        delimiter.join('"' + str(cell or "").replace('"', '""') + '"' for cell in row) for row in rows
    )
    clinic = Clinic()
    imported = clinic.take(told.encode(encoding))
    assert imported.format == "his-xlsx"
    assert list(clinic.states()) == [NAME, "M2/S1.RX1.0031.2026-03-02.1"]


def test_a_code_that_a_spreadsheet_damaged_is_refused_in_a_web_page_too() -> None:
    assert why(Clinic().take(page(rows_of(his(国标代码="3.40100001E+13"))))) == (
        2,
        "国标代码",
        "turned into a number by a spreadsheet: export as text",
    )


def test_a_web_page_in_another_format_than_said_is_refused() -> None:
    with pytest.raises(UsageError, match="it is really a web page's table and not 2204"):
        Clinic().take(page(rows_of(his())), form="2204")


def test_a_web_page_with_too_many_columns_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 199999 rows or 256 columns"):
        Clinic().take(page([["x"] * 300]))


@pytest.mark.parametrize(
    ("kind", "insured"),
    [
        ("职工医保", 1),
        ("城乡居民基本医疗保险", 1),
        ("310", 1),
        ("自费", 0),
        ("全自费", 0),
        ("", None),
        ("其他", None),
    ],
)
def test_the_kind_of_insurance_says_who_pays_or_nothing(kind: str, insured: int | None) -> None:
    clinic = Clinic()
    clinic.take(export(his(险种类别=kind)))
    assert [line.insured for line in clinic.lines()] == [insured]


def test_a_workbook_in_another_format_than_said_is_refused() -> None:
    with pytest.raises(UsageError, match="the file is his-xlsx, not 3202"):
        Clinic().take(export(his()), form="3202")
    with pytest.raises(UsageError, match="XLSX"):
        Clinic().take(export(his()), form="2204")
    with pytest.raises(UsageError, match=r"columns.*are for text tables"):
        Clinic('[columns]\nline = "x"\n').take(export(his()))


def test_the_clinics_own_codes_can_be_mapped_for_a_workbook() -> None:
    clinic = Clinic('[items]\n"LL-001" = 32\n')
    clinic.take(export(his(项目代码="LL-001", 国标代码="", 项目名称="烤灯", 国标名称="")))
    assert clinic.lines()[0].item == 32


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 10_000_000)
    body = workbook([["0" * 20_000_000]])
    assert len(body) < 100_000
    with pytest.raises(UsageError, match="unpacks to more than 9 MB: export it by month or day"):
        Clinic().take(body)


@pytest.mark.parametrize("where", ["XFD1", "BA1", "A200000", "C1048576"])
def test_a_cell_in_a_far_corner_is_refused_before_the_sheet_is_laid_out(where: str) -> None:
    body = io.BytesIO(workbook([["x"]]))
    with ZipFile(body) as old:
        parts: dict[str, str | bytes] = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet_xml([["x" * 2_000_000], ["x"]]).replace('"A2"', f'"{where}"')
    with pytest.raises(UsageError, match="reaches beyond row 199999 or column AZ"):
        Clinic().take(zipped(parts))


@pytest.mark.parametrize("where", [b' r="AZ199999"', b' r="Z9"', b' r="AI100000" s="1"', b' r="199999"'])
def test_cells_of_a_full_export_are_not_far(where: bytes) -> None:
    assert sheet._FAR_AWAY.search(where) is None


def test_a_zip_with_a_password_is_refused() -> None:
    body = bytearray(zipped({"a.txt": "x"}))
    body[body.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UsageError, match="password: remove it"):
        Clinic().take(bytes(body))


def test_the_fee_list_and_the_export_find_the_same_item() -> None:
    by_table, by_workbook = Clinic(), Clinic()
    by_table.take(fee_list(fee(med_list_codg=TDP)))
    by_workbook.take(export(his()))
    assert [line.item for line in by_table.lines()] == [line.item for line in by_workbook.lines()] == [31]
