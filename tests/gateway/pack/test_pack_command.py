"""`wattwitness pack` as people use it: one whole file or none, the same bytes again, nobody named, and a note in the trail."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest

from gateway import pipeline
from gateway.bootstrap import open_book
from gateway.config import DISTRICT
from gateway.errors import SurroundingsError
from gateway.ledger import trail
from gateway.pack import writing
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import DAY_MS, EVENING_MS, MONDAY, charge, lamp_day, runner
from tests.support.bills import detail, upload
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, enrol, in_folder, take_in
from tests.support.packs import changed, faults, members, packed, rows
from tests.support.tools import CHECKOUT

DAY = ("--from", "2026-03-02", "--to", "2026-03-02")


def test_two_packs_of_one_state_at_one_instant_are_the_same_bytes(tmp_path):
    book = monday(tmp_path / "clinic")
    shutil.copytree(book.folder, tmp_path / "copy")
    packed(book, tmp_path / "one.zip", MONDAY, now_ms=TUESDAY_MS)
    packed(open_book(tmp_path / "copy"), tmp_path / "two.zip", MONDAY, now_ms=TUESDAY_MS)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_later_pack_differs_by_its_instant_and_by_the_note_of_the_first(tmp_path):
    book = monday(tmp_path / "clinic")
    packed(book, tmp_path / "one.zip", MONDAY, now_ms=TUESDAY_MS)
    packed(book, tmp_path / "two.zip", MONDAY, now_ms=TUESDAY_MS + 1000)
    one, two = members(tmp_path / "one.zip"), members(tmp_path / "two.zip")
    different = {name for name in one if one[name] != two[name]}
    assert different == {"pack.json", "trail.jsonl", "index.html", "manifest.json", "sheet.pdf"}
    assert two["trail.jsonl"].startswith(one["trail.jsonl"])


def test_the_command_says_the_hash_that_the_sheet_prints_and_that_check_finds(tmp_path, capsys):
    run = runner(monday(tmp_path / "clinic").folder, capsys)
    code, said, _ = run("pack", *DAY, "--out", tmp_path / "day.zip", "--json")
    manifest = members(tmp_path / "day.zip")["manifest.json"]
    assert code == 0 and said["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert said["bytes"] == (tmp_path / "day.zip").stat().st_size
    code, found, _ = run("check", tmp_path / "day.zip", "--json")
    assert code == 0 and found["faults"] == [] and found["keys"] == "pack"
    assert found["manifest_sha256"] == said["manifest_sha256"]
    assert said["manifest_sha256"].encode() in members(tmp_path / "day.zip")["sheet.pdf"]


def test_check_of_an_attacked_pack_exits_1_and_says_where(tmp_path, capsys):
    run = runner(monday(tmp_path / "clinic").folder, capsys)
    run("pack", *DAY, "--out", tmp_path / "day.zip")
    there = members(tmp_path / "day.zip")
    there["trail.jsonl"] = there["trail.jsonl"].replace(b"D01", b"D02", 1)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        for name, body in there.items():
            file.writestr(name, body)
    code, out, err = run("check", tmp_path / "bad.zip")
    assert code == 1 and "trail.jsonl" in out and "trail:1" in out
    assert "真实" in err and "authenticity" in err


def test_that_it_was_made_stands_in_the_trail_and_its_runs_in_the_ledger(tmp_path, capsys):
    book = monday(tmp_path / "clinic")
    with book.ledger() as db:
        before, runs = trail.head(db), db.execute("SELECT count(*) FROM runs").fetchone()[0]
    _, said, _ = runner(book.folder, capsys)("pack", *DAY, "--out", tmp_path / "day.zip", "--json")
    with book.ledger() as db:
        (note,) = trail.entries(db, after=before.entry)
        assert db.execute("SELECT count(*) FROM runs").fetchone()[0] == runs + 1
    assert (note.act, note.subject) == ("pack", f"clinic:{CLINIC}")
    assert note.body["manifest_sha256"] == said["manifest_sha256"]
    told = rows(tmp_path / "day.zip", "trail.jsonl")
    assert (told[-1]["entry"], told[-1]["hash"]) == (before.entry, before.hash)


@pytest.mark.parametrize(
    "arguments, zh",
    [
        (("--from", "2026-03-03", "--to", "2026-03-02", "--out", "x.zip"), "对调"),
        (("--from", "monday", "--to", "2026-03-02", "--out", "x.zip"), "无法识别"),
        ((*DAY, "--out", "x.pdf"), ".zip"),
        ((*DAY, "--out", "nowhere/x.zip"), "没有目录"),
        ((*DAY, "--out", "x.zip", "--clinic", "C9"), "C9"),
    ],
)
def test_wrong_usage_is_one_line_and_changes_nothing(tmp_path, capsys, monkeypatch, arguments, zh):
    monkeypatch.chdir(tmp_path)
    book = monday(tmp_path / "clinic")
    with book.ledger() as db:
        before = trail.head(db)
    code, out, err = runner(book.folder, capsys)("pack", *arguments)
    assert (code, out) == (2, "") and zh in err and len(err.splitlines()) == 1
    with book.ledger() as db:
        assert trail.head(db) == before
    assert [*tmp_path.iterdir()] == [tmp_path / "clinic"]


def test_a_file_that_is_there_is_never_overwritten(tmp_path, capsys):
    (tmp_path / "day.zip").write_bytes(b"mine")
    code, _, err = runner(monday(tmp_path / "clinic").folder, capsys)(
        "pack", *DAY, "--out", tmp_path / "day.zip"
    )
    assert code == 2 and "exists" in err and (tmp_path / "day.zip").read_bytes() == b"mine"


def test_nor_one_that_came_while_the_pack_was_made(tmp_path, monkeypatch):
    book, out = monday(tmp_path / "clinic"), tmp_path / "day.zip"
    with book.ledger() as db:
        before = trail.head(db)
    fill = writing._fill

    def slow(*arguments):
        out.write_bytes(b"mine")
        return fill(*arguments)

    monkeypatch.setattr(writing, "_fill", slow)
    with pytest.raises(SurroundingsError):
        packed(book, out, MONDAY, now_ms=TUESDAY_MS)
    with book.ledger() as db:
        assert trail.head(db) == before
    assert out.read_bytes() == b"mine" and sorted(path.name for path in tmp_path.iterdir()) == [
        "clinic",
        "day.zip",
    ]


def test_a_disk_that_fills_leaves_no_half_of_a_pack_and_no_note(tmp_path):
    book = monday(tmp_path / "clinic")
    with book.ledger() as db:
        before = trail.head(db)
    (tmp_path / "out").mkdir()
    command = [
        sys.executable,
        "-m",
        "gateway",
        "--dir",
        str(book.folder),
        "pack",
        *DAY,
        "--out",
        str(tmp_path / "out" / "x.zip"),
    ]
    ran = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, preexec_fn=_small_files, timeout=120
    )
    assert ran.returncode == 3, ran.stderr
    assert "x.zip" in ran.stderr.splitlines()[-1]
    assert [*(tmp_path / "out").iterdir()] == []
    with book.ledger() as db:
        assert trail.head(db) == before


def _small_files() -> None:
    """No file of this process grows beyond 32 kB: the disk is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, 32 << 10))


