"""load and undone: what records of units, and of the clinic itself, give to ask."""

from __future__ import annotations

from dataclasses import replace

from tests.audit.clinic import ACUPUNCTURE, DAY_MS, STIM, Clinic, at, on
from tests.audit.rules.asked import bill, entry, leads_of, the_lead

# --- load -------------------------------------------------------------------------------------------------------


def burning(us: int, start: str, watts: float, minutes: int = 21, energy_mwh: int | None = None):
    power = (round(watts * 900), round(watts * 1000), round(watts * 1100))
    return replace(on(us, start, minutes), power_mw=power, energy_mwh=energy_mwh)


def test_a_kettle_on_the_lamps_plug_is_a_lead():
    clinic = Clinic().lamp("U1", burning(1, "09:00", 1800), burning(2, "10:00", 260))
    lead = the_lead(clinic, "load", bill("a"), bill("b"))
    assert lead.supplies == ("U1:1",) and lead.parameters["envelope_mw"] == [60000, 700000]
    assert "1800.0 W" in lead.en and "60-700 W" in lead.zh
    assert lead.witness[0]["power_mw"] == [1620000, 1800000, 1980000]


def test_a_phone_charger_is_too_little_for_a_lamp():
    assert len(leads_of(Clinic().lamp("U1", burning(1, "09:00", 45)), "load")) == 1


def test_a_dimmed_head_and_two_large_heads_are_both_lamps():
    clinic = Clinic().lamp("U1", burning(1, "09:00", 62), burning(2, "10:00", 640), burning(3, "11:00", 745))
    assert leads_of(clinic, "load") == []


def test_energy_that_does_not_fit_the_power_that_was_told_is_a_lead():
    honest = burning(1, "09:00", 260, energy_mwh=91_000)
    told = burning(2, "10:00", 260, energy_mwh=350)
    lead = the_lead(Clinic().lamp("U1", honest, told), "load")
    assert lead.supplies == ("U1:2",) and lead.witness[0]["register_mw"] == 1000


def test_a_pad_whose_thermostat_rests_is_no_other_appliance():
    resting = burning(1, "09:00", 45, energy_mwh=45_000 * 21 // 60 // 3)
    assert leads_of(Clinic().lamp("I1", resting, load="ionto"), "load") == []


def test_each_class_has_an_envelope_of_its_own_and_a_clinic_may_say_another():
    clinic = Clinic().lamp("S1", burning(1, "09:00", 30), load="stim")
    assert the_lead(clinic, "load").item == STIM
    assert leads_of(clinic, "load", figures={"envelope_mw": {"stim": [1800, 40000]}}) == []


def test_a_moment_of_power_is_not_looked_at():
    assert leads_of(Clinic().lamp("U1", replace(burning(1, "09:00", 1800), active_s=59)), "load") == []


# --- undone -----------------------------------------------------------------------------------------------------

WEEK_LATER = at("12:00") + 7 * DAY_MS


def test_what_the_clinic_recorded_as_not_done_and_did_not_refund_in_a_week_is_a_lead():
    line = bill("a", item=ACUPUNCTURE, count=2)
    told = [entry(1, line, "11:00", 0, "undone")]
    lead = the_lead(Clinic(), "undone", line, entries=told, now_ms=WEEK_LATER)
    assert (lead.lines, lead.treatments, lead.amount_fen) == (("a",), 1, 1200)
    assert "2026-03-02" in lead.en and [row.get("record") for row in lead.witness] == [None, "attended:1"]


def test_before_the_week_is_over_it_is_none():
    line = bill("a", item=ACUPUNCTURE)
    told = [entry(1, line, "12:01", 0, "undone")]
    assert leads_of(Clinic(), "undone", line, entries=told, now_ms=WEEK_LATER) == []


def test_a_refund_takes_it_away():
    told = [entry(1, bill("a", item=ACUPUNCTURE), "11:00", 0, "undone")]
    refunded = bill("a", item=ACUPUNCTURE, reversed_by="R1")
    assert leads_of(Clinic(), "undone", refunded, entries=told, now_ms=WEEK_LATER) == []
    in_part = bill("a", item=ACUPUNCTURE, count=1)
    in_part = replace(in_part, count="2.0000")
    assert leads_of(Clinic(), "undone", in_part, entries=told, now_ms=WEEK_LATER) == []


def test_so_does_doing_it_later_after_all():
    line = bill("a", item=ACUPUNCTURE)
    told = [entry(1, line, "11:00", 0, "undone"), entry(2, line, "15:00", 25, day=3)]
    assert leads_of(Clinic(), "undone", line, entries=told, now_ms=WEEK_LATER) == []


def test_a_record_that_names_no_line_is_of_the_only_one_that_it_can_be():
    line = bill("a", item=ACUPUNCTURE, visit="V1")
    told = [entry(1, line, "11:00", 0, "undone", line="")]
    assert the_lead(Clinic(), "undone", line, entries=told, now_ms=WEEK_LATER).lines == ("a",)
    two = [line, bill("b", item=ACUPUNCTURE, visit="V1")]
    assert leads_of(Clinic(), "undone", *two, entries=told, now_ms=WEEK_LATER) == []


def test_its_name_is_that_of_its_line():
    line = bill("a", item=ACUPUNCTURE, count=3)
    names = {
        the_lead(Clinic(), "undone", line, entries=told, now_ms=WEEK_LATER).name
        for told in (
            [entry(1, line, "11:00", 0, "undone")],
            [entry(1, line, "11:00", 0, "undone"), entry(2, line, "11:30", 0, "undone")],
        )
    }
    assert len(names) == 1
