"""`wattwitness`, dying by SIGKILL at an exact point: `python -m tests.support.dying POINT TIMES ARGUMENTS...`.

POINT is a name of `POINTS`; the process dies when it comes there for the TIMES-th time.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from gateway.__main__ import main
from gateway.forward import outbox as forward
from gateway.intake.acknowledge import Acknowledger
from gateway.intake.receive import Receiver
from gateway.ledger import closings, outbox, records, reviews, trail

POINTS: dict[str, tuple[Any, str]] = {
    "in the middle of storing": (records, "keep_chain"),
    "between storing and acknowledging": (Acknowledger, "acknowledge"),
    "between acknowledging and telling the broker": (Receiver, "done"),
    "before it sends on": (forward, "next_batch"),
    "when the answer has come": (forward, "settle"),
    "when it has admitted and not yet noted it": (outbox, "keep"),
    "in the middle of an answer": (reviews, "add"),
    "before an act is noted": (trail, "note"),
    "in the middle of a closing": (closings, "add"),
    "in the middle of taking in answers": (reviews, "attach"),
}


def die_at(point: str, times: int) -> None:
    """Puts the end of this process where `point` says."""
    place, name = POINTS[point]
    survived: Callable[..., Any] = getattr(place, name)
    left = [times]

    def deadly(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return survived(*arguments, **named)

    setattr(place, name, deadly)


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]))
    main(sys.argv[3:])
