"""unit.toml, checked: every key that is not known and every value that cannot be is named with its rule.

unit = "U1"                     # letters, digits, '-', '_', '.'
clinic = "C1"
key = "u1.pem"                  # from `wattwitness-unit keygen`; paths are relative to this file
load = "tdp"                    # a profile of hardware/loads; post, or post16, for a unit that only reads tags
stations = 1                    # how many can be treated at once
required_s = 1140               # on for so long, the light is steady and the buzzer sounds; 0 never
tag_key = "tag.key"             # file with the clinic's key for tags, 64 hex digits; a reader needs it
journal = "journal"             # folder
journal_mb = 64

[profile]                       # what differs from the load's profile
on_mw = 30000

[mqtt]
host = "127.0.0.1"
port = 1883                     # 8883 with TLS
user = "U1"
password = "..."
ca = "ca.pem"                   # with it TLS is on; cert and key for a client certificate
reconnect_least_ms = 1000
reconnect_most_ms = 30000
resend_s = 30                   # without an acknowledgement for so long, send again; ten times that at most

[port]                          # what is read; docs/commands.md has the keys of each kind
kind = "bench"
scenario = "u1.json"

[box]                           # what is fitted: BCM numbers of pins, as in hardware/boards
led = 17
button = 27
buzzer = 22
case = 23                       # a switch that is closed while the case is
reader = "gm65"                 # gm65 or pn532, on
reader_device = "/dev/ttyAMA3"

[clock]                         # only for a bench: shown_ms at real_ms, speed times as fast
real_ms = 1772409600000
shown_ms = 1772409600000
speed = 1000
synchronised_after_s = 0        # until then the unit does not know the time
"""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from firmware import VERSION
from firmware.agent.config import Config, ConfigError
from firmware.rpi.errors import UsageError
from firmware.rpi.port_settings import METERS, NONE, PortSettings, read_port
from firmware.rpi.tables import Table
from hardware.loads.profiles import load_profile
from hardware.ports import PortError

READERS = ("gm65", "pn532")  # modules of hardware/drivers
_POST = re.compile(r"post([1-9][0-9]*)?")


@dataclass(frozen=True)
class MqttSettings:
    """Where the broker is, how long to wait between two attempts, and for an acknowledgement before sending again."""

    host: str = "127.0.0.1"
    port: int = 1883
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    reconnect_least_ms: int = 1000
    reconnect_most_ms: int = 30000
    resend_s: int = 30


@dataclass(frozen=True)
class BoxSettings:
    """What staff can see and touch; None is not fitted. Pins by their BCM numbers."""

    led: int | None = None
    led_active: str = "high"
    button: int | None = None
    buzzer: int | None = None
    case: int | None = None
    reader: str | None = None
    reader_device: Path | None = None


@dataclass(frozen=True)
class ClockSettings:
    """A bench clock; see hardware/ports/bench.py."""

    real_ms: int
    shown_ms: int
    speed: int = 1
    synchronised_after_s: int = 0


@dataclass(frozen=True)
class Settings:
    """All that a unit process is told."""

    clinic: str
    load: str
    key: Path
    journal: Path
    journal_bytes: int
    agent: Config
    mqtt: MqttSettings
    port: PortSettings
    box: BoxSettings | None = None
    required_s: int = 0
    tag_key: Path | None = None
    clock: ClockSettings | None = field(default=None)


_TOP = {
    "unit",
    "clinic",
    "key",
    "load",
    "stations",
    "required_s",
    "tag_key",
    "journal",
    "journal_mb",
    "profile",
    "mqtt",
    "port",
    "box",
    "clock",
}


def read_settings(path: Path) -> Settings:
    """The settings in a file; UsageError names the file, the key, the rule and the value."""
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
        return _settings(Table(fields, "", path.parent))
    except OSError as error:
        en = f"{path}: cannot be read ({error.strerror}): name a unit.toml"
        raise UsageError(f"{path}：无法读取，请指明 unit.toml", en) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}：不是 TOML，请改正", f"{path}: is no TOML ({error}): correct it there"
        ) from error
    except (UsageError, PortError) as error:
        raise UsageError(f"{path}：{error.zh}", f"{path}: {error.en}") from error
    except ConfigError as error:
        zh, en = said_of(error)
        raise UsageError(f"{path}：{zh}", f"{path}: {en}") from error


def said_of(error: ConfigError) -> tuple[str, str]:
    """A refused field in Chinese, and in English with its rule."""
    return f"{error.field} 的值 {error.value!r} 不合规则", str(error)


def is_post(load: str) -> bool:
    """Whether that is the class of a unit which reads tags where no meter sees what is done: any item's, or one item's."""
    return _POST.fullmatch(load) is not None


def agent_config(
    unit: str, load: str, changes: dict[str, int], meter: dict[str, str], **habits: int
) -> Config:
    """An agent's configuration from a load's profile and what differs from it."""
    profile = {**load_profile(load).detector, **changes}
    return Config({"unit": unit, "version": VERSION, "meter": meter, "profile": profile, **habits})


