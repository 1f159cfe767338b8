"""What a zigbee plug says through zigbee2mqtt: one JSON object per plug, on the plug's own topic. Pure decoding.

Source: zigbee2mqtt's documentation, "MQTT topics and messages" and "Exposes". Each message repeats the whole state
that zigbee2mqtt remembers, whatever of it is new: with `last_seen` switched on there, a message of which the plug was
not heard anew is known as stale. Such plugs read 0 W below 5 to 10 W, and can stick. `availability` and `bridge/state`
tell of a link, never of power. Its time is not used but to see whether it moved. This file does not know MQTT clients.

A plug measures but does not sign: what it says reaches the agent unsealed, over a network that others may be on.
"""

import json
from collections import namedtuple

# `power_mw` milliwatts; `total_mwh` the plug's own counter, milliwatt-hours, None where it has none: it may go down;
# `doubt` is a sentence when the reading counts but contradicts itself, else None; `seen` is what zigbee2mqtt says of
# when the plug was last heard, text, None where that is not switched on.
PlugReading = namedtuple("PlugReading", ("power_mw", "total_mwh", "doubt", "seen"))

MOST_BYTES = 4096
MOST_MW = 25000000
IDLE_MW = -1000  # a meter's noise around zero may be negative by less
_STEP_MA = 10  # currents are told in hundredths of an ampere
ROUNDING_MW = 1500
ROUNDING_PERMILLE = 20
_NO_PLUGS = ("availability", "set", "get", "bridge")


class NoReading(Exception):
    """The message carries no reading that counts; the text says why."""


def topics(plug: str, base: str = "zigbee2mqtt") -> list:
    """Where the plug of that friendly name says what it measures."""
    return ["%s/%s" % (base, plug)]


def poll(plug: str, base: str = "zigbee2mqtt"):
    """(topic, payload) that asks the plug for its power. It switches nothing."""
    return "%s/%s/get" % (base, plug), b'{"power":""}'


def decode(topic: str, payload: bytes, retained: bool, seen=None) -> PlugReading:
    """The reading in one message; NoReading says why there is none. `seen` is that of the reading before.

    A current without power is a false zero and no reading. Power, current and voltage come in reports of their own, so
    power above apparent power is a doubt: it is so for a moment after each switching.
    """
    if retained:
        raise NoReading("retained: nobody knows how old it is")
    levels = topic.split("/")
    if len(levels) < 2 or levels[-1] in _NO_PLUGS or levels[1] in _NO_PLUGS:
        raise NoReading("%s tells no power" % topic)
    text, document = _document(payload)
    power_mw = _thousandths(text, "power")
    if power_mw is None:
        raise NoReading("it tells no power")
    if not IDLE_MW < power_mw <= MOST_MW:
        raise NoReading("power is %d mW" % power_mw)
    doubt = _doubt(power_mw, _thousandths(text, "voltage"), _thousandths(text, "current"))
    return PlugReading(max(0, power_mw), _thousandths(text, "energy", 1000), doubt, _seen(document, seen))


def _document(payload: bytes):
    if len(payload) > MOST_BYTES:
        raise NoReading("%d bytes are too many" % len(payload))
    try:
        text = payload.decode()
        document = json.loads(text)
    except (ValueError, UnicodeError, RuntimeError):  # RuntimeError: nested too deep
        raise NoReading("no JSON")
    # MicroPython's json takes half an object for a whole one.
    if not isinstance(document, dict) or text.count("{") != text.count("}"):
        raise NoReading("no whole object")
    return text, document


def _seen(document, before):
    now = document.get("last_seen")
    if not isinstance(now, (str, int)):
        return None
    if before is not None and str(now) == before:
        raise NoReading("stale: the plug was not heard since %s" % before)
    return str(now)


def _thousandths(text: str, name: str, times: int = 1):
    """A member's number x 1000 x `times`, read from its digits because floats differ between boards; None if absent
    or null.

    NoReading when it stands there twice or is no plain decimal number.
    """
    mark = '"%s":' % name
    if text.count(mark) > 1:
        raise NoReading("%s stands there twice" % name)
    if mark not in text:
        return None
    digits = text[text.find(mark) + len(mark) :].split(",")[0].split("}")[0].strip()
    if digits == "null":
        return None
    sign, number = (-1, digits[1:]) if digits[:1] == "-" else (1, digits)
    whole, _, fraction = number.partition(".")
    if not whole.isdigit() or (fraction and not fraction.isdigit()):
        raise NoReading("%s is %s" % (name, digits))
    return sign * (int(whole) * 1000000 + int((fraction + "000000")[:6])) * times // 1000


def _doubt(power_mw: int, voltage_mv, current_ma):
    if current_ma and power_mw <= 0:
        raise NoReading("false zero: %d mA and 0 W" % current_ma)
    if voltage_mv is None or current_ma is None:
        return None
    apparent_mw = voltage_mv * (current_ma + _STEP_MA) // 1000
    if power_mw <= apparent_mw + ROUNDING_MW + apparent_mw * ROUNDING_PERMILLE // 1000:
        return None
    return "power %d mW above apparent power %d mW" % (power_mw, apparent_mw)
