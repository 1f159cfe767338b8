"""JSON as records carry it: RFC 8259 without the liberties that let two readers see two documents.

Printable ASCII only, no name twice in an object, no floats: a number with a fraction stays text (`Decimal`).
The same reader runs on units and gateways, because MicroPython's `json` keeps the last of two equal names.
This file does not know what a record is.
"""

DEPTH = 8  # a record nests three deep; the bound keeps a hostile one from exhausting a unit's stack
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS = (("true", True), ("false", False), ("null", None))


class Decimal:
    """A number that was written with a fraction, kept as its exact text."""

    def __init__(self, text: str):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Decimal) and other.text == self.text

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return "Decimal(%r)" % self.text


def read(text: str):
    """The value that `text` writes: dict, list, str, int, `Decimal`, True, False or None.

    Raises ValueError, naming the position, for anything else.
    """
    raw = text.encode()
    if not raw or min(raw) < 0x20 or max(raw) > 0x7E:
        raise ValueError("not printable ASCII")
    value, at = _value(text, _blank(text, 0), DEPTH)
    at = _blank(text, at)
    if at != len(text):
        raise ValueError("unexpected text at %d" % at)
    return value


def _blank(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _value(text: str, at: int, depth: int):
    first = text[at : at + 1]
    if first == '"':
        return _string(text, at)
    if first == "{" or first == "[":
        if depth == 0:
            raise ValueError("nested too deep at %d" % at)
        return (_object if first == "{" else _array)(text, at, depth - 1)
    for name, value in _LITERALS:
        if text.startswith(name, at):
            return value, at + len(name)
    return _number(text, at)


def _object(text: str, at: int, depth: int):
    members: dict = {}
    at = _blank(text, at + 1)
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise ValueError("name expected at %d" % at)
        name, after = _string(text, at)
        if name in members:
            raise ValueError("name %s twice at %d" % (name, at))
        at = _blank(text, after)
        if text[at : at + 1] != ":":
            raise ValueError("':' expected at %d" % at)
        members[name], at = _value(text, _blank(text, at + 1), depth)
        at, ended = _next(text, at, "}")
        if ended:
            return members, at


def _array(text: str, at: int, depth: int):
    items: list = []
    at = _blank(text, at + 1)
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        item, at = _value(text, at, depth)
        items.append(item)
        at, ended = _next(text, at, "]")
        if ended:
            return items, at


def _next(text: str, at: int, closing: str):
    at = _blank(text, at)
    mark = text[at : at + 1]
    if mark == closing:
        return at + 1, True
    if mark != ",":
        raise ValueError("',' or '%s' expected at %d" % (closing, at))
    return _blank(text, at + 1), False


def _string(text: str, at: int):
    end = text.find('"', at + 1)
    if end < 0:
        raise ValueError("string without end at %d" % at)
    plain = text[at + 1 : end]
    if "\\" not in plain:
        return plain, end + 1
    return _escaped(text, at)


def _escaped(text: str, at: int):
    parts: list = []
    start = at
    at += 1
    while True:
        mark = text[at : at + 1]
        if mark == "":
            raise ValueError("string without end at %d" % start)
        if mark == '"':
            return "".join(parts), at + 1
        if mark == "\\":
            char, at = _escape(text, at + 1)
        else:
            char, at = mark, at + 1
        parts.append(char)


def _escape(text: str, at: int):
    mark = text[at : at + 1]
    if mark != "u":
        if mark not in _ESCAPES or mark == "":
            raise ValueError("unknown escape at %d" % at)
        return _ESCAPES[mark], at + 1
    code, at = _hex4(text, at + 1), at + 5
    if 0xD800 <= code < 0xDC00 and text[at : at + 2] == "\\u":
        low = _hex4(text, at + 2)
        if 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 6
    if 0xD800 <= code < 0xE000:
        raise ValueError("half a character at %d" % at)
    return chr(code), at


def _hex4(text: str, at: int) -> int:
    digits = text[at : at + 4]
    if len(digits) != 4 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise ValueError("four hex digits expected at %d" % at)
    return int(digits, 16)


def _digits(text: str, at: int) -> int:
    start = at
    while "0" <= text[at : at + 1] <= "9":
        at += 1
    if at == start:
        raise ValueError("value expected at %d" % at)
    return at


def _number(text: str, at: int):
    start = at
    if text[at : at + 1] == "-":
        at += 1
    whole = at
    at = _digits(text, at)
    if at - whole > 1 and text[whole] == "0":
        raise ValueError("leading zero at %d" % whole)
    if at - whole > 20:
        raise ValueError("number too long at %d" % whole)
    if text[at : at + 1] == ".":
        at = _digits(text, at + 1)
        return Decimal(text[start:at]), at
    if text[at : at + 1] in ("e", "E"):
        raise ValueError("exponent at %d" % at)
    return int(text[start:at]), at
