"""`draw`: the seed stands in the trail first; what is drawn is what anybody computes from the names."""

from __future__ import annotations

import os
import subprocess

import pytest

from gateway.audit.draw import rank
from gateway.kit.readme import TEXT
from tests.kit.scene import CLINIC, DAY, at
from tests.support.audited import charge, settle
from tests.support.bills import cancellation, detail, settlement, upload


@pytest.fixture
def run(there, capsys):
    return at(there.clinic, capsys)


@pytest.fixture
def above(there, capsys):
    return at(there.district, capsys)


def test_without_a_seed_one_is_made_and_kept_before_the_draw(run):
    code, told, _ = run("draw", *DAY, "--n", 2, "--by", "Q01", "--json")
    assert code == 0 and not told["given"] and len(told["seed"]) == 32 and len(told["drawn"]) == 2
    last = run("trail", "--json")[1]["entries"][-1]
    assert (last["act"], last["who"], last["subject"]) == ("draw_seed", "Q01", f"draw:{CLINIC}")
    assert last["body"]["seed"] == told["seed"] and last["body"]["population"] == told["population"]
    assert (last["entry"], last["hash"]) == (told["trail"]["entry"], told["trail"]["hash"])
    assert run("draw", *DAY, "--json")[1]["seed"] != told["seed"]


def test_every_try_with_another_seed_leaves_a_trace_and_the_same_one_only_one(run):
    before = run("trail", "--json")[1]["head"]["entry"]
    for seed in ("s1", "s2", "s1", "s3", "s2"):
        assert run("draw", *DAY, "--n", 1, "--seed", seed)[0] == 0
    acts = run("trail", "--subject", f"draw:{CLINIC}", "--json")[1]["entries"]
    assert [each["body"]["seed"] for each in acts] == ["s1", "s2", "s3"]
    assert run("trail", "--json")[1]["head"]["entry"] == before + 3


def test_a_given_seed_draws_the_same_lines_again_with_their_ranks_and_details(run):
    one, two = (run("draw", *DAY, "--n", 3, "--seed", "s", "--json")[1] for _ in range(2))
    assert one == two and one["given"] and one["kind"] == "clinic"
    assert [each["rank"] for each in one["drawn"]] == [
        rank("s", "clinic", each["name"]) for each in one["drawn"]
    ]
    assert one["drawn"][0] | {"name": "", "rank": ""} == {
        "name": "", "rank": "", "stratum": "", "charged": "2026-03-02T09:15:00+08:00", "item": 31,
        "room": "中医科", "amount": "12.00",
    }  # fmt: skip


def test_the_names_that_are_written_out_give_the_same_draw_in_a_shell(run, tmp_path):
    out = tmp_path / "population.txt"
    told = run("draw", *DAY, "--n", 2, "--seed", "s", "--out", out, "--json")[1]
    script = TEXT[TEXT.index("       while") : TEXT.index('head -n "$N"') + len('head -n "$N"')]
    given = os.environ | {"SEED": "s", "KIND": told["kind"], "N": "2"}
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=given, capture_output=True, text=True)
    assert [line.split("  ") for line in ran.stdout.splitlines()] == [
        [each["rank"], each["name"]] for each in told["drawn"]
    ]
    hashed = subprocess.run(["sha256sum", out], capture_output=True, text=True, check=True).stdout.split()[0]
    assert hashed == told["population"]["sha256"]
    assert run("draw", *DAY, "--out", out)[0] == 2


def test_what_was_refunded_or_is_no_item_is_not_drawn(there, run):
    with there.clinic.ledger() as db:
        charge(
            db,
            there.clinic,
            upload(
                detail("1", "V2", chrg_bchno="B9"),
                detail("2", "V3", med_list_codg="X9", medins_list_codg="X9"),
            ),
            settlement("V2", "B9", "S9"),
            cancellation("V2", "S9"),
        )
    names = {each["name"] for each in run("draw", *DAY, "--seed", "s", "--json")[1]["drawn"]}
    assert names == {f"V1/{number}" for number in range(1, 5)}


def test_each_stratum_is_drawn_by_itself(there, run):
    with there.clinic.ledger() as db:
        settle(db, there.clinic)
    told = run("draw", *DAY, "--n", 1, "--seed", "s", "--per", "verdict", "--json")[1]
    assert len({each["stratum"] for each in told["drawn"]}) == len(told["drawn"]) >= 1
    assert all(
        set(each["stratum"].split("+")) <= {"supported", "short", "no_device_time", "among"}
        for each in told["drawn"]
    )
    assert [
        each["stratum"] for each in run("draw", *DAY, "--n", 1, "--per", "item", "--json")[1]["drawn"]
    ] == ["31"]
    rooms = run("draw", *DAY, "--n", 1, "--per", "room", "--json")[1]["drawn"]
    assert [each["stratum"] for each in rooms] == ["中医科"]


def test_what_was_never_reconciled_is_a_stratum_of_its_own(above):
    told = above("draw", *DAY, "--clinic", CLINIC, "--n", 9, "--per", "verdict", "--json")[1]
    assert {each["stratum"] for each in told["drawn"]} == {"-"} and len(told["drawn"]) == 4


def test_the_district_draws_the_platforms_lines_units_clinics_and_inspectors(above):
    told = above("draw", *DAY, "--clinic", CLINIC, "--n", 2, "--json")[1]
    assert told["kind"] == "platform" and len(told["drawn"]) == 2
    told = above("draw", "--of", "units", "--clinic", CLINIC, "--n", 1, "--json")[1]
    assert told["kind"] == "units" and told["drawn"][0]["name"] in ("U1", "U2")
    told = above("draw", "--of", "clinics", "--n", 1, "--seed", "s", "--json")[1]
    assert told["population"]["count"] == 2
    assert told["drawn"][0]["name"] == min(("C001", "C002"), key=lambda name: rank("s", "clinics", name))
    told = above("draw", "--of", "inspectors", "--among", "Q01, Q02,Q03", "--n", 2, "--json")[1]
    assert len({each["name"] for each in told["drawn"]} & {"Q01", "Q02", "Q03"}) == 2
    acts = above("trail", "--after", 2, "--json")[1]["entries"]
    assert [each["subject"] for each in acts] == [
        f"draw:{CLINIC}", f"draw:{CLINIC}", "draw:clinics", "draw:inspectors",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (("--n", "2"), "--from"),
        ((*DAY, "--n", "0"), "--n"),
        ((*DAY, "--seed", "two words"), "--seed"),
        ((*DAY, "--seed", ""), "--seed"),
        (("--from", "2026-03-03", "--to", "2026-03-02"), "--to"),
        (("--of", "clinics"), "district"),
        (("--of", "inspectors"), "--among"),
        (("--of", "units", "--per", "item"), "--per"),
        ((*DAY, "--by", " "), "--by"),
        (("--of", "wards"), "wards"),
    ],
)
def test_a_draw_that_cannot_be_made_spends_no_seed(asked, word, run):
    before = run("trail", "--json")[1]["head"]
    code, _, said = run("draw", *asked)
    assert code == 2 and word in said
    assert run("trail", "--json")[1]["head"] == before


def test_for_people_it_says_the_seed_and_where_it_stands(run):
    code, out, said = run("draw", *DAY, "--n", 2, "--seed", "s")
    assert code == 0 and len(out.splitlines()) == 2
    assert "种子 s" in said and "seed s" in said and "trail" in said
