"""`wattwitness-unit run`: measure, sign, keep and send until asked to stop."""

from __future__ import annotations

from pathlib import Path

import click

from firmware.rpi import keyfile
from firmware.rpi.clocks import ShownClock, SystemClock
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.files import JournalFiles
from firmware.rpi.mqtt import Link
from firmware.rpi.ports import open_box, open_port, plug_of
from firmware.rpi.settings import Settings, read_settings
from firmware.rpi.unit import Unit, log
from hardware.ports.plug import PlugPort
from protocol import p256, seal
from protocol.errors import RecordError


@click.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="单元的配置 unit.toml")
def run(config: Path) -> None:
    """运行单元：计量、签名、保存、发送。 Run a unit until it is asked to stop (SIGTERM).

    \b
    例 Example:
        wattwitness-unit run --config unit.toml
    """
    settings = read_settings(config)
    secret = keyfile.read(settings.key)
    files = JournalFiles(settings.journal, settings.journal_bytes)
    _refuse_another_units(files, settings, secret)
    _refuse_what_fell_back(files, settings)
    if files.lost:
        log(f"日志尾部 {files.lost} 字节不可读，已跳过 journal: {files.lost} unreadable bytes passed over")
    unit_of(settings, secret, files).run()


def unit_of(settings: Settings, secret: bytes, files: JournalFiles) -> Unit:
    """A unit with the port, clock and link that `settings` describe. UsageError when the port cannot be opened."""
    clock = ShownClock(settings.clock) if settings.clock else SystemClock()
    plug, box = plug_of(settings.port), open_box(settings, log)
    link = Link(settings.mqtt, settings.clinic, settings.agent.unit, plug.topics if plug else ())
    if plug is not None:
        shop = PlugPort(plug, settings.port.poll_s, link.publish, lambda odd: log(f"插座 plug: {odd}"))
        return Unit(settings, secret, files, link, clock, shop, shop.hear, box)
    start_ms = clock.start_ms if isinstance(clock, ShownClock) else clock.at_ms(0) or 0
    return Unit(settings, secret, files, link, clock, open_port(settings.port, start_ms, log), box=box)


def _refuse_what_fell_back(files: JournalFiles, settings: Settings) -> None:
    """A record that was acknowledged had left: its number must not be given again, and nobody knows its digest."""
    acked, us = files.memory.acked, files.memory.us
    if acked > us:
        fell_back = f"record {acked} was acknowledged and the journal ends at {us}: its end is lost"
        en = f"{settings.journal}: {fell_back}; a new key needs a new unit name and an empty folder"
        lost = f"第 {acked} 号记录已被确认，日志却止于第 {us} 号，尾部已丢失"
        zh = f"{settings.journal}：{lost}；须换新密钥、新单元编号和空目录"
        raise SurroundingsError(zh, en)


def _refuse_another_units(files: JournalFiles, settings: Settings, secret: bytes) -> None:
    """A journal goes with its unit and its key: with another, every record from here on would be refused."""
    for line in files.lines(files.memory.us, files.memory.us):
        try:
            payload = seal.check(
                line, lambda message, r, s: p256.verify(p256.public_key(secret), message, r, s)
            )
        except RecordError as error:
            raise UsageError(
                f"{settings.journal}：由另一把密钥写成；换密钥须换单元编号，并用空目录",
                f"{settings.journal}: was written with another key: a new key needs a new unit name and an empty folder",
            ) from error
        if f'"GS":"{settings.agent.unit}"' not in payload:
            en = f"{settings.journal}: is another unit's journal: choose an empty folder"
            raise UsageError(f"{settings.journal}：是另一个单元的日志，请换一个空目录", en)
