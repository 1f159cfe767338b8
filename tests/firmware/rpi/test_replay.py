"""`wattwitness-unit replay`: recorded days, and what the agent makes of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from firmware.rpi import keyfile
from firmware.rpi.__main__ import commands
from firmware.rpi.errors import UsageError
from protocol import p256, record, seal
from protocol.chain import NEXT, judge, lengthen
from tests.support.outside import ocmf_accepts, openssl_accepts

SECRET = bytes(range(1, 33))
PUBLIC = p256.public_key(SECRET)
PUB_HEX = p256.spki(PUBLIC).hex()
START = datetime.fromisoformat("2026-03-02T08:00:00+08:00")

# trace: (on and off threshold in W, merge_s, sessions as begin and end, energy in mWh of each)
TRACES = {
    "kk_waterheater3500W_1s_2022-11-22": (100, 50, 60, [("11:19:19", "11:26:50")]),
    "tb_lamp11W_gap_2012-05-15": (6, 5, 60, [("00:00:00", "01:08:02"), ("23:19:47", "23:59:59")]),
    "tb_lamp245W_2012-01-14": (100, 100, 60, [("16:01:57", "16:06:45"), ("18:46:15", "20:23:11")]),
    "tb_lamp41W_6sessions_2012-01-18": (
        20, 20, 60,
        [
            ("07:14:41", "08:11:46"), ("11:05:14", "11:52:06"), ("16:41:10", "17:09:19"),
            ("17:46:52", "19:22:16"), ("22:09:50", "22:35:56"),
        ],
    ),
    "tb_projector230W_standby2W_2012-01-16": (20, 20, 60, [("22:09:20", "23:07:12")]),
    "tb_stove900W_thermostat_2011-12-25": (100, 100, 300, [("12:00:48", "12:15:28"), ("12:22:51", "13:19:54")]),
    "tb_timer100W_2012-01-07": (50, 50, 60, [("06:07:24", "07:32:00"), ("16:39:06", "23:14:29")]),
}  # fmt: skip


class Desk:
    """A folder with a key, and traces written into it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key, self.out = folder, folder / "u1.pem", folder / "u1.ocmf"
        keyfile.write(self.key, SECRET)

    def write(self, rows: Iterable[tuple[float, float]], name: str = "trace.csv") -> Path:
        """A trace of (seconds after START, watts)."""
        path = self.folder / name
        body = "".join(f"{(START + timedelta(seconds=at_s)).isoformat()},{watts}\n" for at_s, watts in rows)
        path.write_text("time,power_w\n" + body)
        return path

    def run(self, trace: Path, *options: str) -> Result:
        command = [
            "replay",
            str(trace),
            "--unit",
            "U1",
            "--key",
            str(self.key),
            "--out",
            str(self.out),
            *options,
        ]
        return CliRunner().invoke(commands, command)

    def json(self, trace: Path, *options: str) -> dict:
        ran = self.run(trace, "--json", *options)
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    def lines(self) -> list[str]:
        return self.out.read_text("ascii").splitlines()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def day() -> list[tuple[float, float]]:
    return [(at_s, 250 if 300 <= at_s < 1560 else 2) for at_s in range(0, 2000, 2)]


def test_a_days_records_are_one_sealed_chain(desk: Desk):
    said = desk.json(desk.write(day()))
    head = None
    for line in desk.lines():
        read = record.parse(seal.check(line, lambda message, r, s: p256.verify(PUBLIC, message, r, s)))
        assert judge(head, read) == NEXT
        head = lengthen(head, read)
    assert head is not None and said["records"] == len(desk.lines()) == head.us
    assert said["sessions"] == [
        {
            "us": 5, "start": "2026-03-02T08:05:00+08:00", "end": "2026-03-02T08:25:58+08:00", "active_s": 1258,
            "energy_mwh": 87361, "end_code": "L", "interruptions": 0,
        }
    ]  # fmt: skip


