"""What an ESPHome plug says over MQTT: one plain decimal number, in watts, per sensor and message. Pure decoding.

Source: ESPHome's documentation, "MQTT Client Component": `<prefix>/sensor/<name>/state`, retained by default. Current
and energy come, if at all, in messages of their own, so a false zero cannot be told from a true one here. It cannot be
asked: it speaks at its own `update_interval`, which must be shorter than the load's `silence_s`. `status` is a last
will and tells of a link, never of power. This file does not know MQTT clients.
"""

from hardware.drivers.plug import NoReading, PlugReading, decimal, plausible, refuse_retained


def topics(plug: str, sensor: str = "power") -> list:
    """Where a plug with that topic prefix says its power; `sensor` is the object id in its configuration."""
    return ["%s/sensor/%s/state" % (plug, sensor)]


def decode(topic: str, payload: bytes, retained: bool, sensor: str = "power") -> PlugReading:
    """The reading in one message; NoReading says why there is none."""
    refuse_retained(retained)
    if topic.split("/")[-3:] != ["sensor", sensor, "state"]:
        raise NoReading("%s tells no power" % topic)
    if len(payload) > 40:
        raise NoReading("%d bytes are no number" % len(payload))
    try:
        text = payload.decode().strip()
    except UnicodeError:
        raise NoReading("no text")
    return PlugReading(plausible(decimal(text, "power")), None, None)  # `nan`: the sensor has no number
