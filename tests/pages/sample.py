"""A clinic day as a ledger holds it: four lamps, two stimulators, some sixty bill lines, and what went wrong that day."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from gateway.config import Config
from gateway.instants import iso, midnight_ms
from gateway.ledger.schema import migrations
from protocol import record, seal

DAY = date(2026, 3, 2)
CONFIG = Config(clinic="C001", name="梧桐路社区卫生服务中心", opens="08:00", closes="18:00")
MIDNIGHT_MS = midnight_ms(DAY, CONFIG.zone)
REQUIRED_S = 1140

# unit, device, load, room, bed, stations, plug; sessions as (from, minutes, end code); dark as (from, until)
_DEVICES: list[tuple[str, str, str, str, str, int, int, list[tuple[str, int, str]], list[tuple[str, str]]]] = [
    ("U1", "TDP-01", "tdp", "理疗一室", "1", 1, 0, [
        ("08:12", 21, "L"), ("08:41", 20, "L"), ("09:10", 22, "L"), ("09:44", 20, "L"), ("10:15", 21, "L"),
        ("10:48", 20, "L"), ("13:35", 21, "L"), ("14:06", 20, "L"), ("15:20", 23, "L")], []),
    ("U2", "TDP-02", "tdp", "理疗一室", "2", 1, 0, [
        ("08:20", 20, "L"), ("08:55", 21, "L"), ("09:31", 9, "P"), ("10:20", 21, "L"), ("14:10", 20, "L"),
        ("14:44", 12, "L"), ("15:31", 20, "L")], [("09:40", "10:02")]),
    ("U3", "TDP-03", "tdp", "理疗二室", "1", 2, 0, [
        ("08:30", 20, "L"), ("09:05", 21, "L"), ("13:40", 21, "L"), ("16:05", 20, "L")], [("10:30", "13:10")]),
    ("U4", "TDP-04", "tdp", "理疗二室", "2", 1, 0, [
        ("08:00", 118, "L"), ("13:00", 118, "L")], []),
    ("U5", "STIM-01", "stim", "针灸室", "1", 1, 0, [
        ("08:25", 26, "L"), ("09:02", 25, "L"), ("09:40", 27, "L"), ("10:20", 12, "L"), ("14:00", 26, "L"),
        ("14:40", 25, "L"), ("15:15", 28, "L")], []),
    ("U6", "STIM-02", "stim", "针灸室", "2", 1, 1, [
        ("08:40", 25, "L"), ("09:20", 26, "L"), ("10:05", 25, "L"), ("15:00", 25, "A")], [("15:25", "18:00")]),
]  # fmt: skip

_NAMES = {
    16: "普通针刺",
    23: "电针",
    31: "红外线治疗（TDP）",
    34: "拔罐疗法",
    26: "耳穴压丸",
}


def at(text: str) -> int:
    """The instant of HH:MM on the day."""
    hours, minutes = text.split(":")
    return MIDNIGHT_MS + (int(hours) * 60 + int(minutes)) * 60_000


def ledger(path: Path, day: bool = True) -> Database:
    """A ledger at `path`, holding the day unless told otherwise; closed by whoever asked for it."""
    db = Database(path)
    db.enable_wal()
    migrations.apply(db)
    if day:
        with db.conn:
            fill(db)
    return db


def fill(db: Database) -> None:
    """Put the whole day into the ledger."""
    for row in _DEVICES:
        _device(db, *row)
    db.table("runs").insert(
        {"run": 1, "from_day": str(DAY), "to_day": str(DAY), "made_ms": at("18:20"), "clinic": "C001"}
    )
    for _, device, _, _, _, _, _, _, dark in _DEVICES:
        _coverage(db, device, dark)
    _bills(db)
    _leads(db)
    db.table("findings").insert({
        "finding": "clock:U2:40", "code": "clock", "unit": "U2", "us": 40, "found_ms": at("10:03"),
        "zh": "单元时钟在记录 40 处跳动 131 秒，相关时段按未监测处理",
        "en": "the clock moved by 131 s at record 40; the time concerned counts as unwatched",
    })  # fmt: skip


def _device(
    db: Database, unit: str, device: str, load: str, room: str, bed: str, stations: int, plug: int,
    sessions: list[tuple[str, int, str]], _dark: list[tuple[str, str]],
) -> None:  # fmt: skip
    since = MIDNIGHT_MS - 86_400_000
    db.table("units").insert({
        "unit": unit, "clinic": "C001", "key_hex": "00", "plug": plug, "approved_ms": None if plug else since,
        "added_ms": since,
    })  # fmt: skip
    db.table("devices").insert({
        "device": device, "clinic": "C001", "load": load, "room": room, "bed": bed, "stations": stations,
        "blind": 0, "from_ms": since,
    })  # fmt: skip
    db.table("placements").insert({"unit": unit, "device": device, "from_ms": since})
    for number, (start, minutes, code) in enumerate(sessions, start=1):
        store(
            db, session(unit, number * 3, at(start), minutes * 60, code, 250_000 if load == "tdp" else 9_000)
        )


@dataclass(frozen=True)
class Stored:
    """A record as the ledger keeps it."""

    unit: str
    us: int
    at_ms: int
    line: str
    digest: str
    up: str


def session(
    unit: str, us: int, start_ms: int, seconds: int, code: str = "L", power_mw: int = 250_000, flag: str = "S"
) -> Stored:
    """A SESSION record; its seal is of the right form and nobody's."""
    who = record.Identity(unit, "0.1.0", "bench", "scripted", unit, "1")
    end_ms, up = start_ms + seconds * 1000, "ab" * 32
    readings = [record.Reading(start_ms, flag, 1_000, "B"), record.Reading(end_ms, flag, 90_000, code)]
    fields = {
        "UB": "0123456789abcdef", "US": us, "UP": up, "UM": 1, "UA": seconds, "UI": 0,
        "UW": [power_mw - 2_000, power_mw, power_mw + 2_000],
    }  # fmt: skip
    payload = record.render(who, record.SESSION, us, readings, fields)
    return Stored(unit, us, end_ms, seal.join(payload, 1, 1), seal.digest(payload), up)