def test_a_pack_names_no_patient_unless_the_bill_files_are_asked_for(tmp_path):
    writer = lamp_day(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        charge(
            db,
            book,
            upload(detail("1", psn_no="P0001-SECRET", psn_name="姓名某", certno="310101199001011234")),
        )
    packed(book, tmp_path / "plain.zip", MONDAY, now_ms=EVENING_MS)
    packed(book, tmp_path / "full.zip", MONDAY, now_ms=EVENING_MS, bill_files=True)
    secrets = [b"P0001-SECRET", "姓名某".encode(), b"310101199001011234", json.dumps("姓名某")[1:-1].encode()]
    plain, full = members(tmp_path / "plain.zip"), members(tmp_path / "full.zip")
    assert not any(secret in body for body in plain.values() for secret in secrets)
    (raw,) = [body for name, body in full.items() if name.startswith("bills/raw/")]
    assert secrets[0] in raw
    assert rows(tmp_path / "full.zip", "bills/files.jsonl")[0]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert faults(tmp_path / "full.zip") == set()
    assert "姓名或号码" in full["README.txt"].decode() and "姓名或号码" not in plain["README.txt"].decode()


def test_a_changed_bill_file_is_named(tmp_path):
    book = monday(tmp_path / "clinic")
    packed(book, tmp_path / "full.zip", MONDAY, now_ms=TUESDAY_MS, bill_files=True)
    name = next(each for each in members(tmp_path / "full.zip") if each.startswith("bills/raw/"))
    out = changed(tmp_path / "full.zip", tmp_path / "bad.zip", {name: lambda body: body + b" "})
    assert "bill_file" in {code for code, _ in faults(out)}


def test_lines_that_are_no_item_of_the_catalogue_stay_at_home(tmp_path):
    writer = lamp_day(Writer("U1"), 20)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS)
        drug = detail("2", med_list_codg="XA01ABD075A002010100483", medins_list_name="阿司匹林")
        charge(db, book, detail("1"), drug)
    packed(book, tmp_path / "day.zip", MONDAY, now_ms=EVENING_MS)
    assert [row["line"] for row in rows(tmp_path / "day.zip", "bills/clinic.jsonl")] == ["V1/1"]


