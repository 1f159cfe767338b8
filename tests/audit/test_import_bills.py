"""Bill files of every kind become lines of the ledger, exactly once, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.audit import catalogue, import_bills
from gateway.audit.formats import mapped
from gateway.audit.import_bills import Imported, Rules
from gateway.audit.patients import Patients
from gateway.errors import UsageError
from gateway.ledger import bills
from gateway.ledger.bills import BillLine, Teller
from gateway.ledger.schema import migrations
from tests.support.bills import (
    FEE_COLUMNS,
    STIM,
    as_json,
    cancellation,
    deletion,
    detail,
    fee,
    fee_list,
    refund,
    settlement,
    upload,
)

ZONE = ZoneInfo("Asia/Shanghai")
CATALOGUE = catalogue.read()


def ms(text: str) -> int:
    """Milliseconds of the clinic's local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


NOW_MS = ms("2026-03-31 12:00:00")


class Clinic:
    """A clinic's book in memory, which takes files in."""

    def __init__(self, mapping: str | None = None) -> None:
        self.db = Database(memory=True)
        migrations.apply(self.db)
        self.rules = Rules(CATALOGUE, ZONE, Patients(b"k" * 32))
        if mapping is not None:
            self.map(mapping)

    def map(self, text: str) -> None:
        self.rules = replace(
            self.rules, mapping=mapped.mapping(text, "mapping.toml", frozenset(CATALOGUE.items))
        )

    def take(self, body: bytes, source: str = "clinic", **options: Any) -> Imported:
        return import_bills.import_bills(
            self.db, self.rules, body, "bills", Teller("C001", source), NOW_MS, **options
        )

    def lines(self, source: str = "clinic") -> list[BillLine]:
        return bills.lines_charged(self.db, Teller("C001", source), 0, 2**60)

    def states(self) -> dict[str, str | None]:
        return {line.line: line.reversed_by for line in self.lines()}

    def content(self) -> list[tuple[Any, ...]]:
        """Everything that is stored."""
        tables = ("bill_files", "bill_lines")
        return [
            tuple(row) for table in tables for row in self.db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        ]


def why(imported: Imported) -> tuple[int, str, str]:
    """Row, column and English reason of the only refusal."""
    (refused,) = imported.refused
    assert imported.file is None
    return refused.row, refused.column, refused.en


# --- what a line says ---------------------------------------------------------------------------------------------


def test_a_2204_line_becomes_a_bill_line() -> None:
    clinic = Clinic()
    imported = clinic.take(as_json(upload(detail("7", "V9", cnt="3", det_item_fee_sumamt="36.00"))))
    assert (imported.format, imported.lines, imported.new, imported.repeated) == ("2204", 1, 1, 0)
    (line,) = clinic.lines()
    assert (line.line, line.visit, line.item, line.treatments, line.amount_fen) == ("V9/7", "V9", 31, 3, 3600)
    assert (line.charged_ms, line.performed_ms) == (ms("2026-03-02 09:15:00"), None)
    assert (line.room, line.staff, line.reversed_by, line.row) == ("中医科", "D01", None, 1)


@pytest.mark.parametrize(
    "document",
    [
        upload(detail()),
        {"infno": "2204", "input": {"feedetail": detail()}},
        {"infno": 2204, "feedetail": [detail()]},
        {"feedetail": detail()},
        {"input": {"feedetail": [detail()]}},
        [detail()],
        [upload(detail()), {"infno": "2201", "input": {"data": {}}}],
    ],
    ids=["envelope", "object", "flat", "bare", "input", "lines", "log"],
)
def test_an_upload_is_read_with_and_without_its_envelope(document: Any) -> None:
    clinic = Clinic()
    clinic.take(json.dumps(document).encode())
    assert clinic.states() == {"V1/1": None}


def test_messages_may_stand_one_per_line() -> None:
    clinic = Clinic()
    clinic.take(b"\n".join(as_json(upload(detail(number)))[1:-1] for number in "123") + b"\n\n")
    assert sorted(clinic.states()) == ["V1/1", "V1/2", "V1/3"]


def test_messages_may_stand_one_after_the_other_over_many_lines() -> None:
    log = "\n".join(json.dumps(upload(detail(number)), indent=2, ensure_ascii=False) for number in "123")
    clinic = Clinic()
    assert clinic.take(log.encode()).lines == 3
    with pytest.raises(UsageError, match=f"line {log.count(chr(10)) + 2} is no JSON"):
        Clinic().take(f"{log}\n{{]".encode())


def test_a_message_that_was_answered_with_an_error_says_nothing() -> None:
    clinic = Clinic()
    imported = clinic.take(as_json(upload(detail("1")), upload(detail("2")) | {"infcode": -1}))
    assert list(clinic.states()) == ["V1/1"]
    assert len(imported.notes) == 1


