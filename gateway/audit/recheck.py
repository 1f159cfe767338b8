"""Checks a ledger from its stored bytes, sharing nothing with the programs that wrote it but `protocol`.

It does not search for a matching; it examines the certificates that one leaves behind. A `supported` treatment names
its session, and no session may carry more than fits; a `capacity` lead names all device time that its treatments could
have used, and what it names must be all and too little (Hall's condition). Both together prove the counts.
What it takes as given: the watched time that the ledger says (a pack will carry what is needed to recompute that too).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from protocol import seal
from protocol.chain import ORIGIN
from protocol.errors import RecordError
from protocol.record import Record, parse

TOUCH_MS = 2_000
BROKEN_OFF_MS = 660_000  # how far from a session that was broken off (P, A) dark time still explains its end


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the stored bytes do not bear out. `code` is stable; `where` names the thing."""

    code: str
    where: str
    zh: str
    en: str


@dataclass(slots=True)
class Report:
    """How much was examined, and every fault found. Without faults the ledger says what its bytes say."""

    records: int = 0
    bill_files: int = 0
    verdicts: int = 0
    leads: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Session:
    key: str
    device: str
    start_ms: int
    end_ms: int
    active_s: int
    stations: int
    broken_off: bool


def recheck(db: sqlite3.Connection, keys: Mapping[str, str]) -> Report:
    """Everything in the ledger, against the public keys (unit -> DER SPKI, hex) that are handed in."""
    db.row_factory = sqlite3.Row
    report = Report()
    chains = _seals(db, keys, report)
    _chains(db, chains, report)
    _bill_files(db, report)
    sessions = _sessions(db, chains)
    for run in _newest_runs(db):
        _certificates(db, run, sessions, report)
        _witnesses(db, run, sessions, report)
    return report


def _seals(db: sqlite3.Connection, keys: Mapping[str, str], report: Report) -> dict[str, dict[int, Record]]:
    """unit -> us -> record, of every chained record whose seal is good; the others are faults."""
    chains: dict[str, dict[int, Record]] = {}
    verifiers = {unit: _verifier(key) for unit, key in keys.items()}
    for row in db.execute("SELECT unit, us, digest, line, chained FROM records ORDER BY unit, us"):
        report.records += 1
        where = f"{row['unit']}:{row['us']}"
        if row["unit"] not in verifiers:
            report.faults.append(Fault("no_key", where, "没有这个单元的公钥", "no public key for this unit"))
            continue
        try:
            record = parse(seal.check(row["line"], verifiers[row["unit"]]))
        except RecordError as error:
            report.faults.append(
                Fault(error.code, where, f"签名或内容不成立：{error.why}", f"seal or content: {error.why}")
            )
            continue
        if (record.unit, record.us, record.digest) != (row["unit"], row["us"], row["digest"]):
            report.faults.append(
                Fault("misfiled", where, "记录存放的编号与内容不符", "filed under what it does not say")
            )
        elif row["chained"] == 1:
            chains.setdefault(record.unit, {})[record.us] = record
    return chains


def _verifier(key_hex: str) -> Any:
    key = load_der_public_key(bytes.fromhex(key_hex))
    assert isinstance(key, ec.EllipticCurvePublicKey)

    def verify(message: bytes, r: int, s: int) -> bool:
        try:
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    return verify


def _chains(db: sqlite3.Connection, chains: Mapping[str, Mapping[int, Record]], report: Report) -> None:
    skipped = {(row["unit"], row["to_us"]) for row in db.execute("SELECT unit, to_us FROM skips")}
    for head in db.execute("SELECT * FROM heads"):
        unit, chain = head["unit"], chains.get(head["unit"], {})
        up = head["first_up"]
        for us in range(head["first_us"], head["us"] + 1):
            if us not in chain:
                if not _passed(unit, us, skipped):
                    report.faults.append(
                        Fault("missing", f"{unit}:{us}", "链中缺少这条记录", "missing from the chain")
                    )
                up = None
                continue
            if up is not None and chain[us].up != up or us == 1 and chain[us].up != ORIGIN:
                report.faults.append(
                    Fault("chain", f"{unit}:{us}", "与前一条不相接", "does not follow the one before")
                )
            up = chain[us].digest
        if up != head["digest"]:
            report.faults.append(Fault("head", unit, "链头与记录不符", "the head is not the last record"))


