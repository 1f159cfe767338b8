"""One record: every byte, what it says, and how to check it without us."""

from __future__ import annotations

import html
import re
import subprocess
from zoneinfo import ZoneInfo

import pytest

from gateway import web
from gateway.ledger import records
from gateway.ledger.database import transaction
from gateway.pages.record_words import RecordWords
from protocol import record
from protocol.record import Reading
from tests.pages.clinic_day import clinic_day
from tests.support.chain import START_MS
from tests.support.found import found
from tests.support.signed_in import client

ZONE = ZoneInfo("Asia/Shanghai")


def sessions(book) -> list[tuple[str, int, str]]:
    """(unit, us, line) of every session."""
    with book.ledger() as db:
        return db.execute(
            "SELECT unit, us, line FROM records WHERE kind = 'SESSION' ORDER BY unit, us"
        ).fetchall()


def commands(page: str, name: str) -> str:
    """What a page tells to run, as it would be copied."""
    return html.unescape(
        found(rf'<pre class="commands" tabindex="0" role="region" aria-label="{name}">(.*?)</pre>', page)
    )


def test_the_exact_bytes_are_shown_and_given_as_a_file(small_day, manager):
    unit, us, line = sessions(small_day)[0]
    page = manager.get(f"/record/{unit}/{us}").text
    assert html.unescape(found(r'<pre class="bytes"[^>]*>(.*?)</pre>', page)) == line
    file = manager.get(f"/record/{unit}/{us}.ocmf")
    assert (
        file.content == line.encode()
        and f'filename="{unit}-{us}.ocmf"' in file.headers["content-disposition"]
    )


def test_it_says_in_words_what_the_unit_saw(small_day, manager):
    unit, us, _ = sessions(small_day)[0]
    page = manager.get(f"/record/{unit}/{us}").text
    assert re.search(r"单元 U01 见到负载在 2026-03-02 \d\d:\d\d:\d\d–\d\d:\d\d:\d\d 通电，有效 \d+ 分", page)
    assert re.search(r"最低 \d+\.\d W，平均 \d+\.\d W，最高 \d+\.\d W", page) and "Wh" in page
    assert "重新验证：相符" in page and "区里的人亲眼见过" in page and "来自 test" in page


