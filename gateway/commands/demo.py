"""`wattwitness demo`: a whole clinic day with real programs, in accelerated time."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from gateway.audit.verdicts import CODES
from gateway.demo import plan
from gateway.demo.office import KINDS, LATER, Office
from gateway.demo.score import score
from gateway.demo.show import Show
from gateway.demo.stage import ENDS, HEAD, NURSE, STARTS, Stage
from gateway.demo.visit import Seen, Visit
from gateway.errors import SurroundingsError
from gateway.pages.words import knows, speak

DRAIN_S = 30  # real seconds that units and gateway have to bring what is unsent to the district


@click.command()
@click.option("--once", is_flag=True, help="演完即止 · end after the day; without it the pages stay up")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option(
    "--out", default="demo-day", type=click.Path(path_type=Path), show_default=True, help="目录 · folder"
)
@click.option(
    "--speed", default=1200, show_default=True, type=click.IntRange(10, 2000), help="倍速 · times as fast"
)
@click.option("--seed", default=1, show_default=True, help="换一天 · another day")
@click.option("--port", default=0, help="页面端口 · port of the pages; 0: any free one")
def demo(once: bool, lang: str, out: Path, speed: int, seed: int, port: int) -> int:
    """演示完整的一天：单元、网关、区平台、收费、核对 · play a whole clinic day.

    \b
    例 · example: wattwitness demo --once --lang en
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever ends it so ends its programs too
    show = Show(lang)
    stage = Stage(out.resolve(), plan.plan(seed), speed, port)
    try:
        _play(stage, show)
        _keep_list(stage, lang)
        office = Office(stage)
        _evening(stage, office, show)
        found = _a_week_later(stage, office, show)
        kept = score(stage.day, found["treatments"], found["leads"])
        _tell(stage, show, found)
        _settle(office, show, found["leads"])
        show.score(stage.day, kept)
        _inspected(Visit(stage, office).make(lang), show)
        _keep_evidence(stage, lang)
        _where(stage, show, office.report())
        if not once:
            _stay(stage, show)
    finally:
        stage.stop()
    return 1 if kept.innocent else 0


def _play(stage: Stage, show: Show) -> None:
    show.say("准备账本、密钥与设备 …", "preparing ledgers, keys and inventory ...")
    stage.prepare()
    show.say(
        "启动代理（broker）、网关、区平台与 6 个单元 …",
        "starting broker, gateway, district and six units ...",
    )
    stage.start()
    if not stage.has_mosquitto:
        show.say(
            "没有 Mosquitto，改用纯 Python 的 代理程序（amqtt）：功能相同，较慢",
            "no Mosquitto here: using a broker in pure Python (amqtt), which does the same, slower",
        )
    head = next(each for each in stage.accounts if each.name == HEAD)
    show.say(
        f"可以看：{stage.pages}  账号 {head.name}，口令 {head.password}",
        f"to be seen at {stage.pages}  as {head.name}, password {head.password}",
    )
    with show.clock(STARTS, ENDS) as passing:
        for happening in stage.play(passing):
            show.say(f"  {happening.at:%H:%M} {happening.zh}", f"  {happening.at:%H:%M} {happening.en}")
    _drain(stage, stage.day.late)


def _drain(stage: Stage, without: str = "") -> None:
    """Waits until clinic and district hold every record, those of one unit left out."""
    deadline = time.monotonic() + DRAIN_S
    while left := stage.backlog(without):
        if time.monotonic() > deadline:
            raise SurroundingsError(
                f"还有 {left} 条记录没有送达：请看 {stage.folder / 'log'}",
                f"{left} records have not arrived: see {stage.folder / 'log'}",
            )
        time.sleep(0.2)


def _evening(stage: Stage, office: Office, show: Show) -> None:
    """Both sources' bills come in, the day is closed, and opened again by what came late."""
    show.head("当晚", "that evening")
    ours, platform = office.bills()
    show.say(
        f"  诊所自己的账单 {ours['lines']} 行，其中 {ours['repeated']} 行白天已由 HIS 实时送来；平台的明细 {platform['lines']} 行",
        f"  the clinic's own bills: {ours['lines']} lines, {ours['repeated']} of which the HIS sent live; "
        f"the platform's extract: {platform['lines']}",
    )
    show.records(office.attended())
    show.closed(office.close())
    late = stage.day.late
    show.say(
        f"  {late} 网络恢复，补传关门前的记录",
        f"  {late} has its link again and sends what it kept",
    )
    stage.mend(late)
    _drain(stage)
    show.closed(office.close())


