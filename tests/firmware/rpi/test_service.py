"""The unit's systemd service: what it keeps the unit from, and what it must leave it."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.tools import CHECKOUT, tool

SERVICE = CHECKOUT / "firmware/rpi/wattwitness-unit.service"

HARDENING = {
    "AmbientCapabilities": [""],
    "CapabilityBoundingSet": [""],
    "DevicePolicy": ["closed"],
    "KeyringMode": ["private"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "NoNewPrivileges": ["yes"],
    "PrivateTmp": ["yes"],
    "ProtectControlGroups": ["yes"],
    "ProtectHome": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectProc": ["invisible"],
    "ProtectSystem": ["strict"],
    "RemoveIPC": ["yes"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "StateDirectoryMode": ["0700"],
    "SystemCallArchitectures": ["native"],
    "UMask": ["0077"],
}


def lines(text: str) -> dict[str, list[str]]:
    """Every value of each key of a service, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.M):
        found[key].append(value)
    return found


SAID = lines(SERVICE.read_text("utf-8"))


def test_the_service_holds_the_hardening_that_the_readme_lists():
    readme = (CHECKOUT / "firmware/README.md").read_text("utf-8")
    assert {key: SAID[key] for key in HARDENING} == HARDENING
    assert [key for key in HARDENING if f"`{key}`" not in readme] == []


def test_it_runs_as_nobody_in_particular_and_reaches_the_meters_devices_and_no_other():
    assert SAID["User"] == SAID["Group"] == SAID["StateDirectory"] == ["wattwitness-unit"]
    assert SAID["SupplementaryGroups"] == ["dialout i2c gpio"]
    kinds = {each.removesuffix(" rw") for each in SAID["DeviceAllow"]}
    serial = {"char-ttyAMA", "char-ttyS", "char-ttyUSB", "char-ttyACM"}
    assert kinds == serial | {"char-i2c", "char-gpiochip", "/dev/gpiomem"}


def test_a_unit_that_is_stuck_or_ends_is_started_anew_for_ever():
    assert (SAID["Type"], SAID["Restart"], SAID["WatchdogSec"]) == (["notify"], ["always"], ["60"])
    assert SAID["StartLimitIntervalSec"] == ["0"]


def test_its_folder_holds_all_that_it_writes():
    assert SAID["WorkingDirectory"] == ["/var/lib/wattwitness-unit"]
    assert SAID["ExecStart"][0].endswith("run --config /var/lib/wattwitness-unit/unit.toml")


def calls(group: str) -> set[str]:
    """The system calls of a group, those of the groups in it among them."""
    shown = subprocess.run(
        [str(tool("systemd-analyze")), "syscall-filter", group], capture_output=True, text=True, check=True
    ).stdout
    found: set[str] = set()
    for each in re.findall(r"^    ([@\w-]+)$", shown, re.M):
        found |= calls(each) if each.startswith("@") else {each}
    return found


def allowed(filters: list[str]) -> set[str]:
    """What is left by these lines, in order: a name or a group is added, or taken away after a tilde."""
    left: set[str] = set()
    for line in filters:
        named = line.removeprefix("~").split()
        meant = {call for each in named for call in (calls(each) if each.startswith("@") else {each})}
        left = left - meant if line.startswith("~") else left | meant
    return left


def test_the_unit_may_do_what_it_needs_and_may_not_set_the_clock_or_become_somebody_else():
    left = allowed(SAID["SystemCallFilter"])
    needs = {
        "adjtimex",
        "clock_adjtime",
        "clone",
        "connect",
        "fdatasync",
        "flock",
        "fsync",
        "ftruncate",
        "futex",
    }
    needs |= {"ioctl", "mmap", "openat", "pread64", "pselect6", "rename", "sendto", "unlink", "write"}
    assert needs - left == set()
    assert left.isdisjoint({"clock_settime", "settimeofday", "setuid", "mount", "reboot", "chroot", "bpf"})


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The service as it would be installed, with a program that is there."""
    path = tmp_path / SERVICE.name
    path.write_text(
        SERVICE.read_text("utf-8").replace("/opt/wattwitness/.venv/bin/wattwitness-unit", "/bin/true")
    )
    return path


def test_systemd_finds_nothing_wrong_with_it(installed: Path):
    ran = subprocess.run(
        [str(tool("systemd-analyze")), "verify", str(installed)], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_systemd_counts_little_exposure(installed: Path):
    ran = subprocess.run(
        [str(tool("systemd-analyze")), "security", "--offline=true", "--threshold=25", str(installed)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
