"""`wattwitness serve` as a process, behind a real Mosquitto: what is acknowledged is durable, whatever happens."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from gateway.__main__ import wattwitness
from gateway.access.places import MANAGER
from gateway.bootstrap import Book, open_book
from gateway.errors import UsageError
from gateway.install import certificates
from gateway.ledger import records, trail
from gateway.pages.guard import COOKIE
from protocol import seal, topics
from tests.support.broker import Broker
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import Program, ended, eventually, serve, troubles
from tests.support.signed_in import PASSWORD, account
from tests.support.unit_link import UnitLink


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker", CLINIC, ["U1", "U2"])
    yield broker
    broker.stop()


@pytest.fixture
def writer() -> Writer:
    writer = Writer("U1")
    writer.day(sessions=3)
    return writer


@pytest.fixture
def book(tmp_path: Path, broker: Broker, writer: Writer) -> Book:
    return in_folder(tmp_path / "clinic", writer, extra=broker.config)


@pytest.fixture
def link(broker: Broker) -> Iterator[UnitLink]:
    link = UnitLink(broker.port, "U1")
    yield link
    link.close()


def stored(book: Book) -> list[bytes]:
    with book.ledger() as db:
        return [line.encode() for line in records.lines(db, "U1")]


def digest(line: bytes) -> str:
    return seal.digest(seal.split(line)[0])


def test_a_unit_is_told_the_highest_record_without_a_gap_and_the_time(book, link, writer):
    program, _ = serve(book.folder)
    with ended(program):
        assert link.hears_ack(0) == "0" * 64
        link.send(writer.lines[:3])
        assert link.hears_ack(3) == digest(writer.lines[2])
        assert stored(book) == writer.lines[:3]
        link.send(writer.lines[5:])
        link.send(writer.lines[3:5])
        assert link.hears_ack(len(writer.lines)) == digest(writer.lines[-1])
        assert abs(link.times[0][0] - book.clock.now_ms()) < 60_000
        assert program.stop() == 0


def test_what_was_published_while_the_gateway_was_down_is_taken_in_when_it_is_back(book, link, writer):
    program, _ = serve(book.folder)
    with ended(program):
        link.hears_ack(0)
        program.kill()
        link.send(writer.lines)
        program.start()
        link.hears_ack(len(writer.lines))
        assert stored(book) == writer.lines


def test_what_nobody_heard_before_the_gateway_came_is_not_acknowledged_away(book, link, writer):
    link.send(writer.lines[:2])  # no session of the gateway's at the broker yet: these are gone
    program, _ = serve(book.folder)
    with ended(program):
        link.hears_ack(0)
        link.send(writer.lines[2:4])
        eventually(lambda: stored(book) == writer.lines[2:4])
        link.send(writer.lines[:5])  # the unit starts over, as nothing was acknowledged
        link.hears_ack(5)
        assert stored(book) == writer.lines[:5]
        assert [us for us, _ in link.acks] == [0, 5]


def test_a_unit_that_has_forgotten_its_oldest_records_is_acknowledged_when_it_starts_over(book, link, writer):
    program, _ = serve(book.folder)
    with ended(program):
        link.send(writer.lines[4:6])
        eventually(lambda: stored(book) == writer.lines[4:6])
        link.send(writer.lines[4:8])
        link.hears_ack(8)


def test_a_unit_heard_again_is_told_where_it_stands(book, link, writer):
    program, _ = serve(book.folder)
    with ended(program):
        link.send(writer.lines[:4])
        link.hears_ack(4)
        link.acks.clear()
        link.send(writer.lines[:4])
        link.hears_ack(4)
        with book.ledger() as db:
            assert records.findings(db) == []


def test_units_learn_of_records_that_came_from_a_file(book, link, writer, tmp_path):
    program, _ = serve(book.folder)
    with ended(program):
        link.hears_ack(0)
        (tmp_path / "U1.records").write_bytes(b"\n\n".join(writer.lines))
        taken = Program(
            tmp_path / "log", "gateway", "--dir", str(book.folder), "take-in", str(tmp_path / "U1.records")
        )
        taken.said(f"({len(writer.lines)}) stored")
        link.hears_ack(len(writer.lines))


def test_foreign_malformed_and_oversized_messages_do_no_harm(book, link, broker, writer):
    other = UnitLink(broker.port, "U2")
    program, _ = serve(book.folder)
    with ended(program):
        link.hears_ack(0)
        link.send_raw(topics.topic(CLINIC, "U1", "record"), b"")
        link.send_raw(topics.topic(CLINIC, "U1", "record"), b"\x00\xff|||\n{}\n\n")
        link.send_raw(topics.topic(CLINIC, "U1", "record"), b"x" * (1 << 21))
        link.send_raw(topics.topic(CLINIC, "U1", "record"), b"y\n" * 6000)
        other.send(writer.lines[:1])
        other.send([Writer("U9").boot()])
        link.send(writer.lines)
        link.hears_ack(len(writer.lines))
        assert stored(book) == writer.lines
        with book.ledger() as db:
            reasons = {(row["unit"], row["reason"]): row["bodies"] for row in records.quarantine_counts(db)}
        assert reasons == {("U1", "malformed"): 4, ("U2", "wrong_clinic"): 2}
    other.close()


def test_a_unit_cannot_acknowledge_itself_or_tell_the_time(book, link, broker, writer):
    program, _ = serve(book.folder)
    with ended(program):
        link.hears_ack(0)
        for topic, said in (
            (topics.topic(CLINIC, "U1", "ack"), topics.ack(99, "f" * 64)),
            (topics.time_topic(CLINIC), topics.time(1, None)),
        ):
            forger = UnitLink(broker.port, "U1", "forger")
            forger.forge(topic, said)
            forger.close()
        link.send(writer.lines[:1])
        link.hears_ack(1)
        assert 99 not in [us for us, _ in link.acks]
        assert 1 not in [ms for ms, _ in link.times]


def test_a_unit_enrolled_late_gets_what_it_had_sent_taken_in_and_acknowledged(book, broker, tmp_path):
    late = Writer("U2")
    late.day(sessions=1)
    link = UnitLink(broker.port, "U2")
    program, _ = serve(book.folder)
    with ended(program):
        link.send(late.lines)

        def refused() -> bool:
            with book.ledger() as db:
                return [each["code"] for each in records.findings(db)] == ["unknown_unit"]

        eventually(refused)
        arguments = ["unit", "add", "U2", "--key", late.key_hex, "--load", "tdp", "--room", "R2"]
        Program(tmp_path / "log", "gateway", "--dir", str(book.folder), *arguments).said(r"(enrolled)")
        link.hears_ack(len(late.lines))
        eventually(lambda: not refused())
    link.close()


def test_a_ledger_restored_from_a_backup_is_a_finding_and_units_are_told_the_lower_head(
    book, link, writer, tmp_path
):
    program, _ = serve(book.folder)
    with ended(program):
        link.send(writer.lines[:2])
        link.hears_ack(2)
        with book.ledger() as db:
            db.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
        link.send(writer.lines[2:6])
        link.hears_ack(6)
        program.stop()
        for path in book.folder.glob("ledger.db*"):
            path.unlink()
        (tmp_path / "backup.db").rename(book.folder / "ledger.db")
        program.start()
        link.hears_ack(2)

        def lowered() -> bool:
            with book.ledger() as db:
                return [(each["code"], each["us"]) for each in records.findings(db)] == [("ack_lowered", 6)]

        eventually(lowered)
        link.send(writer.lines[2:])
        link.hears_ack(len(writer.lines))
        assert stored(book) == writer.lines


def test_a_broker_that_dies_and_comes_back_is_found_again(book, broker, writer):
    program, _ = serve(book.folder)
    with ended(program):
        link = UnitLink(broker.port, "U1")
        link.send(writer.lines[:3])
        link.hears_ack(3)
        link.close()
        broker.kill()
        program.said("(lost the broker|no broker answers)")
        assert "no broker answers" in troubles(book.folder)["mqtt"] or "lost" in troubles(book.folder)["mqtt"]
        broker.start()
        program.said("mqtt: 已恢复 (·)")
        link = UnitLink(broker.port, "U1")
        link.hears_ack(3)
        link.send(writer.lines[3:])
        link.hears_ack(len(writer.lines))
        link.close()


def test_a_second_serve_on_the_same_ledger_is_refused(book, link):
    program, _ = serve(book.folder)
    with ended(program):
        second = Program(book.folder / "second.log", "gateway", "--dir", str(book.folder), "serve")
        second.said("(stop it first)")
        eventually(lambda: not second.running)
        assert program.running


def test_its_state_can_be_asked_for(book, link):
    program, address = serve(book.folder)
    with ended(program):
        link.hears_ack(0)
        assert httpx.get(f"{address}/status.json").json() == {"clinic": CLINIC, "troubles": {}}
        assert httpx.get(f"{address}/healthz").json() == {"ledger": "ok"}


def test_what_is_wrong_is_told_in_detail_only_to_who_may_read_the_ledgers_folder(book, broker):
    program, address = serve(book.folder)
    with ended(program):
        broker.kill()
        program.said("(lost the broker|no broker answers)")
        everybody = httpx.get(f"{address}/status.json").json()["troubles"]
        assert everybody == {"mqtt": "有故障 · in trouble"}
        guessed = {"Authorization": "Bearer x"}
        assert httpx.get(f"{address}/status.json", headers=guessed).json()["troubles"] == everybody
        assert "again and again" in troubles(book.folder)["mqtt"]
        assert (book.folder / "serve.lock").stat().st_mode & 0o777 == 0o600


def test_pages_need_a_sign_in_and_are_there_after_it(book, link):
    token = account(book.folder, "D01", MANAGER)
    program, address = serve(book.folder)
    with ended(program):
        assert httpx.get(f"{address}/month").headers["location"] == "/sign-in?to=%2Fmonth"
        page = httpx.get(f"{address}/month", cookies={COOKIE: token})
        assert page.status_code == 200 and "server" not in page.headers
        with book.ledger() as db:
            assert [each.subject for each in trail.entries(db) if each.act == "look"] == ["/month"]


# --- over TLS -------------------------------------------------------------------------------------------------------


@pytest.fixture
def secured(tmp_path: Path) -> tuple[Book, ssl.SSLContext]:
    """A clinic whose pages have a certificate, and a browser's trust in the authority that made it."""
    ca, ca_key = certificates.authority(CLINIC)
    cert, key = certificates.server(ca, ca_key, ["10.77.0.1", "127.0.0.1"])
    book = in_folder(tmp_path / "clinic")
    (book.folder / "pages.pem").write_text(cert)
    (book.folder / "pages.key").write_text(key)
    settings = book.folder / "wattwitness.toml"
    told = settings.read_text("utf-8").replace("port = 0", 'port = 0\ncert = "pages.pem"\nkey = "pages.key"')
    settings.write_text(told, "utf-8")
    return open_book(book.folder), ssl.create_default_context(cadata=ca)


