"""What clinics' gateways bring comes in over HTTP, and what the district holds of it goes back.

The district trusts no gateway: a token says who brings, and every seal is verified against the district's own registry.
This file knows the network; `admitting` and `seeing` do the work.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

LONGEST_BODY = 8 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Brought:
    """What a clinic brought in one request: the records that follow its position `after`, up to `last`; and where its
    trail of acts ends (entry, hash), if it said so."""

    clinic: str
    after: int
    last: int
    lines: list[bytes]
    trail: tuple[int, str] | None = None


def router(
    tokens: Mapping[str, str],
    admitting: Callable[[Brought], dict[str, Any]],
    seeing: Callable[[], dict[str, Any]],
) -> APIRouter:
    """The district's two addresses."""
    routes = APIRouter(prefix="/district/v1")

    @routes.post("/records")
    async def records(request: Request) -> dict[str, Any]:
        clinic = _clinic(request, tokens)
        brought = _read(clinic, await _body(request))
        return await run_in_threadpool(admitting, brought)

    @routes.get("/overview")
    def overview(request: Request) -> dict[str, Any]:
        if request.client is None or request.client.host not in ("127.0.0.1", "::1"):
            raise HTTPException(403, "only from the district's own machine")
        return seeing()

    return routes


def _clinic(request: Request, tokens: Mapping[str, str]) -> str:
    """The clinic that its token proves; 401 for any other, whether we know the clinic or not."""
    clinic = request.headers.get("wattwitness-clinic", "")
    known = hmac.compare_digest(
        request.headers.get("authorization", "").encode(), f"Bearer {tokens.get(clinic, '')}".encode()
    )
    if clinic not in tokens or not known:
        raise HTTPException(401, "unknown clinic or token")
    return clinic


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"more than {LONGEST_BODY} bytes")
    return bytes(body)


def _read(clinic: str, body: bytes) -> Brought:
    try:
        document = json.loads(body)
        after = _position(document["after"])
        pairs = [(_position(each["position"]), each["line"].encode()) for each in document["records"]]
        trail = _head(document.get("trail"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HTTPException(422, "not {after, records: [{position, line}, ...]}") from error
    positions = [after, *(position for position, _ in pairs)]
    if positions != sorted(set(positions)):
        raise HTTPException(422, "positions must rise")
    return Brought(clinic, after, positions[-1], [line for _, line in pairs], trail)


def _head(told: Any) -> tuple[int, str] | None:
    """Gateways of before do not say where their trail ends."""
    if told is None:
        return None
    entry, digest = _position(told["entry"]), told["hash"]
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest, re.ASCII):
        raise ValueError("hash")
    return entry, digest


def _position(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise ValueError("position")
    return value
