"""The configuration of a ledger folder, `wattwitness.toml`: read and checked.

Each value is checked by a rule of the tables below, and an error names the field, the rule and the value.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway import logs
from gateway.errors import UsageError
from gateway.fields import TEXT, Rule, refuse, text
from gateway.instants import midnight_ms
from protocol import topics
from protocol.errors import EmitError

FILE = "wattwitness.toml"
CLINIC, DISTRICT = "clinic", "district"


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Where the broker is, and the gateway's own account there. `ca` is a PEM file."""

    host: str = "127.0.0.1"
    port: int = 1883
    user: str = ""
    password: str = ""
    tls: bool = False
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Serve:
    """Where the pages are, and by which `names` besides browsers reach them: that of the proxy in front. `cert` and `key`
    are files (PEM), relative to the ledger's folder: with them the pages are served over TLS."""

    host: str = "127.0.0.1"
    port: int = 8080
    names: tuple[str, ...] = ()
    cert: str = ""
    key: str = ""
    log: str = logs.TEXT


@dataclass(frozen=True, slots=True)
class His:
    """What the clinic's HIS may ask over HTTP: the key that it shows, and whether it settles after the treatment."""

    key: str
    settle_after_treatment: bool = False


@dataclass(frozen=True, slots=True)
class Metrics:
    """The key that Prometheus shows."""

    key: str


@dataclass(frozen=True, slots=True)
class HomeAssistant:
    """Under which topics Home Assistant looks for what is announced."""

    prefix: str = "homeassistant"


@dataclass(frozen=True, slots=True)
class Forward:
    """The district's address, and the token by which it knows this clinic."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """An accelerated clock: at the machine's `real_ms` it shows `shown_ms`."""

    real_ms: int
    shown_ms: int
    speed: float


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic of a district, as its bills are reconciled there; the rest of the fields is as in Config."""

    name: str
    opens: str = "08:00"
    closes: str = "20:00"
    closed: tuple[date, ...] = ()
    timezone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Config:
    """A checked configuration. `opens` and `closes` are HH:MM of the clinic's time, `closes` at most 24:00."""

    clinic: str
    name: str
    role: str = CLINIC
    opens: str = "08:00"
    closes: str = "20:00"
    closed: tuple[date, ...] = ()
    timezone: str = "Asia/Shanghai"
    mqtt: Mqtt | None = None
    serve: Serve = Serve()
    his: His | None = None
    forward: Forward | None = None
    metrics: Metrics | None = None
    home_assistant: HomeAssistant | None = None
    clock: ClockSetting | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    clinics: Mapping[str, Clinic] = field(default_factory=dict)

    @property
    def zone(self) -> tzinfo:
        """The clinic's time zone."""
        return ZoneInfo(self.timezone)

    def of_clinic(self, clinic: str) -> Config:
        """As a clinic's own configuration would be, of a clinic of this district; this one where it is that clinic's.
        UsageError where the district does not know its hours."""
        if self.role == CLINIC and clinic == self.clinic:
            return self
        if clinic not in self.clinics:
            raise UsageError(
                f"{FILE} 里没有 [clinics.{clinic}]：请写上它的 name、opens、closes",
                f"{FILE} has no [clinics.{clinic}]: write its name, opens and closes there",
            )
        known = self.clinics[clinic]
        return replace(
            self,
            clinic=clinic,
            name=known.name,
            opens=known.opens,
            closes=known.closes,
            closed=known.closed,
            timezone=known.timezone,
        )

    def opening_ms(self, day: date) -> tuple[int, int] | None:
        """Opening hours of a local day as (from, until) in milliseconds since 1970 UTC; None if closed."""
        if day in self.closed:
            return None
        start_ms = midnight_ms(day, self.zone)
        return start_ms + minutes(self.opens) * 60_000, start_ms + minutes(self.closes) * 60_000


def minutes(text: str) -> int:
    """Minutes of a day that HH:MM writes."""
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _text_or_nothing(value: Any) -> str:
    return value if isinstance(value, str) else refuse()


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else refuse()


def _whole(value: Any) -> int:
    return value if type(value) is int and value >= 0 else refuse()


def _port(value: Any) -> int:
    return value if type(value) is int and 0 <= value <= 65535 else refuse()


