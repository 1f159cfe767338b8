"""The day as a picture."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pages import ink, timeline
from gateway.pages.sheet import LEFT, RIGHT, WIDTH
from gateway.pages.view import DayView, Device, DoubtSet, Line, Session, Treatment
from tests.pages.views import DAY, FROM_MS, OPENING, UNTIL_MS, ZONE, views

_SVG = "{http://www.w3.org/2000/svg}"
_KNOWN = {"svg", "title", "desc", "defs", "pattern", "symbol", "rect", "path", "circle", "use", "text", "g"}
_languages = st.sampled_from(["zh", "en"])


def _day(devices: tuple[Device, ...] = (), lines: tuple[Line, ...] = (), **rest: Any) -> DayView:
    empty = DayView(DAY, "示范诊所", ZONE, (FROM_MS, UNTIL_MS), OPENING)
    return replace(empty, devices=devices, lines=lines, **rest)


def _device(*sessions: Session, dark: tuple[tuple[int, int], ...] = (), name: str = "U1") -> Device:
    return Device("TDP-01", (name,), "tdp", "理疗一室", "1", 1, False, sessions, dark, 36_000, 32_000)


def _session(start_minute: int, minutes: int, number: int = 3, **rest: Any) -> Session:
    start_ms = FROM_MS + start_minute * 60_000
    return replace(
        Session(f"U1:{number}", start_ms, start_ms + minutes * 60_000, minutes * 60, 250_000, 0, "L", "A"),
        **rest,
    )


def _line(minute: int, name: str, *codes: str, sets: tuple[int, ...] = ()) -> Line:
    treatments = tuple(Treatment(index, code, required_s=1140) for index, code in enumerate(codes, start=1))
    return Line(name, "V1", 31, "红外线治疗", "tdp", FROM_MS + minute * 60_000, 1200, treatments, sets)


def _drawn(view: DayView, lang: str = "zh") -> ElementTree.Element:
    return ElementTree.fromstring(timeline.svg(view, lang))


def _titled(root: ElementTree.Element, tag: str) -> list[tuple[str, ElementTree.Element]]:
    return [
        (each[0].text or "", each)
        for each in root.iter(_SVG + tag)
        if len(each) and each[0].tag == _SVG + "title"
    ]


def _box(element: ElementTree.Element) -> tuple[int, int, int, int]:
    x, y, width, height = (int(element.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, width, height


@given(views(), _languages)
@settings(max_examples=150)
def test_any_day_makes_well_formed_svg_of_known_shapes_alone(view, lang):
    for text in (timeline.svg(view, lang), *chain.from_iterable(timeline.strips(view, lang))):
        for element in ElementTree.fromstring(text).iter():
            assert element.tag.removeprefix(_SVG) in _KNOWN
            assert not [name for name in element.attrib if name.startswith("on") or name == "style"]
            assert element.attrib.get("href", "#ww-").startswith("#ww-")


@given(views(), _languages)
def test_the_same_day_always_gives_the_same_text(view, lang):
    assert timeline.svg(view, lang) == timeline.svg(view, lang)


@given(views())
def test_boxes_are_whole_pixels_inside_the_picture_and_never_empty(view):
    root = _drawn(view)
    height = int(root.attrib["height"])
    patterns = {id(each) for pattern in root.iter(_SVG + "pattern") for each in pattern.iter()}
    for element in [*root.iter(_SVG + "rect"), *root.iter(_SVG + "use")]:
        if id(element) not in patterns and "x" in element.attrib:
            x, y, wide, high = _box(element)
            assert wide > 0 and high > 0
            assert x >= 0 and x + wide <= WIDTH and y + high <= height


@given(views())
def test_every_session_every_dark_interval_and_every_treatment_is_there(view):
    root = _drawn(view)
    sessions = [each for device in view.devices for each in device.sessions]
    darks = [each for device in view.devices for each in device.dark]
    boxes = [element for _, element in _titled(root, "rect")]
    assert len(boxes) == len(sessions) + len(darks)
    assert sum(element.attrib["fill"] == "url(#ww-dark)" for element in boxes) == len(darks)
    marks = Counter(element.attrib["href"].removeprefix("#ww-") for _, element in _titled(root, "use"))
    assert marks == Counter(code for line in view.lines for code in line.shown)


@given(views())
def test_marks_never_lie_on_one_another(view):
    boxes = [_box(element) for _, element in _titled(_drawn(view), "use")]
    rows = defaultdict(list)
    for x, y, wide, _ in boxes:
        rows[y].append((x, x + wide))
    for row in rows.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(row)))


def test_sessions_that_overlap_stand_under_one_another():
    root = _drawn(_day((_device(_session(500, 30, 1), _session(510, 30, 2), _session(540, 5, 3)),)))
    tops = [_box(element)[1] for _, element in _titled(root, "rect")]
    assert tops[0] != tops[1] and tops[2] == tops[0]


def test_a_bar_begins_and_ends_at_the_session_s_instants():
    root = _drawn(_day((_device(_session(480, 60)),)))
    [(title, bar)] = _titled(root, "rect")
    assert "U1:3" in title and "08:00–09:00" in title
    assert _box(bar)[0] == LEFT and _box(bar)[2] == (RIGHT - LEFT) // 10


def test_the_axis_grows_with_a_session_before_opening():
    texts = [element.text for element in _drawn(_day((_device(_session(390, 30)),))).iter(_SVG + "text")]
    assert "06:00" in texts and "05:00" not in texts


def test_a_session_over_midnight_ends_where_the_day_does():
    root = _drawn(_day((_device(_session(1430, 60)),)))
    [(title, bar)] = _titled(root, "rect")
    assert _box(bar)[0] + _box(bar)[2] == RIGHT
    assert "03-03 00:50" in title


def test_each_kind_of_session_looks_different():
    kinds = [_session(500, 30), _session(540, 30, grade="B"), _session(580, 30, grade="")]
    kinds.append(replace(_session(620, 30), long_burn=True))
    fills = {element.attrib["fill"] for _, element in _titled(_drawn(_day((_device(*kinds),))), "rect")}
    assert len(fills) == 4


@pytest.mark.parametrize(
    "code", ["supported", "short", "no_device_time", "unobserved", "not_metered", "reversed"]
)
def test_a_line_that_stands_alone_shows_its_verdict(code):
    [(title, mark)] = _titled(_drawn(_day((_device(),), (_line(600, "V1/1", code),))), "use")
    assert mark.attrib["href"] == f"#ww-{code}"
    assert "V1/1" in title and "10:00" in title


def test_no_member_of_a_set_can_be_told_from_another():
    lines = (_line(600, "V1/1", "no_device_time", sets=(1,)), _line(600, "V1/2", "supported", sets=(1,)))
    among = DoubtSet(1, ("V1/1", "V1/2"), (("no_device_time", 1),))
    marks = _titled(_drawn(_day((_device(),), lines, sets=(among,))), "use")
    assert {mark.attrib["href"] for _, mark in marks} == {"#ww-among"}
    assert len({title.replace("V1/2", "V1/1") for title, _ in marks}) == 1


def test_the_picture_says_how_many_of_a_set_are_in_doubt():
    among = DoubtSet(1, ("V1/1", "V1/2"), (("no_device_time", 1),))
    lines = (_line(600, "V1/1", "no_device_time", sets=(1,)), _line(600, "V1/2", "supported", sets=(1,)))
    text = timeline.svg(_day((_device(),), lines, sets=(among,)), "zh")
    assert "2 条收费行之中，无设备时间 1 次" in text


def test_charges_without_a_device_of_their_class_stand_apart():
    text = timeline.svg(_day((), (_line(600, "V1/1", "not_metered"),)), "zh")
    assert "没有设备的项目（凭人工登记）" in text


def test_six_hundred_charges_at_one_instant_are_all_there():
    lines = tuple(_line(600, f"V/{number}", "supported") for number in range(600))
    assert len(_titled(_drawn(_day((_device(),), lines)), "use")) == 600


def test_ten_thousand_bars_are_drawn():
    bars = tuple(_session(480 + number % 600, 1, number) for number in range(250))
    view = _day(tuple(_device(*bars, name=f"U{number}") for number in range(40)))
    assert timeline.svg(view, "zh").count("<title>U1:") == 10_000


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_rests_on_nothing_outside_itself(lang):
    text = timeline.svg(_day((_device(_session(500, 20)),), (_line(600, "V1/1", "supported"),)), lang)
    outside = re.sub(r'xmlns="[^"]*"', "", text)
    assert not re.search(r"https?:|url\((?!#ww-)|<style|<script|@import|@font-face", outside)


@pytest.mark.parametrize("lang,said", [("zh", "台设备"), ("en", "device")])
def test_it_says_in_words_what_it_is(lang, said):
    root = _drawn(_day((_device(_session(500, 20)),)), lang)
    assert root.attrib["role"] == "img"
    assert "示范诊所" in root.attrib["aria-label"]
    assert said in (root[1].text or "")


def test_a_closed_day_has_its_picture_too():
    assert _drawn(_day(opening=None)) is not None


def test_a_long_name_is_cut_and_a_short_one_is_not():
    assert ink.fit("x" * 80, 60, 12).endswith("…")
    assert ink.fit("U1", 60, 12) == "U1"