def test_rules_of_the_ledgers_own_go_into_the_pack(tmp_path):
    book = monday(tmp_path / "clinic")
    (book.folder / "rules.toml").write_text("[capacity]\nenabled = true\n", encoding="utf-8")
    packed(book, tmp_path / "day.zip", MONDAY, now_ms=TUESDAY_MS)
    there = members(tmp_path / "day.zip")
    assert there["rules.toml"] == b"[capacity]\nenabled = true\n"
    assert json.loads(there["pack.json"])["rules"] == hashlib.sha256(there["rules.toml"]).hexdigest()
    assert faults(tmp_path / "day.zip") == set()


def test_a_pack_of_an_early_day_holds_what_came_before_it_and_all_to_the_heads(tmp_path):
    writer = Writer("U1")
    for number in range(6):
        lamp_day(writer, 20, days=number)
    book = in_folder(tmp_path / "clinic", writer)
    with book.ledger() as db:
        take_in(db, writer.lines, EVENING_MS + 5 * DAY_MS)
        for number in range(6):
            day = f"2026-03-0{2 + number} 09:15:00"
            charge(
                db,
                book,
                detail("1", visit=f"V{number}", fee_ocur_time=day),
                now_ms=EVENING_MS + 5 * DAY_MS + number,
            )
    thursday = MONDAY.replace(day=5)
    packed(book, tmp_path / "day.zip", thursday, now_ms=EVENING_MS + 5 * DAY_MS + 10)
    assert faults(tmp_path / "day.zip") == set()
    (head,) = json.loads(members(tmp_path / "day.zip")["inventory.json"])["heads"]
    per_day = len(writer.lines) // 6
    assert per_day < head["pack_us"] <= 2 * per_day + 1 and head["us"] == len(writer.lines)
    assert [row["line"] for row in rows(tmp_path / "day.zip", "bills/clinic.jsonl")] == ["V3/1"]


def test_a_district_packs_one_clinic_with_nothing_of_another(tmp_path):
    ours, theirs = lamp_day(Writer("U1"), 20), lamp_day(Writer("U2"), 20, 20)
    extra = "".join(f'[clinics.{name}]\nname = "{name}"\n' for name in (CLINIC, "C002"))
    book = in_folder(tmp_path / "district", ours, role=DISTRICT, extra=extra)
    with book.ledger() as db:
        enrol(db, theirs, "C002", vouched=True)
        take_in(db, [*ours.lines, *theirs.lines], EVENING_MS)
    written = packed(book, tmp_path / "day.zip", MONDAY, now_ms=EVENING_MS, clinic=CLINIC)
    assert faults(tmp_path / "day.zip") == set()
    assert (written.contents.document()["clinic"], written.contents.document()["ledger"]) == (
        CLINIC,
        "district",
    )
    assert not any(
        b"U2" in body
        for name, body in members(tmp_path / "day.zip").items()
        if name.endswith(("json", "jsonl"))
    )


def test_readings_at_posts_are_recorded_before_a_pack_is_made(tmp_path, monkeypatch):
    """As before every reconciliation: else a pack would say less than the day's page."""
    asked = []
    monkeypatch.setattr(pipeline, "prepare", lambda db, config, now_ms, days: asked.append(days))
    packed(monday(tmp_path / "clinic"), tmp_path / "day.zip", MONDAY, now_ms=TUESDAY_MS)
    assert (MONDAY, MONDAY) in asked
