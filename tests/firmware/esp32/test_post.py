"""The program that ships as a post: no meter, a reader; through /main.py, over a real broker."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from firmware.agent.config import ConfigError
from firmware.esp32 import settings
from firmware.rpi import image
from tests.firmware.esp32 import shipped
from tests.firmware.esp32.gateway import Gateway, kinds, unit_json
from tests.firmware.esp32.shipped import POWER, Bench
from tests.support.tools import tool

KEY, TOKEN = bytes(range(32)), "V8qXz1kRt0aLw5Pn"
TAG = hmac.new(KEY, TOKEN.encode(), hashlib.sha256).hexdigest()


def told(port: int, **changes: Any) -> dict[str, Any]:
    """A post's unit.json."""
    fields = unit_json(port) | {"meter": {"kind": "none"}, "reader": "gm65", "tag_key": KEY.hex()} | changes
    return {key: value for key, value in fields.items() if key != "profile" or "profile" in changes}


def test_a_post_without_a_meter_tells_of_a_token_twice_and_of_no_silence(plain: Gateway, tmp_path):
    tool("micropython")
    bench = Bench(tmp_path, image.image(), plain.port, told(plain.port))
    ended = bench.boot(4000, reads=[[600, TOKEN], [602, TOKEN], [2100, TOKEN], [2200, "310101199003078515"]])
    assert ended.end == POWER and kinds(plain) == ["BOOT", "TAG", "TAG"]
    assert [each.tags for each in plain.records if each.kind == "TAG"] == [[TAG], [TAG]]
    assert len([each for each in plain.records if each.kind == "ALIVE"]) >= 5
    assert {each.register_mwh for each in plain.records} == {0}
    assert "TAG_REFUSED" in ended.said and "310101199003078515" not in ended.said
    assert TOKEN.encode() not in bench.chip.read_bytes()[shipped.TABLE["journal"][0] :]


@pytest.mark.parametrize(
    "changes, says",
    (
        ({"reader": ""}, "reader must be given where meter.kind is none"),
        ({"profile": {"on_mw": 1, "off_mw": 1}}, "profile must be left out"),
        ({"meter": {"kind": "none", "serial": "1"}}, "meter.serial is not among every_ms, kind"),
    ),
)
def test_what_makes_no_post_is_named(changes, says):
    with pytest.raises(ConfigError, match=says):
        settings.read(json.dumps(told(1, **changes)).encode(), "0.1.0")
