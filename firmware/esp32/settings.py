"""`/unit.json`, checked: every key that is not known and every value that cannot be is named with its rule.

    {"unit": "U1", "clinic": "C1", "board": "esp32_devkitc_v4", "stations": 1, "required_s": 1140,
     "meter": {"kind": "pzem004t_v3", "maker": "Peacefair", "model": "PZEM-004T", "serial": "0042", "version": "3.0",
               "every_ms": 1000, "address": 1},
     "profile": {"on_mw": 40000, "off_mw": 25000},
     "wifi": {"ssid": "clinic", "password": "at least 8"},
     "mqtt": {"host": "192.168.8.1", "port": 8883, "user": "U1", "password": "...", "ca": "/ca.der", "name": "gateway"},
     "ntp": "192.168.8.1", "reader": "", "tag_key": "", "release_key": "", "retention_days": 30, "journal_kb": 1024}

A unit that only reads tags has "meter": {"kind": "none"}, a reader, and no profile.
One JSON object, printable ASCII (`\\uXXXX` for the rest), no name twice, whole numbers only. README.md has every key.
This file does not know what a key is for.
"""

import binascii

from firmware.agent.config import HABITS, PROFILE, Config, ConfigError
from protocol import p256, strictjson
from protocol.errors import EmitError
from protocol.topics import name

_MUST = None  # in place of a default: has to be given
_SECRET = ("password", "tag_key")  # an error does not repeat their values

# key: (default, least, most) of a whole number; (default, longest) of a text
TOP = {
    "unit": (_MUST, 64),
    "clinic": (_MUST, 64),
    "board": (_MUST, 64),  # a module of hardware/boards
    "version": ("", 64),  # whoever provisions may write what was installed; the unit says its own
    "ntp": ("", 253),  # "" for none
    "reader": ("", 64),  # a module of hardware/drivers, or "" for none
    "tag_key": ("", 64),  # the clinic's key for tags: 64 hex digits, or "" for none
    "release_key": ("", 182),  # whose releases it takes over the air: DER SPKI in hex, or "" for none
    "required_s": (0, 0, 86400),  # on for so long, the light is steady; 0 for never
    "retention_days": (30, 1, 3650),
    "journal_kb": (1024, 64, 16384),
}
METER = {
    "kind": (_MUST, 64),
    "maker": (_MUST, 64),
    "model": (_MUST, 64),
    "serial": (_MUST, 64),
    "version": (_MUST, 64),
    "every_ms": (1000, 200, 60000),
}
METERS = {  # what a kind of meter may be told besides
    "pzem004t_v3": {"address": (1, 1, 247)},
    "bl0942": {"address": (0, 0, 3), "shunt_uohm": (10000, 100, 1000000)},
    "ina226": {"shunt_uohm": (100000, 100, 10000000), "step_ua": (50, 1, 10000), "address": (64, 64, 79)},
}
WIFI = {"ssid": (_MUST, 32), "password": ("", 64)}
MQTT = {
    "host": (_MUST, 253),
    "port": (0, 0, 65535),  # 0: 8883 with a CA, else 1883
    "user": ("", 64),
    "password": ("", 128),
    "ca": ("", 64),  # file on the flash, DER or PEM: with it TLS is on
    "cert": ("", 64),  # files on the flash: the unit's own certificate
    "key": ("", 64),
    "name": ("", 253),  # what the broker's certificate is made out to, if not `host`
    "keepalive_s": (60, 5, 3600),
}
# What a board's heap and radio bear; firmware/agent/config.HABITS has the meaning of each.
SMALL = {"window": 16, "batch": 4}
_KB_A_DAY = 21  # of a day with 24 treatments and their tags, measured (docs/unit-figures.md)
_TABLES = ("meter", "profile", "wifi", "mqtt")
_HEX = "0123456789abcdef"


class Settings:
    """All that a unit is told. `agent` is a Config; `meter`, `wifi` and `mqtt` are dicts with every key of their table."""

    def __init__(self, fields: dict, version: str):
        _refuse_unknown(fields, list(TOP) + list(HABITS) + list(_TABLES), "")
        top = _checked(fields, TOP, "")
        self.clinic, self.board = _name(top, "clinic"), _module(top, "board")
        self.reader = _module(top, "reader") if top["reader"] else ""
        self.ntp, self.required_s = top["ntp"], top["required_s"]
        self.journal_bytes = _journal_kb(top) * 1024
        self.tag_key = _tag_key(top["tag_key"])
        key = top["release_key"]
        try:
            self.release_key = p256.from_spki(binascii.unhexlify(key)) if key else b""
        except ValueError:
            raise ConfigError("release_key", "must be a P-256 public key, DER in hex", key)
        self.meter = _meter(_table(fields, "meter"), self.reader)
        self.wifi = _wifi(_only(_table(fields, "wifi"), WIFI, "wifi."))
        self.mqtt = _mqtt(_only(_table(fields, "mqtt"), MQTT, "mqtt."))
        self.agent = _agent(fields, self.meter, version)
        self.unit = self.agent.unit


