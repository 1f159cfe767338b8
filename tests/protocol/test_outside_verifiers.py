"""Programs that we did not write accept the golden session, and refuse its tampered twins."""

from __future__ import annotations

import pytest

from protocol import p256
from tests.support import outside
from tests.support.tools import CHECKOUT

GOLDEN = (CHECKOUT / "tests/vectors/golden.ocmf").read_text().splitlines()
PUB = (CHECKOUT / "tests/vectors/golden.pub").read_text().strip()
SESSION = GOLDEN[3]
OTHER_PUB = p256.spki(p256.public_key(bytes(range(32)))).hex()
TAMPERED = {
    "its seconds": (SESSION.replace('"UA":1255', '"UA":1256'), PUB),
    "its energy": (SESSION.replace('"RV":0.087152', '"RV":0.087153'), PUB),
    "its unit": (SESSION.replace("U-0007A3F2", "U-0007A3F3"), PUB),
    "a space in it": (SESSION.replace('"FV":', '"FV": '), PUB),
    "its signature": (SESSION.replace('bf88"}', 'bf89"}'), PUB),
    "the key": (SESSION, OTHER_PUB),
}


def test_ocmf_finds_the_session_valid_even_strictly_and_fit_for_billing():
    assert outside.ocmf_accepts(SESSION, PUB)
    assert outside.ocmf_finds_compliant(SESSION, PUB)


@pytest.mark.parametrize("line", GOLDEN, ids=range(1, 7))
def test_ocmf_and_openssl_find_every_golden_record_validly_signed(line):
    assert outside.ocmf_accepts(line, PUB, strict=False)
    assert outside.openssl_accepts(line, PUB)


@pytest.mark.parametrize("what", TAMPERED)
def test_ocmf_and_openssl_refuse_the_session_with_another(what):
    line, pub = TAMPERED[what]
    assert (line, pub) != (SESSION, PUB)
    assert not outside.ocmf_accepts(line, pub)
    assert not outside.ocmf_finds_compliant(line, pub)
    assert not outside.openssl_accepts(line, pub)


def test_ocmf_refuses_a_validly_signed_document_that_is_not_true_to_the_ocmf_text():
    fiscal = GOLDEN[0]
    assert outside.ocmf_accepts(fiscal, PUB, strict=False)
    assert not outside.ocmf_accepts(fiscal, PUB, strict=True)
