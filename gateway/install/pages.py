"""The pages for those who work in the clinic: by which names they open them, and where they are served. Text in, text out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from gateway.install.choices import LEDGER, PAGES_TLS

PORT = 8443  # a service without rights of its own cannot have 443
CERTIFICATE, KEY = (f"{LEDGER}/{each}" for each in PAGES_TLS)

_AS_MADE = 'host = "127.0.0.1"\nport = 8080\n'
_OPENED = (
    f'host = "0.0.0.0"\nport = {PORT}\nnames = {{names}}\ncert = "{PAGES_TLS[0]}"\nkey = "{PAGES_TLS[1]}"\n'
)
_OURS = re.compile(
    rf"(?<=^\[serve\]\n)(?:{re.escape(_AS_MADE)}|{re.escape(_OPENED).replace(re.escape('{names}'), '.*')})",
    re.M,
)


def names(told: str) -> list[str]:
    """What `--pages` names: host names and addresses with commas between."""
    return [each.strip().lower() for each in told.split(",") if each.strip()]


def opened(settings: str, asked: Sequence[str]) -> str | None:
    """The settings of a ledger folder (TOML) with the pages served over TLS to everybody who reaches this machine by these
    names; None where somebody wrote their own."""
    block = _OPENED.format(names=json.dumps(asked))
    made, count = _OURS.subn(lambda _: block, settings, count=1)
    return made if count else None
