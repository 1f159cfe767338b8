"""Whether as many treatments as can be are supported, and why the others are not: examined for `check`, without searching
for a matching.

No treatment may be left without a session while an exchange of partners leads from it to one with room (Berge): so
there are as many as there can be. A `capacity` lead names all device time that its treatments could have used, and that
is too little (Hall): so there are at least so many without.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from gateway.check.attended import NAME
from gateway.check.doubts import Place, doubts
from gateway.check.faults import Fault
from gateway.check.joins import Dark, Group, groups_of
from gateway.check.reread import Holdings, Line, Session, Span
from gateway.check.said import LEFT_OVER, MATCHED, Json, Run, fen, merged, ms, window_of

DAY_MS = 24 * 3600 * 1000


def examine_classes(run: Run, held: Holdings) -> Iterator[Fault]:
    """Each class of devices of which a run judged something; where it had no device, each visit by itself."""
    for one in _classes(run, held):
        yield from one.measured_alike()
        yield from one.overlooked()
        yield from one.unproven()
        for lead in one.leads:
            yield from one.witness(lead)


Part = tuple[str, str | None]
"""A class of devices; for treatments in whose window it had none, and their visit."""


def _classes(run: Run, held: Holdings) -> Iterator[_Class]:
    parts = {row["line"]: _part(row, said, held) for row, said in run.verdicts}
    asked: dict[Part, list[Json]] = defaultdict(list)
    leads: dict[Part, list[Json]] = defaultdict(list)
    sessions: dict[Part, list[Session]] = defaultdict(list)
    for row, said in run.verdicts:
        asked[parts[row["line"]]] += [said] if said["verdict"] in MATCHED else []
    for row, said in run.leads:
        if row["rule"] == "capacity":
            of_class = (held.item(said["item"], said["day"]).load, None)
            leads[next((parts[line] for line in said["lines"] if line in parts), of_class)].append(said)
    alone = set(parts.values())
    for session in held.sessions.values():
        own = (session.load, session.visits[0] if session.unit == NAME else None)
        is_apart = own in alone and not held.had_device(session.load, (session.start_ms, session.start_ms))
        sessions[own if is_apart else (session.load, None)].append(session)
    users, beyond = run.users(), elsewhere(run, held)
    for which in sorted(asked.keys() | leads.keys(), key=str):
        windows = {window for window, visit in beyond if which[1] in (None, visit)}
        yield _Class(run, held, which[0], asked[which], leads[which], sessions[which], users, windows)


def _part(row: sqlite3.Row, said: Json, held: Holdings) -> Part:
    load = held.item(row["item"], row["day"]).load
    return load, None if held.had_device(load, window_of(said)) else said["visit"]


@dataclass
class _Class:
    """One class of devices in one run: the treatments that were matched, the `capacity` leads, all sessions that there
    are, who uses them, and the windows of lines of which the run says nothing."""

    run: Run
    held: Holdings
    load: str
    asked: list[Json]
    leads: list[Json]
    everything: list[Session]
    users: Mapping[str, list[Json]]
    beyond: set[Span]

    def measured_alike(self) -> Iterator[Fault]:
        """Treatments that were matched as if they took another time than the rest."""
        for said in self.asked:
            if said["required_s"] != self.required_s:
                yield Fault("required", f"{said['line']}#{said['index']}")

    @cached_property
    def required_s(self) -> int:
        """What a treatment takes at least by what is billed: the run says it, and each verdict was examined for it."""
        return min((said["required_s"] for said in self.asked), default=1)

    def room(self, session: Session) -> int:
        """How many treatments fit into a session."""
        return self.held.room(session, self.required_s)

    @cached_property
    def sessions(self) -> list[Session]:
        """Those of the class that its treatments, or what is joined with them, could have used."""
        first_ms, last_ms = self.run.reach()
        named = {key for lead in self.leads for key in lead["supplies"]}
        return [
            each
            for each in self.everything
            if each.key in named or (each.start_ms <= last_ms + DAY_MS and first_ms - DAY_MS <= each.end_ms)
        ]

    def overlooked(self) -> Iterator[Fault]:
        """Sessions with room that treatments without one could have had, be it by changing places with others."""
        required_s, users, open_ = self.required_s, self.users, self._open()
        waiting = [window_of(said) for said in self.asked if said["verdict"] != "supported"]
        for window in waiting:  # grows while it is walked
            for session in [each for each in open_.values() if each.holds(required_s, window)]:
                del open_[session.key]
                waiting += map(window_of, users.get(session.key, ()))
                if len(users.get(session.key, ())) < self.room(session):
                    yield Fault("overlooked", session.key)

    def _open(self) -> dict[str, Session]:
        """The sessions that were known then, and that no line of other days may have used."""
        required_s = self.required_s
        return {
            each.key: each
            for each in self.sessions
            if each.was_known(self.run.made_ms)
            and not any(each.holds(required_s, window) for window in self.beyond)
        }

    def unproven(self) -> Iterator[Fault]:
        """Treatments left over that are not in exactly one lead."""
        named = Counter(line for lead in self.leads for line in lead["lines"])
        for said in self.asked:
            if said["verdict"] in LEFT_OVER and named[said["line"]] != 1:
                yield Fault("unproven", f"{said['line']}#{said['index']}")

    def witness(self, lead: Json) -> Iterator[Fault]:
        """What a capacity lead says: who asked, all they could have used, and that it is too little."""
        verdicts = [said for said in self.asked if said["line"] in lead["lines"]]
        others = self._others(lead, verdicts)
        windows = {*map(window_of, verdicts), *(line.window for line in others)}
        usable, groups = self._usable(lead, windows)
        rests_on = {each.key for each in (*usable, *(each for group in groups for each in group.sessions))}
        for key in sorted(rests_on - set(lead["supplies"])):
            yield Fault("left_out", key)
        treatments = len(verdicts) + sum(line.treatments for line in others)
        capacity = sum(map(self.room, usable)) + sum(map(self._extra, groups))
        said = (lead["capacity"], lead["treatments"], set(lead["supplies"]))
        if (capacity, treatments, rests_on) != said or capacity >= treatments:
            yield Fault("witness", lead["id"])
        if _by_device(dark for group in groups for dark in group.darks) != _by_device(self._named_dark(lead)):
            yield Fault("dark", lead["id"])
        yield from _left_over(lead, verdicts, treatments, bool(others))
        yield from self._doubt(lead, verdicts, bool(others), usable, groups)

    def _doubt(
        self,
        lead: Json,
        verdicts: Sequence[Json],
        has_others: bool,
        usable: Sequence[Session],
        groups: Sequence[Group],
    ) -> Iterator[Fault]:
        """Each that is left over stands for the whole set or, alone, for itself. Where tags gave some a place, it stands
        for those who can still change places with it; what lines of other days use is not known, so then only that they
        belong to the set."""
        rests_on = bool(lead["supplies"] or lead["dark"])
        tagged = any(said.get("tagged", False) for said in verdicts)
        doubted = (
            doubts(verdicts, self._places(verdicts, usable, groups)) if tagged and not has_others else {}
        )
        for said in (each for each in verdicts if each["verdict"] in LEFT_OVER):
            line, among = said["line"], said["among"]
            expected = doubted.get((line, said["index"]), lead["lines"] if rests_on else [line])
            within = line in among and set(among) <= set(lead["lines"])
            if not within if tagged and has_others else among != expected:
                yield Fault("among", f"{line}#{said['index']}")

    def _places(
        self, verdicts: Sequence[Json], usable: Sequence[Session], groups: Sequence[Group]
    ) -> Iterator[Place]:
        required_s = self.required_s
        for session in usable:
            users = self.users.get(session.key, [])
            room = self.room(session) - sum(bool(user.get("tagged", False)) for user in users)
            yield Place(partial(_holds, session, required_s), users, room)
        for group in groups:
            users = [
                said for said in verdicts if said["verdict"] == "unobserved" and self._rests(said, group)
            ]
            yield Place(partial(_meets, group, required_s), users, self._extra(group))

    def _rests(self, said: Json, group: Group) -> bool:
        """Whether an unobserved one was given to that dark time."""
        name, start, end = said["dark"][0]
        return (self.held.device_of(name, ms(start)), ms(start), ms(end)) in group.darks

    def _others(self, lead: Json, verdicts: Sequence[Json]) -> list[Line]:
        """The bill lines of a lead that were charged outside the period."""
        lines = self.held.lines_of(self.run.teller)
        return [
            lines[name] for name in set(lead["lines"]) - {said["line"] for said in verdicts} if name in lines
        ]

    def _usable(self, lead: Json, windows: Iterable[Span]) -> tuple[list[Session], list[Group]]:
        """The sessions, and the groups of dark time and sessions, that treatments of those windows could have used. What
        came after the run counts only where the lead knew it."""
        required_s, windows = self.required_s, list(windows)
        known = [
            each for each in self.sessions if each.key in lead["supplies"] or each.was_known(self.run.made_ms)
        ]
        usable = [each for each in known if any(each.holds(required_s, window) for window in windows)]
        groups = [
            group
            for group in groups_of(known, self._darks(lead))
            if self._extra(group) > 0 and any(group.meets(required_s, window) for window in windows)
        ]
        return usable, groups

    def _darks(self, lead: Json) -> list[Dark]:
        """The class's dark time: what coverage says in the run's days; beyond, what is known, or else what the lead says."""
        said: Iterable[Dark] = (
            each for each in self._named_dark(lead) if not self.run.covers(self.held.day(each[1]))
        )
        if self.run.beyond is not None:
            said = ((device, *span) for device, spans in self.run.beyond.items() for span in spans)
        devices = sorted({row["device"] for row in self.run.coverage})
        return [
            *(
                (device, *span)
                for device in devices
                if self._is_ours(device)
                for span in self.run.dark(device)
            ),
            *(each for each in said if self._is_ours(each[0])),
        ]

    def _is_ours(self, device: str) -> bool:
        return device in self.held.devices and self.held.devices[device].load == self.load

    def _named_dark(self, lead: Json) -> list[Dark]:
        return [
            (self.held.device_of(name, ms(start)), ms(start), ms(end)) for name, start, end in lead["dark"]
        ]

    def _extra(self, group: Group) -> int:
        return group.extra(self.required_s, self.held.devices[group.device].stations)


def _holds(session: Session, required_s: int, said: Json) -> bool:
    return session.holds(required_s, window_of(said))


def _meets(group: Group, required_s: int, said: Json) -> bool:
    return group.meets(required_s, window_of(said))


def elsewhere(run: Run, held: Holdings) -> set[tuple[Span, str]]:
    """The windows and visits of lines of which the run said nothing: sessions that they may have used are not judged by
    it."""
    judged = {row["line"] for row, _ in run.verdicts}
    first_ms, last_ms = run.reach()
    return {
        (line.window, line.visit)
        for name, line in held.lines_of(run.teller).items()
        if line.window[0] <= last_ms
        and first_ms <= line.window[1]
        and name not in judged
        and not line.is_reversed
    }


def _left_over(lead: Json, verdicts: Sequence[Json], treatments: int, has_others: bool) -> Iterator[Fault]:
    """Who is left over is as many as the lead says, and costs at least what it says."""
    left_over = [said for said in verdicts if said["verdict"] in LEFT_OVER]
    over = treatments - lead["capacity"]
    least_fen = sum(sorted(fen(said["amount"]) for said in verdicts)[: max(over, 0)])
    if not has_others and (len(left_over), least_fen) != (over, fen(lead["amount"])):
        yield Fault("witness", lead["id"])


def _by_device(darks: Iterable[Dark]) -> dict[str, list[Span]]:
    by_device: dict[str, list[Span]] = defaultdict(list)
    for device, start, end in darks:
        by_device[device].append((start, end))
    return {device: merged(spans) for device, spans in by_device.items()}
