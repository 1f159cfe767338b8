"""What a unit's chain attests, told as stories of its records; and, with the real agent in a world of known truth, that
nothing counts as watched which was not, and nothing that was on is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.agent import events
from gateway.audit.coverage import TELLING, UNREAD, Attested, attest
from gateway.audit.spans import Span, intersect, subtract, union
from protocol.record import Record
from tests.audit.scribe import Scribe, at, seconds
from tests.firmware.agent.rig import Rig

pytestmark = pytest.mark.pure


def watched(*chain: Record, **more) -> list[tuple[float, float]]:
    return seconds(attest(chain, **more).watched)


def sessions(*chain: Record, **more) -> list[tuple[float, float, str]]:
    return [
        ((each.start_ms - at(0)) / 1000, (each.end_ms - at(0)) / 1000, each.end_code)
        for each in attest(chain, **more).sessions
    ]


# --- what lies between two records --------------------------------------------------------------------------------


def test_a_unit_watched_from_record_to_record_of_one_boot():
    assert watched(*Scribe().boot().alive(600).alive(600).records) == [(0, 1200)]


def test_before_its_first_record_and_after_its_last_nothing_is_watched():
    told = Scribe().wait(50).boot().alive(100).records
    assert watched(*told) == [(50, 150)]
    assert watched() == []


def test_eleven_minutes_without_a_record_are_watched_and_a_millisecond_more_is_not():
    assert watched(*Scribe().boot().alive(660).records) == [(0, 660)]
    assert watched(*Scribe().boot().alive(660.001).alive(10).records) == [(660.001, 670.001)]


def test_a_missing_record_leaves_a_hole_on_both_sides_of_it():
    told = (
        Scribe().boot().alive(60).alive(60).alive(60).say("TAG", UT=["ab" * 32]).open().wait(600).session(600)
    )
    assert watched(*told.without(3)) == [(0, 60), (180, 780)]


def test_gaps_of_the_readings_are_not_watched():
    told = Scribe().boot().alive(600).wait(400).gap(300).alive(100).records
    assert watched(*told) == [(0, 700), (1000, 1100)]


def test_a_gap_that_an_unsynchronised_clock_tells_is_placed_by_the_clock_that_follows():
    told = Scribe("I")
    told.off_s = -5000
    told.boot().alive(600).wait(400).gap(300).clock(5000).alive(100)
    assert watched(*told.records) == [(0, 700), (1000, 1100)]


# --- from boot to boot --------------------------------------------------------------------------------------------


def test_a_boot_is_watched_up_to_the_instant_that_the_next_one_proves():
    told = Scribe().boot().alive(600).wait(1000).boot(alive_s=650).alive(100).records
    assert watched(*told) == [(0, 650), (1600, 1700)]


def test_without_proof_a_boot_is_watched_up_to_its_last_record():
    told = Scribe().boot().alive(600).wait(1000).boot().alive(100).records
    assert watched(*told) == [(0, 600), (1600, 1700)]


def test_a_proof_long_after_the_last_record_contradicts_the_heartbeat_and_proves_nothing():
    told = Scribe().boot().alive(600).wait(5000).boot(alive_s=3000).alive(100).records
    assert watched(*told) == [(0, 600), (5600, 5700)]


def test_a_boot_that_never_was_synchronised_is_dark_from_the_record_before_it_and_supports_nothing():
    told = Scribe().boot().alive(600).wait(100)
    told.flag = "I"
    told.boot(alive_s=640, alive_flag="S").open().wait(600).session(600).wait(60)
    told.flag = "S"
    told.boot().alive(50)
    assert watched(*told.records) == [(0, 600), (1360, 1410)]
    assert sessions(*told.records) == []


def test_a_first_boot_without_a_clock_is_placed_by_the_clock_that_comes_later():
    told = Scribe("U")
    told.off_s = -1_700_000_000
    told.boot().open().wait(600).session(600).alive(60).clock(1_700_000_000).alive(40)
    assert watched(*told.records) == [(0, 700)]
    assert sessions(*told.records) == [(0, 600, "L")]


def test_steps_add_up_where_a_clock_was_set_twice():
    told = Scribe("U")
    told.off_s = -1000
    told.boot().alive(100).clock(700, "I").alive(100).clock(300).alive(100)
    assert watched(*told.records) == [(0, 300)]


def test_an_informative_clock_that_is_confirmed_without_a_step_was_right():
    told = Scribe("I").boot().open().wait(600).session(600)
    told.flag = "S"
    told.alive(60)
    assert watched(*told.records) == [(0, 660)]
    assert sessions(*told.records) == [(0, 600, "L")]


def test_a_clock_that_was_good_and_heard_nothing_for_long_still_tells_the_time():
    told = Scribe().boot().alive(600)
    told.flag = "I"
    told.open().wait(600).session(600).alive(60)
    told.wait(40).flag = "S"
    told.boot(alive_s=1290, alive_flag="I").alive(10)
    assert sessions(*told.records) == [(600, 1200, "L")]
    assert watched(*told.records) == [(0, 1290), (1300, 1310)]


# --- a silent meter -----------------------------------------------------------------------------------------------


def test_a_silent_meter_that_comes_back_is_dark_only_in_its_gap():
    told = Scribe().boot().alive(500).wait(120).silent().alive(300).wait(80).gap(500).alive(100).records
    assert watched(*told) == [(0, 500), (1000, 1100)]


def test_a_boot_is_watched_after_its_gap_to_its_end_also_where_the_gap_was_its_last_word():
    told = Scribe().boot().wait(120).silent().wait(12).gap(132).wait(300).boot(alive_s=400).records
    assert watched(*told) == [(132, 400)]


def test_a_meter_that_never_came_back_is_dark_from_its_last_reading_to_the_end_of_its_boot():
    told = Scribe().boot().open().wait(600).session(600).alive(300).wait(60).silent().alive(600)
    assert watched(*told.records) == [(0, 600)]
    told.wait(500).boot(alive_s=1600).alive(100)
    assert watched(*told.records) == [(0, 600), (2060, 2160)]


def test_what_a_session_told_before_the_silence_stays_watched():
    told = Scribe().boot().open().wait(620).session(500, "A", ago_s=120).silent().alive(600).records
    assert watched(*told) == [(0, 500)]


def test_full_storage_is_silence_until_its_gap():
    told = Scribe().boot().open().wait(30).session(30).say("FAULT", UR="STORAGE").alive(600)
    assert watched(*told.records) == [(0, 30)]
    assert watched(*told.wait(10).gap(610).alive(5).records) == [(0, 30), (640, 645)]


def test_other_faults_do_not_darken_anything():
    told = Scribe().boot().alive(100).say("FAULT", UR="CASE_OPEN").say("FAULT", UR="ACK_MISMATCH").alive(100)
    assert watched(*told.records) == [(0, 200)]


# --- sessions -----------------------------------------------------------------------------------------------------


def test_a_session_that_a_power_failure_ended_is_told_by_the_next_boot():
    told = Scribe().boot().open().wait(900).boot(alive_s=620).session(600, "P", ago_s=300).alive(100).records
    assert sessions(*told) == [(0, 600, "P")]
    assert watched(*told) == [(0, 620), (900, 1000)]


def test_it_keeps_its_place_when_the_next_boot_does_not_know_the_time():
    told = Scribe().boot().open().wait(900)
    boot = told.boot(alive_s=620, alive_flag="S")
    boot.session(600, "P", ago_s=300)
    boot.flag, boot.off_s = "I", -500
    assert sessions(*boot.alive(100).records) == [(0, 600, "P")]


def test_one_from_a_boot_that_never_knew_the_time_supports_nothing_whatever_the_next_one_knows():
    told = Scribe("U")
    told.boot().open().wait(900)
    told.flag = "S"
    told.boot(alive_s=620, alive_flag="U")
    told.flag = "U"
    told.session(600, "P", ago_s=300)
    told.flag = "S"
    assert sessions(*told.alive(100).records) == []


def test_one_that_two_cuts_parted_from_its_boot_is_not_placed_by_the_wrong_one():
    told = Scribe("I")
    told.off_s = -500
    told.boot().open().wait(900)
    told.flag, told.off_s = "S", 0
    told.boot(alive_s=100, alive_flag="I").wait(5).boot(alive_s=900)
    told.flag, told.off_s = "I", -500
    told.session(600, "P", ago_s=305)
    assert sessions(*told.records) == []


def test_a_session_that_is_still_open_is_dark_from_the_record_before_it_because_nobody_knows_how_it_ends():
    told = Scribe().boot().alive(600).wait(60).open().alive(600)
    assert watched(*told.records) == [(0, 600)]
    assert watched(*told.wait(30).session(690).records) == [(0, 1290)]


def test_a_session_that_died_with_its_journal_is_dark_to_the_end_of_its_boot():
    told = Scribe().boot().alive(300).open().wait(600).boot(alive_s=500).open().wait(600).session(600).records
    assert watched(*told) == [(0, 300), (900, 1500)]


def test_the_session_after_a_lost_one_does_not_stand_for_it():
    told = Scribe().boot().alive(60).open().alive(600).alive(500).session(200).records
    assert watched(*told) == [(0, 60)]


@pytest.mark.parametrize("wrong", [{"active_s": 602}, {"backwards": True}, {"active_s": 10_000}])
def test_a_session_that_contradicts_itself_is_a_doubt_and_dark_and_supports_nothing(wrong):
    told = Scribe().boot().alive(60).open().wait(600).session(600, **wrong).alive(60).records
    found = attest(told)
    assert found.sessions == []
    assert seconds(found.watched) == [(0, 60), (660, 720)]
    assert [(each.code, each.us) for each in found.doubts] == [("malformed", 4)]


def test_a_second_more_than_its_instants_say_is_rounding():
    assert len(attest(Scribe().boot().open().wait(600).session(600, active_s=601).records).sessions) == 1


def test_what_a_shop_plug_measured_is_marked():
    told = Scribe(maker="plug").boot().open().wait(60).session(60).records
    assert [each.plug for each in attest(told).sessions] == [True]


# --- steps of the clock -------------------------------------------------------------------------------------------


def test_a_step_of_two_minutes_between_good_states_is_taken():
    told = Scribe().boot().alive(300).clock(120).alive(100)
    assert attest(told.records).doubts == []
    assert watched(*told.records) == [(0, 520)]


@pytest.mark.parametrize("step_s", [121, -121, 3600, -3600])
def test_a_larger_step_is_a_doubt_and_the_time_concerned_is_dark(step_s):
    told = (
        Scribe()
        .boot()
        .alive(300)
        .wait(5)
        .clock(step_s)
        .alive(600)
        .alive(600)
        .alive(600)
        .alive(600)
        .alive(600)
    )
    found = attest(told.records)
    assert [(each.code, each.us) for each in found.doubts] == [("clock", 3)]
    concerned = (min(300, 305 + step_s), max(305, 305 + step_s))
    assert intersect(found.watched, [(at(concerned[0]), at(concerned[1]))]) == []
    assert found.doubts[0].at_ms == at(concerned[0])


def test_instants_that_move_without_a_clock_record_are_a_doubt():
    told = Scribe().boot().alive(300)
    told.off_s = 3
    found = attest(told.alive(300).alive(300).records)
    assert [(each.code, each.us) for each in found.doubts] == [("clock", 3)]
    assert seconds(found.watched) == [(0, 300), (603, 903)]


def test_a_clock_set_right_after_a_day_without_time_is_no_doubt():
    told = Scribe().boot().alive(300)
    told.flag = "I"
    told.alive(300).alive(300).clock(5).alive(300)
    assert attest(told.records).doubts == []


# --- forks and passed gaps ----------------------------------------------------------------------------------------


def test_from_a_fork_on_nothing_is_watched_and_nothing_supports():
    told = (
        Scribe()
        .boot()
        .alive(60)
        .open()
        .wait(600)
        .session(600)
        .alive(60)
        .open()
        .wait(600)
        .session(600)
        .records
    )
    assert watched(*told, forked_us=6) == [(0, 720)]
    assert sessions(*told, forked_us=6) == [(60, 660, "L")]
    assert sessions(*told, forked_us=1) == []


def test_after_a_passed_gap_nobody_knows_whether_the_load_was_on_until_the_boot_tells():
    told = Scribe().boot().alive(60).open().alive(60).alive(60).alive(60)
    assert watched(*told.without(3)) == [(0, 60)]
    told.wait(60).session(240)
    assert watched(*told.without(3)) == [(0, 60), (120, 300)]
    assert sessions(*told.without(3)) == [(60, 300, "L")]


def test_a_session_whose_open_was_passed_counts_and_one_that_was_passed_is_dark():
    told = (
        Scribe()
        .boot()
        .alive(60)
        .open()
        .alive(100)
        .wait(100)
        .session(200)
        .alive(60)
        .open()
        .wait(90)
        .session(90)
    )
    assert sessions(*told.without(3)) == [(60, 260, "L"), (320, 410, "L")]
    assert watched(*told.without(5)) == [(0, 60), (320, 410)]


def test_where_a_chain_begins_in_the_middle_of_a_boot_nothing_is_known_until_the_boot_tells():
    told = Scribe().boot().alive(60).alive(60).alive(60)
    assert watched(*told.records[1:]) == []
    assert watched(*told.open().wait(60).session(60).records[1:]) == [(60, 240)]


# --- parts of a chain ---------------------------------------------------------------------------------------------


def test_of_a_lamp_that_burned_before_and_after_a_part_of_the_chain_the_session_beside_it_tells():
    told = Scribe().boot().open().alive().alive().alive().alive().wait(60).session(2460).records
    part, beside = told[2:5], [told[1], told[-1]]
    assert sessions(*part, beside=beside) == [(0, 2460, "L")]
    assert watched(*part, beside=beside) == [(600, 1800)]


def test_of_a_lamp_that_burns_still_nothing_is_known():
    told = Scribe().boot().open().alive().alive().alive().records
    assert watched(*told[2:], beside=[told[1]]) == []


def test_of_a_meter_silent_before_and_after_a_part_nothing_is_watched():
    told = Scribe().boot().wait(120).silent().alive().alive().alive().wait(60).gap(1980).alive().records
    assert watched(*told[2:4], beside=[told[5]]) == []
    assert watched(*told[2:4], beside=[told[1]]) == []
    assert watched(*told[2:4], beside=[told[1], told[5]]) == []


def test_a_lamp_that_was_off_before_a_part_and_goes_on_after_it_was_off_in_it():
    told = Scribe().boot().open().wait(60).session(60).alive().alive().open().wait(60).session(60).records
    assert watched(*told[3:5], beside=[told[2], told[5]]) == [(660, 1260)]


# --- the real agent in a world of known truth ---------------------------------------------------------------------


@dataclass
class Truth:
    """What really was, in milliseconds since 1970: without power, without readings, and on."""

    unpowered: list[Span] = field(default_factory=list)
    silent: list[Span] = field(default_factory=list)
    on: list[Span] = field(default_factory=list)


SILENCE_S, DEBOUNCE_S, EVERY_S = 120, 3, 10
CLOCK_MS, READING_MS = (
    2_000,
    EVERY_S * 1000,
)  # how wrong a good clock may be; what a cut may cost between readings


class World:
    """A rig whose history is written down beside it."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.truth = Truth()
        self.readings: list[tuple[int, float]] = []
        self.room = True
        self._since_s = 0

    def now_ms(self) -> int:
        return at(self.rig.now_s)

    def boot(self, clock: str) -> None:
        wrong_ms = at(self.rig.now_s) - 4_000_000
        known = {
            "right": (-1, True),
            "unset": (None, False),
            "wrong": (wrong_ms, False),
            "informed": (-1, False),
        }
        self.rig.boot(*known[clock])
        self.readings, self._since_s, self.room = [], self.rig.now_s, True

    def watch(self, watts: float, lasting_s: int) -> None:
        for _ in range(0, lasting_s, EVERY_S):
            if self.room:
                self.readings.append((self.rig.now_s, watts))
            self.rig.watch(watts, EVERY_S, EVERY_S)

    def cut(self, off_s: int) -> None:
        died_s = self.rig.now_s
        self._note(died_s)
        self.rig.cut(off_s)
        self.truth.unpowered.append((at(died_s), self.now_ms()))

    def _note(self, died_s: int) -> None:
        """What the boot that ends now did."""
        seen = [
            self._since_s,
            *(second for second, _ in self.readings),
            died_s - 1,
        ]  # the agent's tick comes after
        pauses = [(a, b) for a, b in pairwise(seen) if b - a >= SILENCE_S]
        self.truth.silent += [(at(a), at(b)) for a, b in pauses]
        ends = {a for a, _ in pauses}
        run: list[int] = []
        for second, watts in self.readings:
            if watts > 100:
                run.append(second)
            if watts < 100 or second in ends:
                self._on(run)
                run = []
        self._on(run)

    def _on(self, run: list[int]) -> None:
        if run and run[-1] - run[0] >= DEBOUNCE_S:
            self.truth.on += [(at(a), at(b)) for a, b in pairwise(run) if b - a <= EVERY_S]

    def play(self, step: tuple) -> None:
        what, *how = step
        if what == "watch":
            self.watch(*how)
        elif what == "silent":
            self.rig.wait(*how)
        elif what == "cut":
            self.cut(how[0])
            self.boot(how[1])
        elif what == "time":
            self.rig.time()
        elif what == "full" and self.room:
            self.rig.feed(events.StorageFull(self.rig.mono_ms))
            self.room = False
        elif what == "freed":
            self.rig.feed(events.StorageFreed(self.rig.mono_ms))
            self.room = True

    def records(self) -> list[Record]:
        self._note(self.rig.now_s)
        return self.rig.records