def _speed(value: Any) -> float:
    return value if type(value) in (int, float) and 0 < value <= 100_000 else refuse()


def _name(value: Any) -> str:
    try:
        return topics.name(text(value))
    except EmitError:
        refuse()


def _role(value: Any) -> str:
    return value if value in (CLINIC, DISTRICT) else refuse()


def _time_of_day(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-2]\d:[0-5]\d", value, re.ASCII):
        refuse()
    return value if minutes(value) <= 24 * 60 else refuse()


def _days(value: Any) -> tuple[date, ...]:
    if not isinstance(value, list):
        refuse()
    return tuple(sorted({date.fromisoformat(each) for each in value if isinstance(each, str) or refuse()}))


def _hosts(value: Any) -> tuple[str, ...]:
    known = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        refuse()
    names = tuple(each.lower() for each in value)
    return names if all(re.fullmatch(known, each) for each in names) else refuse()


def _log(value: Any) -> str:
    return value if value in logs.FORMS else refuse()


def _zone(value: Any) -> str:
    try:
        ZoneInfo(text(value))
    except (ZoneInfoNotFoundError, OSError):
        refuse()
    return value


def _url(value: Any) -> str:
    here = r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?"  # the token would be readable on any other way
    if not isinstance(value, str) or not re.fullmatch(rf"(https://[^/\s]+|{here})(/\S*)?", value):
        refuse()
    return value.rstrip("/")


def _tokens(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        refuse()
    return {_name(clinic): _token(token) for clinic, token in value.items()}


def _token(value: Any) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]{16,200}", value) else refuse()


_NAME = Rule(_name, "1 到 64 个字母、数字或 - _ .", "1 to 64 letters, digits or - _ .")
_ANY_TEXT = Rule(_text_or_nothing, "文字", "a text")
_TIME = Rule(_time_of_day, "HH:MM，最晚 24:00", "HH:MM, at most 24:00")
_PORT = Rule(_port, "0 到 65535 的整数", "a whole number from 0 to 65535")
_FLAG = Rule(_flag, "true 或 false", "true or false")
_WHOLE = Rule(_whole, "毫秒整数", "a whole number of milliseconds")
_TOKEN = Rule(_token, "16 到 200 个可见的 ASCII 字符", "16 to 200 visible ASCII characters")

TOP = {
    "clinic": _NAME,
    "name": TEXT,
    "role": Rule(_role, "clinic 或 district", "clinic or district"),
    "opens": _TIME,
    "closes": _TIME,
    "closed": Rule(_days, 'YYYY-MM-DD 的列表，如 ["2026-05-01"]', 'a list of dates, like ["2026-05-01"]'),
    "timezone": Rule(_zone, "时区名，如 Asia/Shanghai", "a time zone, like Asia/Shanghai"),
}
_CLINIC = {key: TOP[key] for key in ("name", "opens", "closes", "closed", "timezone")}
_MQTT = {
    "host": TEXT,
    "port": _PORT,
    "user": _ANY_TEXT,
    "password": _ANY_TEXT,
    "tls": _FLAG,
    "ca": _ANY_TEXT,
}
_SERVE = {
    "host": TEXT,
    "port": _PORT,
    "names": Rule(
        _hosts,
        '主机名的列表，不带端口，如 ["ww.clinic.example"]',
        'a list of host names without ports, like ["ww.clinic.example"]',
    ),
    "cert": _ANY_TEXT,
    "key": _ANY_TEXT,
    "log": Rule(_log, "text 或 json", "text or json"),
}
_HIS = {"key": _TOKEN, "settle_after_treatment": _FLAG}
_METRICS = {"key": _TOKEN}
_HOME_ASSISTANT = {"prefix": _NAME}
_FORWARD = {
    "url": Rule(
        _url, "https:// 地址；http:// 只用于本机", "an https:// address; http:// only for this machine"
    ),
    "token": _TOKEN,
}
_CLOCK = {
    "real_ms": _WHOLE,
    "shown_ms": _WHOLE,
    "speed": Rule(_speed, "大于 0、至多 100000 的数", "a number above 0, at most 100000"),
}
_DISTRICT = {"tokens": Rule(_tokens, f"诊所 = 令牌，{_TOKEN.zh}", f"clinic = token, of {_TOKEN.en}")}
_SECTIONS: dict[str, tuple[Mapping[str, Rule], Callable[..., Any]]] = {
    "mqtt": (_MQTT, Mqtt),
    "serve": (_SERVE, Serve),
    "his": (_HIS, His),
    "forward": (_FORWARD, Forward),
    "metrics": (_METRICS, Metrics),
    "home_assistant": (_HOME_ASSISTANT, HomeAssistant),
    "clock": (_CLOCK, ClockSetting),
}


