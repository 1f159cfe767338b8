"""What each unit's device is doing, for Home Assistant (MQTT discovery, www.home-assistant.io/integrations/mqtt): messages,
not their sending. Rooms and devices, never a person or a bill.

What nobody knows is `unavailable` there, not `off`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from gateway.audit.live import Live
from protocol import topics

PREFIX = "homeassistant"
Message = tuple[str, bytes]
"""(topic, payload), to be retained."""


def announcements(now: Sequence[Live], clinic: str, prefix: str = PREFIX) -> list[Message]:
    """What Home Assistant has to be told once: of each unit whether its device runs, and for how many minutes."""
    return [message for each in now for message in _announced(each, clinic, prefix)]


def states(now: Sequence[Live], clinic: str) -> list[Message]:
    """What changes: {"state": "running", "known": "online", "minutes": 12}."""
    return [(_topic(each, clinic), _state(each)) for each in now]


def _announced(each: Live, clinic: str, prefix: str) -> list[Message]:
    name = f"ww_{clinic}_{each.place.unit}".replace(".", "_")
    place = " ".join(filter(None, (each.place.room, each.place.bed)))
    common: dict[str, object] = {
        "state_topic": _topic(each, clinic),
        "availability_topic": _topic(each, clinic),
        "availability_template": "{{ value_json.known }}",
        "device": {
            "identifiers": [name],
            "name": f"{each.place.unit} {place}".strip(),
            "manufacturer": "WattWitness",
            "suggested_area": each.place.room,
        },
    }
    runs = {"name": "通电 running", "unique_id": f"{name}_running", "device_class": "running", "payload_on": "running",
            "payload_off": "idle", "value_template": "{{ value_json.state }}"}  # fmt: skip
    minutes = {"name": "已通电 minutes", "unique_id": f"{name}_minutes", "device_class": "duration", "unit_of_measurement": "min",
               "value_template": "{{ value_json.minutes }}"}  # fmt: skip
    return [
        (f"{prefix}/{kind}/{about['unique_id']}/config", _text(common | about))
        for kind, about in (("binary_sensor", runs), ("sensor", minutes))
    ]


def _state(each: Live) -> bytes:
    known = "offline" if each.is_dark else "online"
    return _text({"state": each.state, "known": known, "minutes": each.minutes or 0})


def _topic(each: Live, clinic: str) -> str:
    return topics.topic(clinic, each.place.unit, "live")


def _text(said: dict[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
