"""Accounts and sign-ins: made, ended, proven. Every change stands in the trail, failed attempts too."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlite_utils import Database

from gateway import persons
from gateway.access import passwords
from gateway.access.places import DISPLAY, ROLES
from gateway.errors import UsageError
from gateway.ledger import people, trail
from gateway.ledger.database import transaction
from gateway.ledger.people import Person

_HOUR_MS = 3_600_000
IDLE_MS = {DISPLAY: 90 * 24 * _HOUR_MS}
"""How long a sign-in lives without being used: a wall display keeps its own over holidays, people a working day."""
USUAL_IDLE_MS = 12 * _HOUR_MS
_SEEN_MS = 60_000  # how exactly it is known when a sign-in was last used

WITHIN_MS, MOST_BY_NAME, MOST_BY_ADDRESS = 15 * 60_000, 5, 20
"""So many failed attempts in a quarter of an hour, and nobody is let in under that name, or from that address."""


class TooOften(UsageError):
    """Too many failed attempts: wait."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A sign-in that succeeded; `token` is what the browser keeps."""

    person: Person
    token: str


def sign_in(db: Database, name: str, password: str, address: str, at_ms: int) -> Entered | None:
    """Lets somebody in, or None where name and password do not fit. TooOften after too many attempts."""
    name = name.strip()[:64]
    by_name, by_address = people.failed_since(db, at_ms - WITHIN_MS, name, address)
    if by_name >= MOST_BY_NAME or by_address >= MOST_BY_ADDRESS:
        raise TooOften(
            "多次登录失败：请 15 分钟后再试", "too many failed attempts: try again in a quarter of an hour"
        )
    if not passwords.is_right(people.password_of(db, name), password):
        with transaction(db):
            people.note_failed(db, at_ms, name, address)
            shown = name if people.person(db, name) else "?"  # it may be a password, typed in the wrong field
            trail.note(db, at_ms, shown, "sign_in.refused", f"person:{shown}", {"address": address})
        return None
    token = secrets.token_urlsafe(32)
    with transaction(db):
        people.sign_in(db, _kept(token), name, at_ms)
        trail.note(db, at_ms, name, "sign_in", f"person:{name}", {"address": address})
    return Entered(_known(db, name), token)


def whose(db: Database, token: str, at_ms: int) -> Person | None:
    """Whose sign-in a browser brings; None where there is none, or it has not been used for too long."""
    found = people.signed_in(db, _kept(token))
    if found is None:
        return None
    person, seen_ms = found
    if at_ms - seen_ms > IDLE_MS.get(person.role, USUAL_IDLE_MS):
        return None
    if at_ms - seen_ms > _SEEN_MS:
        with transaction(db):
            people.seen(db, _kept(token), at_ms)
    return person


def sign_out(db: Database, token: str, person: Person, at_ms: int) -> None:
    """Ends one sign-in."""
    with transaction(db):
        people.sign_out(db, _kept(token))
        trail.note(db, at_ms, person.name, "sign_out", f"person:{person.name}", {})


def add(
    db: Database, name: str, role: str, password: str, by: str, at_ms: int, is_first: bool = True
) -> None:
    """A new account, made by `by`. UsageError for a name that is taken or no name, or a role that is none."""
    name = persons.person(name, "NAME")
    _check_role(role)
    kept = passwords.hashed(password)
    with transaction(db):
        if people.person(db, name) is not None:
            raise UsageError(
                f"已有账号 {name}：请换一个名字", f"there is an account {name}: take another name"
            )
        people.add(db, name, role, kept, is_first, at_ms)
        trail.note(db, at_ms, by, "person.add", f"person:{name}", {"role": role})


def change(db: Database, name: str, role: str, by: str, at_ms: int) -> None:
    """Another role for somebody."""
    _check_role(role)
    with transaction(db):
        before = _known(db, name)
        people.change(db, name, role)
        trail.note(db, at_ms, by, "person.role", f"person:{name}", {"before": before.role, "role": role})


def set_password(db: Database, name: str, password: str, by: str, at_ms: int) -> None:
    """Another password; the one who set it for somebody else knows it, so that has to be changed."""
    kept = passwords.hashed(password)
    with transaction(db):
        _known(db, name)
        people.set_password(db, name, kept, is_first=by != name)
        trail.note(db, at_ms, by, "person.password", f"person:{name}", {})


def end(db: Database, name: str, by: str, at_ms: int) -> None:
    """Nobody signs in by that name any more; what was done under it stays."""
    with transaction(db):
        _known(db, name)
        people.end(db, name, at_ms)
        trail.note(db, at_ms, by, "person.end", f"person:{name}", {})


def note_look(db: Database, person: Person, address: str, at_ms: int) -> None:
    """That somebody looked at a page."""
    with transaction(db):
        trail.note(db, at_ms, person.name, "look", address, {"role": person.role})


def _known(db: Database, name: str) -> Person:
    found = people.person(db, name)
    if found is None:
        raise UsageError(f"没有账号 {name}：见 person list", f"there is no account {name}: see person list")
    return found


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(
            f"没有角色 {role}：{'、'.join(ROLES)}", f"there is no role {role}: {', '.join(ROLES)}"
        )


def _kept(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
