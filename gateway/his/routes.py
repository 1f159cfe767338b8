"""What the clinic's HIS may ask before it charges and settles (事前提醒、事中管控), and the bills that it sends at once.

It fails open: where the gateway cannot answer, the answer is `unknown`, and a HIS that gets none within its own time
limit goes on as if it had. This file knows the network; the `Desk` does the work.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import fastapi_offline
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from gateway.errors import SurroundingsError, UsageError
from gateway.his.shapes import LineAdvice, Precheck, PrecheckAnswer, Refused, Units

LONGEST_BODY = 8 << 20  # bytes
PREFIX = "/api/v1"

_HERE = Path(__file__).parent
_PAGE = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>WattWitness 以电为证 · API</title>
<link rel="stylesheet" href="swagger/swagger-ui.css"><body><div id="page"></div>
<script src="swagger/swagger-ui-bundle.js"></script><script src="static/start.js"></script>
</html>
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ABOUT = """诊所 HIS 的接口：收费前询问、实时送账单、查看各单元当前状态。请在请求头写 `Authorization: Bearer <密钥>`。
**只作提醒，从不阻止收费**：请为每次询问设 1 秒左右的时限，超时或出错时照常收费。

For the clinic's HIS: ask before charging, send bills as they are made, see what each unit is doing. Send the header
`Authorization: Bearer <key>`. **It advises and never prevents a charge**: give each request a time limit of about a second,
and go on when it passes or fails."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What is done with requests. `charge` takes the body of 2204 messages and gives whether it was stored, and the import
    as `import-bills --json` prints it."""

    precheck: Callable[[Precheck], PrecheckAnswer]
    charge: Callable[[bytes], tuple[bool, Mapping[str, Any]]]
    units: Callable[[], Units]


def create_api(key: str, desk: Desk) -> FastAPI:
    """The API as an application of its own, to be mounted at PREFIX. Whoever has not the `key` gets 401."""
    api = FastAPI(
        title="WattWitness 以电为证", version="1", description=_ABOUT, docs_url=None, redoc_url=None
    )
    api.mount("/swagger", StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static"))
    api.mount("/static", StaticFiles(directory=_HERE / "static"))
    api.get("/docs", include_in_schema=False)(_docs)
    api.add_exception_handler(UsageError, _refused)
    api.add_exception_handler(SurroundingsError, _refused)
    asked = [Depends(_holder_of(key))]

    @api.post("/precheck", dependencies=asked, summary="收费前询问 · ask before charging")
    def precheck(said: Precheck) -> PrecheckAnswer:
        try:
            return desk.precheck(said)
        except Exception:  # a fault of ours must not stop a cashier
            _log.exception("precheck")
            return _unknown(said)

    @api.post(
        "/bill-lines",
        dependencies=asked,
        summary="送收费明细（2204） · send bill lines",
        responses={422: {"description": "整份未入账 · nothing was stored"}, 503: {"model": Refused}},
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
    )
    async def bill_lines(request: Request) -> Response:
        stored, said = await run_in_threadpool(desk.charge, await _body(request))
        return JSONResponse(dict(said), 200 if stored else 422)

    @api.get("/units", dependencies=asked, summary="各单元当前状态 · what each unit is doing")
    def units() -> Units:
        return desk.units()

    return api


def _unknown(said: Precheck) -> PrecheckAnswer:
    lines = [
        LineAdvice(feedetl_sn=each.feedetl_sn, item=None, advice="unknown", reasons=[]) for each in said.lines
    ]
    return PrecheckAnswer(advice="unknown", lines=lines, time_left={})


def _holder_of(key: str) -> Callable[[str], None]:
    def check(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {key}".encode()):
            raise HTTPException(
                401, "密钥不对：见 wattwitness.toml 的 [his] · not the key of [his] in wattwitness.toml"
            )

    return check


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"{LONGEST_BODY} 字节以内 · at most {LONGEST_BODY} bytes")
    return bytes(body)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, UsageError | SurroundingsError)
    status = 422 if isinstance(error, UsageError) else 503
    return JSONResponse({"zh": error.zh, "en": error.en}, status)


def _docs() -> Response:
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})
