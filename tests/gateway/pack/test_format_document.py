"""docs/pack-format.md names every file of a pack and every field in it, and its example is one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.gateway.pack.clinic import TUESDAY_MS, monday
from tests.support.audited import MONDAY
from tests.support.packs import members, packed
from tests.support.tools import CHECKOUT

TEXT = (CHECKOUT / "docs" / "pack-format.md").read_text("utf-8")
CELLS = re.findall(r"^\| (`[^|]+`) \|", TEXT.split("### manifest.json")[0], re.M)
NAMED = {name for cell in CELLS for name in re.findall(r"`([^`]+)`", cell)}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("format")
    book = monday(folder / "clinic")
    (book.folder / "rules.toml").write_text("[capacity]\nenabled = true\n", encoding="utf-8")
    packed(book, folder / "day.zip", MONDAY, now_ms=TUESDAY_MS, bill_files=True)
    return folder / "day.zip"


def named(member: str) -> str:
    """The name in the document's table under which a member stands."""
    folder, _, name = member.rpartition("/")
    if folder == "records":
        return "records/<unit>.ocmf" if name.endswith(".ocmf") else f".{name.rpartition('.')[2]}"
    if folder == "ocmf":
        return "ocmf/<unit>.xml"
    if folder == "bills/raw":
        return "bills/raw/<sha256>"
    return re.sub(r"\b(clinic|platform)\.", "<source>.", member) if folder else member


def test_every_file_of_a_pack_is_in_the_table_and_every_one_in_the_table_can_be_in_a_pack(pack):
    found = {named(member) for member in members(pack)}
    assert found <= NAMED, found - NAMED
    assert {".aside"} == NAMED - found


def fields(value: object) -> set[str]:
    """The names of an object's members, those of its objects and lists of objects included, but for what people wrote."""
    if isinstance(value, list):
        return set().union(*map(fields, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    return {*value, *(name for key, each in value.items() if key != "body" for name in fields(each))}


def test_every_field_of_every_table_is_named(pack):
    tables = {
        name: body
        for name, body in members(pack).items()
        if name.endswith((".json", ".jsonl", ".receipts"))
        and not name.startswith(("runs/clinic.json", "rules"))
    }
    for name, body in tables.items():
        said = [json.loads(body)] if name.endswith(".json") else list(map(json.loads, body.splitlines()))
        for field in fields(said):
            assert re.search(rf'[`"]{field}["`:]', TEXT), f"{name}: {field}"


def test_the_example_of_pack_json_has_just_its_fields(pack):
    (example,) = re.findall(r'^`(\{"bill_files".*\})`$', TEXT, re.M)
    assert json.loads(example).keys() == json.loads(members(pack)["pack.json"]).keys()


def test_the_example_of_a_container_is_how_one_looks(pack):
    body = members(pack)["ocmf/U1.xml"].decode()
    for part in (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
        '<signedData format="OCMF" encoding="plain">',
    ):
        assert part in body and part in TEXT
