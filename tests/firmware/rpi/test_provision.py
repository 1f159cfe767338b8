"""A bare board becomes a unit over its cable: real MicroPython, its littlefs and its ROM file system behind a pty."""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import os
import shlex
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
import segno
import serial
from click.testing import CliRunner

from firmware.agent import memory
from firmware.rpi import enrol, image, label, partitions, read_flash, repl, unit_json
from firmware.rpi.__main__ import commands as unit_program
from firmware.rpi.cable import Board, board_at
from firmware.rpi.errors import SurroundingsError, UnitError, UsageError
from firmware.rpi.files import JournalFiles
from firmware.rpi.repl import BoardError, Repl
from gateway import __main__ as gateway
from gateway.install import choices
from gateway.nurse import tokens
from protocol import p256, seal
from tests.firmware.rpi.rehearsal import rehearse
from tests.support.board import PtyBoard
from tests.support.chain import Writer
from tests.support.programs import eventually
from tests.support.tools import tool

asked_really = enrol._ask
TOLD = ["--unit", "U1", "--clinic", "C001", "--load", "tdp", "--room", "R1"]
Gateway = Callable[..., Any]


@pytest.fixture(scope="module")
def program() -> dict[str, bytes]:
    """What ships, compiled once for all tests."""
    return image.compiled(image.shipped())


@pytest.fixture(autouse=True)
def quick(program: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled before, with less patience for a board whose power is gone, and a cable that needs no pauses."""
    monkeypatch.setattr(image, "compiled", lambda modules: program)
    monkeypatch.setattr(repl, "PATIENCE_S", 3)
    monkeypatch.setattr(repl, "_PAUSE_S", 0)


def asked_here(folder: Path, arguments: list[str]) -> Any:
    command = ["--dir", str(folder), *arguments, "--json"]
    ran = CliRunner().invoke(gateway.wattwitness, command, catch_exceptions=False)
    return json.loads(ran.stdout)


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's program is asked in this process: it takes a second to start, and others start it."""
    monkeypatch.setattr(enrol, "_ask", asked_here)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PtyBoard]:
    tool("micropython")
    made = PtyBoard(tmp_path / "board")
    yield made
    made.end()


@pytest.fixture
def root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Where a gateway was installed."""
    made = tmp_path / "root"
    assert gateway.run(["install", "--clinic", "C001", "--name", "示范诊所", "--root", str(made)]) == 0
    capsys.readouterr()
    return made


def ledger(root: Path) -> str:
    return str(root) + choices.LEDGER


def ask(root: Path, *arguments: str) -> Any:
    """What the gateway's program prints with --json."""
    command = ["--dir", ledger(root), *arguments, "--json"]
    ran = CliRunner().invoke(gateway.wattwitness, command, catch_exceptions=False)
    assert ran.exit_code in (0, 1), ran.output
    return json.loads(ran.stdout)


def provision(board: PtyBoard, tmp_path: Path, *more: str, told: list[str] = TOLD) -> tuple[int, Any, str]:
    """(exit code, JSON or None, what it said to people)."""
    arguments = ["--port", board.port, "--label", str(tmp_path / "label.svg"), "--json", *told, *more]
    return spoken(["provision", *arguments])


def spoken(arguments: list[str]) -> tuple[int, Any, str]:
    ran = CliRunner().invoke(unit_program, arguments)
    if isinstance(ran.exception, UnitError):
        return ran.exception.exit_code, None, str(ran.exception)
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, json.loads(ran.stdout) if ran.stdout.startswith("{") else None, ran.stderr


def at_gateway(root: Path) -> list[str]:
    return ["--gateway", ledger(root), "--root", str(root)]


def stands(board: PtyBoard, *paths: str) -> dict[str, Any]:
    with board_at(board.port) as there:
        return {path: there.read(path) for path in paths}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, program: dict[str, bytes]) -> Path:
    """A gateway and the flash of a unit that it enrolled, made once, for copies."""
    tool("micropython")
    folder = tmp_path_factory.mktemp("once")
    root, made = folder / "root", PtyBoard(folder / "board")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(image, "compiled", lambda modules: program)
            patch.setattr(enrol, "_ask", asked_here)
            assert (
                gateway.run(["install", "--clinic", "C001", "--name", "示范诊所", "--root", str(root)]) == 0
            )
            code, _, told = provision(made, folder, *at_gateway(root))
            assert code == 0, told
    finally:
        made.end()
    return folder


