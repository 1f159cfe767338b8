"""A ledger folder's own rules of leads, through the command that people use."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway.audit.figures import FILE
from gateway.bootstrap import open_book
from gateway.clock import Clock
from gateway.pages.app import create_app
from tests.support.audited import Run, charge, lamp_day, runner
from tests.support.bills import detail
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in

EVENING_MS = 1_772_456_400_000  # 2026-03-02 21:00 in Shanghai
DAY = ("--from", "2026-03-02", "--to", "2026-03-02", "--json")


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Commands on a clinic whose lamp was on for 21 minutes, and which charged three treatments."""
    writer = lamp_day(Writer("U1"), 21)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(db, book, *(detail(str(number)) for number in range(3)), now_ms=EVENING_MS)
    return runner(tmp_path / "clinic", capsys)


def rules_of(run: Run) -> set[str]:
    _, said, _ = run("reconcile", *DAY)
    return {lead["rule"] for lead in said["leads"]}


def kept(folder: Path) -> list[str]:
    with open_book(folder).ledger() as db:
        return [name for (name,) in db.execute("SELECT rules FROM runs ORDER BY run")]


def test_a_rule_that_the_folder_switches_off_finds_nothing_and_the_run_keeps_the_hash_of_the_file(
    run, tmp_path
):
    assert rules_of(run) == {"capacity"}
    text = "[capacity]\nenabled = false\n"
    (tmp_path / "clinic" / FILE).write_text(text)
    assert rules_of(run) == set()
    assert kept(tmp_path / "clinic") == ["", hashlib.sha256(text.encode()).hexdigest()]


def test_a_slip_of_the_pen_stops_the_command_and_nothing_is_kept(run, tmp_path):
    (tmp_path / "clinic" / FILE).write_text("[capacity]\nenable = false\n")
    code, _, said = run("reconcile", "--from", "2026-03-02", "--to", "2026-03-02")
    assert code == 2 and "capacity.enable" in said and "enabled" in said
    assert kept(tmp_path / "clinic") == []


def test_a_report_says_by_whose_rules_its_leads_were_looked_for(run, tmp_path):
    asked = ("report", "--from", "2026-03-02", "--to", "2026-03-02", "--out")
    rules_of(run)
    assert run(*asked, tmp_path / "shipped.csv")[0] == 0
    assert "线索规则,Rules of leads,原版 as shipped" in (tmp_path / "shipped.csv").read_text("utf-8-sig")
    text = "[capacity]\nenabled = false\n"
    (tmp_path / "clinic" / FILE).write_text(text)
    rules_of(run)
    assert run(*asked, tmp_path / "own.csv")[0] == 0
    said = f"自定数值 own figures {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    assert said in (tmp_path / "own.csv").read_text("utf-8-sig")
    book = open_book(tmp_path / "clinic")
    page = TestClient(create_app(book.ledger, book.config, Clock(0, EVENING_MS, 1e-9))).get(
        "/month?of=2026-03"
    )
    assert said in page.text
