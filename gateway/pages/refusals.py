"""Pages in the stead of those that were asked for: they may not be seen, are not there, or cannot be read."""

from __future__ import annotations

import logging
import sqlite3

from fastapi import Request, Response

from gateway.errors import GatewayError
from gateway.pages.rendered import language, rendered
from gateway.pages.words import speak

UNREADABLE = (GatewayError, sqlite3.Error)
"""What keeps the ledger from being read or written."""

_log = logging.getLogger(__name__)


def refusal(lang: str, status: int, message: str) -> Response:
    """A page that says why somebody may not be here, or that there is nothing."""
    title = speak(lang)("not_found_title" if status in (404, 405) else "nurse.refused")
    return rendered("error.html", lang, status, title=title, message=message)


def unreadable(request: Request, error: Exception) -> Response:
    """A page that says that the ledger cannot be read now; why stands in the log."""
    _log.error("reading the ledger failed", exc_info=error)
    say = speak(language(request))
    return rendered("error.html", language(request), 503, title=say("failed_title"), message=say("failed"))