def test_what_the_page_tells_to_run_with_openssl_says_verified(small_day, manager, tmp_path):
    unit, us, _ = sessions(small_day)[3]
    page = manager.get(f"/record/{unit}/{us}").text
    (tmp_path / f"{unit}-{us}.ocmf").write_bytes(manager.get(f"/record/{unit}/{us}.ocmf").content)
    done = subprocess.run(
        ["sh", "-e", "-c", commands(page, "openssl")], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Verified OK" in done.stdout, done.stderr
    digest, fingerprint = (each.split()[0] for each in done.stdout.strip().splitlines()[-2:])
    assert digest in page
    assert " ".join(fingerprint[at : at + 4] for at in range(0, 64, 4)) in page


def test_with_one_byte_changed_those_commands_refuse_it(small_day, manager, tmp_path):
    unit, us, line = sessions(small_day)[3]
    page = manager.get(f"/record/{unit}/{us}").text
    (tmp_path / f"{unit}-{us}.ocmf").write_text(line.replace('"UI":0', '"UI":1'))
    done = subprocess.run(
        ["sh", "-c", commands(page, "openssl")], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Verified OK" not in done.stdout and "erif" in done.stdout + done.stderr


def test_the_ocmf_program_is_told_the_registered_key(small_day, manager):
    unit, us, _ = sessions(small_day)[0]
    with small_day.ledger() as db:
        [(key,)] = db.execute("SELECT key_hex FROM units WHERE unit = ?", [unit]).fetchall()
    told = commands(manager.get(f"/record/{unit}/{us}").text, "ocmf")
    assert f'ocmf verify "$(cat {unit}-{us}.ocmf)" -k {key} --strict' in told


def test_a_record_that_was_changed_in_the_ledger_is_seen(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    unit, us, line = sessions(book)[0]
    with book.ledger() as db, db.conn:
        changed = line.replace('"UI":0', '"UI":1')
        db.execute("UPDATE records SET line = ? WHERE unit = ? AND us = ?", [changed, unit, us])
    manager = client(web.app(book, {}), book.folder)
    assert "不符（bad_seal）" in manager.get(f"/record/{unit}/{us}").text


def test_the_chain_can_be_walked_from_the_first_record_to_the_last(small_day, manager):
    with small_day.ledger() as db:
        [(last,)] = db.execute("SELECT max(us) FROM records WHERE unit = 'U08'").fetchall()
    at, seen = "/record/U08/1", []
    while at:
        page = manager.get(at).text
        seen.append(at)
        assert ('rel="prev"' in page) == (at != "/record/U08/1")
        (at,) = re.findall(r'rel="next" href="([^"]+)"', page) or [""]
    assert len(seen) == last


def test_of_lines_of_a_set_only_the_set_is_told(small_day, manager):
    for unit, us, _ in sessions(small_day)[:12]:
        page = manager.get(f"/record/{unit}/{us}").text
        assert "可互换的收费行中，有治疗用到它" in page and "分不清是哪几条" in page
        assert "第 31 项第" not in page


def test_two_records_under_one_number_are_both_shown(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    unit, us, line = sessions(book)[0]
    with book.ledger() as db, db.conn:
        row = next(iter(db.query("SELECT * FROM records WHERE unit = ? AND us = ?", [unit, us])))
        del row["position"]
        db.table("records").insert(
            row | {"digest": "f" * 64, "chained": 2, "line": line.replace('"UI":0', '"UI":1')}
        )
        db.execute("UPDATE heads SET forked_us = ? WHERE unit = ?", [us, unit])
    page = client(web.app(book, {}), book.folder).get(f"/record/{unit}/{us}").text
    assert "有 2 条不同的记录" in page and page.count('<pre class="bytes"') == 2
    assert "自第" in page and "分叉的另一支" in page


def test_what_was_found_and_refused_about_it_stands_beside(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    with book.ledger() as db, transaction(db):
        records.note_finding(db, "clock:U01:7:", "clock", "U01", 7, ("时钟跳动", "the clock moved"), START_MS)
        refused = records.Quarantined(b"x", "bad_seal", "not <b>signed</b>", "C001", "U01", 7)
        records.quarantine(db, refused, "mqtt", START_MS)
    page = client(web.app(book, {}), book.folder).get("/record/U01/7").text
    assert "时钟跳动" in page and "bad_seal" in page and "not &lt;b&gt;signed" in page


@pytest.mark.parametrize("at_ms, flag", [(0, "U"), (253402271999000, "S")])
def test_a_clock_that_says_anything_breaks_no_page(tmp_path, at_ms, flag):
    """1970, as of a clock that was never set, and the last second that a record can tell."""
    book = clinic_day(tmp_path / "clinic")
    with book.ledger() as db, db.conn:
        [(unit, line)] = db.execute("SELECT unit, line FROM records WHERE kind = 'ALIVE' LIMIT 1").fetchall()
        told = re.sub(r'"TM":"[^"]+"', f'"TM":"{record.instant(at_ms, flag)}"', line)
        db.execute("UPDATE records SET line = ?, at_ms = ? WHERE line = ?", [told, at_ms, line])
        [(us,)] = db.execute("SELECT us FROM records WHERE line = ?", [told]).fetchall()
    manager = client(web.app(book, {}), book.folder)
    page = manager.get(f"/record/{unit}/{us}")
    assert page.status_code == 200
    for day in re.findall(r'href="(/day/[^"]+)"', page.text):
        assert manager.get(day).status_code == 200


def test_what_rests_on_a_session_of_an_unset_clock_is_found_by_when_it_came(tmp_path):
    book = clinic_day(tmp_path / "clinic")
    with book.ledger() as db, db.conn:
        [(line, names)] = db.execute(
            "SELECT line, json_extract(body, '$.records[0]') FROM verdicts WHERE item = 32"
        ).fetchall()
        unit, us = names.split(":")
        [(told,)] = db.execute("SELECT line FROM records WHERE unit = ? AND us = ?", [unit, us]).fetchall()
        unset = re.sub(r'"TM":"[^"]+"', f'"TM":"{record.instant(0, "U")}"', told)
        db.execute("UPDATE records SET line = ?, at_ms = 0 WHERE line = ?", [unset, told])
    page = client(web.app(book, {}), book.folder).get(f"/record/{names.replace(':', '/')}").text
    assert f">{line}</a>" in page and "时钟从未校准" in page


@pytest.mark.parametrize("path", ["U99/1", "U01/0", "U01/abc", "U01/99999999999999999999", "U01/９"])
def test_what_is_not_there_is_said_so(manager, path):
    assert manager.get(f"/record/{path}").status_code == 404
    assert manager.get(f"/record/{path}.ocmf").status_code == 404


KINDS: dict[str, dict[str, object]] = {
    record.BOOT: {"UR": "POWER_ON", "UL": record.instant(START_MS, "S")},
    record.ALIVE: {"UC": "12:0123456789abcdef"},
    record.OPEN: {},
    record.SESSION: {"UA": 1200, "UW": [1000, 2000, 3000], "UI": 0, "UT": ["ab" * 32]},
    record.GAP_OF_READINGS: {"UG": [record.instant(START_MS, "I"), record.instant(START_MS + 60_000, "U")]},
    record.FAULT: {"UR": "CASE_OPEN"},
    record.CLOCK: {"UR": -2500},
    record.TAG: {"UT": ["ab" * 32]},
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_record_and_each_of_its_fields_has_its_words(kind, lang):
    who = record.Identity("U1", "0.1.0", "bench", "scripted", "U1", "1")
    readings = [Reading(START_MS, "S", None if kind == record.FAULT else 1_000)]
    if kind == record.SESSION:
        readings = [Reading(START_MS, "S", 1_000, "B"), Reading(START_MS + 1_200_000, "S", 90_000, "L")]
    place: dict[str, object] = {"UB": "0123456789abcdef", "US": 2, "UP": "ab" * 32, "UM": 61_000}
    payload = record.render(who, kind, 1, readings, place | KINDS[kind])
    words = RecordWords(lang, ZONE)
    assert "U1" in words.sentence(record.parse(payload)) and words.kind(kind) != kind
    fields = words.fields(payload)
    assert len({each.name for each in fields}) == len(fields) >= 19
    assert not [each.name for each in fields if each.meaning == words.say("field.other")]
    told = {each.name: each.words for each in fields}
    assert told["UM"] and told["RD 1 · TM"].startswith("2026-03-02 08:00:00") and told["UK"]


def test_a_kind_and_a_field_that_nobody_knows_are_shown_all_the_same():
    words = RecordWords("zh", ZONE)
    assert words.kind("DREAM") == "DREAM"
    [field] = words.fields('{"ZZ":[1,{"a":"b"}]}')
    assert (field.name, field.meaning, field.raw) == ("ZZ", "不在本规范内", '[1, {"a": "b"}]')
