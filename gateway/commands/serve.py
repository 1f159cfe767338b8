"""`wattwitness serve`: intake, pages, API and forwarding in one process, until it is asked to stop."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import threading
from pathlib import Path

import click

from gateway import logs, tls, web
from gateway.alone import alone
from gateway.bootstrap import open_book
from gateway.pages import pack_page
from gateway.service import Service

_log = logging.getLogger(__name__)


@click.command()
@click.option("--host", help="网页地址，默认按配置 · address of the pages")
@click.option("--port", type=click.IntRange(0, 65535), help="网页端口，0 为任一空闲端口 · 0: any free port")
@click.pass_obj
def serve(folder: Path, host: str | None, port: int | None) -> int:
    """运行网关：收取、网页、转发 · run the gateway: intake, pages, forwarding. Stop it by Ctrl-C or SIGTERM.

    \b
    例 · example: wattwitness --dir clinic-01 serve
    """
    book = open_book(folder)
    logs.set_up(book.config.serve.log)
    book.ledger().close()
    where = book.config.serve
    port = where.port if port is None else port
    certificate = tls.certificate(folder, where)
    with alone(folder) as serve_at, web.listen(host or where.host, port) as listener:
        address = _address(listener, certificate is not None)
        served = serve_at(address)
        pack_page.sweep(folder)
        service = Service(book)
        asked = _asked_to_stop()
        service.start()

        def ready() -> bool:
            _log.info("ready %s", address)
            return not asked.is_set()

        try:
            pages = web.app(book, service.troubles.now, served.key, linked=service.linked)
            web.run(pages, listener, ready, certificate)
        finally:
            service.stop()
    return 3 if service.failed else 0


def _address(listener: socket.socket, is_tls: bool) -> str:
    """Where the pages are; a word of warning where passwords can be read on the way to them."""
    host, port = listener.getsockname()[:2]
    if not is_tls and not ipaddress.ip_address(host).is_loopback:
        _log.warning(
            "页面在 %s 上未用 TLS：口令可被同一网络上的人读到，请设 serve.cert 和 serve.key · "
            "the pages are on %s without TLS: passwords can be read on that network, set serve.cert and serve.key",
            *(host, host),
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{shown}:{port}"


def _asked_to_stop() -> threading.Event:
    """Set by SIGTERM and SIGINT. The web server, once it runs, stops on them too, and then raises them again: without
    a handler of ours that would end us before our threads have stopped."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked
