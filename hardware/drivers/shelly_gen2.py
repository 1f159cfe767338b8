"""What a Shelly plug of generation 2 or later says over MQTT about one switch that measures. Pure decoding.

Source: Shelly's API documentation, Gen2: "Switch", "MQTT", "Notifications". `status/switch:0` and answers to
Switch.GetStatus carry everything; `events/rpc` carries only what changed, so without `apower` it is no reading, and
null means that a value was taken away, not that it is 0. `online` is the last will and tells of a link, never of power.
Its own time is not used: readings are stamped by who receives them. This file does not know MQTT clients.
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

_ASKER = "wattwitness"


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
    refuse_retained(retained)
    status = _status(topic.split("/"), payload, channel)
    power_mw = plausible(thousandths(status, "apower"))
    _refuse_contradiction(power_mw, thousandths(status, "voltage"), thousandths(status, "current"))
    counter = member(status, "aenergy")
    return PlugReading(power_mw, thousandths(counter, "total") if counter else None, None)


def _status(levels, payload: bytes, channel: int) -> str:
    """The text of the switch's status object, known to be part of a valid JSON document."""
    what, name = "/".join(levels[-2:]), "switch:%d" % channel
    if what not in ("status/" + name, "events/rpc", _ASKER + "/rpc"):
        raise NoReading("%s tells no power" % what)
    text, read = document(payload)
    try:
        if what == "events/rpc":
            read, inner = _changed(read, name), name
        elif levels[-1] == "rpc":
            read, inner = read["result"], "result"
        else:
            inner = None
        if read["id"] != channel:
            raise NoReading("it tells of switch %r" % read["id"])
    except (KeyError, TypeError):
        raise NoReading("no %s in it" % name)
    status = text if inner is None else member(text, inner)
    if not status:
        raise NoReading("no single %s in it" % inner)
    return status


def _changed(read, name: str):
    if read["method"] not in ("NotifyStatus", "NotifyFullStatus"):
        raise NoReading("%s tells no power" % read["method"])
    return read["params"][name]


def _refuse_contradiction(power_mw: int, voltage_mv, current_ma) -> None:
    if voltage_mv is None or current_ma is None:
        return
    if current_ma > 0 and power_mw <= 0:
        raise NoReading("false zero: %d mA and 0 W" % current_ma)
    apparent_mw = voltage_mv * current_ma // 1000
    if exceeds(power_mw, apparent_mw):
        raise NoReading("power %d mW above apparent power %d mW" % (power_mw, apparent_mw))
