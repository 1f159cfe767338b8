"""Whatever is broken on the flash, the unit that ships comes up again through /main.py and goes on in its chain.

Under a stock build's start-up as its source has it: it mounts `vfs` before anything of ours runs, and waits for a person where
it cannot. And under our own `_boot.py` as it is, for a build of our own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware.esp32 import shipped
from tests.firmware.esp32.gateway import Gateway, kinds
from tests.firmware.esp32.shipped import POWER, WAITS, Bench, body
from tests.support.tools import tool


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    tool("micropython")
    return body(shipped.released(tmp_path_factory.mktemp("release"), 1, "0.1.0").read_bytes())


class Lived:
    """A unit after an hour and a treatment; `again` puts its flash back."""

    def __init__(self, bench: Bench, gateway: Gateway, log: Path) -> None:
        self.bench, self.gateway = bench, gateway
        assert bench.boot(4000, on_s=900, log=str(log)).end == POWER
        self.operations = bench.operations(log)
        self._chip, self.head = bench.chip.read_bytes(), len(gateway.records)

    def again(self) -> None:
        self.bench.chip.write_bytes(self._chip)
        del self.gateway.records[self.head :], self.gateway.lines[self.head :]
        self.gateway.acknowledge()

    def goes_on(self, own: bool = False) -> list[str]:
        """What it says from its next BOOT on, whose number and chain the gateway takes for the next."""
        ended = self.bench.boot(300, own=own)
        assert ended.end == POWER, ended.said
        told = kinds(self.gateway)[-(len(self.gateway.records) - self.head) :]
        assert self.gateway.records[self.head].kind == "BOOT", ended.said
        return told


@pytest.fixture
def lived(program: bytes, plain: Gateway, tmp_path: Path) -> Lived:
    return Lived(Bench(tmp_path, program, plain.port), plain, tmp_path / "log")


def test_a_unit_that_runs_writes_only_to_its_journal_and_beside_it(lived):
    assert {each.room() for each in lived.operations} == {"journal", "nvs"}


def test_any_block_of_the_journal_may_be_noise_and_the_chain_goes_on(lived):
    """What was lost is told, where something was; a number is never given twice."""
    told = []
    for at in lived.bench.used("journal"):
        lived.again()
        lived.bench.ruin(at)
        told.append(lived.goes_on())
    assert len(told) > 12 and {tuple(each) for each in told} == {("BOOT",), ("BOOT", "STORAGE", "GAP")}


def test_a_journal_of_which_nothing_is_left_is_begun_anew_and_the_chain_goes_on(lived):
    lived.bench.ruin(*lived.bench.used("journal"))
    assert lived.goes_on() == ["BOOT", "STORAGE", "GAP"]
    lived.head = len(lived.gateway.records)
    assert lived.goes_on() == ["BOOT"], "and stays mended"


def test_a_journal_that_cannot_even_be_made_anew_moves_beside_the_settings(lived):
    at, size = shipped.TABLE["journal"]
    lived.bench.ruin(*lived.bench.used("journal"))
    ended = lived.bench.boot(300, worn=[at, at + size])
    assert ended.end == POWER and "its partition cannot be used" in ended.said
    assert kinds(lived.gateway)[-3:] == ["BOOT", "STORAGE", "GAP"]


def test_settings_that_cannot_be_read_any_more_are_taken_from_their_copy(lived):
    chip = lived.bench.chip.read_bytes()
    at = chip.index(b'{"unit": "U1"', shipped.TABLE["vfs"][0])
    lived.bench.ruin(at // 4096 * 4096)
    assert lived.goes_on() == ["BOOT"]


def test_under_a_stock_build_a_file_system_that_nobody_writes_has_to_stay_whole(lived):
    """What a stock build cannot do: both blocks of its root gone, it waits for a person."""
    at = shipped.TABLE["vfs"][0]
    lived.bench.ruin(at, at + 4096)
    assert lived.bench.boot(300).end == WAITS


def test_under_our_own_build_any_block_and_all_of_them_may_be_noise(lived):
    used = lived.bench.used("vfs")
    for broken in (*[[each] for each in used], used[:2], used):
        lived.again()
        lived.bench.ruin(*broken)
        assert lived.goes_on(own=True) == ["BOOT"], [hex(each) for each in broken]


def test_our_own_build_shows_the_prompt_of_a_board_that_nobody_provisioned(program, plain, tmp_path):
    bench = Bench(tmp_path, program, plain.port)
    at, size = shipped.TABLE["vfs"]
    chip = bytearray(bench.chip.read_bytes())
    chip[at : at + size] = b"\xff" * size
    bench.chip.write_bytes(chip)
    assert bench.boot(60, own=True).end == WAITS and not plain.records
