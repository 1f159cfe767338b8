"""How a batch came, and what became of it: what stages tell each other, and `take-in` prints."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.intake.findings import Finding
from protocol.chain import Head


@dataclass(frozen=True, slots=True)
class Came:
    """How and when a batch came.

    `sent_by_unit`: by the unit itself, just now; if it starts over at the oldest record that we have, it has nothing
    older. `logged` (a district): each record also becomes a leaf of the log, and one from the future a finding.
    `by_cable`: read out of the unit, nobody between: what the ledger lacks at its end is a finding.
    """

    source: str
    received_ms: int
    sent_by_unit: bool = False
    logged: bool = False
    by_cable: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where and when a record was stored for the first time."""

    unit: str
    us: int
    digest: str
    position: int
    received_ms: int


@dataclass(slots=True)
class Outcome:
    """What became of a batch. `heads` are of the units concerned, as far as they can be acknowledged."""

    stored: int = 0
    repeated: int = 0
    quarantined: int = 0
    findings: list[Finding] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """As `take-in --json` prints it."""
        counts = {"stored": self.stored, "repeated": self.repeated, "quarantined": self.quarantined}
        return counts | {"findings": [each.document() for each in self.findings]}

    def add(self, other: Outcome) -> None:
        """Takes in what became of a later batch; of a gap, only what is open in the end."""
        self.stored += other.stored
        self.repeated += other.repeated
        self.quarantined += other.quarantined
        kept = [each for each in self.findings if each.code != "gap" or each.unit not in other.heads]
        self.findings = list({each.name: each for each in kept + other.findings}.values())
        self.receipts += other.receipts
        self.heads |= other.heads