def read(folder: Path) -> Config:
    """The configuration of a ledger folder; UsageError where there is none or a value breaks its rule."""
    path = folder / FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{folder} 不是账本目录（没有 {FILE}）：请先运行 wattwitness init，或用 --dir 指定目录",
            f"{folder} is no ledger folder (it has no {FILE}): run wattwitness init first, or name one by --dir",
        ) from None
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"不能读取 {path}：{error}", f"cannot read {path}: {error}") from None
    return check(document, str(path))


def check(document: Mapping[str, Any], where: str = FILE) -> Config:
    """The configuration that a TOML document writes; `where` stands in the errors."""
    sections = [*_SECTIONS, "district", "clinics"]
    top = {key: value for key, value in document.items() if key not in sections}
    values = _values(top, TOP, where, "")
    for section, (rules, make) in _SECTIONS.items():
        if section in document:
            values[section] = _section(document[section], rules, make, where, section)
    if "district" in document:
        values |= _values(document["district"], _DISTRICT, where, "district.")
    if "clinics" in document:
        values["clinics"] = _clinics(document["clinics"], where)
    config = _make(Config, values, where, "")
    _check_hours(config, where, "")
    _check_certificate(config.serve, where)
    return config


def _clinics(table: Any, where: str) -> dict[str, Clinic]:
    if not isinstance(table, Mapping):
        _complain(where, "clinics", table, "若干 [clinics.机构] 表", "tables [clinics.ID]")
    clinics = {}
    for name, about in table.items():
        prefix = f"clinics.{_values({'clinic': name}, TOP, where, 'clinics: ')['clinic']}."
        clinics[name] = _make(Clinic, _values(about, _CLINIC, where, prefix), where, prefix)
        _check_hours(clinics[name], where, prefix)
    return clinics


def _check_hours(about: Config | Clinic, where: str, prefix: str) -> None:
    if minutes(about.opens) >= minutes(about.closes):
        zh, en = f"晚于 opens（{about.opens}）", f"later than opens ({about.opens})"
        _complain(where, prefix + "closes", about.closes, zh, en)


def _check_certificate(serve: Serve, where: str) -> None:
    if bool(serve.cert) != bool(serve.key):
        lacks = "key" if serve.cert else "cert"
        _complain(where, f"serve.{lacks}", "", "与另一个成对的文件", "a file: cert and key go together")


def _section(
    table: Any, rules: Mapping[str, Rule], make: Callable[..., Any], where: str, section: str
) -> Any:
    return _make(make, _values(table, rules, where, section + "."), where, section + ".")


def _make(make: Callable[..., Any], values: dict[str, Any], where: str, prefix: str) -> Any:
    try:
        return make(**values)
    except TypeError as error:
        missing = ", ".join(prefix + each for each in re.findall(r"'(\w+)'", str(error)))
        raise UsageError(f"{where} 缺少 {missing}：请补上", f"{where} lacks {missing}: add it") from None


def _values(table: Any, rules: Mapping[str, Rule], where: str, prefix: str) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        _complain(where, prefix.rstrip("."), table, "一个 [表]", "a [table]")
    values = {}
    for key, value in table.items():
        if key not in rules:
            known = ", ".join(rules)
            raise UsageError(
                f"{where} 中没有名为 {prefix}{key} 的设置：可用的是 {known}",
                f"{where} has an unknown setting {prefix}{key}: there are {known}",
            )
        try:
            values[key] = rules[key].read(value)
        except (ValueError, TypeError):
            _complain(where, prefix + key, value, rules[key].zh, rules[key].en)
    return values


def _complain(where: str, key: str, value: Any, zh: str, en: str) -> NoReturn:
    raise UsageError(
        f"{where} 中 {key} = {value!r} 不合规则：应为{zh}", f"{where}: {key} = {value!r} must be {en}"
    )
