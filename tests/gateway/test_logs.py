"""What a running gateway says of itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from gateway.demo.ports import free_port
from tests.support.chain import Writer
from tests.support.ledgers import in_folder
from tests.support.tools import CHECKOUT


def test_for_programs_a_gateway_logs_one_json_object_a_line(tmp_path):
    """Even of a broker that is not there, and of its end."""
    in_folder(tmp_path, Writer("U1"), extra=f"[mqtt]\nport = {free_port()}\n")
    settings = tmp_path / "wattwitness.toml"
    settings.write_text(settings.read_text().replace("[serve]\n", '[serve]\nlog = "json"\n'))
    command = [sys.executable, "-m", "gateway", "--dir", str(tmp_path), "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as serve:
        assert serve.stderr is not None
        said: list[dict[str, str]] = []
        while not {"ready", "mqtt"} <= {each["message"].split()[0].rstrip(":") for each in said}:
            said.append(json.loads(serve.stderr.readline()))
        serve.send_signal(signal.SIGTERM)
        said += [json.loads(line) for line in serve.stderr]
    assert serve.returncode == 0
    (trouble,) = [each for each in said if each.get("part") == "mqtt" and each["state"] == "trouble"]
    assert trouble["level"] == "warning" and trouble["at"].endswith("+00:00")
    assert {each["from"] for each in said} <= {"gateway.commands.serve", "gateway.service"}
