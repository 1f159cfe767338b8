"""Fourth stage: units are told what is durable, and what time it is.

An acknowledgement names the highest record of a unit up to which nothing is missing. It is retained, so that a unit
hears it whenever it comes back. This file does not know the ledger, nor how publishing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from protocol import topics
from protocol.chain import ORIGIN, Head

Publish = Callable[[str, bytes, bool], None]  # topic, payload, retain


class Acknowledger:
    """Remembers what it told each unit of the clinic."""

    def __init__(self, clinic: str, publish: Publish):
        self._clinic = clinic
        self._publish = publish
        self._told: dict[str, bytes] = {}

    def acknowledge(self, heads: Mapping[str, Head]) -> None:
        """Tells these units how far they are stored, also if they were told before: they seem not to know."""
        for unit, head in heads.items():
            self._tell(unit, topics.ack(head.us, head.digest))

    def catch_up(self, units: Iterable[str], heads: Mapping[str, Head], *, all_again: bool = False) -> None:
        """Tells every unit whose head is another than it was told; `all_again` after a new connection."""
        for unit in units:
            head = heads.get(unit)
            ack = topics.ack(head.us, head.digest) if head else topics.ack(0, ORIGIN)
            if all_again or self._told.get(unit) != ack:
                self._tell(unit, ack)

    def tell_time(self, now_ms: int, checkpoint: str | None) -> None:
        """The time, and the district's last checkpoint, to all units of the clinic."""
        self._publish(topics.time_topic(self._clinic), topics.time(now_ms, checkpoint), False)

    def _tell(self, unit: str, ack: bytes) -> None:
        self._told[unit] = ack
        self._publish(topics.topic(self._clinic, unit, "ack"), ack, True)
