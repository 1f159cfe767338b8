"""What must hold in every simulated month, tried on short ones: no doubt is proven where all is honest, and none beyond the
lies that were planted; and the page of tables is what the program would write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.rules import RULES
from gateway.pages.words import knows
from tests.simulated.__main__ import PAGE, written
from tests.simulated.cheating import LIES, Cheat
from tests.simulated.honest import Clinic
from tests.simulated.month_ledger import settle
from tests.simulated.plan import PRICES_FEN, Month
from tests.simulated.score import PROVEN, score

DAYS = 7


@pytest.fixture(scope="module")
def honest() -> Month:
    return Clinic(11, visits=16, strict=True, count=DAYS).plan()


@pytest.fixture(scope="module")
def of_honest(honest: Month, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return settle(tmp_path_factory.mktemp("honest") / "clinic", honest)


@pytest.fixture(scope="module")
def cheating() -> Month:
    return Cheat(11, Clinic(11, visits=16, strict=True, count=DAYS).plan()).plant()


@pytest.fixture(scope="module")
def of_cheating(cheating: Month, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return settle(tmp_path_factory.mktemp("cheating") / "clinic", cheating)


def test_where_all_is_honest_and_the_assumptions_hold_no_doubt_is_proven(honest: Month, of_honest: Any):
    assert {each["verdict"] for each in of_honest["treatments"]}.isdisjoint(PROVEN)
    assert of_honest["summary"]["supported"] > 100
    proving = {
        "capacity",
        "short",
        "device_idle",
        "burst",
        "long_burn",
        "identical",
        "staff_time",
        "quantity",
    }
    assert proving.isdisjoint(lead["rule"] for lead in of_honest["leads"])


def test_every_piece_of_evidence_has_a_name_on_its_page(of_honest: Any, of_cheating: Any):
    leads = of_honest["leads"] + of_cheating["leads"]
    named = {(lead["rule"], name) for lead in leads for row in lead["witness"] for name in row}
    assert len({rule for rule, _ in named}) > 8
    assert sorted(name for _, name in named if not knows(f"witness.{name}")) == []


def test_what_befell_the_units_is_seen_and_counted_as_dark(of_honest: Any):
    watched, due = (sum(each[key] for each in of_honest["coverage"]) for key in ("watched_s", "open_s"))
    assert 0.8 < watched / due < 1


def test_of_no_set_more_is_proven_than_was_planted_in_it(cheating: Month, of_cheating: Any):
    false = {each.line: each.false for each in cheating.charges if each.lie}
    sets: dict[tuple[str, ...], int] = {}
    for each in of_cheating["treatments"]:
        if each["verdict"] in PROVEN:
            among = tuple(each["among"])
            sets[among] = sets.get(among, 0) + 1
    assert sets
    for among, count in sets.items():
        assert count <= sum(false.get(line, 0) for line in among), among


def test_the_score_counts_every_planted_treatment_once(cheating: Month, of_cheating: Any):
    found = score(cheating, of_cheating)
    assert found.innocent == 0
    for lie in {each.lie for each in cheating.charges if each.lie}:
        planted = sum(each.false for each in cheating.charges if each.lie == lie)
        assert sum(count for count, _ in found.fates[lie].values()) == planted
    assert found.fates["kept_money"]["named"] == (2, 2 * 2600)


def test_the_same_seed_makes_the_same_month():
    one, other = (Cheat(3, Clinic(3, count=3).plan()).plant() for _ in range(2))
    assert (one.charges, one.burns) == (other.charges, other.burns)
    assert Clinic(4, count=3).plan().charges != Clinic(5, count=3).plan().charges


# --- the page -----------------------------------------------------------------------------------------------------


def page() -> str:
    return Path(PAGE).read_text("utf-8")


def test_the_page_names_every_rule_and_every_lie():
    between = {
        name: re.search(rf"<!-- {name}:begin -->(.*?)<!-- {name}:end -->", page(), re.S)
        for name in ("honest", "leads", "lies")
    }
    for name in ("honest", "leads"):
        assert re.findall(r"^\| `(\w+)` \|", between[name][1], re.M) == list(RULES)  # type: ignore[index]
    for zh, en in LIES.values():
        assert f"| {zh} · {en} |" in between["lies"][1]  # type: ignore[index]


def test_the_planted_money_on_the_page_is_that_of_its_seeds():
    seeds = [int(each) for each in re.search(r"seeds: ([\d, ]+);", page())[1].split(",")]  # type: ignore[index]
    months = [Cheat(seed, Clinic(seed).plan()).plant() for seed in seeds]
    for lie, (zh, en) in LIES.items():
        charges = [each for month in months for each in month.charges if each.lie == lie]
        count = sum(each.false for each in charges)
        fen = sum(each.false * PRICES_FEN[each.item] for each in charges)
        assert f"| {zh} · {en} | {count}: ¥{fen // 100} |" in page()


def test_tables_are_written_between_their_marks():
    text = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n"
    assert written(text, {"x": "new"}) == text.replace("old", "new")
    with pytest.raises(AssertionError, match="no place for y"):
        written(text, {"y": "new"})
