"""`check PACK.zip --kit DIR`: on site, whoever walks in learns from one command what the gateway withholds or changed."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest

from gateway.kit import compare
from gateway.ledger.trail import canonical
from tests.kit.scene import DAY, HEARD_MS, at, files_of
from tests.support.audited import MINUTE_MS, lamp_day, runner
from tests.support.chain import Writer
from tests.support.ledgers import enrol, in_folder, take_in
from tests.support.packs import changed


@pytest.fixture
def check(there, tmp_path, capsys):
    """On the inspector's own machine: no ledger folder."""
    run = runner(tmp_path / "nowhere", capsys)

    def look(*more, pack="pack.zip"):
        return run("check", tmp_path / pack, "--kit", tmp_path / "kit", *more)

    return look


def test_an_honest_clinic_passes_with_totals_and_whose_key_it_was(check, tmp_path):
    code, told, _ = check("--district-key", tmp_path / "district.pem", "--json")
    assert (code, told["keys"], told["faults"]) == (0, "kit", [])
    assert told["kit"]["key"] == "brought" and told["kit"]["findings"] == told["kit"]["notes"] == []
    assert [each["amount"] for each in told["kit"]["totals"]] == ["48.00", "48.00"]


def test_without_the_districts_key_it_says_that_this_is_consistency_only(check):
    code, out, said = check()
    assert code == 0 and out == "" and "--district-key" in said and "发现 0 处" in said
    assert check("--json")[1]["kit"]["key"] == "kit"


def test_a_line_that_was_down_is_told_and_does_not_change_the_exit_code(there, check, tmp_path, capsys):
    there.write_on(there.writers[0], 20, HEARD_MS + 30 * MINUTE_MS)
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "later.zip")[0] == 0
    code, out, said = check(pack="later.zip")
    assert code == 0 and "not_yet_sent" in out and "说明 1 处" in said


def test_a_withheld_tail_is_found_though_the_pack_is_consistent_in_itself(there, check, tmp_path, capsys):
    shown = in_folder(tmp_path / "shown", *there.writers)
    with shown.ledger() as db:
        for writer in there.writers:
            take_in(db, writer.lines[:-3], HEARD_MS)
    assert at(shown, capsys)("pack", *DAY, "--out", tmp_path / "cut.zip")[0] == 0
    assert runner(tmp_path, capsys)("check", tmp_path / "cut.zip")[0] == 0
    code, told, _ = check("--json", pack="cut.zip")
    assert code == 1 and told["faults"] == []
    assert {(each["code"], each["where"]) for each in told["kit"]["findings"]} >= {
        ("withheld", "U1"),
        ("withheld", "U2"),
    }


def test_an_exchanged_key_is_found_by_seals_and_by_name(there, check, tmp_path, capsys):
    forged = lamp_day(Writer("U1", key="the clinic's own"), 30, 45)
    shown = in_folder(tmp_path / "shown", forged, there.writers[1])
    with shown.ledger() as db:
        for writer in (forged, there.writers[1]):
            take_in(db, writer.lines, HEARD_MS)
    assert at(shown, capsys)("pack", *DAY, "--out", tmp_path / "forged.zip")[0] == 0
    assert runner(tmp_path, capsys)("check", tmp_path / "forged.zip")[0] == 0
    code, told, _ = check("--json", pack="forged.zip")
    assert code == 1 and {each["code"] for each in told["faults"]} >= {"bad_seal"}
    assert "key_differs" in {each["code"] for each in told["kit"]["findings"]}


def test_a_unit_of_the_clinics_own_is_judged_by_the_packs_key_and_named(there, check, tmp_path, capsys):
    plug = lamp_day(Writer("PLUG1"), 20)
    with there.clinic.ledger() as db:
        enrol(db, plug)
        take_in(db, plug.lines, HEARD_MS)
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "plug.zip")[0] == 0
    code, told, _ = check("--json", pack="plug.zip")
    assert (code, told["faults"], told["kit"]["findings"]) == (0, [], [])
    assert [(each["code"], each["where"]) for each in told["kit"]["notes"]] == [("unit_unknown", "PLUG1")]


