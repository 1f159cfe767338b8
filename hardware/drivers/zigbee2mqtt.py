"""What a zigbee plug says through zigbee2mqtt: one JSON object per plug, on the plug's own topic. Pure decoding.

Source: zigbee2mqtt's documentation, "MQTT topics and messages" and "Exposes". Each message repeats the whole state
that zigbee2mqtt remembers, whatever of it is new: with `last_seen` switched on there, a message of which the plug was
not heard anew is known as stale. Such plugs read 0 W below 5 to 10 W, and can stick. `availability` and `bridge/state`
tell of a link, never of power. Its time is not used but to see whether it moved. This file does not know MQTT clients.
"""

from collections import namedtuple

from hardware.drivers.plug import NoReading, document, exceeds, plausible, refuse_retained, thousandths

# As of every plug, and `seen`: what zigbee2mqtt says of when the plug was last heard, text, None where that is off.
PlugReading = namedtuple("PlugReading", ("power_mw", "total_mwh", "doubt", "seen"))

_STEP_MA = 10  # currents are told in hundredths of an ampere
_NO_PLUGS = ("availability", "set", "get", "bridge")


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
    refuse_retained(retained)
    levels = topic.split("/")
    if len(levels) < 2 or levels[-1] in _NO_PLUGS or levels[1] in _NO_PLUGS:
        raise NoReading("%s tells no power" % topic)
    text, read = document(payload)
    power_mw = plausible(thousandths(text, "power"))
    doubt = _doubt(power_mw, thousandths(text, "voltage"), thousandths(text, "current"))
    return PlugReading(power_mw, thousandths(text, "energy", 1000), doubt, _seen(read, seen))


def _seen(read, before):
    now = read.get("last_seen")
    if not isinstance(now, (str, int)):
        return None
    if before is not None and str(now) == before:
        raise NoReading("stale: the plug was not heard since %s" % before)
    return str(now)


def _doubt(power_mw: int, voltage_mv, current_ma):
    if current_ma and power_mw <= 0:
        raise NoReading("false zero: %d mA and 0 W" % current_ma)
    if voltage_mv is None or current_ma is None:
        return None
    apparent_mw = voltage_mv * (current_ma + _STEP_MA) // 1000
    if exceeds(power_mw, apparent_mw):
        return "power %d mW above apparent power %d mW" % (power_mw, apparent_mw)
    return None
