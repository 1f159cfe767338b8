"""`wattwitness-unit provision`: a bare ESP32 becomes a unit, over its cable.

The program's entry, /main.py, is taken away first and put back last: whenever the cable is pulled, the board holds
either all that it needs or nothing that runs, and the same command goes on where it stopped.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from firmware.rpi import asked, image, label, unit_json
from firmware.rpi.cable import Board, board_at
from firmware.rpi.enrol import GatewayError, clinic_of, enrol, enrolment
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.esptool import flash
from firmware.rpi.port_settings import NONE
from firmware.rpi.rehearse import rehearse
from firmware.rpi.settings import READERS, is_post
from firmware.rpi.steps import progress, step
from hardware.loads.profiles import names as load_names
from protocol import p256
from protocol.errors import EmitError
from protocol.topics import name as checked_name

MAIN = "/main.py"
_SLOW_S = 60  # a key on a board without a crypto library takes its time


@dataclass
class Told:
    """What is said in the end: to a person as it happens, and as one JSON document."""

    unit: str
    clinic: str
    board: str = ""
    key: str | None = None
    written: list[str] = field(default_factory=list)
    octets: int = 0
    enrolled: bool = False
    configured: bool = False
    label: str | None = None
    next: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As `provision --json` prints it."""
        fingerprint = label.fingerprint(self.key) if self.key else None
        return {**vars(self), "fingerprint": fingerprint, "key_protected": False}


@click.command()
@click.option("--port", help="板子的串口，如 /dev/ttyUSB0 · the board's serial port")
@click.option("--unit", required=True, metavar="ID", help="单元编号 · the unit's name")
@click.option("--clinic", required=True, metavar="ID", help="机构编号 · the clinic's id")
@click.option(
    "--load",
    required=True,
    help="负载档案：tdp stim ionto；读标签点：post 或 post16 · a profile of hardware/loads; post or post16",
)
@click.option("--room", required=True, help="房间 · room")
@click.option("--bed", default="", help="床位 · bed")
@click.option("--stations", default=1, type=click.IntRange(1, 16), show_default=True, help="可同时服务几人")
@click.option(
    "--required-s",
    default=0,
    type=click.IntRange(0, 86400),
    help="通电多少秒后灯常亮 · light is steady after",
)
@click.option("--board", default="esp32_devkitc_v4", show_default=True, help="hardware/boards 里的板")
@click.option(
    "--meter",
    default="pzem004t_v3",
    type=click.Choice([*sorted(unit_json.METERS), NONE]),
    show_default=True,
    help="电表；只读标签的为 none · meter; none for a unit that only reads tags",
)
@click.option(
    "--reader",
    type=click.Choice(sorted(READERS)),
    metavar="gm65|pn532",
    help="标签读头，默认没有 · a reader of tags, by default none",
)
@click.option("--meter-serial", default="", help="电表的编号，默认单元编号 · the meter's serial number")
@click.option(
    "--gateway",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="网关的账本目录：当即登记 · enrol there at once",
)
@click.option(
    "--root",
    default="/",
    type=click.Path(path_type=Path),
    help="install 写在哪个目录下 · where install wrote",
)
@click.option("--print-enrol", is_flag=True, help="只打印登记的命令 · print the commands that enrol")
@click.option(
    "--account",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="unit account --json 的输出 · what it printed",
)
@click.option("--wifi-ssid", help="用别的 Wi-Fi · another Wi-Fi than the gateway's own")
@click.option("--wifi-password", help="它的密码；不给则询问 · its password; asked for if left out")
@click.option(
    "--label",
    "label_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="标签，默认 单元编号.svg · label",
)
@click.option(
    "--firmware",
    type=click.Path(path_type=Path),
    metavar="FILE.bin",
    help="先擦除并烧录 MicroPython · flash MicroPython first, erasing all",
)
@click.option(
    "--release-key",
    default="",
    metavar="HEX",
    help="发布公钥：经网络只收它签名的程序，默认不收 · public key of who may change the program over the air",
)
@click.option("--dry-run", is_flag=True, help="只说会做什么 · say what would be done")
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON · print one JSON document")
def provision(port: str | None, dry_run: bool, as_json: bool, **told: Any) -> None:  # fmt: skip
    """把一块 ESP32 变成单元：程序、密钥（在板上生成）、设置、登记、标签 · a bare ESP32 becomes a unit.

    \b
    先看看会做什么 · see first what it would do: --dry-run
    例 · example:
        wattwitness-unit provision --port /dev/ttyUSB0 --unit U1 --clinic C001 --load tdp --room 理疗一室 --gateway /var/lib/wattwitness
    """
    told["as_json"] = as_json
    _check(told, port, dry_run)
    said = Told(told["unit"], told["clinic"])
    if dry_run:
        said.written, said.octets, said.next = rehearse(told, port or "/dev/ttyUSB0")
    else:
        assert port is not None
        _check_clinic(told)
        if told["firmware"] is not None:
            flash(port, told["firmware"])
        with board_at(port) as board:
            _make(board, told, said)
    if as_json:
        click.echo(json.dumps(said.document(), ensure_ascii=False))


