"""People who may sign in, their sign-ins, and failed ones."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account. `is_first`: the password was made by another one and has to be changed."""

    name: str
    role: str
    is_first: bool
    since_ms: int
    until_ms: int | None


_COLUMNS = "people.name, role, is_first, people.since_ms, until_ms"


def people(db: Database) -> list[Person]:
    """Everybody who has or had an account, by name."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM people ORDER BY name").fetchall()
    return [_person(row) for row in rows]


def person(db: Database, name: str) -> Person | None:
    """Somebody who has or had an account."""
    row = db.execute(f"SELECT {_COLUMNS} FROM people WHERE name = ?", [name]).fetchone()
    return _person(row) if row else None


def password_of(db: Database, name: str) -> str | None:
    """What is kept of the password of somebody who may sign in."""
    row = db.execute("SELECT password FROM people WHERE name = ? AND until_ms IS NULL", [name]).fetchone()
    return row[0] if row else None


def add(db: Database, name: str, role: str, password: str, is_first: bool, at_ms: int) -> None:
    """A new account, inside the caller's transaction."""
    row = [name, role, password, int(is_first), at_ms]
    db.execute("INSERT INTO people (name, role, password, is_first, since_ms) VALUES (?, ?, ?, ?, ?)", row)


def change(db: Database, name: str, role: str) -> None:
    """Another role; sign-ins end."""
    db.execute("UPDATE people SET role = ? WHERE name = ?", [role, name])
    sign_out_everywhere(db, name)


def set_password(db: Database, name: str, password: str, is_first: bool) -> None:
    """Another password; sign-ins end."""
    db.execute("UPDATE people SET password = ?, is_first = ? WHERE name = ?", [password, int(is_first), name])
    sign_out_everywhere(db, name)


def administrators(db: Database) -> int:
    """How many accounts of administrators may sign in."""
    told = db.execute("SELECT count(*) FROM people WHERE role = 'administrator' AND until_ms IS NULL")
    return int(told.fetchone()[0])


def end(db: Database, name: str, at_ms: int) -> None:
    """The account is kept, but nobody signs in by it any more."""
    db.execute("UPDATE people SET until_ms = ? WHERE name = ?", [at_ms, name])
    sign_out_everywhere(db, name)


# --- sign-ins -----------------------------------------------------------------------------------------------------


def sign_in(db: Database, token: str, name: str, at_ms: int) -> None:
    """`token` is the SHA-256 (hex) of what the browser keeps."""
    db.execute(
        "INSERT INTO sign_ins (token, name, since_ms, seen_ms) VALUES (?, ?, ?, ?)",
        [token, name, at_ms, at_ms],
    )


def signed_in(db: Database, token: str) -> tuple[Person, int, int] | None:
    """Whose sign-in it is, when it was last used and when it began (ms); None where there is none, or the account has ended."""
    row = db.execute(
        f"SELECT {_COLUMNS}, seen_ms, sign_ins.since_ms FROM sign_ins JOIN people USING (name) WHERE token = ? AND until_ms IS NULL",
        [token],
    ).fetchone()  # fmt: skip
    return (_person(row[:-2]), *row[-2:]) if row else None


def seen(db: Database, token: str, at_ms: int) -> None:
    """It was used."""
    db.execute("UPDATE sign_ins SET seen_ms = ? WHERE token = ?", [at_ms, token])


def sign_out(db: Database, token: str) -> None:
    """Ends one sign-in."""
    db.execute("DELETE FROM sign_ins WHERE token = ?", [token])


def sign_out_everywhere(db: Database, name: str) -> None:
    """Ends all of somebody's."""
    db.execute("DELETE FROM sign_ins WHERE name = ?", [name])


def forget_unused(db: Database, role: str, seen_ms: int, since_ms: int) -> None:
    """Ends the sign-ins of a role that were last used before `seen_ms`, or began before `since_ms`."""
    db.execute(
        "DELETE FROM sign_ins WHERE (seen_ms < ? OR since_ms < ?) AND name IN (SELECT name FROM people WHERE role = ?)",
        [seen_ms, since_ms, role],
    )


def sign_out_all(db: Database) -> None:
    """Ends everybody's."""
    db.execute("DELETE FROM sign_ins")


# --- failed ones --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failed:
    """How many attempts failed: under a name, from an address, in all."""

    by_name: int
    by_address: int
    all: int


def note_failed(db: Database, at_ms: int, name: str, address: str) -> int:
    """Somebody tries, and has failed until `forget_failed` is told its number; what is older than an hour is forgotten
    here (the trail keeps it)."""
    db.execute("DELETE FROM failed_sign_ins WHERE at_ms < ?", [at_ms - 3_600_000])
    row = [at_ms, name, address]
    made = db.execute("INSERT INTO failed_sign_ins (at_ms, name, address) VALUES (?, ?, ?)", row)
    return int(made.lastrowid or 0)


def forget_failed(db: Database, attempt: int) -> None:
    """It was no failure."""
    db.execute("DELETE FROM failed_sign_ins WHERE rowid = ?", [attempt])


def failed_since(db: Database, since_ms: int, name: str, address: str) -> Failed:
    """How often since then."""
    row = db.execute(
        "SELECT count(*) FILTER (WHERE name = ?), count(*) FILTER (WHERE address = ?), count(*) FROM failed_sign_ins"
        " WHERE at_ms > ?",
        [name, address, since_ms],
    ).fetchone()
    return Failed(*row)


def _person(row: tuple[str, str, int, int, int | None]) -> Person:
    name, role, is_first, since_ms, until_ms = row
    return Person(name, role, bool(is_first), since_ms, until_ms)
