"""The sheet for signing: archive PDF with the manifest's hash, coverage before all else, and no verdict of guilt."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.pack import sheet
from gateway.pack.contents import Contents
from gateway.report import pdf
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY, runner
from tests.support.packs import members, packed
from tests.support.tools import CHECKOUT

SHA256 = hashlib.sha256(b"a manifest").hexdigest()


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    folder = tmp_path_factory.mktemp("sheet")
    return packed(monday(folder / "clinic"), folder / "day.zip", MONDAY, now_ms=TUESDAY_MS).contents


def test_it_is_an_archive_pdf_of_the_same_bytes_again_and_holds_the_hash_for_programs(held):
    one = sheet.pdf(held, SHA256)
    assert one == sheet.pdf(held, SHA256)
    assert b"pdfaid:part" in one and SHA256.encode() in one and one.startswith(b"%PDF-")


def test_it_prints_the_hash_in_eights_and_coverage_before_what_was_found(held):
    said = sheet._document(held, SHA256, "font")
    assert "".join(said["manifest"]["hash"]) == SHA256 and {
        len(each) for each in said["manifest"]["hash"]
    } == {8}
    template = (CHECKOUT / "gateway" / "pack" / "sheet.typ").read_text("utf-8")
    assert template.index("data.manifest") < template.index("data.coverage") < template.index("data.sources")
    assert [row[0]["zh"] for row in said["coverage"]["table"]["rows"]] == ["tdp-U1", "tdp-U2", "tdp-U9"]
    assert said["coverage"]["share"].endswith(" %")


def test_it_counts_what_the_run_counts_and_tells_every_lead_in_both_languages(held):
    (source,) = sheet._document(held, SHA256, "font")["sources"]
    run = held.judged["clinic"].said
    assert [int(each["treatments"]) for each in source["verdicts"]] == list(run["summary"].values())
    sentences = [(row[3]["zh"], row[3]["en"]) for row in source["leads"]["rows"]]
    assert sentences == [(each["zh"], each["en"]) for each in run["leads"]] and sentences


def test_who_signs_confirms_the_hash_and_agrees_with_no_lead(held):
    said = sheet._document(held, SHA256, "font")
    text = json.dumps(said, ensure_ascii=False)
    assert (
        len(said["signatures"]) == 3
        and "签字不表示同意其中的任何线索" in text
        and "It agrees with no lead" in text
    )
    assert "没有一条是认定违规" in text and "is a conclusion about anybody" in text


def test_without_a_chinese_font_there_is_no_pack_but_one_clear_error(tmp_path, capsys, monkeypatch):
    book = monday(tmp_path / "clinic")
    monkeypatch.setattr(pdf, "CHINESE_FONTS", ("No Such Font",))
    pdf.chinese_font.cache_clear()
    try:
        asked = ("pack", "--from", MONDAY, "--to", MONDAY, "--out", tmp_path / "day.zip")
        code, _, err = runner(book.folder, capsys)(*asked)
    finally:
        pdf.chinese_font.cache_clear()
    assert code == 3 and "fonts-noto-cjk" in err and not (tmp_path / "day.zip").exists()


def test_the_sheet_in_a_pack_names_that_packs_manifest(tmp_path):
    written = packed(monday(tmp_path / "clinic"), tmp_path / "day.zip", MONDAY, now_ms=TUESDAY_MS)
    assert members(tmp_path / "day.zip")["sheet.pdf"] == sheet.pdf(written.contents, written.manifest_sha256)


def test_many_leads_are_told_by_rule_so_that_a_sheet_stays_one_that_people_read(held, monkeypatch):
    monkeypatch.setattr(sheet, "_MOST_LEADS", 0)
    (source,) = sheet._document(held, SHA256, "font")["sources"]
    leads = held.judged["clinic"].said["leads"]
    assert sum(int(row[1]["zh"]) for row in source["leads"]["rows"]) == len(leads)
    assert len(source["leads"]["rows"]) == len({each["rule"] for each in leads})
    assert "index.html" in source["folded"]["zh"]
