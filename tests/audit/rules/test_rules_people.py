"""simultaneous, patient_overlap and staff_time: more at once than places, persons and hands allow."""

from __future__ import annotations

from tests.audit.clinic import ACUPUNCTURE, TDP, Clinic, at
from tests.audit.rules.asked import CUPS, STIFF_NECK, TUINA, bill, entry, leads_of, the_lead

CLINIC = Clinic()


# --- simultaneous -----------------------------------------------------------------------------------------------


def test_more_treatments_performed_at_one_time_than_lamps_can_begin_around_it_are_a_lead():
    clinic = Clinic().lamp("U1").lamp("U2", watched=[])
    lines = [bill(f"{number:02d}", performed_ms=at("10:00")) for number in range(9)]
    lead = the_lead(clinic, "simultaneous", *lines)
    assert (lead.treatments, lead.capacity, lead.amount_fen) == (9, 8, 1200)
    assert "09:30-10:29" in lead.zh and "2 stations" in lead.en


def test_as_many_as_the_half_hours_around_allow_are_none():
    clinic = Clinic().lamp("U1", stations=2)
    lines = [bill(str(number), performed_ms=at("10:00")) for number in range(8)]
    assert leads_of(clinic, "simultaneous", *lines) == []
    assert leads_of(clinic, "simultaneous", *(bill(str(n)) for n in range(30))) == []


def test_of_what_people_recorded_the_beginnings_are_exact():
    clinic = Clinic().lamp("U1", stations=2)
    lines = [bill(name) for name in "abc"]
    entries = [entry(1 + n, each, f"10:0{n}", 20, item=TDP) for n, each in enumerate(lines)]
    assert the_lead(clinic, "simultaneous", *lines, entries=entries).capacity == 2
    apart = [entry(1 + n, each, f"10:{n * 12:02d}", 20) for n, each in enumerate(lines)]
    assert leads_of(clinic, "simultaneous", *lines, entries=apart) == []


def test_what_was_entered_later_says_no_exact_time():
    clinic = Clinic().lamp("U1", stations=1)
    lines = [bill(name) for name in "ab"]
    entries = [entry(1 + n, each, "10:00", 20, later=1) for n, each in enumerate(lines)]
    assert leads_of(clinic, "simultaneous", *lines, entries=entries) == []


# --- patient_overlap --------------------------------------------------------------------------------------------


def test_two_treatments_by_hand_that_end_before_both_can_have_been_done_are_a_lead():
    lines = [bill("a", item=TUINA, visit="V1"), bill("b", item=STIFF_NECK, visit="V1")]
    entries = [entry(1, lines[0], "10:00", 15), entry(2, lines[1], "10:02", 15)]
    lead = the_lead(CLINIC, "patient_overlap", *lines, entries=entries)
    assert (lead.lines, lead.treatments) == (("a", "b"), 2)
    assert "28 min" in lead.en and "17 min" in lead.en and "颈椎病" in lead.zh
    assert [row["record"] for row in lead.witness] == ["attended:1", "attended:2"]


def test_what_several_sums_show_of_the_same_lines_are_leads_with_names_of_their_own():
    lines = [bill(f"{n:02d}", item=TUINA, performed_ms=at("10:00")) for n in range(18)]
    entries = [entry(1 + n, each, f"10:{n:02d}", 15) for n, each in enumerate(lines)]
    found = leads_of(CLINIC, "patient_overlap", *lines, entries=entries)
    assert len(found) == len({lead.name for lead in found}) == 17 + 1 + 1


def test_both_started_together_on_the_list_and_done_one_after_the_other_are_none():
    lines = [bill("a", item=TUINA, visit="V1"), bill("b", item=STIFF_NECK, visit="V1")]
    entries = [entry(1, lines[0], "10:00", 15), entry(2, lines[1], "10:00", 31)]
    assert leads_of(CLINIC, "patient_overlap", *lines, entries=entries) == []


def test_a_lamp_needles_and_cups_go_together_and_with_hands():
    lines = [bill(str(item), item=item, visit="V1") for item in (TDP, ACUPUNCTURE, CUPS, TUINA)]
    entries = [entry(1 + n, each, "10:00", 21) for n, each in enumerate(lines)]
    assert leads_of(Clinic().lamp("U1"), "patient_overlap", *lines, entries=entries) == []