CLOCKS = st.sampled_from(["right", "unset", "wrong", "informed"])
STEPS = st.one_of(
    st.tuples(st.just("watch"), st.sampled_from([2.0, 250.0]), st.sampled_from([30, 300, 1260, 2400])),
    st.tuples(st.just("silent"), st.sampled_from([31, 101, 111, 701, 3001])),
    st.tuples(st.just("cut"), st.sampled_from([1, 60, 1500]), CLOCKS),
    st.tuples(st.just("time")),
    st.tuples(st.just("full")),
    st.tuples(st.just("freed")),
)
HISTORIES = st.tuples(CLOCKS, st.lists(STEPS, max_size=14))


def played(history: tuple) -> tuple[Truth, list[Record]]:
    world = World()
    world.boot(history[0])
    for step in history[1]:
        world.play(step)
    return world.truth, world.records()


def shrunk(spans: list[Span], by_ms: int) -> list[Span]:
    return [(start + by_ms, end - by_ms) for start, end in spans]


def assert_honest(truth: Truth, found: Attested) -> None:
    """No instant without power or readings counts as watched, and whatever was on while watched is in a session."""
    assert intersect(found.watched, shrunk(truth.unpowered, CLOCK_MS)) == []
    assert intersect(found.watched, shrunk(truth.silent, CLOCK_MS)) == []
    seen = [(each.start_ms - CLOCK_MS, each.end_ms + CLOCK_MS + READING_MS) for each in found.sessions]
    assert subtract(intersect(truth.on, shrunk(found.watched, CLOCK_MS)), seen) == []


