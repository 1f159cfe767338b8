"""Every table of a pack says, row by row, what the ledger holds; and what is rebuilt from it says so again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway.ledger.trail import canonical
from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.packs import members, packed, rows


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Database]]:
    """A pack of Monday, and the ledger as it was then."""
    folder = tmp_path_factory.mktemp("told")
    book = monday(folder / "clinic")
    packed(book, folder / "day.zip", MONDAY, now_ms=TUESDAY_MS)
    with book.ledger() as db:
        yield folder / "day.zip", db


TABLES = {
    "attended.jsonl": "SELECT * FROM attended ORDER BY entry",
    "skips.jsonl": "SELECT unit, to_us, by, why, at_ms FROM skips",
    "findings.jsonl": "SELECT code, unit, us, found_ms, zh, en FROM findings",
    "closings.jsonl": "SELECT source, clinic, day, number, run, at_ms, by, body, sha256 FROM closings",
    "reviews.jsonl": """SELECT clinic, lead, side, place, kind, at_ms, by, body, sha256, received_ms FROM review_acts
      ORDER BY lead, side, place""",
    "trail.jsonl": "SELECT * FROM trail WHERE act <> 'pack' ORDER BY entry",
    "records/U1.receipts": "SELECT us, digest, received_ms, chained FROM records WHERE unit = 'U1' ORDER BY us",
    "bills/files.jsonl": """SELECT file, source, name, format, sha256, imported_ms, first_ms, last_ms, length(body) AS bytes,
      NULL AS path FROM bill_files ORDER BY file""",
    "runs/clinic.coverage.jsonl": """SELECT day, device, unit, open_s, watched_s, dark FROM coverage
      WHERE run = (SELECT max(run) FROM runs) ORDER BY day, device""",
}


@pytest.mark.parametrize("member", TABLES)
def test_a_table_says_what_the_ledger_holds(told, member):
    pack, db = told
    held = [_opened(row) for row in db.query(TABLES[member])]
    assert rows(pack, member) == held
    assert held or member in ("skips.jsonl", "findings.jsonl")


def _opened(row: dict) -> dict:
    return row | {name: json.loads(row[name]) for name in ("body", "dark") if name in row}


def test_bill_lines_are_those_of_the_catalogue_with_all_their_columns(told):
    pack, db = told
    held = list(db.query("SELECT * FROM bill_lines WHERE item IS NOT NULL ORDER BY charged_ms, line"))
    for row in held:
        assert row.pop("clinic") == "C001"
    assert rows(pack, "bills/clinic.jsonl") == held
    assert {row["reversed_by"] is None for row in held} == {True, False}


def test_the_inventory_is_whole(told):
    pack, db = told
    said = json.loads(members(pack)["inventory.json"])
    units = [
        row | {"key": row.pop("key_hex"), "plug": bool(row["plug"])}
        for row in db.query("SELECT * FROM units")
    ]
    assert said["units"] == units
    devices = [
        row | {"blind": bool(row["blind"])} for row in db.query("SELECT * FROM devices ORDER BY device")
    ]
    assert sorted(said["devices"], key=lambda each: each["device"]) == devices
    assert said["placements"] == list(db.query("SELECT * FROM placements ORDER BY unit, from_ms"))
    assert [each["unit"] for each in said["heads"]] == ["U1", "U2"]
    assert all(each["pack_us"] == 1 for each in said["heads"])


def test_records_are_the_exact_lines(told):
    pack, db = told
    for unit in ("U1", "U2"):
        lines = [row[0] for row in db.execute("SELECT line FROM records WHERE unit = ? ORDER BY us", [unit])]
        assert members(pack)[f"records/{unit}.ocmf"].decode() == "".join(f"{line}\n" for line in lines)
    assert "records/U9.ocmf" not in members(pack)


def test_what_was_refused_is_there_byte_for_byte(told):
    pack, db = told
    for row, held in zip(rows(pack, "quarantine.jsonl"), db.query("SELECT * FROM quarantine"), strict=True):
        assert base64.b64decode(row["body"]) == held["body"] and row["sha256"] == held["sha256"]


def test_the_run_is_what_reconcile_prints_and_the_ledger_keeps(told):
    pack, db = told
    said = json.loads(members(pack)["runs/clinic.json"])
    kept = [
        json.loads(body)
        for (body,) in db.execute("SELECT body FROM verdicts WHERE run = (SELECT max(run) FROM runs)")
    ]
    assert sorted(said["treatments"], key=canonical) == sorted(kept, key=canonical)


def test_every_json_is_written_in_the_one_way(told):
    for name, body in members(told[0]).items():
        if name.endswith(".json"):
            assert body.decode("ascii") == f"{canonical(json.loads(body))}\n", name
        elif name.endswith((".jsonl", ".receipts")):
            for line in body.splitlines():
                assert line.decode("ascii") == canonical(json.loads(line)), name


def test_the_catalogue_has_every_item_and_the_rules_every_rule(told):
    there = members(told[0])
    items = json.loads(there["catalogue.json"])["items"]
    assert len(items) == 36 and {each["per"] for each in items} == {"次", "区", "根"}
    assert "capacity" in json.loads(there["rules.json"]) and "rules.toml" not in there
