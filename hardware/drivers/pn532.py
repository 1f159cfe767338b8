"""The PN532 card reader over its high-speed UART (115200 8N1), reading the text on NTAG21x cards.

Source: "PN532 User Manual" UM0701-02 (NXP): frames 6.2.1, SAMConfiguration, RFConfiguration, InListPassiveTarget,
InDataExchange; "NTAG213/215/216" data sheet 10.2 (READ gives four pages); NFC Forum "Type 2 Tag" and "Text Record Type".

Of a card the text in its memory is read, never its serial number: a serial number is no secret, has too few digits, and
is not random. Any telephone writes such a text. A card without one gives nothing.
"""

from hardware.drivers.reader import Sight, text_of

BAUD = 115200
TO_READER, FROM_READER = 0xD4, 0xD5
SETUP, RADIO, LIST, EXCHANGE = 0x14, 0x32, 0x4A, 0x40
_WAKE = b"\x55\x55" + bytes(14)
_READ_PAGES = 0x30
_FIRST_PAGE, _PAGES, _PAGE_BYTES = 4, 4, 4
_MEMORY = 144  # bytes of a card that are looked at: all of an NTAG213
_PATIENCE_MS = 500  # an answer takes 30 ms; then from the start, the reader may have lost power
_PAUSE_MS = 250  # between two looks for a card
_MOST_HEARD = 512


def frame(body: bytes) -> bytes:
    """A normal information frame around a command or an answer."""
    return (
        b"\x00\x00\xff" + bytes((len(body), -len(body) & 0xFF)) + body + bytes((-sum(body) & 0xFF,)) + b"\x00"
    )


def find(heard: bytes):
    """(body, rest) of the first whole answer with its checksums right; (None, what may still become one) else."""
    at = heard.find(b"\x00\xff")
    while at >= 0:
        size = heard[at + 2] if at + 3 < len(heard) else 0
        if at + 3 >= len(heard) or (_is_size(heard, at) and at + 5 + size > len(heard)):
            return None, heard[at:]
        body = heard[at + 4 : at + 4 + size]
        if _is_size(heard, at) and (sum(body) + heard[at + 4 + size]) & 0xFF == 0:
            return body, heard[at + 5 + size :]
        at = heard.find(b"\x00\xff", at + 1)
    return None, heard[-1:]


def _is_size(heard: bytes, at: int) -> bool:
    return heard[at + 2] > 1 and (heard[at + 2] + heard[at + 3]) & 0xFF == 0


def text_on(memory: bytes):
    """(text or None, whether more memory is needed): the text of a Type 2 card's first message, a Text record."""
    at = 0
    while at + 1 < len(memory) and memory[at] != 0x03:
        if memory[at] == 0xFE:
            return None, False
        at += 1 if memory[at] == 0 else 2 + memory[at + 1]
    if at + 1 >= len(memory):
        return None, True
    size = memory[at + 1]
    message = memory[at + 2 : at + 2 + size]
    if len(message) < size:
        return None, at + 2 + size <= _MEMORY
    if size < 5 or message[0] & 0x17 != 0x11 or message[1] != 1 or message[3:4] != b"T":
        return None, False  # no short record of a well-known type, or no text
    text = message[4 : 4 + message[2]]
    if len(text) < message[2] or text[0] & 0x80:
        return None, False  # UTF-16: no token of ours
    return text_of(text[1 + (text[0] & 0x3F) :]), False


class Reader:
    """The reader on an open port. See reader.py. A reader that lost power is set up anew."""

    def __init__(self, port) -> None:
        self._port, self._sight = port, Sight()
        self._heard = b""
        self._memory = b""
        self._asked = SETUP  # the command that waits for its answer, 0 for none
        self._due_ms = 0  # when the next command is due, or an answer overdue

    def take(self, mono_ms: int) -> list:
        self._heard = (self._heard + self._port.read(256, 0))[-_MOST_HEARD:]
        texts = []
        body, rest = find(self._heard)
        while body is not None:
            self._heard = rest
            text = self._hear(mono_ms, body)
            if text is not None:
                texts.append(text)
            body, rest = find(self._heard)
        self._heard = rest
        if mono_ms >= self._due_ms:
            if self._asked == 0:
                self._ask(mono_ms, bytes((LIST, 1, 0)))
            else:
                self._start(mono_ms)
        return self._sight.new(mono_ms, texts)

    def _start(self, mono_ms: int) -> None:
        self._heard = b""
        self._port.write(_WAKE)
        self._ask(mono_ms, bytes((SETUP, 1, 20, 0)))

    def _ask(self, mono_ms: int, command: bytes) -> None:
        self._port.write(frame(bytes((TO_READER,)) + command))
        self._asked, self._due_ms = command[0], mono_ms + _PATIENCE_MS

    def _hear(self, mono_ms: int, body: bytes):
        """What an answer leads to; the text, when it completes one."""
        if len(body) < 2 or body[0] != FROM_READER or body[1] != self._asked + 1:
            return None
        if self._asked == SETUP:
            self._ask(mono_ms, bytes((RADIO, 5, 0xFF, 1, 2)))  # look for a card three times, not for ever
        elif self._asked == RADIO:
            self._pause(mono_ms, 0)
        elif self._asked == LIST:
            self._hear_list(mono_ms, body[2:])
        elif self._asked == EXCHANGE:
            return self._hear_pages(mono_ms, body[2:])
        return None

    def _hear_list(self, mono_ms: int, found: bytes) -> None:
        if found[:1] == b"\x01":
            self._memory = b""
            self._read_on(mono_ms)
        else:
            self._pause(mono_ms, _PAUSE_MS)

    def _hear_pages(self, mono_ms: int, answer: bytes):
        if answer[:1] != b"\x00" or len(answer) != 1 + _PAGES * _PAGE_BYTES:
            self._pause(mono_ms, _PAUSE_MS)  # the card was taken away, or is of another kind
            return None
        self._memory += answer[1:]
        text, more = text_on(self._memory)
        if more and len(self._memory) < _MEMORY:
            self._read_on(mono_ms)
        else:
            self._pause(mono_ms, _PAUSE_MS)
        return text

    def _read_on(self, mono_ms: int) -> None:
        page = _FIRST_PAGE + len(self._memory) // _PAGE_BYTES
        self._ask(mono_ms, bytes((EXCHANGE, 1, _READ_PAGES, page)))

    def _pause(self, mono_ms: int, for_ms: int) -> None:
        self._asked, self._due_ms = 0, mono_ms + for_ms
