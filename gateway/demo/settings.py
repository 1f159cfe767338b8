"""The settings of the demo's programs, as files: two gateways and the units."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.clock import Clock
from gateway.demo import plan
from gateway.demo.broker import GATEWAY

DISTRICT, DISTRICT_NAME = "SH-DISTRICT-DEMO", "示范区"

_GATEWAY = """clinic = "{clinic}"
name = "{name}"
role = "{role}"
opens = "{opens}"
closes = "{closes}"

[serve]
port = {port}

[clock]
real_ms = {clock.real_ms}
shown_ms = {clock.shown_ms}
speed = {clock.speed}
"""
_CLINIC_MORE = """
[mqtt]
port = {mqtt}
user = "{user}"
password = "{password}"

[forward]
url = "http://127.0.0.1:{district}"
token = "{token}"

[his]
key = "{his}"
"""
_DISTRICT_MORE = """
[district.tokens]
{clinic} = "{token}"

[clinics.{clinic}]
name = "{name}"
opens = "{opens}"
closes = "{closes}"
"""
_UNIT = """unit = "{unit}"
clinic = "{clinic}"
key = "key.pem"
load = "{load}"
journal = "journal"
{tag_key}
[profile]
{profile}

[port]
kind = "bench"
scenario = "scenario.json"
{box}
[mqtt]
host = "127.0.0.1"
port = {mqtt}
user = "{unit}"
password = "{password}"
reconnect_least_ms = 100
reconnect_most_ms = 500

[clock]
real_ms = {clock.real_ms}
shown_ms = {clock.shown_ms}
speed = {clock.speed}
"""
_TAG_KEY = 'tag_key = "{path}"\n'
_BOX = """
[box]
reader = "gm65"
reader_device = "{device}"
"""


def clinic(clock: Clock, ports: Mapping[str, int], password: str, token: str, his: str) -> str:
    """wattwitness.toml of the clinic. `password`: its account at the broker; `token`: at the district; `his`: its HIS's key."""
    own = {"clinic": plan.CLINIC, "name": plan.CLINIC_NAME, "role": "clinic", "port": ports["pages"]}
    more = {"user": GATEWAY, "password": password, "token": token, "his": his}
    return (_GATEWAY + _CLINIC_MORE).format(**_hours(), **own, **more, **_others(ports), clock=clock)


def district(clock: Clock, ports: Mapping[str, int], token: str) -> str:
    """wattwitness.toml of the district."""
    own = {"clinic": DISTRICT, "name": DISTRICT_NAME, "role": "district", "port": ports["district"]}
    known = {"clinic": plan.CLINIC, "name": plan.CLINIC_NAME, "token": token}
    return _GATEWAY.format(**_hours(), **own, clock=clock) + _DISTRICT_MORE.format(**_hours(), **known)


def unit(planned: plan.Unit, clock: Clock, mqtt: int, password: str, tag_key: Path, device: str) -> str:
    """unit.toml. `device` is where its reader is, empty where it has none."""
    return _UNIT.format(
        unit=planned.name,
        clinic=plan.CLINIC,
        load=planned.load,
        mqtt=mqtt,
        password=password,
        clock=clock,
        profile="\n".join(f"{key} = {value}" for key, value in planned.profile.items()),
        tag_key=_TAG_KEY.format(path=tag_key) if device else "",
        box=_BOX.format(device=device) if device else "",
    )


def _hours() -> dict[str, str]:
    return {"opens": plan.OPENS, "closes": plan.CLOSES}


def _others(ports: Mapping[str, int]) -> dict[str, int]:
    return {name: ports[name] for name in ("mqtt", "district")}
