"""What a pack has to have besides being true: its members and no other, written in the one way; what its trail tells of; forks
that a record bears out. Whoever makes the manifest anew is found all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.check.opened import PackRefused
from gateway.ledger.trail import canonical
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import EVENING_MS, MONDAY, lamp_day
from tests.support.chain import Writer
from tests.support.ledgers import in_folder, take_in
from tests.support.packs import Change, changed, faults, line_changed, members, packed

RUN, BILLS, PACK, INVENTORY = "runs/clinic.json", "bills/clinic.jsonl", "pack.json", "inventory.json"
Attack = Callable[[dict[str, Change]], set[tuple[str, str]]]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of Monday."""
    folder = tmp_path_factory.mktemp("monday")
    packed(monday(folder / "clinic"), folder / "monday.zip", MONDAY, now_ms=TUESDAY_MS)
    assert faults(folder / "monday.zip") == set()
    return folder / "monday.zip"


@pytest.fixture
def attack(honest: Path, tmp_path: Path) -> Attack:
    """What is found after these members were changed and the manifest was made anew."""
    return lambda changes: faults(changed(honest, tmp_path / "attacked.zip", changes))


def said(change: Callable[[Any], None]) -> Change:
    """A JSON member after `change` was at it."""

    def edit(body: bytes) -> bytes:
        document = json.loads(body)
        change(document)
        return f"{canonical(document)}\n".encode()

    return edit


def gone(body: bytes) -> None:
    """Takes a member out."""


# --- two readers, two packs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pattern", "text"),
    [
        (PACK, r'"opens":"08:00"', '"opens":"12:00","opens":"08:00"'),
        (INVENTORY, r'"stations":1', '"stations":9,"stations":1'),
        (BILLS, r'"amount_fen"', '"amount_fen":1,"amount_fen"'),
        (RUN, r'"verdict":"short"', '"verdict":"supported","verdict":"short"'),
        ("records/U1.receipts", r'"us":1}', '"us":2,"us":1}'),
    ],
)
def test_a_name_that_stands_twice_in_an_object_is_named(attack, name, pattern, text):
    assert attack({name: line_changed(pattern, text)}) == {("written", name)}


def test_a_manifest_in_which_a_name_stands_twice_is_refused(honest, tmp_path):
    twice = {"manifest.json": line_changed(r'"format":', '"format":"another","format":')}
    with pytest.raises(PackRefused):
        faults(changed(honest, tmp_path / "twice.zip", twice, relist=False))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "01", "1.", "9" * 5000])
def test_what_is_no_number_is_named_also_where_check_recomputes_nothing(attack, number):
    found = attack({"rules.json": lambda body: f'{{"burst":{number}}}\n'.encode()})
    assert ("written", "rules.json") in found


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.rstrip(b"\n"),
        lambda body: body + b"\n",
        lambda body: body.replace(b",", b", ", 1),
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: json.dumps(
            json.loads(body), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode() + b"\n",
    ],
    ids=["no line feed", "a line more", "blanks", "CRLF", "BOM", "not ASCII"],
)  # fmt: skip
def test_another_way_of_writing_the_same_is_named(attack, change):
    assert ("written", "catalogue.json") in attack({"catalogue.json": change})


# --- members ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["notes.html", "Pack.json", "records/u1.ocmf", "records/U7.receipts", "runs/platform.json", "rules.toml"]
)  # fmt: skip
def test_a_member_that_no_pack_has_is_named_even_where_the_manifest_lists_it(attack, name):
    """A name that differs only by case lies over the other where such a pack is unpacked on Windows."""
    assert ("member", name) in attack({name: lambda body: b"{}\n"})


def test_a_bill_file_by_another_name_than_its_hash_is_named(attack):
    files = line_changed('"path":null', '"path":"notes.html"')
    assert ("member", "notes.html") in attack({"bills/files.jsonl": files, "notes.html": lambda body: b"x"})


def test_every_member_that_a_pack_must_have_is_missed(attack, honest):
    optional = {"manifest.json", "sheet.pdf", PACK}
    for name in sorted(members(honest).keys() - optional):
        try:
            found = attack({name: gone})
        except PackRefused as error:
            raise AssertionError(name) from error
        assert {("member", name), ("container", name), ("head", name[8:10])} & found, name


def test_other_seconds_to_spare_than_the_format_has_are_named(attack):
    assert ("required", PACK) in attack({PACK: said(lambda about: about.update(tolerance_s=600))})


@pytest.mark.parametrize("sources", [[], ["clinic", "clinic"], ["somebody"], "clinic", None])
def test_a_pack_of_nobodys_bills_is_refused_for_then_nothing_would_be_looked_at(attack, sources):
    with pytest.raises(PackRefused):
        attack({PACK: said(lambda about: about.update(sources=sources))})


def test_closed_days_that_are_no_list_are_refused(attack):
    with pytest.raises(PackRefused):
        attack({PACK: said(lambda about: about.update(closed="2026-03-02"))})


# --- what other programs are given -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"<value .*</value>\n", ""),
        ("<values>", "<values><!-- another -->"),
        (r"(<value .*</value>\n)", r"\g<1>\g<1>"),
        (r'transactionId="\d+"', 'transactionId="1"'),
    ],
    ids=["one less", "a comment", "one twice", "another number"],
)
def test_the_container_holds_the_sessions_and_nothing_else(attack, pattern, text):
    assert attack({"ocmf/U1.xml": line_changed(pattern, text)}) == {("container", "ocmf/U1.xml")}


# --- what the trail tells of -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["closings.jsonl", "reviews.jsonl"])
def test_a_closing_and_an_answer_that_are_left_out_are_told_by_the_trail(attack, honest, name):
    act = {"closings.jsonl": "close", "reviews.jsonl": "lead_answer"}[name]
    entries = [json.loads(line) for line in members(honest)["trail.jsonl"].splitlines()]
    (entry,) = [each["entry"] for each in entries if each["act"] == act]
    assert attack({name: lambda body: b""}) == {("gone", f"trail:{entry}")}


# --- forks -----------------------------------------------------------------------------------------------------------


def test_a_fork_that_no_record_bears_out_is_named(attack):
    """From a fork on all is dark, and dark time accuses nobody."""

    def claim(inventory: Any) -> None:
        inventory["heads"][0]["forked_us"] = 10

    assert ("fork", "U1") in attack({INVENTORY: said(claim)})


def test_a_fork_whose_second_history_is_there_is_in_order_and_cannot_be_kept_quiet(tmp_path):
    one = lamp_day(Writer("U1"), 20)
    other = lamp_day(Writer("U1"), 30)
    book = in_folder(tmp_path / "clinic", one)
    with book.ledger() as db:
        take_in(db, one.lines, EVENING_MS)
        take_in(db, other.lines, EVENING_MS + 1)
    packed(book, tmp_path / "pack.zip", MONDAY, now_ms=TUESDAY_MS)
    assert faults(tmp_path / "pack.zip") == set()

    def keep_quiet(inventory: Any) -> None:
        assert inventory["heads"][0]["forked_us"] is not None
        inventory["heads"][0]["forked_us"] = None

    out = changed(tmp_path / "pack.zip", tmp_path / "quiet.zip", {INVENTORY: said(keep_quiet)})
    assert ("fork", "U1") in faults(out)