def test_who_performed_goes_before_who_charged() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail(orders_dr_code="D07", acord_dept_name="理疗室"))))
    (line,) = clinic.lines()
    assert (line.staff, line.room) == ("D07", "理疗室")


def test_a_patient_is_kept_as_a_keyed_hash_only() -> None:
    clinic, other = Clinic(), Clinic()
    other.rules = replace(other.rules, patients=Patients(b"o" * 32))
    for each in (clinic, other):
        each.take(
            as_json(upload(detail("1"), detail("2", psn_no="P0002"), detail("3"), detail("4", psn_no=None)))
        )
    first, second, third, fourth = (line.patient for line in clinic.lines())
    assert first == third != second and fourth == "" and len(first) == 64
    assert "P0001" not in first and other.lines()[0].patient != first


def test_needles_are_one_treatment_and_what_is_no_item_is_none() -> None:
    clinic = Clinic()
    needles = detail("1", med_list_codg="004300000130000", cnt="7.5", det_item_fee_sumamt="75")
    drug = detail("2", med_list_codg="XA01ABD075A002010100483", cnt="0.25")
    imported = clinic.take(as_json(upload(needles, drug)))
    assert [(line.item, line.treatments) for line in clinic.lines()] == [(25, 1), (None, 0)]
    (unmapped,) = imported.unmapped
    assert (unmapped.code, unmapped.lines, unmapped.candidates) == ("XA01ABD075A002010100483", 1, ())


def test_a_code_that_could_be_several_items_is_listed_and_not_guessed() -> None:
    clinic = Clinic()
    vague = detail("1", med_list_codg="450000008")
    named = detail("2", med_list_codg="450000008", medins_list_name="内科妇科疾病推拿治疗（失眠）")
    imported = clinic.take(as_json(upload(vague, named)))
    assert [line.item for line in clinic.lines()] == [None, 14]
    assert [each.candidates for each in imported.unmapped] == [(11, 12, 13, 14)]


def test_a_mapping_said_later_gives_items_to_lines_that_had_none_and_to_no_others() -> None:
    clinic = Clinic()
    body = as_json(upload(detail("1", med_list_codg="Z9", medins_list_codg="LL-001", cnt="2"), detail("2")))
    clinic.take(body)
    clinic.map('[items]\n"LL-001" = 32\n"OWN31" = 5\n')
    imported = clinic.take(body)
    assert (imported.new, imported.repeated, imported.mapped) == (0, 2, 1)
    assert [(line.item, line.treatments) for line in clinic.lines()] == [(32, 2), (31, 1)]


def test_full_width_digits_count_as_digits() -> None:
    clinic = Clinic()
    clinic.take(
        as_json(
            upload(
                detail(
                    "１", cnt="２", det_item_fee_sumamt="２４．００", med_list_codg="００３４０１０００010000"
                )
            )
        )
    )
    (line,) = clinic.lines()
    assert (line.line, line.treatments, line.amount_fen, line.item) == ("V1/1", 2, 2400, 31)


# --- the fee list and its encodings -------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("quote", ["'", '"', ""])
def test_a_fee_list_says_the_same_in_each_encoding_and_quoting(encoding: str, quote: str) -> None:
    rows = [
        fee("1"),
        fee("2", cnt="2", det_item_fee_sumamt="24.00"),
        refund("3", init_feedetl_sn="2", cnt="-1"),
    ]
    clinic, plain = Clinic(), Clinic()
    imported = clinic.take(fee_list(*rows, encoding=encoding, quote=quote))
    plain.take(fee_list(*rows))
    assert imported.format == "fee-list"
    assert clinic.lines() == plain.lines()
    assert [(line.item, line.treatments, line.amount_fen) for line in clinic.lines()] == [
        (31, 1, 1200),
        (31, 1, 1200),
    ]


def test_bytes_in_no_encoding_are_refused_with_their_line() -> None:
    body = fee_list(fee("1"), fee("2")).replace("红外线".encode(), b"\xff\xff\xff", 3)
    with pytest.raises(UsageError, match=r"第 2 行不是 UTF-8 或 GB18030.*line 2 is not in UTF-8 or GB18030"):
        Clinic().take(body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"PK\x03\x04....", "XLSX"),
        (b"\xd0\xcf\x11\xe0....", "XLS"),
        ("bkkp_sn,cnt".encode("utf-16"), "UTF-16"),
        (b"<html><table>", "no sheet has the header"),
        (b"<html><p>1</p>", "markup without a table"),
        (b"a,b\0c", "NUL"),
        (b" \r\n", "empty"),
        (b"a,b,c\r\n1,2,3\r\n", "--mapping"),
        (b'{"infno": "2204"', "line 1 is no JSON"),
        (b'{"a": 1}\n{"b": }\n', "line 2 is no JSON"),
        (b'{"infno": "2204", "infno": "2205"}', "twice in one object"),
        (b'{"feedetail": [{"cnt": NaN}]}', "no number"),
        (b"[" * 100_000, "no readable JSON"),
        (b"[1, 2]", "must be a JSON object"),
        (b'{"infno": "2201", "input": {}}', "no 2204 lines"),
    ],
)
def test_a_file_that_holds_no_bills_is_one_clear_error(body: bytes, says: str) -> None:
    clinic = Clinic()
    with pytest.raises(UsageError, match=says):
        clinic.take(body)
    assert clinic.content() == []


