"""What the unit's program takes of a board, measured: heap, speed, records, flash.

    python -m tests.firmware.esp32.figures [--days 30] [--write] [--json FILE]

The program that ships runs in place (ROMFS, outside the heap) under i386 MicroPython in 96 KiB, the scripted board's own
modules among them, against a real Mosquitto, under virtual time. --write puts the table into docs/unit-figures.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from firmware.rpi import image
from tests.firmware.esp32 import bench, wear
from tests.firmware.esp32.gateway import Authority, Gateway, broker, now_ms, told
from tests.support.tools import CHECKOUT

PAGE = CHECKOUT / "docs/unit-figures.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"
HOUR, DAY = 3600, 86400
SIGNING_MS = 200  # what a signature is taken to cost on an ESP32: nobody has timed one
EVERY_MS = 10000  # of the long runs, so that a month takes minutes


EVERYTHING = {"ntp": "time.example", "reader": "pn532", "tag_key": "ab" * 32}


class Row(NamedTuple):
    """One figure, in Chinese and English; `value` is a number or two, in `per`."""

    name: str
    zh: str
    en: str
    value: str
    per: str


@contextmanager
def clinic(folder: Path, tls: bool) -> Iterator[tuple[Gateway, dict[str, Any]]]:
    """A gateway at a broker of its own, and what a unit has to be told besides."""
    authority = Authority(folder)
    authority.issue("gateway")
    made = broker(folder / "broker", authority.settings() if tls else "")
    gateway = Gateway(made.port, folder / "ca.pem" if tls else None)
    more: dict[str, Any] = {"calendar_ms": now_ms(), "signing_ms": SIGNING_MS, "changes": {}}
    if tls:
        more["files"] = {"ca.der": str(folder / "ca.der")}
        more["changes"] = {"mqtt": {"ca": "/ca.der", "name": "gateway"}}
    try:
        yield gateway, more
    finally:
        gateway.close()
        made.stop()


def live(
    place: Path,
    folder: Path,
    until_s: int,
    tls: bool = False,
    heap: str = bench.HEAP,
    every_ms: int = 1000,
    besides: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What was seen of so many simulated seconds: reports each hour, and what the gateway got."""
    with clinic(folder, tls) as (gateway, more):
        more["changes"] |= {"meter": {"every_ms": every_ms}, **(besides or {})}
        more["look_ms"] = 60000 if tls else 5000
        *reports, end = bench.run(place, "days", told(gateway.port, until_s, **more), heap)
        lengths = [len(line) for line in gateway.lines]
    missed = reports[-1]["at_s"] * 1000 // every_ms - reports[-1]["readings"]
    return {"reports": reports, "end": end, "lengths": lengths, "missed": missed}


def month(place: Path, folder: Path, days: int) -> list[Row]:
    """The heap of a month, TLS off and on, side by side."""
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(live, place, folder / str(tls), days * DAY, tls, every_ms=EVERY_MS)
            for tls in (False, True)
        ]
        plain, secured = [each.result() for each in runs]
    rows = []
    for name, zh, en, seen in (
        ("plain", "不用 TLS", "without TLS", plain),
        ("tls", "用 TLS", "with TLS", secured),
    ):
        free = [each["free"] for each in seen["reports"]]
        what = (
            f"{days} 天，{zh}：空闲堆，第 1 小时后 / 结束时 / 最少",
            f"{days} days {en}: free heap after hour 1 / at the end / least",
        )
        rows.append(Row(f"free_{name}", *what, f"{free[0]} / {free[-1]} / {min(free)}", "B"))
        what = f"{days} 天，{zh}：错过的读数 / 读数", f"{days} days {en}: readings missed / taken"
        rows.append(Row(f"missed_{name}", *what, f"{seen['missed']} / {seen['reports'][-1]['readings']}", ""))
    sent = plain["lengths"]
    rows.append(
        Row(
            "record",
            "一条记录，发出时：中位 / 最大",
            "a record as sent: median / largest",
            f"{statistics.median(sent):.0f} / {max(sent)}",
            "B",
        )
    )
    return rows


