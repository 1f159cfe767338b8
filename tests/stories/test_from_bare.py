"""From two bare machines to a stored record: what `install`, `unit account` and `provision` write, taken together.

The installed gateway's own broker (TLS, accounts) and `serve`; the unit's real program under MicroPython in 96 KiB, told
just what provisioning tells it. Only the board's pins, its meter and its radio are scripted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware.rpi import unit_json
from gateway import __main__ as gateway
from gateway import config
from gateway.demo.ports import free_port
from gateway.install import choices
from gateway.ledger import database, records
from protocol import p256
from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import now_ms
from tests.firmware.esp32.test_days import SECRET
from tests.gateway.test_install import Installed, at
from tests.support.programs import Program, ended
from tests.support.tools import tool

CLINIC = "C001"


def installed(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Installed, dict[str, Any]]:
    """A gateway with the unit enrolled; its broker runs. And what the unit is to be told."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = gateway.run(["--dir", str(root) + choices.LEDGER, *arguments])
        return code, *capsys.readouterr()

    here = ["--root", str(root)]
    assert run("install", "--clinic", CLINIC, "--name", "示范诊所", "--port", str(free_port()), *here)[0] == 0
    key_hex = p256.spki(p256.public_key(SECRET)).hex()
    assert run("unit", "add", "U1", "--key", key_hex, "--load", "tdp", "--room", "R1")[0] == 0
    code, said, _ = run("unit", "account", "U1", "--json", *here)
    assert code == 0
    return Installed(root, lambda *_: (1, "", "")), json.loads(said)


def provisioned(account: dict[str, Any], folder: Path) -> tuple[str, dict[str, str]]:
    """(unit.json, other files by name) as `provision` writes them; the bench's network has one address."""
    told: dict[str, Any] = {
        "unit": "U1",
        "clinic": CLINIC,
        "board": "esp32_devkitc_v4",
        "load": "tdp",
        "stations": 1,
    }
    told |= {"required_s": 1140, "meter": "pzem004t_v3", "meter_serial": "", "reader": None}
    told |= {"mqtt": account["mqtt"] | {"host": "127.0.0.1"}, "wifi": account["wifi"], "ca": account["ca"]}
    files = unit_json.files(told)
    ca = folder / "ca.der"
    ca.write_bytes(files[unit_json.CA_PATH])
    return files[unit_json.PATH].decode(), {unit_json.CA_PATH.lstrip("/"): str(ca)}


def test_a_unit_told_what_provisioning_tells_is_taken_in_by_the_gateway_that_was_installed(tmp_path, capsys):
    tool("micropython")
    rom = bench.build(tmp_path)
    root = tmp_path / "root"
    there, account = installed(root, capsys)
    try:
        ledger = at(root, choices.LEDGER)
        path = ledger / config.FILE
        path.write_text(path.read_text().replace("/etc/", f"{root}/etc/").replace("port = 8080", "port = 0"))
        serve = Program(ledger / "serve.log", "gateway", "--dir", str(ledger), "serve")
        with ended(serve):
            serve.said(r"ready (http://\S+)")
            text, files = provisioned(account, tmp_path)
            told = {
                "unit_json": text,
                "until_s": 3600,
                "report_s": 600,
                "files": files,
                "calendar_ms": now_ms(),
            }
            *reports, end = bench.run(rom, "days", told)
        assert end["notes"][:1] == ["link: linked"], end["notes"]
        with database.open_ledger(ledger) as db:
            head = records.heads(db)["U1"]
        assert 0 < head.us == reports[-1]["us"]
    finally:
        there.stop()