def test_missing_columns_are_named_together() -> None:
    columns = tuple(name for name in FEE_COLUMNS if name not in ("cnt", "fee_ocur_time", "mdtrt_id"))
    with pytest.raises(UsageError, match="missing columns: mdtrt_id, cnt, fee_ocur_time"):
        Clinic().take(fee_list(fee(), columns=columns))


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="columns named twice: cnt"):
        Clinic().take(fee_list(fee(), columns=(*FEE_COLUMNS, "cnt")))


def test_a_quote_that_does_not_close_is_refused_with_its_row() -> None:
    body = fee_list(fee("1"), fee("2")) + b"'3,"
    with pytest.raises(UsageError, match="row 4: quotes"):
        Clinic().take(body)


def test_a_row_with_too_few_cells_is_refused() -> None:
    assert why(Clinic().take(fee_list(fee()) + b"'1','2'\r\n")) == (3, "", "2 cells, the header has 18")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("his-xlsx", "no sheet has the header of the 35 columns"),
        ("3202", "is text and not a ZIP: save it as one"),
    ],
)
def test_a_text_is_neither_a_workbook_nor_a_zip(form: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Clinic().take(fee_list(fee()), form=form)


# --- rows that cannot be taken ------------------------------------------------------------------------------------

IMPOSSIBLE: list[tuple[str, Any, str]] = [
    ("cnt", "abc", "is no number"),
    ("cnt", "1,000", "is no number"),
    ("cnt", "1e2", "is no number"),
    ("cnt", "0", "must not be zero"),
    ("cnt", "", "must not be empty"),
    ("cnt", "1.00001", "more than 4 decimals"),
    ("cnt", "1.5", "charged per treatment: a whole number"),
    ("cnt", "1000", "above 999 treatments"),
    ("cnt", "9" * 30, "is too large"),
    ("det_item_fee_sumamt", "12.345", "more than 2 decimals"),
    ("det_item_fee_sumamt", "-12.00", "count and amount differ in sign"),
    ("det_item_fee_sumamt", ".", "is no number"),
    ("pric", "1.2345678", "more than 6 decimals"),
    ("fee_ocur_time", "2026-03-02", "must be yyyy-MM-dd HH:mm:ss"),
    ("fee_ocur_time", "2026/3/2 9:15", "must be yyyy-MM-dd HH:mm:ss"),
    ("fee_ocur_time", "2026-02-30 09:15:00", "must be yyyy-MM-dd HH:mm:ss"),
    ("fee_ocur_time", "", "must not be empty"),
    ("fee_ocur_time", "2026-04-01 12:00:01", "lies in the future"),
    ("fee_ocur_time", "1999-12-31 09:15:00", "lies before the year 2000"),
    ("mdtrt_id", "", "must not be empty"),
    ("mdtrt_id", "V1/2", "must be a short name without /"),
    ("mdtrt_id", "3.10105E+17", "turned into a number by a spreadsheet: export as text"),
    ("med_list_codg", "3.40101E+08", "turned into a number by a spreadsheet: export as text"),
    ("med_list_codg", "340100001.0", "turned into a number by a spreadsheet: export as text"),
    ("med_list_codg", "3401000010000", "15 digits, leading zeros lost: export as text"),
    ("medins_list_codg", "1.2E+5", "turned into a number by a spreadsheet: export as text"),
    ("vali_flag", "7", "must be 1 or 0"),
]
ONLY_JSON: list[tuple[str, Any, str]] = [
    ("feedetl_sn", None, "must not be empty"),
    ("fee_ocur_time", None, "must not be empty"),
    ("det_item_fee_sumamt", None, "must not be empty"),
    ("med_list_codg", 3401000010000, "a code as a number: export as text"),
    ("med_list_codg", 3.40101e8, "a code as a number: export as text"),
    ("medins_list_codg", 12.0, "a code as a number: export as text"),
    ("cnt", [1], "must be a text or a number"),
    ("cnt", True, "must be a text or a number"),
    ("cnt", "-1", "2204 has no negative lines: 2205 or 2208 refunds"),
    ("bilg_dept_name", "\ud800", "holds half a character"),
]


@pytest.mark.parametrize(("column", "value", "en"), IMPOSSIBLE + ONLY_JSON)
def test_an_impossible_value_in_a_2204_line_is_refused_with_row_column_and_reason(
    column: str, value: Any, en: str
) -> None:
    clinic = Clinic()
    other = {"det_item_fee_sumamt": "-12"} if (column, value) == ("cnt", "-1") else {}
    body = json.dumps([upload(detail("1"), detail("2", **{**other, column: value}))]).encode()
    imported = clinic.take(body)
    assert why(imported) == (2, column, en)
    assert imported.refused[0].zh and clinic.content() == []


@pytest.mark.parametrize(("column", "value", "en"), IMPOSSIBLE)
def test_an_impossible_value_in_a_fee_list_is_refused_with_row_column_and_reason(
    column: str, value: str, en: str
) -> None:
    rows = [{"vali_flag": "1", **fee("1")}, {"vali_flag": "1", **fee("2"), column: value}]
    imported = Clinic().take(fee_list(*rows, quote='"', columns=(*FEE_COLUMNS, "vali_flag")))
    assert why(imported) == (3, column, en)


def test_a_line_without_code_and_name_is_refused() -> None:
    nameless = detail(med_list_codg=None, medins_list_codg=None)
    assert why(Clinic().take(as_json(upload(nameless)))) == (1, "med_list_codg", "no item code and no name")


def test_a_file_speaks_for_one_institution() -> None:
    imported = Clinic().take(fee_list(fee("1"), fee("2", fixmedins_code="H0002")))
    assert why(imported) == (3, "fixmedins_code", "another institution than the file's first row")


def test_a_code_that_a_spreadsheet_was_told_to_keep_as_text_is_a_code() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail(med_list_codg='="003401000010000"'))))
    assert clinic.lines()[0].code == "003401000010000"


