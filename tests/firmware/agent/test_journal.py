"""What can be read again of a journal after any accident."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware.agent import journal, memory
from protocol.record import Record
from tests.firmware.agent.rig import Rig


def kept() -> tuple[bytes, list[Record]]:
    rig = Rig().boot().watch(250, 100).watch(2, 80).link().ack(2).watch(250, 70)
    return rig.journal, rig.records


JOURNAL, RECORDS = kept()
DIGESTS = {each.us: each.digest for each in RECORDS} | {0: "0" * 64}


def last_whole(text: bytes) -> int:
    """The last record of which a whole line is left."""
    recovery = journal.Recovery()
    return max((us for us, _, _ in recovery.read(text)), default=0)


def test_a_whole_journal_gives_back_every_record_and_what_the_agent_knew():
    recovery = journal.Recovery()
    lines = [(us, line) for us, _, line in recovery.read(JOURNAL)]
    assert lines == [(each.us, f"OCMF|{each.payload}|seal") for each in RECORDS]
    woken = recovery.memory
    assert (woken.us, woken.digest, woken.acked, woken.first) == (len(RECORDS), RECORDS[-1].digest, 2, 1)
    assert woken.session is not None and recovery.lost == 0


def test_an_empty_journal_is_that_of_a_new_unit():
    woken = journal.recover([])
    assert (woken.us, woken.first, woken.acked, woken.alive, woken.digest) == (0, 1, 0, None, "0" * 64)


def test_cut_at_any_byte_the_good_part_is_used():
    for cut in range(len(JOURNAL) + 1):
        woken = journal.recover([JOURNAL[:cut]])
        assert woken.us >= last_whole(JOURNAL[:cut])
        assert woken.digest == DIGESTS[woken.us]


def test_a_journal_that_was_torn_and_written_on_is_read_to_its_end():
    for cut in range(0, len(JOURNAL), 17):
        torn = JOURNAL[:cut]
        mended = torn if torn.endswith(b"\n") or not torn else torn + b"\n"
        before = journal.recover([torn])
        after = journal.recover([mended + journal.acknowledged(77)])
        assert (after.us, after.digest) == (before.us, before.digest)


def test_one_damaged_byte_anywhere_never_lets_a_number_be_given_again():
    for place in range(len(JOURNAL)):
        for damage in (0x01, 0x80, JOURNAL[place] ^ 0x0A):
            broken = bytearray(JOURNAL)
            broken[place] ^= damage
            woken = journal.recover([bytes(broken)])
            assert woken.us == len(RECORDS), (place, damage)
            assert woken.digest == RECORDS[-1].digest


@given(st.binary(max_size=300), st.integers(0, len(JOURNAL)))
def test_whatever_a_failing_disk_leaves_behind_is_passed_over(rubbish, cut):
    woken = journal.recover([JOURNAL[:cut], rubbish])
    assert woken.us == journal.recover([JOURNAL[:cut]]).us


def test_what_was_passed_over_is_counted():
    recovery = journal.Recovery()
    list(recovery.read(JOURNAL[:-10]))
    assert 100 < recovery.lost < 400


def test_segments_are_read_as_one_journal_and_may_lack_their_beginning():
    half = JOURNAL.index(b"\n", len(JOURNAL) // 2) + 1
    whole, split = journal.recover([JOURNAL]), journal.recover([JOURNAL[:half], JOURNAL[half:]])
    assert vars_of(whole) == vars_of(split)
    late = journal.recover([JOURNAL[half:]])
    assert late.us == whole.us and late.first > 1 and late.acked == late.first - 1


def test_a_lower_acknowledgement_is_remembered():
    woken = journal.recover([JOURNAL, journal.acknowledged(4), journal.acknowledged(1)])
    assert woken.acked == 1


def test_a_memory_is_read_as_it_was_written():
    known = memory.Memory()
    known.us, known.t, known.f, known.energy = 7, 2, 5, 123_456_789_012_345
    known.alive, known.checkpoint = (1_772_409_600_000, "S"), "12:0123456789abcdef"
    known.session = memory.OpenSession("I", 1, 2, 3, 4, 5, (6, 7, 8), 9, ["a" * 64, "b" * 64])
    text = memory.write(known)
    assert " " not in text and "\n" not in text
    read = memory.read(text)
    assert read.session is not None
    assert vars(read.session) == vars(known.session)
    assert memory.write(read) == text


def vars_of(woken: memory.Memory) -> dict:
    session = woken.session
    return vars(woken) | {"session": None if session is None else vars(session)}
