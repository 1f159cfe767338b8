"""The end of the demo day as a clinic manager reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from gateway.demo.plan import CHEATS, CLINIC_NAME, DAY, Day
from gateway.demo.score import DOUBTED, Score
from gateway.demo.visitor import Account
from gateway.pages.words import speak

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
    "score": ("演示中埋下的，和查出的", "What was planted in the demo, and what was found"),
    "planted": ("虚假收费 {n} 次（{kinds}）", "{n} false treatments ({kinds})"),
    "found": (
        "至少 {found} 次确无足够设备时间；另有 {unwatched} 次只能用无人监测的时段解释（待核）；"
        "其余 {explained} 次被空开的灯等时间掩盖",
        "at least {found} had not enough device time; {unwatched} more only unwatched time could explain; "
        "{explained} are covered by device time of others, such as a lamp that burned for nobody",
    ),
    "left_out": (
        "诊所自报里漏掉的医保收费 {n} 行",
        "{n} insured lines that the clinic's own export leaves out",
    ),
    "owed": ("记为未做、一周没有退费 {n} 次", "{n} recorded as not done and not refunded for a week"),
    "joint": ("，", ", "),
    "closed": ("  日对账，第 {n} 次：{told}", "  day closed, no. {n}: {told}"),
    "reopened": (
        "  有变化，重新日对账，第 {n} 次：{told}（前一次保留）",
        "  it changed and is closed anew, no. {n}: {told} (the one before stays)",
    ),
    "moved": ("{n} 次由{was}变为{becomes}", "{n} from {was} to {becomes}"),
    "leads_new": ("线索多 {n} 条", "leads: {n} more"),
    "leads_gone": ("线索少 {n} 条", "leads: {n} fewer"),
    "nothing_moved": ("结论不变", "the same verdicts"),
    "decided": (
        "  {rule}：诊所答复，内部意见“{internal}”；区里最终结果“{outcome}”，扣款 {yuan} 元",
        '  {rule}: the clinic answers, its own opinion is "{internal}"; the district\'s final outcome: "{outcome}", '
        "{yuan} yuan deducted",
    ),
    "refunded": ("  {rule}：诊所退费，线索办结", "  {rule}: the clinic refunds it, and the lead is settled"),
    "named": ("查出 {n}，指明是哪一行", "found: {n}, by name"),
    "tags": (
        "扫过就诊标签的 {tagged} 次各有自己的通电，不再与别人互换：存疑的一组由 {all} 行减为 {left} 行",
        "{tagged} whose token was scanned keep their own session: the lines that could stand in for each other "
        "are {left} instead of {all}",
    ),
    "by_hand": (
        "  护士登记（C 级）：{done} 次有起止时间，其中 {scanned} 次扫了标签；未做待退 {undone} 次",
        "  the nurse's list (grade C): {done} with start and end, {scanned} of them with a scanned token; "
        "{undone} not done and to be refunded",
    ),
    "innocent": (
        "每一组存疑的收费行里都至少有一行是埋下的：{answer}",
        "Every doubted set of lines holds at least one planted line: {answer}",
    ),
    "accounts": (
        "登录页面用的账号（只在这次演示有效；之后用 wattwitness --dir … serve 打开）",
        "Accounts for the pages (of this demo alone; later: wattwitness --dir ... serve)",
    ),
    "account": ("账号", "name"),
    "role": ("角色", "role"),
    "password": ("口令", "password"),
    "address": ("地址", "address"),
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

    def head(self, zh: str, en: str) -> None:
        """What the lines after it are about."""
        self._console.print(f"\n{self.pick(zh, en)}", style="italic", markup=False)

    def closed(self, said: Mapping[str, Any]) -> None:
        """The day was closed, and what changed since it was closed before."""
        changed = said["changed"]
        told = self.word("joint").join(
            self._counted(said["summary"]) if changed is None else self._moved(changed)
        )
        key = "closed" if changed is None else "reopened"
        self._line(self.word(key, n=said["number"], told=told or self.word("nothing_moved")))

    def _counted(self, summary: Mapping[str, int]) -> list[str]:
        say = speak(self.pick("zh", "en"))
        return [f"{say(f'verdict.{code}')} {count}" for code, count in summary.items() if count]

    def _moved(self, changed: Mapping[str, Any]) -> list[str]:
        say = speak(self.pick("zh", "en"))
        moves = Counter((each["was"], each["becomes"]) for each in changed["verdicts"])
        told = [
            self.word("moved", n=n, was=say(f"verdict.{was}"), becomes=say(f"verdict.{becomes}"))
            for (was, becomes), n in sorted(moves.items(), key=str)
            if was and becomes
        ]
        leads = {key: len(changed["leads"][key]) for key in ("new", "gone")}
        return told + [self.word(f"leads_{key}", n=n) for key, n in leads.items() if n]

    def reviews(self, leads: list[dict[str, Any]], standing: Mapping[str, Mapping[str, Any]]) -> None:
        """What became of those leads of which somebody spoke, or that a refund ended."""
        say = speak(self.pick("zh", "en"))
        for lead in leads:
            now = standing[lead["id"]]
            rule = say(f"rule.{lead['rule']}")
            if now["state"] == "closed":
                said = {
                    "internal": say(f"outcome.{now['internal']}"),
                    "outcome": say(f"outcome.{now['outcome']}"),
                }
                self._line(self.word("decided", rule=rule, yuan=now["deducted"], **said))
            elif now["state"] == "refunded":
                self._line(self.word("refunded", rule=rule))

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
            self._line(f"  {names[lead['rule']]}  {said}")

    def records(self, entries: list[dict[str, Any]]) -> None:
        """What the nurse recorded."""
        done = [each for each in entries if each["outcome"] == "done"]
        scanned = sum(each["how"] == "scanned" for each in done)
        undone = sum(each["outcome"] == "undone" for each in entries)
        self._line(self.word("by_hand", done=len(done), scanned=scanned, undone=undone))

    def tags(self, found: Mapping[str, Any]) -> None:
        """How much smaller tags made the doubted set, where they did. A capacity lead's arithmetic uses none."""
        for lead in found["leads"]:
            same = [each for each in found["treatments"] if each["item"] == lead["item"]]
            doubted = {len(each["among"]) for each in same if each["verdict"] in DOUBTED}
            if lead["rule"] == "capacity" and doubted and max(doubted) < len(lead["lines"]):
                tagged = sum(each["tagged"] for each in same)
                self._line("")
                self._line(self.word("tags", tagged=tagged, all=len(lead["lines"]), left=max(doubted)))

    def devices(self, day: Day, coverage: list[dict[str, Any]]) -> None:
        """How much of the opening hours each unit watched, and what befell it."""
        self._line("")
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

    def accounts(self, found: Iterable[tuple[Account, str]]) -> None:
        """Who may sign in where, and by what."""
        self._console.print(f"\n{self.word('accounts')}", style="italic", markup=False, soft_wrap=True)
        table = Table()
        for name in ("account", "role", "password", "address"):
            table.add_column(self.word(name), no_wrap=True)
        for account, address in found:
            table.add_row(account.name, self.pick(*account.called), account.password, address)
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
        self._console.print(f"\n{self.word('score')}", style="italic")
        self._pair(self.word("planted", n=score.planted, kinds=said), self.word("found", **figures))
        for key in ("left_out", "owed"):
            planted, named = getattr(score, key)
            self._pair(self.word(key, n=planted), self.word("named", n=named))
        self._line(self.word("innocent", answer=held))

    def _pair(self, planted: str, found: str) -> None:
        self._line(f"  {planted}")
        self._line(f"    → {found}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)
