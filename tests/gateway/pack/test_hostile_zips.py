"""A ZIP that would harm who unpacks it is refused before anything is unpacked, with one sentence, by `check` and by `take-in`."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway import inventory
from gateway.check import opened
from gateway.check.opened import PackRefused, open_pack
from gateway.inventory import Spot
from tests.support.audited import EVENING_MS, MONDAY, one_too_many, runner
from tests.support.ledgers import in_folder
from tests.support.packs import changed, members, packed, write


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    packed(one_too_many(folder / "clinic"), folder / "day.zip", MONDAY, now_ms=EVENING_MS)
    return folder / "day.zip"


def refused(path: Path) -> str:
    with pytest.raises(PackRefused) as refusal, open_pack(path):
        pass
    assert refusal.value.zh != refusal.value.en
    return refusal.value.en


def rewritten(pack: Path, out: Path, more: Mapping[str | zipfile.ZipInfo, bytes]) -> Path:
    """The pack with these members after its own."""
    write(out, members(pack))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as file:
        for name, body in more.items():
            file.writestr(name, body)
    return out


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/etc/evil",
        "records/../../evil",
        "C:\\evil",
        "a\\b",
        "records/",
        "./x",
        "x//y",
        "名.txt",
        " x",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(pack, tmp_path, name):
    refused(rewritten(pack, tmp_path / "evil.zip", {name: b"x"}))


def test_a_name_that_ends_in_a_zero_byte_is_refused(pack, tmp_path):
    body = pack.read_bytes().replace(b"trail.jsonl", b"trail.jso\0l")
    (tmp_path / "evil.zip").write_bytes(body)
    refused(tmp_path / "evil.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(pack, tmp_path):
    assert "2 times" in refused(rewritten(pack, tmp_path / "evil.zip", {"trail.jsonl": b""}))


def test_a_member_that_the_manifest_does_not_list_is_named(pack, tmp_path):
    assert "extra.txt" in refused(rewritten(pack, tmp_path / "evil.zip", {"extra.txt": b"x"}))


def test_a_listed_member_that_is_missing_is_named(pack, tmp_path):
    out = changed(pack, tmp_path / "evil.zip", {"trail.jsonl": lambda _: None}, relist=False)
    assert "trail.jsonl" in refused(out)


def test_a_link_and_an_encrypted_member_are_refused(pack, tmp_path):
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert "link" in refused(rewritten(pack, tmp_path / "link.zip", {link: b"/etc/passwd"}))
    body = bytearray(pack.read_bytes())
    place = body.rindex(b"PK\x01\x02")
    body[place + 8] |= 1  # the flag of encryption, in the directory
    (tmp_path / "secret.zip").write_bytes(body)
    assert "encrypted" in refused(tmp_path / "secret.zip")


def test_a_bomb_is_refused_before_it_is_unpacked(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "MOST_BYTES", 1 << 20)
    bomb = rewritten(pack, tmp_path / "bomb.zip", {"bomb": bytes(2 << 20)})
    assert "credible" in refused(bomb)


def test_a_member_that_says_it_is_larger_than_deflate_can_make_it_is_refused(pack, tmp_path):
    body = bytearray(pack.read_bytes())
    place = body.rindex(b"PK\x01\x02")
    struct.pack_into("<I", body, place + 24, 1 << 31)
    (tmp_path / "liar.zip").write_bytes(body)
    assert "credible" in refused(tmp_path / "liar.zip")


def test_members_over_each_other_are_refused(pack, tmp_path):
    """The quine-like bomb: many names in the directory, one body."""
    whole = members(pack)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in whole.items():
            file.writestr(name, content)
        twin = file.getinfo("trail.jsonl")
        clone = zipfile.ZipInfo("twin.jsonl")
        for field in ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits"):
            setattr(clone, field, getattr(twin, field))
        file.filelist.append(clone)
        file.NameToInfo[clone.filename] = clone
        file._didModify = True  # type: ignore[attr-defined]
    (tmp_path / "over.zip").write_bytes(out.getvalue())
    assert "over another" in refused(tmp_path / "over.zip")


def test_more_members_than_a_pack_can_have_are_refused(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "MOST_MEMBERS", 10)
    assert "too many" in refused(pack)


@pytest.mark.parametrize(
    "manifest",
    [
        b"", b"null", b"{}", b"[1]", b'{"files":[],"format":"other","unlisted":["sheet.pdf"]}',
        b'{"files":[{"path":1,"bytes":1,"sha256":"x"}],"format":"wattwitness-pack/1","unlisted":["sheet.pdf"]}',
        b'{"files":[],"format":"wattwitness-pack/1","unlisted":["sheet.pdf","trail.jsonl"]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(pack, tmp_path, manifest):
    out = changed(pack, tmp_path / "odd.zip", {"manifest.json": lambda _: manifest}, relist=False)
    refused(out)


def test_a_manifest_that_lists_a_member_twice_is_refused(pack, tmp_path):
    def twice(body: bytes) -> bytes:
        said = json.loads(body)
        said["files"].append(said["files"][0])
        return json.dumps(said).encode()

    refused(changed(pack, tmp_path / "odd.zip", {"manifest.json": twice}, relist=False))


@pytest.mark.parametrize("body", [b"", b"PK", b"no zip at all" * 100, zlib.compress(b"x" * 1000)])
def test_what_is_no_zip_is_refused_by_check_and_by_take_in_in_one_line(tmp_path, capsys, body):
    one_too_many(tmp_path / "clinic")
    (tmp_path / "odd.zip").write_bytes(body)
    run = runner(tmp_path / "clinic", capsys)
    for command in ("check", "take-in"):
        code, out, err = run(command, tmp_path / "odd.zip")
        assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_take_in_takes_the_records_of_a_pack_and_nothing_of_a_damaged_one(pack, tmp_path, capsys):
    book = in_folder(tmp_path / "other")
    key = json.loads(members(pack)["inventory.json"])["units"][0]["key"]
    with book.ledger() as db:
        inventory.enrol(db, "U1", key, "C001", False, Spot("tdp", "R1"), 0, EVENING_MS)
    run = runner(book.folder, capsys)
    damaged = changed(pack, tmp_path / "bad.zip", {"records/U1.ocmf": lambda body: body[:-9]}, relist=False)
    code, _, err = run("take-in", damaged)
    assert code == 2 and "records/U1.ocmf" in err
    stored = len(members(pack)["records/U1.ocmf"].splitlines())
    assert run("take-in", pack, "--json")[1] == {
        "stored": stored,
        "repeated": 0,
        "quarantined": 0,
        "findings": [],
    }
    assert run("take-in", pack, "--json")[1]["repeated"] == stored


def test_bytes_before_the_zip_are_refused_for_they_can_be_another_one(pack, tmp_path):
    """Readers that count from the file's beginning and readers that count from its end would each see their own pack."""
    out = tmp_path / "two.zip"
    out.write_bytes(pack.read_bytes() + pack.read_bytes())
    with pytest.raises(PackRefused) as refused, open_pack(out):
        pass
    assert str(pack.stat().st_size) in refused.value.en
