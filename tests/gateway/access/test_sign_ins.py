"""Signing in: who is let in, for how long, how often one may be wrong, and what of it stands in the trail."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlite_utils import Database

from gateway.access import accounts, passwords, sign_ins
from gateway.access.places import ADMINISTRATOR, DISPLAY, MANAGER, NURSE
from gateway.access.sign_ins import MOST_BY_ADDRESS, MOST_BY_NAME, MOST_TOLD, WITHIN_MS, TooOften
from gateway.check import recheck
from gateway.errors import UsageError
from gateway.ledger import people, trail
from tests.support.ledgers import in_folder

NOW_MS = 1_772_420_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
PASSWORD, OTHER = "lamp lamp lamp", "needle needle"
HERE = "192.168.1.20"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return in_folder(tmp_path / "clinic").folder


@pytest.fixture
def db(folder: Path) -> Database:
    from gateway.ledger.database import open_ledger

    db = open_ledger(folder)
    for name, role in (("A01", ADMINISTRATOR), ("D01", MANAGER), ("N01", NURSE), ("W01", DISPLAY)):
        accounts.add(db, name, role, PASSWORD, "console", NOW_MS, is_first=False)
    return db


def enter(db, name="D01", password=PASSWORD, address=HERE, at_ms=NOW_MS, before=""):
    return sign_ins.sign_in(db, name, password, address, at_ms, before)


def token(db, name="D01", at_ms=NOW_MS):
    entered = enter(db, name, at_ms=at_ms)
    assert entered
    return entered.token


def acts(db, act):
    return [each for each in trail.entries(db) if each.act == act]


def whose(db, kept, at_ms=NOW_MS):
    found = sign_ins.whose(db, kept, at_ms)
    return found.name if found else None


# --- being let in -----------------------------------------------------------------------------------------------------


def test_who_knows_the_password_is_let_in_and_the_trail_says_from_where(db):
    assert whose(db, token(db)) == "D01"
    [entry] = acts(db, "sign_in")
    assert (entry.who, entry.body) == ("D01", {"address": HERE})


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("D01", "wrong wrong wrong"),
        ("D01", ""),
        ("D02", PASSWORD),
        ("d01", PASSWORD),
        ("", ""),
        ("D01", PASSWORD * 99),
    ],
)
def test_who_does_not_is_not(db, name, password):
    assert enter(db, name, password) is None
    assert len(acts(db, "sign_in.refused")) == 1


def test_neither_password_nor_token_is_in_the_ledger_but_for_what_proves_them(folder, db):
    kept = token(db)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = b"".join(path.read_bytes() for path in folder.glob("ledger.db*"))
    assert PASSWORD.encode() not in stored and kept.encode() not in stored
    assert b"$argon2id$" in stored


def test_what_was_typed_as_a_name_that_nobody_has_is_not_kept_it_may_be_a_password(db):
    enter(db, "lamp lamp lamp")
    [entry] = acts(db, "sign_in.refused")
    assert (entry.who, entry.subject) == ("?", "person:?")


def test_for_an_unknown_name_a_password_is_looked_at_all_the_same(db, monkeypatch):
    """So that the time it takes does not tell who has an account."""
    looked: list[str] = []
    verify = PasswordHasher.verify

    def watched(hasher: PasswordHasher, kept: str, password: str) -> bool:
        looked.append(kept)
        return verify(hasher, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    for name in ("D01", "D02", ""):
        assert enter(db, name, "wrong wrong wrong") is None
    assert len(looked) == 3 and all(each.startswith("$argon2id$") for each in looked)


def test_a_password_is_the_same_however_the_keyboard_writes_it(db):
    accounts.add(db, "D05", NURSE, "ｌａｍｐ　１２３４５６", "console", NOW_MS)
    assert enter(db, "D05", "lamp 123456") is not None


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 201])
def test_a_password_too_short_or_too_long_is_refused(db, password):
    with pytest.raises(UsageError, match="10 to 200"):
        accounts.add(db, "D09", NURSE, password, "console", NOW_MS)


def test_made_up_passwords_differ_and_can_be_read_aloud():
    made = {passwords.made_up() for _ in range(100)}
    assert len(made) == 100 and all(len(each) == 19 and not set(each) & set("l10o ") for each in made)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_each_sign_in_has_a_new_token_and_the_one_that_was_brought_along_ends(db):
    """Who planted a token in somebody's browser does not find them signed in under it."""
    planted = token(db, "N01")
    entered = enter(db, before=planted)
    assert entered and entered.token != planted
    assert (whose(db, planted), whose(db, entered.token)) == (None, "D01")


