"""Whatever is changed in a pack, `verify.py` finds and names it: by the manifest, and where somebody made that anew, by what the
bytes themselves say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.trail import canonical
from gateway.pack import verify
from protocol import p256, record, seal
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.chain import Writer
from tests.support.packs import changed, members, packed, write

CHAIN, RECEIPTS, RUN = "records/U1.ocmf", "records/U1.receipts", "runs/clinic.json"
COVERAGE, TRAIL, BILLS = "runs/clinic.coverage.jsonl", "trail.jsonl", "bills/clinic.jsonl"

Found = list[tuple[str, str]]
"""(what in English, where) of each fault."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A pack of Monday with verdicts of every kind."""
    folder = tmp_path_factory.mktemp("monday")
    packed(monday(folder / "clinic"), folder / "monday.zip", MONDAY, now_ms=TUESDAY_MS)
    there = members(folder / "monday.zip")
    assert all(json.loads(there[RUN])["summary"].values())
    return there


@pytest.fixture
def files(honest: dict[str, bytes]) -> dict[str, bytes]:
    return dict(honest)


def found_in(files: dict[str, bytes], keys: Any = None, *, every: bool = False) -> Found:
    """What is found by who looks no further than the files; the manifest was made anew."""
    return [(each.what.split(" | ")[1], each.where) for each in verify.examined(files, {}, keys or {}, every)]


def edit(files: dict[str, bytes], name: str, change: Callable[[Any], None]) -> None:
    """A JSON file after `change` was at it."""
    said = json.loads(files[name])
    change(said)
    files[name] = f"{canonical(said)}\n".encode()


def edit_rows(files: dict[str, bytes], name: str, change: Callable[[list[Any]], None]) -> None:
    """A JSON Lines file after `change` was at it."""
    said = [json.loads(line) for line in files[name].splitlines()]
    change(said)
    files[name] = "".join(f"{canonical(row)}\n" for row in said).encode()


def lines_of(files: dict[str, bytes], name: str = CHAIN) -> list[bytes]:
    return files[name].splitlines(keepends=True)


def verdict(said: Any, code: str) -> Any:
    """The first treatment of that verdict."""
    return next(each for each in said["treatments"] if each["verdict"] == code)


def where_is(files: dict[str, bytes], code: str) -> str:
    each = verdict(json.loads(files[RUN]), code)
    return f"clinic {each['line']}#{each['index']}"


# --- the honest pack, and the manifest --------------------------------------------------------------------------------


def test_an_honest_pack_has_nothing_to_find(files):
    assert found_in(files) == found_in(files, every=True) == []
    assert list(verify.manifest(files, "manifest.json", {"manifest.json", "sheet.pdf"})) == []