@pytest.fixture
def in_service(once: Path, tmp_path: Path, near: None) -> Iterator[tuple[PtyBoard, Path]]:
    """A unit in service, and its gateway."""
    shutil.copytree(once, tmp_path / "copy")
    made = PtyBoard(tmp_path / "copy/board")
    yield made, tmp_path / "copy/root"
    made.end()


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many bytes cross the cable to a bare board until it is a unit without an account."""
    tool("micropython")
    folder = tmp_path_factory.mktemp("whole")
    whole = PtyBoard(folder / "board")
    try:
        assert provision(whole, folder)[0] == 0
        return whole.heard
    finally:
        whole.end()


# --- from bare to unit --------------------------------------------------------------------------------------


def test_a_bare_board_becomes_an_enrolled_unit_by_one_command(board, root, tmp_path):
    code, said, told = provision(board, tmp_path, *at_gateway(root))
    assert code == 0, told
    assert said["enrolled"] and said["configured"] and not said["next"]
    assert said["written"] == ["/rom", "/unit.json", "/ca.der", "/main.py"]
    (unit,) = ask(root, "unit", "list")["units"]
    assert (unit["unit"], unit["key"], unit["load"], unit["grade"]) == ("U1", said["key"], "tdp", "B")
    kept = stands(board, "/unit.json", "/main.py", "/key.bin")
    told_unit = json.loads(kept["/unit.json"])
    assert told_unit["mqtt"]["user"] == "U1" and len(told_unit["mqtt"]["password"]) >= 32
    assert told_unit["mqtt"]["ca"] == "/ca.der" and told_unit["wifi"]["ssid"] == "WW-C001"
    assert kept["/main.py"] == (image.CHECKOUT / image.MAIN).read_bytes()
    assert board.resets == 1  # it has started on its own


def test_the_key_is_made_on_the_board_and_its_secret_never_crosses_the_cable(board, tmp_path):
    code, said, _ = provision(board, tmp_path)
    assert code == 0
    crossed = bytes(board.said)
    (secret,) = stands(board, "/key.bin").values()
    assert p256.spki(p256.public_key(secret)).hex() == said["key"]
    assert secret not in crossed and secret.hex().encode() not in crossed
    assert not said["key_protected"] and "读出" in (tmp_path / "label.svg").read_text("utf-8")


def test_again_nothing_is_written_that_is_there_and_the_key_stays(in_service, tmp_path):
    board, root = in_service
    (first,) = ask(root, "unit", "list")["units"]
    code, again, _ = provision(board, tmp_path, *at_gateway(root))
    assert (code, again["key"]) == (0, first["key"])
    assert again["written"] == [
        "/unit.json",
        "/main.py",
    ]  # a new password, and the entry that was taken away meanwhile
    assert len(ask(root, "unit", "list")["units"]) == 1


@pytest.mark.parametrize("tenth", (1, 4, 7, 9))
def test_a_board_whose_power_fails_while_it_is_made_is_finished_by_the_same_command(
    board, root, near, tmp_path, crossed, tenth, monkeypatch
):
    """At any tenth of what crosses the cable. A key that was made stays, and no half program is ever started."""
    board.cut_after = crossed * tenth // 10
    with monkeypatch.context() as patch:
        patch.setattr(repl, "PATIENCE_S", 1)
        code, _, told = provision(board, tmp_path)
    assert code == 3, told
    board.cut()
    board.power()
    kept = stands(board, "/main.py", "/key.bin")
    assert kept["/main.py"] is None
    code, said, told = provision(board, tmp_path, *at_gateway(root))
    assert code == 0 and said["configured"], told
    if kept["/key.bin"]:
        assert p256.spki(p256.public_key(kept["/key.bin"])).hex() == said["key"]


def test_a_board_is_told_the_calendar_so_that_it_can_judge_a_certificate(board):
    before = time.gmtime()
    with board_at(board.port) as there:
        there.set_clock()
        year, month, day, _, hour, minute, second, _ = ast.literal_eval(
            there.ask("import machine\nprint(machine.RTC.told)")
        )
    assert tuple(before[:6]) <= (year, month, day, hour, minute, second) <= tuple(time.gmtime()[:6])


def test_a_running_program_is_stopped_and_its_watchdog_with_it(board, tmp_path, monkeypatch):
    monkeypatch.setattr(repl, "RESET_S", 0.5)  # it never shows a prompt
    with board_at(board.port) as there:
        there.put({"/main.py": b"# in tests\nwhile True:\n    pass\n"}, lambda *_: None)
        there.reset()
    code, said, told = provision(board, tmp_path)
    assert code == 0, told
    eventually(lambda: board.resets == 3)  # ours, the one without a program, and the start as a unit
    assert "/main.py" in said["written"]


def test_a_board_without_a_rom_partition_gets_files_and_a_word_about_memory(tmp_path):
    tool("micropython")
    board = PtyBoard(
        tmp_path / "board", rom_kb=0, window=0
    )  # nor raw-paste mode: the oldest that we can meet
    try:
        code, said, told = provision(board, tmp_path)
        assert code == 0 and "PSRAM" in told and "no journal partition" in told, told
        assert f"/lib/{sorted(image.compiled(image.shipped()))[0]}" in said["written"]
        assert provision(board, tmp_path)[1]["written"] == ["/main.py"]
    finally:
        board.end()


def test_a_partition_that_is_too_small_is_not_begun(tmp_path):
    tool("micropython")
    board = PtyBoard(tmp_path / "board", rom_kb=16)
    try:
        code, _, told = provision(board, tmp_path)
        assert code == 3 and "partition" in told
    finally:
        board.end()


# --- from another computer than the gateway -----------------------------------------------------------------


def test_elsewhere_two_lines_are_printed_for_the_gateway_and_their_answer_makes_the_unit(
    board, root, tmp_path
):
    code, said, _ = provision(board, tmp_path, "--print-enrol", "--bed", "2")
    add, account = said["next"]
    assert code == 0 and not said["configured"] and said["key"] in add
    program = f"wattwitness --dir {choices.LEDGER} "
    typed = shlex.split(add.removeprefix(program))
    assert ask(root, *typed)["unit"] == "U1" and typed[:2] == ["unit", "add"]
    assert account == f"(umask 077; {program}unit account U1 --json > U1.json)"
    answer = tmp_path / "U1.json"
    answer.write_text(json.dumps(ask(root, "unit", "account", "U1", "--root", str(root))))
    wifi = ["--wifi-ssid", "lamps", "--wifi-password", "0123456789"]
    code, again, told = provision(board, tmp_path, "--account", str(answer), *wifi)
    assert (code, again["configured"], again["key"]) == (0, True, said["key"]), told
    (text,) = stands(board, "/unit.json").values()
    assert json.loads(text)["wifi"] == {"ssid": "lamps", "password": "0123456789"}


def test_an_account_of_somebody_else_is_refused_before_the_unit_is_told_anything(board, tmp_path):
    for text, why in (
        ("", "no account"),
        ('{"unit": "U2"}', "of unit U2"),
        ('{"unit": "U1", "clinic": "C9", "mqtt": {}, "wifi": {}, "ca": null}', "no mqtt"),
        (
            '{"unit": "U1", "clinic": "C9", "mqtt": {"user": "U1"}, "wifi": {"ssid": "W"}, "ca": "x"}',
            "clinic C9's",
        ),
    ):
        answer = tmp_path / "answer.json"
        answer.write_text(text)
        code, _, told = provision(board, tmp_path, "--account", str(answer))
        assert code == 2 and why in told
    code, _, told = provision(board, tmp_path, "--account", str(answer), "--reader", "gm65")
    assert code == 2 and "no tag_key" in told and "unit account U1 --tag-key --json" in told
    assert board.heard == 0
    assert stands(board, "/unit.json", "/main.py") == {"/unit.json": None, "/main.py": None}


# --- tags ---------------------------------------------------------------------------------------------------

_ITS_TAG = """
from firmware import VERSION
from firmware.agent import tags
from firmware.esp32 import settings
with open('/unit.json', 'rb') as file:
    print(tags.tag(settings.read(file.read(), VERSION).tag_key, %r))