def test_a_token_is_of_256_random_bits(db):
    made = {token(db) for _ in range(5)}
    assert len(made) == 5 and all(len(each) == 43 for each in made)


@pytest.mark.parametrize("forge", ["", "x" * 43, "D01", "' OR 1=1 --", "\ud800", "é" * 43])
def test_a_forged_token_is_nobodys(db, forge):
    token(db)
    assert whose(db, forge) is None and not sign_ins.is_known(db, forge)


def test_a_part_of_a_token_or_one_with_something_added_is_nobodys(db):
    kept = token(db)
    changed = kept[:-1] + ("A" if kept[-1] != "A" else "B")
    assert [whose(db, each) for each in (kept[:-1], kept + "A", changed, kept.swapcase())] == [None] * 4


def test_a_person_is_signed_in_for_a_working_day_and_a_week_at_most(db):
    kept = token(db)
    at_ms = NOW_MS
    while at_ms < NOW_MS + 7 * DAY_MS - 11 * HOUR_MS:
        at_ms += 11 * HOUR_MS
        assert whose(db, kept, at_ms) == "D01"
    assert whose(db, kept, NOW_MS + 7 * DAY_MS + 1) is None
    idle = token(db)
    assert whose(db, idle, NOW_MS + 12 * HOUR_MS) == "D01"
    assert whose(db, idle, NOW_MS + 24 * HOUR_MS + 1) is None


def test_a_display_stays_signed_in_over_holidays_and_not_for_ever(db):
    kept = token(db, "W01")
    assert whose(db, kept, NOW_MS + 89 * DAY_MS) == "W01"
    assert whose(db, kept, NOW_MS + 89 * DAY_MS + 91 * DAY_MS) is None


def test_sign_ins_that_have_lived_their_time_are_forgotten(db):
    old, wall = token(db), token(db, "W01")
    token(db, at_ms=NOW_MS + 13 * HOUR_MS)
    assert not sign_ins.is_known(db, old) and sign_ins.is_known(db, wall)


def test_signing_out_ends_that_sign_in_and_no_other(db):
    here, there = token(db), token(db)
    person = sign_ins.whose(db, here, NOW_MS)
    assert person
    sign_ins.sign_out(db, here, person, NOW_MS)
    assert (whose(db, here), whose(db, there)) == (None, "D01")
    assert [each.who for each in acts(db, "sign_out")] == ["D01"]


@pytest.mark.parametrize(
    "change",
    [
        lambda db: accounts.change(db, "D01", NURSE, "A01", NOW_MS),
        lambda db: accounts.set_password(db, "D01", OTHER, "A01", NOW_MS),
        lambda db: accounts.end(db, "D01", "A01", NOW_MS),
        lambda db: sign_ins.change_password(db, "D01", PASSWORD, OTHER, HERE, NOW_MS),
    ],
)
def test_another_role_another_password_and_the_end_end_every_sign_in_at_once(db, change):
    kept, others = [token(db), token(db)], token(db, "N01")
    change(db)
    assert [whose(db, each) for each in kept] == [None, None]
    assert whose(db, others) == "N01"


def test_an_account_that_ends_while_its_password_is_looked_at_lets_nobody_in(db, monkeypatch):
    def right_but_slow(kept: str | None, password: str) -> bool:
        accounts.end(db, "D01", "A01", NOW_MS)
        return True

    monkeypatch.setattr(passwords, "is_right", right_but_slow)
    assert enter(db) is None
    assert people.signed_in(db, "") is None and db.execute("SELECT count(*) FROM sign_ins").fetchone() == (0,)


