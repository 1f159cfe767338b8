"""unit.toml, checked: every key that is not known and every value that cannot be is named with its rule.

unit = "U1"                     # letters, digits, '-', '_', '.'
clinic = "C1"
key = "u1.pem"                  # from `wattwitness-unit keygen`; paths are relative to this file
load = "tdp"                    # a profile of hardware/loads
stations = 1                    # how many can be treated at once
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

[port]
kind = "bench"                  # bench: scenario = "u1.json"; csv: file = "trace.csv";
scenario = "u1.json"            # tasmota: topic = "tasmota_5014E2", poll_s = 10

[clock]                         # only for a bench: shown_ms at real_ms, speed times as fast
real_ms = 1772409600000
shown_ms = 1772409600000
speed = 1000
synchronised_after_s = 0        # until then the unit does not know the time
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware import VERSION
from firmware.agent.config import Config, ConfigError
from firmware.rpi.errors import UsageError
from hardware.loads.profiles import load_profile
from hardware.ports import PortError
from protocol.errors import EmitError
from protocol.record import PLUG
from protocol.topics import name


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
class PortSettings:
    """What is read: `kind` bench with `scenario`, csv with `file`, or tasmota with `topic`."""

    kind: str
    scenario: Path | None = None
    file: Path | None = None
    topic: str | None = None
    poll_s: int = 10


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
    key: Path
    journal: Path
    journal_bytes: int
    agent: Config
    mqtt: MqttSettings
    port: PortSettings
    clock: ClockSettings | None = field(default=None)


_TOP = {
    "unit",
    "clinic",
    "key",
    "load",
    "stations",
    "journal",
    "journal_mb",
    "profile",
    "mqtt",
    "port",
    "clock",
}
_WORDS = {str: ("文字", "text"), int: ("整数", "a whole number"), dict: ("表", "a table")}


def read_settings(path: Path) -> Settings:
    """The settings in a file; UsageError names the file, the key, the rule and the value."""
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
        return _settings(_Table(fields, "", path.parent))
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


def agent_config(
    unit: str, load: str, changes: dict[str, int], meter: dict[str, str], **habits: int
) -> Config:
    """An agent's configuration from a load's profile and what differs from it."""
    profile = {**load_profile(load).detector, **changes}
    return Config({"unit": unit, "version": VERSION, "meter": meter, "profile": profile, **habits})


def _settings(top: _Table) -> Settings:
    top.refuse_all_but(_TOP)
    port, mqtt = _port(top.table("port")), _mqtt(top.table("mqtt"))
    clock = _clock(top.table("clock")) if "clock" in top.fields else None
    unit, speed = top.text("unit"), clock.speed if clock else 1
    changes = top.table("profile").fields if "profile" in top.fields else {}
    return Settings(
        clinic=top.name("clinic"),
        key=top.path("key"),
        journal=top.path("journal", "journal"),
        journal_bytes=top.whole("journal_mb", 64, 1, 1 << 16) << 20,
        agent=agent_config(
            unit,
            top.text("load"),
            changes,
            _meter(unit, port),
            stations=top.whole("stations", 1, 1, 16),
            resend_s=mqtt.resend_s * speed,  # a network is no faster when the clock is
            resend_most_s=10 * mqtt.resend_s * speed,
        ),
        mqtt=mqtt,
        port=port,
        clock=clock,
    )


def _meter(unit: str, port: PortSettings) -> dict[str, str]:
    if port.kind == "tasmota":
        return {"maker": PLUG, "model": "tasmota", "serial": str(port.topic), "version": "1"}
    return {"maker": "bench", "model": port.kind, "serial": unit, "version": "1"}


def _port(table: _Table) -> PortSettings:
    kind = table.text("kind")
    if kind == "bench":
        table.refuse_all_but({"kind", "scenario"})
        return PortSettings(kind, scenario=table.path("scenario"))
    if kind == "csv":
        table.refuse_all_but({"kind", "file"})
        return PortSettings(kind, file=table.path("file"))
    if kind == "tasmota":
        table.refuse_all_but({"kind", "topic", "poll_s"})
        return PortSettings(kind, topic=table.name("topic"), poll_s=table.whole("poll_s", 10, 0, 300))
    en = f"port.kind must be bench, csv or tasmota, but is {kind!r}"
    raise UsageError(f"port.kind 应为 bench、csv 或 tasmota，现为 {kind!r}", en)


def _mqtt(table: _Table) -> MqttSettings:
    table.refuse_all_but(set(MqttSettings.__dataclass_fields__))
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


def _clock(table: _Table) -> ClockSettings:
    table.refuse_all_but(set(ClockSettings.__dataclass_fields__))
    return ClockSettings(
        real_ms=table.whole("real_ms", None, 0, 1 << 53),
        shown_ms=table.whole("shown_ms", None, 0, 1 << 53),
        speed=table.whole("speed", 1, 1, 100000),
        synchronised_after_s=table.whole("synchronised_after_s", 0, 0, 1 << 31),
    )


_MUST: Any = object()


class _Table:
    """One table of the file. Its readers raise UsageError with the key, the rule and the value."""

    def __init__(self, fields: dict[str, Any], room: str, folder: Path) -> None:
        self.fields, self._room, self._folder = fields, room, folder

    def refuse_all_but(self, known: set[str]) -> None:
        for key in self.fields:
            if key not in known:
                words, where = ", ".join(sorted(known)), self._room + key
                raise UsageError(f"没有配置项 {where}，可用 {words}", f"{where} is not a key: use {words}")

    def table(self, key: str) -> _Table:
        return _Table(self._typed(key, _MUST, dict), f"{self._room}{key}.", self._folder)

    def text(self, key: str, default: Any = _MUST) -> Any:
        return self._typed(key, default, str)

    def name(self, key: str) -> str:
        try:
            return name(self.text(key))
        except EmitError as error:
            raise UsageError(
                f"{self._room}{key} 只能用字母、数字、-、_ 和 .", f"{self._room}{key}: {error}"
            ) from error

    def path(self, key: str, default: Any = _MUST) -> Any:
        value = self._typed(key, default, str)
        return None if value is None else self._folder / value

    def whole(self, key: str, default: int | None, least: int, most: int) -> int:
        value = self._typed(key, _MUST if default is None else default, int)
        if not least <= value <= most:
            en = f"{self._room}{key} must be from {least} to {most}, but is {value!r}"
            raise UsageError(f"{self._room}{key} 应在 {least} 与 {most} 之间，现为 {value!r}", en)
        return value

    def _typed(self, key: str, default: Any, kind: type) -> Any:
        where, value = self._room + key, self.fields.get(key, default)
        if value is _MUST:
            en = f"{where} is missing: it must be {_WORDS[kind][1]}"
            raise UsageError(f"缺少配置项 {where}（{_WORDS[kind][0]}）", en)
        if value is not default and type(value) is not kind:
            en = f"{where} must be {_WORDS[kind][1]}, but is {value!r}"
            raise UsageError(f"{where} 应为{_WORDS[kind][0]}，现为 {value!r}", en)
        return value
