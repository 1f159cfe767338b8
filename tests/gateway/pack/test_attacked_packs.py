"""Whatever is changed in a pack is found and named: by who knows nothing of the format, and by who makes the manifest anew."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.check.opened import PackRefused
from gateway.ledger.trail import canonical
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.chain import Writer
from tests.support.packs import Change, changed, examined, faults, line_changed, members, packed


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of Monday."""
    folder = tmp_path_factory.mktemp("monday")
    written = packed(monday(folder / "clinic"), folder / "monday.zip", MONDAY, now_ms=TUESDAY_MS)
    assert faults(folder / "monday.zip") == set()
    summary = written.contents.judged["clinic"].said["summary"]
    assert all(summary.values()), summary
    return folder / "monday.zip"


@pytest.fixture
def attack(honest: Path, tmp_path: Path) -> Callable[..., set[tuple[str, str]]]:
    """What is found after these members were changed and the manifest was made anew."""

    def attacked(**changes: Change) -> set[tuple[str, str]]:
        named = {_NAMES.get(name, name): change for name, change in changes.items()}
        return faults(changed(honest, tmp_path / "attacked.zip", named))

    return attacked


_NAMES = {
    "records": "records/U1.ocmf",
    "receipts": "records/U1.receipts",
    "inventory": "inventory.json",
    "bills": "bills/clinic.jsonl",
    "run": "runs/clinic.json",
    "coverage": "runs/clinic.coverage.jsonl",
    "catalogue": "catalogue.json",
    "pack": "pack.json",
    "trail": "trail.jsonl",
    "closings": "closings.jsonl",
    "reviews": "reviews.jsonl",
    "container": "ocmf/U1.xml",
    "skips": "skips.jsonl",
    "attended": "attended.jsonl",
}


def edited(change: Callable[[Any], None]) -> Change:
    """A JSON member after `change` was at it."""

    def edit(body: bytes) -> bytes:
        said = json.loads(body)
        change(said)
        return f"{canonical(said)}\n".encode()

    return edit


def without_line(number: int) -> Change:
    def cut(body: bytes) -> bytes:
        lines = body.splitlines(keepends=True)
        del lines[number]
        return b"".join(lines)

    return cut


def one(said: dict[str, Any], verdict: str) -> dict[str, Any]:
    return next(each for each in said["treatments"] if each["verdict"] == verdict)


def the_lead(said: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in said["leads"] if each["rule"] == "capacity")


# --- by who does not know of the manifest ------------------------------------------------------------------------


def test_any_changed_member_is_named(honest, tmp_path):
    for name in members(honest):
        if name not in ("manifest.json", "sheet.pdf"):
            out = changed(honest, tmp_path / "one.zip", {name: lambda body: body + b" "}, relist=False)
            assert ("manifest", name) in faults(out), name