# --- one's own password -----------------------------------------------------------------------------------------------


def test_whoever_changes_their_password_stays_signed_in_here_and_nowhere_else(db):
    elsewhere = token(db)
    entered = sign_ins.change_password(db, "D01", PASSWORD, OTHER, HERE, NOW_MS)
    assert entered and whose(db, entered.token) == "D01" and whose(db, elsewhere) is None
    assert enter(db, password=PASSWORD) is None and enter(db, password=OTHER) is not None
    assert [(each.who, each.subject) for each in acts(db, "person.password")] == [("D01", "person:D01")]


def test_without_the_present_password_it_is_not_changed_however_often_one_tries(db):
    for _ in range(MOST_BY_NAME):
        assert sign_ins.change_password(db, "D01", "wrong wrong wrong", OTHER, HERE, NOW_MS) is None
    with pytest.raises(TooOften):
        sign_ins.change_password(db, "D01", PASSWORD, OTHER, HERE, NOW_MS)
    assert enter(db, at_ms=NOW_MS + WITHIN_MS + 1) is not None


def test_a_password_that_somebody_else_made_is_to_be_changed_and_then_is_ones_own(db):
    accounts.set_password(db, "D01", OTHER, "A01", NOW_MS)
    entered = enter(db, password=OTHER)
    assert entered and entered.person.is_first
    renewed = sign_ins.change_password(db, "D01", OTHER, PASSWORD, HERE, NOW_MS)
    assert renewed and not renewed.person.is_first


# --- too often --------------------------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_a_name_waits_a_quarter_of_an_hour_wherever_it_comes_from(db):
    for number in range(MOST_BY_NAME):
        assert enter(db, password="wrong wrong wrong", address=f"10.0.0.{number}") is None
    with pytest.raises(TooOften, match="15 分钟"):
        enter(db)
    assert enter(db, "N01") is not None
    with pytest.raises(TooOften):
        enter(db, at_ms=NOW_MS + WITHIN_MS - 1)
    assert enter(db, at_ms=NOW_MS + WITHIN_MS) is not None


def test_after_twenty_wrong_ones_an_address_waits_whatever_names_it_tries(db):
    for number in range(MOST_BY_ADDRESS):
        assert enter(db, f"X{number}") is None
    with pytest.raises(TooOften):
        enter(db, "D01")
    assert enter(db, "D01", address="10.0.0.9") is not None
    assert enter(db, "D01", at_ms=NOW_MS + WITHIN_MS) is not None


def test_whoever_has_an_address_of_ipv6_has_no_more_attempts_for_all_the_others_they_have(db):
    for number in range(MOST_BY_ADDRESS):
        assert enter(db, f"X{number}", address=f"2001:db8::{number:x}") is None
    with pytest.raises(TooOften):
        enter(db, address="2001:db8::ffff")
    assert enter(db, address="2001:db8:0:1::1") is not None


def test_an_address_of_ipv4_that_is_written_as_one_of_ipv6_is_counted_by_itself(db):
    for number in range(MOST_BY_ADDRESS):
        assert enter(db, f"X{number}", address="::ffff:10.0.0.7") is None
    with pytest.raises(TooOften):
        enter(db, address="10.0.0.7")
    assert enter(db, address="::ffff:10.0.0.8") is not None


def test_the_name_of_our_own_interface_in_an_address_makes_it_no_other_one(db):
    for number in range(MOST_BY_ADDRESS):
        assert enter(db, f"X{number}", address=f"fe80::{number:x}%eth{number}") is None
    with pytest.raises(TooOften):
        enter(db, address="fe80::1%wlan0")


def test_right_passwords_are_not_counted(db):
    for _ in range(MOST_BY_NAME * 2):
        assert enter(db) is not None


