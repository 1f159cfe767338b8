"""The kit: one signed folder, the same bytes for the same ledger and seed, whole or not at all, and refused by name when touched."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import UsageError
from gateway.kit import folder, key
from gateway.kit.contents import VERIFIERS
from gateway.ledger import trail, units
from protocol import p256
from tests.kit.scene import CLINIC, at, files_of, head_of, scene
from tests.support.ledgers import in_folder
from tests.support.tools import CHECKOUT

SEED = "2026-03-lottery-07-11-23"
SOMEBODY = key.Signer(b"\x01" * 32, p256.spki(p256.public_key(b"\x01" * 32)))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A clinic, its district, and a kit that the district's command wrote."""
    place = tmp_path_factory.mktemp("kit")
    there = scene(place)
    ran = subprocess.run(
        [sys.executable, "-m", "gateway", "--dir", there.district.folder, "kit", "--clinic", CLINIC,
         "--out", place / "stick", "--seed", SEED, "--public-key", place / "district.pem", "--json"],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return there, place / "stick", place / "district.pem", json.loads(ran.stdout)


@pytest.fixture
def copy(made, tmp_path):
    """The kit's files in a folder of the test's own."""
    out = tmp_path / "copy"
    folder.write(out, files_of(made[1]))
    return out


def public_of(made):
    return key.read_public(made[2])


# --- what is in it ---


def test_openssl_verifies_the_kit_with_the_public_key_that_was_told_apart(made, tool):
    _, kit, public, _ = made
    command = [tool("openssl"), "dgst", "-sha256", "-verify", public, "-signature", kit / "kit.sig"]
    said = subprocess.run([*command, kit / "kit.json"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0 and "Verified OK" in said.stdout
    said = subprocess.run([*command, kit / "README.txt"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 1


def test_sha256sum_agrees_with_every_hash_in_the_list(made):
    _, kit, _, _ = made
    listed = head_of(kit)["files"]
    told = "".join(f"{each['sha256']}  {each['path']}\n" for each in listed)
    ran = subprocess.run(
        ["sha256sum", "-c", "--strict", "-"], cwd=kit, input=told, text=True, capture_output=True
    )
    assert ran.returncode == 0, ran.stdout
    assert {each["path"] for each in listed} | {"kit.json", "kit.sig"} == files_of(kit).keys()


def test_the_kit_holds_the_districts_own_registry_heads_trail_and_log(made):
    there, kit, _, _ = made
    files = files_of(kit)
    registry = json.loads(files["registry.json"])
    assert {unit: row["key"] for unit, row in registry.items()} == {
        writer.unit: writer.key_hex for writer in there.writers
    }
    assert all(row["approved_ms"] for row in registry.values())
    heads = [json.loads(line) for line in files["heads.jsonl"].splitlines()]
    assert [(row["unit"], row["us"], row["least_us"], row["missing"]) for row in heads] == [
        (writer.unit, len(writer.lines), 1, []) for writer in there.writers
    ]
    with there.clinic.ledger() as db:
        head = trail.head(db)
    told = [json.loads(line) for line in files["trail_heads.jsonl"].splitlines()]
    assert [(row["entry"], row["hash"]) for row in told] == [(head.entry, head.hash)] and head.entry == 1
    with there.district.ledger() as db:
        assert json.loads(files["checkpoint.json"])["checkpoint"] == there.log.checkpoint(db)


def test_the_kit_holds_the_platforms_lines_and_no_name_of_a_patient(made):
    _, kit, _, _ = made
    rows = [json.loads(line) for line in (kit / "bills/platform.jsonl").read_bytes().splitlines()]
    assert [(row["line"], row["source"], row["item"]) for row in rows] == [
        (f"V1/{number}", "platform", 31) for number in range(1, 5)
    ]
    assert {row["patient"] for row in rows} == {""}
    assert all(b"P0001" not in body for body in files_of(kit).values())


def test_the_verifiers_in_the_kit_are_those_that_we_ship(made):
    _, kit, _, _ = made
    for name in VERIFIERS:
        assert (kit / name).read_bytes() == (CHECKOUT / "gateway/pack" / name).read_bytes() != b""


def test_the_sheet_to_go_round_with_is_an_archive_pdf(made):
    body = (made[1] / "spot-check.pdf").read_bytes()
    assert body.startswith(b"%PDF-") and b"pdfaid" in body


def test_the_command_tells_where_what_and_which_key(made):
    _, kit, _, told = made
    assert told["sha256"] == subprocess.run(
        ["sha256sum", kit / "kit.json"], capture_output=True, text=True, check=True
    ).stdout.split()[0]  # fmt: skip
    assert told["key"] == public_of(made).hex() and told["seed"] == SEED
    assert (told["from"], told["to"]) == ("2026-01-31", "2026-03-02")


# --- the seed ---


def test_the_seed_stands_in_the_districts_trail_before_the_kit(made):
    there, kit, _, told = made
    with there.district.ledger() as db:
        acts = trail.entries(db)
    assert [each.act for each in acts] == ["draw_seed", "kit"]
    seed = json.loads((kit / "draw.json").read_bytes())
    assert seed["trail"] == {"entry": acts[0].entry, "hash": acts[0].hash, "at_ms": acts[0].at_ms}
    assert acts[0].body["seed"] == SEED and acts[0].body["population"] == seed["population"]
    assert acts[1].body["sha256"] == told["sha256"]


def test_the_lines_that_were_drawn_are_those_that_the_readme_computes(made):
    _, kit, _, told = made
    script = (kit / "README.txt").read_text("utf-8")
    script = script[script.index("       while") : script.index('"$N"\n') + 4]
    given = os.environ | {"SEED": SEED, "KIND": "platform", "N": "20"}
    ran = subprocess.run(["sh", "-c", script], cwd=kit, env=given, capture_output=True, text=True, timeout=60)
    assert [line.split("  ")[1] for line in ran.stdout.splitlines()] == told["drawn"]
    assert sorted(told["drawn"]) == [f"V1/{number}" for number in range(1, 5)]


# --- the same again, and over what ---


def test_the_same_ledger_and_seed_give_the_same_bytes(made, tmp_path, capsys):
    there, kit, _, _ = made
    run = at(there.district, capsys)
    for name in ("one", "two"):
        assert run("kit", "--clinic", CLINIC, "--out", tmp_path / name, "--seed", SEED)[0] == 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two") == files_of(kit)


def test_an_older_kit_is_replaced_as_a_whole(made, copy, capsys):
    (copy / "old.txt").write_text("of the old kit")
    run = at(made[0].district, capsys)
    assert run("kit", "--clinic", CLINIC, "--out", copy, "--seed", "another")[0] == 0
    assert head_of(copy)["format"] == folder.FORMAT and not (copy / "old.txt").exists()
    assert json.loads((copy / "draw.json").read_bytes())["seed"] == "another"
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_a_folder_that_is_no_kit_is_not_touched_and_no_seed_is_spent(made, tmp_path, capsys):
    run = at(made[0].district, capsys)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("ten years")
    (tmp_path / "file").write_text("x")
    before = len(run("trail", "--json")[1]["entries"])
    for out in ("mine", "file", "nowhere/kit"):
        code, _, said = run("kit", "--clinic", CLINIC, "--out", tmp_path / out)
        assert code == 2 and str(tmp_path / out.split("/")[0]) in said
    assert (tmp_path / "mine/thesis.txt").read_text() == "ten years"
    assert len(run("trail", "--json")[1]["entries"]) == before


def test_a_stick_that_is_full_leaves_the_older_kit_and_nothing_half(made, copy, monkeypatch):
    before, left = files_of(copy), [5]

    def failing(handle):
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(Exception, match="No space left"):
        folder.write(copy, files_of(made[1]))
    assert files_of(copy) == before and [path.name for path in copy.parent.iterdir()] == [copy.name]


DYING = """
import os, signal, sys
from pathlib import Path
from gateway.kit import folder
left = [int(sys.argv[2])]
def deadly(survived):
    def die(*arguments):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return survived(*arguments)
    return die
os.fsync, os.rename = deadly(os.fsync), deadly(os.rename)
new = Path(sys.argv[3])
folder.write(Path(sys.argv[1]), {str(path.relative_to(new)): path.read_bytes() for path in new.rglob("*") if path.is_file()})
"""


def test_a_kill_at_any_instant_leaves_whole_kits_alone_and_the_next_one_sweeps_up(made, tmp_path):
    """Killed before each flush and each rename: what stands there is the old kit or the new one, to the last byte."""
    old, new = (
        folder.sealed(head_of(made[1]), {"a": body, "bills/b": body}, SOMEBODY) for body in (b"old", b"new")
    )
    folder.write(tmp_path / "new", new)
    for times in range(1, 100):
        (tmp_path / "stick").mkdir(exist_ok=True)
        folder.write(tmp_path / "stick/kit", old)
        command = [sys.executable, "-c", DYING, tmp_path / "stick/kit", str(times), tmp_path / "new"]
        ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=60)
        there = [path for path in (tmp_path / "stick").iterdir() if path.name == "kit"]
        assert [files_of(path) for path in there] in ([], [old], [new])
        if not there:  # between the two renames
            assert old in [files_of(path) for path in (tmp_path / "stick").iterdir()]
        if ran.returncode == 0:
            break
    assert times > 6 and files_of(tmp_path / "stick/kit") == new
    assert [path.name for path in (tmp_path / "stick").iterdir()] == ["kit"]


def test_a_clinic_makes_no_kits_and_an_unknown_clinic_has_none(made, tmp_path, capsys):
    code, _, said = at(made[0].clinic, capsys)("kit", "--clinic", CLINIC, "--out", tmp_path / "k")
    assert code == 2 and "district" in said
    run = at(made[0].district, capsys)
    for wrong, word in (
        (("--clinic", "C009", "--out", tmp_path / "k"), "C009"),
        (("--out", tmp_path / "k"), "--clinic"),
        ((), "--out"),
        (("--clinic", CLINIC, "--out", tmp_path / "k", "--from", "2026-03-01"), "--to"),
        (("--clinic", CLINIC, "--out", tmp_path / "k", "--from", "2026-03-02", "--to", "2026-03-01"), "--to"),
        (("--clinic", CLINIC, "--out", tmp_path / "k", "--seed", "a b"), "--seed"),
    ):
        code, _, said = run("kit", *wrong)
        assert code == 2 and word in said, wrong
    assert not (tmp_path / "k").exists()


def test_of_a_clinic_that_was_never_heard_a_kit_can_be_made_too(made, tmp_path, capsys):
    run = at(made[0].district, capsys)
    code, told, _ = run("kit", "--clinic", "C002", "--out", tmp_path / "kit", "--json")
    assert code == 0 and told["drawn"] == []
    assert json.loads((tmp_path / "kit/registry.json").read_bytes()) == {}
    assert folder.read(tmp_path / "kit", public_of(made)).authentic


# --- the key ---


def test_the_districts_key_is_its_owners_alone_and_stays_the_same(made):
    place = made[0].district.folder / key.FILE
    assert place.stat().st_mode & 0o777 == 0o600
    assert key.open_signer(made[0].district.folder).public == public_of(made)


def test_a_damaged_key_signs_nothing(tmp_path):
    (tmp_path / key.FILE).write_text("no key")
    with pytest.raises(UsageError, match=r"district\.key"):
        key.open_signer(tmp_path)


@pytest.mark.parametrize("wrong", [b"", b"hello", base64.b64encode(b"x" * 91), b"\xff\xfe"])
def test_a_file_that_holds_no_public_key_is_refused(wrong, tmp_path):
    (tmp_path / "key").write_bytes(wrong)
    with pytest.raises(UsageError, match="key"):
        key.read_public(tmp_path / "key")


def test_a_public_key_may_be_brought_as_hex(made, tmp_path):
    (tmp_path / "key").write_text(public_of(made).hex() + "\n")
    assert key.read_public(tmp_path / "key") == public_of(made)


# --- touched ---


def test_a_kit_that_nobody_touched_is_read_and_says_by_whose_key(made, copy):
    assert folder.read(copy, public_of(made)).authentic
    assert not folder.read(copy, None).authentic


def test_one_changed_byte_in_any_file_is_refused_by_name(made, copy):
    for path, body in files_of(copy).items():
        places = sorted({0, len(body) // 2, len(body) - 1})
        changed = [body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :] for place in places]
        for other in (*changed, body[:-1], body + b"\n"):
            (copy / path).write_bytes(other)
            with pytest.raises(UsageError) as refused:
                folder.read(copy, public_of(made))
            assert path in str(refused.value)
        (copy / path).write_bytes(body)
    assert folder.read(copy, public_of(made)).authentic


def test_a_file_that_was_taken_out_or_put_in_is_refused_by_name(made, copy):
    for path in files_of(copy):
        away = (copy / path).rename(copy.parent / "away")
        with pytest.raises(UsageError, match=path.replace(".", r"\.")):
            folder.read(copy, public_of(made))
        away.rename(copy / path)
    (copy / "bills/more.jsonl").write_text("{}")
    with pytest.raises(UsageError, match="bills/more"):
        folder.read(copy, public_of(made))


def test_a_kit_that_somebody_else_signed_passes_for_one_only_without_the_districts_key(made, copy):
    """Everything is changed and signed anew: only the key that was brought tells."""
    files = {
        path: body for path, body in files_of(copy).items() if path not in (folder.HEAD, folder.SIGNATURE)
    }
    files["registry.json"] = b"{}\n"
    head = {name: value for name, value in head_of(copy).items() if name not in ("files", "format", "key")}
    folder.write(copy, folder.sealed(head, files, SOMEBODY))
    assert not folder.read(copy, None).authentic
    with pytest.raises(UsageError, match=r"kit\.json"):
        folder.read(copy, public_of(made))


@pytest.mark.parametrize("path", ["../registry.json", "/etc/hostname"])
def test_a_list_that_points_out_of_the_folder_is_refused(path, made, copy):
    files = files_of(copy)
    head = head_of(copy) | {"files": [{"path": path, "sha256": "0" * 64, "bytes": 1}]}
    files[folder.HEAD] = json.dumps(head).encode()
    (copy / folder.HEAD).write_bytes(files[folder.HEAD])
    with pytest.raises(UsageError, match=r"kit\.json"):
        folder.read(copy, None)


def test_what_is_no_kit_at_all_is_refused(tmp_path):
    for body in (None, b"[]", b"{}", b'{"format":"other"}', b"\xff"):
        if body is not None:
            (tmp_path / "kit.json").write_bytes(body)
            (tmp_path / "kit.sig").write_bytes(b"")
        with pytest.raises(UsageError, match=r"kit\.json"):
            folder.read(tmp_path, None)


def test_the_registry_of_a_district_holds_only_the_clinics_own_units(made, tmp_path, capsys):
    there = in_folder(tmp_path / "d", *made[0].writers, role="district", extra='[clinics.C002]\nname = "N"\n')
    with there.ledger() as db:
        assert {unit.clinic for unit in units.units(db).values()} == {CLINIC}
    assert at(there, capsys)("kit", "--clinic", "C002", "--out", tmp_path / "kit")[0] == 0
    assert Path(tmp_path / "kit/registry.json").read_bytes() == b"{}\n"