def test_by_the_manifest_any_byte_of_any_file_is_found_and_its_file_named(honest):
    for name in sorted(honest.keys() - {"manifest.json", "sheet.pdf"}):
        for at in range(0, len(honest[name]), max(1, len(honest[name]) // 7)):
            files = {**honest, name: flipped(honest[name], at)}
            found = list(verify.manifest(files, "manifest.json", {"manifest.json", "sheet.pdf"}))
            assert [each.where for each in found] == [name]


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]


def test_a_file_more_and_a_file_less_are_named(files):
    del files["skips.jsonl"]
    files["notes.txt"] = b"x"
    found = verify.manifest(files, "manifest.json", {"manifest.json", "sheet.pdf"})
    assert {each.where for each in found} == {"skips.jsonl", "notes.txt"}


# --- records ----------------------------------------------------------------------------------------------------------


def test_every_byte_of_a_record_counts_even_where_receipts_were_made_anew(honest):
    """Payload, link and signature alike, by the first records of a chain."""
    whole = b"".join(lines_of(honest)[:4])
    for at in range(0, len(whole), 61):
        files = {CHAIN: flipped(whole, at)}
        _receipts_anew(files)
        number = whole.count(b"\n", 0, at) + 1
        found = verify.read_chain(files, "U1", Writer("U1").key_hex, set(), True, [])
        named = {f"U1 {number}", f"{CHAIN}:{number}"}
        assert named & {each.where for each in found}, (at, whole[at - 5 : at + 5])


def _receipts_anew(files: dict[str, bytes], name: str = "U1") -> None:
    told = []
    for line in lines_of(files, f"records/{name}.ocmf"):
        try:
            said = verify.Record(line.rstrip(b"\n"))
        except verify.BROKEN:
            continue
        told.append({"us": said.us, "digest": said.digest, "received_ms": 0, "chained": 1})
    files[f"records/{name}.receipts"] = "".join(f"{canonical(row)}\n" for row in told).encode()


def _head_anew(files: dict[str, bytes], name: str = "U1") -> None:
    last = verify.Record(lines_of(files, f"records/{name}.ocmf")[-1].rstrip(b"\n"))

    def change(said: Any) -> None:
        head = next(each for each in said["heads"] if each["unit"] == name)
        head.update(us=last.us, digest=last.digest)

    edit(files, "inventory.json", change)


def test_a_seal_inside_a_run_is_vouched_for_by_the_last_and_looked_at_with_every(files):
    lines = lines_of(files)
    lines[4] = lines[4][:-10] + (b"0" if lines[4][-10:-9] != b"0" else b"1") + lines[4][-9:]
    files[CHAIN] = b"".join(lines)
    assert found_in(files) == []
    assert found_in(files, every=True) == [("seal does not hold", "U1 5")]


def test_the_last_seal_is_always_looked_at(files):
    lines = lines_of(files)
    lines[-1] = lines[-1][:-10] + (b"0" if lines[-1][-10:-9] != b"0" else b"1") + lines[-1][-9:]
    files[CHAIN] = b"".join(lines)
    assert found_in(files) == [("seal does not hold", f"U1 {len(lines)}")]


def test_a_changed_payload_is_found_without_every_by_its_broken_link_and_its_seal(files):
    lines = lines_of(files)
    lines[4] = (
        lines[4].replace(b'"UK":"ALIVE"', b'"UK":"TAG"')
        if b"ALIVE" in lines[4]
        else lines[4].replace(b'"UI":0', b'"UI":1')
    )
    files[CHAIN] = b"".join(lines)
    _receipts_anew(files)
    assert {("seal does not hold", "U1 5"), ("link broken", "U1 6")} <= set(found_in(files))


def test_a_record_taken_out_of_the_middle_is_named_and_a_forged_skip_does_not_hide_its_time(files):
    lines = lines_of(files)
    del lines[6]
    files[CHAIN] = b"".join(lines)
    _receipts_anew(files)
    assert ("records missing", "U1 7..7") in found_in(files)
    edit_rows(files, "skips.jsonl", lambda rows: rows.append({"unit": "U1", "to_us": 8}))
    found = found_in(files)
    assert "records missing" not in {what for what, _ in found}
    assert "coverage not as attested" in {what for what, _ in found}


def test_a_record_that_only_its_receipt_remembers_is_named(files):
    files[CHAIN] = b"".join(lines_of(files)[:-1])
    last = len(lines_of(files)) + 1
    found = found_in(files)
    assert ("ends of the chain not as told", "U1") in found
    assert any(
        what == "record not as its receipt" and where.startswith(f"U1 {last} ") for what, where in found
    )


def test_a_tail_cut_off_with_receipts_and_head_shows_by_the_time_that_it_attested(files):
    """Of what lies after the period nothing in the pack can tell: for that there is the kit."""
    files[CHAIN] = b"".join(lines_of(files)[:-12])
    _receipts_anew(files)
    _head_anew(files)
    assert "coverage not as attested" in {what for what, _ in found_in(files)}


@pytest.mark.parametrize("attack", ["reordered", "replayed", "another unit's"])
def test_a_chain_holds_each_record_once_in_its_order_and_of_its_unit(files, attack):
    lines = lines_of(files)
    if attack == "reordered":
        lines[3], lines[4] = lines[4], lines[3]
    elif attack == "replayed":
        lines.insert(5, lines[4])
    else:
        lines.insert(5, lines_of(files, "records/U2.ocmf")[5])
    files[CHAIN] = b"".join(lines)
    _receipts_anew(files)
    found = found_in(files)
    assert "link broken" in {what for what, _ in found}, found
    if attack == "another unit's":
        assert ("record of another unit", "U1 6") in found


def test_the_second_form_of_a_signature_is_no_valid_record(files):
    lines = lines_of(files)
    payload, section = seal.split(lines[2].rstrip(b"\n"))
    r, s = seal.signature_of(section)
    der = seal.der(r, p256.N - s).hex()
    lines[2] = f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{der}"}}\n'.encode()
    files[CHAIN] = b"".join(lines)
    assert ("no valid record", f"{CHAIN}:3") in found_in(files)


def test_a_name_twice_in_a_payload_is_no_valid_record(files):
    lines = lines_of(files)
    lines[2] = lines[2].replace(b'"UV":1,', b'"UV":1,"UV":1,')
    files[CHAIN] = b"".join(lines)
    assert ("no valid record", f"{CHAIN}:3") in found_in(files)


# --- keys -------------------------------------------------------------------------------------------------------------


def test_swapped_keys_leave_no_seal_whole(files):
    def swap(said: Any) -> None:
        one, two = (next(each for each in said["units"] if each["unit"] == name) for name in ("U1", "U2"))
        one["key"], two["key"] = two["key"], one["key"]

    edit(files, "inventory.json", swap)
    assert {where.split()[0] for what, where in found_in(files) if what == "seal does not hold"} == {
        "U1",
        "U2",
    }


def test_a_history_written_anew_with_another_key_is_consistent_and_only_a_registry_of_ones_own_tells(files):
    forger, forged = Writer("U1", key="somebody else"), []
    up = record.ORIGIN
    for line in lines_of(files):
        payload = seal.split(line.rstrip(b"\n"))[0]
        said = record.parse(payload)
        payload = payload.replace(f'"UP":"{said.up}"', f'"UP":"{up}"')
        up = seal.digest(payload)
        forged.append(seal.seal(payload, forger.sign).encode() + b"\n")
    files[CHAIN] = b"".join(forged)
    _receipts_anew(files)
    _head_anew(files)
    edit(files, "inventory.json", lambda said: _unit(said, "U1").update(key=forger.key_hex))
    assert found_in(files, every=True) == []
    keys = {name: {"key": Writer(name).key_hex} for name in ("U1", "U2")}
    found = found_in(files, keys)
    assert ("key not the registry's", "U1 key") in found
    assert ("seal does not hold", f"U1 {len(forged)}") in found


def _unit(said: Any, name: str) -> Any:
    return next(each for each in said["units"] if each["unit"] == name)


def test_a_key_said_to_be_vouched_for_is_not_where_the_registry_does_not_say_so(files):
    keys = {name: {"key": Writer(name).key_hex, "approved_ms": None} for name in ("U1", "U2", "U9")}
    assert found_in(files, keys) == []
    edit(files, "inventory.json", lambda said: _unit(said, "U1").update(approved_ms=1))
    found = found_in(files, keys)
    assert ("key not the registry's", "U1 A") in found
    assert any(what == "verdict does not hold" and where.endswith(" grade") for what, where in found)


# --- bills and verdicts -----------------------------------------------------------------------------------------------

OTHER = {
    "visit": "V99", "item": 23, "charged": "2026-03-02T10:00:01+08:00", "amount": "0.01", "required_s": 1200,
    "item_required_s": 600, "grade": "A", "active_s": 1, "records": ["U1:4"], "dark": [["U1", "x", "y"]], "fit": "long_burn",
    "window": ["2026-03-01T00:00:00+08:00", "2026-03-02T23:59:59+08:00"], "among": ["V1/77"],
}  # fmt: skip


@pytest.mark.parametrize(
    "code", ["supported", "short", "no_device_time", "unobserved", "not_metered", "reversed"]
)
def test_no_field_of_a_verdict_can_say_something_else(honest, code):
    """But for `among` of what is unobserved, as GIVEN says."""
    for field in OTHER.keys() - ({"among"} if code == "unobserved" else set()):

        def change(said: Any, field: str = field) -> None:
            verdict(said, code)[field] = OTHER[field]

        files = dict(honest)
        where = where_is(files, code)
        edit(files, RUN, change)
        assert any(each.startswith(where) for _, each in found_in(files)), field


CODES = ("supported", "short", "no_device_time", "unobserved", "not_metered", "reversed")


@pytest.mark.parametrize("to", CODES)
@pytest.mark.parametrize("code", CODES)
def test_no_verdict_can_be_made_another_with_all_that_belongs_to_it(files, code, to):
    """The fields are those of an honest verdict of that kind, and the summary counts it: the treatment is named, or the lead
    that says how many are left over."""

    def change(said: Any) -> None:
        one, other = verdict(said, code), verdict(said, to)
        said["summary"][code] -= 1
        said["summary"][to] += 1
        names = ("verdict", "grade", "active_s", "fit", "records", "dark", "among")
        one.update({name: other[name] for name in names})
        one["among"] = [one["line"], *one["among"]] if one["among"] else []

    if code != to:
        where, lead = where_is(files, code), _capacity(json.loads(files[RUN]))["id"]
        edit(files, RUN, change)
        found = found_in(files)
        assert any(each.startswith((where, f"clinic {lead}")) for _, each in found), found


def test_an_edited_amount_of_a_bill_line_is_not_that_of_its_verdicts(files):
    line = where_is(files, "supported").split()[1].split("#")[0]

    def change(rows: list[Any]) -> None:
        next(row for row in rows if row["line"] == line)["amount_fen"] += 1

    edit_rows(files, BILLS, change)
    assert any(each.startswith(f"clinic {line}#") and each.endswith("amount") for _, each in found_in(files))


@pytest.mark.parametrize("attack", ["taken out of the bills", "taken out of the run", "told twice"])
def test_every_line_has_its_treatments_and_no_other(files, attack):
    line = where_is(files, "supported").split()[1].split("#")[0]
    if attack == "taken out of the bills":
        edit_rows(files, BILLS, lambda rows: rows.remove(next(row for row in rows if row["line"] == line)))
    elif attack == "taken out of the run":
        edit(files, RUN, lambda said: said["treatments"].remove(verdict(said, "supported")))
    else:
        edit(files, RUN, lambda said: said["treatments"].append({**verdict(said, "supported"), "index": 2}))
    assert any(what == "verdicts not of the lines" and line in where for what, where in found_in(files))


def test_the_summary_counts_the_verdicts(files):
    edit(files, RUN, lambda said: said["summary"].update(short=7))
    assert ("summary not the count of its verdicts", "clinic short") in found_in(files)


def test_a_session_carries_no_more_treatments_than_fit(files):
    """Two verdicts left over become supported by a session that is already full."""

    def change(said: Any) -> None:
        good, left = verdict(said, "supported"), verdict(said, "no_device_time")
        left.update(
            {name: good[name] for name in ("verdict", "grade", "active_s", "fit", "records", "dark", "among")}
        )

    edit(files, RUN, change)
    found = found_in(files)
    assert any(what == "verdict does not hold" and where.endswith(" records") for what, where in found)


# --- leads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field, value", [
    ("capacity", 4), ("treatments", 7), ("amount", "0.00"), ("id", "0" * 12), ("supplies", []), ("dark", []), ("lines", ["V1/1"]),
])  # fmt: skip
def test_the_arithmetic_of_a_capacity_lead_is_that_of_all_that_its_lines_could_have_used(files, field, value):
    identity = value if field == "id" else _capacity(json.loads(files[RUN]))["id"]
    edit(files, RUN, lambda said: _capacity(said).update({field: value}))
    named = f"clinic {identity} {'id' if field == 'lines' else field}"  # the id is of the lines
    assert ("arithmetic of a lead does not hold", named) in found_in(files)