def test_many_at_once_are_no_more_than_many_one_after_the_other(folder, db):
    from gateway.ledger.database import open_ledger

    looked, refused = [], []

    def attempt() -> None:
        own = open_ledger(folder)
        try:
            looked.append(sign_ins.sign_in(own, "D01", "wrong wrong wrong", HERE, NOW_MS))
        except TooOften:
            refused.append(1)
        own.close()

    threads = [threading.Thread(target=attempt) for _ in range(MOST_BY_NAME * 3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(looked), len(refused)) == (MOST_BY_NAME, MOST_BY_NAME * 2)


def test_strangers_cannot_make_the_trail_grow_as_they_like(db, monkeypatch):
    monkeypatch.setattr(passwords, "is_right", lambda kept, password: False)
    for number in range(MOST_TOLD + 50):
        enter(db, f"X{number}", address=f"10.0.{number // 250}.{number % 250}")
    told = acts(db, "sign_in.refused")
    assert len(told) == MOST_TOLD + 1
    assert [each.body.get("more") for each in told[-2:]] == [None, True]


# --- accounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "D01",
        "d01",
        " D01 ",
        "Ｄ０１",
        "D 01",
        "console",
        "Console",
        "his",
        "gateway",
        "?",
        "",
        "x" * 65,
        "a\nb",
        "\u202e",
    ],
)
def test_a_name_that_reads_like_another_or_like_none_is_refused(db, name):
    with pytest.raises(UsageError):
        accounts.add(db, name, NURSE, PASSWORD, "console", NOW_MS)


def test_the_name_of_an_account_that_ended_is_given_to_nobody_else(db):
    accounts.end(db, "D01", "A01", NOW_MS)
    for act in (
        lambda: accounts.add(db, "D01", NURSE, PASSWORD, "A01", NOW_MS),
        lambda: accounts.change(db, "D01", ADMINISTRATOR, "A01", NOW_MS),
        lambda: accounts.set_password(db, "D01", OTHER, "A01", NOW_MS),
        lambda: accounts.end(db, "D01", "A01", NOW_MS),
    ):
        with pytest.raises(UsageError, match="D01"):
            act()
    assert enter(db) is None


@pytest.mark.parametrize("by", ["A01", "console"])
def test_the_last_administrator_is_neither_ended_nor_made_something_else_by_anybody(db, by):
    for act in (
        lambda: accounts.end(db, "A01", by, NOW_MS),
        lambda: accounts.change(db, "A01", MANAGER, by, NOW_MS),
    ):
        with pytest.raises(UsageError, match="last administrator"):
            act()
    accounts.change(db, "D01", ADMINISTRATOR, by, NOW_MS)
    accounts.end(db, "A01", by, NOW_MS)
    with pytest.raises(UsageError, match="last administrator"):
        accounts.end(db, "D01", by, NOW_MS)


def test_a_role_that_is_none_is_refused(db):
    for act in (
        lambda: accounts.add(db, "D09", "owner", PASSWORD, "A01", NOW_MS),
        lambda: accounts.change(db, "D01", "owner", "A01", NOW_MS),
    ):
        with pytest.raises(UsageError, match="no role owner"):
            act()


def test_every_change_of_an_account_stands_in_the_trail_and_check_bears_it_out(db):
    accounts.change(db, "D01", NURSE, "A01", NOW_MS)
    accounts.set_password(db, "N01", OTHER, "A01", NOW_MS)
    accounts.end(db, "W01", "A01", NOW_MS)
    enter(db, "D01", "wrong wrong wrong")
    told = [(each.who, each.act, each.subject, each.body) for each in trail.entries(db)][4:]
    assert told == [
        ("A01", "person.role", "person:D01", {"before": "manager", "role": "nurse"}),
        ("A01", "person.password", "person:N01", {}),
        ("A01", "person.end", "person:W01", {}),
        ("D01", "sign_in.refused", "person:D01", {"address": HERE}),
    ]
    assert recheck.recheck(db.conn, {}).faults == []