def test_replayed_times_count_as_synchronised(desk: Desk):
    desk.json(desk.write(day()))
    assert {reading.flag for read in parsed(desk) for reading in read.readings} == {"S"}


def test_the_same_recording_unit_and_key_give_the_same_bytes(desk: Desk):
    desk.run(desk.write(day()))
    first = desk.out.read_bytes()
    desk.run(desk.write(day()))
    assert desk.out.read_bytes() == first


def test_the_end_of_the_recording_closes_an_open_session_at_its_last_reading(desk: Desk):
    said = desk.json(desk.write((at_s, 250) for at_s in range(0, 100, 5)))
    assert [(each["end"], each["end_code"]) for each in said["sessions"]] == [
        ("2026-03-02T08:01:35+08:00", "A")
    ]


def test_a_pause_of_fourteen_hours_is_a_gap_and_not_off(desk: Desk):
    rows = [(at_s, 250) for at_s in range(0, 600, 5)] + [(at_s, 250) for at_s in range(52_000, 52_600, 5)]
    said = desk.json(desk.write(rows))
    assert said["gaps"] == [["2026-03-02T08:09:55+08:00", "2026-03-02T22:26:40+08:00"]]
    assert [(each["active_s"], each["end_code"]) for each in said["sessions"]] == [(595, "A"), (595, "A")]


def test_half_seconds_are_kept(desk: Desk):
    said = desk.json(desk.write((at_s / 2, 250 if 20 < at_s < 100 else 2) for at_s in range(400)))
    assert said["sessions"][0]["start"] == "2026-03-02T08:00:10.500+08:00"


def test_thresholds_and_merging_can_be_overridden(desk: Desk):
    rows = [(at_s, 11 if at_s % 100 < 50 else 0) for at_s in range(600)]
    trace = desk.write(rows)
    assert desk.json(trace)["sessions"] == []
    assert len(desk.json(trace, "--on-w", "5.5", "--off-w", "4", "--merge-s", "10")["sessions"]) == 6
    merged = desk.json(trace, "--on-w", "5.5", "--merge-s", "60")["sessions"]
    assert [(each["interruptions"], each["active_s"]) for each in merged] == [(5, 6 * 49)]


def test_prose_names_what_was_found_in_both_languages(desk: Desk):
    ran = desk.run(desk.write(day()))
    assert "U1: 记录 5 records, 通电 1 sessions" in ran.stdout
    assert ran.exit_code == 0


def test_progress_goes_to_stderr_and_json_stands_alone_on_stdout(desk: Desk):
    ran = desk.run(desk.write(day()), "--json")
    assert "100 %" in ran.stderr
    assert ran.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--load", "oven"], "no load profile 'oven'"),
        (["--on-w", "5", "--off-w", "6"], "off_mw must not be above on_mw 5000, but is 6000"),
        (["--mqtt", "mqtt://127.0.0.1:1"], "--mqtt needs --clinic ID"),
        (["--mqtt", "http://x", "--clinic", "C1"], "--mqtt must be mqtt://HOST:PORT"),
        (["--mqtt", "mqtts://x", "--clinic", "C1"], "mqtts:// and --ca go together"),
        (["--mqtt", "mqtt://x", "--clinic", "C 1"], "--clinic: 'C 1' cannot be a name"),
        (["--unit", "U 1"], "unit must be letters, digits"),
        (["--key", "/nowhere/u1.pem"], "the key cannot be read"),
        (["--out", "/nowhere/out.ocmf"], "--out /nowhere/out.ocmf: cannot be written"),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_written(desk: Desk, options, said):
    ran = desk.run(desk.write(day()), *options)
    assert isinstance(ran.exception, UsageError) and said in str(ran.exception)
    assert "\n" not in str(ran.exception)
    assert not desk.out.exists()


