"""Gateway and district killed at the exact points where a mistake would lose a record or keep it twice."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from gateway import config
from gateway.bootstrap import Book
from gateway.demo.ports import free_port
from gateway.ledger import outbox, records
from tests.support.broker import Broker
from tests.support.chain import Writer
from tests.support.dying import POINTS
from tests.support.ledgers import CLINIC, in_folder, take_in
from tests.support.programs import Program, ended, eventually, serve, troubles
from tests.support.unit_link import UnitLink

TOKEN = "a-token-only-for-tests"
GATEWAY_POINTS = list(POINTS)[:5]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker", CLINIC, ["U1"])
    yield broker
    broker.stop()


@pytest.fixture
def writer() -> Writer:
    writer = Writer("U1")
    for _ in range(4):
        writer.day(sessions=2)
    return writer


@pytest.fixture
def district(tmp_path: Path, writer: Writer) -> Book:
    tokens = f'[district.tokens]\n{CLINIC} = "{TOKEN}"\n'
    return in_folder(tmp_path / "district", writer, role=config.DISTRICT, extra=tokens, port=free_port())


@pytest.fixture
def clinic(tmp_path: Path, writer: Writer, district: Book, broker: Broker) -> Book:
    forward = f'[forward]\nurl = "http://127.0.0.1:{district.config.serve.port}"\ntoken = "{TOKEN}"\n'
    return in_folder(tmp_path / "clinic", writer, extra=broker.config + forward)


def dying(book: Book, point: str, times: int) -> Program:
    """`serve`, which will die there."""
    log = book.folder / "serve.log"
    return Program(log, "tests.support.dying", point, str(times), "--dir", str(book.folder), "serve")


def dead_or_heard(gateway: Program, link: UnitLink, us: int) -> bool:
    return not gateway.running or link.acks[-1][0] == us


def stored(book: Book) -> list[bytes]:
    with book.ledger() as db:
        return [line.encode() for line in records.lines(db, "U1")]


def whole(book: Book, writer: Writer) -> bool:
    """Whether every record is there, once, and nothing is in quarantine."""
    with book.ledger() as db:
        count = db.execute("SELECT count(*) FROM records").fetchone()[0]
        refused = records.quarantine_counts(db)
    return stored(book) == writer.lines and count == len(writer.lines) and not refused


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("point", GATEWAY_POINTS)
def test_a_gateway_killed_loses_nothing_that_was_acknowledged_and_keeps_nothing_twice(
    point, times, clinic, district, broker, writer
):
    seeing, _ = serve(district.folder)
    gateway = dying(clinic, point, times)
    with ended(seeing, gateway):
        link = UnitLink(broker.port, "U1")
        eventually(lambda: link.acks or not gateway.running)
        for us, line in enumerate(writer.lines[:8], start=1):
            link.send([line])
            eventually(partial(dead_or_heard, gateway, link, us))
        eventually(lambda: not gateway.running)
        durable = stored(clinic)
        assert all(us <= len(durable) for us, _ in link.acks)
        again, _ = serve(clinic.folder)
        with ended(again):
            link.send(writer.lines)
            link.hears_ack(len(writer.lines))
            eventually(lambda: whole(clinic, writer) and whole(district, writer))
        link.close()


@pytest.mark.parametrize("point", ["in the middle of storing", "when it has admitted and not yet noted it"])
def test_a_district_killed_gets_everything_once(point, clinic, district, writer):
    with clinic.ledger() as db:
        take_in(db, writer.lines)
    seeing = dying(district, point, 1)
    gateway, _ = serve(clinic.folder)
    with ended(seeing, gateway):
        eventually(lambda: not seeing.running)
        again, _ = serve(district.folder)
        with ended(again):
            eventually(lambda: whole(district, writer))
            with district.ledger() as db:
                leaves = db.execute("SELECT count(*), count(DISTINCT digest) FROM leaves").fetchone()
            assert leaves == (len(writer.lines), len(writer.lines))


def test_a_full_disk_is_said_once_nothing_is_acknowledged_and_it_goes_on_when_there_is_room(
    clinic, broker, writer
):
    gateway, _ = serve(clinic.folder)
    with ended(gateway):
        link = UnitLink(broker.port, "U1")
        link.send(writer.lines[:4])
        link.hears_ack(4)
        allow(gateway, (clinic.folder / "ledger.db-wal").stat().st_size)
        link.send(writer.lines[4:])
        gateway.said("ledger: .*(disk is full)")
        assert "disk is full" in troubles(clinic.folder)["ledger"]
        assert link.acks[-1][0] == 4
        assert stored(clinic) == writer.lines[:4]
        allow(gateway, resource.RLIM_INFINITY)
        link.hears_ack(len(writer.lines))
        assert stored(clinic) == writer.lines
        gateway.said("ledger: (已恢复)")
        assert gateway.log().count("disk is full") == 1
        link.close()


def allow(program: Program, size: int) -> None:
    """From now on no file that the process writes may grow beyond `size` bytes."""
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_without_a_district_records_wait_and_the_status_says_so(clinic, writer):
    with clinic.ledger() as db:
        take_in(db, writer.lines)
    gateway, address = serve(clinic.folder)
    with ended(gateway):
        gateway.said("forward: .*(does not answer)")
        assert "forward" in httpx.get(f"{address}/status.json").json()["troubles"]
    with clinic.ledger() as db:
        assert outbox.waiting(db, 0) == len(writer.lines)
