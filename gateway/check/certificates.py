"""The certificates that a reconciliation leaves behind, examined for `check`: every verdict by itself, and what all of
them say together of bill lines and sessions. Given is only the watched time that the ledger says.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence

from gateway.check import attended
from gateway.check.catalogue import Item
from gateway.check.faults import Fault
from gateway.check.reread import Holdings, Line, Session
from gateway.check.said import LEFT_OVER, MATCHED, Json, Run, ms, second, window_of, yuan
from gateway.check.witnesses import elsewhere, examine_classes

LONG_BURN_S = 900


def examine(run: Run, held: Holdings) -> Iterator[Fault]:
    """Everything that a run says and the ledger does not bear out."""
    for row, said in run.verdicts:
        yield from _verdict(row, said, run, held)
    yield from _lines(run, held)
    yield from _carried(run, held)
    yield from examine_classes(run, held)
    for row, said in run.leads:
        kept = (row["lead"], row["rule"], row["day"], yuan(row["amount_fen"]))
        if kept != (said["id"], said["rule"], said["day"], said["amount"]):
            yield Fault("lead", row["lead"])
    for row in run.coverage:
        dark_ms = sum(end - start for start, end in json.loads(row["dark"]))
        if not 0 <= row["open_s"] - dark_ms // 1000 - row["watched_s"] <= 1:
            yield Fault("coverage", f"{row['device']} {row['day']}")


# --- one verdict --------------------------------------------------------------------------------------------------


def _verdict(row: sqlite3.Row, said: Json, run: Run, held: Holdings) -> Iterator[Fault]:
    where = f"{row['line']}#{row['index']}"
    kept = (row["line"], row["index"], row["item"], row["code"], yuan(row["amount_fen"]), row["day"])
    named = tuple(said[name] for name in ("line", "index", "item", "verdict", "amount"))
    if kept != (*named, said["charged"][:10]):
        yield Fault("verdict", where)
    item = held.item(row["item"], row["day"])
    if said["item_required_s"] != item.least_s or not _is_shortest(said, item, held):
        yield Fault("required", where)
    if not _is_grounded(said, run, held):
        yield Fault("grounds", where)
    elif not _fits(said, held):
        yield Fault("misfit", where)


def _is_shortest(said: Json, item: Item, held: Holdings) -> bool:
    """Whether the class takes as little as some item of it does, and no more than the treatment's own."""
    least_s = held.items.least_s(item.load)
    return said["required_s"] in least_s and (
        said["verdict"] not in MATCHED or said["required_s"] <= item.least_s
    )


def _is_grounded(said: Json, run: Run, held: Holdings) -> bool:
    """Whether what it says of records, seconds, grade and dark time is so, and as its code asks."""
    sessions = [held.sessions[key] for key in said["records"] if key in held.sessions]
    if len(sessions) != len(said["records"]):
        return False
    if said["verdict"] in ("supported", "short"):
        return len(sessions) == 1 and not said["dark"] and _says_of(sessions[0], said, run, held)
    if said["active_s"] is not None or said["grade"] is not None:
        return False
    if said["verdict"] == "unobserved":
        grounds = said["line"] in said["among"] and said["dark"]
        return bool(grounds) and all(_was_dark(each, run, held) for each in said["dark"])
    return not sessions and not said["dark"] and _is_metered_as_said(said, run, held)


def _says_of(session: Session, said: Json, run: Run, held: Holdings) -> bool:
    """Whether seconds, grade and tag are so."""
    all_of_it = said["active_s"] == session.active_s
    if said.get("tagged", False) and said["visit"] not in session.visits:
        return False
    if session.unit == attended.NAME:
        return _stood(session, said, run, held) and (all_of_it or said["verdict"] == "short")
    approved_ms = held.approved.get(session.unit)
    vouched = approved_ms is not None and approved_ms <= run.made_ms
    grade = "A" if vouched and not session.plug else "B"
    return said["grade"] == grade and (all_of_it or said["verdict"] == "short")


def _was_dark(dark: Sequence[str], run: Run, held: Holdings) -> bool:
    """Whether the run's coverage says so, as far as it covers the days."""
    start_ms, end_ms = ms(dark[1]), ms(dark[2])
    device = held.device_of(dark[0], start_ms)
    if not (run.covers(held.day(start_ms)) and run.covers(held.day(end_ms - 1))):
        return device in held.devices
    return any(start <= start_ms and end_ms <= end for start, end in run.dark(device))


