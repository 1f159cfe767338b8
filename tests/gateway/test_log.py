"""The district's log is the Merkle tree of RFC 6962."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from gateway.district.log import Tree
from protocol.topics import is_checkpoint

DIGESTS = [hashlib.sha256(bytes([number])).hexdigest() for number in range(70)]


def as_defined(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + as_defined(leaves[:k]) + as_defined(leaves[k:])).digest()


@given(st.integers(0, 70), st.integers(0, 70))
def test_grown_in_two_steps_it_is_what_the_rfc_defines(size, cut):
    tree = Tree(DIGESTS[: min(cut, size)])
    tree.extend(DIGESTS[min(cut, size) : size])
    assert tree.root() == as_defined([bytes.fromhex(each) for each in DIGESTS[:size]])


def test_the_vectors_of_certificate_transparency():
    # Leaves of raw bytes, from the RFC's reference implementation; ours hold 32 bytes each, the tree is the same.
    leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    assert Tree(leaves).root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_checkpoints_name_size_and_root_and_never_repeat():
    tree = Tree()
    seen = [tree.checkpoint()]
    for digest in DIGESTS:
        tree.extend([digest])
        seen.append(tree.checkpoint())
    assert seen[0] == "0:e3b0c44298fc1c14"
    assert len({each.split(":")[1] for each in seen}) == len(seen)
    assert all(is_checkpoint(each) for each in seen)
