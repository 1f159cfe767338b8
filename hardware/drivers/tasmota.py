"""What a Tasmota plug says over MQTT (SENSOR telemetry, and STATUS8 in answer to `Status 8`). Pure decoding.

Used of a message are its power and its energy counter. Its own time is not: a plug says 1970 until its clock is set,
so readings are stamped by who receives them. A retained message is what was once, not what is. The last will and
STATE tell of a link or a relay, never of power. This file does not know MQTT clients.
"""

from hardware.drivers.plug import (
    NoReading,
    PlugReading,
    document,
    exceeds,
    member,
    plausible,
    refuse_retained,
    thousandths,
)


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
    refuse_retained(retained)
    what = topic.split("/")[-1]
    if what not in ("SENSOR", "STATUS8"):
        raise NoReading("%s tells no power" % what)
    text = _energy(payload, what)
    power_mw = plausible(thousandths(text, "Power"))
    doubt = _doubt(power_mw, thousandths(text, "ApparentPower"))
    return PlugReading(power_mw, thousandths(text, "Total", 1000), doubt)


def _energy(payload: bytes, what: str) -> str:
    """The text of the ENERGY object, known to be part of a valid JSON document."""
    text, read = document(payload)
    try:
        sensors = read["StatusSNS"] if what == "STATUS8" else read
        if not isinstance(sensors["ENERGY"], dict):
            raise NoReading("ENERGY is no object")
    except (KeyError, TypeError):
        raise NoReading("no ENERGY in it")
    energy = member(text, "ENERGY")
    if not energy:
        raise NoReading("no single ENERGY in it")
    return energy


def _doubt(power_mw: int, apparent_mw):
    if apparent_mw is None or power_mw <= apparent_mw:
        return None
    text = "power %d mW above apparent power %d mW" % (power_mw, apparent_mw)
    if exceeds(power_mw, apparent_mw):
        raise NoReading(text)
    return text
