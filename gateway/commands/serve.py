"""`wattwitness serve`: intake, pages, API and forwarding in one process, until it is asked to stop."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from gateway import web
from gateway.alone import alone
from gateway.bootstrap import open_book
from gateway.service import Service, log


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
    book.ledger().close()
    where = book.config.serve
    port = where.port if port is None else port
    with alone(folder) as serve_at, web.listen(host or where.host, port) as listener:
        address = "http://{}:{}".format(*listener.getsockname()[:2])
        serve_at(address)
        service = Service(book)
        asked = _asked_to_stop()
        service.start()

        def ready() -> bool:
            log(f"ready {address}")
            return not asked.is_set()

        try:
            web.run(web.app(book, service.troubles.now), listener, ready)
        finally:
            service.stop()
    return 3 if service.failed else 0


def _asked_to_stop() -> threading.Event:
    """Set by SIGTERM and SIGINT. The web server, once it runs, stops on them too, and then raises them again: without
    a handler of ours that would end us before our threads have stopped."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked
