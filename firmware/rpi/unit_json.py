"""A board's /unit.json and its other files, from what `provision` was told. What comes out was read by the unit's own rules."""

from __future__ import annotations

import json
import ssl
from typing import Any

from firmware import VERSION
from firmware.agent.config import ConfigError
from firmware.esp32 import settings
from firmware.rpi.errors import UsageError
from firmware.rpi.port_settings import NONE
from firmware.rpi.settings import said_of
from hardware.loads.profiles import load_profile

PATH, CA_PATH = "/unit.json", "/ca.der"

# kind: maker, model, version of the thing itself
METERS = {
    "pzem004t_v3": ("Peacefair", "PZEM-004T", "3.0"),
    "bl0942": ("Belling", "BL0942", "1"),
    "ina226": ("TI", "INA226", "1"),
}


def fields(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of a unit.json. `told`: unit, clinic, board, load, stations, meter, meter_serial, required_s, reader (or
    None), release_key (hex, or ""), and the account: mqtt {...}, wifi {...}, ca (PEM or None), tag_key (64 hex digits, where
    there is a reader)."""
    mqtt = dict(told["mqtt"]) | ({"ca": CA_PATH} if told["ca"] else {})
    return {
        "unit": told["unit"],
        "clinic": told["clinic"],
        "board": told["board"],
        "stations": told["stations"],
        "required_s": told["required_s"],
        **_measured(told),
        "wifi": told["wifi"],
        "mqtt": mqtt,
        "reader": told["reader"] or "",
        "release_key": told.get("release_key") or "",
        "tag_key": told["tag_key"] if told["reader"] else "",  # who needs it not, cannot lose it
    }


def _measured(told: dict[str, Any]) -> dict[str, Any]:
    if told["meter"] == NONE:
        return {"meter": {"kind": NONE}}
    maker, model, version = METERS[told["meter"]]
    serial = told["meter_serial"] or told["unit"]
    meter = {"kind": told["meter"], "maker": maker, "model": model, "serial": serial, "version": version}
    return {"meter": meter, "profile": load_profile(told["load"]).detector}


def files(told: dict[str, Any]) -> dict[str, bytes]:
    """What stands on the flash beside the program; UsageError names the field that the unit would refuse."""
    text = json.dumps(fields(told), indent=1)
    try:
        settings.read(text.encode(), VERSION)
    except ConfigError as error:
        zh, en = said_of(error)
        raise UsageError(f"unit.json：{zh}", f"unit.json: {en}") from error
    made = {PATH: text.encode()}
    if told["ca"]:
        made[CA_PATH] = _der(told["ca"])
    return made


def _der(pem: str) -> bytes:
    try:
        return ssl.PEM_cert_to_DER_cert(pem.strip() + "\n")
    except ValueError as error:
        raise UsageError(
            "ca 不是 PEM 证书：请用 unit account --json 的输出",
            "ca is no certificate in PEM: use what unit account --json printed",
        ) from error
