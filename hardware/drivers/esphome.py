"""What an ESPHome plug says over MQTT: one plain decimal number, in watts, per sensor and message. Pure decoding.

Source: ESPHome's documentation, "MQTT Client Component": `<prefix>/sensor/<name>/state`, retained by default. Current
and energy come, if at all, in messages of their own, so a false zero cannot be told from a true one here. It cannot be
asked: it speaks at its own `update_interval`, which must be shorter than the load's `silence_s`. `status` is a last
will and tells of a link, never of power. This file does not know MQTT clients.

A plug measures but does not sign: what it says reaches the agent unsealed, over a network that others may be on.
"""

from collections import namedtuple

# As of every plug; here `total_mwh` and `doubt` are always None.
PlugReading = namedtuple("PlugReading", ("power_mw", "total_mwh", "doubt"))

MOST_MW = 25000000
IDLE_MW = -1000  # a meter's noise around zero may be negative by less


class NoReading(Exception):
    """The message carries no reading that counts; the text says why."""


def topics(plug: str, sensor: str = "power") -> list:
    """Where a plug with that topic prefix says its power; `sensor` is the object id in its configuration."""
    return ["%s/sensor/%s/state" % (plug, sensor)]


def decode(topic: str, payload: bytes, retained: bool, sensor: str = "power") -> PlugReading:
    """The reading in one message; NoReading says why there is none."""
    if retained:
        raise NoReading("retained: nobody knows how old it is")
    if topic.split("/")[-3:] != ["sensor", sensor, "state"]:
        raise NoReading("%s tells no power" % topic)
    if len(payload) > 40:
        raise NoReading("%d bytes are no number" % len(payload))
    try:
        text = payload.decode().strip()
    except UnicodeError:
        raise NoReading("no text")
    power_mw = _thousandths(text)
    if power_mw > MOST_MW or power_mw <= IDLE_MW:
        raise NoReading("power is %s" % text)
    return PlugReading(max(0, power_mw), None, None)


def _thousandths(text: str) -> int:
    """A decimal number x 1000, read from its digits because floats differ between boards; `nan` is how a sensor says
    that it has none."""
    whole, _, fraction = text.lstrip("-").partition(".")
    if not whole or len(text) - len(text.lstrip("-")) > 1:
        raise NoReading("power is %s" % text)
    for digit in whole + fraction:
        if not "0" <= digit <= "9":
            raise NoReading("power is %s" % text)
    number = int(whole) * 1000 + int((fraction + "000")[:3])
    return -number if text[0] == "-" else number
