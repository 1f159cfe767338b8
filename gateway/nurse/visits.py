"""The tokens by which visits are known: issued or read at the desk, read again where a treatment begins. Each act is one
transaction, and noted in the trail."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from sqlite_utils import Database

from gateway.errors import UsageError
from gateway.ledger import attended, trail
from gateway.ledger.attended import MANUAL, SCANNED
from gateway.ledger.database import transaction
from gateway.nurse import tokens
from gateway.nurse.attend import Act, Treated, visit_name
from gateway.persons import person
from protocol import record, seal

SCAN_MS = 15 * 60 * 1000
"""How long after a token was read whoever begins a treatment need not read it again."""


def issue_token(db: Database, act: Act, key: bytes, visit: str) -> str:
    """A new token for a visit, to be printed and given to the patient; it is kept nowhere, only its tag is."""
    token = tokens.new_token()
    bind_token(db, act, key, token, visit)
    return token


def bind_token(db: Database, act: Act, key: bytes, token: str, visit: str) -> None:
    """A token that was read at the desk stands for a visit from now on."""
    tag, visit, by = tokens.tag(key, token), visit_name(visit), person(act.by)
    try:
        with transaction(db):
            attended.keep_tag(db, act.clinic, tag, visit, act.now_ms, by)
            trail.note(db, act.now_ms, by, "visit token", f"visit:{visit}", {"tag": tag})
    except sqlite3.IntegrityError:
        raise UsageError(
            "这个标签已用于一次就诊：请另发一个", "that token stands for a visit already: issue a new one"
        ) from None


def visit_of(db: Database, clinic: str, key: bytes, token: str) -> str:
    """The visit that a token stands for; UsageError where the desk has not told it."""
    visit = attended.visit_of(db, clinic, tokens.tag(key, token))
    if visit is None:
        raise UsageError(
            "不认识这个标签：请在前台为本次就诊发标签，或手工登记",
            "that token is unknown: let the desk issue one for this visit, or enter it by hand",
        )
    return visit


def read_by_unit(db: Database, act: Act, visit: str) -> str:
    """The newest record of a unit that read the visit's tag within the last 15 minutes, as unit:us; else nothing."""
    for unit, us, _, line in reversed(attended.scans(db, act.clinic, act.now_ms - SCAN_MS, act.now_ms + 1)):
        tags = record.parse(seal.split(line)[0]).tags
        if visit in attended.visits_of(db, act.clinic, tags).values():
            return f"{unit}:{us}"
    return ""


def identified(db: Database, act: Act, treated: Treated, was_read: bool) -> Treated:
    """How the visit is known: its token was read here just now, or by a unit, or somebody picked it by hand."""
    scan = "" if was_read else read_by_unit(db, act, treated.visit)
    return replace(treated, how=SCANNED if was_read or scan else MANUAL, scan=scan)
