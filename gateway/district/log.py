"""The district's log: a Merkle tree over the digests of all records it admitted (RFC 6962, section 2.1).

Whoever has seen a checkpoint can later tell that nothing before it was taken away or changed. `Tree` is pure.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable

from sqlite_utils import Database

from gateway.ledger import leaves


class Tree:
    """A Merkle tree that only grows. It keeps the roots of its complete subtrees, at most one per power of two."""

    def __init__(self, digests: Iterable[str] = ()):
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []  # (leaves, root), largest first
        self.extend(digests)

    def extend(self, digests: Iterable[str]) -> None:
        """Appends leaves: SHA-256 digests, hex."""
        for digest in digests:
            self.size += 1
            leaves, root = 1, hashlib.sha256(b"\x00" + bytes.fromhex(digest)).digest()
            while self._peaks and self._peaks[-1][0] == leaves:
                root = _node(self._peaks.pop()[1], root)
                leaves *= 2
            self._peaks.append((leaves, root))

    def root(self) -> bytes:
        """The hash of the whole tree, 32 bytes; of an empty one, the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256().digest()
        root = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            root = _node(left, root)
        return root

    def checkpoint(self) -> str:
        """`<size>:<first 16 hex of root>`, as units copy it into their records."""
        return f"{self.size}:{self.root().hex()[:16]}"


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Log:
    """The tree over a ledger's leaves, brought up to date whenever it is asked. For any number of threads."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._lock = threading.Lock()

    def checkpoint(self, db: Database) -> str:
        """The checkpoint over every leaf that is durable now."""
        with self._lock:
            self._tree.extend(leaves.after(db, self._tree.size))
            return self._tree.checkpoint()
