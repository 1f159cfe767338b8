"""Calibrating: what a recording tells about a load, from public traces, from models of loads, and live."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from firmware.agent.config import Profile
from firmware.rpi.__main__ import commands
from firmware.rpi.calibration import Found, NoLevels, calibrate
from firmware.rpi.errors import UnitError
from firmware.rpi.files import JournalFiles
from firmware.rpi.picture import svg_picture, text_picture
from firmware.rpi.playback import iso
from hardware.loads.model import LoadModel, SwitchedOn
from hardware.loads.profiles import load_profile
from hardware.ports.trace import read_trace
from tests.firmware.parts import SECRET, SHOWN_MS, Plug
from tests.firmware.rpi.test_replay import TRACES
from tests.support.broker import PASSWORD, Broker
from tests.support.ledgers import CLINIC

MINUTE_MS = 60_000


def found_in(rows: list[tuple[int, int]], load: str = "tdp", own_cycling: bool = False) -> Found:
    return calibrate(rows, load_profile(load).detector, own_cycling)


# --- public traces ---


@pytest.mark.parametrize("name", TRACES)
def test_the_thresholds_found_in_a_trace_give_its_reference_sessions(name, shared: Path):
    """The reference is told to nobody; only that the stove's pauses are its own."""
    rows = read_trace(shared / "traces" / f"{name}.csv")
    found = found_in(rows, own_cycling="thermostat" in name)
    told = [(from_ms, until_ms) for from_ms, until_ms, _ in found.sessions]
    day = iso(rows[0][0])[:10]
    reference = [tuple(_ms(f"{day}T{each}+08:00") for each in span) for span in TRACES[name][3]]
    assert len(told) == len(reference)
    for here, there in zip(told, reference, strict=True):
        assert all(abs(mine - theirs) <= found.pace_ms for mine, theirs in zip(here, there, strict=True))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_stove_that_cycles_is_seen_to_and_only_a_person_can_say_that_it_is_its_own(shared: Path):
    rows = read_trace(shared / "traces" / "tb_stove900W_thermostat_2011-12-25.csv")
    silent, declared = found_in(rows), found_in(rows, own_cycling=True)
    assert silent.cycling is not None and silent.cycling == declared.cycling
    assert (silent.cycling.pauses, silent.cycling.shortest_s, silent.cycling.longest_s) == (14, 116, 155)
    assert len(silent.sessions) == 16 and silent.profile["thermostat_s"] == 0
    assert len(declared.sessions) == 2 and declared.profile["thermostat_s"] == 233


# --- models of our loads ---


def drawn(load: str, on_minutes: list[tuple[int, int]], until: int, **more: Any) -> list[tuple[int, int]]:
    """A reading a second for `until` minutes of a load's model, on from one minute to another."""
    model = LoadModel(load_profile(load).model, 7)
    spans = [
        SwitchedOn(
            SHOWN_MS + a * MINUTE_MS,
            SHOWN_MS + b * MINUTE_MS,
            more.get("dimmer", [(0, 100)]),
            more.get("cycle", (0, 0)),
        )
        for a, b in on_minutes
    ]
    rows = []
    for at_ms in range(SHOWN_MS, SHOWN_MS + until * MINUTE_MS, 1000):
        on = next((each for each in spans if each.from_ms <= at_ms < each.until_ms), None)
        rows.append((at_ms, model.power_mw(at_ms, on)))
    return rows


@pytest.mark.parametrize(
    ("load", "more"),
    [("tdp", {}), ("tdp", {"dimmer": [(0, 100), (600_000, 40)]}), ("stim", {}), ("ionto", {})],
)
def test_each_of_our_loads_gives_thresholds_between_its_idle_and_its_lowest_power(load, more):
    rows = drawn(load, [(5, 27), (32, 55)], 60, **more)
    found, model = found_in(rows, load), load_profile(load).model
    least_mw = model.plateau_mw * (40 if more else 100) // 100
    assert model.idle_mw * 11 // 10 < found.profile["off_mw"] < found.profile["on_mw"] < least_mw * 9 // 10
    assert [(a - SHOWN_MS, b - SHOWN_MS) for a, b, _ in found.sessions] == [
        (5 * MINUTE_MS, 27 * MINUTE_MS - 1000),
        (32 * MINUTE_MS, 55 * MINUTE_MS - 1000),
    ]
    assert found.profile["least_mw"] < least_mw <= model.plateau_mw < found.profile["most_mw"]


def test_an_inrush_is_seen_and_outlasted():
    found = found_in(drawn("tdp", [(5, 27)], 30))
    model = load_profile("tdp").model
    assert found.inrush is not None
    assert found.inrush.peak_mw > model.plateau_mw * 3 // 2 and found.inrush.lasts_ms <= model.inrush_ms
    assert found.profile["debounce_s"] * 1000 > found.inrush.lasts_ms