def test_a_day_ahead_is_not_yet_the_future() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail(fee_ocur_time="2026-04-01 12:00:00"))))
    assert len(clinic.lines()) == 1


# --- whole or not at all, and once --------------------------------------------------------------------------------


def test_one_bad_row_keeps_the_whole_file_out() -> None:
    clinic = Clinic()
    imported = clinic.take(as_json(upload(detail("1"), detail("2", cnt="x"), detail("3"))))
    assert imported.file is None and imported.new == 0 and imported.lines == 2
    assert clinic.content() == []


def test_what_can_be_taken_is_taken_when_that_is_asked_for() -> None:
    clinic = Clinic()
    body = as_json(upload(detail("1"), detail("2", cnt="x"), detail("3")))
    imported = clinic.take(body, accept_partial=True)
    assert (imported.lines, imported.new, len(imported.refused)) == (2, 2, 1)
    assert sorted(clinic.states()) == ["V1/1", "V1/3"]
    again = clinic.take(body, accept_partial=True)
    assert (again.new, again.repeated, len(again.refused)) == (0, 2, 1)


def test_a_file_of_which_nothing_can_be_taken_is_not_stored() -> None:
    clinic = Clinic()
    assert clinic.take(as_json(upload(detail(cnt="x"))), accept_partial=True).file is None
    assert clinic.content() == []


def test_the_same_file_again_changes_nothing() -> None:
    clinic = Clinic()
    body = as_json(upload(detail("1"), detail("2")), deletion(), upload(detail("1")))
    first = clinic.take(body)
    content = clinic.content()
    again = clinic.take(body)
    assert (first.new, first.repeated, first.reversed) == (2, 1, 1)
    assert (again.new, again.repeated, again.reversed, again.refused) == (0, 3, 0, [])
    assert clinic.content() == content


def test_a_known_line_in_another_file_is_repeated_and_what_contradicts_it_is_refused() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"))))
    imported = clinic.take(as_json(upload(detail("1"), detail("2"))))
    assert (imported.lines, imported.new, imported.repeated) == (2, 1, 1)
    for other in (
        {"cnt": "2"},
        {"det_item_fee_sumamt": "13"},
        {"med_list_codg": STIM},
        {"bilg_dr_codg": "D02"},
    ):
        imported = clinic.take(as_json(upload(detail("1", **other))))
        assert why(imported) == (1, "feedetl_sn", "differs from what row 1 of file 1 said")


def test_the_same_content_written_otherwise_is_repeated() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"))))
    other = detail(
        "1", cnt="1", det_item_fee_sumamt="12", fee_ocur_time="2026-03-02 09:15:00.0", bilg_dr_codg=None
    )
    assert clinic.take(as_json(upload(other))).repeated == 1


def test_a_line_number_is_unique_only_inside_a_visit() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1", "V1"), detail("1", "V2"))))
    assert sorted(clinic.states()) == ["V1/1", "V2/1"]


