"""Versions of items: which counts on which day, what a change makes of them, and that `check` puts them together alike."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.audit import catalogue, editions
from gateway.audit.editions import Editions, changes, differences, lay
from gateway.audit.items import Item
from gateway.check import catalogue as rechecked
from gateway.errors import UsageError
from gateway.ledger import catalogue as ledger
from gateway.ledger.schema import migrations

SHIPPED = catalogue.read().items
TDP = 31
JULY = date(2026, 7, 1)
DAY = timedelta(days=1)


def change(text: str) -> Editions:
    return lay(SHIPPED, changes(text, "f.toml"), "f.toml")


def test_a_change_counts_from_its_first_to_its_last_day_and_no_other() -> None:
    made = change("[[items]]\nnumber = 31\nvalid_from = 2026-07-01\nvalid_to = 2026-07-31\nmin_minutes = 15")
    asked = (JULY - DAY, JULY, date(2026, 7, 31), date(2026, 8, 1))
    assert [made.on(day)[TDP].min_minutes for day in asked] == [20, 15, 15, 20]
    assert [(each.valid_from, each.valid_to) for each in made.versions(TDP)] == [
        (None, JULY - DAY),
        (JULY, date(2026, 7, 31)),
        (date(2026, 8, 1), None),
    ]
    assert made.on(JULY)[TDP].codes == SHIPPED[TDP].codes  # what a change does not say stays


def test_a_change_without_days_corrects_every_version() -> None:
    once = change("[[items]]\nnumber = 31\nvalid_from = 2026-07-01\nmin_minutes = 15")
    made = lay(once, changes('[[items]]\nnumber = 31\nnames = ["烤灯"]', "f"), "f")
    assert [(each.min_minutes, each.names) for each in made.versions(TDP)] == [
        (20, ("烤灯",)),
        (15, ("烤灯",)),
    ]


def test_an_instant_goes_by_the_day_that_it_is_in_its_zone() -> None:
    made = change("[[items]]\nnumber = 31\nvalid_from = 2026-07-01\nmin_minutes = 15")
    july_ms = 1_782_835_200_000  # 2026-07-01 00:00 in Shanghai
    shanghai, utc = ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC")
    assert [made.at(at_ms, shanghai)[TDP].min_minutes for at_ms in (0, july_ms - 1, july_ms)] == [20, 20, 15]
    assert [made.at(july_ms + hours * 3_600_000, utc)[TDP].min_minutes for hours in (0, 8)] == [20, 15]


def test_an_item_ends_and_a_new_one_begins() -> None:
    made = change(
        "[[items]]\nnumber = 30\nwithdrawn = true\nvalid_from = 2026-07-01\n"
        '[[items]]\nnumber = 40\nzh = "新"\nen = "new"\nper = "次"\nmin_minutes = 10\nmax_minutes = 15\nvalid_from = 2026-07-01'
    )
    before, after = made.on(JULY - DAY), made.on(JULY)
    assert (30 in before, 30 in after, 40 in before, 40 in after) == (True, False, False, True)
    assert after[40].attended and made[30].last == JULY - DAY
    assert len(made) == 37


def test_zero_takes_a_limit_away() -> None:
    limited = change("[[items]]\nnumber = 31\nday_max = 2")
    assert limited[TDP].day_max == 2
    assert lay(limited, changes("[[items]]\nnumber = 31\nday_max = 0", "f"), "f")[TDP] == SHIPPED[TDP]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("items = 1", r"f has no \[\[items\]\]"),
        ("[[items]]\nzh = 'x'", "number = None must be a whole number"),
        ("[[items]]\nnumber = 31", "says nothing that is other"),
        ("[[items]]\nnumber = 31\nvalid_from = 2026-07-01", "says nothing that is other"),
        ("[[items]]\nnumber = 31\nwithdrawn = true\nday_max = 1", "with withdrawn = true no other field"),
        (
            "[[items]]\nnumber = 31\nday_max = 1\nvalid_from = 2026-07-02\nvalid_to = 2026-07-01",
            "valid_from not after",
        ),
        ("[[items]]\nnumber = 31\nmin_minutes = 21", "item 31: min_minutes = 21 must be at most max_minutes"),
        (
            "[[items]]\nnumber = 40\nmin_minutes = 21",
            "item 40: new then, so say zh, en, per, max_minutes too",
        ),
        ("[[items]]\nnumber = 40\nwithdrawn = true", "there is no item 40 on these days to withdraw"),
        ("[[items]]\nnumber = 31\nday_max = 1\n[other]", "f has other: only"),
        ("[[items]", "f is no TOML"),
    ],
)
def test_a_change_that_cannot_be_made_names_file_item_and_rule(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        lay(SHIPPED, changes(text, "f"), "f")


def test_two_versions_on_one_day_are_refused() -> None:
    with pytest.raises(UsageError, match="item 31 has two versions on 0001-01-01"):
        Editions([SHIPPED[TDP], SHIPPED[TDP]])


def test_a_difference_names_item_days_and_fields_before_and_after() -> None:
    made = change(
        "[[items]]\nnumber = 31\nvalid_from = 2026-07-01\nmin_minutes = 15\n"
        "[[items]]\nnumber = 30\nwithdrawn = true\nvalid_from = 2026-07-01"
    )
    ended, shorter = differences(SHIPPED, made)
    assert (ended.number, ended.first, ended.after, ended.fields) == (30, JULY, None, {})
    assert (shorter.number, shorter.first, shorter.last) == (TDP, JULY, date.max)
    assert shorter.fields == {"min_minutes": (20, 15)}
    assert differences(SHIPPED, SHIPPED) == []


def test_a_line_is_found_by_the_names_and_codes_of_its_day() -> None:
    made = change(
        '[[items]]\nnumber = 31\nvalid_from = 2026-07-01\nzh = "红外治疗"\nnames = ["特定电磁波治疗"]\n'
        'codes = [{ code = "014000000010000", system = "national_15", status = "official" }]'
    )
    held = catalogue.Catalogue("x", made)

    def found(code: str, name: str, day: date) -> int | None:
        item = held.find([code] if code else [], [], [name] if name else [], day=day).item
        return item.number if item else None

    assert found("014000000010000", "", JULY) == found("", "特定电磁波治疗", JULY) == TDP
    assert found("014000000010000", "", JULY - DAY) is found("", "红外线治疗(TDP)", JULY) is None
    assert found("", "红外线治疗(TDP)", JULY - DAY) == TDP


def test_what_a_clinic_says_of_a_code_means_nothing_on_days_without_the_item() -> None:
    made = change("[[items]]\nnumber = 30\nwithdrawn = true\nvalid_from = 2026-07-01")
    held = catalogue.Catalogue("x", made)
    told = [held.find([], ["G1"], own_items={"G1": 30}, day=day).item for day in (JULY - DAY, JULY)]
    assert [each and each.number for each in told] == [30, None]


# --- any changes, on any days ------------------------------------------------------------------------------------

DAYS = [date(2026, 1, 1) + timedelta(days=each) for each in range(30)]


@st.composite
def change_text(draw: st.DrawFn) -> str:
    first, last = sorted(draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
    number = draw(st.sampled_from([31, 40]))
    least = draw(st.integers(5, 15))
    said = {"number": str(number)}
    said |= {"valid_from": str(first)} if draw(st.booleans()) else {}
    said |= {"valid_to": str(last)} if draw(st.booleans()) else {}
    what = draw(st.sampled_from(["withdrawn", "least", "complete"]))
    if what == "withdrawn":
        said["withdrawn"] = "true"
    else:
        said["min_minutes"] = str(least)
    if what == "complete":
        said |= {"zh": f'"项{least}"', "en": '"x"', "per": '"次"', "max_minutes": "30", "day_max": str(least)}
    return "[[items]]\n" + "\n".join(f"{name} = {value}" for name, value in said.items())


Model = dict[tuple[int, date], tuple[int, str, int | None]]


def modelled(model: Model, each: editions.Change) -> None:
    """The same change, day by day."""
    whole = {"zh", "en", "per", "min_minutes", "max_minutes"} <= each.given.keys()
    for day in (one for one in DAYS if each.first <= one <= each.last):
        held = model.get((each.number, day))
        if each.withdrawn:
            model.pop((each.number, day), None)
        elif held is not None or whole:
            least, name, most = held or (0, "", None)
            model[each.number, day] = (
                each.given.get("min_minutes", least),
                each.given.get("zh", name),
                each.given.get("day_max", most),
            )


def said_of(item: Item) -> tuple[int, str, int | None]:
    return item.min_minutes, item.zh, item.day_max


@given(st.lists(change_text(), max_size=6))
def test_any_changes_count_on_their_days_as_if_made_day_by_day_and_check_puts_them_together_alike(
    texts: list[str],
) -> None:
    db = Database(memory=True)
    migrations.apply(db)
    model: Model = {(TDP, day): said_of(SHIPPED[TDP]) for day in DAYS}
    held = SHIPPED
    for text in texts:
        (each,) = changes(text, "f")
        try:
            held = lay(held, [each], "f")
        except UsageError:
            continue
        modelled(model, each)
        ledger.approve(db, ledger.propose(db, "D01", "x", "f", text, 1), "D02", 2)
    found = {
        (number, day): said_of(held.on(day)[number])
        for number in (TDP, 40)
        for day in DAYS
        if number in held.on(day)
    }
    assert found == model
    assert catalogue.in_force(db).items.all() == held.all()
    again = rechecked.read(db.conn)
    for (number, day), (least, _, most) in model.items():
        item = again.on(number, day.isoformat())
        assert item is not None and (item.least_s, item.day_max) == (least * 60 - 60, most or 0)
    missing = [(n, d) for n in (TDP, 40) for d in DAYS if (n, d) not in model]
    assert all(again.on(number, day.isoformat()) is None for number, day in missing)


def test_check_knows_the_catalogue_of_an_earlier_instant() -> None:
    db = Database(memory=True)
    migrations.apply(db)
    ledger.approve(
        db, ledger.propose(db, "D01", "x", "f", "[[items]]\nnumber = 31\nmin_minutes = 10", 1), "D02", 2000
    )
    connection: sqlite3.Connection = db.conn
    assert [rechecked.read(connection, at_ms)[TDP].least_s for at_ms in (1999, 2000)] == [1140, 540]
    assert rechecked.changed_since(connection, 1999) and not rechecked.changed_since(connection, 2000)
