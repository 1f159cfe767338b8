"""Recordings of power as a port."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.ports import PortError
from hardware.ports.bench import instant_ms
from hardware.ports.trace import TracePort, read_trace

START_MS = instant_ms("2026-03-02T08:00:00", "x")


def written(folder: Path, text: str) -> Path:
    path = folder / "trace.csv"
    path.write_bytes(text.encode("utf-8"))
    return path


def test_times_without_a_zone_are_chinas_and_watts_become_milliwatts(tmp_path: Path):
    path = written(tmp_path, "time,power_w\n2026-03-02T08:00:00,2\n2026-03-02T00:00:01+00:00,250.1234\n")
    assert read_trace(path) == [(START_MS, 2_000), (START_MS + 1000, 250_123)]


def test_other_columns_order_marks_and_blank_lines_do_not_matter(tmp_path: Path):
    path = written(
        tmp_path,
        "\ufeffvolts, Power_W ,time\r\n230,1e1,2026-03-02T08:00:00\r\n\r\n230,0.0,2026-03-02 08:00:05\r\n",
    )
    assert read_trace(path) == [(START_MS, 10_000), (START_MS + 5000, 0)]


def test_repeated_times_and_long_pauses_are_taken_as_they_are(tmp_path: Path):
    path = written(tmp_path, "time,power_w\n" + "2026-03-02T08:00:00,1\n" * 3 + "2026-03-02T22:00:00,2\n")
    assert [at_ms - START_MS for at_ms, _ in read_trace(path)] == [0, 0, 0, 50_400_000]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1 has no column 'time': the header must name time and power_w"),
        ("time,watts\n", "row 1 has no column 'power_w'"),
        ("time,power_w\n", "holds no readings: at least one row is needed"),
        (
            "time,power_w\n2026-03-02T08:00:00,x\n",
            "row 2, column power_w, value 'x' is no number of watts: correct",
        ),
        ("time,power_w\n2026-03-02T08:00:00,\n", "row 2, column power_w, value '' is no number of watts"),
        (
            "time,power_w\n2026-03-02T08:00:00,nan\n",
            "row 2, column power_w, value 'nan' is no number of watts",
        ),
        (
            "time,power_w\n2026-03-02T08:00:00,-1\n",
            "row 2, column power_w, value '-1' is not from 0 to 25000 W",
        ),
        (
            "time,power_w\n2026-03-02T08:00:00,1e9\n",
            "row 2, column power_w, value '1e9' is not from 0 to 25000 W",
        ),
        (
            "time,power_w\nnoon,1\n",
            "row 2, column time, value 'noon' is no instant: write it as 2026-03-02T08:05:00",
        ),
        ("time,power_w\n2026-03-02T08:00:00\n", "row 2 has 1 columns: complete or delete it"),
        (
            "time,power_w\n2026-03-02T08:00:05,1\n\n2026-03-02T08:00:00,1\n",
            "row 4, column time, value '2026-03-02T08:00:00' is earlier than the row before: sort the rows by time",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_row_column_value_and_what_to_do(tmp_path: Path, text, said):
    with pytest.raises(PortError) as refused:
        read_trace(written(tmp_path, text))
    assert said in str(refused.value)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path):
    (tmp_path / "gbk.csv").write_bytes("time,power_w,备注\n".encode("gb18030"))
    with pytest.raises(PortError, match=r"is no CSV in UTF-8 .*: save it as CSV UTF-8"):
        read_trace(tmp_path / "gbk.csv")
    with pytest.raises(PortError, match=r"cannot be read .*: name a CSV file"):
        read_trace(tmp_path / "none.csv")


def test_played_in_time_a_recording_gives_what_fell_due_since_the_boot():
    port = TracePort([(1000, 1), (2000, 2), (2000, 3), (9000, 4)], 1500)
    assert port.take(400) == []
    assert port.take(500) == [(500, 2), (500, 3)]
    assert port.take(100_000) == [(7500, 4)]
    assert port.take(100_000) == []
