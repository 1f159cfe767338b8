"""`wattwitness-unit calibrate`: what a recording tells about a load, and the [profile] that follows from it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from firmware.rpi.calibration import Found, NoLevels, Rows, calibrate
from firmware.rpi.errors import UsageError
from firmware.rpi.picture import svg_picture, text_picture
from firmware.rpi.playback import iso
from firmware.rpi.settings import read_settings
from firmware.rpi.watching import saving, watch
from hardware.loads.profiles import load_profile
from hardware.ports import PortError
from hardware.ports.trace import read_trace

_PATH: Any = click.Path(path_type=Path)
_FROM_RECORDING = ("on_mw", "off_mw", "least_mw", "most_mw")


@click.command("calibrate")
@click.argument("trace", type=_PATH, required=False)
@click.option(
    "--config", type=_PATH, help="改为实测：单元的配置（先停单元） measure live with this unit.toml"
)
@click.option(
    "--minutes",
    type=click.IntRange(1, 1440),
    default=45,
    show_default=True,
    help="实测多久 live: for how long",
)
@click.option("--load", help="负载类型，默认 tdp 或配置里的 load profile to start from")
@click.option(
    "--thermostat",
    is_flag=True,
    help="声明：反复的短停顿是设备自己的温控 the short pauses are the device's own",
)
@click.option("--save", "save_to", type=_PATH, help="实测另存为 CSV keep what was measured")
@click.option("--svg", type=_PATH, help="画成图 draw it")
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON print one JSON document")
def calibrate_command(trace: Path | None, config: Path | None, load: str | None, **options: Any) -> None:
    """由功率曲线（或实测）给出负载的阈值。 Propose a load's thresholds from a recording, or live.

    从关机录起，开机至少二十分钟，再关机；有调光的也录最低档。 Record it off, then on for twenty minutes at least, then off again;
    a dimmer's lowest setting too. The output under [profile] goes into unit.toml.

    \b
    例 Example:
        wattwitness-unit calibrate lamp.csv --load tdp --svg lamp.svg
        wattwitness-unit calibrate --config unit.toml --minutes 45 --save lamp.csv
    """
    _profile(load or "tdp")  # before anybody waits for three quarters of an hour
    rows, load = _recording(trace, config, load, options)
    try:
        found = calibrate(rows, _profile(load), options["thermostat"])
    except NoLevels as why:
        click.echo(f"{why.zh} · {why.en}", err=True)
        sys.exit(1)
    said = json.dumps(_document(rows, found)) if options["as_json"] else _prose(rows, found, load, options)
    click.echo(said)
    if options["svg"] is not None:
        _draw(options["svg"], rows, found)


def _profile(load: str) -> dict[str, int]:
    try:
        return load_profile(load).detector
    except PortError as error:
        raise UsageError(error.zh, error.en) from error


def _recording(
    trace: Path | None, config: Path | None, load: str | None, options: dict[str, Any]
) -> tuple[Rows, str]:
    if (trace is None) == (config is None):
        en = "give either a TRACE.csv, or --config unit.toml to measure live"
        raise UsageError("请给出 TRACE.csv，或用 --config unit.toml 实测，二者取一", en)
    if trace is not None:
        try:
            return read_trace(trace), load or "tdp"
        except PortError as error:
            raise UsageError(error.zh, error.en) from error
    assert config is not None
    settings = read_settings(config)
    with saving(options["save_to"]) as save:
        rows = watch(settings, options["minutes"], lambda text: click.echo(text, err=True))
        save(rows)
    return rows, load or settings.load


def _draw(path: Path, rows: Rows, found: Found) -> None:
    spans = [(from_ms, until_ms) for from_ms, until_ms, _ in found.sessions]
    try:
        path.write_text(svg_picture(rows, _lines(found), spans, "功率 Power"), encoding="utf-8")
    except OSError as error:
        en = f"--svg {path}: cannot be written ({error.strerror}): choose another file"
        raise UsageError(f"--svg {path} 无法写入：请换一个文件", en) from error


def _lines(found: Found) -> list[tuple[int, str]]:
    return [(found.profile[key], f"{key} {_w(found.profile[key])} W") for key in ("on_mw", "off_mw")]


# --- as JSON --------------------------------------------------------------------------------------------------------


def _document(rows: Rows, found: Found) -> dict[str, Any]:
    cycling, inrush = found.cycling, found.inrush
    return {
        "readings": len(rows),
        "from": iso(rows[0][0]),
        "until": iso(rows[-1][0]),
        "idle": vars(found.idle),
        "on": vars(found.on),
        "inrush": None if inrush is None else vars(inrush),
        "cycling": None if cycling is None else vars(cycling),
        "sessions": [
            {"start": iso(a), "end": iso(b), "active_s": active_s} for a, b, active_s in found.sessions
        ],
        "profile": found.profile,
    }


# --- for people -----------------------------------------------------------------------------------------------------


def _prose(rows: Rows, found: Found, load: str, options: dict[str, Any]) -> str:
    parts = [
        text_picture(rows, _lines(found)),
        *_seen(rows, found),
        "",
        *_asked(found, options["thermostat"]),
        *_toml(found, load),
    ]
    return "\n".join(parts)


def _seen(rows: Rows, found: Found) -> list[str]:
    idle, on, inrush = found.idle, found.on, found.inrush
    lines = [
        f"读数 {len(rows)} readings, {iso(rows[0][0])} – {iso(rows[-1][0])}, 间隔多在 {found.pace_ms / 1000:g} s 内 apart mostly at most",
        f"待机 idle: {_w(idle.mid_mw)} W, 至 up to {_w(idle.high_mw)} W, 共 in all {idle.held_s} s",
        f"开机 on: {_w(on.low_mw)} – {_w(on.mid_mw)} – {_w(on.high_mw)} W (最低、中位、最高 least, middle, most), 共 in all {on.held_s} s",
    ]
    if inrush is not None:
        lines.append(f"冲击 inrush: {_w(inrush.peak_mw)} W, {inrush.lasts_ms / 1000:g} s")
    if found.cycling is not None:
        each = found.cycling
        lines.append(
            f"循环 cycling: 停 {each.pauses} 次，每次 {each.shortest_s} 至 {each.longest_s} 秒，周期约 {each.period_s} 秒 · "
            f"{each.pauses} pauses of {each.shortest_s} to {each.longest_s} s, about every {each.period_s} s"
        )
    lines.append(
        f"按下面的设置，通电 {len(found.sessions)} 次 · with the settings below, {len(found.sessions)} sessions:"
    )
    lines += [
        f"  {iso(from_ms)} – {iso(until_ms)}  {active_s} s" for from_ms, until_ms, active_s in found.sessions
    ]
    return lines


def _asked(found: Found, declared: bool) -> list[str]:
    if found.cycling is None or declared:
        return []
    return [
        "这些停顿是设备自己的温控，还是有人开关？若是设备自己的，请加 --thermostat 再运行一次；否则不要加。",
        "Are these pauses the device's own thermostat, or did somebody switch it? If they are its own, run this again with",
        "--thermostat; if not, do not.",
        "",
    ]


def _toml(found: Found, load: str) -> list[str]:
    """What differs from the load's own profile, and the four that a recording tells anyway."""
    before = _profile(load)
    keys = [key for key, value in found.profile.items() if key in _FROM_RECORDING or value != before[key]]
    return ["[profile]", *[f"{key} = {found.profile[key]}" for key in keys]]


def _w(power_mw: int) -> str:
    return f"{power_mw / 1000:g}"
