"""Work without search for cyclic garbage.

A month of a clinic is a million values that all live until it is judged. Looking through them again and again for cycles
takes as long as judging them, and finds nothing: what is in a cycle then waits for the next search.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Nobody in the process searches meanwhile. Threads may be in it at once: who turned the search off turns it on again."""
    was_on = gc.isenabled()
    if was_on:
        gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