def store(db: Database, each: Stored, chained: int = 1, kind: str = "SESSION") -> None:
    """Put a record into the ledger."""
    db.table("records").insert({
        "clinic": "C001", "unit": each.unit, "us": each.us, "digest": each.digest, "up": each.up, "kind": kind,
        "boot": "0123456789abcdef", "um_ms": 1, "at_ms": each.at_ms, "line": each.line, "received_ms": each.at_ms,
        "source": "mqtt", "chained": chained,
    })  # fmt: skip


def _coverage(db: Database, device: str, dark: list[tuple[str, str]]) -> None:
    spans = [[at(start), at(end)] for start, end in dark]
    open_s = 10 * 3600
    db.table("coverage").insert({
        "run": 1, "day": str(DAY), "device": device, "unit": None, "open_s": open_s,
        "watched_s": open_s - sum(end - start for start, end in spans) // 1000, "dark": json.dumps(spans),
    })  # fmt: skip


def _bills(db: Database) -> None:
    db.table("bill_files").insert({
        "file": 1, "sha256": "0" * 64, "clinic": "C001", "source": "clinic", "name": "2204.json", "format": "2204",
        "imported_ms": at("18:10"), "body": b"",
    })  # fmt: skip
    lamp = _lamp_lines(db)
    names = [name for name, _ in lamp]
    for place, (name, count) in enumerate(lamp):
        doubted = {
            4: "no_device_time",
            9: "no_device_time",
            15: "no_device_time",
            20: "short",
            12: "unobserved",
        }
        for index in range(1, count + 1):
            code = doubted.get(place, "supported") if index == count else "supported"
            among = names if code in ("no_device_time", "short", "unobserved") else []
            verdict(db, name, index, 31, code, among=among, active_s=612 if code == "short" else 1260)
    for place, name in enumerate(_stim_lines(db)):
        code = {3: "short", 7: "no_device_time", 10: "unobserved"}.get(place, "supported")
        among = [name] if code != "supported" else []
        verdict(db, name, 1, 23, code, among=among, active_s=700 if code == "short" else 1560)
    for name, item in _other_lines(db):
        verdict(db, name, 1, item, "not_metered")


def _lamp_lines(db: Database) -> list[tuple[str, int]]:
    """Thirty lines of the lamps, some of several areas; one refunded, which stands beside the rest."""
    chance = random.Random(31)
    lines = []
    for place in range(27):
        minute = 490 + place * 14 if place < 14 else 800 + (place - 14) * 13
        count = chance.choice((1, 1, 1, 2))
        name = bill(db, place, 31, minute + chance.randrange(8), count, 2000)
        lines.append((name, count))
    refunded = bill(db, 27, 31, 930, 1, 2000, reversed_by="R1")
    verdict(db, refunded, 1, 31, "reversed")
    return lines


def _stim_lines(db: Database) -> list[str]:
    minutes = (512, 530, 549, 575, 590, 610, 640, 660, 850, 880, 915, 930)
    return [bill(db, 100 + place, 23, minute, 1, 2600) for place, minute in enumerate(minutes)]


