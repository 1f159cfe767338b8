"""Every shape of session that an agent can tell is accepted by verifiers that are not ours."""

from __future__ import annotations

import pytest

from firmware.agent.events import Finished
from protocol import p256, seal
from tests.firmware.agent.rig import Rig
from tests.firmware.parts import PUBLIC, SECRET
from tests.support.outside import ocmf_accepts, ocmf_finds_compliant, openssl_accepts

PUB_HEX = p256.spki(PUBLIC).hex()


def synchronised() -> Rig:
    return Rig().boot().watch(250, 100).watch(2, 70)


def informative() -> Rig:
    return Rig().boot(synchronised=False).watch(250, 100).watch(2, 70)


def never_set() -> Rig:
    return Rig().boot(at_ms=None).watch(250, 100).watch(2, 70)


def power_failed() -> Rig:
    return Rig().boot().watch(250, 100).cut(60).boot()


def aborted() -> Rig:
    rig = Rig().boot().watch(250, 100)
    return rig.feed(Finished(rig.mono_ms))


def of_no_length() -> Rig:
    return Rig({"debounce_s": 0}).boot().watch(2, 5).watch(250, 1).watch(2, 70)


SHAPES = {
    "SS L": synchronised, "IR L": informative, "UU L": never_set, "SS P": power_failed, "SS A": aborted,
    "SS L of no length": of_no_length,
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_session_of_any_shape_is_accepted_strictly_and_its_tampered_twin_refused(shape: str):
    said = SHAPES[shape]().of("SESSION")[0]
    begin, end = said.readings
    assert shape.startswith(f"{begin.flag}{end.flag} {end.tx}")
    line = seal.seal(said.payload, lambda message: p256.sign(SECRET, message))
    assert (
        ocmf_accepts(line, PUB_HEX) and ocmf_finds_compliant(line, PUB_HEX) and openssl_accepts(line, PUB_HEX)
    )
    assert not ocmf_accepts(line.replace('"UA":', '"UA":1'), PUB_HEX)
