"""The journal in files: what is kept stays kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from firmware.agent import memory
from firmware.rpi.errors import UsageError
from firmware.rpi.files import RESERVE, JournalFiles
from tests.support.tools import CHECKOUT, could_not_run

MIB = 1 << 20


def note(us: int) -> str:
    known = memory.Memory()
    known.us, known.f, known.alive = us, us, (1_772_409_600_000 + us, "S")
    return memory.write(known)


def line(us: int, length: int = 700) -> str:
    return f'OCMF|{{"US":{us},"pad":"{"x" * length}"}}|{{"SD":"00"}}'


def keep(files: JournalFiles, first: int, last: int, length: int = 700) -> None:
    for us in range(first, last + 1):
        files.keep(us, note(us), line(us, length))
    files.sync()


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("journal-*.log"))


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path):
    files = JournalFiles(tmp_path / "journal", MIB)
    keep(files, 1, 5)
    files.acknowledge(3)
    digest = files.digest(5)
    files.close()
    again = JournalFiles(tmp_path / "journal", MIB)
    assert (again.memory.us, again.memory.acked, again.memory.digest, again.first) == (5, 3, digest, 1)
    assert list(again.lines(2, 9)) == [line(us).encode() for us in range(2, 6)]
    assert again.digest(6) is None


def test_a_torn_tail_is_passed_over_and_written_on_wherever_it_is_torn(tmp_path: Path):
    files = JournalFiles(tmp_path / "whole", MIB)
    keep(files, 1, 3, 40)
    files.close()
    text = (tmp_path / "whole" / "journal-00000001.log").read_bytes()
    for cut in range(0, len(text) + 1, 3):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / "journal-00000001.log").write_bytes(text[:cut])
        torn = JournalFiles(folder, MIB)
        us = torn.memory.us
        keep(torn, us + 1, us + 2, 40)
        torn.close()
        mended = JournalFiles(folder, MIB)
        assert mended.memory.us == us + 2
        assert [mended.digest(each) is not None for each in (us + 1, us + 2)] == [True, True]
        mended.close()


def test_two_processes_do_not_share_a_journal(tmp_path: Path):
    files = JournalFiles(tmp_path, MIB)
    with pytest.raises(UsageError, match="another process uses this journal: two would fork the chain"):
        JournalFiles(tmp_path, MIB)
    files.close()
    JournalFiles(tmp_path, MIB).close()


def test_segments_follow_each_other_and_none_is_forgotten_while_there_is_room(tmp_path: Path):
    files = JournalFiles(tmp_path, 64 * MIB)
    keep(files, 1, 2000)
    files.acknowledge(2000)
    keep(files, 2001, 2500)
    assert len(list(tmp_path.glob("journal-*.log"))) > 1
    assert files.first == 1
    files.close()
    assert JournalFiles(tmp_path, 64 * MIB).memory.us == 2500


def test_when_room_is_needed_the_oldest_acknowledged_segments_go_first(tmp_path: Path):
    files = JournalFiles(tmp_path, MIB)
    for us in range(1, 400):
        keep(files, us, us, 7000)
        files.acknowledge(us - 10)
    assert 1 < files.first <= 390 and not files.full
    assert size_of(tmp_path) <= MIB
    assert list(files.lines(390, 399)) == [line(us, 7000).encode() for us in range(390, 400)]
    first = files.first
    files.close()
    again = JournalFiles(tmp_path, MIB)
    assert (again.memory.us, again.memory.first, again.memory.acked) == (399, first, 389)


def test_what_nobody_acknowledged_is_never_forgotten_the_journal_is_full_instead(tmp_path: Path):
    files = JournalFiles(tmp_path, MIB)
    us = 0
    while not files.full:
        us += 1
        keep(files, us, us, 7000)
    assert files.first == 1 and MIB - 2 * RESERVE < size_of(tmp_path) <= MIB - RESERVE + 10_000
    assert not files.free()
    files.acknowledge(us)
    assert files.free() and not files.full


def test_a_journal_that_was_full_is_full_after_a_restart(tmp_path: Path):
    files = JournalFiles(tmp_path, MIB)
    us = 0
    while not files.full:
        us += 1
        keep(files, us, us, 7000)
    files.close()
    again = JournalFiles(tmp_path, MIB)
    assert again.full and again.memory.us == us


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be made .*: choose another folder"):
        JournalFiles(tmp_path / "file" / "journal", MIB)


FULL_DISK = """
import os, sys
from pathlib import Path
from firmware.rpi.files import JournalFiles
from tests.firmware.rpi.test_files import keep, line
folder = Path(sys.argv[1])
files = JournalFiles(folder / "journal", 64 << 20)
with open(folder / "other", "wb", buffering=0) as other:
    try:
        while True:
            other.write(b"x" * 4096)
    except OSError:
        pass
us = 0
while not files.full:
    us += 1
    keep(files, us, us)
keep(files, us + 1, us + 3)
assert not files.free()
files.close()
files = JournalFiles(folder / "journal", 64 << 20)
assert files.memory.us == us + 3, files.memory.us
assert list(files.lines(1, us + 3)) == [line(each).encode() for each in range(1, us + 4)]
assert files.full and not files.free()
os.unlink(folder / "other")
assert files.free()
keep(files, us + 4, us + 4)
assert not files.full
print("kept", us + 4)
"""


def test_on_a_full_disk_the_last_words_go_into_the_reserve_and_nothing_kept_is_lost(tmp_path: Path):
    script = f"mount -t tmpfs -o size=400k none $0 && exec {sys.executable} -c '{FULL_DISK}' $0"
    command = ["unshare", "-rm", "sh", "-c", script, str(tmp_path)]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    if "unshare" in ran.stderr or "mount" in ran.stderr:
        could_not_run("small file system")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("kept ")