def _capacity(said: Any) -> Any:
    return next(each for each in said["leads"] if each["rule"] == "capacity" and each["dark"])


def test_a_doubted_set_made_smaller_or_left_without_its_lead_is_found(honest):
    files = dict(honest)
    where = where_is(files, "no_device_time")
    edit(files, RUN, lambda said: verdict(said, "no_device_time")["among"].pop())
    assert ("verdict does not hold", f"{where} among") in found_in(files)
    files = dict(honest)
    edit(files, RUN, lambda said: said["leads"].remove(_capacity(said)))
    assert ("verdict does not hold", f"{where} among") in found_in(files)


# --- coverage and what is given ---------------------------------------------------------------------------------------


def test_dark_time_taken_away_added_or_summed_otherwise_is_found(honest):
    def with_dark(rows: list[Any]) -> Any:
        return next(row for row in rows if row["dark"] and row["unit"] == "U2")

    def less(rows: list[Any]) -> None:
        with_dark(rows).update(dark=[], watched_s=with_dark(rows)["open_s"])

    def more(rows: list[Any]) -> None:
        next(row for row in rows if row["unit"] == "U1").update(dark=[[1772409600000, 1772409660000]])

    for change in (less, more, lambda rows: rows.pop()):
        files = dict(honest)
        edit_rows(files, COVERAGE, change)
        assert "coverage not as attested" in {what for what, _ in found_in(files)}
    files = dict(honest)
    edit(files, RUN, lambda said: said["coverage"][0].update(watched_s=1))
    assert "coverage not as attested" in {what for what, _ in found_in(files)}