"""


def test_a_unit_with_a_reader_makes_the_same_tags_as_its_gateway(board, root, near, tmp_path):
    """The key is made by the gateway at its first use, which may be this one."""
    assert not (Path(ledger(root)) / tokens.FILE).exists()
    code, said, told = provision(board, tmp_path, *at_gateway(root), "--reader", "gm65")
    key = tokens.open_tag_key(Path(ledger(root)))
    assert code == 0 and key.hex() not in told + json.dumps(said), told
    token = tokens.new_token()
    with board_at(board.port) as there:
        assert there.ask(_ITS_TAG % token).strip() == tokens.tag(key, token)


def test_elsewhere_the_key_of_the_tags_is_asked_for_only_where_there_is_a_reader(root):
    for more, asked in (
        ([], "unit account U1 --json"),
        (["--reader", "pn532"], "unit account U1 --tag-key --json"),
    ):
        _, said, _ = spoken(["provision", *TOLD, *more, "--dry-run", "--json"])
        assert asked in said["next"][1]
    ask(root, "unit", "add", "U1", "--key", KEY, "--load", "tdp", "--room", "R1")
    account = ("unit", "account", "U1", "--root", str(root))
    assert ask(root, *account)["tag_key"] is None
    assert not (Path(ledger(root)) / tokens.FILE).exists()
    assert ask(root, *account, "--tag-key")["tag_key"] == tokens.open_tag_key(Path(ledger(root))).hex()


# --- what is refused ----------------------------------------------------------------------------------------


def test_a_board_that_is_another_unit_keeps_its_name_and_goes_on(in_service, tmp_path):
    board, root = in_service
    before = stands(board, "/unit.json", "/main.py", "/key.bin")
    other = ["--unit", "U2", *TOLD[2:]]
    code, _, told = provision(board, tmp_path, *at_gateway(root), told=other)
    assert code == 2 and "is unit U1" in told
    assert stands(board, *before) == before


def test_a_name_that_is_enrolled_with_another_key_is_not_given_twice(board, root, near, tmp_path):
    key_hex = p256.spki(p256.public_key(bytes(range(1, 33)))).hex()
    ask(root, "unit", "add", "U1", "--key", key_hex, "--load", "tdp", "--room", "R1")
    code, _, told = provision(board, tmp_path, *at_gateway(root))
    assert code == 2 and "another key" in told
    assert ask(root, "unit", "list")["units"][0]["key"] == key_hex


def test_a_board_whose_key_is_enrolled_for_another_unit_is_not_enrolled_twice(board, root, near, tmp_path):
    _, said, _ = provision(board, tmp_path)
    ask(root, "unit", "add", "U9", "--key", said["key"], "--load", "tdp", "--room", "R1")
    code, _, told = provision(board, tmp_path, *at_gateway(root))
    assert code == 2 and "enrolled as unit U9" in told
    assert [each["unit"] for each in ask(root, "unit", "list")["units"]] == ["U9"]


@pytest.mark.parametrize(
    "arguments, why",
    (
        (["--unit", "U/1", *TOLD[2:], "--dry-run"], "--unit"),
        ([*TOLD[:4], "--load", "kettle", "--room", "R1", "--dry-run"], "stim, tdp"),
        ([*TOLD, "--wifi-ssid", "W", "--wifi-password", "short", "--port", "/dev/none"], "wifi.password"),
        ([*TOLD, "--board", "a board", "--dry-run"], "board"),
        (TOLD, "--port"),
        ([*TOLD, "--port", "/dev/none"], "cannot open /dev/none"),
    ),
)
def test_wrong_usage_is_one_line_and_exit_code_two(arguments, why):
    code, _, told = spoken(["provision", *arguments])
    assert code == 2 and why in told


def test_a_port_where_nothing_answers_is_the_surroundings_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(repl, "_BANNER_S", 0.1)
    silent, port = os.openpty()
    code, _, told = spoken(["provision", *TOLD, "--port", os.ttyname(port)])
    os.close(silent)
    os.close(port)
    assert code == 3 and "no board answers" in told


def test_a_cable_that_is_pulled_is_said_to_be():
    outside, inside = os.openpty()
    with serial.Serial(os.ttyname(inside), timeout=0.1) as wire:
        os.close(inside)
        os.close(outside)
        with pytest.raises(SurroundingsError, match="put the cable in again"):
            Repl(wire).enter()


def test_a_gateway_that_cannot_be_asked_or_is_anothers_leaves_the_board_as_it_was(board, root, tmp_path):
    code, _, told = provision(board, tmp_path, "--gateway", str(tmp_path / "nowhere"))
    assert code == 3 and "wattwitness init" in told
    of_another = [*TOLD[:2], "--clinic", "C002", *TOLD[4:]]
    code, _, told = provision(board, tmp_path, *at_gateway(root), told=of_another)
    assert code == 2 and "clinic C001's" in told
    assert board.heard == 0 and ask(root, "unit", "list")["units"] == []


def test_a_unit_in_service_that_a_gateway_refuses_goes_on_as_it_was(board, root, near, tmp_path):
    assert provision(board, tmp_path)[0] == 0
    key_hex = p256.spki(p256.public_key(bytes(range(1, 33)))).hex()
    ask(root, "unit", "add", "U1", "--key", key_hex, "--load", "tdp", "--room", "R1")
    before = stands(board, "/main.py", "/key.bin", "/unit.json")
    resets = board.resets
    assert provision(board, tmp_path, *at_gateway(root))[0] == 2
    assert board.resets == resets + 2 and before["/main.py"]
    assert stands(board, *before) == before


def test_a_unit_in_service_whose_gateway_fails_goes_on_as_it_was(in_service, tmp_path, monkeypatch):
    board, root = in_service
    before = stands(board, "/main.py", "/key.bin", "/unit.json")
    (Path(ledger(root)) / tokens.FILE).write_text("damaged")
    monkeypatch.setattr(enrol, "_ask", lambda *what: (asked_here, asked_really)["account" in what[1]](*what))
    code, _, told = provision(board, tmp_path, *at_gateway(root), "--reader", "gm65")
    assert code == 3 and "tag.key" in told
    assert stands(board, *before) == before


def test_a_label_that_cannot_be_written_keeps_no_unit_from_its_work(board, root, near, tmp_path):
    code, _, told = provision(board, tmp_path, *at_gateway(root), "--label", str(tmp_path / "none/U1.svg"))
    assert code == 3 and "--label" in told
    kept = stands(board, "/main.py", "/unit.json")
    assert kept["/main.py"] and kept["/unit.json"] and board.resets == 1


class Saying(Repl):
    """A board that says what it was told to, whatever it is asked."""

    def __init__(self, answers: Iterable[str]) -> None:
        self._answers = iter(answers)

    def run(self, program: str, patience_s: float | None = None) -> str:
        return next(self._answers)

    def reset(self) -> None: ...


def test_a_board_whose_bytecode_differs_is_told_what_to_flash():
    here = {"name": "micropython", "version": "1.18.0", "machine": "x", "mpy": 5, "free": 1, "files": []}
    with pytest.raises(UsageError, match="flash MicroPython"):
        Board(Saying([json.dumps(here)])).here()


def test_what_goes_wrong_on_the_board_is_said_with_its_last_line(board):
    with board_at(board.port) as there:
        with pytest.raises(BoardError, match="ZeroDivisionError"):
            there.ask("print('before')\n1 // 0")
        assert there.ask("print('x' * 5000)") == "x" * 5000 + "\n"  # and it goes on


# --- dry run, and MicroPython itself ------------------------------------------------------------------------


def test_a_dry_run_says_every_step_without_a_board(tmp_path):
    code, said, told = spoken(["provision", *TOLD, "--dry-run", "--json", "--firmware", "ESP32_GENERIC.bin"])
    assert (code, said["key"], said["enrolled"]) == (0, None, False)
    for each in (
        "erase_flash",
        "0x8000",
        "firmware/agent/agent.mpy",
        "unit add U1",
        "unit account U1",
        "unit.json",
        "U1.svg",
    ):
        assert each in told, each
    assert "nothing of this was done" in told and not list(tmp_path.iterdir())


def test_esptool_is_run_where_it_is_and_named_where_it_is_not(tmp_path, monkeypatch, board):
    firmware, asked = tmp_path / "mp.bin", tmp_path / "asked"
    firmware.write_bytes(b"x")
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, told = provision(board, tmp_path, "--firmware", str(firmware))
    assert code == 3 and "esptool --chip esp32" in told
    (tmp_path / "esptool").write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    (tmp_path / "esptool").chmod(stat.S_IRWXU)
    code, _, told = provision(board, tmp_path, "--firmware", str(firmware))
    assert code == 0, told
    erase, write = asked.read_text().splitlines()
    assert erase.endswith("erase_flash") and f"0x1000 {firmware} 0x8000 {firmware}.partitions" in write
    assert Path(f"{firmware}.partitions").read_bytes() == partitions.table()


def test_the_partition_table_leaves_micropython_where_it_is_and_overlaps_nothing():
    spans = sorted((at, at + size, name) for name, _, _, at, size in partitions.TABLE)
    assert all(spans[at][1] <= spans[at + 1][0] for at in range(len(spans) - 1))
    assert spans[-1][1] == partitions.FLASH_BYTES and spans[0][0] >= partitions.TABLE_AT + 0x1000
    assert (
        all(at % 0x1000 == 0 for at, _, _ in spans)
        and dict((name, at) for at, _, name in spans)["factory"] == 0x10000
    )
    assert len(image.image()) <= next(size for name, _, _, _, size in partitions.TABLE if name == "romfs")


def test_the_partition_table_is_as_esp_idf_documents_it():
    raw = partitions.table()
    assert len(raw) == 0xC00 and raw[:2] == b"\xaa\x50" and raw[12:28] == b"nvs".ljust(16, b"\0")
    end = 32 * len(partitions.TABLE)
    assert raw[end : end + 16] == b"\xeb\xeb" + b"\xff" * 14 and set(raw[end + 32 :]) == {0xFF}


# --- what the unit is told, and its label -------------------------------------------------------------------


def told(**changes: Any) -> dict[str, Any]:
    known = {
        "unit": "U1",
        "clinic": "C001",
        "board": "esp32_devkitc_v4",
        "load": "tdp",
        "stations": 1,
        "required_s": 1140,
    }
    account = {
        "mqtt": {"host": "10.77.0.1", "user": "U1", "password": "x"},
        "wifi": {"ssid": "W", "password": "12345678"},
    }
    return {
        **known,
        **account,
        "meter": "pzem004t_v3",
        "meter_serial": "",
        "ca": None,
        "reader": "",
        **changes,
    }


def test_a_unit_without_a_reader_is_not_trusted_with_the_key_of_the_tags():
    for reader, key in ((None, ""), ("gm65", "ab" * 32)):
        made = json.loads(unit_json.files(told(reader=reader, tag_key="ab" * 32))["/unit.json"])
        assert (made["reader"], made["tag_key"]) == (reader or "", key)
    with pytest.raises(UsageError, match="tag_key") as refused:
        unit_json.files(told(reader="gm65", tag_key="ab" * 31))
    assert "abab" not in str(refused.value)


@pytest.mark.parametrize("load", ("tdp", "stim", "ionto"))
@pytest.mark.parametrize("meter", unit_json.METERS)
def test_every_load_and_meter_makes_settings_that_a_unit_takes(load, meter):
    text = unit_json.files(told(load=load, meter=meter))["/unit.json"]
    assert json.loads(text)["meter"]["kind"] == meter and "load" not in json.loads(text)


def test_a_board_without_a_meter_becomes_a_post(board, root, near, tmp_path):
    post = ["--unit", "P1", "--clinic", "C001", "--load", "post16", "--room", "R1", "--meter", "none"]
    code, _, said = provision(board, tmp_path, *at_gateway(root), told=post)
    assert code == 2 and "--reader" in said
    code, told_of, said = provision(board, tmp_path, *at_gateway(root), "--reader", "gm65", told=post)
    assert code == 0 and told_of["configured"], said
    kept = json.loads(stands(board, "/unit.json")["/unit.json"])
    assert kept["meter"] == {"kind": "none"} and "profile" not in kept and len(kept["tag_key"]) == 64
    (unit,) = ask(root, "unit", "list")["units"]
    assert (unit["unit"], unit["load"]) == ("P1", "post16") and "note" not in said


@pytest.mark.parametrize("load, meter", (("post", "pzem004t_v3"), ("tdp", "none")))
def test_a_lamp_has_a_meter_and_a_post_names_itself(load, meter):
    dry = ["provision", "--dry-run", "--unit", "U1", "--clinic", "C1", "--room", "R", "--reader", "gm65"]
    assert spoken([*dry, "--load", load, "--meter", meter])[0] == 2


def test_what_a_stock_start_up_left_to_be_run_first_is_taken_away(board, tmp_path):
    with board_at(board.port) as there:
        there.put({"/boot.py": b"# This file is executed on every boot"}, lambda *_: None)
    assert provision(board, tmp_path)[0] == 0
    assert stands(board, "/boot.py") == {"/boot.py": None}


def test_what_the_unit_would_refuse_is_refused_here_and_named():
    with pytest.raises(UsageError, match=r"wifi\.password"):
        unit_json.files(told(wifi={"ssid": "W", "password": "short"}))
    with pytest.raises(UsageError, match="PEM"):
        unit_json.files(told(ca="nonsense"))


KEY = p256.spki(p256.public_key(bytes(range(1, 33)))).hex()


def test_a_label_names_unit_clinic_and_key_in_words_and_in_its_code():
    drawn = label.svg("C001", "U1", "tdp", KEY)
    words = list(filter(None, (text.strip() for text in ElementTree.fromstring(drawn).itertext())))
    assert "U1" in words and label.shown(KEY) in words and any("读出" in each for each in words)
    assert label.code("C001", "U1", KEY) == f"WATTWITNESS:1:C001:U1:{label.fingerprint(KEY)}"
    dark = sum(map(sum, segno.make(label.code("C001", "U1", KEY), error="m", micro=False).matrix))
    assert drawn.count("h1v1h-1z") == dark


def test_a_label_of_odd_names_is_still_a_drawing():
    ElementTree.fromstring(label.svg("C<1>", 'U"&', "tdp", KEY))


# --- reading a unit's flash ---------------------------------------------------------------------------------

_A_MORNING = """
from firmware.agent import events
from firmware.agent.agent import Agent
from firmware.agent.config import Config
from firmware.esp32 import identity
from firmware.esp32.flash import JournalFlash
from protocol import p256, sealing
import esp32
from firmware.esp32 import mount
mount.mount(esp32.Partition.find(1, label="journal")[0], "/records")
secret = identity.secret()
meter = {"maker": "m", "model": "m", "serial": "s", "version": "1"}
profile = {"on_mw": 40000, "off_mw": 25000}
agent_of = lambda files: Agent(Config({"unit": "U1", "version": "0.1.0", "meter": meter, "profile": profile}), files.memory)
files = JournalFlash("/records/journal", 1 << 19)
agent = agent_of(files)
def feed(event):
    for action in agent.feed(event):
        if isinstance(action, events.Emit):
            files.keep(action.us, action.memory, sealing.join(action.payload, *p256.sign(secret, action.payload.encode())))
            files.sync()
            feed(events.Kept(event.mono_ms, action.us))
