"""What tests of commands and of acts have in common: the ledger of their `book`, and its commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlite_utils import Database

from gateway.bootstrap import Book
from tests.support.audited import Run, runner


@pytest.fixture
def db(book: Book) -> Iterator[Database]:
    ledger = book.ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def run(book: Book, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(book.folder, capsys)
