"""The demo as its user runs it: one command, a day, a table."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.broker import GATEWAY
from gateway.demo.plan import CHEATS, DAY, LIVE_UNTIL, at, plan
from protocol import record, seal

ROOT = Path(__file__).parents[2]
READMES = {"zh": ROOT / "README.zh-CN.md", "en": ROOT / "README.md"}


def play(folder: Path, lang: str, path: str) -> str:
    """What `wattwitness demo --once` prints; the pages and ledgers are in `folder` then."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--once", "--lang", lang, "--out", str(folder)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "COLUMNS": "110"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command(ledger: Path, *arguments: str) -> str:
    """What a command of the gateway says of a ledger."""
    asked = [sys.executable, "-m", "gateway", "--dir", str(ledger), *arguments]
    return subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT).stdout


def excerpt(lang: str) -> list[str]:
    """The lines of the README's excerpt, without white space around them."""
    text = READMES[lang].read_text("utf-8")
    shown = re.search(r"<!-- demo:begin -->(.*)<!-- demo:end -->", text, re.DOTALL)
    assert shown is not None
    return [line.strip() for line in shown[1].splitlines() if line.strip() and line.strip() != "..."]


@pytest.fixture(scope="module")
def chinese(tool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "day"
    path = f"{Path(tool('mosquitto')).parent}{os.pathsep}{os.environ['PATH']}"
    return folder, play(folder, "zh", path)


def test_the_excerpt_in_the_chinese_readme_is_what_the_demo_prints(chinese):
    printed = {line.strip() for line in chinese[1].splitlines()}
    assert [line for line in excerpt("zh") if line not in printed] == []


def test_the_day_ends_with_every_record_of_every_unit_at_the_district(chinese):
    folder, _ = chinese
    emitted = {
        line
        for path in folder.glob("*/journal/*")
        for line in re.findall(r"OCMF\|.*", path.read_text("ascii"))
    }
    for ledger in ("clinic", "district"):
        assert _lines(folder / ledger) == emitted


def test_the_demo_leaves_a_page_and_a_picture_in_chinese(chinese):
    folder, _ = chinese
    for name in ("day.html", "nurse.html"):
        page = (folder / name).read_text("utf-8")
        assert 'lang="zh-CN"' in page
        assert "<style>" in page and "stylesheet" not in page, "it is opened from its folder"
    assert (folder / "day.svg").read_text("utf-8").startswith("<svg")


def test_the_bills_that_came_live_are_known_when_the_file_comes(chinese):
    printed = chinese[1]
    told = re.search(r"诊所自己的账单 (\d+) 行，其中 (\d+) 行白天已由 HIS 实时送来", printed)
    assert told is not None
    charges = plan().charges
    live = [each for each in charges if each.charged <= at(LIVE_UNTIL)]
    assert (int(told[1]), int(told[2])) == (len(charges), len(live))


def test_the_cashier_is_warned_before_a_double_charge(chinese):
    assert re.search(r"10:20 HIS 收费前询问，得到提醒：.*此人今天在另一次就诊中已收取", chinese[1])


def test_what_came_late_opens_the_closed_day_and_each_closing_stays(chinese):
    day = f"{DAY:%Y-%m-%d}"
    stands = json.loads(command(chinese[0] / "clinic", "close", day, "--check", "--json"))
    assert (stands["number"], stands["changed"]) == (3, None)
    trail = json.loads(command(chinese[0] / "clinic", "trail", "--subject", f"day:{day}", "--json"))
    assert [each["body"]["number"] for each in trail["entries"]] == [1, 2, 3]
    assert re.search(r"第 2 次：\d 次由待核变为相符", chinese[1])
    assert "第 3 次：1 次由非计量变为已冲销" in chinese[1]


def test_an_unannounced_check_holds_names_what_was_left_out_and_sees_a_turned_verdict(chinese):
    folder, printed = chinese
    assert "在空目录里只用 Python 标准库核验：全部成立" in printed
    assert re.search(r"与检查包比较：.*第 16 项：平台有 3 行共 78\.00 元，机构的收费里没有", printed)
    assert re.search(r"把包里一个结论改成“相符”，清单也重做：判定不成立: clinic V\d+/\d+#\d", printed)
    assert {each.name for each in (folder / "elsewhere").iterdir()} == {"verify.py", "turned.zip"}


def test_one_lead_is_decided_by_the_district_and_one_ends_by_its_refund(chinese):
    leads = json.loads(command(chinese[0] / "clinic", "leads", "--json"))
    now = {lead["rule"]: lead["review"] for lead in leads}
    decided = now["capacity"]
    assert (decided["state"], decided["outcome"]) == ("closed", "confirmed")
    assert (decided["internal"], decided["deducted"]) == ("entry_or_coding_error", "96.00")
    assert now["undone"]["state"] == "refunded"
    assert now["undeclared"]["state"] == "open"


def test_the_days_report_lies_in_the_folder_as_pdf_and_as_workbook(chinese):
    folder, printed = chinese
    for kind, begins in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
        path = folder / f"report-{DAY:%Y-%m-%d}.{kind}"
        assert path.read_bytes().startswith(begins)
        assert str(path) in printed


def test_the_ledger_of_the_demo_stands_up_to_check(chinese):
    command = [sys.executable, "-m", "gateway", "check", str(chinese[0] / "clinic")]
    assert subprocess.run(command, capture_output=True, check=False, cwd=ROOT).returncode == 0


def test_a_folder_with_other_things_in_it_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    command = [sys.executable, "-m", "gateway", "demo", "--once", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_mosquitto_the_embedded_broker_plays_the_same_day_and_the_demo_says_so(tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), str(_only_what_is_needed(tmp_path / "bin"))])
    printed = play(tmp_path / "day", "en", path)
    assert "pure Python" in printed
    assert [
        line for line in excerpt("en") if line not in {each.strip() for each in printed.splitlines()}
    ] == []


def test_the_plan_plants_every_kind_of_cheat_it_explains():
    assert {charge.cheat for charge in plan().charges if charge.cheat} == set(CHEATS)
    assert GATEWAY not in {unit.name for unit in plan().units}
    assert DAY.isoweekday() == 1


def _lines(folder: Path) -> set[str]:
    import sqlite3

    with sqlite3.connect(folder / "ledger.db") as db:
        lines = [line for (line,) in db.execute("SELECT line FROM records WHERE chained = 1")]
    assert len(lines) == len(set(lines))
    for line in lines:
        record.parse(seal.split(line)[0])
    return set(lines)


def _only_what_is_needed(folder: Path) -> Path:
    """A folder for PATH in which no Mosquitto is."""
    folder.mkdir()
    return folder
