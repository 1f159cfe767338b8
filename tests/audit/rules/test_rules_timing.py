"""burst, clockwork and dark: when charges come, devices run and nobody watches."""

from __future__ import annotations

from tests.audit.clinic import STIM, Clinic, at, on, open_hours
from tests.audit.rules.asked import bill, leads_of, the_lead

# --- burst ------------------------------------------------------------------------------------------------------


def crowd(start: int = 12 * 60, count: int = 20, every_s: int = 60, **other: object):
    """So many charges, one after the other from a minute of the day on."""
    seconds = (start * 60 + number * every_s for number in range(count))
    return [
        bill(f"{number:02d}", f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}", **other)
        for number, second in enumerate(seconds)
    ]


def morning(count: int):
    """Sessions before ten o'clock, one on each of so many lamps."""
    clinic = Clinic()
    for number in range(count):
        clinic.lamp(f"U{number}", on(1, "08:10", 21))
    return clinic


def test_twenty_charges_in_half_an_hour_with_no_lamp_on_near_and_none_to_spare_are_a_lead():
    lead = the_lead(morning(5), "burst", *crowd())
    assert (lead.treatments, lead.capacity, len(lead.lines), lead.amount_fen) == (20, 5, 20, 24000)
    assert "12:00-12:19" in lead.zh and "60 min" in lead.en
    assert len(lead.witness) == 20


def test_charging_a_mornings_treatments_together_at_noon_is_none():
    assert leads_of(morning(20), "burst", *crowd()) == []


def test_nor_is_it_with_a_lamp_on_within_the_hour_before():
    clinic = morning(5).lamp("U9", on(1, "10:50", 21))
    assert leads_of(clinic, "burst", *crowd()) == []


def test_nor_is_it_where_somebody_was_not_watched_near():
    clinic = morning(5).lamp("U9", watched=[(at("08:00"), at("12:30")), (at("12:40"), at("20:00"))])
    assert leads_of(clinic, "burst", *crowd()) == []


def test_nineteen_are_too_few_and_so_are_twenty_over_a_longer_time():
    assert leads_of(morning(1), "burst", *crowd(count=19)) == []
    assert leads_of(morning(1), "burst", *crowd(every_s=96)) == []


def test_what_a_lamp_burns_beyond_three_areas_is_no_room_for_a_burst():
    clinic = Clinic().lamp("U1", on(1, "08:00", 180))
    lead = the_lead(clinic, "burst", *crowd(start=13 * 60))
    assert lead.capacity == 3


def test_two_bursts_of_a_day_are_two_leads():
    lines = [*crowd(), *(bill("x" + each.line, "16:00") for each in crowd())]
    assert len(leads_of(morning(1), "burst", *lines)) == 2


def test_items_that_no_device_shows_have_no_burst():
    assert leads_of(morning(1), "burst", *crowd(item=16)) == []


# --- clockwork --------------------------------------------------------------------------------------------------


def daily(*starts: str, minutes: float = 60):
    sessions = [on(day + 1, start, minutes, day=day) for day, start in enumerate(starts)]
    return Clinic().lamp("U1", *sessions, days=len(starts))


def test_a_lamp_that_goes_on_at_the_same_second_on_five_days_is_a_lead():
    clinic = daily("12:00:01", "12:00:04", "12:00:00", "12:00:06", "12:00:03")
    lead = the_lead(clinic, "clockwork", last=4)
    assert (len(lead.supplies), lead.capacity) == (5, 15)
    assert "5 days" in lead.en and "12:00:01" in lead.zh and "60" in lead.en


def test_people_are_not_exact_to_the_second():
    clinic = daily("12:00:01", "12:01:04", "11:59:00", "12:00:36", "12:00:13")
    assert leads_of(clinic, "clockwork", last=4) == []


def test_a_lamps_own_timer_makes_equal_lengths_but_not_equal_times():
    clinic = daily("08:10:00", "08:25:30", "08:14:11", "08:31:02", "08:05:59", minutes=20)
    assert leads_of(clinic, "clockwork", last=4) == []


def test_the_same_time_with_other_lengths_is_none_nor_are_four_days():
    sessions = [on(day + 1, "12:00:00", 20 + 5 * day, day=day) for day in range(5)]
    assert leads_of(Clinic().lamp("U1", *sessions, days=5), "clockwork", last=4) == []
    assert leads_of(daily(*["12:00:00"] * 4), "clockwork", last=3) == []


def test_a_time_switch_is_one_lead_among_a_devices_other_sessions():
    noise = [on(100 + day, f"{9 + day}:17:11", 21, day=day) for day in range(6)]
    sessions = [on(day + 1, "07:30:02", 45, day=day) for day in range(6)]
    clinic = Clinic().lamp("U1", *sessions, *noise, days=6)
    assert len(the_lead(clinic, "clockwork", last=5).supplies) == 6


# --- dark -------------------------------------------------------------------------------------------------------

GAP = [(at("08:00"), at("12:00")), (at("12:30"), at("20:00"))]


def test_a_gap_that_is_needed_to_explain_what_was_charged_meanwhile_is_a_lead():
    clinic = Clinic().lamp("U1", on(1, "09:00", 21), watched=GAP)
    lead = the_lead(clinic, "dark", bill("a", "12:10"), bill("b", "14:00"))
    assert (lead.treatments, lead.lines, lead.amount_fen) == (1, ("a", "b"), 1200)
    assert lead.dark == (("U1", at("12:00"), at("12:30")),)
    assert "30 min" in lead.en and "12:00-12:30" in lead.zh and "1" in lead.en


def test_a_breakdown_on_a_day_whose_treatments_all_have_their_time_is_none():
    clinic = Clinic().lamp("U1", on(1, "09:00", 21), on(2, "10:00", 21), watched=GAP)
    assert leads_of(clinic, "dark", bill("a", "12:10"), bill("b", "14:00")) == []


def test_unless_far_more_was_charged_meanwhile_than_in_all_the_rest_of_the_day():
    sessions = [on(us, f"{7 + us}:10" if us > 2 else f"0{7 + us}:10", 45) for us in range(1, 5)]
    clinic = Clinic().lamp("U1", *sessions, watched=GAP)
    lines = [bill(str(number), f"12:{number + 5:02d}") for number in range(6)]
    assert the_lead(clinic, "dark", *lines).treatments == 6
    spread = [bill(str(number), f"{9 + number}:05") for number in range(6)]
    assert leads_of(clinic, "dark", *spread) == []


def test_a_device_that_is_known_to_be_blind_is_not_unwatched_just_then():
    clinic = Clinic().device("box", load="stim", blind=True)
    assert leads_of(clinic, "dark", bill("a", item=STIM)) == []
    with_unit = Clinic().lamp("S1", load="stim", blind=True)
    assert leads_of(with_unit, "dark", bill("a", item=STIM)) == []


def test_a_gap_in_which_nothing_was_charged_is_none():
    clinic = Clinic().lamp("U1", on(1, "09:00", 21), watched=GAP, days=1)
    assert open_hours()[0] < at("12:00")
    assert leads_of(clinic, "dark", bill("a", "09:00"), bill("b", "14:00")) == []