def test_two_sources_are_kept_apart() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1")), "platform")
    assert clinic.lines() == [] and bills.sources(clinic.db, "C001") == ["platform"]
    assert clinic.take(fee_list(fee("1")), "clinic").new == 1
    assert len(clinic.lines("platform")) == 1 and bills.sources(clinic.db, "C001") == ["clinic", "platform"]


# --- what is taken back: 2204 and its neighbours ------------------------------------------------------------------


def test_a_deletion_takes_back_all_unsettled_lines_of_its_visit() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"), detail("2", chrg_bchno="B2"), detail("1", "V2"))))
    imported = clinic.take(as_json(deletion("V1")))
    assert (imported.lines, imported.reversed) == (0, 2)
    assert clinic.states() == {"V1/1": "2205 0000", "V1/2": "2205 0000", "V2/1": None}


def test_a_deletion_of_a_batch_takes_back_that_batch() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"), detail("2", chrg_bchno="B2")), deletion("V1", "B2")))
    assert clinic.states() == {"V1/1": None, "V1/2": "2205 B2"}


def test_a_settled_line_is_not_deleted_but_its_settlement_can_be_cancelled() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1")), settlement(), upload(detail("2", chrg_bchno="B2")), deletion()))
    assert clinic.states() == {"V1/1": None, "V1/2": "2205 0000"}
    clinic.take(as_json(cancellation(name="S1")))
    assert clinic.states() == {"V1/1": "2208 S1", "V1/2": "2205 0000"}


def test_a_cancelled_settlement_takes_back_its_lines_and_what_is_uploaded_again_is_live_again() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"), detail("2", cnt="2", det_item_fee_sumamt="24"))))
    assert clinic.take(as_json(cancellation())).reversed == 2
    imported = clinic.take(as_json(upload(detail("2", cnt="1", det_item_fee_sumamt="12", chrg_bchno="B7"))))
    assert (imported.lines, imported.new, imported.revived) == (1, 1, 1)
    assert clinic.states() == {"V1/1": "2208 S1", "V1/2": None}
    assert clinic.lines()[1].treatments == 1
    assert clinic.db.execute("SELECT file FROM bill_lines WHERE line = 'V1/2'").fetchone() == (3,)


def test_a_cancellation_heard_twice_does_not_take_back_what_was_uploaded_after_it() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"), detail("2")), cancellation(), upload(detail("2"))))
    clinic.take(as_json(cancellation()))
    assert clinic.states() == {"V1/1": "2208 S1", "V1/2": None}


def test_a_cancellation_that_could_mean_several_batches_errs_for_the_clinic_and_says_so() -> None:
    clinic = Clinic()
    lines = upload(detail("1"), detail("2", chrg_bchno="B2"))
    imported = clinic.take(as_json(lines, cancellation()))
    assert imported.reversed == 2 and "2 lines count as reversed" in imported.notes[0][1]


def test_a_cancellation_of_nothing_known_is_noted() -> None:
    imported = Clinic().take(as_json(upload(detail("1", "V2")), cancellation("V1")))
    assert imported.notes[0][1] == "no line is known of cancelled settlement S1"


@pytest.mark.parametrize(
    ("mark", "by"), [({"vali_flag": "0"}, "vali_flag 0"), ({"refd_setl_flag": "1"}, "refd_setl_flag 1")]
)
def test_rows_marked_invalid_or_refunded_are_reversed(mark: dict[str, str], by: str) -> None:
    clinic = Clinic()
    imported = clinic.take(
        as_json(upload(detail("1", **mark), detail("2", vali_flag="1", refd_setl_flag="0")))
    )
    assert imported.reversed == 1 and clinic.states() == {"V1/1": by, "V1/2": None}
    assert clinic.take(as_json(upload(detail("2", **mark)))).reversed == 1
    assert clinic.states() == {"V1/1": by, "V1/2": by}


@pytest.mark.parametrize(("message", "column"), [(deletion(), "chrg_bchno"), (cancellation(), "setl_id")])
def test_a_message_that_does_not_say_what_it_takes_back_is_refused(
    message: dict[str, Any], column: str
) -> None:
    del message["input"]["data"][column]
    assert why(Clinic().take(as_json(message))) == (1, column, "must not be empty")


# --- what is taken back: tables -----------------------------------------------------------------------------------


def test_a_refund_takes_back_the_line_that_it_names() -> None:
    clinic = Clinic()
    imported = clinic.take(fee_list(refund("3", init_feedetl_sn="1"), fee("1"), fee("2")))
    assert (imported.lines, imported.new, imported.reversed) == (3, 3, 1)
    assert clinic.states() == {"V1/1": "V1/3@S2", "V1/2": None}


