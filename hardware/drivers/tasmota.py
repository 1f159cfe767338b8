"""What a Tasmota plug says over MQTT (SENSOR telemetry, and STATUS8 in answer to `Status 8`). Pure decoding.

Used of a message are its power and its energy counter. Its own time is not: a plug says 1970 until its clock is set,
so readings are stamped by who receives them. A retained message is what was once, not what is. The last will and
STATE tell of a link or a relay, never of power. This file does not know MQTT clients.

A plug measures but does not sign: what it says reaches the agent unsealed, over a network that others may be on.
"""

import json
from collections import namedtuple

# `power_mw` milliwatts; `total_mwh` the plug's own counter, milliwatt-hours, None where it has none; `doubt` is a
# sentence when the reading counts but contradicts itself, else None.
PlugReading = namedtuple("PlugReading", ("power_mw", "total_mwh", "doubt"))

ROUNDING_MW = 1500  # power and apparent power are printed in whole watts, each rounded by itself
ROUNDING_PERMILLE = 20


class NoReading(Exception):
    """The message carries no reading that counts; the text says why."""


def topics(plug: str) -> list:
    """Where a plug of that topic says what it measures, with Tasmota's default full topic."""
    return ["tele/%s/SENSOR" % plug, "stat/%s/STATUS8" % plug]


def poll(plug: str):
    """(topic, payload) that asks the plug for a reading. It switches nothing: `Status 8` only reads sensors."""
    return "cmnd/%s/STATUS" % plug, b"8"


def decode(topic: str, payload: bytes, retained: bool) -> PlugReading:
    """The reading in one message; NoReading says why there is none.

    Power above apparent power is impossible. Within what rounding to whole watts explains, the reading counts and
    carries a doubt; beyond that it is no reading, because a false one could hide or make up a session.
    """
    if retained:
        raise NoReading("retained: nobody knows how old it is")
    what = topic.split("/")[-1]
    if what not in ("SENSOR", "STATUS8"):
        raise NoReading("%s tells no power" % what)
    text = _energy(payload, what)
    power_mw, apparent_mw = _thousandths(text, "Power"), _thousandths(text, "ApparentPower")
    if power_mw is None:
        raise NoReading("ENERGY has no single Power")
    return PlugReading(power_mw, _thousandths(text, "Total", 1000), _doubt(power_mw, apparent_mw))


def _energy(payload: bytes, what: str) -> str:
    """The text of the ENERGY object, known to be part of a valid JSON document."""
    try:
        text = payload.decode()
        document = json.loads(text)
        if what == "STATUS8":
            document = document["StatusSNS"]
        if not isinstance(document["ENERGY"], dict):
            raise NoReading("ENERGY is no object")
    except (ValueError, UnicodeError):
        raise NoReading("no JSON")
    except (KeyError, TypeError):
        raise NoReading("no ENERGY in it")
    start = text.find("{", text.find('"ENERGY"'))
    return text[start : text.find("}", start)]


def _thousandths(text: str, name: str, times: int = 1):
    """A member's number x 1000 x `times`, read from its digits because floats differ between boards; None if absent.

    NoReading when it stands there twice, or is negative, a list (several phases) or no number.
    """
    mark = '"%s":' % name
    if text.count(mark) != 1:
        if mark in text:
            raise NoReading("%s stands there twice" % name)
        return None
    digits = text[text.find(mark) + len(mark) :].split(",")[0].strip()
    whole, _, fraction = digits.partition(".")
    if not whole.isdigit() or (fraction and not fraction.isdigit()):
        raise NoReading("%s is %s" % (name, digits))
    return (int(whole) * 1000000 + int((fraction + "000000")[:6])) * times // 1000


def _doubt(power_mw: int, apparent_mw):
    if apparent_mw is None or power_mw <= apparent_mw:
        return None
    text = "power %d mW above apparent power %d mW" % (power_mw, apparent_mw)
    if power_mw - apparent_mw > ROUNDING_MW + apparent_mw * ROUNDING_PERMILLE // 1000:
        raise NoReading(text)
    return text