@pytest.mark.parametrize("name, change", [
    ("inventory.json", lambda said: said["devices"][0].update(stations=2)),
    ("inventory.json", lambda said: said["devices"][0].update(blind=True)),
    ("inventory.json", lambda said: said["placements"][0].update(from_ms=1772420000000)),
    ("inventory.json", lambda said: next(each for each in said["heads"] if each["unit"] == "U1").update(forked_us=9)),
    ("catalogue.json", lambda said: next(each for each in said["items"] if each["number"] == 31).update(min_minutes=10)),
    ("pack.json", lambda said: said.update(opens="09:00")),
    ("pack.json", lambda said: said.update(closed=["2026-03-02"])),
    ("pack.json", lambda said: said.update(tolerance_s=0)),
], ids=["stations", "blind", "placement", "fork", "minutes", "hours", "closed", "tolerance"])  # fmt: skip
def test_what_is_given_cannot_be_changed_alone_for_what_was_found_rests_on_it(files, name, change):
    edit(files, name, change)
    assert found_in(files)


def test_a_source_or_a_unit_left_out_of_what_is_looked_at_is_looked_at_all_the_same(honest):
    files = dict(honest)
    edit(files, "pack.json", lambda said: said.update(sources=[]))
    edit(files, RUN, lambda said: said["summary"].update(short=7))
    assert ("summary not the count of its verdicts", "clinic short") in found_in(files)
    files = dict(honest)
    edit(files, "inventory.json", lambda said: said["units"].remove(_unit(said, "U2")))
    assert ("unit not in the inventory", "records/U2.ocmf") in found_in(files)


