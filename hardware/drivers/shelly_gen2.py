"""What a Shelly plug of generation 2 or later says over MQTT about one switch that measures. Pure decoding.

Source: Shelly's API documentation, Gen2: "Switch", "MQTT", "Notifications". `status/switch:0` and answers to
Switch.GetStatus carry everything; `events/rpc` carries only what changed, so without `apower` it is no reading, and
null means that a value was taken away, not that it is 0. `online` is the last will and tells of a link, never of power.
Its own time is not used: readings are stamped by who receives them. This file does not know MQTT clients.

A plug measures but does not sign: what it says reaches the agent unsealed, over a network that others may be on.
"""

import json
from collections import namedtuple

# `power_mw` milliwatts; `total_mwh` the plug's own counter, milliwatt-hours, None where it has none: it may go down,
# it is reset by a button; `doubt` is always None here: what contradicts itself is no reading.
PlugReading = namedtuple("PlugReading", ("power_mw", "total_mwh", "doubt"))

MOST_BYTES = 4096
MOST_MW = 25000000
IDLE_MW = -1000  # a meter's noise around zero may be negative by less
ROUNDING_MW = 1500
ROUNDING_PERMILLE = 20
_ASKER = "wattwitness"


class NoReading(Exception):
    """The message carries no reading that counts; the text says why."""


def topics(plug: str, channel: int = 0) -> list:
    """Where a plug with that topic prefix says what it measures."""
    return ["%s/status/switch:%d" % (plug, channel), plug + "/events/rpc", "%s/%s/rpc" % (plug, _ASKER)]


def poll(plug: str, channel: int = 0):
    """(topic, payload) that asks the plug for a reading. It switches nothing: Switch.GetStatus only reads."""
    question = '{"id":1,"src":"%s/%s","method":"Switch.GetStatus","params":{"id":%d}}'
    return plug + "/rpc", (question % (plug, _ASKER, channel)).encode()


def decode(topic: str, payload: bytes, retained: bool, channel: int = 0) -> PlugReading:
    """The reading in one message; NoReading says why there is none.

    A current without power is a false zero; power above apparent power, by more than rounding explains, is impossible.
    Both are no reading, because a false one could hide or make up a session.
    """
    if retained:
        raise NoReading("retained: nobody knows how old it is")
    status = _status(topic.split("/"), payload, channel)
    power_mw = _thousandths(status, "apower")
    if power_mw is None:
        raise NoReading("it tells no power")
    if not IDLE_MW < power_mw <= MOST_MW:
        raise NoReading("power is %d mW" % power_mw)
    _refuse_contradiction(power_mw, _thousandths(status, "voltage"), _thousandths(status, "current"))
    counter = _object(status, "aenergy")
    total_mwh = _thousandths(counter, "total") if counter else None
    return PlugReading(max(0, power_mw), total_mwh, None)


def _status(levels, payload: bytes, channel: int) -> str:
    """The text of the switch's status object, known to be part of a valid JSON document."""
    what, name = "/".join(levels[-2:]), "switch:%d" % channel
    if what not in ("status/" + name, "events/rpc", _ASKER + "/rpc"):
        raise NoReading("%s tells no power" % what)
    text, document = _document(payload)
    try:
        if what == "events/rpc":
            document, inner = _changed(document, name), name
        elif levels[-1] == "rpc":
            document, inner = document["result"], "result"
        else:
            inner = None
        if document["id"] != channel:
            raise NoReading("it tells of switch %r" % document["id"])
    except (KeyError, TypeError):
        raise NoReading("no %s in it" % name)
    status = text if inner is None else _object(text, inner)
    if not status:
        raise NoReading("no single %s in it" % inner)
    return status


def _changed(document, name: str):
    if document["method"] not in ("NotifyStatus", "NotifyFullStatus"):
        raise NoReading("%s tells no power" % document["method"])
    return document["params"][name]


def _document(payload: bytes):
    if len(payload) > MOST_BYTES:
        raise NoReading("%d bytes are too many" % len(payload))
    try:
        text = payload.decode().strip()
        document = json.loads(text)
    except (ValueError, UnicodeError, RuntimeError):  # RuntimeError: nested too deep
        raise NoReading("no JSON")
    if not _braced(text, 0):  # MicroPython's json takes half an object for a whole one
        raise NoReading("no whole object")
    return text, document


def _object(text: str, name: str) -> str:
    """The text of a member that is an object, braces included; empty if it does not stand there exactly once."""
    mark = '"%s":' % name
    if text.count(mark) != 1:
        return ""
    start = text.find(mark) + len(mark)
    while text[start : start + 1] == " ":
        start += 1
    return _braced(text, start)


def _braced(text: str, start: int) -> str:
    """From the brace at `start` to the one that closes it; empty where there is none."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign in "{}":
            depth += 1 if sign == "{" else -1
        if depth <= 0:
            return text[start : at + 1] if depth == 0 and sign == "}" else ""
        at += 1
    return ""


def _thousandths(text: str, name: str):
    """A member's number x 1000, read from its digits because floats differ between boards; None if absent or null.

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
    return sign * (int(whole) * 1000 + int((fraction + "000")[:3]))


def _refuse_contradiction(power_mw: int, voltage_mv, current_ma) -> None:
    if voltage_mv is None or current_ma is None:
        return
    if current_ma > 0 and power_mw <= 0:
        raise NoReading("false zero: %d mA and 0 W" % current_ma)
    apparent_mw = voltage_mv * current_ma // 1000
    if power_mw - apparent_mw > ROUNDING_MW + apparent_mw * ROUNDING_PERMILLE // 1000:
        raise NoReading("power %d mW above apparent power %d mW" % (power_mw, apparent_mw))
