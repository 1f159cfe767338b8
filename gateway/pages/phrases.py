"""Figures as people read them: clock times, durations, shares and counts, in the language of the page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo

from gateway.money import yuan
from gateway.pages.view import DayView, DoubtSet, Line, Session
from gateway.pages.words import knows, speak


class Wording:
    """How instants, durations and amounts are put into words. `lang` is one of words.LANGUAGES."""

    def __init__(self, lang: str, zone: tzinfo):
        self.lang, self.zone = lang, zone
        self.say = speak(lang)

    def date(self, day: date) -> str:
        """The date with its weekday."""
        weekday, month = (
            self.say("weekdays").split()[day.weekday()],
            self.say("months").split()[day.month - 1],
        )
        return self.say("date", year=day.year, month=month, day=day.day, weekday=weekday)

    def instant(self, at_ms: int) -> str:
        """Date and time of an instant."""
        return f"{datetime.fromtimestamp(at_ms // 1000, self.zone):%Y-%m-%d %H:%M}"

    def duration(self, seconds: int) -> str:
        """Hours and minutes, or minutes and seconds where it is shorter than an hour."""
        minutes, rest = divmod(seconds, 60)
        if minutes >= 60:
            hours, minutes = divmod(minutes, 60)
            return self.say("hours_minutes" if minutes else "hours_only", hours=hours, minutes=minutes)
        if not minutes:
            return self.say("seconds_only", seconds=rest)
        return self.say("minutes_seconds" if rest else "minutes_only", minutes=minutes, seconds=rest)

    def share(self, part: int, whole: int) -> str:
        """A share in per cent with one decimal, rounded down: 100% means all of it. A dash of nothing."""
        if not whole:
            return "—"
        tenths = part * 1000 // whole
        return self.say("percent", value=f"{tenths // 10}.{tenths % 10}" if tenths < 1000 else "100")

    def yuan(self, fen: int) -> str:
        """An amount of money."""
        return self.say("yuan", value=yuan(fen))

    def verdict(self, code: str) -> str:
        """What a verdict is called."""
        return self.say(f"verdict.{code}")

    def rule(self, rule: str) -> str:
        """What a rule of leads is called."""
        return self.say(f"rule.{rule}") if knows(f"rule.{rule}") else rule

    def counts(self, counts: Iterable[tuple[str, int]]) -> str:
        """So many treatments of each verdict."""
        return self.say("and").join(self.say("count_of", label=self.verdict(code), n=n) for code, n in counts)

    def load(self, load: str) -> str:
        """What a class of devices is called."""
        if load in ("tdp", "stim", "ionto"):
            return self.say(f"load.{load}")
        return self.say("load.other", load=load) if load else self.say("load.unplaced")

    def place(self, room: str, bed: str) -> str:
        """Where a device stands."""
        return " ".join(each for each in (room, self.say("bed", bed=bed) if bed else "") if each)

    def moment(self, at_ms: int) -> str:
        """Date and time of an instant, to the second."""
        return f"{datetime.fromtimestamp(at_ms // 1000, self.zone):%Y-%m-%d %H:%M:%S}"

    def stretch(self, start_ms: int, end_ms: int) -> str:
        """From when to when, to the second; the date of the end only where it is another."""
        start, end = self.moment(start_ms), self.moment(end_ms)
        return f"{start}–{end[11:] if end[:10] == start[:10] else end}"

    def watts(self, mw: int) -> str:
        """Power in watts with one decimal, rounded down."""
        return f"{mw // 1000}.{mw % 1000 // 100} W"


class Phrases(Wording):
    """How one day is put into words."""

    def __init__(self, view: DayView, lang: str):
        super().__init__(lang, view.zone)
        self.view = view
        self.set_sizes = {each.number: len(each.lines) for each in view.sets}

    def clock(self, at_ms: int) -> str:
        """HH:MM of an instant, with the date where it is another than the day's."""
        if at_ms == self.view.whole[1]:
            return "24:00"
        at = datetime.fromtimestamp(at_ms // 1000, self.view.zone)
        clock = f"{at.hour:02}:{at.minute:02}"
        return clock if at.date() == self.view.day else f"{at.month:02}-{at.day:02} {clock}"

    def span(self, span: tuple[int, int]) -> str:
        """From when to when, and how long."""
        return f"{self.clock(span[0])}–{self.clock(span[1])} ({self.duration((span[1] - span[0]) // 1000)})"

    def summary(self) -> str:
        """Coverage first, then what was said of the treatments."""
        watched = self.view.watched
        coverage = self.share(*watched) if watched else "—"
        return self.say("summary_sentence", coverage=coverage, counts=self.counts(self.view.counts.items()))

    def set_sentence(self, each: DoubtSet) -> str:
        """What can be said of a set: how many of its treatments are in doubt, and that it cannot be told which."""
        return self.say(
            "set_sentence", number=each.number, lines=len(each.lines), counts=self.counts(each.counts)
        )

    def line_verdict(self, line: Line) -> str:
        """What may be said of a line: of a member of a larger set, only that."""
        if line.sets:
            said = (
                f"{self.say('set_name', number=each)} · {self.say('set_of', lines=self.set_sizes[each])}"
                for each in line.sets
            )
            return self.say("and").join(said)
        if len(line.parts) == 1:
            return self.verdict(line.worst)
        return self.say("and").join(
            self.say("parts", n=n, label=self.verdict(code)) for code, n in line.parts
        )

    def line_title(self, line: Line) -> str:
        """The tooltip of a bill line's marks."""
        said = (
            self.clock(line.charged_ms),
            line.name,
            line.line,
            self.line_verdict(line),
            self.yuan(line.amount_fen),
        )
        return "　".join(said) if self.lang == "zh" else "  ".join(said)

    def session_title(self, session: Session) -> str:
        """The tooltip of a session's bar."""
        return f"{session.record}{'　' if self.lang == 'zh' else '  '}{self.session_words(session)}"

    def session_words(self, session: Session) -> str:
        """When a session was, what it drew, how good a witness it is and how it ended."""
        ending = self.say(f"end.{session.end_code}")
        if session.interruptions:
            ending += self.say("and") + self.say("interruptions", n=session.interruptions)
        if session.long_burn:
            ending += self.say("and") + self.say("long_burn")
        return self.say(
            "session_title",
            start=self.clock(session.start_ms),
            end=self.clock(session.end_ms),
            active=self.duration(session.active_s),
            watts=(session.mean_mw + 500) // 1000,
            grade=self.say(f"grade.{session.grade}"),
            ending=ending,
        )
