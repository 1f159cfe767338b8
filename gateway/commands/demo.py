"""`wattwitness demo`: a whole clinic day with real programs, in accelerated time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from gateway.audit.verdicts import CODES
from gateway.demo import plan
from gateway.demo.score import score
from gateway.demo.show import Show
from gateway.demo.stage import ENDS, STARTS, Stage, page_text
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
    show = Show(lang)
    stage = Stage(out.resolve(), plan.plan(seed), speed, port)
    try:
        _play(stage, show)
        found = _reconcile(stage)
        kept = score(stage.day, found["treatments"])
        _tell(stage, show, found)
        show.score(stage.day, kept)
        _keep_evidence(stage, lang)
        _where(stage, show)
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
    show.say(f"可以看：{stage.pages}", f"to be seen at {stage.pages}")
    with show.clock(STARTS, ENDS) as passing:
        for happening in stage.play(passing):
            show.say(f"  {happening.at:%H:%M} {happening.zh}", f"  {happening.at:%H:%M} {happening.en}")
    show.say(
        "等待未送达的记录到达网关与区平台 …", "waiting for unsent records to reach gateway and district ..."
    )
    _drain(stage)


def _drain(stage: Stage) -> None:
    deadline = time.monotonic() + DRAIN_S
    while left := stage.backlog():
        if time.monotonic() > deadline:
            raise SurroundingsError(
                f"还有 {left} 条记录没有送达：请看 {stage.folder / 'log'}",
                f"{left} records have not arrived: see {stage.folder / 'log'}",
            )
        time.sleep(0.2)


def _reconcile(stage: Stage) -> dict[str, Any]:
    clinic, day = ("--dir", str(stage.clinic)), f"{plan.DAY:%Y-%m-%d}"
    stage.wattwitness(*clinic, "import-bills", str(stage.folder / "bills.json"), "--format", "2204")
    answer = stage.wattwitness(*clinic, "reconcile", "--from", day, "--to", day, "--json", codes=(0, 1))
    found: dict[str, Any] = json.loads(answer)
    return found


def _tell(stage: Stage, show: Show, found: dict[str, Any]) -> None:
    say = speak(show.pick("zh", "en"))
    names = {code: say(f"verdict.{code}") for code in CODES}
    meanings = {code: say(f"meaning.{code}") for code in CODES}
    show.verdicts(found["summary"], names, meanings)
    rules = {lead["rule"] for lead in found["leads"]}
    show.leads(
        found["leads"], {rule: say(f"rule.{rule}") if knows(f"rule.{rule}") else rule for rule in rules}
    )
    show.devices(stage.day, found["coverage"])


def _keep_evidence(stage: Stage, lang: str) -> None:
    """The page as it was served, and every unit's records and public key, for whoever wants to check."""
    (stage.folder / "day.html").write_text(page_text(f"{stage.pages}?lang={lang}"), encoding="utf-8")
    (stage.folder / "day.svg").write_text(page_text(f"{stage.pages}.svg?lang={lang}"), encoding="utf-8")


def _where(stage: Stage, show: Show) -> None:
    show.say(
        f"账本：{stage.clinic}（诊所）、{stage.district}（区平台）",
        f"ledgers: {stage.clinic}, {stage.district}",
    )
    show.say(f"页面：{stage.folder / 'day.html'}", f"page: {stage.folder / 'day.html'}")
    show.say(
        f"证据：各单元自己的记录 {stage.folder}/*/journal；核验：wattwitness check {stage.clinic}",
        f"evidence: the units' own records {stage.folder}/*/journal; to check: wattwitness check {stage.clinic}",
    )


def _stay(stage: Stage, show: Show) -> None:
    stage.stop(*(unit.name for unit in stage.day.units), "district", "broker")
    show.say(f"页面开着：{stage.pages}  按 Ctrl-C 结束", f"the pages stay up: {stage.pages}  Ctrl-C ends")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        show.say("结束", "done")
