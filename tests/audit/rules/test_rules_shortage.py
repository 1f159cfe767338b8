"""device_idle and short: what device time could not serve, and what an honest clinic does that looks alike."""

from __future__ import annotations

from tests.audit.clinic import ACUPUNCTURE, STIM, TDP, Clinic, at, on
from tests.audit.rules.asked import bill, entry, leads_of, the_lead

# --- device_idle ------------------------------------------------------------------------------------------------


def test_a_class_that_was_charged_while_none_of_its_watched_devices_ran_is_a_lead():
    clinic = Clinic().lamp("U1").lamp("U2")
    lead = the_lead(clinic, "device_idle", bill("a"), bill("b", count=2))
    assert (lead.item, lead.treatments, lead.lines, lead.amount_fen) == (TDP, 3, ("a", "b"), 3600)
    assert "2 devices" in lead.en and "36.00" in lead.zh
    assert [row["device"] for row in lead.witness] == ["U1", "U2"]


def test_one_session_of_a_minute_on_one_of_them_and_it_is_not_idle():
    clinic = Clinic().lamp("U1").lamp("U2", on(1, "15:00", 1))
    assert leads_of(clinic, "device_idle", bill("a")) == []


def test_nor_is_it_where_one_of_them_was_not_watched_for_a_while():
    clinic = Clinic().lamp("U1").lamp("U2", watched=[(at("08:00"), at("19:59"))])
    assert leads_of(clinic, "device_idle", bill("a")) == []


def test_nor_on_the_first_day_of_a_course_that_runs_over_days_on_which_it_ran():
    clinic = Clinic().lamp("U1", on(1, "09:00", 21, day=1), days=3)
    lines = [bill("a", count=2)]
    assert leads_of(clinic, "device_idle", *lines, last=2, valid_days=3) == []


def test_the_same_idle_day_keeps_its_name_whatever_was_charged():
    clinic = Clinic().lamp("U1")
    one, two = (the_lead(clinic, "device_idle", *lines) for lines in ([bill("a")], [bill("b"), bill("c")]))
    assert one.name == two.name


def test_other_classes_are_judged_by_themselves():
    clinic = Clinic().lamp("U1", on(1, "09:00", 21)).lamp("S1", load="stim")
    lead = the_lead(clinic, "device_idle", bill("a"), bill("b", item=STIM))
    assert (lead.item, lead.lines) == (STIM, ("b",))


# --- short ------------------------------------------------------------------------------------------------------


def test_a_set_of_one_names_room_and_staff():
    clinic = Clinic().lamp("U1", on(1, "09:00", 12))
    lead = the_lead(clinic, "short", bill("a", staff="D07", room="R3"))
    assert "R3 D07" in lead.zh and "R3 D07" in lead.en
    row = {"record": "U1:1", "active_s": 720, "together_s": 720, "among": 1, "room": "R3", "staff": "D07"}
    assert lead.witness == (row,) and "beside" not in lead.en


def test_a_treatment_in_two_parts_on_one_lamp_says_that_together_they_are_enough():
    parts = on(1, "09:00", 10), on(2, "09:13", 10.5), on(3, "09:25", 21)
    lead = the_lead(Clinic().lamp("U1", *parts), "short", bill("a"), bill("b"))
    assert [row["together_s"] for row in lead.witness] == [1230]
    assert "of 1 the same device has other short sessions beside" in lead.en and "合起来够一次" in lead.zh


def test_parts_far_apart_or_a_whole_session_beside_say_nothing():
    far = Clinic().lamp("U1", on(1, "09:00", 10), on(2, "09:21", 10))
    whole = Clinic().lamp("U1", on(1, "09:00", 10), on(2, "09:12", 21))
    for clinic, lines in ((far, [bill("a")]), (whole, [bill("a"), bill("b")])):
        lead = the_lead(clinic, "short", *lines)
        assert [row["together_s"] for row in lead.witness] == [600] and "beside" not in lead.en


def test_a_larger_set_names_no_staff_and_only_the_room_that_all_of_it_share():
    clinic = Clinic().lamp("U1", on(1, "09:00", 12), on(2, "10:00", 21))
    here = [bill("a", staff="D07"), bill("b", staff="D08")]
    lead = the_lead(clinic, "short", *here)
    assert lead.lines == ("a", "b") and "D0" not in lead.zh + lead.en and "R1" in lead.en
    elsewhere = the_lead(clinic, "short", here[0], bill("b", room="R2"))
    assert "R1" not in elsewhere.en and "R2" not in elsewhere.en


def test_rooms_are_told_apart_where_the_sets_are():
    clinic = Clinic().lamp("U1", on(1, "09:00", 12), on(2, "15:00", 13))
    lines = [
        bill("a", performed_ms=at("09:00"), room="R1"),
        bill("b", performed_ms=at("15:00"), room="R2"),
    ]
    found = leads_of(clinic, "short", *lines)
    assert sorted((lead.lines, "R1" in lead.en, "R2" in lead.en) for lead in found) == [
        (("a",), True, False),
        (("b",), False, True),
    ]


# --- what no meter sees -----------------------------------------------------------------------------------------


def test_of_items_that_people_record_it_is_recorded_time_that_is_spoken_of():
    lines = [bill("a", item=ACUPUNCTURE, visit="V1"), bill("b", item=ACUPUNCTURE, visit="V1")]
    clinic, told = Clinic(), [entry(1, lines[0], "10:00", 25), entry(2, lines[1], "11:00", 12)]
    lead = the_lead(clinic, "capacity", *lines, entries=told)
    assert "all recorded time that 2 treatments" in lead.en and "没有人工登记的时间" in lead.zh
    assert "设备" not in lead.zh and "unwatched" not in lead.en
    assert "shorter recorded time (720 s" in the_lead(clinic, "short", *lines, entries=told).en


# --- capacity ---------------------------------------------------------------------------------------------------


def test_the_witness_of_capacity_is_all_that_a_pencil_needs():
    watched = [(at("08:00"), at("15:00")), (at("15:20"), at("20:00"))]
    clinic = Clinic().lamp("U1", on(1, "09:00", 45), on(2, "11:00", 5), stations=2, watched=watched)
    lead = the_lead(clinic, "capacity", *(bill(name) for name in "abcdefgh"))
    assert lead.parameters == {"required_s": 1140}
    assert [(row["active_s"], row["dark_s"], row["stations"], row["carries"]) for row in lead.witness] == [
        (2700, 0, 2, 4),
        (0, 1200, 2, 2),
    ]
    assert sum(row["carries"] for row in lead.witness) == lead.capacity == 6  # type: ignore[misc]
