"""Asking the gateway's own program to enrol a unit and give it an account, when it is on this machine."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.rpi.errors import SurroundingsError, UsageError

_FOUND = 1  # its exit code where it did the work and found something
_LEDGER = "/var/lib/wattwitness"  # of a gateway that was installed


class GatewayError(SurroundingsError):
    """The gateway's program could not be asked, or did not do it."""


@dataclass(frozen=True)
class Enrolment:
    """What `unit add` is told of a unit; one that reads tags is told the clinic's key for them with its account."""

    unit: str
    load: str
    room: str
    bed: str = ""
    stations: int = 1
    reads_tags: bool = False

    def arguments(self, key_hex: str) -> list[str]:
        """Of `wattwitness`, for a unit with that key."""
        bed = ["--bed", self.bed] if self.bed else []
        where = ["--load", self.load, "--room", self.room, *bed, "--stations", str(self.stations)]
        return ["unit", "add", self.unit, "--key", key_hex, *where]

    def account(self) -> list[str]:
        """Of `wattwitness`, for all that the unit must be told."""
        return ["unit", "account", self.unit, *(["--tag-key"] if self.reads_tags else [])]

    def lines(self, key_hex: str) -> list[str]:
        """What a person types at the gateway instead; the file that the second makes holds passwords."""
        program = f"wattwitness --dir {_LEDGER} "
        account = f"{program}{shlex.join(self.account())} --json > {shlex.quote(self.unit)}.json"
        return [program + shlex.join(self.arguments(key_hex)), f"(umask 077; {account})"]


def enrolment(told: dict[str, Any]) -> Enrolment:
    """Of what `provision` was told."""
    named = {each: told[each] for each in ("unit", "load", "room", "bed", "stations")}
    return Enrolment(**named, reads_tags=bool(told["reader"]))


def clinic_of(gateway: Path) -> str:
    """Whose gateway it is; GatewayError where its program cannot be asked."""
    return str(_ask(gateway, ["status"])["clinic"])


def enrol(gateway: Path, root: Path, who: Enrolment, key_hex: str) -> dict[str, Any]:
    """The unit is enrolled, if it was not, and has a new account; returns what `unit account --json` prints.

    UsageError where the unit is enrolled with another key, or the key for another unit; GatewayError where the
    gateway's program fails.
    """
    known = {each["unit"]: each["key"] for each in _ask(gateway, ["unit", "list"])["units"]}
    if known.get(who.unit, key_hex) != key_hex:
        raise UsageError(
            f"单元 {who.unit} 已用另一把密钥登记：这块板请换一个单元号",
            f"unit {who.unit} is enrolled with another key: give this board another name",
        )
    others = [unit for unit, key in known.items() if key == key_hex and unit != who.unit]
    if others:
        raise UsageError(
            f"这块板的密钥已登记为单元 {others[0]}：密钥只属于一个单元号，请先擦除（--firmware）",
            f"this board's key is enrolled as unit {others[0]}, and a key has one name: erase it first (--firmware)",
        )
    if who.unit not in known:
        _ask(gateway, who.arguments(key_hex))
    return _ask(gateway, [*who.account(), "--root", str(root)])


def _ask(gateway: Path, arguments: list[str]) -> Any:
    program = shutil.which("wattwitness", path=str(Path(sys.executable).parent)) or "wattwitness"
    command = [program, "--dir", str(gateway), *arguments, "--json"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GatewayError(
            f"不能运行 {program}（{error}）：请在网关上运行，或去掉 --gateway",
            f"cannot run {program} ({error}): run this at the gateway, or leave out --gateway",
        ) from error
    if ran.returncode not in (0, _FOUND):
        said = ran.stderr.strip().splitlines()[-1:] or ["?"]
        raise GatewayError(
            f"网关没有照办：{said[0]}（解决后再运行一次，板上的密钥不变）",
            f"the gateway did not do it: {said[0]} (put it right and run this again; the board's key stays)",
        )
    return json.loads(ran.stdout)
