"""What a running gateway says of itself, on stderr: lines for people, or one JSON object a line for programs.

Of persons and bills it says nothing.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

TEXT, JSON = "text", "json"
FORMS = (TEXT, JSON)


def set_up(form: str) -> None:
    """From now on, everything that the parts of this process log goes to stderr in that form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == JSON else logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gateway").setLevel(logging.INFO)


class _Json(logging.Formatter):
    """`at` by the machine's clock in UTC, `level`, `from` (the part), `message`; `part` and `state` of a trouble that begins or
    has passed; `error`, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "from": record.name}
        said |= getattr(record, "facts", {})
        said["message"] = record.getMessage()
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)