def test_a_refund_under_the_number_of_its_line_is_told_apart_by_its_settlement() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1"), refund("1")))
    assert clinic.states() == {"V1/1": "V1/1@S2"}


def test_a_refund_that_names_nothing_takes_back_its_exact_opposite_of_another_settlement() -> None:
    clinic = Clinic()
    rows = [fee("1", det_item_fee_sumamt="13.00"), fee("2", "V2"), fee("3", setl_id="S2"), fee("4")]
    clinic.take(fee_list(*rows, refund("9")))
    assert clinic.states() == {"V1/1": None, "V2/2": None, "V1/3": None, "V1/4": "V1/9@S2"}


def test_two_equal_refunds_take_back_two_equal_lines() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1"), fee("2"), fee("3"), refund("8"), refund("9")))
    assert clinic.states() == {"V1/1": "V1/8@S2", "V1/2": "V1/9@S2", "V1/3": None}


def test_a_refund_finds_its_line_in_an_earlier_file() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1")))
    assert clinic.take(fee_list(refund("2", init_feedetl_sn="1"))).reversed == 1
    assert clinic.states() == {"V1/1": "V1/2@S2"}


def test_a_table_told_again_does_not_bring_back_what_was_refunded() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1"), refund("2", init_feedetl_sn="1")))
    content = clinic.content()
    imported = clinic.take(fee_list(fee("1")) + b"\r\n")
    assert (imported.new, imported.repeated) == (0, 1)
    assert clinic.content()[2:] == content[1:]


@pytest.mark.parametrize(
    "rows",
    [[refund("2", init_feedetl_sn="1")], [fee("1", "V2"), refund("2")], [fee("1"), refund("2", cnt="-2")]],
)
def test_a_negative_line_without_its_original_is_refused(rows: list[dict[str, str]]) -> None:
    row, column, en = why(Clinic().take(fee_list(*rows)))
    assert (row, column, en) == (len(rows) + 1, "bkkp_sn", "a negative line without its original")


def test_a_line_is_taken_back_once() -> None:
    clinic = Clinic()
    rows = [fee("1"), refund("2", init_feedetl_sn="1"), refund("3", init_feedetl_sn="1")]
    assert why(clinic.take(fee_list(*rows))) == (4, "bkkp_sn", "its line was already taken back")


def test_more_than_was_charged_cannot_be_refunded() -> None:
    for cnt, amount in (("-2", "-12.00"), ("-1", "-12.01"), ("-1", "-11.99")):
        rows = [fee("1"), refund("2", init_feedetl_sn="1", cnt=cnt, det_item_fee_sumamt=amount)]
        assert why(Clinic().take(fee_list(*rows))) == (3, "cnt", "does not fit what is left of V1/1")


def test_a_partial_refund_leaves_fewer_treatments_and_less_money() -> None:
    clinic = Clinic()
    whole = fee("1", cnt="3", det_item_fee_sumamt="36.00")
    imported = clinic.take(fee_list(whole, refund("2", init_feedetl_sn="1")))
    assert (imported.reversed, imported.reduced) == (0, 1)
    (line,) = clinic.lines()
    assert (line.treatments, line.amount_fen, line.reversed_by) == (2, 2400, None)
    assert clinic.take(fee_list(whole)).repeated == 1
    rest = refund("3", init_feedetl_sn="1", cnt="-2", det_item_fee_sumamt="-24.00")
    assert clinic.take(fee_list(rest)).reversed == 1
    (line,) = clinic.lines()
    assert (line.treatments, line.amount_fen, line.reversed_by) == (3, 3600, "V1/3@S2")


def test_needles_refunded_in_part_are_still_one_treatment() -> None:
    clinic = Clinic()
    needles = {"med_list_codg": "004300000130000", "hilist_code": "430000013"}
    whole = fee("1", cnt="5", det_item_fee_sumamt="50", **needles)
    clinic.take(
        fee_list(whole, refund("2", init_feedetl_sn="1", cnt="-2", det_item_fee_sumamt="-20", **needles))
    )
    (line,) = clinic.lines()
    assert (line.item, line.treatments, line.amount_fen) == (25, 1, 3000)


def test_an_invalid_refund_takes_nothing_back_and_a_mark_counts_as_much_as_the_refund_itself() -> None:
    columns = (*FEE_COLUMNS, "vali_flag", "refd_setl_flag")
    live, void, marked = (
        {"vali_flag": v, "refd_setl_flag": r} for v, r in (("1", "0"), ("0", "0"), ("1", "1"))
    )
    rows = [
        fee("1") | live,
        fee("2") | marked,
        refund("8", init_feedetl_sn="1") | void,
        refund("9", init_feedetl_sn="2") | marked,
    ]
    clinic = Clinic()
    clinic.take(fee_list(*rows, columns=columns))
    assert clinic.states() == {"V1/1": None, "V1/2": "V1/9@S2"}