def _passed(unit: str, us: int, skipped: set[tuple[str, int]]) -> bool:
    return any(unit == name and us < to_us for name, to_us in skipped)


def _bill_files(db: sqlite3.Connection, report: Report) -> None:
    for row in db.execute("SELECT file, name, sha256, body FROM bill_files"):
        report.bill_files += 1
        if hashlib.sha256(row["body"]).hexdigest() != row["sha256"]:
            report.faults.append(
                Fault("bill_file", row["name"], "账单文件被改动", "the bill file was changed")
            )


def _sessions(db: sqlite3.Connection, chains: Mapping[str, Mapping[int, Record]]) -> dict[str, _Session]:
    """Every session on the device where its unit was when it began, by `unit:us`; its instants are the unit's own."""
    found = {}
    placements = db.execute("SELECT * FROM placements JOIN devices USING (device)").fetchall()
    for row in placements:
        left_ms = row["until_ms"]
        for us, record in chains.get(row["unit"], {}).items():
            if record.kind != "SESSION":
                continue
            begin, end = record.readings
            if row["from_ms"] <= begin.at_ms and (left_ms is None or begin.at_ms < left_ms):
                stay = (
                    row["device"],
                    begin.at_ms,
                    end.at_ms,
                    record.active_s,
                    row["stations"],
                    end.tx != "L",
                )
                found[f"{row['unit']}:{us}"] = _Session(f"{row['unit']}:{us}", *stay)
    return found


def _newest_runs(db: sqlite3.Connection) -> list[int]:
    rows = db.execute("SELECT max(run) AS run FROM runs GROUP BY from_day, to_day")
    return [row["run"] for row in rows]


def _certificates(db: sqlite3.Connection, run: int, sessions: Mapping[str, _Session], report: Report) -> None:
    """Each supported treatment rests on a session that could have carried it, and none carries too many."""
    carried: dict[str, list[int]] = {}
    for row in db.execute("SELECT body FROM verdicts WHERE run = ?", [run]):
        said = json.loads(row["body"])
        report.verdicts += 1
        if said["verdict"] != "supported":
            continue
        where = f"{said['line']}#{said['index']}"
        session = sessions.get(said["records"][0])
        if session is None or session.active_s != said["active_s"]:
            report.faults.append(
                Fault("no_session", where, "所依据的会话不存在或不同", "its session is not as said")
            )
        elif not _compatible(session, said):
            report.faults.append(
                Fault("misfit", where, "会话与该次治疗的时间不相容", "its session does not fit it")
            )
        else:
            carried.setdefault(session.key, []).append(said["required_s"])
    for key, required in carried.items():
        if len(required) > sessions[key].active_s // required[0] * sessions[key].stations:
            report.faults.append(
                Fault("overfull", key, "会话承载的治疗过多", "carries more treatments than fit")
            )


