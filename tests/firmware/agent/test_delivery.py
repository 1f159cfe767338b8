"""What is sent when, and what an acknowledgement does."""

from __future__ import annotations

from firmware.agent.events import Acked, AckHeard, CaseOpened, Emit, Forgotten, Unlinked
from tests.firmware.agent.rig import Rig


def talkative(seconds: int = 995, **habits: int) -> Rig:
    """A unit that said one record about every ten seconds, unlinked."""
    return Rig(None, alive_s=10, **habits).boot().watch(2, seconds)


def test_nothing_is_sent_without_a_link():
    assert talkative().sends == []


def test_with_a_link_what_was_kept_is_sent_from_the_beginning_in_batches():
    rig = talkative().link()
    assert rig.sends == [(1, 50), (51, 100)]


def test_what_is_said_later_is_sent_at_once():
    rig = Rig().boot().link().watch(250, 10)
    assert rig.sends == [(1, 1), (2, 2)]


def test_no_more_than_the_window_is_on_its_way():
    rig = talkative(5000).link()
    assert rig.sends == [(1, 50), (51, 100), (101, 150), (151, 200)]
    rig.sends.clear()
    assert rig.ack(120).sends == [(201, 250), (251, 300), (301, 320)]
    assert rig.acked == [120]


def test_without_an_acknowledgement_it_is_sent_again_after_a_while_and_ever_more_rarely():
    rig = Rig().boot().link().watch(2, 500)
    assert rig.sends == [(1, 1)] * 5  # after 30, 60, 120 and 240 s
    rig.watch(2, 1000)
    assert rig.sends.count((1, 1)) == 5 and len(rig.sends) <= 11


def test_a_progress_makes_the_unit_patient_again():
    rig = Rig().boot().link().watch(2, 500).ack(1)
    rig.sends.clear()
    rig.watch(250, 4).watch(250, 100)
    assert rig.sends == [(2, 2), (2, 2), (2, 2)]  # at once, after 30 and 60 s


def test_after_a_reconnection_sending_starts_from_the_acknowledged_head():
    rig = talkative().link().ack(70)
    rig.feed(Unlinked(rig.mono_ms))
    rig.sends.clear()
    assert rig.watch(2, 40).sends == []
    rig.link()
    assert rig.sends == [(71, rig.records[-1].us)]


def test_what_is_acknowledged_is_not_sent_after_a_boot():
    rig = talkative().link().ack(70).cut(5).boot()
    rig.sends.clear()
    assert rig.link().sends[0][0] == 71


def test_an_acknowledgement_of_nothing_is_no_contradiction():
    rig = Rig().boot().link().ack(0)
    assert rig.kinds() == ["BOOT"] and rig.sends == [(1, 1)]


def test_a_lower_acknowledgement_restarts_the_sending():
    rig = talkative(900).link().ack(80)
    rig.sends.clear()
    rig.ack(30)
    assert rig.sends == [(31, 80), (81, rig.records[-1].us)]
    assert rig.ack(0).sends[2:] == [(1, 50), (51, rig.records[-1].us)]
    assert "ACK_MISMATCH" not in rig.kinds()


def test_a_lower_acknowledgement_gets_what_is_still_kept():
    rig = talkative(900).link().ack(80)
    rig.feed(Forgotten(rig.mono_ms, 61)).sends.clear()
    rig.ack(30)
    assert rig.sends == [(61, rig.records[-1].us)]


def test_an_acknowledgement_of_another_record_is_a_fault_said_once():
    rig = Rig().boot().link()
    for _ in range(5):
        rig.ack(1, "ab" * 32)
    assert rig.kinds() == ["BOOT", "ACK_MISMATCH"]
    assert rig.acked == []


def test_an_acknowledgement_of_a_record_that_was_never_said_is_a_fault():
    assert Rig().boot().link().ack(99, "ab" * 32).kinds() == ["BOOT", "ACK_MISMATCH"]


def test_an_acknowledgement_of_a_record_that_is_not_durable_yet_is_a_fault():
    rig = Rig().boot().link()
    assert rig.agent is not None
    rig.agent.feed(CaseOpened(rig.mono_ms))  # its record is said, and not kept
    does = rig.agent.feed(AckHeard(rig.mono_ms, 2, "ab" * 32, None))
    assert not [each for each in does if isinstance(each, Acked)]
    assert [each for each in does if isinstance(each, Emit) and "ACK_MISMATCH" in each.payload]


def test_an_acknowledgement_of_nothing_with_a_digest_is_a_fault():
    assert Rig().boot().link().ack(0, "ab" * 32).kinds() == ["BOOT", "ACK_MISMATCH"]


def test_contradictions_are_told_once_each_and_make_no_storm():
    rig = Rig().boot().link()
    for turn in range(300):
        rig.ack(1, f"{turn % 100:064x}")
        rig.ack(1 + turn % 2)
    assert rig.kinds().count("ACK_MISMATCH") == 8 and rig.acked
    rig.wait(86_400).ack(1, "ab" * 32)
    assert rig.kinds().count("ACK_MISMATCH") == 9


def test_an_acknowledgement_of_a_forgotten_record_is_believed():
    rig = talkative(300).link().ack(20)
    rig.feed(Forgotten(rig.mono_ms, 21))
    rig.feed(AckHeard(rig.mono_ms, 5, rig.records[4].digest, None))
    assert "ACK_MISMATCH" not in rig.kinds()