feed(events.Booted(0, "00112233aabbccdd", "POWER_ON", 1772409600000, True, True))
for second in range(0, 3600, 5):
    feed(events.Reading(second * 1000, 260000 if 600 <= second % 1800 < 1500 else 2000))
print(files.memory.us, files.digest(1))
"""


def read_out(board: PtyBoard, out: Path) -> tuple[int, str]:
    code, _, told = spoken(["read-flash", "--port", board.port, "--out", str(out)])
    return code, told


def test_an_inspector_reads_a_unit_by_cable_and_what_the_gateway_lacks_is_found_withheld(
    in_service, tmp_path
):
    board, root = in_service
    with board_at(board.port) as there:
        there.ask(_A_MORNING, 60)
    before = (tmp_path / "copy/board/journal").read_bytes()
    code, told = read_out(board, tmp_path / "U1.records")
    lines = (tmp_path / "U1.records").read_bytes().splitlines()
    assert code == 0 and len(lines) >= 6, told
    assert (tmp_path / "copy/board/journal").read_bytes() == before, "it only reads"
    (key_hex,) = [each["key"] for each in ask(root, "unit", "list")["units"]]
    public = p256.from_spki(bytes.fromhex(key_hex))
    for line in lines:
        seal.check(line, lambda message, r, s: p256.verify(public, message, r, s))
    (tmp_path / "gateway").write_bytes(b"\n".join(lines[:3]))
    assert ask(root, "take-in", str(tmp_path / "gateway"))["stored"] == 3
    said = ask(root, "take-in", "--read-from-unit", str(tmp_path / "U1.records"))
    assert (said["stored"], said["repeated"]) == (len(lines) - 3, 3)
    (found,) = said["findings"]
    assert (found["code"], found["unit"], found["us"]) == ("withheld", "U1", 4) and str(len(lines)) in found[
        "en"
    ]
    assert [each["code"] for each in ask(root, "status")["findings"]] == ["withheld"]
    again = ask(root, "take-in", "--read-from-unit", str(tmp_path / "U1.records"))
    assert again["findings"] == [] and again["repeated"] == len(lines)


def test_what_is_damaged_in_the_flash_is_counted_and_the_rest_read(in_service, tmp_path):
    board, _ = in_service
    with board_at(board.port) as there:
        there.ask(_A_MORNING, 60)
        name = there.ask("import os\nprint(os.listdir('/records/journal/log')[0])").strip()
        damage = "f = open('/records/journal/log/%s', 'r+b')\nf.seek(-40, 2)\nf.write(b'\\0' * 4)\nf.close()"
        there.ask(damage % name)
    code, told = read_out(board, tmp_path / "U1.records")
    assert code == 1 and "could not be read" in told
    assert len((tmp_path / "U1.records").read_bytes().splitlines()) >= 4


def test_a_journal_whose_file_system_is_broken_is_counted_as_lost_and_a_blank_one_is_empty(
    in_service, tmp_path
):
    board, _ = in_service
    assert read_out(board, tmp_path / "blank")[0] == 0
    assert (tmp_path / "blank").read_bytes() == b""
    journal = tmp_path / "copy/board/journal"
    with journal.open("r+b") as file:
        file.write(b"\0" * 8192)
    code, told = read_out(board, tmp_path / "broken")
    assert code == 1 and "could not be read" in told


def test_the_file_system_that_a_stock_start_up_mounts_is_not_written_once_the_unit_runs(in_service, tmp_path):
    board, _ = in_service
    there = tmp_path / "copy/board/flash"
    before = there.read_bytes()
    with board_at(board.port) as at:
        at.ask(_A_MORNING, 60)
    assert there.read_bytes() == before


def test_a_pi_is_read_from_its_card_and_nothing_on_it_changes(tmp_path):
    folder = tmp_path / "journal"
    files = JournalFiles(folder, 1 << 20)
    writer = Writer("U1")
    writer.day(sessions=1)
    known = memory.Memory()
    for us, line in enumerate(writer.lines, start=1):
        known.us = us
        files.keep(us, memory.write(known), line.decode())
    files.close()
    (path,) = folder.glob("journal-*.log")
    with path.open("ab") as torn:
        torn.write(b"deadbeef R 1")
    before = path.read_bytes()
    code, _, told = spoken(["read-flash", "--journal", str(folder), "--out", str(tmp_path / "out")])
    assert (code, (tmp_path / "out").read_bytes().splitlines()) == (1, writer.lines), told
    assert path.read_bytes() == before
    code, _, told = spoken(["read-flash", "--out", str(tmp_path / "other")])
    assert code == 2 and "--journal" in told and not (tmp_path / "other").exists()


def test_what_was_read_only_in_part_does_not_look_whole(tmp_path, monkeypatch):
    out = tmp_path / "U1.records"

    @contextlib.contextmanager
    def said(answers: Iterator[str], _port: str) -> Iterator[Board]:
        yield Board(Saying(answers))

    for answers, code in ((["/journal 0", "no end"], 3), (["/journal 0", "a record\n!0"], 0)):
        monkeypatch.setattr(read_flash, "board_at", functools.partial(said, iter(answers)))
        assert spoken(["read-flash", "--port", "x", "--out", str(out)])[0] == code
        assert out.exists() is (code == 0)
    assert out.read_text() == "a record\n" and list(tmp_path.iterdir()) == [out]


def test_a_file_that_is_there_is_not_written_over(board, tmp_path):
    (tmp_path / "out").write_text("evidence")
    code, told = read_out(board, tmp_path / "out")
    assert code == 3 and (tmp_path / "out").read_text() == "evidence" and "--out" in told


def test_every_option_of_provision_has_a_help():
    options = [each for each in unit_program.commands["provision"].params if isinstance(each, click.Option)]
    assert all(each.help for each in options)


# --- the whole, as a person sees it -------------------------------------------------------------------------


def test_the_rehearsal_is_cut_once_and_ends_with_an_enrolled_unit(tmp_path, near):
    tool("micropython")
    printed = ""

    def show(program: str, *arguments: str) -> int:
        nonlocal printed
        commands = {"wattwitness": gateway.wattwitness, "wattwitness-unit": unit_program}
        ran = CliRunner().invoke(commands[program], arguments)
        printed += ran.output
        if isinstance(ran.exception, UnitError):
            printed += str(ran.exception)
            return ran.exception.exit_code
        return ran.exit_code

    assert rehearse(tmp_path, show) == [0, 3, 0, 0, 0]
    for each in (
        "no board answers",
        "enrolled in the gateway",
        "the board has read it",
        "0 octets could not be read",
        "U1  B  tdp",
    ):
        assert each in printed, each
