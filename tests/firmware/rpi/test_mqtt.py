"""The way to the gateway: what keeps a unit from trying it at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.rpi.errors import UsageError
from firmware.rpi.mqtt import Link
from firmware.rpi.settings import MqttSettings


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_certificate_authority_that_cannot_be_read_is_refused_by_key_and_file(
    tmp_path: Path, text: str | None
):
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text, "ascii")
    with pytest.raises(UsageError, match=r"mqtt\.ca, cert, key: TLS cannot be set up from .*ca\.pem"):
        Link(MqttSettings(ca=path), "C1", "U1")
