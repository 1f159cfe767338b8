"""More was charged than device time could serve: capacity, short, device_idle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from gateway.audit.facts import Facts, Settled, doubted_sets_of
from gateway.audit.hours import QUARTER_MS
from gateway.audit.match import Treatment, Witness
from gateway.audit.rules.found import (
    Figures,
    Found,
    days,
    least_fen,
)
from gateway.audit.supplies import Session, Supply
from gateway.audit.verdicts import SHORT_S, Verdict
from gateway.ledger.bills import BillLine


def capacity(facts: Facts, rule: Figures) -> Iterator[Found]:
    """A set of treatments and all that any of them could have used, which is too little (Hall's condition)."""
    for settled in facts.settled:
        for witness in settled.judgement.witnesses:
            charged = [facts.day_of(each.charged_ms) for each in witness.treatments]
            reported = [day for day in charged if facts.from_day <= day <= facts.to_day]
            if reported:
                yield _too_little(settled, witness, min(reported), days(min(charged), max(charged)))


def _too_little(settled: Settled, witness: Witness, day: date, said: str) -> Found:
    over = len(witness.treatments) - witness.capacity
    lines = {each.line for each in witness.treatments}
    sessions = {session.key for supply in witness.supplies for session in supply.sessions}
    darks = {(dark.name, dark.from_ms, dark.until_ms) for each in witness.supplies for dark in each.darks}
    return Found(
        identity=sorted(lines),
        day=day,
        item=min(each.item for each in witness.treatments),
        treatments=len(witness.treatments),
        capacity=witness.capacity,
        lines=lines,
        supplies=sessions,
        dark=darks,
        amount_fen=least_fen(witness.treatments, over),
        said={"day": said, "over": over, **_time_of(settled)},
        parameters={"required_s": settled.case.required_s},
        witness=[_carried(each) for each in witness.supplies],
    )


def _time_of(settled: Settled) -> dict[str, object]:
    """What treatments of the class could have used: what devices saw and did not see, or what people recorded."""
    if settled.case.inventory:
        beside = {"beside_zh": "（含未监测时段）", "beside_en": " (unwatched time included)"}
        return {"time_zh": "设备时间", "time_en": "device time", **beside}
    return {"time_zh": "人工登记的时间", "time_en": "recorded time", "beside_zh": "", "beside_en": ""}


def _carried(supply: Supply) -> dict[str, object]:
    """What one supply carries: floor(active / required) x stations; of dark time, what it adds to the sessions beside it."""
    if not supply.darks and len(supply.sessions) == 1:
        (session,) = supply.sessions
        return {
            "records": [session.key],
            "dark": [],
            "from_ms": session.start_ms,
            "until_ms": session.end_ms,
            "active_s": session.active_s,
            "dark_s": 0,
            "stations": session.stations,
            "carries": supply.capacity,
        }
    spans = [(each.start_ms, each.end_ms) for each in supply.sessions]
    spans += [(each.from_ms, each.until_ms) for each in supply.darks]
    stations = [each.stations for each in supply.sessions] + [each.stations for each in supply.darks]
    active_s = sum(each.active_s for each in supply.sessions)
    return {
        "records": [each.key for each in supply.sessions],
        "dark": sorted({each.name for each in supply.darks}),
        "from_ms": min(start for start, _ in spans),
        "until_ms": max(end for _, end in spans),
        "active_s": active_s,
        "dark_s": sum(each.until_ms - each.from_ms for each in supply.darks) // 1000,
        "stations": max(stations),
        "carries": supply.capacity,
    }


def short(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Treatments for which there was device time, but less than required; one lead for each class, day and room.

    Which line of a doubted set got the short time is chance: all of them are named, and the least they can have cost. Staff
    stand in it only where the set is one line.
    """
    billed = {line.line: line for line in facts.lines}
    for settled in facts.settled:
        cut = [each for each in settled.judgement.verdicts if each.code == "short"]
        charged = {each.line: facts.day_in_period(billed[each.line].charged_ms) for each in cut}
        cut = [each for each in cut if charged[each.line]]
        rooms = {id(among): _room(among, billed) for among in doubted_sets_of(cut)}
        found: dict[tuple[date, str], list[Verdict]] = defaultdict(list)
        for verdict in cut:
            found[charged[verdict.line] or date.min, rooms[id(verdict.among)]].append(verdict)
        if not found:
            continue
        parts, doubted = _Parts(facts, settled, rule["beside_s"] * 1000), _doubted(settled, cut)
        for (day, room), verdicts in found.items():
            rows = [_cut_row(each, room, billed, parts) for each in verdicts]
            yield _cut(settled, day, room, verdicts, rows, doubted)


def _cut_row(verdict: Verdict, room: str, billed: Mapping[str, BillLine], parts: _Parts) -> dict[str, object]:
    """One treatment that was cut short; whose it was only where nobody else could be meant."""
    record = (*verdict.records, "")[0]
    return {
        "record": record,
        "active_s": verdict.active_s,
        "together_s": parts.together_s(record),
        "among": len(verdict.among),
        "room": room,
        "staff": billed[verdict.line].staff if len(verdict.among) == 1 else "",
    }


class _Parts:
    """Sessions of a device that are each too short for a treatment and follow one another closely: perhaps the parts of one."""

    def __init__(self, facts: Facts, settled: Settled, beside_ms: int) -> None:
        self._required_s, self._beside_ms = settled.case.required_s, beside_ms
        self._of_device: dict[str, list[Session]] = defaultdict(list)
        self._place: dict[str, tuple[str, int]] = {}
        for session in facts.metered[settled.load]:
            of_device = self._of_device[session.device]
            self._place[session.key] = session.device, len(of_device)
            of_device.append(session)

    def together_s(self, record: str) -> int:
        """The seconds of the session and of those beside it that are parts too."""
        if record not in self._place:
            return 0
        device, place = self._place[record]
        sessions = self._of_device[device]
        before, after = (
            self._run(sessions, each) for each in (range(place, -1, -1), range(place, len(sessions)))
        )
        return before + after - sessions[place].active_s

    def _run(self, sessions: Sequence[Session], places: range) -> int:
        """The seconds of the first, and of those after it for as long as they are parts and near."""
        last = sessions[places[0]]
        seconds = last.active_s
        for each in map(sessions.__getitem__, places[1:]):
            apart_ms = max(each.start_ms - last.end_ms, last.start_ms - each.end_ms)
            if each.active_s >= self._required_s or apart_ms > self._beside_ms:
                break
            seconds, last = seconds + each.active_s, each
        return seconds


def _doubted(settled: Settled, cut: Iterable[Verdict]) -> Mapping[str, list[Treatment]]:
    """Line -> its treatments, of all lines that share a doubt with one of these."""
    found: dict[str, list[Treatment]] = {line: [] for among in doubted_sets_of(cut) for line in among}
    for each in settled.case.treatments:
        if each.line in found:
            found[each.line].append(each)
    return found


def _cut(
    settled: Settled,
    day: date,
    room: str,
    verdicts: list[Verdict],
    rows: list[dict[str, object]],
    doubted: Mapping[str, list[Treatment]],
) -> Found:
    lines = {line for among in doubted_sets_of(verdicts) for line in among}
    required_s = settled.case.required_s
    staff = " ".join(sorted({str(row["staff"]) for row in rows})) if all(row["staff"] for row in rows) else ""
    whole = sum(int(str(row["together_s"])) >= required_s for row in rows)
    return Found(
        identity=(settled.load, day, *sorted(lines)),
        day=day,
        item=min(each.item for each in verdicts),
        treatments=len(verdicts),
        lines=lines,
        supplies={record for each in verdicts for record in each.records},
        amount_fen=least_fen((each for line in lines for each in doubted[line]), len(verdicts)),
        said={
            "place": (place := " ".join(filter(None, (room, staff)))),
            "gap": " " if place else "",
            "seconds": ", ".join(str(each.active_s) for each in verdicts),
            "required_s": required_s,
            **_time_of(settled),
            "parts_zh": f"；其中 {whole} 次同一设备前后另有短时通电，合起来够一次" if whole else "",
            "parts_en": f"; of {whole} the same device has other short sessions beside, together enough"
            if whole
            else "",
        },
        parameters={"required_s": required_s},
        witness=rows,
    )


def _room(among: Sequence[str], billed: Mapping[str, BillLine]) -> str:
    """The room of all lines that share a doubt; none where they are of several."""
    rooms = {billed[line].room for line in among}
    return rooms.pop() if len(rooms) == 1 else ""


def device_idle(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Treatments of a class were charged that can only have been done on a day on which all its devices were watched in all
    opening hours and none ran at all."""
    for settled in facts.settled:
        watched = _watched_days(facts, settled.load)
        idle = watched.keys() - _days_run(facts, settled)
        asked: dict[date, list[Treatment]] = defaultdict(list)
        for each in settled.case.treatments if idle else ():
            day = facts.day_alone(each)
            if day in idle and not each.reversed:
                asked[day].append(each)
        for day, treatments in asked.items():
            if len(treatments) >= rule["least_charged"]:
                yield _idle(facts, settled, day, treatments, watched[day])


def _idle(
    facts: Facts, settled: Settled, day: date, treatments: list[Treatment], names: Mapping[str, int]
) -> Found:
    return Found(
        identity=(facts.hours.config.clinic, settled.load, day),
        day=day,
        item=min(each.item for each in treatments),
        treatments=len(treatments),
        lines=facts.with_doubt(each.line for each in treatments),
        amount_fen=sum(each.amount_fen for each in treatments),
        said={"devices": len(names)},
        witness=[
            {"device": name, "watched_s": seconds, "sessions": 0} for name, seconds in sorted(names.items())
        ],
    )


def _watched_days(facts: Facts, load: str) -> dict[date, dict[str, int]]:
    """The days on which every device of the class was watched throughout, with the seconds of each."""
    of_day: dict[date, dict[str, int]] = defaultdict(dict)
    unwatched = set()
    for each in facts.coverage:
        if each.device.load == load:
            of_day[each.day][each.name] = each.watched_s
            if each.dark:
                unwatched.add(each.day)
    return {day: names for day, names in of_day.items() if day not in unwatched}


def _days_run(facts: Facts, settled: Settled) -> set[date]:
    """Every day on which a session of the class was, or that one reached into."""
    ran = [each for each in facts.metered[settled.load] if each.active_s >= SHORT_S]
    quarters = {each.start_ms // QUARTER_MS for each in ran} | {each.end_ms // QUARTER_MS for each in ran}
    return {facts.day_of(quarter * QUARTER_MS) for quarter in quarters}
