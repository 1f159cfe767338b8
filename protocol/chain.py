"""How one more record stands to a unit's chain.

This file does not know who is asking, what a record says, or where it is kept: a unit, a gateway, a district and
an inspector's laptop ask the same question and must hear the same answer.
"""

NEXT = "NEXT"  # lengthens the chain by one, at its head or downwards from its first record
REPEAT = "REPEAT"  # the very payload that is stored: harmless
GAP = "GAP"  # something between is missing: keep it aside until that comes
FORK = "FORK"  # contradicts what is stored: two histories signed by one key

ORIGIN = "0" * 64  # `UP` of a unit's first record


class Head:
    """Both ends of a contiguous run of records: the newest, and the oldest with what it says of its predecessor."""

    def __init__(self, us: int, digest: str, first_us: int, first_up: str):
        self.us = us
        self.digest = digest
        self.first_us = first_us
        self.first_up = first_up


def judge(head, record, stored: str | None = None) -> str:
    """NEXT, REPEAT, GAP or FORK for `record` (`us`, `up`, `digest`) against `head` (None: nothing is stored).

    `stored` is the digest of the payload stored under the record's `us`, None where there is none. A unit's first
    stored record may have any `us`; earlier ones attach downwards through `up`.
    """
    if head is None:
        return NEXT
    if stored is not None:
        return REPEAT if stored == record.digest else FORK
    if record.us == head.us + 1:
        return NEXT if record.up == head.digest else FORK
    if record.us == head.first_us - 1:
        return NEXT if record.digest == head.first_up else FORK
    return GAP


def lengthen(head, record) -> Head:
    """The head after `record`, which was judged NEXT, has joined the run."""
    if head is None:
        return Head(record.us, record.digest, record.us, record.up)
    if record.us == head.us + 1:
        return Head(record.us, record.digest, head.first_us, head.first_up)
    return Head(head.us, head.digest, record.us, record.up)