def test_what_was_read_by_cable_is_held_against_the_pack(there, check, tmp_path):
    there.writers[0].alive()
    (tmp_path / "u1.ocmf").write_bytes(b"\n".join(there.writers[0].lines) + b"\n")
    (tmp_path / "u2.ocmf").write_bytes(b"\n".join(there.writers[1].lines) + b"\n")
    code, out, said = check("--cable", tmp_path / "u2.ocmf", "--cable", tmp_path / "u1.ocmf")
    assert code == 1 and out.startswith("cable_withheld") and "发现 1 处" in said
    code, _, said = check("--cable", tmp_path / "u3.ocmf")
    assert code == 2 and "u3.ocmf" in said


def test_a_touched_kit_is_refused_before_the_pack_is_looked_at(check, tmp_path):
    with (tmp_path / "kit/heads.jsonl").open("ab") as file:
        file.write(b"\n")
    shutil.copy(tmp_path / "kit/README.txt", tmp_path / "odd.zip")
    for pack in ("pack.zip", "odd.zip"):
        code, out, said = check(pack=pack)
        assert (code, out) == (2, "") and "heads.jsonl" in said


def test_a_kit_that_another_key_signed_is_refused(there, check, tmp_path, capsys):
    other = in_folder(tmp_path / "other", role="district")
    assert at(other, capsys)("kit", "--public-key", tmp_path / "other.pem")[0] == 0
    code, _, said = check("--district-key", tmp_path / "other.pem")
    assert code == 2 and "kit.json" in said


@pytest.mark.parametrize(
    "member", ["inventory.json", "trail.jsonl", "bills/files.jsonl", "bills/clinic.jsonl"]
)
@pytest.mark.parametrize("body", [b"[]\n", b"{}\n", b"no json\n", b'{"a":'])
def test_a_pack_that_does_not_say_what_is_compared_is_a_finding_and_no_crash(member, body, check, tmp_path):
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack, zipfile.ZipFile(tmp_path / "odd.zip", "w") as odd:
        for each in pack.infolist():
            odd.writestr(each.filename, body if each.filename == member else pack.read(each))
    code, told, said = check("--json", pack="odd.zip")
    assert code == 1, said
    assert told["faults"] and told["kit"]["findings"]


def test_a_ledger_folder_is_not_held_against_a_kit_and_options_go_with_it(there, check, tmp_path, capsys):
    code, _, said = check(pack="clinic")
    assert code == 2 and "--kit" in said
    run = runner(tmp_path, capsys)
    for option in ("--district-key", "--cable"):
        code, _, said = run("check", tmp_path / "pack.zip", option, tmp_path / "district.pem")
        assert code == 2 and "--kit" in said
    assert run("check", tmp_path / "pack.zip", "--kit", tmp_path / "nowhere")[0] == 2


def test_a_kit_is_not_changed_by_looking(check, tmp_path):
    before = files_of(tmp_path / "kit")
    assert check()[0] == 0
    assert files_of(tmp_path / "kit") == before


def test_every_sentence_says_in_both_languages_what_it_is_about():
    for code, (zh, en) in compare._SENTENCES.items():
        fields = {"unit", "us", "spans", "entry", "heard", "made", "other", "zh", "en"}
        assert {name for name in fields if f"{{{name}}}" in zh} - {"zh"} == {
            name for name in fields if f"{{{name}}}" in en
        } - {"en"}, code


def test_a_key_that_was_typed_in_capitals_is_the_same_key(there, check, tmp_path, capsys):
    with there.clinic.ledger() as db:
        db.execute("UPDATE units SET key_hex = upper(key_hex)")
        db.conn.commit()
    assert at(there.clinic, capsys)("pack", *DAY, "--out", tmp_path / "upper.zip")[0] == 0
    code, told, _ = check("--json", pack="upper.zip")
    assert (code, told["faults"], told["kit"]["findings"]) == (0, [], [])


def test_what_a_pack_says_cannot_write_over_what_is_said_of_it(check, tmp_path):
    """Escapes and line feeds in a name are shown, not obeyed, on an inspector's terminal."""

    def add(body: bytes) -> bytes:
        inventory = json.loads(body)
        inventory["units"].append({**inventory["units"][0], "unit": "\x1b[2J\u202e\n0 findings"})
        return f"{canonical(inventory)}\n".encode()

    changed(tmp_path / "pack.zip", tmp_path / "trick.zip", {"inventory.json": add})
    code, out, said = check(pack="trick.zip")
    assert code == 1 and "\\x1b[2J\\u202e\\n0 findings" in out
    assert not {"\x1b", "\u202e"} & set(out + said)
