"""Changes of the catalogue as people proposed and approved them, what clinics say of their own codes, and how lines are
called that have no item. SQL alone, no judgement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed change: `body` is the TOML, every character. `edition` is the number under which it counts, with who
    approved it and when; None while it is not approved."""

    proposal: int
    by: str
    why: str
    at_ms: int
    name: str
    body: str
    edition: int | None
    approved_by: str | None
    approved_ms: int | None


@dataclass(frozen=True, slots=True)
class OwnCode:
    """What a clinic says of a code from `from_day` on ("" for all time); item None: nothing any more. A later `mapping`
    counts before an earlier one."""

    mapping: int
    clinic: str
    code: str
    item: int | None
    from_day: str
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Called:
    """How some lines of a clinic are called, refunds included: their codes, name, item, first and last charge, and how
    many lines they are. `fen` is what those in force cost."""

    clinic: str
    source: str
    code: str
    own_code: str
    name: str
    item: int | None
    first_ms: int
    last_ms: int
    lines: int
    fen: int


_PROPOSALS = """SELECT p.proposal, p.by, p.why, p.at_ms, p.name, p.body, a.edition, a.by, a.at_ms
  FROM catalogue_proposals p LEFT JOIN catalogue_approvals a USING (proposal)"""


def proposals(db: Database) -> list[Proposal]:
    """Every proposal, the oldest first."""
    return [Proposal(*row) for row in db.execute(f"{_PROPOSALS} ORDER BY proposal").fetchall()]


def proposal(db: Database, number: int) -> Proposal | None:
    """The proposal of that number."""
    row = db.execute(f"{_PROPOSALS} WHERE proposal = ?", [number]).fetchone()
    return Proposal(*row) if row else None


def propose(db: Database, by: str, why: str, name: str, body: str, at_ms: int) -> int:
    """Keeps a proposal; its number."""
    values = [by, why, at_ms, name, body]
    sql = "INSERT INTO catalogue_proposals (by, why, at_ms, name, body) VALUES (?, ?, ?, ?, ?) RETURNING proposal"
    return db.execute(sql, values).fetchone()[0]


def approve(db: Database, number: int, by: str, at_ms: int) -> int:
    """A proposal counts from now on; the number of the edition that it makes."""
    sql = "INSERT INTO catalogue_approvals (proposal, by, at_ms) VALUES (?, ?, ?) RETURNING edition"
    return db.execute(sql, [number, by, at_ms]).fetchone()[0]


def approved(db: Database) -> list[tuple[str, str]]:
    """File name and TOML of every change that counts, in its order."""
    rows = db.execute(
        "SELECT p.name, p.body FROM catalogue_approvals a JOIN catalogue_proposals p USING (proposal) ORDER BY a.edition"
    )
    return [tuple(row) for row in rows.fetchall()]


def own_codes(db: Database, clinic: str) -> list[OwnCode]:
    """All that a clinic said of its own codes, the oldest first."""
    columns = "mapping, clinic, code, item, from_day, by, at_ms"
    rows = db.execute(f"SELECT {columns} FROM own_codes WHERE clinic = ? ORDER BY mapping", [clinic])
    return [OwnCode(*row) for row in rows.fetchall()]


def map_code(
    db: Database, clinic: str, code: str, item: int | None, from_day: str, by: str, at_ms: int
) -> int:
    """Keeps what a clinic says of a code; its number."""
    sql = """INSERT INTO own_codes (clinic, code, item, from_day, by, at_ms) VALUES (?, ?, ?, ?, ?, ?)
      RETURNING mapping"""
    return db.execute(sql, [clinic, code, item, from_day, by, at_ms]).fetchone()[0]


def called(db: Database, clinic: str | None = None) -> list[Called]:
    """How the lines of a clinic, or of all, are called."""
    rows = db.execute(
        """SELECT clinic, source, code, own_code, name, item, min(charged_ms), max(charged_ms),
             sum(count NOT LIKE '-%'), sum(CASE WHEN count NOT LIKE '-%' AND reversed_by IS NULL THEN amount_fen ELSE 0 END)
           FROM bill_lines WHERE :clinic IS NULL OR clinic = :clinic
           GROUP BY clinic, source, code, own_code, name, item ORDER BY clinic, source, code, own_code, name""",
        {"clinic": clinic},
    )
    return [Called(*row) for row in rows.fetchall()]


def visits_of(db: Database, each: Called, from_ms: int, until_ms: int) -> list[tuple[str, str]]:
    """(visit, line) of the lines called so that were charged in [from_ms, until_ms)."""
    sql = """SELECT visit, line FROM bill_lines WHERE clinic = ? AND source = ? AND code = ? AND own_code = ? AND name = ?
      AND item IS ? AND charged_ms >= ? AND charged_ms < ?"""
    called_so = [each.clinic, each.source, each.code, each.own_code, each.name, each.item]
    return [tuple(row) for row in db.execute(sql, [*called_so, from_ms, until_ms]).fetchall()]


def assign(db: Database, clinic: str, source: str, changed: Iterable[tuple[int | None, int, str]]) -> None:
    """Gives lines the items that they mean: (item, treatments left, line)."""
    db.conn.executemany(
        "UPDATE bill_lines SET item = ?, treatments = ? WHERE clinic = ? AND source = ? AND line = ?",
        ((item, left, clinic, source, line) for item, left, line in changed),
    )


def clinics(db: Database) -> list[str]:
    """Which clinics have bills."""
    sql = "SELECT DISTINCT clinic FROM bill_files ORDER BY clinic"
    return [clinic for (clinic,) in db.execute(sql).fetchall()]
