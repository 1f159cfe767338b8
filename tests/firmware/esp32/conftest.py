"""The unit's image, an honest gateway at a real broker; and what of MicroPython the journal's modules ask for by name when
they are looked at in a folder, under CPython."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import Gateway, broker

_micropython = ModuleType("micropython")
_micropython.const = lambda value: value  # type: ignore[attr-defined]
sys.modules.setdefault("micropython", _micropython)


@pytest.fixture(scope="session")
def rom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ships, and the scripted board, as one image."""
    return bench.build(tmp_path_factory.mktemp("rom"))


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway at a broker without TLS."""
    made = broker(tmp_path)
    gateway = Gateway(made.port)
    yield gateway
    gateway.close()
    made.stop()
