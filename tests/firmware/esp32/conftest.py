"""The unit's image, and an honest gateway at a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.esp32 import bench
from tests.firmware.esp32.gateway import Gateway, broker


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
