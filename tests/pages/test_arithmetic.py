"""The arithmetic of a lead as anybody can do it again by hand."""

from __future__ import annotations

import json
import re

from gateway.pages.arithmetic import arithmetic

_FORMULA = re.compile(r"⌊(\d+) ÷ (\d+)⌋ × (\d+)|\(⌊\((\d+) \+ (\d+)\) ÷ (\d+)⌋ − (\d+)\) × (\d+)")


def by_hand(formula: str) -> int:
    """What a person reckons who reads it."""
    found = _FORMULA.fullmatch(formula)
    assert found, formula
    if found[1]:
        return int(found[1]) // int(found[2]) * int(found[3])
    return ((int(found[4]) + int(found[5])) // int(found[6]) - int(found[7])) * int(found[8])


def test_each_row_of_the_simulated_day_comes_to_what_it_says_and_all_of_them_to_the_sum(small_day):
    with small_day.ledger() as db:
        bodies = [
            json.loads(body)
            for (body,) in db.execute("SELECT body FROM leads WHERE rule = 'capacity'").fetchall()
        ]
    assert len(bodies) == 3
    for body in bodies:
        found = arithmetic(body)
        assert found is not None
        assert [by_hand(each.formula) for each in found.rows] == [each.carries for each in found.rows]
        assert sum(each.carries for each in found.rows) == found.total < found.treatments
    sums = [each for each in map(arithmetic, bodies) if each is not None]
    assert any(row.dark_s for each in sums for row in each.rows)


def _row(**other: object) -> dict:
    return {
        "records": ["U1:3"], "dark": [], "from": "2026-03-02T08:00:00+08:00", "until": "2026-03-02T08:20:00+08:00",
        "active_s": 1200, "dark_s": 0, "stations": 2, "carries": 2,
    } | other  # fmt: skip


def _body(*rows: dict) -> dict:
    return {
        "rule": "capacity",
        "parameters": {"required_s": 1140},
        "witness": list(rows),
        "capacity": 2,
        "treatments": 3,
    }


def test_where_the_figures_do_not_give_what_the_run_says_no_formula_is_made_up():
    odd = [_row(carries=3), _row(dark_s=60, carries=1), _row(dark_s=60, carries=9)]
    found = arithmetic(_body(*odd))
    assert found is not None and [each.formula for each in found.rows] == ["3", "1", "9"]


def test_a_span_over_midnight_shows_both_days():
    found = arithmetic(_body(_row(until="2026-03-03T00:10:00+08:00")))
    assert found is not None
    [row] = found.rows
    assert row.span == "03-02 08:00:00–2026-03-03 00:10:00"


def test_what_compares_nothing_has_no_arithmetic():
    assert arithmetic({"rule": "dark", "parameters": {"required_s": 1140}}) is None
    assert arithmetic({"rule": "capacity"}) is None
