"""`wattwitness-unit replay`: what a unit would have said to a recorded day."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from firmware.agent.config import MOST_MW, Config, ConfigError
from firmware.rpi import keyfile
from firmware.rpi.deliver import Courier
from firmware.rpi.errors import UsageError
from firmware.rpi.mqtt import Link
from firmware.rpi.playback import Played, play, summary
from firmware.rpi.settings import MqttSettings, agent_config, said_of
from hardware.loads.profiles import load_profile
from hardware.ports import PortError
from hardware.ports.trace import read_trace
from protocol.errors import EmitError
from protocol.topics import name

_PATH: Any = click.Path(path_type=Path)
_MILLI: Any = click.FloatRange(min=0.001, max=25000)


@click.command()
@click.argument("trace", type=_PATH)
@click.option("--unit", required=True, help="单元编号 unit name")
@click.option("--key", type=_PATH, required=True, help="私钥文件 key file, from keygen")
@click.option("--load", default="tdp", show_default=True, help="负载类型 load profile")
@click.option("--out", type=_PATH, help="记录文件，每行一条 record lines, one per line")
@click.option("--on-w", type=_MILLI, help="开启阈值（瓦） on at or above, watts")
@click.option("--off-w", type=_MILLI, help="关闭阈值（瓦） off below, watts")
@click.option(
    "--merge-s", type=click.IntRange(0, 3600), help="合并的最长中断（秒） longest interruption merged"
)
@click.option(
    "--mqtt", help="发送到代理 publish to a broker: mqtt://USER:PASSWORD@HOST:PORT, mqtts:// with --ca"
)
@click.option("--ca", type=_PATH, help="TLS 根证书 certificate authority")
@click.option("--clinic", help="机构编号，与 --mqtt 同用 clinic, with --mqtt")
@click.option(
    "--speed",
    type=click.IntRange(1, 100000),
    help="与 --mqtt 同用：每秒播放的秒数 with --mqtt: trace seconds per second; default: at once",
)
@click.option(
    "--wait-s", type=click.IntRange(1, 86400), default=60, show_default=True, help="等待确认 patience"
)
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON print one JSON document")
def replay(trace: Path, unit: str, key: Path, load: str, out: Path | None, **options: Any) -> None:
    """把功率曲线 TRACE.csv 当作一天来计量。 Run the agent over a recording of power.

    TRACE.csv 有表头和两列 time、power_w。 It has a header and the columns time (ISO 8601, local unless it carries a zone)
    and power_w. Two different recordings need two --unit names: one unit tells one history.

    \b
    例 Example:
        wattwitness-unit replay lamp.csv --unit U1 --key u1.pem --load tdp --out u1.ocmf
    """
    if out is None and options["mqtt"] is None:
        en = "nowhere to put the records: give --out FILE, or --mqtt URL with --clinic ID"
        raise UsageError("记录无处可放：请给出 --out 文件，或 --mqtt 地址和 --clinic 机构", en)
    config = _config(unit, load, options)
    link = _link(unit, options) if options["mqtt"] else None
    rows = _read(trace)
    played = play(rows, config, keyfile.read(key), _progress(len(rows)))
    if out is not None:
        _write(out, played.lines)
    contradicted = _deliver(link, played, options) if link else None
    said = summary(unit, played.lines)
    click.echo(json.dumps(said) if options["as_json"] else _prose(said))
    for each in [*played.refused, contradicted]:
        if each:
            click.echo(each, err=True)
    sys.exit(1 if played.refused or contradicted else 0)


def _config(unit: str, load: str, options: dict[str, Any]) -> Config:
    try:
        changes = _changes(load_profile(load).detector, options)
        meter = {"maker": "trace", "model": "csv", "serial": unit, "version": "1"}
        return agent_config(unit, load, changes, meter)
    except ConfigError as error:
        raise UsageError(*said_of(error)) from error
    except PortError as error:
        raise UsageError(error.zh, error.en) from error


def _changes(profile: dict[str, int], options: dict[str, Any]) -> dict[str, int]:
    """What the options change. A threshold takes the other along where that would come to lie on the wrong side, and says
    that this is not the profile's load, whose envelope then means nothing. A pause too long to be merged is not on either.
    """
    changes: dict[str, int] = {}
    on_w, off_w, merge_s = options["on_w"], options["off_w"], options["merge_s"]
    if on_w is not None:
        changes["on_mw"] = round(on_w * 1000)
        changes["off_mw"] = min(profile["off_mw"], changes["on_mw"])
    if off_w is not None:
        changes["off_mw"] = round(off_w * 1000)
    if changes:
        changes.update(least_mw=0, most_mw=MOST_MW)
    if merge_s is not None:
        changes["merge_s"] = merge_s
        changes["thermostat_s"] = min(profile["thermostat_s"], merge_s)
    return changes


def _read(trace: Path) -> list[tuple[int, int]]:
    try:
        return read_trace(trace)
    except PortError as error:
        raise UsageError(error.zh, error.en) from error


def _link(unit: str, options: dict[str, Any]) -> Link:
    url = urlsplit(options["mqtt"])
    if url.scheme not in ("mqtt", "mqtts") or not url.hostname:
        en = f"--mqtt must be mqtt://HOST:PORT or mqtts://HOST:PORT, but is {options['mqtt']!r}"
        raise UsageError("--mqtt 应写作 mqtt://主机:端口 或 mqtts://主机:端口", en)
    if options["clinic"] is None:
        raise UsageError(
            "--mqtt 需要 --clinic 机构编号", "--mqtt needs --clinic ID: the records' topic names it"
        )
    if (url.scheme == "mqtts") != (options["ca"] is not None):
        en = "mqtts:// and --ca go together: TLS needs to know whom to trust"
        raise UsageError("mqtts:// 与 --ca 须同时给出", en)
    settings = MqttSettings(
        host=url.hostname,
        port=url.port or (8883 if url.scheme == "mqtts" else 1883),
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        ca=options["ca"],
        reconnect_least_ms=200,
        reconnect_most_ms=2000,
    )
    try:
        return Link(settings, name(options["clinic"]), unit)
    except EmitError as error:
        raise UsageError("--clinic 只能用字母、数字、-、_ 和 .", f"--clinic: {error}") from error


def _write(out: Path, lines: list[str]) -> None:
    beside = out.with_name(out.name + ".part")
    try:
        with open(beside, "w", encoding="ascii", newline="\n") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
    except OSError as error:
        en = f"--out {out}: cannot be written ({error.strerror}): choose another file"
        raise UsageError(f"--out {out} 无法写入：请换一个文件", en) from error


def _deliver(link: Link, played: Played, options: dict[str, Any]) -> str | None:
    speed = options["speed"]
    due_s = [said_ms / 1000 / speed if speed else 0.0 for said_ms in played.said_ms]
    courier = Courier(link, played.lines, due_s, options["wait_s"])
    courier.run(_progress(len(played.lines)))
    return courier.contradicted


def _progress(of: int) -> Any:
    """A listener that tells each new tenth on stderr."""
    told = 0

    def tell(number: int) -> None:
        nonlocal told
        tenth = min(10, 10 * (number + 1) // of)
        if tenth > told:
            told = tenth
            in_place = sys.stderr.isatty()
            click.echo(f"{10 * tenth} %" + "\r" * in_place, err=True, nl=not in_place)

    return tell


def _prose(said: dict[str, Any]) -> str:
    lines = [f"{said['unit']}: 记录 {said['records']} records, 通电 {len(said['sessions'])} sessions"]
    for each in said["sessions"]:
        energy = f"{each['energy_mwh'] / 1000:.1f} Wh"
        lines.append(
            f"  {each['start']} – {each['end']}  {each['active_s']} s  {energy}  {each['end_code']}"
            f"  中断 interruptions {each['interruptions']}"
        )
    lines += [f"  无读数 gap {from_} – {until}" for from_, until in said["gaps"]]
    return "\n".join(lines)
