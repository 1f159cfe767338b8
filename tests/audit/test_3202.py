"""The detailed account with the insurer is compared with the bill lines, and changes none of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.control import Control, Difference
from gateway.errors import UsageError
from gateway.ledger import accounts
from tests.audit.test_import_bills import Clinic, why
from tests.support.bills import as_json, detail, fee, fee_list, refund, settlement, upload
from tests.support.xlsx import export, his, zipped

Row = tuple[str | None, ...]


def sent(name: str = "S1", visit: str | None = "V1", amount: str | None = "12.00", flag: str = "0") -> Row:
    """One row as a clinic sends it up."""
    return (name, visit, "P0001", amount, "10.00", "0", flag)


def gone(name: str = "S2", visit: str = "V1", amount: str = "-12.00") -> Row:
    """The negative row of a refund."""
    return sent(name, visit, amount, "1")


def result(name: str = "S1", visit: str = "V1", amount: str | None = "12.00") -> Row:
    """One row of the result that comes back."""
    return ("P0001", visit, name, None, "0", "0", None, amount, "10.00", None)


def account(*rows: Row, header: str = "", end: str = "\n", name: str = "20260331.txt") -> bytes:
    """The rows as a ZIP."""
    text = end.join("\t".join("null" if cell is None else cell for cell in row) for row in rows)
    return zipped({name: header + text})


def control(clinic: Clinic, *rows: Row) -> Control:
    taken = clinic.take(account(*rows))
    assert taken.control is not None
    return taken.control


@pytest.mark.parametrize(
    "body",
    [
        account(sent(), sent("S3", "V2", "24.00"), gone()),
        account(sent(), sent("S3", "V2", "24.00"), gone(), end="\r\n"),
        account(result(), result("S3", "V2", "24.00"), result("S2", "V1", "-12.00"), name="a/result.TXT"),
        account(
            ("12.00", "S1", "V1"),
            ("24.00", "S3", "V2"),
            ("-12.00", "S2", "V1"),
            header="medfee_sumamt\tsetl_id\tmdtrt_id\n",
        ),
    ],
    ids=["sent", "crlf", "result", "header"],
)
def test_an_account_is_read_as_it_is_sent_and_as_it_comes_back(body: bytes) -> None:
    clinic = Clinic()
    taken = clinic.take(body)
    assert (taken.format, taken.lines, taken.new, taken.file) == ("3202", 0, 0, 1)
    assert taken.control == Control(1, 1, 0, 2400, [])


def test_a_refund_is_a_pair_also_under_one_settlement_and_one_of_an_earlier_month_is_counted_apart() -> None:
    same = control(Clinic(), sent(), sent("S3"), gone("S3"), gone("S9", "V8"))
    assert (same.settlements, same.refunded, same.unpaired, same.amount_fen) == (1, 1, 1, 0)


def test_settlements_whose_lines_add_up_agree() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1"), fee("2"), fee("1", "V2", setl_id="S3"), refund("9", "V2", setl_id="S4")))
    told = control(clinic, sent(amount="24.00"), sent("S3", "V2"), gone("S4", "V2"))
    (compared,) = told.sources
    assert (compared.source, compared.agree, compared.differ, compared.absent) == ("clinic", 2, [], [])
    assert not told.found


def test_what_differs_is_named_with_both_amounts() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1"), fee("1", "V2", setl_id="S3")))
    told = control(clinic, sent(amount="24.00"), sent("S3", "V2"), gone("S4", "V2"))
    (compared,) = told.sources
    assert compared.differ == [Difference("V1", "S1", 2400, 1200), Difference("V2", "S3", 0, 1200)]
    assert told.found


def test_a_settlement_without_any_line_is_named() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1")))
    (compared,) = control(clinic, sent(), sent("S7", "V7")).sources
    assert (compared.agree, [each.settlement for each in compared.absent]) == (1, ["S7"])


def test_where_settlements_of_lines_are_unknown_the_visit_is_compared_as_a_whole() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1"), detail("2", chrg_bchno="B2"), detail("1", "V2"))))
    (compared,) = control(clinic, sent(), sent("S5"), sent("S6", "V2", "13.00")).sources
    assert (compared.agree, compared.differ) == (1, [Difference("V2", "", 1300, 1200)])


def test_settled_and_unsettled_lines_of_a_visit_are_compared_apart() -> None:
    clinic = Clinic()
    clinic.take(as_json(upload(detail("1")), settlement(), upload(detail("2", chrg_bchno="B2"))))
    (compared,) = control(clinic, sent(), sent("S5")).sources
    assert (compared.agree, compared.differ, compared.absent) == (2, [], [])


def test_each_source_is_compared_for_itself() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1"), fee("2")), "platform")
    clinic.take(export(his("V1")), "clinic")
    clinic_, platform = control(clinic, sent()).sources
    assert (clinic_.source, clinic_.agree, platform.source) == ("clinic", 1, "platform")
    assert platform.differ == [Difference("V1", "S1", 1200, 2400)]


def test_no_line_is_changed_and_the_same_account_again_is_kept_once() -> None:
    clinic = Clinic()
    clinic.take(fee_list(fee("1")))
    lines = clinic.lines()
    body = account(sent(), gone())
    first, again = clinic.take(body), clinic.take(body)
    assert clinic.lines() == lines and lines[0].reversed_by is None
    assert (first.file, again.file) == (2, 2) and len(clinic.content()) == 3
    assert first.control == again.control


def test_a_result_may_have_no_amount_of_what_the_insurer_lacks() -> None:
    taken = Clinic().take(account(result(), result("S3", "V2", None)))
    assert taken.notes[0][1] == "1 rows tell no amount: not compared"
    assert taken.control and taken.control.settlements == 1


@pytest.mark.parametrize(
    ("row", "column", "en"),
    [
        (sent(name="null"), "setl_id", "must not be empty"),
        (sent(visit=None), "mdtrt_id", "must not be empty"),
        (sent(amount=None), "medfee_sumamt", "must not be empty"),
        (sent(amount="12.001"), "medfee_sumamt", "more than 2 decimals"),
        (sent(amount="x"), "medfee_sumamt", "is no number"),
        (sent(flag="9"), "refd_setl_flag", "must be 0 or 1"),
        (("S1", "V1"), "", "2 cells, the first row has 7"),
        (sent("S0"), "setl_id", "this settlement is told twice"),
    ],
)
def test_a_row_that_cannot_be_read_keeps_the_whole_account_out(row: Row, column: str, en: str) -> None:
    clinic = Clinic()
    body = account(sent("S0"), row)
    assert why(clinic.take(body)) == (2, column, en)
    assert clinic.content() == []
    taken = clinic.take(body, accept_partial=True)
    assert taken.control is not None and len(taken.refused) == 1


def test_a_settlement_of_nothing_may_be_taken_back_under_its_own_name() -> None:
    taken = Clinic().take(account(sent(amount="0.00"), gone("S1", amount="-0.00")))
    assert taken.refused == [] and taken.control and taken.control.amount_fen == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (zipped({"a.txt": "x", "b.txt": "y"}), "one .txt and nothing else"),
        (zipped({"a.csv": "x"}), "one .txt and nothing else"),
        (zipped({}), "one .txt and nothing else"),
        (account(), "the file is empty"),
        (account(("S1", "V1", "12.00")), "has 3 columns, not the 7 sent up nor the 10 of a result"),
        (account(header="setl_id\tmdtrt_id\tmedfee_sumamt\tsetl_id\n"), "names a column twice"),
        (zipped({"a.txt": "结算".encode("gb18030")}), "line 1 is not in utf-8"),
    ],
)
def test_what_is_no_account_is_one_clear_error(body: bytes, says: str) -> None:
    clinic = Clinic()
    with pytest.raises(UsageError, match=says):
        clinic.take(body, form="3202")
    assert clinic.content() == []


def test_a_folder_in_the_zip_and_what_a_mac_adds_do_not_matter() -> None:
    parts: dict[str, str | bytes] = {"d/": "", "d/a.txt": "\t".join(map(str, sent())), "__MACOSX/a.txt": "x"}
    assert Clinic().take(zipped(parts)).format == "3202"


fens = st.integers(0, 10**9)


@given(st.lists(st.tuples(st.sampled_from("ABC"), fens, st.booleans()), min_size=1, max_size=12), st.data())
def test_in_any_order_every_refund_finds_its_settlement(
    told: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    rows = []
    for number, (visit, fen, refunded) in enumerate(told):
        yuan = f"{fen // 100}.{fen % 100:02d}"
        rows.append(sent(f"S{number}", visit, yuan))
        if refunded and fen:
            rows.append(gone(f"R{number}", visit, f"-{yuan}"))
    said = control(Clinic(), *data.draw(st.permutations(rows)))
    pairs = sum(back and fen > 0 for _, fen, back in told)
    assert (said.refunded, said.unpaired, said.settlements) == (pairs, 0, len(told) - pairs)
    assert said.amount_fen == sum(fen for _, fen, back in told if not (back and fen))


def test_what_settlements_came_to_is_kept_once_however_often_it_is_told() -> None:
    clinic = Clinic()
    for _ in range(2):
        clinic.take(account(sent("S1"), sent("S2", "V2", "24.00"), gone("S2", "V2", "-24.00")))
    clinic.take(account(sent("S1"), sent("S4", "V3", "36.00")))
    assert accounts.settled_fen(clinic.db, "C001") == {"V1": 1200, "V2": 0, "V3": 3600}
