"""What clinic days cost a unit's flash, measured under MicroPython on its own littlefs.

    python -m tests.firmware.esp32.wear [--days 3] [--json FILE]

A table: erases, octets and heap, and how many years the flash lasts. Erases are spread over the blocks that littlefs has
free, so years = blocks x cycles / erases in a year; `hottest` is the same from the block that was erased most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from firmware.rpi import image
from tests.support.tools import CHECKOUT, tool

MODULES = (
    "protocol/*.py",
    "firmware/*.py",
    "firmware/agent/*.py",
    "firmware/esp32/*.py",
    "tests/firmware/esp32/flash_*.py",
)
CYCLES = 100_000  # erases that a NOR flash's data sheet promises for each block (W25Q32JV: 100,000)
FREE_BLOCKS = 400
LONG = 30  # days; in fewer, littlefs has not moved its metadata once
PARTITION = 240  # blocks of 4 KiB: what an OTA partition table leaves of 4 MiB
JOURNAL = 768 * 1024

# name: arguments of flash_wear.days
DAYS = {
    "no treatment": "sessions=0",
    "24 treatments": "sessions=24",
    "24 treatments, tags": "sessions=24, tags=True",
}
UNSENT = "sessions=24, tags=True, acked=False"
HEADS = (
    "day",
    "records",
    "octets/record",
    "erases/day",
    "erases/hour",
    "written/day",
    "years (400)",
    "years (OTA)",
    "hottest",
)
FIELDS = (
    "name",
    "records",
    "octets_per_record",
    "erases_per_day",
    "erases_per_hour",
    "written_per_day",
    "years_in_free_blocks",
    "years_in_ota_partition",
    "years_of_hottest_block",
)


def compiled(folder: Path) -> Path:
    """The modules that a unit runs, and these measurements, as a board would hold them."""
    paths = [each for pattern in MODULES for each in sorted(CHECKOUT.glob(pattern))]
    for name, code in image.compiled(str(path.relative_to(CHECKOUT)) for path in paths).items():
        out = folder / name
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(code)
    return folder


def measure(folder: Path, name: str, days: int, arguments: str, heap: str = "192k") -> dict[str, Any]:
    """What flash_wear.days prints, in so much heap."""
    call = f"days({name!r}, {days}, {PARTITION}, {JOURNAL}, {arguments})"
    command = [str(tool("micropython")), "-X", f"heapsize={heap}", "-c"]
    script = f"from tests.firmware.esp32.flash_wear import days; {call}"
    ran = subprocess.run([*command, script], cwd=folder, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(ran.stdout + ran.stderr)
    return judged(json.loads(ran.stdout))


def judged(said: dict[str, Any]) -> dict[str, Any]:
    """The figures of a run, with those that follow from them."""
    a_day = said["erases"] / said["days"]
    said["octets_per_record"] = round(said["octets"] / (said["records"] - said["first"] + 1), 1)
    said["erases_per_day"], said["erases_per_hour"] = round(a_day, 1), round(a_day / 24, 2)
    said["written_per_day"] = said["written"] // said["days"]
    said["years_in_free_blocks"] = round(FREE_BLOCKS * CYCLES / a_day / 365)
    said["years_in_ota_partition"] = round(PARTITION * CYCLES / a_day / 365)
    hottest = round(CYCLES / (said["worn_most"] / said["days"]) / 365)
    said["years_of_hottest_block"] = hottest if said["days"] >= LONG else "-"
    return said


def table(rows: list[dict[str, Any]]) -> str:
    """The figures for people."""
    lines = [HEADS, *[tuple(str(row[each]) for each in FIELDS) for row in rows]]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )


def run(days: int) -> list[dict[str, Any]]:
    """All days of DAYS, and 30 days that nobody fetched."""
    with tempfile.TemporaryDirectory() as made:
        folder = compiled(Path(made))
        rows = [measure(folder, name, days, arguments) for name, arguments in DAYS.items()]
        return [*rows, measure(folder, "30 days unsent", 30, UNSENT)]


def main() -> None:
    asked = argparse.ArgumentParser(description="flash wear, measured")
    asked.add_argument("--days", type=int, default=3)
    asked.add_argument("--json", type=Path)
    told = asked.parse_args()
    rows = run(told.days)
    print(table(rows))
    unsent = rows[-1]
    print(
        f"\n30 days unsent: {unsent['records']} records, all kept and read again: {unsent['lines']}; "
        f"{unsent['octets'] / 1024:.0f} KiB; the journal holds {unsent['heap_held']} octets of heap; "
        f"one sync took at most {unsent['most_erases']} erases and {unsent['most_programs']} programs"
    )
    if told.json:
        told.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