def _compatible(session: _Session, said: Mapping[str, Any]) -> bool:
    first, last = (_ms(each) for each in said["window"])
    return max(session.start_ms, first) <= min(session.end_ms - said["required_s"] * 1000, last + 999)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _witnesses(db: sqlite3.Connection, run: int, sessions: Mapping[str, _Session], report: Report) -> None:
    """Each capacity lead names all that its treatments could have used, and that is too little."""
    verdicts = [
        json.loads(row["body"]) for row in db.execute("SELECT body FROM verdicts WHERE run = ?", [run])
    ]
    loads = {row["device"]: row["load"] for row in db.execute("SELECT device, load FROM devices")}
    for row in db.execute("SELECT body FROM leads WHERE run = ? AND rule = 'capacity'", [run]):
        lead = json.loads(row["body"])
        report.leads += 1
        asked = [
            each for each in verdicts if each["line"] in set(lead["lines"]) and each["verdict"] != "reversed"
        ]
        named = [sessions[key] for key in lead["supplies"] if key in sessions]
        capacity = _capacity(named, _named_dark(db, lead), asked[0]["required_s"]) if asked else 0
        if (
            len(named) != len(lead["supplies"])
            or capacity != lead["capacity"]
            or len(asked) != lead["treatments"]
        ):
            report.faults.append(
                Fault("witness", lead["id"], "线索的算式不成立", "the arithmetic of the lead is wrong")
            )
        classes = {loads[session.device] for session in named}
        for session in sessions.values():
            usable = session.active_s >= asked[0]["required_s"] and loads[session.device] in classes
            if usable and session not in named and any(_compatible(session, each) for each in asked):
                report.faults.append(
                    Fault("left_out", session.key, f"线索 {lead['id']} 漏掉了这段会话", "left out of a lead")
                )


def _named_dark(db: sqlite3.Connection, lead: Mapping[str, Any]) -> list[tuple[str, int, int, int]]:
    """(device, from, until, stations) of the unwatched time that a lead counts."""
    placed = {
        row["unit"]: row["device"]
        for row in db.execute("SELECT unit, device FROM placements ORDER BY from_ms")
    }
    stations = {row["device"]: row["stations"] for row in db.execute("SELECT device, stations FROM devices")}
    return [
        (device, _ms(start), _ms(end), stations[device])
        for name, start, end in lead["dark"]
        for device in [placed.get(name, name)]
    ]


def _capacity(
    sessions: Sequence[_Session], darks: Sequence[tuple[str, int, int, int]], required_s: int
) -> int:
    """How many treatments fit: each session by itself, and more where it is joined with the dark beside it."""
    groups: list[tuple[list[_Session], list[tuple[str, int, int, int]]]] = []
    for dark in sorted(darks):
        joined = [group for group in groups if _meet(group, dark, sessions)]
        groups = [group for group in groups if group not in joined]
        members = [session for group in joined for session in group[0]]
        members += [each for each in sessions if each not in members and _touches(each, dark)]
        groups.append((members, [*(each for group in joined for each in group[1]), dark]))
    own = sum(each.active_s // required_s * each.stations for each in sessions)
    return own + sum(_extra(members, spans, required_s) for members, spans in groups)


def _meet(group: Any, dark: tuple[str, int, int, int], sessions: Sequence[_Session]) -> bool:
    members, spans = group
    near = any(each[0] == dark[0] and abs(each[2] - dark[1]) <= TOUCH_MS for each in spans)
    return near or any(_touches(session, dark) for session in members)


def _touches(session: _Session, dark: tuple[str, int, int, int]) -> bool:
    device, start_ms, end_ms, _ = dark
    if session.device != device:
        return False
    near = any(
        start_ms - TOUCH_MS <= each <= end_ms + TOUCH_MS for each in (session.start_ms, session.end_ms)
    )
    return near or session.broken_off and 0 <= start_ms - session.end_ms <= BROKEN_OFF_MS


def _extra(members: Sequence[_Session], spans: Sequence[tuple[str, int, int, int]], required_s: int) -> int:
    seconds = sum(each.active_s for each in members) + sum(end - start for _, start, end, _ in spans) // 1000
    stations = max(each[3] for each in spans)
    return max(seconds // required_s - sum(each.active_s // required_s for each in members), 0) * stations


def documents(report: Report) -> Iterator[dict[str, str]]:
    """The faults as JSON objects."""
    for fault in report.faults:
        yield {"code": fault.code, "where": fault.where, "zh": fault.zh, "en": fault.en}
