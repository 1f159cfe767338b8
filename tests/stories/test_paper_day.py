"""The demo's day, played on paper: what must hold of it, and the picture in the README."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway import pipeline
from gateway.demo import plan
from gateway.demo.office import LATER as A_WEEK_LATER
from gateway.demo.score import score
from gateway.pages import day, timeline
from protocol import chain, record, seal
from tests.support.world import World, ms

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "demo-day.svg"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("paper"), plan.plan()).play()


@pytest.fixture(scope="module")
def found(world):
    return world.settle()


def test_everything_that_units_emitted_is_in_the_ledger_once(world):
    stored = world.db.execute("SELECT unit, line FROM records WHERE chained = 1 ORDER BY unit, us").fetchall()
    assert stored == sorted(world.emitted(), key=lambda each: each[0])


def test_every_chain_judges_next_from_its_first_record_to_its_last(world):
    for unit in world.units:
        head = None
        for line in unit.lines:
            said = record.parse(seal.split(line)[0])
            assert chain.judge(head, said) == chain.NEXT
            head = chain.lengthen(head, said)


def test_the_same_plan_gives_the_same_bytes(world, tmp_path):
    again = World(tmp_path, plan.plan()).play()
    assert list(again.emitted()) == list(world.emitted())


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_doubted_set_consists_of_honest_lines_only(seed, tmp_path):
    planned = plan.plan(seed)
    world = World(tmp_path, planned).play()
    world.settle()
    date = plan.DAY.date()
    found = pipeline.settle(world.db, world.book.config, date, date, "clinic", ms(A_WEEK_LATER)).said
    kept = score(planned, found["treatments"], found["leads"])
    assert kept.innocent == ()
    assert kept.left_out == (3, 3)
    assert kept.owed == (1, 1)
    assert kept.found >= 7
    assert kept.found + kept.unwatched + kept.explained == kept.planted == 13


@pytest.mark.parametrize("seed", range(1, 5))
def test_without_the_false_charges_nobody_is_doubted(seed, tmp_path):
    planned = plan.plan(seed)
    planned.charges = [charge for charge in planned.charges if charge.cheat is None]
    planned.left_out = []
    found = World(tmp_path, planned).play().settle()
    assert found["summary"]["short"] == found["summary"]["no_device_time"] == 0
    assert {lead["rule"] for lead in found["leads"]} <= {"dark", "unbilled"}


def test_the_treatment_that_a_power_cut_interrupted_is_not_held_against_anybody(found):
    explained = [
        each for each in found["treatments"] if each["verdict"] == "unobserved" and each["item"] == plan.TDP
    ]
    assert [name for name, _, _ in explained[0]["dark"]] == ["L2"]
    assert {each.split(":")[0] for each in explained[0]["records"]} == {"L2"}


def test_the_unit_that_was_unplugged_is_dark_and_what_was_charged_meanwhile_is_a_lead(found):
    dark = [lead for lead in found["leads"] if lead["rule"] == "dark" and lead["dark"][0][0] == "S2"]
    assert len(dark) == 1
    assert dark[0]["treatments"] >= 2


def test_scanned_tokens_make_the_doubted_set_smaller_and_the_arithmetic_of_the_lead_uses_none(found):
    lead = next(each for each in found["leads"] if each["rule"] == "capacity")
    tagged = {each["line"] for each in found["treatments"] if each["tagged"] and each["item"] == plan.TDP}
    doubted = {
        each["among"][0]: each["among"]
        for each in found["treatments"]
        if each["item"] == plan.TDP and each["verdict"] == "short"
    }
    assert len(tagged) >= 10
    assert tagged <= set(lead["lines"])
    assert tagged.isdisjoint(line for among in doubted.values() for line in among)


def test_what_the_nurse_recorded_bears_out_her_treatments_as_grade_c(found):
    by_hand = [each for each in found["treatments"] if each["item"] in plan.SHORT_NAMES]
    done = [each for each in by_hand if each["verdict"] == "supported"]
    assert {each["grade"] for each in done} == {"C"}
    assert len(done) == len([each for each in plan.plan().by_hand if each.minutes])
    assert sorted(each["verdict"] for each in by_hand if each not in done) == ["not_metered", "reversed"]


def test_the_unit_that_sent_after_closing_time_was_watched_all_the_time(found):
    row = next(each for each in found["coverage"] if each["unit"] == plan.plan().late)
    assert row["watched_s"] == row["open_s"]


def test_the_unit_without_link_was_watched_all_the_time(found):
    row = next(each for each in found["coverage"] if each["unit"] == "L3")
    assert row["watched_s"] == row["open_s"]


def test_the_picture_in_the_readme_is_this_day(world, found):
    drawn = timeline.svg(day.day_view(world.db, world.book.config, plan.DAY.date()), "zh") + "\n"
    if os.environ.get("WATTWITNESS_DRAW"):
        PICTURE.write_text(drawn, encoding="utf-8")
    assert PICTURE.read_text("utf-8") == drawn, "draw it again: WATTWITNESS_DRAW=1 ./run test tests/stories"
