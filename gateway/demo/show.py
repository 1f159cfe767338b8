"""The end of the demo day as a clinic manager reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from gateway.demo.plan import CHEATS, CLINIC_NAME, DAY, Day
from gateway.demo.score import Score

_WORDS = {
    "verdicts": ("{clinic} {day}：收费与设备记录核对", "{clinic} {day}: bills against device time"),
    "verdict": ("结论", "verdict"),
    "count": ("次数", "treatments"),
    "meaning": ("含义", "meaning"),
    "leads": ("线索（供人工核实，不是结论）", "Leads (for a person to review; none is a verdict of guilt)"),
    "devices": ("设备与监测时间", "Devices and watched time"),
    "unit": ("单元", "unit"),
    "story": ("当天经过（只有演示知道）", "its day (only the demo knows)"),
    "watched": ("监测到", "watched"),
    "planted": (
        "演示中埋下的虚假收费：{n} 次（{kinds}）",
        "False treatments planted in the demo: {n} ({kinds})",
    ),
    "found": (
        "查出：至少 {found} 次确无足够设备时间；另有 {unwatched} 次只能用无人监测的时段解释（待核）；"
        "其余 {explained} 次被空开的灯等时间掩盖",
        "Found: at least {found} had not enough device time; {unwatched} more only unwatched time could explain; "
        "{explained} are covered by device time of others, such as a lamp that burned for nobody",
    ),
    "innocent": (
        "每一组存疑的收费行里都至少有一行是埋下的：{answer}",
        "Every doubted set of lines holds at least one planted line: {answer}",
    ),
    "yes": ("是", "yes"),
    "no": (
        "否 —— 有全部诚实的收费行被怀疑，这是缺陷",
        "NO - honest lines alone are doubted, which is a defect",
    ),
}


class Show:
    """Prints in one language, `zh` or `en`."""

    def __init__(self, lang: str, console: Console | None = None):
        self._lang = ("zh", "en").index(lang)
        self._console = console or Console(highlight=False, emoji=False)

    def word(self, key: str, **values: object) -> str:
        """A phrase in the language of this show."""
        return _WORDS[key][self._lang].format(**values)

    def pick(self, zh: str, en: str) -> str:
        """The one of the two that is in the language of this show."""
        return (zh, en)[self._lang]

    def say(self, zh: str, en: str) -> None:
        """One line."""
        self._console.print(self.pick(zh, en), markup=False, soft_wrap=True)

    @contextmanager
    def clock(self, starts: datetime, ends: datetime) -> Iterator[Callable[[datetime], None]]:
        """On a terminal, a bar that follows the time it is handed."""
        columns = (TextColumn("{task.description}"), BarColumn(40))
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as bar:
            task = bar.add_task("", total=(ends - starts).total_seconds())

            def passing(now: datetime) -> None:
                bar.update(task, description=f"{now:%H:%M}", completed=(now - starts).total_seconds())

            yield passing

    def verdicts(
        self, summary: Mapping[str, int], names: Mapping[str, str], meanings: Mapping[str, str]
    ) -> None:
        """How many treatments got which verdict."""
        table = Table(
            title=self.word("verdicts", clinic=CLINIC_NAME, day=f"{DAY:%Y-%m-%d}"), title_justify="left"
        )
        table.add_column(self.word("verdict"))
        table.add_column(self.word("count"), justify="right")
        table.add_column(self.word("meaning"))
        for code, count in summary.items():
            table.add_row(names[code], str(count), meanings[code])
        self._console.print(table)

    def leads(self, leads: list[dict[str, Any]], names: Mapping[str, str]) -> None:
        """Every lead, in a sentence."""
        self._console.print(f"\n{self.word('leads')}", style="italic")
        for lead in leads:
            said = lead[self.pick("zh", "en")]
            self._console.print(f"  {names[lead['rule']]}  {said}", markup=False, soft_wrap=True)
        self._console.print()

    def devices(self, day: Day, coverage: list[dict[str, Any]]) -> None:
        """How much of the opening hours each unit watched, and what befell it."""
        watched = {row["unit"]: row for row in coverage}
        table = Table(title=self.word("devices"), title_justify="left")
        table.add_column(self.word("unit"))
        table.add_column(self.word("watched"), justify="right")
        table.add_column(self.word("story"))
        for unit in day.units:
            row = watched[unit.name]
            share = f"{100 * row['watched_s'] / row['open_s']:.1f} %"
            table.add_row(unit.name, share, self.pick(unit.note_zh, unit.note_en))
        self._console.print(table)

    def score(self, day: Day, score: Score) -> None:
        """What was planted and what of it was found."""
        kinds: dict[str, int] = {}
        for charge in day.charges:
            if charge.cheat:
                kinds[charge.cheat] = kinds.get(charge.cheat, 0) + charge.false
        said = self.pick("、", "; ").join(
            f"{CHEATS[kind][self._lang]} {count}" for kind, count in kinds.items()
        )
        held = self.word("no" if score.innocent else "yes")
        figures = {"found": score.found, "unwatched": score.unwatched, "explained": score.explained}
        for line in (
            self.word("planted", n=score.planted, kinds=said),
            self.word("found", **figures),
            self.word("innocent", answer=held),
        ):
            self._console.print(line, markup=False, soft_wrap=True)