def test_an_entry_of_a_person_cannot_be_lengthened(files):
    edit_rows(files, "attended.jsonl", lambda rows: rows[0].update(ended_ms=rows[0]["ended_ms"] + 600_000))
    assert any(where.endswith(" active_s") for _, where in found_in(files))


# --- trail ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [
    lambda rows: rows[1].update(who="D99"), lambda rows: rows.pop(1), lambda rows: rows.pop(),
    lambda rows: rows[1]["body"].update(more=1),
], ids=["other", "gone", "cut", "added to"])  # fmt: skip
def test_no_entry_of_the_trail_can_be_changed_or_left_out(files, attack):
    edit_rows(files, TRAIL, attack)
    assert {what for what, _ in found_in(files)} <= {"trail changed", "trail cut off"} != set()
    assert found_in(files)


def test_what_cannot_be_read_is_named_and_does_not_hide_the_rest(files):
    files[TRAIL] += b"nonsense\n"
    edit(files, RUN, lambda said: said["summary"].update(short=7))
    found = found_in(files)
    assert ("cannot be read", "trail.jsonl") in found
    assert ("summary not the count of its verdicts", "clinic short") in found


def test_a_pack_rewritten_by_who_knows_the_format_is_still_found(files, tmp_path: Path, honest):
    """Through the ZIP and a manifest made anew, as the program is really used."""
    write(tmp_path / "honest.zip", honest)
    out = changed(
        tmp_path / "honest.zip",
        tmp_path / "out.zip",
        {RUN: lambda body: body.replace(b'"amount":"12.00"', b'"amount":"13.00"')},
    )
    there, damaged = verify.unzipped(str(out))
    assert damaged == list(verify.manifest(there, "manifest.json", {"manifest.json", "sheet.pdf"})) == []
    assert any(where.endswith(" amount") for _, where in found_in(there))


def test_seconds_to_spare_are_the_formats_and_not_the_packs(files):
    """A pack of which every number was made anew with ten minutes to spare."""
    edit(files, "pack.json", lambda about: about.update(tolerance_s=600))

    def spare(run: Any) -> None:
        for each in run["treatments"]:
            each["required_s"] -= 540
            each["item_required_s"] -= 540

    edit(files, RUN, spare)
    where = where_is(files, "supported")
    found = found_in(files)
    assert ("verdict does not hold", f"{where} item_required_s") in found
    assert ("not of this format", "pack.json tolerance_s") in found


def test_what_is_no_number_cannot_be_read(files):
    files["rules.json"] = b'{"burst":{"minutes":NaN}}\n'
    with pytest.raises(ValueError, match="NaN"):
        found_in(files)