def test_a_line_settled_again_under_its_number_is_a_line_of_its_own() -> None:
    clinic = Clinic()
    rows = [fee("1"), refund("1"), fee("1", setl_id="S3", cnt="2", det_item_fee_sumamt="24.00")]
    body = fee_list(*rows)
    clinic.take(body)
    assert clinic.states() == {"V1/1": "V1/1@S2", "V1/1@S3": None}
    content = clinic.content()
    assert clinic.take(body).repeated == 3 and clinic.content() == content


def test_a_line_settled_twice_and_never_refunded_is_refused() -> None:
    row, column, en = why(Clinic().take(fee_list(fee("1"), fee("1", setl_id="S3"))))
    assert (row, column, en) == (3, "bkkp_sn", "charged by two settlements, neither taken back")


# --- any other table ----------------------------------------------------------------------------------------------

OWN_TABLE = """门诊收费明细,,,,,,,,
流水号,门诊号,国标编码,项目代码,项目名称,数量,金额,收费时间,执行科室,执行人工号,人员编号,结算号,原流水号
10,M1,,LL-001,烤灯,2,24.00,2026/03/02 9:05,二楼,D03,P0009,S1,
11,M1,,LL-001,烤灯,-1,-12.00,2026/03/03 8:00,二楼,D03,P0009,S2,10
"""


def test_any_table_is_read_by_the_example_mapping() -> None:
    clinic = Clinic(mapped.EXAMPLE.replace("header_row = 1", "header_row = 2"))
    imported = clinic.take(OWN_TABLE.encode("gb18030"))
    assert (imported.format, imported.new, imported.reduced) == ("mapped", 2, 1)
    (line,) = clinic.lines()
    assert (line.line, line.item, line.treatments, line.amount_fen) == ("M1/10", 31, 1, 1200)
    assert (line.charged_ms, line.room, line.staff) == (ms("2026-03-02 09:05:00"), "二楼", "D03")


def test_a_mapping_may_set_constants_times_of_performance_and_another_delimiter() -> None:
    clinic = Clinic(
        '[file]\ndelimiter = "\\t"\n[columns]\nline = "no"\nvisit = ["visit", "card"]\nname = "what"\namount = "yuan"\n'
        'charged_at = "charged"\nperformed_at = "done"\n[times]\nperformed_at = "%d.%m.%Y %H:%M"\n'
        '[constants]\ncount = 1\nroom = "R2"\n'
    )
    table = "no\tvisit\tcard\twhat\tyuan\tcharged\tdone\n1\t\tC7\t红外线治疗(TDP)\t12\t2026-03-02 09:00:00\t02.03.2026 09:30\n"
    clinic.take(table.encode())
    (line,) = clinic.lines()
    assert (line.line, line.item, line.room, line.treatments) == ("C7/1", 31, "R2", 1)
    assert line.performed_ms == ms("2026-03-02 09:30:00")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[columns", "is no TOML"),
        ("[colums]\n", "colums.*unknown"),
        ("columns = 1", "columns = 1: must be a \\[table\\]"),
        ('[columns]\nlines = "x"\n', "columns.lines = 'x': unknown"),
        ("[columns]\nline = 1\n", "columns.line = 1: must be a column"),
        ('[columns]\nline = "x"\n[constants]\nline = "y"\n', "constants.line = 'y'"),
        ('[file]\nencoding = "latin-1"\n', "file.encoding = 'latin-1'"),
        ('[file]\ndelimiter = "||"\n', "file.delimiter"),
        ("[file]\nheader_row = 0\n", "file.header_row = 0"),
        ('[times]\ncharged_at = "yyyy"\n', "times.charged_at = 'yyyy'"),
        ('[items]\n"A" = 37\n', "items.A = 37: must be a number of the catalogue"),
    ],
)
def test_a_mapping_that_breaks_a_rule_names_field_value_and_rule(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Clinic(text)


def test_a_mapping_without_columns_maps_codes_and_nothing_else() -> None:
    clinic = Clinic('[items]\n"LL-001" = 31\n')
    with pytest.raises(UsageError, match="--mapping"):
        clinic.take(OWN_TABLE.encode(), form="mapped")


def test_an_encoding_that_a_mapping_names_is_the_only_one_tried() -> None:
    clinic = Clinic(mapped.EXAMPLE.replace('"gb18030"', '"utf-8"'))
    with pytest.raises(UsageError, match="is not in utf-8"):
        clinic.take(OWN_TABLE.encode("gb18030"))


# --- properties ---------------------------------------------------------------------------------------------------

instants = st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 31)).map(lambda at: at.replace(microsecond=0))
fens = st.integers(0, 99_999_999)
charges = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(1, 40), st.integers(1, 20), fens, instants),
    unique_by=lambda charge: charge[:2],
    min_size=1,
    max_size=12,
)