def _a_week_later(stage: Stage, office: Office, show: Show) -> dict[str, Any]:
    stage.move_on(LATER)
    show.head(f"{LATER:%m-%d}，一周以后再核对", f"{LATER:%m-%d}, reconciled again a week later")
    return office.reconcile()


def _settle(office: Office, show: Show, leads: list[dict[str, Any]]) -> None:
    """One lead is answered and decided, one ends by a refund; then the day is closed with that."""
    show.head("线索的办理", "What became of the leads")
    for lead in leads:
        if lead["rule"] == "capacity":
            office.answer(lead["id"])
            office.decide(lead["id"], lead["amount"])
        elif lead["rule"] == "undone":
            office.refund()
    show.reviews(leads, office.leads())
    show.closed(office.close())


def _inspected(seen: Seen, show: Show) -> None:
    """An unannounced check: what holds, what was left out, and what becomes of a pack that somebody improved."""
    show.head("飞行检查", "An unannounced check")
    held = show.pick("全部成立", "all holds") if seen.holds else show.pick("有不符", "not all of it holds")
    show.say(
        f"  区里带来检查包 {seen.kit.name}/，诊所交出证据包 {seen.pack.name}；在空目录里只用 Python 标准库核验：{held}",
        f"  the district brings its kit, {seen.kit.name}/, the clinic hands over {seen.pack.name}; verified in an empty folder, "
        f"by Python's standard library alone: {held}",
    )
    for each in seen.findings:
        show.say(f"  与检查包比较：{each['zh']}", f"  against the kit: {each['en']}")
    show.say(
        f"  把包里一个结论改成“相符”，清单也重做：{seen.turned}",
        f"  one verdict in it turned to supported, its manifest made to fit: {seen.turned}",
    )


def _tell(stage: Stage, show: Show, found: dict[str, Any]) -> None:
    say = speak(show.pick("zh", "en"))
    names = {code: say(f"verdict.{code}") for code in CODES}
    meanings = {code: say(f"meaning.{code}") for code in CODES}
    show.verdicts(found["summary"], names, meanings)
    rules = {lead["rule"] for lead in found["leads"]}
    show.leads(
        found["leads"], {rule: say(f"rule.{rule}") if knows(f"rule.{rule}") else rule for rule in rules}
    )
    show.tags(found)
    show.devices(stage.day, found["coverage"])


def _keep_list(stage: Stage, lang: str) -> None:
    """The nurse's list as it is when the day is over: it shows no other day."""
    shown = stage.whole_page(stage.nurse.address(lang=lang), NURSE)
    (stage.folder / "nurse.html").write_text(shown, encoding="utf-8")


def _keep_evidence(stage: Stage, lang: str) -> None:
    """The page as it was served, and every unit's records and public key, for whoever wants to check."""
    day = f"/day/{plan.DAY:%Y-%m-%d}"
    page, picture = (
        stage.whole_page(f"{day}?lang={lang}", HEAD),
        stage.visitor(HEAD).get(f"{day}.svg?lang={lang}"),
    )
    (stage.folder / "day.html").write_text(page, encoding="utf-8")
    (stage.folder / "day.svg").write_text(picture, encoding="utf-8")


def _where(stage: Stage, show: Show, reports: list[Path]) -> None:
    show.say("", "")
    show.say(
        f"账本：{stage.clinic}（诊所）、{stage.district}（区平台）",
        f"ledgers: {stage.clinic}, {stage.district}",
    )
    pages = f"{stage.folder / 'day.html'}  {stage.folder / 'nurse.html'}"
    show.say(f"页面：{pages}", f"pages: {pages}")
    written = "  ".join(str(path) for path in reports)
    show.say(f"日报：{written}", f"the day's report: {written}")
    if len(reports) < len(KINDS):
        show.say("  没有 PDF：本机缺中文字体", "  no PDF: this machine has no Chinese font")
    show.say(
        f"证据：各单元自己的记录 {stage.folder}/*/journal；核验：wattwitness check {stage.clinic}",
        f"evidence: the units' own records {stage.folder}/*/journal; to check: wattwitness check {stage.clinic}",
    )
    show.accounts([(each, stage.address(each.where)) for each in stage.accounts])


def _stay(stage: Stage, show: Show) -> None:
    stage.stop(*(unit.name for unit in stage.day.units), "broker")
    stage.restart_pages()
    pages = f"{stage.pages}  {stage.url}/month?of={plan.DAY:%Y-%m}"
    show.say(f"页面开着：{pages}  按 Ctrl-C 结束", f"the pages stay up: {pages}  Ctrl-C ends")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        show.say("结束", "done")