def test_a_recording_that_cannot_be_is_refused_by_row_and_nothing_is_written(desk: Desk):
    ran = desk.run(desk.write([(0, 1), (5, 2), (3, 1)]))
    assert isinstance(ran.exception, UsageError) and "row 4, column time" in str(ran.exception)
    assert not desk.out.exists()


def test_records_need_somewhere_to_go(desk: Desk):
    trace = desk.write(day())
    ran = CliRunner().invoke(commands, ["replay", str(trace), "--unit", "U1", "--key", str(desk.key)])
    assert isinstance(ran.exception, UsageError) and "nowhere to put the records" in str(ran.exception)


# --- real recordings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRACES)
def test_a_real_recordings_sessions_are_found_to_the_reading(desk: Desk, shared: Path, name: str):
    on_w, off_w, merge_s, expected = TRACES[name]
    trace = shared / "traces" / f"{name}.csv"
    said = desk.json(trace, "--on-w", str(on_w), "--off-w", str(off_w), "--merge-s", str(merge_s))
    assert [(each["start"][11:19], each["end"][11:19]) for each in said["sessions"]] == expected
    for each in said["sessions"]:
        assert each["energy_mwh"] == pytest.approx(energy_mwh(trace, each["start"], each["end"]), abs=2)


def test_the_recording_with_a_pause_has_one_gap_where_the_lamp_was_off_on_both_sides(
    desk: Desk, shared: Path
):
    said = desk.json(shared / "traces" / "tb_lamp11W_gap_2012-05-15.csv", "--on-w", "6", "--off-w", "5")
    assert said["gaps"] == [["2012-05-15T08:39:14+08:00", "2012-05-15T23:19:34+08:00"]]


def test_a_thermostat_is_interruptions_for_a_lamp_and_one_session_either_way(desk: Desk, shared: Path):
    said = desk.json(
        shared / "traces" / "tb_stove900W_thermostat_2011-12-25.csv",
        *["--on-w", "100", "--off-w", "100", "--merge-s", "300"],
    )
    assert [(each["active_s"], each["interruptions"]) for each in said["sessions"]] == [(880, 0), (1430, 14)]


def test_a_standby_of_two_watts_is_no_session_for_any_profile(desk: Desk, shared: Path):
    trace = shared / "traces" / "tb_projector230W_standby2W_2012-01-16.csv"
    for load in ("tdp", "ionto"):
        said = desk.json(trace, "--load", load)
        assert len(said["sessions"]) == 1 and said["sessions"][0]["start"][11:19] in ("22:09:20", "22:09:23")


def test_every_session_is_accepted_by_verifiers_that_are_not_ours(desk: Desk, shared: Path):
    desk.json(shared / "traces" / "tb_lamp11W_gap_2012-05-15.csv", "--on-w", "6", "--off-w", "5")
    sessions = [line for line in desk.lines() if '"UK":"SESSION"' in line]
    assert len(sessions) == 2
    for line in sessions:
        assert ocmf_accepts(line, PUB_HEX) and openssl_accepts(line, PUB_HEX)
        tampered = line.replace('"UA":', '"UA":1')
        assert not ocmf_accepts(tampered, PUB_HEX) and not openssl_accepts(tampered, PUB_HEX)
    for line in desk.lines()[:3]:
        assert ocmf_accepts(line, PUB_HEX, strict=False) and openssl_accepts(line, PUB_HEX)


def parsed(desk: Desk) -> list[record.Record]:
    return [record.parse(line.split("|")[1]) for line in desk.lines()]


def energy_mwh(trace: Path, start: str, end: str) -> float:
    """Trapezoids over the rows between two instants, reckoned here again with floats."""
    with open(trace, newline="") as file:
        rows = [(row["time"] + "+08:00", float(row["power_w"])) for row in csv.DictReader(file)]
    inside = [(datetime.fromisoformat(at), watts) for at, watts in rows if start <= at <= end]
    return sum((p + q) / 2 * (t - s).total_seconds() for (s, p), (t, q) in pairwise(inside)) / 3.6