def yuan(fen: int) -> str:
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


@given(charges)
def test_lines_come_out_as_they_went_in_and_in_each_format_the_same(told: list[tuple[Any, ...]]) -> None:
    by_json, by_table = Clinic(), Clinic()
    fields = [
        {"cnt": str(count), "det_item_fee_sumamt": yuan(fen), "fee_ocur_time": str(at)}
        for _, _, count, fen, at in told
    ]
    names = [(str(number), visit) for visit, number, *_ in told]
    by_json.take(as_json(upload(*(detail(*name, **each) for name, each in zip(names, fields, strict=True)))))
    rows = [fee(*name, **each) for name, each in zip(names, fields, strict=True)]
    by_table.take(fee_list(*rows, encoding="gb18030"))
    expected = {(f"{visit}/{number}", count, fen, ms(str(at))) for visit, number, count, fen, at in told}
    for clinic in (by_json, by_table):
        assert {
            (line.line, line.treatments, line.amount_fen, line.charged_ms) for line in clinic.lines()
        } == expected
    for source in (by_json, by_table):
        content = source.content()
        body = next(each["body"] for each in source.db.query("SELECT body FROM bill_files"))
        assert source.take(body).new == 0
        assert source.content() == content


@given(charges, st.data())
def test_refunds_lose_no_fen_and_no_treatment(told: list[tuple[Any, ...]], data: st.DataObject) -> None:
    rows, left = [], {}
    for visit, number, count, fen, at in told:
        rows.append(
            fee(str(number), visit, cnt=str(count), det_item_fee_sumamt=yuan(fen), fee_ocur_time=str(at))
        )
        back = data.draw(st.integers(0, count))
        back_fen = fen if back == count else data.draw(st.integers(0, fen)) if back else 0
        if back:
            amounts = {
                "cnt": str(-back),
                "det_item_fee_sumamt": yuan(-back_fen),
                "init_feedetl_sn": str(number),
            }
            rows.append(refund(str(number + 100), visit, **amounts))
        if back < count:
            left[f"{visit}/{number}"] = (count - back, fen - back_fen)
    clinic = Clinic()
    clinic.take(fee_list(*data.draw(st.permutations(rows))))
    live = {line.line: (line.treatments, line.amount_fen) for line in clinic.lines() if not line.reversed_by}
    assert live == left


visits = st.sampled_from(["V1", "V2"])
uploads = st.builds(
    lambda visit, numbers: upload(*(detail(number, visit) for number in sorted(numbers))),
    visits,
    st.sets(st.sampled_from("1234"), min_size=1),
)
deletions = st.builds(deletion, visits, st.sampled_from(["0000", "B1", "B2"]))
cancelled_visits = visits.map(lambda visit: {"cancelled": visit})


def _log(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events as messages; no settlement is cancelled twice."""
    return [
        cancellation(event["cancelled"], f"S{number}") if "cancelled" in event else event
        for number, event in enumerate(events)
    ]


logs = st.lists(st.one_of(uploads, uploads, deletions, cancelled_visits), min_size=1, max_size=8).map(_log)


def _live(clinic: Clinic) -> set[str]:
    return {line for line, by in clinic.states().items() if by is None}


@given(logs, st.data())
def test_however_a_log_is_cut_into_files_the_same_lines_are_live(
    log: Sequence[dict[str, Any]], data: st.DataObject
) -> None:
    whole, cut = Clinic(), Clinic()
    whole.take(as_json(*log))
    at = data.draw(st.integers(0, len(log)))
    for number, part in enumerate((log[:at], log[at:])):
        if part:
            cut.take(as_json(*part) + b" " * number)  # two files, even if they say the same
    assert cut.states() == whole.states()


@given(logs)
def test_a_log_that_begins_anew_says_what_it_said_before(log: Sequence[dict[str, Any]]) -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("9", "V9")), *log))
    live = _live(clinic)
    clinic.take(as_json(upload(detail("9", "V9")), *log) + b"\n")
    assert _live(clinic) == live


def test_the_stages_of_a_long_import_are_told() -> None:
    told: list[tuple[str, int, int]] = []
    body = as_json(upload(detail("1"), detail("2")))
    Clinic().take(body, progress=lambda zh, en, done, total: told.append((en, done, total)))
    assert told == [("reading", 0, 0), ("checking", 2, 2), ("posting", 0, 0)]


def test_the_clinics_zone_says_when_something_was_charged() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail(fee_ocur_time="2026-03-02 00:00:00"))))
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=clinic.lines()[0].charged_ms)
    assert at == datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
