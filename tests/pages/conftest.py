"""What tests of pages may ask for: the simulated clinic day, made once."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from gateway import web
from gateway.bootstrap import Book
from tests.pages.clinic_day import clinic_day
from tests.support.signed_in import client


@pytest.fixture(scope="session")
def small_day(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The small clinic day, for tests that change nothing."""
    return clinic_day(tmp_path_factory.mktemp("small-day") / "clinic")


@pytest.fixture(scope="session")
def manager(small_day: Book) -> TestClient:
    """The manager of that clinic, signed in."""
    return client(web.app(small_day, {}), small_day.folder, name="M01")