def _check(told: dict[str, Any], port: str | None, dry_run: bool) -> None:
    for field_ in ("unit", "clinic"):
        try:
            checked_name(told[field_])
        except EmitError as error:
            raise UsageError(f"--{field_} 只能用字母、数字、-、_ 和 .", f"--{field_}: {error}") from error
    if told["meter"] == NONE:
        _check_post(told)
    elif told["load"] not in load_names():
        known = ", ".join(load_names())
        raise UsageError(
            f"没有负载档案 {told['load']}：有 {known}", f"no load profile {told['load']}: there are {known}"
        )
    if port is None and not dry_run:
        raise UsageError("请给出 --port，如 /dev/ttyUSB0", "name the port, like --port /dev/ttyUSB0")
    if told["wifi_ssid"] and told["wifi_password"] is None and not dry_run:
        told["wifi_password"] = click.prompt(
            f"{told['wifi_ssid']} 的密码 · password", hide_input=True, err=True
        )
    _check_settings(told)


def _check_post(told: dict[str, Any]) -> None:
    """Without a meter a unit can only read tags; as a lamp's it would attest that nobody ever used it."""
    if not is_post(told["load"]) or not told["reader"]:
        raise UsageError(
            "--meter none 只用于读标签点：--load post（或 post16），并给出 --reader",
            "--meter none is for a post alone: --load post, or post16, and a --reader",
        )


def _check_settings(told: dict[str, Any]) -> None:
    """What the unit would refuse is refused before a gateway gives it a new password."""
    wifi = {"ssid": told["wifi_ssid"] or "-", "password": told["wifi_password"] or ""}
    account = {"mqtt": {"host": "-"}, "wifi": wifi, "ca": None, "tag_key": "0" * 64}
    unit_json.files(told | account)


def _check_clinic(told: dict[str, Any]) -> None:
    """Before the board is touched: is it this clinic's gateway, or account?"""
    if told["gateway"] is not None:
        clinic = clinic_of(told["gateway"])
    elif told["account"] is not None:
        clinic = _read_account(told)["clinic"]
    else:
        return
    if clinic != told["clinic"]:
        raise UsageError(
            f"那是机构 {clinic} 的，不是 {told['clinic']} 的：请检查 --clinic",
            f"that is clinic {clinic}'s, not {told['clinic']}'s: check --clinic",
        )


# --- the steps ----------------------------------------------------------------------------------------------


def _make(board: Board, told: dict[str, Any], said: Told) -> None:
    here = board.here()
    said.board = here.machine
    step(f"1 板子 {here.machine}，MicroPython {here.version}", f"the board, with {here.free} octets free")
    _refuse_another(board, here.files, told["unit"])
    _stop_its_program(board, here.files)
    if "boot.py" in here.files:  # of a stock start-up: empty, and damaged it would keep /main.py from running
        board.remove("/boot.py")
    try:
        _copy_and_tell(board, told, said)
    except (UsageError, GatewayError):
        if "main.py" in here.files:  # it was a unit before, and goes on as one
            _start(board, said)
        raise
    _start(board, said)
    _print_label(told, said)
    _tell_what_is_next(told, said)


def _copy_and_tell(board: Board, told: dict[str, Any], said: Told) -> None:
    _copy_program(board, said)
    said.key = _key(board)
    step(
        f"3 公钥（私钥在板上生成，不离开）{label.shown(said.key)}",
        "the key was made on the board and stays there",
    )
    account = _account(told, said)
    if account is not None:
        _configure(board, told | account, said)


def _start(board: Board, said: Told) -> None:
    said.written += board.put({MAIN: (image.CHECKOUT / image.MAIN).read_bytes()}, progress())
    board.set_clock()
    board.reset()


def _refuse_another(board: Board, there: list[str], unit: str) -> None:
    """A key goes with one name: under another, two chains would have one key."""
    text = board.read(unit_json.PATH) if "unit.json" in there else None
    try:
        known = json.loads(text)["unit"] if text else unit
    except (ValueError, KeyError, TypeError):
        known = unit  # a damaged file is written anew
    if known != unit:
        raise UsageError(
            f"这块板是单元 {known}：密钥只属于一个单元号。要改作 {unit}，请先擦除（--firmware）",
            f"this board is unit {known}, and a key has one name: to make it {unit}, erase it first (--firmware)",
        )


def _stop_its_program(board: Board, there: list[str]) -> None:
    """Once started, a board's watchdog cannot be stopped: after a reset without /main.py there is none."""
    if "main.py" in there:
        board.ask(asked.NO_COPY)
        board.remove(MAIN)
        board.reset()
        board.enter()


