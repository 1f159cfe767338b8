"""The district's two addresses: who brings is proved by a token, and nothing else is believed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import config, web
from gateway.bootstrap import Book
from gateway.district.admit import LONGEST_BODY
from gateway.ledger import records
from tests.support.chain import Writer
from tests.support.ledgers import CLINIC, in_folder

TOKEN, OTHER_TOKEN = "a-token-only-for-tests", "another-token-for-tests"
RECORDS = "/district/v1/records"


@pytest.fixture
def writer() -> Writer:
    writer = Writer("U1")
    writer.day(sessions=1)
    return writer


@pytest.fixture
def book(tmp_path: Path, writer: Writer) -> Book:
    tokens = f'[district.tokens]\n{CLINIC} = "{TOKEN}"\nC002 = "{OTHER_TOKEN}"\n'
    return in_folder(tmp_path, writer, role=config.DISTRICT, extra=tokens)


def ask(book: Book, method: str, path: str, host: str = "127.0.0.1", **what: Any) -> httpx.Response:
    """One request to the district's application, as if from `host`."""

    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(app=web.app(book, {}), client=(host, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://district") as client:
            return await client.request(method, path, **what)

    return asyncio.run(one())


def headers(clinic: str = CLINIC, token: str = TOKEN) -> dict[str, str]:
    return {"WattWitness-Clinic": clinic, "Authorization": f"Bearer {token}"}


def body(writer: Writer, after: int = 0) -> dict[str, Any]:
    lines = enumerate(writer.lines, start=after + 1)
    return {"after": after, "records": [{"position": at, "line": line.decode()} for at, line in lines]}


def test_a_clinic_with_its_token_brings_records_and_hears_what_is_held(book, writer):
    answer = ask(book, "POST", RECORDS, json=body(writer), headers=headers())
    said = answer.json()
    assert answer.status_code == 200
    assert (said["held"], said["stored"], said["refused"]) == (5, 5, 0)
    assert said["checkpoint"].startswith("5:")
    assert list(said["approved"]) == ["U1"]
    again = ask(book, "POST", RECORDS, json=body(writer), headers=headers()).json()
    assert (again["held"], again["repeated"], again["checkpoint"]) == (5, 5, said["checkpoint"])


@pytest.mark.parametrize(
    "sent",
    [
        {},
        headers(token="wrong-token-wrong-token"),
        headers("C999"),
        headers("C999", ""),
        headers("C002"),
        headers("", ""),
    ],
    ids=["nothing", "a wrong token", "an unknown clinic", "neither", "another clinic's token", "empty"],
)
def test_without_the_clinics_own_token_nothing_is_taken_in(book, writer, sent):
    answer = ask(book, "POST", RECORDS, json=body(writer), headers=sent)
    assert answer.status_code == 401
    with book.ledger() as db:
        assert records.heads(db) == {}


def test_a_clinic_cannot_speak_for_anothers_units(book, writer):
    said = ask(book, "POST", RECORDS, json=body(writer), headers=headers("C002", OTHER_TOKEN)).json()
    assert (said["stored"], said["quarantined"], said["approved"]) == (0, 5, {})
    with book.ledger() as db:
        assert {each["reason"] for each in records.quarantine_counts(db)} == {"wrong_clinic"}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"after": 0}',
        b'{"after": -1, "records": []}',
        b'{"after": true, "records": []}',
        b'{"after": 0, "records": [{"position": 1}]}',
        b'{"after": 0, "records": [{"position": 1, "line": 5}]}',
        b'{"after": 4, "records": [{"position": 4, "line": "x"}]}',
        b'{"after": 0, "records": [{"position": 2, "line": "x"}, {"position": 1, "line": "x"}]}',
    ],
)
def test_what_is_no_request_is_refused_and_changes_nothing(book, sent):
    assert ask(book, "POST", RECORDS, content=sent, headers=headers()).status_code == 422
    with book.ledger() as db:
        assert records.quarantine_counts(db) == []
        assert db.execute("SELECT count(*) FROM forwards").fetchone() == (0,)


def test_an_endless_body_is_not_read_to_its_end(book):
    answer = ask(book, "POST", RECORDS, content=b"x" * (LONGEST_BODY + 1), headers=headers())
    assert answer.status_code == 413


def test_a_gap_before_what_is_brought_is_answered_with_what_is_held(book, writer):
    said = ask(book, "POST", RECORDS, json=body(writer, after=7), headers=headers()).json()
    assert (said["held"], said["stored"]) == (0, 0)


def test_the_overview_is_for_the_districts_own_machine(book):
    assert ask(book, "GET", "/district/v1/overview").json()["clinics"][0]["units"][0]["never_heard"] is True
    assert ask(book, "GET", "/district/v1/overview", "192.0.2.7").status_code == 403


def test_a_clinics_gateway_has_no_such_addresses(tmp_path, writer):
    book = in_folder(tmp_path / "clinic", writer)
    assert ask(book, "POST", RECORDS, json=body(writer), headers=headers()).status_code in (404, 405)
