"""Work without search for cyclic garbage: off inside, and afterwards as it was."""

from __future__ import annotations

import gc
import threading

import pytest

from gateway.uncollected import uncollected


@pytest.fixture(autouse=True)
def searching():
    gc.enable()
    yield
    gc.enable()


def test_nobody_searches_inside_and_somebody_does_afterwards_whatever_happened():
    with pytest.raises(ValueError, match="stop"), uncollected():
        assert not gc.isenabled()
        raise ValueError("stop")
    assert gc.isenabled()


def test_inside_another_it_changes_nothing_and_who_never_searched_does_not_begin():
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_after_several_threads_at_once_the_search_is_on_again():
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(200):
            with uncollected():
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert gc.isenabled()