def _is_metered_as_said(said: Json, run: Run, held: Holdings) -> bool:
    """Whether the class had a device or the line a record, as all codes ask but `not_metered`."""
    load = held.item(said["item"], said["charged"][:10]).load
    recorded = held.has_record(held.recorded, said, run.made_ms)
    if said["verdict"] == "not_metered":
        first, last = (each[:10] for each in said["window"])
        here = {row["device"] for row in run.coverage if first <= row["day"] <= last}
        without = not recorded or held.has_record(held.undone, said, run.made_ms)
        return without and not any(held.devices[device].load == load for device in here)
    return said["verdict"] == "reversed" or recorded or held.had_device(load, window_of(said))


def _stood(session: Session, said: Json, run: Run, held: Holdings) -> bool:
    """Whether an attended record stood at the time of the run, for a visit and of an item that it is about."""
    load = held.item(said["item"], said["charged"][:10]).load
    of_visit = held.had_device(load, window_of(said)) or said["visit"] in session.visits
    return said["grade"] == "C" and session.load == load and session.was_known(run.made_ms) and of_visit


def _fits(said: Json, held: Holdings) -> bool:
    """Whether its session and its window leave room for the seconds that it says."""
    if said["verdict"] not in ("supported", "short"):
        return True
    session, (first_ms, last_ms) = held.sessions[said["records"][0]], window_of(said)
    if said["verdict"] == "supported":
        return session.holds(said["required_s"], (first_ms, last_ms))
    inside_ms = min(session.end_ms, last_ms) - max(session.start_ms, first_ms)
    return 0 < said["active_s"] <= min(session.active_s, inside_ms // 1000)


# --- all verdicts -------------------------------------------------------------------------------------------------


def _lines(run: Run, held: Holdings) -> Iterator[Fault]:
    """Every line that was charged in the period and known by then has its treatments, and no other has.

    A file that came after the run may have changed any line: then only those that are missing are found. What codes mean may
    have changed after it too: then lines may have an item that had none.
    """
    judged: dict[str, list[Json]] = defaultdict(list)
    for _, said in run.verdicts:
        judged[said["line"]].append(said)
    assigned = held.assigned_ms.get(run.clinic, 0) > run.made_ms
    unchanged = held.told_ms.get(run.teller, 0) <= run.made_ms and not assigned
    for name, line in held.lines_of(run.teller).items():
        if run.covers(line.day) and line.told_ms <= run.made_ms:
            treatments = judged.pop(name, [])
            if not (_tell(treatments, line) if unchanged else treatments or assigned or not line.treatments):
                yield Fault("bill", name)
    for name in judged if unchanged else ():
        yield Fault("bill", name)


def _tell(treatments: Sequence[Json], line: Line) -> bool:
    """Whether treatments, money, item, visit, window and reversal of a line are as it was charged."""
    share = line.amount_fen // max(line.treatments, 1)
    amounts = [yuan(share)] * (line.treatments - 1)
    amounts += [yuan(line.amount_fen - share * (line.treatments - 1))] * (line.treatments > 0)
    charged = (line.visit, line.item, second(line.charged_ms), line.is_reversed)
    window = [second(each) for each in line.window]
    return [(each["index"], each["amount"]) for each in treatments] == list(
        enumerate(amounts, start=1)
    ) and all(
        charged == (each["visit"], each["item"], ms(each["charged"]), each["verdict"] == "reversed")
        and window == [ms(instant) for instant in each["window"]]
        and (each["verdict"] in (*LEFT_OVER, "unobserved") or not each["among"])
        and (each["verdict"] == "supported" or each["fit"] is None)
        for each in treatments
    )


def _carried(run: Run, held: Holdings) -> Iterator[Fault]:
    """No session carries more treatments than fit; one that is far longer than they could take is said to be."""
    windows = {window for window, _ in elsewhere(run, held)}
    for key, users in run.users().items():
        session = held.sessions.get(key)
        if session is None:
            continue
        if len(users) > held.room(session, users[0]["required_s"]):
            yield Fault("overfull", key)
        if not any(session.holds(users[0]["required_s"], window) for window in windows):
            yield from (
                Fault("fit", key) for said in users if said["fit"] != _fit(session, said, users, held)
            )


def _fit(session: Session, said: Json, users: Sequence[Json], held: Holdings) -> str:
    longest_s = held.item(said["item"], said["charged"][:10]).longest_s
    return "long_burn" if session.active_s > len(users) * longest_s + LONG_BURN_S else "ordinary"
