"""Accounts: who may sign in, made, changed and ended. Every change stands in the trail."""

from __future__ import annotations

from sqlite_utils import Database

from gateway import persons
from gateway.access import passwords
from gateway.access.places import ADMINISTRATOR, ROLES
from gateway.errors import UsageError
from gateway.ledger import people, trail
from gateway.ledger.database import transaction
from gateway.ledger.people import Person
from gateway.persons import CONSOLE, GATEWAY, HIS

_NOBODYS = (CONSOLE, HIS, GATEWAY, "?")  # what stands in the trail where it was no person


def add(
    db: Database, name: str, role: str, password: str, by: str, at_ms: int, is_first: bool = True
) -> None:
    """A new account, made by `by`. UsageError for a name that is no name, or that reads like another's, ended ones
    included; and for a role that is none."""
    name = persons.person(name, "NAME")
    _check_role(role)
    kept = passwords.hashed(password)
    with transaction(db):
        taken = [*_NOBODYS, *(each.name for each in people.people(db))]
        if other := next((each for each in taken if persons.alike(each) == persons.alike(name)), None):
            raise UsageError(
                f"已有账号 {other}（停用的也算）：请换一个名字",
                f"there is, or was, an account {other}: take another name",
            )
        people.add(db, name, role, kept, is_first, at_ms)
        trail.note(db, at_ms, by, "person.add", f"person:{name}", {"role": role})


def change(db: Database, name: str, role: str, by: str, at_ms: int) -> None:
    """Another role for somebody; they have to sign in again. UsageError where no administrator would be left."""
    _check_role(role)
    with transaction(db):
        before = in_force(db, name)
        if role != ADMINISTRATOR:
            _check_not_last(db, before)
        people.change(db, name, role)
        trail.note(db, at_ms, by, "person.role", f"person:{name}", {"before": before.role, "role": role})


def set_password(db: Database, name: str, password: str, by: str, at_ms: int) -> None:
    """Another password, made by `by`, who knows it now: it has to be changed at the next sign-in."""
    kept = passwords.hashed(password)
    with transaction(db):
        in_force(db, name)
        people.set_password(db, name, kept, is_first=by != name)
        trail.note(db, at_ms, by, "person.password", f"person:{name}", {})


def end(db: Database, name: str, by: str, at_ms: int) -> None:
    """Nobody signs in by that name any more; what was done under it stays. UsageError where no administrator would be
    left."""
    with transaction(db):
        _check_not_last(db, in_force(db, name))
        people.end(db, name, at_ms)
        trail.note(db, at_ms, by, "person.end", f"person:{name}", {})


def in_force(db: Database, name: str) -> Person:
    """Somebody who may sign in; UsageError for anybody else."""
    found = people.person(db, name)
    if found is None:
        raise UsageError(f"没有账号 {name}：见 person list", f"there is no account {name}: see person list")
    if found.until_ms is not None:
        raise UsageError(
            f"账号 {name} 已停用：请用新的名字新建", f"the account {name} has ended: make one of another name"
        )
    return found


def _check_not_last(db: Database, person: Person) -> None:
    """Whoever locks everybody out of the accounts does so by mistake."""
    if person.role == ADMINISTRATOR and people.administrators(db) == 1:
        raise UsageError(
            f"{person.name} 是最后一个管理员：请先新建或指定另一个管理员",
            f"{person.name} is the last administrator: make another one first",
        )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(
            f"没有角色 {role}：{'、'.join(ROLES)}", f"there is no role {role}: {', '.join(ROLES)}"
        )