def _other_lines(db: Database) -> list[tuple[str, int]]:
    chance = random.Random(16)
    return [
        (bill(db, 200 + place, item, 485 + place * 23 + chance.randrange(20), 1, 1500), item)
        for place, item in enumerate([16, 34, 26, 16, 16, 34, 16, 26, 34, 16] * 2)
    ]


def bill(
    db: Database, number: int, item: int, minute: int, count: int, fen: int, *, reversed_by: str | None = None,
    name: str | None = None,
) -> str:  # fmt: skip
    """A bill line charged at that minute of the day; its own name."""
    line = f"2026030200{number // 3:03d}/{number:03d}"
    db.table("bill_lines").insert({
        "clinic": "C001",
        "source": "clinic", "line": line, "file": 1, "row": number + 1, "visit": line.split("/")[0], "patient": "",
        "item": item, "code": f"34010000{item}", "name": name or _NAMES[item], "count": str(count),
        "treatments": count, "amount_fen": count * fen, "charged_ms": MIDNIGHT_MS + minute * 60_000,
        "room": "康复科", "staff": "D01", "settlement": "S1", "reversed_by": reversed_by,
    })  # fmt: skip
    return line


def verdict(
    db: Database, line: str, index: int, item: int, code: str, *, among: list[str] | None = None,
    active_s: int | None = None, run: int = 1, day: date = DAY,
) -> None:  # fmt: skip
    """What the run said of one treatment of the line."""
    there = code in ("supported", "short")
    said: dict[str, Any] = {
        "line": line, "visit": line.split("/")[0], "item": item, "index": index, "verdict": code,
        "grade": "A" if there else None, "active_s": active_s if there else None, "required_s": REQUIRED_S,
        "item_required_s": REQUIRED_S, "fit": "ordinary" if code == "supported" else None,
        "records": ["U1:3"] if there else [], "among": among or [], "window": [], "amount": "20.00",
    }  # fmt: skip
    if code == "supported" and line.endswith("/006"):
        said |= {"fit": "long_burn", "records": ["U4:3"]}
    db.table("verdicts").insert({
        "run": run, "source": "clinic", "line": line, "index": index, "item": item, "code": code, "day": str(day),
        "amount_fen": 2000, "body": json.dumps(said, ensure_ascii=False),
    })  # fmt: skip


def _leads(db: Database) -> None:
    zone = CONFIG.zone
    lines = [
        row["line"] for row in db.query("SELECT line FROM bill_lines WHERE item = 31 AND reversed_by IS NULL")
    ]
    lead(db, "capacity", 6000, lines, ["U1:3", "U1:6", "U2:3", "U3:3"], 34, 31,
         [["U3", iso(at("10:30"), zone), iso(at("13:10"), zone)]],
         "2026-03-02 红外线治疗（TDP）：34 次治疗可能用到的设备时间（含未监测时段）合计只够 31 次，至少 3 次没有设备时间，涉及 60.00 元",
         "2026-03-02 infrared lamp: all device time that 34 treatments could have used (unwatched time included) suffices"
         " for 31; at least 3 had none, 60.00 yuan")  # fmt: skip
    lead(db, "dark", 8000, lines[14:18], [], 4, 0, [["U3", iso(at("10:30"), zone), iso(at("13:10"), zone)]],
         "2026-03-02 理疗二室 TDP-03：开诊时间内有 160 分钟无人监测（10:30-13:10），其间收费 4 次",
         "2026-03-02 理疗二室 TDP-03: unwatched for 160 min of opening hours (10:30-13:10); 4 treatments were charged"
         " meanwhile")  # fmt: skip
    lead(db, "unbilled", 0, [], ["U4:6"], 0, 5, [],
         "2026-03-02 理疗二室 TDP-04：开机时间中还有 5 次的时长没有对应收费（共 5940 秒）：可能漏收费、自费或空开",
         "2026-03-02 理疗二室 TDP-04: time for 5 treatments (5940 s) has no charge: a forgotten charge, self-paid, or"
         " burning for nobody")  # fmt: skip


def lead(
    db: Database, rule: str, fen: int, lines: list[str], supplies: list[str], treatments: int, capacity: int,
    dark: list[list[str]], zh: str, en: str,
) -> None:  # fmt: skip
    """A lead of the run."""
    name = f"{rule}-1"
    said = {
        "id": name, "rule": rule, "item": 31, "day": str(DAY), "treatments": treatments, "capacity": capacity,
        "lines": lines, "supplies": supplies, "dark": dark, "amount": f"{fen // 100}.00", "zh": zh, "en": en,
    }  # fmt: skip
    body = json.dumps(said, ensure_ascii=False)
    db.table("leads").insert(
        {"run": 1, "lead": name, "rule": rule, "day": str(DAY), "amount_fen": fen, "body": body}
    )
