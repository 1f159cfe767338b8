"""What people recorded, in the matching: it bears out what no meter sees, for the visit that it names and no other."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway.audit import leads
from gateway.audit.attended import judge_by_visit, told
from gateway.audit.match import Witness
from gateway.audit.reconcile import Reconciliation, reconcile
from gateway.audit.verdicts import Case, Verdict, judge
from gateway.ledger.attended import DONE, RUNNING, STOPPED, UNDONE, WITHDRAWN, Entry
from gateway.ledger.bills import BillLine
from tests.audit import brute
from tests.audit.clinic import ACUPUNCTURE, STIM, TDP, Clinic, at, codes, line, on, rules_of
from tests.audit.test_verdicts import a_scene

pytestmark = pytest.mark.pure

CUPPING = 34


def entry(
    number: int,
    visit: str,
    start: str = "10:00",
    minutes: int = 20,
    *,
    item: int = ACUPUNCTURE,
    outcome: str = DONE,
    day: int = 0,
) -> Entry:
    """What D01 recorded of a treatment."""
    began_ms = at(start, day)
    ended_ms = began_ms + minutes * 60_000 if outcome in (DONE, STOPPED) else None
    reason = "患者不适" if outcome in (STOPPED, UNDONE) else ""
    told = (
        number,
        number,
        None,
        "C001",
        visit,
        item,
        "",
        "针灸室",
        "D01",
        outcome,
        began_ms,
        ended_ms,
        reason,
    )
    return Entry(*told, 8, None, "", "scanned", "", 0, "", began_ms, "D01")


def settle(clinic: Clinic, lines: list[BillLine], entries: list[Entry], last: int = 0) -> Reconciliation:
    period = replace(clinic.period(*lines, last=last), entries=entries)
    return reconcile(period, leads.default_rules())


def test_a_recorded_treatment_bears_out_what_no_meter_sees() -> None:
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [entry(7, "V1")])
    [(verdict, _)] = found.verdicts
    assert (verdict.code, verdict.grade, verdict.active_s) == ("supported", "C", 1200)
    assert verdict.records == ("attended:7",)
    assert verdict.tagged


def test_a_line_of_which_nobody_recorded_anything_stays_unmetered() -> None:
    lines = [line("1", item=ACUPUNCTURE), line("2", item=ACUPUNCTURE)]
    assert codes(settle(Clinic(), lines, [entry(7, "V1")])) == {"1#1": "supported", "2#1": "not_metered"}


def test_less_than_the_required_time_is_short_with_the_seconds_that_were_there() -> None:
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [entry(7, "V1", minutes=12)])
    [(verdict, _)] = found.verdicts
    assert (verdict.code, verdict.active_s, verdict.required_s) == ("short", 720, 1140)
    assert {"short", "capacity"} <= set(rules_of(found))


def test_a_treatment_that_the_patient_stopped_counts_for_as_long_as_it_lasted() -> None:
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [entry(7, "V1", minutes=5, outcome=STOPPED)])
    assert [(each.code, each.active_s) for each, _ in found.verdicts] == [("short", 300)]


def test_a_long_record_of_one_patient_never_stands_for_another() -> None:
    lines = [line("1", item=ACUPUNCTURE), line("2", item=ACUPUNCTURE)]
    entries = [entry(7, "V1", minutes=60), entry(8, "V2", minutes=3)]
    assert codes(settle(Clinic(), lines, entries)) == {"1#1": "supported", "2#1": "short"}


def test_two_charges_and_one_record_leave_one_without() -> None:
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE, count=2)], [entry(7, "V1")])
    assert codes(found) == {"1#1": "supported", "1#2": "no_device_time"}
    [lead] = [each for each in found.leads if each.rule == "capacity"]
    assert (lead.treatments, lead.capacity, lead.supplies) == (2, 1, ("attended:7",))


def test_of_three_charges_one_done_and_one_not_done_leave_one_without() -> None:
    entries = [entry(7, "V1"), entry(8, "V1", "11:00", outcome=UNDONE)]
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE, count=3)], entries)
    assert codes(found) == {"1#1": "supported", "1#2": "no_device_time", "1#3": "not_metered"}


def test_what_the_clinic_itself_recorded_as_not_done_asks_for_no_time_while_its_refund_is_awaited() -> None:
    undone = entry(7, "V1", outcome=UNDONE)
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [undone])
    assert (codes(found), rules_of(found)) == ({"1#1": "not_metered"}, [])
    refunded = line("1", item=ACUPUNCTURE, reversed_by="9")
    assert codes(settle(Clinic(), [refunded], [undone])) == {"1#1": "reversed"}


@pytest.mark.parametrize("named", ["", "1"])
def test_an_entry_of_what_was_not_done_is_answered_by_its_refund_and_hides_no_other_treatment(
    named: str,
) -> None:
    entries = [entry(7, "V1"), replace(entry(8, "V1", "11:00", outcome=UNDONE), line=named)]
    charged = line("1", item=ACUPUNCTURE, count=3)
    in_part = replace(charged, treatments=2)
    found = codes(settle(Clinic(), [in_part], entries))
    assert found == {"1#1": "supported", "1#2": "no_device_time"}
    wholly = replace(charged, reversed_by="9")
    again = replace(line("2", item=ACUPUNCTURE, count=2), visit="V1")
    found = codes(settle(Clinic(), [wholly, again], entries))
    assert {found[f"2#{index}"] for index in (1, 2)} == {"supported", "no_device_time"}


def test_what_was_recorded_with_its_times_is_not_hidden_by_an_entry_that_it_was_not_done() -> None:
    undone = entry(8, "V1", "11:00", outcome=UNDONE)
    for minutes, code in ((20, "supported"), (5, "short")):
        found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [entry(7, "V1", minutes=minutes), undone])
        assert codes(found) == {"1#1": code}
    before = entry(7, "V1", day=-1)
    assert codes(settle(Clinic(), [line("1", item=ACUPUNCTURE)], [before, undone])) == {"1#1": "not_metered"}


def test_the_refund_of_another_line_does_not_answer_an_entry_that_names_its_own() -> None:
    entries = [entry(7, "V1"), replace(entry(8, "V1", "11:00", outcome=UNDONE), line="2")]
    twice = [replace(line(name, item=ACUPUNCTURE), visit="V1") for name in ("1", "2")]
    mistaken = replace(line("3", item=ACUPUNCTURE, reversed_by="9"), visit="V1")
    found = codes(settle(Clinic(), [*twice, mistaken], entries))
    assert found == {"1#1": "supported", "2#1": "not_metered", "3#1": "reversed"}


def test_a_unit_that_left_its_device_opens_its_class_to_no_records() -> None:
    clinic = Clinic().device("lamp").unit("U1").place("U1", "lamp", at("08:00", -9), at("08:00", -1))
    found = settle(clinic, [line("1")], [entry(7, "V1", item=TDP)])
    assert codes(found) == {"1#1": "unobserved"}


@pytest.mark.parametrize("outcome", [RUNNING, WITHDRAWN])
def test_what_still_runs_or_was_withdrawn_says_nothing(outcome: str) -> None:
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [entry(7, "V1", outcome=outcome)])
    assert codes(found) == {"1#1": "not_metered"}


def test_a_record_of_another_item_or_day_bears_out_nothing() -> None:
    lines = [line("1", item=ACUPUNCTURE)]
    assert codes(settle(Clinic(), lines, [entry(7, "V1", item=CUPPING)])) == {"1#1": "not_metered"}
    assert codes(settle(Clinic(), lines, [entry(7, "V1", day=1)])) == {"1#1": "no_device_time"}


def test_records_never_supply_a_class_that_has_units() -> None:
    found = settle(Clinic().lamp("U1"), [line("1")], [entry(7, "V1", item=TDP)])
    assert codes(found) == {"1#1": "no_device_time"}


def test_what_was_recorded_before_a_class_had_its_first_device_stands_when_a_unit_comes_later() -> None:
    lines, entries = [line("1"), line("2")], [entry(7, "V1", item=TDP)]
    before = settle(Clinic(), lines, entries)
    for days in (1, 2, 9):
        clinic = Clinic().device("lamp", since=at("00:00", days)).unit("U1", watched=[])
        found = settle(clinic.place("U1", "lamp", at("00:00", days)), lines, entries)
        assert codes(found) == codes(before) == {"1#1": "supported", "2#1": "not_metered"}


def test_what_the_clinic_said_was_not_done_stays_so_when_a_device_comes_later() -> None:
    lines = [line("1", item=STIM, count=2)]
    entries = [entry(7, "V1", item=STIM), entry(8, "V1", "11:00", item=STIM, outcome=UNDONE)]
    clinic = Clinic().device("STIM-3", load="stim", blind=True, since=at("00:00", 5))
    assert codes(settle(clinic, lines, entries)) == {"1#1": "supported", "1#2": "not_metered"}


def test_what_was_recorded_after_the_last_device_was_gone_counts_again() -> None:
    clinic = Clinic().device("lamp", until=at("08:00", -1)).unit("U1").place("U1", "lamp", 0, at("08:00", -1))
    assert codes(settle(clinic, [line("1")], [entry(7, "V1", item=TDP)])) == {"1#1": "supported"}


def test_a_course_over_the_day_on_which_the_first_unit_came_keeps_what_was_recorded_before() -> None:
    course: dict[str, Any] = {"per": "次", "day_max": 1, "course_max": 3, "course_days": 3}
    clinic = Clinic().device("lamp", since=at("00:00", 1)).place("U1", "lamp", at("00:00", 1))
    clinic.unit("U1", on(1, "09:00", 20, day=1), on(2, "09:00", 20, day=2), days=3)
    period = replace(clinic.period(line("1", count=3), **course), entries=[entry(7, "V1", item=TDP)])
    found = [each for each, _ in reconcile(period, leads.default_rules()).verdicts]
    assert [each.code for each in found] == ["supported"] * 3
    assert sorted(str(each.grade) for each in found) == ["A", "A", "C"]


def test_of_a_class_of_blind_devices_records_come_before_the_dark() -> None:
    clinic = Clinic().device("STIM-3", load="stim", blind=True)
    lines = [line("1", item=STIM), line("2", item=STIM)]
    found = settle(clinic, lines, [entry(7, "V2", minutes=25, item=STIM)])
    assert codes(found) == {"1#1": "unobserved", "2#1": "supported"}
    assert {each.line: each.records for each, _ in found.verdicts}["2"] == ("attended:7",)


def test_a_record_without_a_charge_is_no_lamp_that_burned_for_nobody() -> None:
    found = settle(Clinic(), [line("1", item=ACUPUNCTURE)], [entry(7, "V1"), entry(8, "V9")])
    assert rules_of(found) == []


def test_rules_are_told_what_people_recorded() -> None:
    entries = [entry(7, "V1"), entry(8, "V2", outcome=UNDONE), entry(9, "V3", outcome=RUNNING)]
    assert [(each.key, each.outcome, each.start_ms, each.end_ms) for each in told(entries)] == [
        ("attended:7", DONE, at("10:00"), at("10:20")),
        ("attended:8", UNDONE, None, None),
    ]


# --- tags of units --------------------------------------------------------------------------------------------------


def test_a_tag_that_stands_for_a_visit_ties_its_treatment_to_the_session() -> None:
    seen = [replace(on(1, "09:00", 21), tags=("aa",)), replace(on(2, "10:00", 21), tags=("bb", "cc"))]
    period = Clinic().lamp("U1", *seen).period(line("1", "08:00"), line("2", "09:00"))
    found = reconcile(replace(period, visits={"aa": "V2", "bb": "V1"}), leads.default_rules())
    assert {each.line: each.records for each, _ in found.verdicts} == {"1": ("U1:2",), "2": ("U1:1",)}
    assert all(each.tagged for each, _ in found.verdicts)


def test_a_tag_that_no_charge_bears_out_is_a_lead_of_the_chain() -> None:
    seen = replace(on(1, "09:00", 21), tags=("aa",))
    period = Clinic().lamp("U1", seen).period(line("1"))
    found = reconcile(replace(period, visits={"aa": "V7"}), leads.default_rules())
    [lead] = [each for each in found.leads if each.rule == "chain"]
    assert lead.supplies == ("U1:1",)
    assert "V7" in lead.zh and "V7" in lead.en


def test_a_tag_at_a_session_too_short_says_how_long_it_was() -> None:
    seen = replace(on(1, "09:00", 13), tags=("aa",))
    period = Clinic().lamp("U1", seen).period(line("1"))
    found = reconcile(replace(period, visits={"aa": "V1"}), leads.default_rules())
    assert ["780 s" in each.en for each in found.leads if each.rule == "chain"] == [True]


# --- each visit by itself -------------------------------------------------------------------------------------------


def one_by_one(case: Case) -> tuple[list[Verdict], list[Witness]]:
    """The plain way: a matching for each visit."""
    verdicts: list[Verdict] = []
    witnesses: list[Witness] = []
    for visit in sorted({each.visit for each in case.treatments}):
        own = judge(
            replace(
                case,
                treatments=[each for each in case.treatments if each.visit == visit],
                sessions=[each for each in case.sessions if each.visits[0] == visit],
            )
        )
        verdicts += own.verdicts
        witnesses += own.witnesses
    return verdicts, witnesses


def a_class_without_devices(random: Random) -> Case:
    """Treatments of three visits, with windows long and short, and what was recorded of them."""
    scene = a_scene(random, most=12)
    treatments = [replace(each, visit=random.choice(["V1", "V2", "V3"])) for each in scene.treatments]
    recorded = [
        replace(
            each,
            unit="attended",
            device="",
            grade="C",
            stations=1,
            visits=(random.choice(["V1", "V2", "V9"]),),
        )
        for each in scene.sessions
    ]
    lines = frozenset(each.line for each in treatments if random.random() < 0.8)
    return replace(
        scene,
        treatments=treatments,
        sessions=recorded,
        darks=[],
        inventory=[],
        attended=lines,
    )


def test_all_visits_at_once_are_judged_as_each_by_itself() -> None:
    for seed in range(1500):
        with brute.named(seed):
            case = a_class_without_devices(Random(seed))
            found = judge_by_visit(case, {})
            verdicts, witnesses = one_by_one(case)
            assert sorted(found.verdicts, key=str) == sorted(verdicts, key=str)
            assert sorted(map(str, found.witnesses)) == sorted(map(str, witnesses))
            order = [(each.charged_ms, each.line, each.index) for each in case.treatments]
            named = {(line, index): (at_ms, line, index) for at_ms, line, index in order}
            assert [named[each.line, each.index] for each in found.verdicts] == sorted(order)
