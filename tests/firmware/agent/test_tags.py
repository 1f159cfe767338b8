"""What may become a tag, and what it becomes."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.agent.tags import TagError, hmac_sha256, tag
from tests.support.both import on_both

KEY = bytes(range(32))


@given(st.binary(min_size=1, max_size=64), st.binary(max_size=200))
def test_the_hash_is_hmac_sha256_as_everybody_has_it(key, message):
    assert hmac_sha256(key, message) == hmac.digest(key, message, hashlib.sha256)


def test_both_interpreters_make_the_same_tag():
    script = f"from firmware.agent.tags import tag\nprint(tag({KEY!r}, '9f86d081884c7d65'))"
    made = on_both(script).strip()
    assert made == hmac.digest(KEY, b"9f86d081884c7d65", hashlib.sha256).hex()


@pytest.mark.parametrize(
    "token",
    (
        "31010119900307123X",  # the form of an identity number
        "310101199003071234",
        "310101900307123",  # its older form
        "13800138000",  # a telephone's
        "6222021001122334455",  # a card's
        "A12345678",  # a social security card's
        "3100000000000000000000000012",  # an insurance number's
        "https://x.cn/31010119900307123X",
        "310101199003071234-abcdef",
    ),
)
def test_what_looks_like_a_persons_number_is_refused_and_not_repeated(token):
    with pytest.raises(TagError) as refusal:
        tag(KEY, token)
    assert token[:6] not in str(refusal.value)


@pytest.mark.parametrize(
    "token", ("", "0123456789abcde", "a" * 16, "ab" * 10, "0123456789abcde\n", "令牌" * 10, "x" * 129)
)
def test_what_is_too_short_or_not_random_is_refused(token):
    with pytest.raises(TagError):
        tag(KEY, token)


def test_random_tokens_of_64_bits_and_more_are_taken():
    refused = 0
    for _ in range(2000):
        for token in (secrets.token_hex(8), secrets.token_urlsafe(12), secrets.token_hex(16)):
            try:
                assert len(tag(KEY, token)) == 64
            except TagError:
                refused += 1
    assert refused < 60, "whoever makes tokens tries another where one looks like a number"