def test_two_persons_are_treated_at_once_without_harm():
    lines = [bill("a", item=TUINA, patient="P1"), bill("b", item=STIFF_NECK, patient="P2")]
    entries = [entry(1 + n, each, "10:00", 15) for n, each in enumerate(lines)]
    assert leads_of(CLINIC, "patient_overlap", *lines, entries=entries) == []


def test_more_hours_of_hands_on_one_person_than_a_day_is_good_for_are_a_lead():
    lines = [bill(f"{n:02d}", item=TUINA) for n in range(18)]
    assert "252 min" in the_lead(CLINIC, "patient_overlap", *lines).en
    assert leads_of(CLINIC, "patient_overlap", *lines[:17]) == []


def test_what_lines_say_was_performed_at_one_instant_has_an_hour_around_it():
    lines = [bill(str(n), item=TUINA, performed_ms=at("10:00")) for n in range(6)]
    assert "84 min" in the_lead(CLINIC, "patient_overlap", *lines).en
    assert leads_of(CLINIC, "patient_overlap", *lines[:5]) == []


# --- staff_time -------------------------------------------------------------------------------------------------

SOMEBODY_ELSE = bill("z", staff="D09")


def test_more_minutes_by_hand_than_a_long_day_has_are_a_lead_of_the_code_they_were_charged_under():
    lines = [bill(f"{n:02d}", item=TUINA, staff="D01") for n in range(52)]
    lead = the_lead(CLINIC, "staff_time", *lines, SOMEBODY_ELSE)
    assert (lead.treatments, lead.parameters["needed_s"], lead.parameters["there_s"]) == (52, 43680, 43200)
    assert "D01" in lead.zh and "728 min" in lead.en and "720 min" in lead.en
    assert leads_of(CLINIC, "staff_time", *lines[:51], SOMEBODY_ELSE) == []


def test_lamps_need_nobody_beside_them():
    lines = [bill(f"{n:02d}", staff="D01") for n in range(200)]
    assert leads_of(CLINIC, "staff_time", *lines, SOMEBODY_ELSE) == []


def test_where_all_is_charged_under_one_code_the_code_says_nothing():
    lines = [bill(f"{n:02d}", item=TUINA, staff="D01") for n in range(80)]
    assert leads_of(CLINIC, "staff_time", *lines) == []


def test_who_recorded_that_he_did_it_counts_and_not_who_signed_the_bill():
    lines = [bill(f"{n:02d}", item=TUINA, staff="D01") for n in range(52)]
    colleague = [
        entry(1 + n, each, f"{8 + n // 2}:{n % 2 * 30:02d}", 15, practitioner="D02")
        for n, each in enumerate(lines[:10])
    ]
    assert leads_of(CLINIC, "staff_time", *lines, SOMEBODY_ELSE, entries=colleague) == []


def test_records_of_one_person_that_leave_no_time_between_them_are_a_lead():
    lines = [bill(str(n), item=TUINA, patient=f"P{n}") for n in range(4)]
    entries = [entry(1 + n, each, f"10:0{n}", 16) for n, each in enumerate(lines)]
    lead = the_lead(CLINIC, "staff_time", *lines, SOMEBODY_ELSE, entries=entries)
    assert (lead.treatments, lead.parameters["needed_s"], lead.parameters["there_s"]) == (4, 3360, 1740)
    assert len(lead.witness) == 4


def test_two_needle_patients_at_once_need_only_the_minutes_of_setting_the_needles():
    lines = [bill(str(n), item=ACUPUNCTURE, patient=f"P{n}") for n in range(5)]
    entries = [entry(1 + n, each, f"10:0{n * 2}", 30) for n, each in enumerate(lines)]
    assert leads_of(CLINIC, "staff_time", *lines, SOMEBODY_ELSE, entries=entries) == []


def test_somebody_who_signs_for_a_colleague_for_an_hour_is_within_the_bound():
    lines = [bill(f"{n:02d}", item=TUINA, staff="D01") for n in range(24)]
    assert leads_of(CLINIC, "staff_time", *lines, SOMEBODY_ELSE) == []
