"""Sign-ins: proven by a password, kept by a browser as a token, ended. What succeeded and what failed stands in the trail."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from gateway.access import passwords
from gateway.access.places import DISPLAY, ROLES
from gateway.errors import UsageError
from gateway.ledger import people, trail
from gateway.ledger.database import transaction
from gateway.ledger.people import Failed, Person

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_SEEN_MS = 60_000  # how exactly it is known when a sign-in was last used

WITHIN_MS, MOST_BY_NAME, MOST_BY_ADDRESS, MOST_TOLD = 15 * 60_000, 5, 20, 200
"""So many failed attempts in a quarter of an hour, and nobody is let in under that name, or from that address; and no more
of them are told one by one in the trail."""


class TooOften(UsageError):
    """Too many failed attempts: wait."""


@dataclass(frozen=True, slots=True)
class Lives:
    """How long a sign-in lives: without being used, and at all."""

    unused_ms: int
    most_ms: int


LIVES: Mapping[str, Lives] = {role: Lives(12 * _HOUR_MS, 7 * _DAY_MS) for role in ROLES} | {
    DISPLAY: Lives(90 * _DAY_MS, 400 * _DAY_MS)
}
"""A person signs in anew each working day; a display on the wall keeps its sign-in over holidays."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A sign-in that succeeded; `token` is what the browser keeps."""

    person: Person
    token: str


def sign_in(
    db: Database, name: str, password: str, address: str, at_ms: int, before: str = ""
) -> Entered | None:
    """Lets somebody in, or None where name and password do not fit. TooOften after too many attempts.

    The token is new each time; the one that the browser brought (`before`) ends. An attempt counts as failed until it
    has not failed, so that many at once are no more than many one after the other.
    """
    name = name.strip()[:64]
    attempt, failed = _attempt(db, name, address, at_ms)
    kept = people.password_of(db, name)
    is_right = passwords.is_right(kept, password)
    with transaction(db):
        # the account may have ended while the password was looked at
        if not is_right or people.password_of(db, name) != kept:
            _note_failed(db, name, address, failed, at_ms)
            return None
        people.forget_failed(db, attempt)
        people.sign_out(db, _kept(before))
        entered = _begin(db, name, at_ms)
        trail.note(db, at_ms, name, "sign_in", f"person:{name}", {"address": address})
    return entered


def change_password(db: Database, name: str, old: str, new: str, address: str, at_ms: int) -> Entered | None:
    """One's own password: all sign-ins end, and a new one begins. None where the old one is not right, TooOften after too
    many attempts, UsageError for a new one that is none."""
    attempt, failed = _attempt(db, name, address, at_ms)
    kept = people.password_of(db, name)
    is_right = passwords.is_right(kept, old)
    renewed = passwords.hashed(new) if is_right else ""
    with transaction(db):
        if not is_right or people.password_of(db, name) != kept:
            _note_failed(db, name, address, failed, at_ms)
            return None
        people.forget_failed(db, attempt)
        people.set_password(db, name, renewed, is_first=False)
        trail.note(db, at_ms, name, "person.password", f"person:{name}", {})
        return _begin(db, name, at_ms)


def whose(db: Database, token: str, at_ms: int) -> Person | None:
    """Whose sign-in a browser brings; None where there is none, or it has lived its time."""
    found = _alive(db, token, at_ms)
    if found is None:
        return None
    person, seen_ms = found
    if at_ms - seen_ms > _SEEN_MS:
        with transaction(db):
            people.seen(db, _kept(token), at_ms)
    return person


def holds(db: Database, token: str, at_ms: int) -> bool:
    """Whether a sign-in still lives; asking so is no use of it."""
    return _alive(db, token, at_ms) is not None


def _alive(db: Database, token: str, at_ms: int) -> tuple[Person, int] | None:
    found = people.signed_in(db, _kept(token))
    if found is None:
        return None
    person, seen_ms, since_ms = found
    lives = LIVES[person.role]
    if at_ms - seen_ms > lives.unused_ms or at_ms - since_ms > lives.most_ms:
        return None
    return person, seen_ms


def is_known(db: Database, token: str) -> bool:
    """Whether somebody signed in by that token, though it may have lived its time."""
    return people.signed_in(db, _kept(token)) is not None


def sign_out(db: Database, token: str, person: Person, at_ms: int) -> None:
    """Ends one sign-in."""
    with transaction(db):
        people.sign_out(db, _kept(token))
        trail.note(db, at_ms, person.name, "sign_out", f"person:{person.name}", {})


def _begin(db: Database, name: str, at_ms: int) -> Entered:
    """A new sign-in of a known person, inside the caller's transaction; those that have lived their time are forgotten."""
    for role, lives in LIVES.items():
        people.forget_unused(db, role, at_ms - lives.unused_ms, at_ms - lives.most_ms)
    person = people.person(db, name)
    assert person is not None
    token = secrets.token_urlsafe(32)
    people.sign_in(db, _kept(token), name, at_ms)
    return Entered(person, token)


def _attempt(db: Database, name: str, address: str, at_ms: int) -> tuple[int, Failed]:
    """The number of a new attempt, and those that failed before it."""
    with transaction(db):
        failed = people.failed_since(db, at_ms - WITHIN_MS, name, _network(address))
        if failed.by_name < MOST_BY_NAME and failed.by_address < MOST_BY_ADDRESS:
            return people.note_failed(db, at_ms, name, _network(address)), failed
    raise TooOften(
        "多次登录失败：请 15 分钟后再试", "too many failed attempts: try again in a quarter of an hour"
    )


def _note_failed(db: Database, name: str, address: str, failed: Failed, at_ms: int) -> None:
    """An attempt that failed, in the trail, inside the caller's transaction: strangers cannot make it grow as they like."""
    if failed.all > MOST_TOLD:
        return
    shown = name if people.person(db, name) else "?"  # it may be a password, typed in the wrong field
    body = {"address": address} | ({"more": True} if failed.all == MOST_TOLD else {})
    trail.note(db, at_ms, shown, "sign_in.refused", f"person:{shown}", body)


def _network(address: str) -> str:
    """Where an attempt came from, as it is counted: whoever has one address of IPv6 has 2^64 of them (RFC 4291)."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])  # behind it stands an interface of ours
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    mapped = known.ipv4_mapped
    return str(mapped or ipaddress.ip_network(f"{known}/64", strict=False))


def _kept(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