def told_late(truth: Truth) -> Truth:
    """A unit says that its meter is silent when that has lasted: what was said before cannot know it."""
    silent = [(start + SILENCE_S * 1000, end) for start, end in truth.silent]
    return Truth(truth.unpowered, silent, truth.on)


@given(HISTORIES)
@settings(max_examples=200)
def test_watched_never_holds_an_instant_without_power_or_readings_and_no_session_is_lost(history):
    truth, chain = played(history)
    assert_honest(truth, attest(chain))


@given(HISTORIES, st.data())
@settings(max_examples=200)
def test_nor_when_records_are_missing_and_a_person_passed_the_gap(history, data):
    truth, chain = played(history)
    first = data.draw(st.integers(0, len(chain)))
    last = data.draw(st.integers(first, min(len(chain), first + 4)))
    assert_honest(told_late(truth), attest([*chain[:first], *chain[last:]]))


@given(HISTORIES, st.data())
@settings(max_examples=200)
def test_nor_when_only_a_part_of_the_chain_and_what_tells_beside_it_is_read(history, data):
    truth, chain = played(history)
    first = data.draw(st.integers(0, len(chain)))
    last = data.draw(st.integers(first, len(chain)))
    before = [each for each in chain[:first] if tells(each) or each.kind == "BOOT"][-1:]
    after = [each for each in chain[last:] if each.kind in TELLING][:1]
    assert_honest(told_late(truth), attest(chain[first:last], beside=[*before, *after]))