def _settings(top: Table) -> Settings:
    top.refuse_all_but(_TOP)
    port, mqtt = read_port(top.table("port")), _mqtt(top.table("mqtt"))
    clock = _clock(top.table("clock")) if "clock" in top.fields else None
    agent = _agent(top, port, mqtt.resend_s * (clock.speed if clock else 1))
    _refuse_long_pauses(port, agent.profile.silence_s)
    box = _box(top.table("box")) if "box" in top.fields else None
    has_reader = box is not None and box.reader is not None
    _refuse_half_a_post(top, port, has_reader)
    if has_reader:
        top.path("tag_key")  # without it nothing that is read could be a tag
    return Settings(
        clinic=top.name("clinic"),
        load=top.text("load"),
        key=top.path("key"),
        journal=top.path("journal", "journal"),
        journal_bytes=top.whole("journal_mb", 64, 1, 1 << 16) << 20,
        agent=agent,
        mqtt=mqtt,
        port=port,
        box=box,
        required_s=top.whole("required_s", 0, 0, 86400),
        tag_key=top.path("tag_key", None),
        clock=clock,
    )


def _agent(top: Table, port: PortSettings, resend_s: int) -> Config:
    """`resend_s` is by the unit's clock: a network is no faster when that one is."""
    unit = top.text("unit")
    changes: dict[str, int] = top.table("profile").fields if "profile" in top.fields else {}
    habits = {
        "stations": top.whole("stations", 1, 1, 16),
        "resend_s": resend_s,
        "resend_most_s": 10 * resend_s,
    }
    if port.kind == NONE:
        return Config({"unit": unit, "version": VERSION, **habits})
    return agent_config(unit, top.text("load"), changes, port.meter(unit), **habits)


def _refuse_half_a_post(top: Table, port: PortSettings, has_reader: bool) -> None:
    """Without a meter a unit can only read tags, and never stand for a lamp that nobody watches."""
    if port.kind != NONE:
        return
    if not is_post(top.text("load")):
        en = f"load must be post, or post16 for item 16, where port.kind is none, but is {top.text('load')}"
        raise UsageError(
            f"port.kind 为 none 时 load 应为 post（或 post16 这样写明项目），现为 {top.text('load')}", en
        )
    if not has_reader or "profile" in top.fields:
        en = "where port.kind is none there must be a box.reader, and no profile"
        raise UsageError("port.kind 为 none 时须有 box.reader，且不写 profile", en)


def _refuse_long_pauses(port: PortSettings, silence_s: int) -> None:
    """One reading that is missed must not be a silence."""
    if port.pause_ms * 2 > silence_s * 1000:
        key, value = ("every_ms", port.every_ms) if port.kind in METERS else ("poll_s", port.poll_s)
        en = f"port.{key} must be at most half of profile.silence_s, {silence_s} s, but is {value}"
        raise UsageError(f"port.{key} 至多是 profile.silence_s（{silence_s} 秒）的一半，现为 {value}", en)


def _mqtt(table: Table) -> MqttSettings:
    table.refuse_all_but(set(MqttSettings.__dataclass_fields__))
    _refuse_half_a_certificate(table)
    least_ms = table.whole("reconnect_least_ms", 1000, 10, 60000)
    return MqttSettings(
        host=table.text("host", "127.0.0.1"),
        port=table.whole("port", 8883 if "ca" in table.fields else 1883, 1, 65535),
        user=table.text("user", None),
        password=table.text("password", None),
        ca=table.path("ca", None),
        cert=table.path("cert", None),
        key=table.path("key", None),
        reconnect_least_ms=least_ms,
        reconnect_most_ms=max(least_ms, table.whole("reconnect_most_ms", 30000, 10, 600000)),
        resend_s=table.whole("resend_s", 30, 1, 3600),
    )


def _refuse_half_a_certificate(table: Table) -> None:
    """Without `ca` there is no TLS, and nobody would notice."""
    given = [each for each in ("ca", "cert", "key") if each in table.fields]
    if given not in ([], ["ca"], ["ca", "cert", "key"]):
        en = f"mqtt.cert and mqtt.key go together and with mqtt.ca, but given is {', '.join(given)}"
        raise UsageError(f"mqtt.cert 和 mqtt.key 须同时给出，并给出 mqtt.ca，现有 {'、'.join(given)}", en)


def _box(table: Table) -> BoxSettings:
    pins = ("led", "button", "buzzer", "case")
    table.refuse_all_but(set(BoxSettings.__dataclass_fields__))
    found = {each: table.whole(each, None, 0, 27) for each in pins if each in table.fields}
    for earlier, later in itertools.combinations(found, 2):
        if found[earlier] == found[later]:
            en = f"box.{later} must be another pin than box.{earlier}, but is {found[later]}"
            raise UsageError(f"box.{later} 与 box.{earlier} 用了同一个引脚 {found[later]}", en)
    has_reader = "reader" in table.fields
    return BoxSettings(
        **found,
        led_active=table.one_of("led_active", ("high", "low"), "high"),
        reader=table.one_of("reader", READERS, None) if has_reader else None,
        reader_device=table.path("reader_device") if has_reader else None,
    )


def _clock(table: Table) -> ClockSettings:
    table.refuse_all_but(set(ClockSettings.__dataclass_fields__))
    return ClockSettings(
        real_ms=table.whole("real_ms", None, 0, 1 << 53),
        shown_ms=table.whole("shown_ms", None, 0, 1 << 53),
        speed=table.whole("speed", 1, 1, 100000),
        synchronised_after_s=table.whole("synchronised_after_s", 0, 0, 1 << 31),
    )