def test_a_lamp_that_regulates_itself_keeps_its_treatment_whole_once_that_is_declared():
    rows = drawn("tdp", [(5, 45)], 50, cycle=(90, 75))
    silent, declared = found_in(rows), found_in(rows, own_cycling=True)
    assert (
        silent.cycling is not None and silent.cycling.longest_s in (75, 76) and silent.cycling.period_s == 165
    )
    assert len(silent.sessions) > 5 and len(declared.sessions) == 1
    assert declared.sessions[0][2] >= 39 * 60


def test_two_switchings_by_hand_are_no_cycle():
    assert found_in(drawn("tdp", [(5, 10), (11, 15), (16, 25)], 30)).cycling is None


def test_a_plug_that_was_only_seated_is_no_on():
    rows = drawn("tdp", [], 30)
    glitch = [(at_ms, 300_000 if 600 <= second < 605 else mw) for second, (at_ms, mw) in enumerate(rows)]
    with pytest.raises(NoLevels):
        found_in(glitch)


def test_a_recorder_that_paused_while_the_load_was_on_leaves_two_sessions():
    rows = [each for each in drawn("tdp", [(5, 45)], 50) if not 20 <= (each[0] - SHOWN_MS) // MINUTE_MS < 35]
    spans = [(from_ms - SHOWN_MS, until_ms - SHOWN_MS) for from_ms, until_ms, _ in found_in(rows).sessions]
    assert spans == [(5 * MINUTE_MS, 20 * MINUTE_MS - 1000), (35 * MINUTE_MS, 45 * MINUTE_MS - 1000)]


@pytest.mark.parametrize("rows", [drawn("tdp", [], 30), drawn("tdp", [(-1, 31)], 30)[600:], [(SHOWN_MS, 0)]])
def test_a_recording_that_shows_no_off_and_on_proposes_nothing(rows):
    with pytest.raises(NoLevels, match="shows no off and on: record it switched off"):
        found_in(rows)


@given(
    st.integers(0, 3_000),
    st.integers(2, 300),
    st.lists(st.tuples(st.integers(12, 900), st.integers(12, 900)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_whatever_the_two_levels_the_thresholds_lie_between_and_are_a_valid_profile(
    idle_mw, times, spans, chance
):
    on_mw = max(idle_mw, 500) * (times + 1)
    rows, at_ms = [], SHOWN_MS
    for off_s, on_s in spans:
        for level, seconds in ((idle_mw, off_s), (on_mw, on_s)):
            for _ in range(seconds):
                rows.append((at_ms, level * chance.randint(980, 1020) // 1000))
                at_ms += 1000
    found = found_in(rows)
    Profile(found.profile)
    assert max(idle_mw, 500) <= found.profile["off_mw"] <= found.profile["on_mw"] < on_mw
    assert found.idle.held_s + found.on.held_s == len(rows)


# --- the command ---


class Desk:
    """The command in a folder, with a recording of a lamp."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lamp = self.written("lamp.csv", drawn("tdp", [(5, 27)], 30))

    def written(self, name: str, rows: list[tuple[int, int]]) -> Path:
        path = self.folder / name
        lines = [f"{iso(at_ms)},{mw / 1000}" for at_ms, mw in rows]
        path.write_text("\n".join(["time,power_w", *lines, ""]))
        return path

    def run(self, *arguments: object) -> Any:
        return CliRunner().invoke(commands, ["calibrate", *map(str, arguments)])

    def refused(self, *arguments: object) -> str:
        ran = self.run(*arguments)
        assert isinstance(ran.exception, UnitError) and ran.exception.exit_code == 2
        return str(ran.exception)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_it_prints_can_be_pasted_into_unit_toml(desk: Desk):
    ran = desk.run(desk.lamp)
    assert ran.exit_code == 0
    pasted = tomllib.loads("[profile]" + ran.output.split("[profile]")[1])
    assert {"on_mw", "off_mw", "least_mw", "most_mw"} <= set(pasted["profile"])
    Profile({**load_profile("tdp").detector, **pasted["profile"]})
    for said in ("待机 idle: 2 W", "开机 on: ", "冲击 inrush: ", "1 sessions", "█", "┈"):
        assert said in ran.output


def test_its_json_has_the_same_figures(desk: Desk):
    said = json.loads(desk.run(desk.lamp, "--json").output)
    assert said["readings"] == 1800 and said["idle"]["mid_mw"] == 2000 and said["cycling"] is None
    assert len(said["sessions"]) == 1 and said["sessions"][0]["active_s"] == 22 * 60 - 1


def test_cycling_is_told_and_asked_about_until_it_is_declared(desk: Desk):
    trace = desk.written("cycling.csv", drawn("tdp", [(5, 45)], 50, cycle=(90, 75)))
    asked, declared = desk.run(trace).output, desk.run(trace, "--thermostat").output
    assert "若是设备自己的，请加 --thermostat" in asked and "thermostat_s" not in asked
    assert "请加 --thermostat" not in declared and "thermostat_s = " in declared


def test_a_drawing_is_well_formed_and_has_both_thresholds(desk: Desk):
    desk.run(desk.lamp, "--svg", desk.folder / "lamp.svg")
    drawn_ = ElementTree.parse(desk.folder / "lamp.svg").getroot()
    texts = [each.text or "" for each in drawn_.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(each.startswith(("on_mw", "off_mw")) for each in texts) == 2


def test_a_recording_without_off_and_on_is_exit_1_and_says_what_to_record(desk: Desk):
    ran = desk.run(desk.written("off.csv", drawn("tdp", [], 30)))
    assert ran.exit_code == 1 and "[profile]" not in ran.output
    assert "请从关机录起" in ran.stderr


def test_wrong_usage_is_one_line_and_says_what_to_do(desk: Desk):
    assert "give either a TRACE.csv, or --config" in desk.refused()
    assert "give either a TRACE.csv, or --config" in desk.refused(desk.lamp, "--config", desk.lamp)
    assert "no load profile 'oven'" in desk.refused(desk.lamp, "--load", "oven")
    assert "cannot be read" in desk.refused(desk.folder / "nothing.csv")
    assert "--svg" in desk.refused(desk.lamp, "--svg", desk.folder / "no" / "lamp.svg")


# --- live ---


def config(folder: Path, port: str, speed: int, mqtt_port: int = 1) -> Path:
    path = folder / "unit.toml"
    (folder / "u1.pem").write_bytes(SECRET)
    now_ms = round(datetime.now().timestamp() * 1000)
    path.write_text(
        f'unit = "U1"\nclinic = "{CLINIC}"\nkey = "u1.pem"\nload = "tdp"\n'
        f'[mqtt]\nport = {mqtt_port}\nuser = "U1"\npassword = "{PASSWORD}"\n[port]\n{port}'
        f"[clock]\nreal_ms = {now_ms}\nshown_ms = {SHOWN_MS}\nspeed = {speed}\n"
    )
    return path


def test_measured_live_it_says_the_same_as_of_what_it_saved(desk: Desk):
    scenario = {
        "load": "tdp",
        "from": "2026-03-02T07:55:00",
        "on": [["2026-03-02T09:00:00", "2026-03-02T11:00:00"]],
    }
    (desk.folder / "u1.json").write_text(json.dumps(scenario))
    unit = config(desk.folder, 'kind = "bench"\nscenario = "u1.json"\n', 20_000)
    saved = desk.folder / "live.csv"
    live = desk.run("--config", unit, "--minutes", "400", "--save", saved, "--json")
    assert live.exit_code == 0, live.output
    again = json.loads(desk.run(saved, "--json").output)
    said = json.loads(live.stdout)
    assert said == again and len(said["sessions"]) == 1
    assert "choose a new file" in desk.refused("--config", unit, "--minutes", "1440", "--save", saved)
    assert "no load profile 'oven'" in desk.refused("--config", unit, "--minutes", "1440", "--load", "oven")
    assert json.loads(desk.run(saved, "--json").output) == said


def test_a_meter_that_says_nothing_is_exit_3(desk: Desk):
    unit = config(desk.folder, f'kind = "pzem004t_v3"\ndevice = "{desk.folder / "gone"}"\n', 1000)
    ran = desk.run("--config", unit, "--minutes", "1", "--save", desk.folder / "live.csv")
    assert isinstance(ran.exception, UnitError) and ran.exception.exit_code == 3
    assert "the meter said nothing for 1 min" in str(ran.exception)
    assert not (desk.folder / "live.csv").exists()


def test_a_unit_that_runs_is_not_disturbed(desk: Desk):
    files = JournalFiles(desk.folder / "journal", 1 << 20)
    unit = config(desk.folder, 'kind = "csv"\nfile = "lamp.csv"\n', 1000)
    assert "another process uses this journal" in desk.refused("--config", unit)
    files.close()


def test_a_shop_plug_is_measured_live_through_the_broker(desk: Desk, tmp_path: Path):
    broker = Broker(tmp_path / "broker", CLINIC, ["U1", "plug"])
    broker.allow("user U1\ntopic read stat/p1/#\ntopic write cmnd/p1/#\nuser plug\ntopic readwrite #\n")
    plug = Plug(broker.port, "p1")
    unit = config(desk.folder, 'kind = "tasmota"\ntopic = "p1"\n', 300, broker.port)
    saved = desk.folder / "plug.csv"
    ran = desk.run("--config", unit, "--minutes", "30", "--save", saved)
    plug.stop()
    broker.kill()
    assert ran.exit_code == 1 and "shows no off and on" in ran.stderr
    assert {power_mw for _, power_mw in read_trace(saved)} == {2000}


# --- pictures ---


@given(st.lists(st.tuples(st.integers(0, 600_000), st.integers(0, 25_000_000)), min_size=1, max_size=60))
def test_any_recording_can_be_drawn(pauses):
    rows, at_ms = [], SHOWN_MS
    for pause_ms, power_mw in pauses:
        at_ms += pause_ms
        rows.append((at_ms, power_mw))
    lines = text_picture(rows, [(40_000, "on & <off>")]).splitlines()
    assert len(lines) == 14 and any("on & <off>" in each for each in lines)
    ElementTree.fromstring(svg_picture(rows, [(40_000, "on & <off>")], [(rows[0][0], at_ms)], "Power"))
