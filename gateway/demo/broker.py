"""A broker of the demo's own on 127.0.0.1: Mosquitto where the machine has it, else one in pure Python (amqtt).

Accounts are those of the field: the gateway's alone may publish `ack` and `time`, a unit only what is its own.
"""

from __future__ import annotations

import getpass
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GATEWAY = "gateway"

_MOSQUITTO = """
listener {port} 127.0.0.1
user {user}
persistence false
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
max_queued_messages 0
max_inflight_messages 500
set_tcp_nodelay true
"""

_ACL = """
user {gateway}
topic readwrite ww/1/{clinic}/#
topic write homeassistant/+/+/config

pattern write ww/1/{clinic}/%u/record
pattern write ww/1/{clinic}/%u/status
pattern read ww/1/{clinic}/%u/ack
pattern read ww/1/{clinic}/%u/update
pattern read ww/1/{clinic}/release/+
pattern read ww/1/{clinic}/time
"""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that runs: where, and whether it is Mosquitto."""

    process: subprocess.Popen[bytes]
    port: int
    mosquitto: bool


def start(
    folder: Path,
    port: int,
    clinic: str,
    passwords: Mapping[str, str],
    path: str | None = None,
    settings: str = "",
) -> Broker:
    """Start a broker that keeps its files in `folder`; `passwords` by account: GATEWAY and each unit's name.

    Mosquitto's programs are looked for along `path`, by default PATH; `settings` are more lines for its configuration.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    program, hasher = _find("mosquitto", path), _find("mosquitto_passwd", path)
    if program and hasher:
        _accounts(folder, clinic, passwords, hasher)
        command = [program, "-c", str(_configure(folder, port, settings))]
    else:
        command = [sys.executable, *_amqtt(folder, port, clinic, passwords)]
    with (folder / "broker.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    return Broker(process, port, command[0] == program)


def _find(program: str, path: str | None) -> str | None:
    return shutil.which(program, path=path) or shutil.which(program, path="/usr/sbin")


def _accounts(folder: Path, clinic: str, passwords: Mapping[str, str], hasher: str) -> None:
    known = _private(folder / "passwords", "".join(f"{user}:{word}\n" for user, word in passwords.items()))
    subprocess.run([hasher, "-U", str(known)], check=True)
    _private(folder / "acl", _ACL.format(gateway=GATEWAY, clinic=clinic))


def _configure(folder: Path, port: int, settings: str) -> Path:
    # started by root it would become nobody, who may not read what is private to us
    plain = _MOSQUITTO.format(port=port, folder=folder, user=getpass.getuser())
    return _private(folder / "mosquitto.conf", plain + settings)


def _amqtt(folder: Path, port: int, clinic: str, passwords: Mapping[str, str]) -> list[str]:
    from pwdlib import PasswordHash  # amqtt's own; not needed where there is Mosquitto

    hashed = "".join(f"{user}:{PasswordHash.recommended().hash(word)}\n" for user, word in passwords.items())
    own = f"ww/1/{clinic}"
    units = [user for user in passwords if user != GATEWAY]
    may_write = {unit: [f"{own}/{unit}/record", f"{own}/{unit}/status"] for unit in units}
    may_read = {unit: [f"{own}/{unit}/ack", f"{own}/time"] for unit in units}
    all_topics = {GATEWAY: [f"{own}/#"]}
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.FileAuthPlugin": {
                "password_file": str(_private(folder / "passwords", hashed))
            },
            "amqtt.plugins.topic_checking.TopicAccessControlListPlugin": {
                "publish_acl": may_write | all_topics,
                "acl": may_read | all_topics,
            },
        },
    }
    # JSON is YAML, which is what the program reads
    return [
        "-m",
        "amqtt.scripts.broker_script",
        "-c",
        str(_private(folder / "amqtt.yaml", json.dumps(settings))),
    ]


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path
