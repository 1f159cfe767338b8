"""Looking at owed seals gives way to a rush of records, and cannot be put off for ever."""

from __future__ import annotations

import threading

import pytest

from gateway import service
from tests.support.chain import Writer
from tests.support.ledgers import in_folder


class Ticks(threading.Event):
    """Says so many times that it is not time to stop; nobody waits."""

    def __init__(self, count: int):
        super().__init__()
        self._left = count

    def wait(self, timeout: float | None = None) -> bool:
        self._left -= 1
        return self._left < 0


class Rush(threading.Event):
    """A large batch comes every second."""

    def is_set(self) -> bool:
        return True


@pytest.mark.parametrize(("rush", "looks"), [(threading.Event(), 180), (Rush(), 3)], ids=["quiet", "rush"])
def test_seals_are_looked_at_every_second_or_in_a_rush_once_a_minute(tmp_path, monkeypatch, rush, looks):
    looked: list[int] = []
    monkeypatch.setattr(service.pipeline, "look_at_seals", lambda db, now_ms, most: looked.append(most))
    book = in_folder(tmp_path, Writer("U1"))
    service._Seals(book, rush, lambda zh, en: None).run(Ticks(180))
    assert len(looked) == looks


def test_a_rush_that_begins_ends_the_looking_and_its_end_begins_it_again(tmp_path, monkeypatch):
    rush, looked = threading.Event(), []

    def look(db, now_ms, most):
        looked.append(most)
        if len(looked) == 2:
            rush.set()
        return most if len(looked) < 5 else 0

    monkeypatch.setattr(service.pipeline, "look_at_seals", look)
    service._Seals(in_folder(tmp_path, Writer("U1")), rush, lambda zh, en: None).run(Ticks(20))
    assert rush.is_set() is False and len(looked) > 5
