"""What readers of cards and codes share: what can be a token's text, and that one sight is told once.

A reader is a module with `BAUD` and a class `Reader`, which is handed an open port (see serial_meter.py) and has
`take(mono_ms) -> [text]`: the tokens that came into sight since the last call. It never waits. Whether a text may be
a token is not decided here.
"""

AGAIN_MS = (
    5000  # in sight again after less than this, it was never gone: a card is read in two seconds at worst
)
MOST_CHARACTERS = 128


def text_of(raw: bytes):
    """The text, if it is 1 to 128 printable ASCII characters without blanks; None for anything else."""
    for byte in raw:
        if not 0x21 <= byte <= 0x7E:
            return None
    return raw.decode() if 1 <= len(raw) <= MOST_CHARACTERS else None


class Sight:
    """What is in sight of a reader that tells it over and over."""

    def __init__(self) -> None:
        self._text, self._seen_ms = "", -AGAIN_MS

    def new(self, mono_ms: int, texts) -> list:
        """Those of `texts`, read at `mono_ms`, that were not in sight before."""
        found = []
        for text in texts:
            if text != self._text or mono_ms - self._seen_ms >= AGAIN_MS:
                found.append(text)
            self._text, self._seen_ms = text, mono_ms
        return found