def _copy_program(board: Board, said: Told) -> None:
    program = image.compiled(image.shipped())
    if board.rom_size():
        rom = image.image(program)
        said.written = ["/rom"] if board.put_rom(rom, progress()) else []
        said.octets = len(rom)
        board.ask(asked.FIRST_HALF)
    else:
        step(
            "  没有 romfs 分区：程序放进文件系统，只有带 PSRAM 的板才跑得动",
            "no romfs partition: from files only a board with PSRAM can run it (see --dry-run)",
        )
        files = {f"/lib/{path}": code for path, code in program.items()}
        said.written, said.octets = board.put(files, progress()), sum(map(len, files.values()))
    done = f"{len(said.written)} written" if said.written else "nothing had changed"
    step(f"2 程序 {len(program)} 个模块，{said.octets} 字节", f"the program, {len(program)} modules: {done}")
    if not int(board.ask(asked.JOURNALS)):
        step(
            "  没有 journal 分区：日志与设置在一起，文件系统坏了要等人来（见 --firmware）",
            "no journal partition: beside the settings, a file system that breaks waits for a person (see --firmware)",
        )
    board.restart()


def _key(board: Board) -> str:
    key_hex = board.ask(asked.KEY, _SLOW_S).strip().splitlines()[-1]
    try:
        p256.from_spki(bytes.fromhex(key_hex))
    except ValueError as error:
        raise SurroundingsError(
            f"板子给出的不是公钥：{key_hex[:40]}", f"the board told no public key: {key_hex[:40]}"
        ) from error
    return key_hex


def _account(told: dict[str, Any], said: Told) -> dict[str, Any] | None:
    """What the unit needs to report: from the gateway, from a file, or None where neither was named."""
    who = enrolment(told)
    assert said.key is not None
    if told["gateway"] is not None:
        account = enrol(told["gateway"], told["root"], who, said.key)
        said.enrolled = True
        step(f"4 已在网关登记 {told['gateway']}", "enrolled in the gateway")
    elif told["account"] is not None:
        account = _read_account(told)
    else:
        said.next = who.lines(said.key)
        return None
    wifi = (
        {"ssid": told["wifi_ssid"], "password": told["wifi_password"]}
        if told["wifi_ssid"]
        else account["wifi"]
    )
    return {"mqtt": account["mqtt"], "wifi": wifi, "ca": account["ca"], "tag_key": account.get("tag_key")}


def _read_account(told: dict[str, Any]) -> dict[str, Any]:
    path, asked = told["account"], shlex.join(enrolment(told).account())
    try:
        account = json.loads(path.read_text("utf-8"))
        if account["unit"] != told["unit"]:
            raise ValueError(f"of unit {account['unit']}")
        wanted = ["clinic", "mqtt", "wifi", "ca", *(["tag_key"] if told["reader"] else [])]
        if missing := [each for each in wanted if not account.get(each)]:
            raise ValueError(f"no {missing[0]}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} 不是单元 {told['unit']} 的账号（{error}）：请用 {asked} --json 的输出",
            f"{path} is no account of {told['unit']} ({error}): use what {asked} --json printed",
        ) from error
    return account


def _configure(board: Board, told: dict[str, Any], said: Told) -> None:
    """The unit's files; then the board itself reads them by its own rules."""
    said.written += board.put(unit_json.files(told), progress())
    board.restart()
    board.ask(asked.SETTINGS)
    said.configured = True
    step("5 设置已写入，板子自己读过", "configured; the board has read it by its own rules")


def _print_label(told: dict[str, Any], said: Told) -> None:
    assert said.key is not None
    path = told["label_file"] or Path(f"{told['unit']}.svg")
    try:
        path.write_text(label.svg(told["clinic"], told["unit"], told["load"], said.key), encoding="utf-8")
    except OSError as error:
        raise SurroundingsError(
            f"标签 {path} 不能写入（{error.strerror}）：请用 --label",
            f"the label {path} cannot be written ({error.strerror}): use --label",
        ) from error
    said.label = str(path)
    step(f"6 标签 {path}：打印，贴在封条旁", "the label: print it, and put it beside the seal")


def _tell_what_is_next(told: dict[str, Any], said: Told) -> None:
    step(
        "注意：持有线缆的人能读出这块板的密钥；以封条为准，区里见过才是 A 级",
        "whoever holds the cable can read this board's key: mind the seal; grade A once the district saw it",
    )
    if said.configured:
        step("完成：板子已重新启动", "done: the board has started")
        return
    step(
        "在网关上运行这两行，再用 --account 运行本命令一次：",
        "run these two at the gateway, then this command again with --account:",
    )
    for line in said.next:
        click.echo(line, err=told["as_json"] or not told["print_enrol"])