def read(raw: bytes, version: str) -> Settings:
    """The settings that a unit.json writes, for a firmware of `version`. ConfigError names field, rule, value."""
    try:
        text = str(raw, "utf-8").replace("\r", " ").replace("\n", " ").replace("\t", " ").strip()
        fields = strictjson.read(text)
    except (ValueError, UnicodeError) as error:
        raise ConfigError("unit.json", "must be one JSON object in ASCII (%s)" % error, raw[:20])
    if not isinstance(fields, dict):
        raise ConfigError("unit.json", "must be one JSON object", raw[:20])
    return Settings(fields, version)


def _agent(fields: dict, meter: dict, version: str) -> Config:
    told = {"unit": fields.get("unit"), "version": version}
    if meter["kind"] in METERS:
        told["meter"] = {each: meter[each] for each in ("maker", "model", "serial", "version")}
        told["profile"] = _table(fields, "profile")
        _refuse_unknown(told["profile"], list(PROFILE), "profile.")
    elif "profile" in fields:
        raise ConfigError("profile", "must be left out where meter.kind is none", fields["profile"])
    told.update(SMALL)
    told.update({each: fields[each] for each in HABITS if each in fields})
    return Config(told)


def _meter(table: dict, reader: str) -> dict:
    kind = table.get("kind")
    if kind == "none":  # and nothing of all that goes with a meter: the unit only reads tags
        if not reader:
            raise ConfigError("reader", "must be given where meter.kind is none", reader)
        return _only(table, {"kind": METER["kind"], "every_ms": METER["every_ms"]}, "meter.")
    if kind not in METERS:
        raise ConfigError("meter.kind", "must be one of " + ", ".join(sorted(METERS) + ["none"]), kind)
    rules = dict(METER)
    rules.update(METERS[kind])
    return _only(table, rules, "meter.")


def _wifi(table: dict) -> dict:
    if 0 < len(table["password"]) < 8:
        raise ConfigError("wifi.password", "must be at least 8 characters, or '' for an open network", "...")
    return table


def _mqtt(table: dict) -> dict:
    if bool(table["cert"]) != bool(table["key"]):
        raise ConfigError("mqtt.cert", "and mqtt.key go together", table["cert"])
    if table["cert"] and not table["ca"]:
        raise ConfigError("mqtt.ca", "must name the CA where mqtt.cert is given", table["ca"])
    if table["port"] == 0:
        table["port"] = 8883 if table["ca"] else 1883
    if not table["name"]:
        table["name"] = table["host"]
    return table


def _journal_kb(top: dict) -> int:
    least = top["retention_days"] * _KB_A_DAY
    if top["journal_kb"] < least:
        raise ConfigError("journal_kb", "must be at least %d for retention_days" % least, top["journal_kb"])
    return top["journal_kb"]


def _tag_key(text: str):
    if text == "":
        return None
    if len(text) != 64 or not all(c in _HEX for c in text):
        raise ConfigError("tag_key", "must be 64 lower-case hex digits, or ''", "...")
    return bytes([int(text[at : at + 2], 16) for at in range(0, 64, 2)])


def _name(fields: dict, field: str) -> str:
    try:
        return name(fields[field])
    except EmitError:
        raise ConfigError(field, "must be letters, digits, '-', '_' or '.'", fields[field])


def _module(fields: dict, field: str) -> str:
    text = fields[field]
    if not text or not all(c in "abcdefghijklmnopqrstuvwxyz0123456789_" for c in text):
        raise ConfigError(field, "must be lower-case letters, digits or '_'", text)
    return text


def _table(fields: dict, field: str) -> dict:
    value = fields.get(field)
    if not isinstance(value, dict):
        raise ConfigError(field, "must be a table", value)
    return value


def _only(table: dict, rules: dict, room: str) -> dict:
    _refuse_unknown(table, list(rules), room)
    return _checked(table, rules, room)


def _refuse_unknown(table: dict, known: list, room: str):
    for field in table:
        if field not in known:
            raise ConfigError(room + field, "is not among " + ", ".join(sorted(known)), table[field])


def _checked(table: dict, rules: dict, room: str) -> dict:
    return {field: _value(table, field, rules[field], room) for field in rules}


def _value(table: dict, field: str, rule: tuple, room: str):
    value = table.get(field, rule[0])
    shown = "..." if field in _SECRET and value is not _MUST else value
    if len(rule) == 3:
        if type(value) is not int or not rule[1] <= value <= rule[2]:
            raise ConfigError(room + field, "must be a whole number from %d to %d" % rule[1:], shown)
    elif not isinstance(value, str) or not (0 if rule[0] == "" else 1) <= len(value) <= rule[1]:
        least = "at most" if rule[0] == "" else "1 to"
        raise ConfigError(room + field, "must be text of %s %d characters" % (least, rule[1]), shown)
    return value