def test_a_changed_manifest_no_longer_goes_with_the_sheet(honest, tmp_path):
    out = changed(honest, tmp_path / "one.zip", {"manifest.json": lambda body: body + b"\n"}, relist=False)
    assert faults(out) == {("sheet", "sheet.pdf")}


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_of_the_file_is_refused_or_found_or_changes_nothing_that_is_said(
    honest, tmp_path, data
):
    body = bytearray(honest.read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    out = tmp_path / "flipped.zip"
    out.write_bytes(body)
    try:
        found = faults(out)
    except PackRefused as error:
        assert error.zh and error.en
        return
    if not found:
        before, after = members(honest), members(out)
        assert {name for name in before if before[name] != after[name]} <= {"sheet.pdf"}


# --- by who makes the manifest anew --------------------------------------------------------------------------------


def test_a_changed_byte_of_a_record_is_named_by_unit_and_number(attack):
    assert ("bad_seal", "U1:5") in attack(
        records=line_changed(r'("US":5,"UP":"[0-9a-f]{64}","UM":)', r"\g<1>1")
    )


def test_a_dropped_record_is_named(attack):
    assert ("missing", "U1:6") in attack(records=without_line(5), receipts=without_line(5))


def test_a_dropped_end_of_a_chain_is_named_and_so_is_the_time_that_it_had_watched(attack):
    found = attack(records=without_line(-1), receipts=without_line(-1))
    assert {("head", "U1"), ("coverage", "tdp-U1 2026-03-02")} <= found


def test_a_record_without_its_receipt_is_found(attack):
    assert attack(receipts=without_line(3))
    assert ("unreadable", "records/U1.receipts") in attack(records=without_line(-1))


def test_a_swapped_key_opens_no_seal(attack):
    def swap(said: Any) -> None:
        said["units"][0]["key"] = Writer("mallory").key_hex

    assert ("bad_seal", "U1:1") in attack(inventory=edited(swap))


def test_a_key_swapped_together_with_every_seal_is_named_by_who_brings_the_keys(tmp_path):
    book = monday(tmp_path / "clinic")
    packed(book, tmp_path / "pack.zip", MONDAY, now_ms=TUESDAY_MS)
    with book.ledger() as db:
        keys = dict(db.execute("SELECT unit, key_hex FROM units").fetchall())
    assert faults(tmp_path / "pack.zip", keys) == set()
    found = faults(tmp_path / "pack.zip", keys | {"U1": Writer("the real one").key_hex})
    assert {("key", "U1"), ("bad_seal", "U1:1")} <= found
    del keys["U2"]
    assert ("no_key", "U2:1") in faults(tmp_path / "pack.zip", keys)


@pytest.mark.parametrize("verdict", ["no_device_time", "short", "unobserved"])
def test_a_verdict_that_is_made_supported_is_named(attack, honest, verdict):
    name = one(json.loads(members(honest)["runs/clinic.json"]), verdict)
    where = f"{name['line']}#{name['index']}"

    def forge(said: Any) -> None:
        one(said, verdict)["verdict"] = "supported"
        said["summary"]["supported"] += 1
        said["summary"][verdict] -= 1

    assert {("grounds", where), ("misfit", where)} & attack(run=edited(forge))


def test_a_verdict_that_is_made_worse_is_named(attack):
    def forge(said: Any) -> None:
        each = one(said, "supported")
        each |= {"verdict": "no_device_time", "records": [], "grade": None, "active_s": None, "fit": None}

    found = {code for code, _ in attack(run=edited(forge))}
    assert {"summary", "overlooked"} <= found


def test_an_edited_amount_of_a_bill_is_named(attack):
    assert ("bill", "V1/1") in attack(
        bills=line_changed(r'"amount_fen":\d+(.*"line":"V1/1")', r'"amount_fen":1\g<1>')
    )


def test_a_dropped_bill_line_and_an_invented_one_are_named(attack):
    assert ("bill", "V1/1") in attack(bills=without_line(0))
    assert ("bill", "V1/1x") in attack(
        bills=lambda body: body + body.splitlines(keepends=True)[0].replace(b'"V1/1"', b'"V1/1x"')
    )


def test_edited_coverage_is_named_by_device_and_day(attack):
    watched = line_changed(r'("device":"tdp-U2".*"watched_s":)\d+', r"\g<1>43200")
    assert ("coverage", "tdp-U2 2026-03-02") in attack(coverage=watched)


def test_dark_time_that_is_left_out_everywhere_is_named(attack):
    def brighten(body: bytes) -> bytes:
        rows = [json.loads(line) for line in body.splitlines()]
        for row in rows:
            row |= {"dark": [], "watched_s": row["open_s"]}
        return "".join(f"{canonical(row)}\n" for row in rows).encode()

    def brag(said: Any) -> None:
        for row in said["coverage"]:
            row["watched_s"] = row["open_s"]

    found = attack(coverage=brighten, run=edited(brag))
    assert ("coverage", "tdp-U2 2026-03-02") in found


def test_opening_hours_that_are_made_shorter_are_found(attack):
    found = attack(pack=line_changed('"opens":"08:00"', '"opens":"12:00"'))
    assert {("coverage", "tdp-U1 2026-03-02"), ("coverage", "tdp-U2 2026-03-02")} <= found


def test_a_summary_that_counts_otherwise_is_named(attack):
    assert ("summary", "clinic 2026-03-02") in attack(run=line_changed(r'"supported":\d+', '"supported":99'))


def test_the_arithmetic_of_a_lead_is_done_again(attack, honest):
    lead = the_lead(json.loads(members(honest)["runs/clinic.json"]))["id"]

    def spare(said: Any) -> None:
        the_lead(said)["capacity"] += 1

    def forget(said: Any) -> None:
        the_lead(said)["supplies"].pop()

    def drop(said: Any) -> None:
        said["leads"].remove(the_lead(said))

    assert ("witness", lead) in attack(run=edited(spare))
    assert {"left_out", "witness"} <= {code for code, _ in attack(run=edited(forget))}
    assert "unproven" in {code for code, _ in attack(run=edited(drop))}


def test_dark_time_that_a_lead_leaves_out_or_invents_is_named(attack, honest):
    lead = the_lead(json.loads(members(honest)["runs/clinic.json"]))
    assert lead["dark"]

    def forget(said: Any) -> None:
        the_lead(said)["dark"].pop()

    def invent(said: Any) -> None:
        the_lead(said)["dark"].append(["U1", "2026-03-02T09:00:00+08:00", "2026-03-02T09:10:00+08:00"])

    assert ("dark", lead["id"]) in attack(run=edited(forget))
    assert ("dark", lead["id"]) in attack(run=edited(invent))


def test_a_catalogue_that_asks_for_less_is_named(attack):
    def soften(said: Any) -> None:
        next(each for each in said["items"] if each["number"] == 31)["min_minutes"] = 5

    assert ("catalogue", "item 31") in attack(catalogue=edited(soften))


def test_stations_that_are_added_make_room_that_nobody_used(attack):
    def add(said: Any) -> None:
        for device in said["devices"]:
            device["stations"] = 9

    assert {code for code, _ in attack(inventory=edited(add))} & {"overlooked", "witness"}


def test_a_trail_that_was_cut_or_changed_is_named(attack):
    assert ("trail", "trail:2") in attack(trail=without_line(0))
    assert {code for code, _ in attack(trail=without_line(-1))} >= {"trail"}
    assert ("trail", "trail:1") in attack(trail=line_changed('"who":"D01"', '"who":"D02"'))


def test_closings_and_what_was_said_of_leads_cannot_be_changed(attack):
    assert "closing" in {code for code, _ in attack(closings=line_changed('"supported":', '"supported":1'))}
    assert "act" in {code for code, _ in attack(reviews=line_changed("counted twice", "counted once"))}
    hidden = line_changed('("act":"close".*"sha256":")[0-9a-f]{64}', rf"\g<1>{'0' * 64}")
    assert {"trail", "untraced"} <= {code for code, _ in attack(trail=hidden)}


def test_what_other_programs_are_given_is_the_chains_own(attack):
    assert ("container", "ocmf/U1.xml") in attack(container=line_changed(r'"UA":\d+', '"UA":9999'))
    assert ("container", "ocmf/U1.xml") in attack(container=line_changed(r'"hex">3059', '"hex">3060'))


def test_another_period_and_rules_that_are_not_there_are_named(attack):
    found = attack(pack=line_changed('"to":"2026-03-02"', '"to":"2026-03-03"'))
    assert ("period", "runs/clinic.json") in found
    assert ("rules", "rules.toml") in attack(pack=line_changed('"rules":""', f'"rules":"{"0" * 64}"'))


@pytest.mark.parametrize("name", sorted(set(_NAMES) - {"records", "container"}))
def test_a_member_that_is_no_json_is_named_and_the_rest_is_looked_at(attack, name):
    try:
        found = attack(**{name: lambda body: b"\xff[[{"})
    except PackRefused:
        assert name == "pack"
        return
    assert found


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_that_cannot_be_do_no_harm(honest, tmp_path, data):
    """Whatever stands where a number or a text should be: it is found or refused, and never breaks the check."""
    name = _NAMES[data.draw(st.sampled_from(sorted(_NAMES)))]
    body = members(honest)[name]
    places = [
        found.span() for found in re.finditer(rb'(?<=:)(-?\d+|"[^"]{0,30}"|null|true|false)(?=[,}])', body)
    ]
    assume(places)
    start, end = data.draw(st.sampled_from(places))
    value = data.draw(
        st.sampled_from(["null", '"x"', "[]", "{}", "-1", "1.5", "1e999", "9" * 30, "true", '"[["'])
    )
    spoiled = body[:start] + value.encode() + body[end:]
    out = changed(honest, tmp_path / "odd.zip", {name: lambda _: spoiled})
    try:
        assert isinstance(examined(out).faults, list)
    except PackRefused as error:
        assert error.en


def test_the_sheet_of_another_pack_is_noticed(honest, tmp_path):
    sheet = members(honest)["sheet.pdf"]
    out = changed(honest, tmp_path / "one.zip", {"README.txt": lambda body: body + b"!"})
    with zipfile.ZipFile(out) as file:
        assert file.read("sheet.pdf") != sheet
    out = changed(out, tmp_path / "two.zip", {"sheet.pdf": lambda _: sheet}, relist=False)
    assert faults(out) == {("sheet", "sheet.pdf")}
