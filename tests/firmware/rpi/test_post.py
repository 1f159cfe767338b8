"""A Pi without a meter as a post: its real program, a real broker and the gateway's own; a token held to it twice is a
treatment that the gateway has recorded."""

from __future__ import annotations

import os
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.rpi import keyfile
from firmware.rpi.errors import UsageError
from firmware.rpi.settings import read_settings
from firmware.rpi.watching import watch
from gateway.bootstrap import Book
from gateway.ledger import attended, records
from gateway.nurse import tokens
from protocol import p256
from tests.firmware.parts import SECRET
from tests.gateway.test_settle import charge
from tests.nurse.test_posts import MASSAGE, paid
from tests.support.broker import PASSWORD, Broker
from tests.support.chain import START_MS
from tests.support.ledgers import CLINIC, in_folder
from tests.support.programs import Program, ended, eventually

SPEED = 900
TOKEN = "V8qXz1kRt0aLw5Pn"
DAY_MS = 86_400_000
UNIT = """
unit = "P1"
clinic = "{clinic}"
key = "p1.pem"
load = "{load}"
tag_key = "{tag_key}"

[mqtt]
port = {port}
user = "P1"
password = "{password}"
reconnect_least_ms = 50

[port]
kind = "none"
"""
BOX = '[box]\nreader = "gm65"\nreader_device = "{device}"\n'


@pytest.fixture
def reader() -> Iterator[tuple[int, str]]:
    """(what is written to it is read, the device that a unit opens)."""
    wire, device = os.openpty()
    tty.setraw(device)
    yield wire, os.ttyname(device)
    os.close(wire)
    os.close(device)


def unit_toml(
    folder: Path, port: int = 1, tag_key: object = "tag.key", load: str = "post", more: str = ""
) -> Path:
    path = folder / "unit.toml"
    named = {"clinic": CLINIC, "port": port, "password": PASSWORD, "tag_key": tag_key, "load": load}
    path.write_text(UNIT.format(**named) + more)
    return path


def entries(book: Book) -> list[attended.Entry]:
    with book.ledger() as db:
        return attended.between(db, CLINIC, START_MS - DAY_MS, START_MS + 2 * DAY_MS)


def chain(book: Book) -> list[str]:
    """The kinds of its records, in order."""
    with book.ledger() as db:
        return [line.split('"UK":"')[1].split('"')[0] for line in records.lines(db, "P1")]


def test_a_token_held_to_a_post_twice_is_a_treatment_in_the_gateways_book(tmp_path, reader):
    wire, device = reader
    clock = f"[clock]\nreal_ms = {time.time_ns() // 1_000_000}\nshown_ms = {START_MS}\nspeed = {SPEED}\n"
    broker = Broker(tmp_path / "broker", CLINIC, ["P1"])
    book = in_folder(tmp_path / "clinic", extra=broker.config + clock)
    keyfile.write(tmp_path / "p1.pem", SECRET)
    key_hex = p256.spki(p256.public_key(SECRET)).hex()
    with book.ledger() as db:
        tag = tokens.tag(tokens.open_tag_key(book.folder), TOKEN)
        attended.keep_tag(db, CLINIC, tag, "V1", START_MS, "D09")
        charge(db, book, paid("1", code=MASSAGE))
    told = unit_toml(tmp_path, broker.port, book.folder / "tag.key", more=BOX.format(device=device) + clock)
    add = ("unit", "add", "P1", "--key", key_hex, "--load", "post", "--room", "R1")
    enrolled = Program(tmp_path / "add.log", "gateway", "--dir", str(book.folder), *add)
    eventually(lambda: not enrolled.running)
    serve = Program(tmp_path / "serve.log", "gateway", "--dir", str(book.folder), "serve")
    serve.said(r"ready (http://\S+)")
    unit = Program(tmp_path / "unit.log", "firmware.rpi", "run", "--config", str(told))
    with ended(unit, serve):
        eventually(lambda: chain(book))
        os.write(wire, TOKEN.encode() + b"\r")
        (begun,) = eventually(lambda: entries(book))
        assert (begun.visit, begun.ended_ms) == ("V1", None)
        eventually(lambda: "ALIVE" in chain(book)[chain(book).index("TAG") :], 30)
        os.write(wire, TOKEN.encode() + b"\r")
        (done,) = eventually(lambda: [each for each in entries(book) if each.ended_ms is not None], 30)
    assert (done.visit, done.item, done.began_ms) == ("V1", begun.item, begun.began_ms)
    assert done.ended_ms is not None and done.ended_ms > done.began_ms + 60_000
    assert set(chain(book)) <= {"BOOT", "ALIVE", "TAG", "CLOCK"}, (
        "of a meter that is not there it says nothing"
    )
    broker.stop()


@pytest.mark.parametrize(
    "load, more, says",
    (
        ("tdp", BOX.format(device="x"), "load must be post"),
        ("post", "", "there must be a box.reader"),
        ("post16", BOX.format(device="x") + "[profile]\non_mw = 1\n", "no profile"),
    ),
)
def test_what_makes_no_post_is_refused(tmp_path, load, more, says):
    with pytest.raises(UsageError) as refused:
        read_settings(unit_toml(tmp_path, load=load, more=more))
    assert says in refused.value.en


def test_there_is_nothing_to_calibrate_at_a_post(tmp_path):
    told: Any = read_settings(unit_toml(tmp_path, more=BOX.format(device="x")))
    with pytest.raises(UsageError) as refused:
        watch(told, 1, print)
    assert "no meter" in refused.value.en
