"""Sessions in the container that OCMF programs read (S.A.F.E. Transparenzsoftware, `ocmf` of pyocmf): the records' own bytes,
each beside the key of its unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<values>\n'
_VALUE = (
    '<value transactionId="{us}"><signedData format="OCMF" encoding="plain">{line}</signedData>'
    '<publicKey encoding="hex">{key}</publicKey></value>\n'
)


def container(sessions: Iterable[tuple[int, str]], key_hex: str) -> Iterator[bytes]:
    """The XML of these sessions, each by its `US` and exact line. `key_hex` is the unit's key, DER SubjectPublicKeyInfo."""
    yield _HEAD.encode()
    for us, line in sessions:
        yield _VALUE.format(us=us, line=escape(line), key=key_hex).encode()
    yield b"</values>\n"
