"""Publishes the lines of a file, so many a message, the units in turn, as fast as paho can: the load of the intake bench.

python -m tests.bench.publisher PORT LINES.json PER_MESSAGE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import paho.mqtt.client as paho

from protocol import topics
from tests.support.broker import GATEWAY, PASSWORD
from tests.support.ledgers import CLINIC


def main() -> None:
    port, file, per = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    messages = [
        [
            (topics.topic(CLINIC, unit, "record"), "\n".join(lines[at : at + per]))
            for at in range(0, len(lines), per)
        ]
        for unit, lines in json.loads(file.read_text())
    ]
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.username_pw_set(GATEWAY, PASSWORD)
    client.max_inflight_messages_set(1_000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(max(map(len, messages))):
        for of_unit in messages:
            if turn < len(of_unit):
                told = client.publish(*of_unit[turn], 1)
    told.wait_for_publish(300)
    client.disconnect()
    client.loop_stop()


main()