def code(place: Path, files: Path, folder: Path) -> list[Row]:
    """What the program holds of the heap when it runs in place, and when it was loaded from files."""
    used = [
        live(each, folder / f"code{number}", HOUR, heap="256k")["reports"][-1]["used"]
        for number, each in enumerate((place, files))
    ]
    everything = live(place, folder / "everything", HOUR, True, "256k", besides=EVERYTHING)["reports"][-1][
        "used"
    ]
    return [
        Row("image", "发布的映像", "the image that ships", str(len(image.image())), "B"),
        Row(
            "used",
            "运行中占用的堆：就地运行 / 从文件装载",
            "heap in use: run in place / loaded from files",
            f"{used[0]} / {used[1]}",
            "B",
        ),
        Row(
            "everything",
            "就地运行，再加 TLS、时间服务器、域名、读卡器",
            "in place, with TLS, time server, names and card reader besides",
            str(everything),
            "B",
        ),
    ]


def second_by_second(place: Path, folder: Path) -> list[Row]:
    """A day at one reading a second, every signature taking what an ESP32 is thought to take."""
    seen = live(place, folder / "day", DAY)
    last = seen["reports"][-1]
    what = (
        f"一天，每秒一次，每次签名 {SIGNING_MS} ms：错过 / 读数",
        f"a day at 1 Hz, {SIGNING_MS} ms a signature: readings missed / taken",
    )
    return [
        Row("missed", *what, f"{seen['missed']} / {last['readings']}", ""),
        Row("signatures", "其间的签名", "signatures in it", str(last["signatures"]), ""),
    ]


def signature(place: Path) -> Row:
    """Timed here; an ESP32 is some two hundred times slower."""
    said = bench.run(place, "signing", {"rounds": 9, "signatures": 100})[0]
    return Row(
        "signature",
        "一次签名，本机 i386 MicroPython",
        "a signature, i386 MicroPython on this machine",
        f"{said['us'] / 1000:.2f}",
        "ms",
    )


def flash() -> list[Row]:
    """Of a day with 24 treatments, by wear.py."""
    with tempfile.TemporaryDirectory() as folder:
        said = wear.measure(wear.compiled(Path(folder)), "24 treatments", 3, wear.DAYS["24 treatments"])
    return [
        Row("kept", "一条记录在闪存里", "a record in flash", str(said["octets_per_record"]), "B"),
        Row(
            "erases",
            "每小时擦除 / 写入字节",
            "erases / bytes written an hour",
            f"{said['erases_per_hour']} / {said['written_per_day'] // 24}",
            "",
        ),
        Row(
            "years",
            "闪存寿命，十万次、400 个空闲块",
            "flash lasts, at 100,000 cycles in 400 free blocks",
            str(said["years_in_free_blocks"]),
            "a",
        ),
    ]


def measured(days: int) -> list[Row]:
    """Every figure."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for each in ("files", "False", "True"):
            (folder / each).mkdir()
        place, files = bench.build(folder), bench.unpack(folder / "files")
        return [
            *code(place, files, folder),
            *month(place, folder, days),
            *second_by_second(place, folder),
            signature(place),
            *flash(),
        ]


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = ["| 数字 | figure | |", "|---|---|---|"]
    return "\n".join(
        [*lines, *[f"| {row.zh} | {row.en} | {row.value} {row.per}".rstrip() + " |" for row in rows]]
    )


def write(text: str) -> None:
    """Put the table between the marks of the page."""
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", "utf-8")


def main() -> None:
    asked = argparse.ArgumentParser(description="the unit's figures, measured")
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--write", action="store_true", help="into docs/unit-figures.md")
    asked.add_argument("--json", type=Path)
    chosen = asked.parse_args()
    rows = measured(chosen.days)
    print(table(rows))
    if chosen.write:
        write(table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps([row._asdict() for row in rows], ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
