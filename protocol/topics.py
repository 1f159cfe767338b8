"""What travels over MQTT besides the records themselves: topic names, batches, acknowledgement, time.

This file does not know a broker.
"""

from protocol import strictjson
from protocol.errors import EmitError, RecordError

VERSION = "1"
PER_UNIT = ("record", "ack", "status")
_DIGITS = "0123456789"
_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def name(text: str) -> str:
    """`text`, if it can name a clinic or unit: 1 to 64 letters, digits, `-`, `_`, `.`; else EmitError."""
    if not 1 <= len(text) <= 64 or not _of(_NAME, text):
        raise EmitError("%r cannot be a name: use 1 to 64 letters, digits, '-', '_' or '.'" % text)
    return text


def topic(clinic: str, unit: str, what: str) -> str:
    """`ww/1/<clinic>/<unit>/<what>`, where `what` is record, ack, status, update or live."""
    return "/".join(("ww", VERSION, name(clinic), name(unit), what))


def time_topic(clinic: str) -> str:
    """`ww/1/<clinic>/time`."""
    return "/".join(("ww", VERSION, name(clinic), "time"))


def read_topic(text: str):
    """(clinic, unit, what) of a per-unit topic; None for any other."""
    parts = text.split("/")
    if len(parts) != 5 or parts[0] != "ww" or parts[1] != VERSION or parts[4] not in PER_UNIT:
        return None
    return parts[2], parts[3], parts[4]


def batch(lines) -> bytes:
    """Record lines (bytes) as one message."""
    return b"\n".join(lines)


def unbatch(message: bytes) -> list:
    """The record lines of one message, in order; blank lines carry nothing."""
    return [line for line in message.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]


def ack(us: int, up: str) -> bytes:
    """Acknowledgement of every record up to `us`, whose payload's digest is `up`."""
    return ('{"us": %d, "up": "%s"}' % (us, up)).encode()


def read_ack(message: bytes):
    """(us, up) of an acknowledgement; RecordError("malformed") otherwise."""
    fields = _read(message)
    us, up = fields.get("us"), fields.get("up")
    if type(us) is not int or us < 0 or not isinstance(up, str) or len(up) != 64:
        raise RecordError("malformed", "an acknowledgement needs us and up")
    return us, up


def time(ms: int, checkpoint: str | None) -> bytes:
    """The gateway's time in milliseconds since 1970 UTC, with the district's last checkpoint where there is one."""
    if checkpoint is None:
        return ('{"ms": %d}' % ms).encode()
    return ('{"ms": %d, "uc": "%s"}' % (ms, checkpoint)).encode()


def read_time(message: bytes):
    """(ms, checkpoint or None) of a time message; RecordError("malformed") otherwise."""
    fields = _read(message)
    ms, checkpoint = fields.get("ms"), fields.get("uc")
    if type(ms) is not int or ms < 0 or not (checkpoint is None or is_checkpoint(checkpoint)):
        raise RecordError("malformed", "a time message needs ms, and uc as <size>:<16 hex>")
    return ms, checkpoint


def is_checkpoint(text) -> bool:
    """Whether `text` is `<size>:<first 16 hex of root>`."""
    if not isinstance(text, str) or text.count(":") != 1:
        return False
    size, root = text.split(":")
    return 1 <= len(size) <= 16 and _of(_DIGITS, size) and len(root) == 16 and _of(_DIGITS + "abcdef", root)


def _of(letters: str, text: str) -> bool:
    return all(c in letters for c in text)


def _read(message: bytes) -> dict:
    try:
        fields = strictjson.read(message.decode())
    except (ValueError, UnicodeError) as error:
        raise RecordError("malformed", str(error))
    if not isinstance(fields, dict):
        raise RecordError("malformed", "an object was expected")
    return fields
