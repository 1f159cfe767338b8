"""`wattwitness import-bills` as scripts and people use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import run
from gateway.audit.formats import mapped
from gateway.bootstrap import open_book
from gateway.ledger import trail
from tests.support.bills import as_json, deletion, detail, fee, fee_list, upload
from tests.support.ledgers import in_folder
from tests.support.xlsx import zipped

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return in_folder(tmp_path / "clinic").folder


def bill_file(folder: Path, body: bytes, name: str = "bills") -> str:
    path = folder.parent / name
    path.write_bytes(body)
    return str(path)


def take(folder: Path, *arguments: str) -> int:
    return run(["--dir", str(folder), "import-bills", *arguments])


def told(capsys: Capture) -> Any:
    return json.loads(capsys.readouterr().out)


def trail_of(folder: Path) -> list[trail.Entry]:
    with open_book(folder).ledger() as db:
        return trail.entries(db)


def test_json_says_what_became_of_the_file(folder: Path, capsys: Capture) -> None:
    body = as_json(upload(detail("1"), detail("2"), detail("3", "V2")), deletion("V2"))
    assert take(folder, bill_file(folder, body), "--json") == 0
    said = told(capsys)
    counts = {
        key: said[key] for key in ("lines", "new", "repeated", "reversed", "refused", "unmapped", "stored")
    }
    assert counts == {
        "lines": 3,
        "new": 3,
        "repeated": 0,
        "reversed": 1,
        "refused": [],
        "unmapped": [],
        "stored": True,
    }
    assert len(said["file_sha256"]) == 64
    assert take(folder, bill_file(folder, body), "--json") == 0
    again = told(capsys)
    assert again["repeated"] == 3 and again["new"] == again["reversed"] == 0


def test_a_refused_row_is_exit_2_and_nothing_stored_unless_parts_are_accepted(
    folder: Path, capsys: Capture
) -> None:
    name = bill_file(folder, as_json(upload(detail("1"), detail("2", cnt="abc"))))
    assert take(folder, name, "--json") == 2
    said = told(capsys)
    assert (said["stored"], said["new"]) == (False, 0)
    assert said["refused"] == [{"row": 2, "column": "cnt", "value": "abc", "why": "不是数字 / is no number"}]
    assert trail_of(folder) == []
    assert take(folder, name, "--accept-partial", "--json") == 1
    assert told(capsys)["new"] == 1
    [entry] = trail_of(folder)
    assert (entry.who, entry.act, entry.body["refused"]) == ("console", "bills.import", 1)


def test_people_are_told_which_row_and_what_to_do(folder: Path, capsys: Capture) -> None:
    assert take(folder, bill_file(folder, as_json(upload(detail("1", cnt="abc"))))) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "第 1 行 cnt = 'abc':不是数字 · row 1: is no number" in said.err
    assert "--accept-partial" in said.err


def test_an_unreadable_file_is_one_line_and_exit_2(folder: Path, capsys: Capture) -> None:
    for name in (bill_file(folder, b"\xff\xfe\xfa"), str(folder / "missing"), str(folder)):
        assert take(folder, name) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("错误 · error: ")


def test_another_format_than_said_or_a_missing_file_name_is_wrong_usage(
    folder: Path, capsys: Capture
) -> None:
    assert take(folder, bill_file(folder, fee_list(fee())), "--format", "his-xlsx") == 2
    assert "no sheet has the header of the 35 columns" in capsys.readouterr().err
    assert take(folder) == 2


def test_the_example_mapping_reads_the_clinics_own_table(folder: Path, capsys: Capture) -> None:
    assert take(folder, "--example-mapping") == 0
    example = capsys.readouterr().out
    assert example == mapped.EXAMPLE
    mapping = bill_file(folder, example.encode(), "mapping.toml")
    header = "流水号,门诊号,国标编码,项目代码,项目名称,数量,金额,收费时间,执行科室,执行人工号,人员编号,结算号,原流水号"
    row = "1,M1,,LL-001,,1,12,2026/03/02 9:15,,D01,P0001,S1,"
    name = bill_file(folder, f"{header}\r\n{row}\r\n".encode("gb18030"))
    assert take(folder, name, "--mapping", mapping, "--source", "platform", "--json") == 0
    said = told(capsys)
    assert said["format"] == "mapped" and said["new"] == 1 and said["unmapped"] == []


def test_a_mapping_that_is_not_utf_8_is_refused(folder: Path, capsys: Capture) -> None:
    mapping = bill_file(folder, mapped.EXAMPLE.encode("gb18030"), "mapping.toml")
    assert take(folder, bill_file(folder, fee_list(fee())), "--mapping", mapping) == 2
    assert "is not in UTF-8" in capsys.readouterr().err


def test_codes_that_may_be_items_are_named_to_people(folder: Path, capsys: Capture) -> None:
    lines = upload(detail("1", med_list_codg="450000008"), detail("2", med_list_codg="X01"))
    assert take(folder, bill_file(folder, as_json(lines))) == 0
    said = capsys.readouterr().err
    assert "'450000008'" in said and "11, 12, 13, 14" in said and "'X01'" not in said


def test_totals_that_differ_are_told_and_exit_1(folder: Path, capsys: Capture) -> None:
    assert take(folder, bill_file(folder, fee_list(fee()))) == 0
    row = ("S1", "V1", "P0001", "24.00", "null", "0", "0")
    body = zipped({"20260331.txt": "\t".join(row)})
    capsys.readouterr()
    assert take(folder, bill_file(folder, body, "account.zip"), "--json") == 1
    said = capsys.readouterr()
    differ = {"visit": "V1", "settlement": "S1", "told": "24.00", "lines": "12.00"}
    assert json.loads(said.out)["control"] == {
        "settlements": 1,
        "refunded": 0,
        "unpaired": 0,
        "amount": "24.00",
        "sources": [{"source": "clinic", "agree": 0, "differ": [differ], "absent": []}],
    }
    assert "就诊 V1 结算 S1:对账 24.00 元,收费行 12.00 元 · account 24.00, lines 12.00" in said.err
    assert (
        take(folder, bill_file(folder, zipped({"a.txt": "\t".join(("S1", "V1", "P1", "12", "0", "0", "0"))})))
        == 0
    )
    assert "1 agree" in capsys.readouterr().err


# --- two sources -------------------------------------------------------------------------------------------------


def two_sources(folder: Path) -> None:
    """The clinic left out a line that the platform has; the account has both."""
    own = as_json(upload(detail("1"), detail("2", "V2")))
    extract = fee_list(fee("1"), fee("2", "V2"), fee("3", "V2", det_item_fee_sumamt="24.00", cnt="2"))
    account = "S1\tV1\tP1\t12.00\t12.00\t0\t0\r\nS2\tV2\tP2\t36.00\t36.00\t0\t0\r\n"
    assert take(folder, bill_file(folder, own, "own.json")) == 0
    assert take(folder, bill_file(folder, extract, "extract.csv"), "--source", "platform") == 0
    take(folder, bill_file(folder, zipped({"a.txt": account}), "a.zip"))


def test_each_source_has_its_control_totals_in_the_answer_and_in_status(
    folder: Path, capsys: Capture
) -> None:
    two_sources(folder)
    capsys.readouterr()
    take(folder, bill_file(folder, as_json(upload(detail("1"), detail("2", "V2"))), "own.json"), "--json")
    totals = {each["source"]: each for each in told(capsys)["totals"]}
    assert {name: (each["in_force"], each["insured"]) for name, each in totals.items()} == {
        "clinic": (2, "24.00"),
        "platform": (3, "48.00"),
    }
    assert run(["--dir", str(folder), "status", "--json"]) == 0
    stood = {each["source"]: each for each in told(capsys)["bills"]}
    assert (stood["clinic"]["files"], stood["clinic"]["items"], stood["platform"]["lines"]) == (2, 2, 3)
    assert {each["account"] for each in stood.values()} == {"48.00"}
    assert stood["platform"]["first"] == "2026-03-02T09:15:00+08:00"


def test_people_are_told_both_totals_of_the_days_of_the_file(folder: Path, capsys: Capture) -> None:
    two_sources(folder)
    said = capsys.readouterr().err
    assert "clinic on these days: 2 lines in force, insured or not told 24.00 yuan" in said
    assert "platform on these days: 3 lines in force, insured or not told 48.00 yuan" in said
    assert run(["--dir", str(folder), "status"]) == 0
    assert "对账 account 48.00" in capsys.readouterr().out.replace("\n", "")


def test_what_the_clinic_left_out_is_a_lead_of_either_reconciliation_under_one_name(
    folder: Path, capsys: Capture
) -> None:
    two_sources(folder)
    found: list[list[dict[str, Any]]] = []
    for source in ("clinic", "platform"):
        run(
            [
                "--dir",
                str(folder),
                "reconcile",
                "--from",
                "2026-03-02",
                "--to",
                "2026-03-02",
                "--source",
                source,
            ]
        )
        capsys.readouterr()
        run(["--dir", str(folder), "leads", "--json"])
        found.append([each for each in told(capsys) if each["rule"] == "undeclared"])
    ((first,), (second,)) = found
    assert first["id"] == second["id"] and first["lines"] == ["V2/3"]
    assert (first["treatments"], first["amount"]) == (2, "24.00")
    assert "the clinic's own 24.00 yuan, the platform 48.00, the account 48.00" in first["en"]
