"""The random draw: who knows the seed and the names repeats it, in a shell too, and nobody else chooses."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.draw import Candidate, draw, fingerprint, rank, seed
from gateway.errors import UsageError
from gateway.kit.readme import TEXT

NAMES = st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1), unique=True)
SEEDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
COUNTS = st.integers(1, 6)


def names(drawn):
    return [each.name for each in drawn]


def candidates(told):
    return [Candidate(each) for each in told]


@given(NAMES, SEEDS, COUNTS, st.data())
def test_the_order_in_which_names_come_does_not_matter(told, chosen, n, data):
    other = data.draw(st.permutations(told))
    assert draw(chosen, "platform", candidates(told), n) == draw(chosen, "platform", candidates(other), n)


@given(NAMES, SEEDS, COUNTS, st.text(min_size=1, max_size=8))
def test_one_more_name_changes_at_most_one_of_those_drawn(told, chosen, n, new):
    before = set(names(draw(chosen, "clinic", candidates(told), n)))
    after = set(names(draw(chosen, "clinic", candidates([*told, new]), n)))
    assert len(before - after) <= 1 and after - before <= {new}


@given(NAMES, SEEDS, COUNTS)
def test_as_many_as_asked_are_drawn_or_all_and_each_ranks_before_the_rest(told, chosen, n):
    drawn = draw(chosen, "units", candidates(told), n)
    assert len(drawn) == min(n, len(told))
    rest = set(told) - set(names(drawn))
    assert all(each.rank == rank(chosen, "units", each.name) for each in drawn)
    assert all(drawn[-1].rank < rank(chosen, "units", each) for each in rest)


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from(["31", "23", "5"])), SEEDS, COUNTS)
def test_each_stratum_is_drawn_as_if_it_were_alone(told, chosen, n):
    whole = draw(chosen, "clinic", [Candidate(name, stratum) for name, stratum in told.items()], n)
    for stratum in set(told.values()):
        alone = draw(chosen, "clinic", candidates(name for name in told if told[name] == stratum), n)
        assert names(alone) == names(each for each in whole if each.stratum == stratum)


def test_another_seed_or_another_kind_draws_others():
    told = candidates(f"V{number}/1" for number in range(200))
    assert names(draw("one", "clinic", told, 5)) != names(draw("two", "clinic", told, 5))
    assert names(draw("one", "clinic", told, 5)) != names(draw("one", "platform", told, 5))


def test_the_rank_is_the_hash_of_seed_kind_and_name_one_below_the_other():
    assert rank("s", "clinic", "V1/1") == subprocess.run(
        ["sha256sum"], input=b"s\nclinic\nV1/1", capture_output=True, check=True
    ).stdout.decode().split()[0]  # fmt: skip


PIPELINE = TEXT[TEXT.index("       while") : TEXT.index('head -n "$N"') + len('head -n "$N"')]


@settings(max_examples=15)
@given(NAMES, SEEDS, COUNTS)
def test_the_pipeline_that_a_kit_prints_draws_the_same(tmp_path_factory, told, chosen, n):
    folder = tmp_path_factory.mktemp("draw")
    (folder / "population.txt").write_text("".join(f"{each}\n" for each in told), encoding="utf-8")
    given = os.environ | {"SEED": chosen, "KIND": "platform", "N": str(n)}
    ran = subprocess.run(["sh", "-c", PIPELINE], cwd=folder, env=given, capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    said = [line.split("  ", 1) for line in ran.stdout.decode().splitlines()]
    drawn = draw(chosen, "platform", candidates(told), n)
    assert said == [[each.rank, each.name] for each in drawn]


@given(NAMES)
def test_the_hash_of_the_names_is_that_of_the_sorted_file(told):
    listed = b"".join(sorted(f"{each}\n".encode() for each in told))
    ran = subprocess.run(["sha256sum"], input=listed, capture_output=True, check=True)
    assert fingerprint(reversed(told)) == ran.stdout.decode().split()[0]


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "种子", "x" * 129, "\u00a0"])
def test_a_seed_that_a_shell_or_a_line_could_change_is_refused(text):
    with pytest.raises(UsageError, match="--seed"):
        seed(text)
