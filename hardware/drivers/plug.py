"""What the drivers of off-the-shelf plugs share: a reading, why there is none, and numbers read from their digits.

A plug measures but does not sign: what it says reaches the agent unsealed, over a network that others may be on. So a
message that contradicts itself is no reading; a false one could hide or make up a session. This file knows no plug.
"""

import json
from collections import namedtuple

from hardware.drivers.reading import NoReading

# `power_mw` milliwatts; `total_mwh` the plug's own counter, milliwatt-hours, None where it has none: it may go down;
# `doubt` is a sentence when the reading counts but contradicts itself, else None.
PlugReading = namedtuple("PlugReading", ("power_mw", "total_mwh", "doubt"))

MOST_BYTES = 4096
MOST_MW = 25000000
IDLE_MW = -1000  # a meter's noise around zero may be negative by less
ROUNDING_MW = 1500  # powers are printed in whole watts, each rounded by itself
ROUNDING_PERMILLE = 20


def refuse_retained(retained: bool) -> None:
    """A retained message is what was once, not what is."""
    if retained:
        raise NoReading("retained: nobody knows how old it is")


def document(payload: bytes):
    """(text, object) of a payload that is one JSON object; NoReading for anything else."""
    if len(payload) > MOST_BYTES:
        raise NoReading("%d bytes are too many" % len(payload))
    try:
        text = payload.decode().strip()
        read = json.loads(text)
    except (ValueError, UnicodeError, RuntimeError):  # RuntimeError: nested too deep
        raise NoReading("no JSON")
    # MicroPython's json takes half an object for a whole one
    if not isinstance(read, dict) or braced(text, 0) != text:
        raise NoReading("no whole object")
    return text, read


def braced(text: str, start: int) -> str:
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


def member(text: str, name: str) -> str:
    """The text of a member that is an object, braces included; empty if it does not stand there exactly once."""
    mark = '"%s":' % name
    if text.count(mark) != 1:
        return ""
    start = text.find(mark) + len(mark)
    while text[start : start + 1] == " ":
        start += 1
    return braced(text, start)


def thousandths(text: str, name: str, times: int = 1):
    """A member's number x 1000 x `times`; None if it is absent or null.

    NoReading when it stands there twice or is no plain decimal number.
    """
    mark = '"%s":' % name
    if text.count(mark) > 1:
        raise NoReading("%s stands there twice" % name)
    if mark not in text:
        return None
    digits = text[text.find(mark) + len(mark) :].split(",")[0].split("}")[0].strip()
    return None if digits == "null" else decimal(digits, name, times)


def decimal(digits: str, name: str, times: int = 1) -> int:
    """A decimal number x 1000 x `times`, from its digits because floats differ between boards; NoReading for others."""
    sign, number = (-1, digits[1:]) if digits[:1] == "-" else (1, digits)
    whole, _, fraction = number.partition(".")
    for digit in whole + fraction:
        if not "0" <= digit <= "9":
            raise NoReading("%s is %s" % (name, digits))
    if not whole:
        raise NoReading("%s is %s" % (name, digits))
    return sign * (int(whole) * 1000000 + int((fraction + "000000")[:6])) * times // 1000


def plausible(power_mw) -> int:
    """The power, if a load on a plug can draw it; noise around zero is zero. NoReading otherwise, and without any."""
    if power_mw is None:
        raise NoReading("it tells no power")
    if not IDLE_MW < power_mw <= MOST_MW:
        raise NoReading("power is %d mW" % power_mw)
    return max(0, power_mw)


def exceeds(power_mw: int, apparent_mw: int) -> bool:
    """Whether power stands above apparent power, which is impossible, by more than rounding explains."""
    return power_mw - apparent_mw > ROUNDING_MW + apparent_mw * ROUNDING_PERMILLE // 1000
