"""unbilled, overlong and long_burn: device time that nobody can be shown to have used."""

from __future__ import annotations

from tests.audit.clinic import Clinic, at, on
from tests.audit.rules.asked import bill, entry, leads_of, the_lead

BURNS = on(1, "08:30", 8 * 60)


# --- unbilled ---------------------------------------------------------------------------------------------------


def test_the_witness_of_unbilled_says_what_was_used_and_what_was_left():
    clinic = Clinic().lamp("U1", on(1, "09:00", 45))
    lead = the_lead(clinic, "unbilled", bill("a"))
    assert (lead.capacity, lead.parameters["required_s"]) == (1, 1140)
    assert [(row["record"], row["used"], row["left_s"]) for row in lead.witness] == [("U1:1", 1, 1560)]


def test_from_how_many_treatments_on_it_is_said_can_be_set():
    clinic = Clinic().lamp("U1", on(1, "09:00", 21), on(2, "11:00", 40))
    assert leads_of(clinic, "unbilled", figures={"least_treatments": 4}) == []
    assert len(leads_of(clinic, "unbilled", figures={"least_treatments": 3})) == 1


def test_what_a_person_recorded_never_burned_unbilled():
    clinic = Clinic().lamp("U1")
    charged = bill("a", item=16)
    assert leads_of(clinic, "unbilled", entries=[entry(1, charged, "09:00", 60)]) == []


# --- overlong ---------------------------------------------------------------------------------------------------


def test_a_lamp_that_is_on_for_half_a_day_is_a_lead_of_its_device_and_day():
    clinic = Clinic().lamp("U1", BURNS, on(2, "16:40", 181), days=2)
    lead = the_lead(clinic, "overlong", last=1)
    assert lead.supplies == ("U1:1", "U1:2") and lead.parameters["longer_than_s"] == 10800
    assert "480 min" in lead.en and "08:30-16:30" in lead.zh


def test_a_lamp_left_on_over_lunch_is_not_overlong_nor_one_that_serves_a_full_morning():
    clinic = Clinic().lamp("U1", on(1, "11:50", 120), on(2, "14:00", 180))
    assert leads_of(clinic, "overlong") == []


def test_what_is_long_depends_on_the_longest_treatment_of_the_class():
    clinic = Clinic().lamp("S1", on(1, "09:00", 230), load="stim")
    assert leads_of(clinic, "overlong", figures={"times": 4}) == []
    assert len(leads_of(Clinic().lamp("U1", on(1, "09:00", 230)), "overlong", figures={"times": 4})) == 1


# --- long_burn --------------------------------------------------------------------------------------------------


def test_treatments_that_only_a_burning_lamp_can_support_are_counted_whatever_matching_was_found():
    clinic = Clinic().lamp("U1", BURNS).lamp("U2", *(on(us, f"{8 + us}:00", 21) for us in range(1, 5)))
    lines = [bill(f"{number:02d}", "10:00") for number in range(12)]
    lead = the_lead(clinic, "long_burn", *lines)
    assert (lead.treatments, lead.capacity, lead.amount_fen) == (12, 4 + 3, 5 * 1200)
    assert len(lead.lines) == 12 and lead.supplies == ("U1:1",)
    assert "at least 5" in lead.en and "75 min" in lead.en


def test_three_areas_of_a_patient_on_one_lamp_are_no_long_burn():
    clinic = Clinic().lamp("U1", *(on(us, f"{8 + 2 * us}:00", 66) for us in range(1, 5)))
    assert leads_of(clinic, "long_burn", *(bill(str(number), count=3) for number in range(4))) == []


def test_a_lamp_that_was_forgotten_on_a_day_with_enough_ordinary_time_is_none_either():
    clinic = Clinic().lamp("U1", BURNS).lamp("U2", *(on(us, f"{8 + us}:00", 21) for us in range(1, 10)))
    assert leads_of(clinic, "long_burn", *(bill(str(number)) for number in range(9))) == []


def test_a_few_patients_under_a_lamp_that_stays_warm_are_too_few_to_ask():
    clinic = Clinic().lamp("U1", on(1, "09:00", 7 * 21))
    assert leads_of(clinic, "long_burn", *(bill(str(number)) for number in range(7))) == []


def test_where_a_line_shares_a_doubt_all_who_share_it_are_named():
    clinic = Clinic().lamp("U1", on(1, "09:00", 6 * 20))
    lines = [bill(str(number), count=2, performed_ms=at("09:30")) for number in range(4)]
    assert the_lead(clinic, "long_burn", *lines, figures={"least_treatments": 1}).lines == (
        "0",
        "1",
        "2",
        "3",
    )
