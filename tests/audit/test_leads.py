"""Leads: what a person is asked to look at, and that nobody is named alone who shares a doubt."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from gateway.audit.coverage import Doubt
from gateway.audit.facts import Finding
from gateway.audit.leads import Lead, default_rules
from gateway.audit.reconcile import Reconciliation, reconcile
from gateway.audit.rules import RULES
from tests.audit.clinic import CONFIG, MONDAY, STIM, TDP, Clinic, at, line, on, rules_of
from tests.audit.test_reconcile import LAMPS, LINES, clinic_of, lines_of

pytestmark = pytest.mark.pure


def only(found: Reconciliation, rule: str) -> Lead:
    """The one lead of a rule."""
    named = [lead for lead in found.leads if lead.rule == rule]
    assert len(named) == 1, rules_of(found)
    return named[0]


# --- capacity -----------------------------------------------------------------------------------------------------


def test_a_capacity_lead_names_all_who_asked_and_all_that_any_of_them_could_have_used():
    clinic = Clinic().lamp("U1", on(3, "09:00", 20), on(5, "15:00", 45)).lamp("U2", on(7, "10:00", 5))
    lead = only(clinic.settle(*(line(name) for name in "abcd"), line("e", item=STIM)), "capacity")
    assert (lead.item, lead.day, lead.treatments, lead.capacity) == (TDP, MONDAY, 4, 3)
    assert (lead.lines, lead.supplies, lead.dark) == (("a", "b", "c", "d"), ("U1:3", "U1:5"), ())
    assert lead.amount_fen == 1200


def test_dark_time_counts_in_favour_of_the_clinic_and_is_named():
    watched = [(at("08:00"), at("12:00")), (at("12:30"), at("20:00"))]
    lead = only(Clinic().lamp("U1", watched=watched).settle(*(line(name) for name in "abc")), "capacity")
    assert (lead.treatments, lead.capacity, lead.dark) == (3, 1, (("U1", at("12:00"), at("12:30")),))


def test_its_money_is_the_least_that_was_charged_without_device_time():
    lines = [line("a", fen=5000), line("b", fen=100), line("c", fen=300)]
    lead = only(Clinic().lamp("U1", on(1, "09:00", 20)).settle(*lines), "capacity")
    assert lead.amount_fen == 400


def test_a_lead_keeps_its_name_when_the_day_is_reconciled_again_alone_or_with_others():
    clinic = Clinic().lamp("U1", days=3)
    lines = [line("a"), line("b", day=1), line("c", day=2)]
    together = {lead.name for lead in clinic.settle(*lines, last=2).leads if lead.rule == "capacity"}
    alone = [only(clinic.settle(lines[day], first=day), "capacity").name for day in range(3)]
    assert together == set(alone)
    assert len(set(alone)) == 3


def test_a_set_that_reaches_beyond_the_period_is_a_lead_of_a_day_inside_it():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20, day=1), days=3)
    lines = [line("a", performed_ms=at("09:00", 1)), line("b", day=1)]
    lead = only(clinic.settle(*lines, first=1), "capacity")
    assert (lead.day, lead.lines) == (date(2026, 3, 3), ("a", "b"))
    assert "2026-03-02 - 2026-03-03" in lead.en


def test_a_set_that_is_charged_beyond_the_period_alone_is_none_of_its_leads():
    assert Clinic().lamp("U1", days=2).settle(line("a", day=1)).leads == []


# --- short --------------------------------------------------------------------------------------------------------


def test_a_short_lead_names_the_whole_set_of_which_one_was_cut_short_and_the_least_it_can_have_cost():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20), on(2, "10:00", 10))
    found = clinic.settle(line("a", fen=5000), line("b", fen=100))
    lead = only(found, "short")
    assert (lead.lines, lead.treatments, lead.amount_fen) == (("a", "b"), 1, 100)
    assert lead.supplies == ("U1:2",)
    assert "600 s" in lead.en and "1140 s" in lead.en
    assert "1 treatment has only shorter" in lead.en and "1 次治疗只有较短的" in lead.zh


def test_there_is_one_short_lead_for_each_class_and_day():
    clinic = Clinic().lamp("U1", on(1, "10:00", 10), on(2, "10:00", 10, day=1), days=2)
    clinic.lamp("S1", on(1, "10:00", 10), load="stim", days=2)
    found = clinic.settle(line("a"), line("b"), line("c", day=1), line("d", item=STIM), last=1)
    shorts = [(lead.day.isoformat(), lead.item, lead.lines) for lead in found.leads if lead.rule == "short"]
    assert sorted(shorts) == [
        ("2026-03-02", STIM, ("d",)),
        ("2026-03-02", TDP, ("a",)),
        ("2026-03-03", TDP, ("c",)),
    ]


# --- unbilled -----------------------------------------------------------------------------------------------------


def test_device_time_that_nobody_was_charged_for_is_one_lead_for_each_device_and_day():
    clinic = Clinic().lamp("U1", on(1, "09:00", 60), on(2, "15:00", 20), on(3, "10:00", 20, day=1), days=2)
    found = clinic.settle(last=1)
    said = [(lead.day.day, lead.treatments, lead.capacity, lead.supplies) for lead in found.leads]
    assert said == [(2, 0, 4, ("U1:1", "U1:2")), (3, 0, 1, ("U1:3",))]


def test_a_device_that_serves_several_counts_once_and_only_where_none_of_them_was_charged():
    clinic = Clinic().lamp("U1", on(1, "09:00", 25), on(2, "15:00", 25), stations=5)
    lead = only(clinic.settle(line("a", performed_ms=at("09:00"))), "unbilled")
    assert (lead.capacity, lead.supplies) == (1, ("U1:2",))
    assert "1500 s" in lead.en


def test_a_lamp_that_burns_on_a_closed_day_is_unbilled_too():
    closed = replace(CONFIG, closed=(MONDAY,))
    assert rules_of(Clinic(closed).lamp("U1", on(1, "09:00", 20)).settle()) == ["unbilled"]


def test_less_than_a_treatment_is_not_worth_a_lead():
    assert Clinic().lamp("U1", on(1, "09:00", 18.9)).settle().leads == []


# --- dark ---------------------------------------------------------------------------------------------------------

HALF_HOUR_DARK = ((at("08:00"), at("12:00")), (at("12:30"), at("20:00")))


def test_a_device_unwatched_for_half_an_hour_while_treatments_were_charged_is_a_lead():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20), watched=HALF_HOUR_DARK)
    found = clinic.settle(line("a", "12:10"), line("b", "14:00"))
    lead = only(found, "dark")
    assert (lead.treatments, lead.lines, lead.amount_fen) == (1, ("a", "b"), 1200)
    assert lead.dark == (("U1", at("12:00"), at("12:30")),)
    assert "30 min" in lead.en and "12:00-12:30" in lead.en


def test_a_second_less_than_half_an_hour_is_not():
    watched = [(at("08:00"), at("12:00:01")), (at("12:30"), at("20:00"))]
    clinic = Clinic().lamp("U1", on(1, "09:00", 20), watched=watched)
    assert rules_of(clinic.settle(line("a", "12:10"))) == []


def test_nor_is_dark_time_in_which_nothing_of_its_class_was_charged_or_all_was_refunded():
    clinic = Clinic().lamp("U1", on(1, "09:00", 20), watched=HALF_HOUR_DARK)
    assert rules_of(clinic.settle(line("a", "14:00"))) == []
    assert rules_of(clinic.settle(line("a", "14:00"), line("b", "12:10", reversed_by="R"))) == []
    assert rules_of(clinic.settle(line("a", "14:00"), line("b", "12:10", item=STIM))) == []


def test_nor_is_what_is_still_to_come():
    clinic = Clinic().lamp("U1", watched=[(at("08:00"), at("11:50"))])
    assert rules_of(clinic.settle(line("a", "11:55"), now_ms=at("12:00"))) == []
    assert rules_of(clinic.settle(line("a", "11:55"), now_ms=at("12:20"))) == ["dark"]


def test_its_name_does_not_depend_on_what_was_charged():
    clinic = Clinic().lamp("U1", watched=HALF_HOUR_DARK)
    names = {
        only(clinic.settle(*lines), "dark").name for lines in ([line("a", "12:10")], [line("b", "12:20")])
    }
    assert len(names) == 1


def test_a_line_that_shares_its_doubt_is_named_with_all_that_share_it():
    found = Clinic().lamp("U1", watched=HALF_HOUR_DARK).settle(line("a", "12:10"), line("b", "14:00"))
    assert only(found, "dark").lines == ("a", "b")


# --- chain --------------------------------------------------------------------------------------------------------


def finding(code: str = "gap", unit: str = "U1", us: int | None = 7, at_ms: int = at("11:00")) -> Finding:
    return Finding(code, unit, us, at_ms, "中文", "English")


def test_a_finding_of_intake_is_a_lead_of_the_day_of_its_record_and_of_its_units_class():
    clinic = Clinic().lamp("S1", load="stim", days=2)
    clinic.findings = [finding(unit="S1", at_ms=at("11:00", 1))]
    lead = only(clinic.settle(last=1), "chain")
    assert (lead.item, lead.day, lead.supplies) == (STIM, date(2026, 3, 3), ("S1:7",))
    assert "S1" in lead.zh and "中文" in lead.zh and "English" in lead.en


def test_several_findings_of_one_kind_about_one_record_are_one_lead():
    clinic = Clinic().lamp("U1")
    clinic.findings = [finding("bad_seal"), finding("bad_seal"), finding("fork"), finding("bad_seal", us=8)]
    assert len({lead.name for lead in clinic.settle().leads}) == len(clinic.settle().leads) == 3


def test_what_no_unit_sealed_is_a_lead_about_no_item():
    clinic = Clinic().lamp("U1")
    clinic.findings = [finding("malformed", "", None), finding("unknown_unit", "X9", None)]
    assert [(lead.item, lead.supplies) for lead in clinic.settle().leads] == [(None, ()), (None, ())]


def test_findings_of_other_days_are_leads_of_those():
    clinic = Clinic().lamp("U1", days=3)
    clinic.findings = [finding(at_ms=at("11:00", day)) for day in range(3)]
    assert [lead.day for lead in clinic.settle(first=1).leads] == [date(2026, 3, 3)]


def test_what_a_chain_itself_gives_to_doubt_is_a_lead_like_any_finding():
    clinic = Clinic().lamp("U1")
    clinic.attested["U1"].doubts.append(Doubt("clock", 9, at("15:00"), "跳动", "moved"))
    clinic.attested["U1"].doubts.append(Doubt("clock", 11, at("15:00", 1), "跳动", "moved"))
    assert only(clinic.settle(), "chain").supplies == ("U1:9",)


# --- rules --------------------------------------------------------------------------------------------------------


def test_a_rule_can_be_switched_off_and_its_figures_changed():
    rules = {name: dict(table) for name, table in default_rules().items()}
    clinic = Clinic().lamp("U1", watched=HALF_HOUR_DARK)
    rules["dark"]["least_s"] = 1801
    rules["capacity"]["enabled"] = False
    lines = (line("a", "12:10"), line("b", "12:20"))
    assert [lead.rule for lead in reconcile(clinic.period(*lines), rules).leads] == []
    rules["dark"]["least_s"] = 60
    assert [lead.rule for lead in reconcile(clinic.period(*lines), rules).leads] == ["dark"]


def test_every_rule_says_its_sentence_in_chinese_and_english():
    assert list(default_rules()) == list(RULES)
    for table in default_rules().values():
        assert table["enabled"] is True
        assert table["zh"].strip() and table["en"].isascii()
        zh, en = (set(re.findall(r"{(\w+?)(?:_zh|_en)?(?::[^}]*)?}", table[lang])) for lang in ("zh", "en"))
        assert zh == en


# --- whatever the day ---------------------------------------------------------------------------------------------


ABOUT_DEVICE_TIME = ("capacity", "short", "device_idle", "long_burn", "dark")


@given(LAMPS, LINES)
@settings(max_examples=200)
def test_no_lead_about_device_time_names_a_line_without_all_that_share_its_doubt(lamps, charges):
    found = clinic_of(lamps).settle(*lines_of(charges), last=2)
    for lead in (each for each in found.leads if each.rule in ABOUT_DEVICE_TIME):
        for verdict, _ in found.verdicts:
            if verdict.among and verdict.line in lead.lines:
                assert set(verdict.among) <= set(lead.lines)


@given(LAMPS, LINES)
@settings(max_examples=200)
def test_capacity_leads_add_up_to_the_treatments_without_device_time(lamps, charges):
    found = clinic_of(lamps).settle(*lines_of(charges), last=2)
    over = [lead.treatments - lead.capacity for lead in found.leads if lead.rule == "capacity"]
    without = [verdict for verdict, _ in found.verdicts if verdict.code in ("short", "no_device_time")]
    assert all(each > 0 for each in over)
    assert sum(over) == len(without)
    named = [name for lead in found.leads if lead.rule == "capacity" for name in lead.lines]
    assert len(named) == len(set(named))


@given(LAMPS, LINES)
@settings(max_examples=100)
def test_leads_have_names_of_their_own_days_of_the_period_and_money_within_what_was_charged(lamps, charges):
    found = clinic_of(lamps).settle(*lines_of(charges), last=2)
    assert len({lead.name for lead in found.leads}) == len(found.leads)
    assert all(found.from_day <= lead.day <= found.to_day for lead in found.leads)
    charged_fen = sum(1200 * count for _, _, count, _, _ in charges)
    assert all(0 <= lead.amount_fen <= charged_fen for lead in found.leads)
    assert all("{" not in lead.zh + lead.en for lead in found.leads)
    assert not [lead.en for lead in found.leads if re.search(r"\b1 (?!min|s\b|yuan)[a-z]+s\b", lead.en)]