def test_over_tls_a_sign_in_is_kept_by_a_cookie_that_no_other_way_can_read_or_set(secured):
    book, trust = secured
    account(book.folder, "D01", MANAGER)
    program, address = serve(book.folder)
    with ended(program), httpx.Client(base_url=address, verify=trust, headers={"Origin": address}) as client:
        assert address.startswith("https://")
        answer = client.post("/sign-in", data={"name": "D01", "password": PASSWORD})
        kept = answer.headers["set-cookie"]
        assert (
            kept.startswith("__Host-ww=") and "Secure" in kept and "HttpOnly" in kept and "Domain" not in kept
        )
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert client.get("/month").status_code == 200
        said = CliRunner().invoke(wattwitness, ["--dir", str(book.folder), "status", "--json"]).stdout
        assert json.loads(said)["serve"] == {"running": True, "address": address, "troubles": {}}


def test_a_certificate_that_is_none_is_named_and_nothing_is_served(secured):
    book, _ = secured
    (book.folder / "pages.key").write_text("no key")
    found = CliRunner().invoke(wattwitness, ["--dir", str(book.folder), "serve"])
    assert isinstance(found.exception, UsageError) and "serve.cert" in found.exception.zh
    assert "pages.key" in found.exception.en and not (book.folder / "serve.lock").exists()


def test_passwords_that_others_on_the_network_could_read_are_warned_of(tmp_path):
    book = in_folder(tmp_path / "clinic")
    program = Program(book.folder / "log", "gateway", "--dir", str(book.folder), "serve", "--host", "0.0.0.0")
    with ended(program):
        program.said("ready (http://0.0.0.0:)")
        assert "passwords can be read on that network" in program.log()
        program.stop()
    quiet, _ = serve(book.folder)
    with ended(quiet):
        assert "passwords can be read" not in quiet.log()
