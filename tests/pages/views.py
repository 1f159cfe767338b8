"""Days of any shape, for properties: names with anything in them, sessions and charges at any time of the day."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from gateway.instants import midnight_ms
from gateway.pages.view import PENDING, VERDICTS, DayView, Device, DoubtSet, Lead, Line, Session, Treatment

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 2)
FROM_MS = midnight_ms(DAY, ZONE)
UNTIL_MS = FROM_MS + 86_400_000
OPENING = (FROM_MS + 8 * 3_600_000, FROM_MS + 18 * 3_600_000)

_INSTANTS = st.integers(FROM_MS - 7_200_000, UNTIL_MS + 7_200_000)
_SPANS = st.tuples(_INSTANTS, _INSTANTS).map(lambda pair: (min(pair), max(pair)))
_NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["U1", "理疗一室", '"><script>alert(1)</script>', "]]>&amp;'", "\x00\x1b\ufffe", "x" * 80]
    ),
)
_LOADS = ["tdp", "stim", "ionto", "", "<b>"]


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """A session anywhere around the day."""
    start_ms, end_ms = draw(_SPANS)
    return Session(
        record=draw(_NAMES),
        start_ms=start_ms,
        end_ms=end_ms,
        active_s=draw(st.integers(0, 100_000)),
        mean_mw=draw(st.integers(0, 10**6)),
        interruptions=draw(st.integers(0, 3)),
        end_code=draw(st.sampled_from("LPA")),
        grade=draw(st.sampled_from(["A", "B", "C", ""])),
        long_burn=draw(st.booleans()),
    )


@st.composite
def devices(draw: st.DrawFn) -> Device:
    """A device with or without a unit."""
    return Device(
        device=draw(_NAMES),
        units=tuple(draw(st.lists(_NAMES, max_size=2))),
        load=draw(st.sampled_from(_LOADS)),
        room=draw(_NAMES),
        bed=draw(_NAMES),
        stations=draw(st.integers(1, 4)),
        blind=draw(st.booleans()),
        sessions=tuple(draw(st.lists(sessions(), max_size=5))),
        dark=tuple(draw(st.lists(_SPANS, max_size=3))),
        open_s=36_000,
        watched_s=draw(st.one_of(st.none(), st.integers(0, 36_000))),
    )


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A bill line of a few treatments."""
    codes = draw(st.lists(st.sampled_from([*VERDICTS, PENDING]), min_size=1, max_size=3))
    return Line(
        line=draw(_NAMES),
        visit=draw(_NAMES),
        item=draw(st.integers(1, 36)),
        name=draw(_NAMES),
        load=draw(st.sampled_from([None, *_LOADS])),
        charged_ms=draw(_INSTANTS),
        amount_fen=draw(st.integers(0, 10**7)),
        treatments=tuple(
            Treatment(index, code, required_s=1140) for index, code in enumerate(codes, start=1)
        ),
        sets=draw(st.sampled_from([(), (), (1,)])),
    )


@st.composite
def views(draw: st.DrawFn) -> DayView:
    """A whole day."""
    name = draw(_NAMES)
    return DayView(
        day=DAY,
        clinic=draw(_NAMES),
        zone=ZONE,
        whole=(FROM_MS, UNTIL_MS),
        opening=draw(st.sampled_from([None, OPENING])),
        devices=tuple(draw(st.lists(devices(), max_size=4))),
        lines=tuple(draw(st.lists(lines(), max_size=8))),
        sets=(DoubtSet(1, (name, name + "2"), (("short", 1), ("no_device_time", 2)), (612,)),),
        leads=(Lead("id", draw(_NAMES), 1200, draw(_NAMES), draw(_NAMES), (name,), (name,), 3, 2),),
        made_ms=draw(st.sampled_from([None, UNTIL_MS])),
    )
