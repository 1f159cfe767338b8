"""What a bill file says, whatever its format: charges, withdrawals, settlements, and rows that cannot be read.

A refund is a charge with a negative count. Money is in fen, instants are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from gateway.errors import UsageError

BATCH = "batch:"
"""What a settlement begins with while only the batch of a charge is known, and not yet who settled it."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One row that charges something (or, with a negative count, takes it back).

    `line` is `<visit>/<number>`. `codes` are the national and price codes, `own_codes` the clinic's own. `void` says
    why the row itself is not in force, `refunds` which line of the visit a refund names, `insured` whether an insurer
    pays (None: not told).
    """

    row: int
    line: str
    visit: str
    patient: str
    codes: tuple[str, ...]
    own_codes: tuple[str, ...]
    names: tuple[str, ...]
    count: Decimal
    amount_fen: int
    charged_ms: int
    performed_ms: int | None
    room: str
    staff: str
    settlement: str
    void: str | None
    refunds: str | None
    insured: bool | None = None


class Withdrawal(NamedTuple):
    """A message that takes back many lines of a visit: unsettled ones by `batch` (None: all of them), or those of a
    `settlement`. `by` is what the lines will say of it."""

    row: int
    visit: str
    batch: str | None
    settlement: str | None
    by: str


class Settled(NamedTuple):
    """A message that tells which settlement a batch of a visit went into."""

    row: int
    visit: str
    batch: str
    settlement: str


class Total(NamedTuple):
    """What a settlement came to in all; negative where it takes another one back. It changes no line."""

    row: int
    visit: str
    settlement: str
    amount_fen: int


Statement = Charge | Withdrawal | Settled


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken, and why. Rows are counted as a spreadsheet counts them, or messages' lines from 1."""

    row: int
    column: str
    value: str
    zh: str
    en: str

    @property
    def why(self) -> str:
        """Both languages in one sentence."""
        return f"{self.zh} / {self.en}"


@dataclass(slots=True)
class Contents:
    """All that a file says, in its order.

    `uploads`: its rows are uploads, so that a line said again after it was taken back is live again; else they are
    facts of a table, in no order. `columns` names the column of each of our fields, for what is found later. `totals`
    are what lines have to add up to, as a file of settlements tells them.
    """

    uploads: bool
    statements: list[Statement] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    totals: list[Total] = field(default_factory=list)


class UnreadableFile(UsageError):
    """The file as a whole cannot be read as bills; nothing was changed."""
