"""A newer program over the air: only what the release key signed, whole, and back to the old one if it is not healthy."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.rpi import image
from firmware.rpi.partitions import SLOT_BYTES
from tests.support.both import run_micropython

PROGRAMS = {
    "old": "def run(slot):\n    import told\n    told.say('old', slot)\n",
    "new": "def run(slot):\n    import told\n    told.say('new', slot)\n",
    "raises": "import told\ntold.say('raises', 1)\nraise ValueError\n",
    "hangs": "def run(slot):\n    import told\n    told.say('hangs', slot)\n    raise SystemExit\n",
}
FILLING = "X = %r\n" % ("some octets that make the image longer than a block " * 100)
BEGIN = "from tests.firmware.esp32.flash_update import *\nimport sys\nF = sys.argv[1]\n"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of programs that only say their name, by that name."""
    folder = tmp_path_factory.mktemp("images")
    for name, text in PROGRAMS.items():
        room = folder / "source" / name
        (room / "firmware/esp32").mkdir(parents=True)
        (room / "firmware/esp32/start.py").write_text(text)
        (room / "filling.py").write_text(FILLING)
        modules = ["firmware/esp32/start.py", "filling.py"]
        (folder / name).write_bytes(image.image(image.compiled(modules, room)))
    return folder


def on_board(images: Path, story: str) -> list[str]:
    return run_micropython(BEGIN + story, str(images), heapsize="4m").splitlines()


def test_at_a_cut_at_every_operation_a_whole_program_runs_and_the_update_still_gets_there(images):
    said = on_board(images, "Cutter(F).run()")[-1].split()
    operations, cuts, old, new = int(said[1]), int(said[3]), int(said[4]), int(said[5])
    assert operations > 14 and cuts > 60 and old > 50 and new >= 5
    print(
        f"\n{operations} operations, {cuts} cuts: {old} woke up with the old program, {new} with the new one"
    )


def test_what_our_key_did_not_sign_or_is_not_newer_or_too_large_is_refused_before_anything_is_erased(images):
    noise, short, other, bent, foreign, same, beyond, large, older = on_board(images, "refusals(F)")
    assert "malformed" in noise or "no offer" in noise
    assert short == noise and "no number" in beyond
    for each in (other, bent, foreign):
        assert each == "update: refused: release 2 is not signed by our release key"
    assert same == "update: release 1 runs"
    assert large == "update: refused: 12288 octets have no room in 8192"
    assert older == "update: refused: release 2 is not newer than what runs or was tried"


def test_a_broker_that_gives_other_pieces_than_were_signed_gets_three_attempts_in_a_boot(images):
    other, short, again = on_board(images, "wrong_pieces(F)")
    assert other == "update: refused: what came is not release 2"
    assert short == "update: refused: piece 0 has 100 octets"
    assert again == "update: refused: it came wrong 3 times"


@pytest.mark.parametrize("name, ends", (("raises", ["raises", "Reset"]), ("hangs", ["hangs", "Hung"])))
def test_a_program_that_raises_or_hangs_is_tried_three_times_and_the_old_one_comes_back(images, name, ends):
    *_, ran, refused = on_board(images, f"goes_back(F, {name!r})")
    assert ran == str(["old", *ends * 3, "old", "old", "old"])
    assert refused == "update: refused: release 2 is not newer than what runs or was tried"


def test_where_the_settled_half_holds_no_program_any_more_the_other_one_runs(images):
    assert on_board(images, "dies_alone(F)") == ["0 old"]


def test_a_board_without_a_rom_partition_has_no_halves_to_update(images):
    assert on_board(images, "halves(F)") == ["8192 0 False", "None"]


def test_a_build_with_everything_frozen_has_no_halves_and_starts(images):
    assert on_board(images, "frozen()") == ["runs 0"]


def test_the_image_that_ships_fits_a_half_of_the_partition():
    assert len(image.image()) <= SLOT_BYTES
