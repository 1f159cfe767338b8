"""Records and memories as octets: what goes in comes out, byte for byte, or is kept as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.agent import compact, memory, octets, pages
from protocol import payload, record, seal
from protocol.p256 import N
from tests.firmware.agent.rig import Rig
from tests.support.both import on_both
from tests.support.tools import CHECKOUT

EXAMPLES = [
    line
    for line in (CHECKOUT / "protocol" / "FORMAT.md").read_text("utf-8").splitlines()
    if line.startswith("OCMF|")
]
WHO = record.Identity("U1", "0.1.0", "bench", "脚本", "2", "1")
HEX = "0123456789abcdef"

instants = st.tuples(st.integers(0, 4_102_444_800_000), st.sampled_from("SIU"))
tags = st.lists(st.text(HEX, min_size=64, max_size=64), max_size=16)
checkpoints = st.none() | st.builds(
    "{}:{}".format, st.text("0123456789", min_size=1, max_size=16), st.text(HEX, min_size=16, max_size=16)
)
halves = st.integers(1, N // 2)
counts = st.integers(0, 2**53 - 1)


def sealed(text: str, r: int = 5, s: int = 7) -> str:
    return seal.join(text, r, s)


def page_of(line: str, us: int, up: str) -> compact.Page:
    frame = compact.frame_of(line)
    assert frame is not None
    identity, boot = frame
    return compact.Page(identity, boot, us - 1, up)


@st.composite
def lines(draw: st.DrawFn, odd: bool) -> tuple[int, str, str]:
    """(number, UP, line) of any record that our agent could say; where `odd`, of some that it could not."""
    kind = draw(st.sampled_from(("BOOT", "ALIVE", "OPEN", "SESSION", "GAP", "FAULT", "CLOCK", "TAG")))
    us, up = draw(st.integers(1, 2**32 - 1)), draw(st.text(HEX, min_size=64, max_size=64))
    fields = {"UB": draw(st.text(HEX, min_size=16, max_size=16)), "US": us, "UP": up, "UM": draw(counts)}
    checkpoint = draw(checkpoints)
    if checkpoint is not None:
        fields["UC"] = checkpoint
    (at_ms, flag), (end_ms, end_flag) = draw(instants), draw(instants)
    readings = [payload.Reading(at_ms, flag, None if kind == "FAULT" else draw(counts))]
    if kind == "SESSION":
        end = draw(st.sampled_from("LPA"))
        readings = [
            payload.Reading(at_ms, flag, draw(counts), "B"),
            payload.Reading(end_ms, end_flag, draw(counts), end),
        ]
        fields.update(UA=draw(counts), UW=draw(st.lists(counts, min_size=3, max_size=3)), UI=draw(counts))
    if kind in ("SESSION", "TAG"):
        fields["UT"] = draw(tags if odd else tags.filter(bool))
    if kind in ("BOOT", "FAULT"):
        fields["UR"] = draw(st.text(max_size=20) if odd else st.text("AZ_", min_size=1, max_size=20))
    if kind == "CLOCK":
        fields["UR"] = draw(st.integers(-(2**53) + 1, 2**53 - 1))
    if kind == "GAP":
        fields["UG"] = [payload.instant(at_ms, flag), payload.instant(end_ms, end_flag)]
    if kind == "BOOT" and draw(st.booleans()):
        fields["UL"] = payload.instant(end_ms, end_flag)
    text = payload.render(WHO, kind, draw(st.integers(1, 10**9)), readings, fields)
    return us, up, sealed(text, draw(halves), draw(halves))


@given(lines(odd=True))
def test_what_is_packed_comes_back_byte_for_byte(drawn):
    us, up, line = drawn
    raw = page_of(line, us, up).pack(line)
    if raw is not None:
        assert page_of(line, us, up).unpack(octets.Octets(raw)).line == line


@given(lines(odd=False))
def test_whatever_our_agent_says_is_packed(drawn):
    us, up, line = drawn
    assert page_of(line, us, up).pack(line) is not None


def test_the_example_day_takes_a_seventh_of_its_length():
    page, packed = None, []
    for us, line in enumerate(EXAMPLES, 1):
        said = record.parse(seal.split(line)[0])
        frame = compact.frame_of(line)
        if frame is None or said.us != us:
            break
        if page is None or (page.identity, page.boot) != frame:
            page = page_of(line, us, said.up)
        packed.append(page.pack(line))
    assert len(packed) == 14 and all(packed)
    assert sum(map(len, packed)) * 13 < sum(map(len, EXAMPLES[:14])) * 2


def test_a_line_of_another_form_is_kept_as_it_is():
    rig = Rig().boot()
    line = f"OCMF|{rig.records[0].payload}|seal"
    writer = pages.Writer(None)
    known = memory.Memory()
    known.us, known.alive = 1, (5, "S")
    raw = writer.begin(line) + writer.add((0, "0" * 64), line, known)
    assert [(kept.us, kept.line) for kept in pages.read(entries(raw))] == [(1, line)]


def test_a_day_of_records_is_read_again_from_any_segment_with_what_the_agent_knew():
    rig = Rig(stations=2).boot().watch(250, 100)
    rig.time(checkpoint="17:0123456789abcdef").time(off_ms=5000, checkpoint="007:0123456789abcdef")
    rig.watch(250, 700).watch(2, 80).cut(10).boot().watch(2, 70)
    writer, raw, before = pages.Writer(None), b"", (0, "0" * 64)
    for each in rig.records:
        line, known = sealed(each.payload, each.us, 3), memory.Memory()
        known.us, known.digest, known.alive = each.us, each.digest, (each.at_ms, "S")
        raw += (writer.begin(line) if each.us == 1 else b"") + writer.add(before, line, known)
        before = (each.us, each.digest)
    read = list(pages.read(entries(raw)))
    assert [each.line for each in read] == [sealed(each.payload, each.us, 3) for each in rig.records]
    known = read[0].told
    for kept in read[1:]:
        known = kept.follow(known)
    counts = [each.pagination for each in rig.records]
    assert (known.us, known.digest) == (len(rig.records), rig.records[-1].digest)
    assert f"F{known.f}" in counts and f"T{known.t}" in counts and known.energy > 0
    assert known.checkpoint == "007:0123456789abcdef"


def test_a_record_that_a_newer_program_would_say_differently_is_not_read(monkeypatch: pytest.MonkeyPatch):
    rig = Rig().boot()
    line, known = sealed(rig.records[0].payload), memory.Memory()
    known.us, known.digest, known.alive = 1, rig.records[0].digest, (5, "S")
    writer = pages.Writer(None)
    raw = writer.begin(line) + writer.add((0, "0" * 64), line, known)
    assert [kept.line for kept in pages.read(entries(raw))] == [line]
    monkeypatch.setattr(payload, "REGISTER", "01-00:01.08.01*FF")
    lost: list[int] = []
    assert list(pages.read(entries(raw), lost.append)) == [] and lost == [1]


def entries(raw: bytes):
    """(tag, body) of a segment that is sound."""
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at + 1 : at + 3], "big")
        yield raw[at : at + 1], raw[at + 3 : at + 3 + length]
        at += length + pages.OVERHEAD


@given(
    st.integers(1, 2**32 - 1),
    st.lists(counts, min_size=5, max_size=5),
    instants,
    checkpoints,
    st.none() | st.tuples(st.sampled_from("SIU"), st.lists(counts, min_size=9, max_size=9), tags),
)
def test_a_memory_comes_back_from_its_octets(us, numbers, alive, checkpoint, session):
    known = memory.Memory()
    known.us, known.alive, known.checkpoint, known.digest = us, alive, checkpoint, "ab" * 32
    known.acked, known.t, known.f, known.energy = numbers[:4]
    if session is not None:
        flag, n, listed = session
        known.session = memory.OpenSession(flag, n[0], n[1], n[2], n[3], n[4], tuple(n[5:8]), n[8], listed)
    read = memory.unpack(octets.Octets(memory.pack(known)))
    assert memory.write(read) == memory.write(known)
    assert (read.acked, read.digest) == (known.acked, known.digest)


def test_a_memory_without_tags_fits_beside_a_file_name_of_littlefs():
    known = memory.Memory()
    known.us, known.acked, known.t, known.f, known.energy = 10**6, 10**6, 10**5, 10**6, 36 * 10**14
    known.alive, known.checkpoint = (2_000_000_000_000, "S"), "999999999:0123456789abcdef"
    begin_ms, mwh, mw = 2_000_000_000_000, 10**9, (300_000,) * 3
    known.session = memory.OpenSession("S", begin_ms, begin_ms + 10**7, 10**4, mwh, mwh, mw, 9, [])
    assert len(memory.pack(known)) + 6 <= 128


@given(st.integers(-(2**70), 2**70), st.text(max_size=30))
def test_numbers_and_texts_come_back_from_their_octets(value, text):
    read = octets.Octets(octets.signed(value) + octets.number(abs(value)) + octets.text(text))
    assert (read.signed(), read.number(), read.text()) == (value, abs(value), text)


def test_both_interpreters_pack_the_example_day_alike():
    script = (
        "from firmware.agent.compact import Page, frame_of\n"
        "for line in open('protocol/FORMAT.md', 'rb'):\n"
        "    line = line.decode().strip()\n"
        "    if line[:5] == 'OCMF|' and frame_of(line) is not None:\n"
        "        us, up = int(line.split('\"US\":')[1].split(',')[0]), line.split('\"UP\":\"')[1][:64]\n"
        "        print(us, 'packed', Page(*frame_of(line), us - 1, up).pack(line).hex())\n"
    )
    assert on_both(script).count("packed") == 14