def tells(record: Record) -> bool:
    return record.kind in TELLING or (record.kind == "FAULT" and record.cause in UNREAD)


def not_known_since(chain: list[Record]) -> int:
    opened = [each for each in chain if each.kind in ("OPEN", "SESSION")][-1:]
    still_on = [each.at_ms for each in opened if each.kind == "OPEN"]
    return min([chain[-1].at_ms, *still_on]) - 660_000


@given(HISTORIES)
@settings(max_examples=100)
def test_a_unit_that_always_knows_the_time_is_watched_whenever_it_read_but_for_a_minute_at_each_cut(history):
    steps = [
        (step[0], step[1], "right") if step[0] == "cut" else step for step in history[1] if step[0] != "full"
    ]
    truth, chain = played(("right", steps))
    found = attest(chain)
    last_ms = chain[-1].at_ms
    known = [(at(0), last_ms)]
    minutes = [(start - 61_000 - READING_MS, start) for start, _ in truth.unpowered]
    open_ = [(not_known_since(chain), last_ms)]  # what is still on, or silent, is not known yet
    away = [*truth.unpowered, *truth.silent, *minutes, *open_]
    back = [(start - 600_000, end) for start, end in truth.silent]  # a silence that no GAP ended
    assert subtract(known, [*away, *back, *found.watched]) == []
    assert union(found.watched) == found.watched
