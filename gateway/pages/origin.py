"""Whether a request came from our own pages: forms of other sites say another origin, and names of theirs that lead to
this machine are not ours (OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata, and the origin behind it).
"""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from fastapi import HTTPException, Request

from gateway.config import Serve

SAME = ("same-origin", "none")


def ours(request: Request, serve: Serve, refusal: str) -> None:
    """HTTP 403, saying `refusal`, unless the address by which we are asked is a number, `localhost` or one that `serve` names,
    and what changes something comes from a page of that address."""
    host = request.headers.get("host", "")
    if not _is_known(_split(f"//{host}").hostname or "", serve):
        raise HTTPException(403, refusal)
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in SAME:
        raise HTTPException(403, refusal)
    if origin is not None and _split(origin).netloc != host:
        raise HTTPException(403, refusal)
    if site is None and origin is None:
        raise HTTPException(403, refusal)


def _split(address: str) -> SplitResult:
    """Its parts; empty ones of what is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _is_known(name: str, serve: Serve) -> bool:
    if name in ("localhost", serve.host.lower(), *serve.names):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
