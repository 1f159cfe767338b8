"""`wattwitness lead`: one lead, with all that it rests on and all that was said of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway import bootstrap
from gateway.audit import outcomes, review
from gateway.audit.outcomes import Decided
from gateway.bootstrap import Book
from gateway.commands import lead_file
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.instants import iso, local_day, read_day
from gateway.ledger import reviews
from gateway.ledger.reviews import Act, LeadFound
from gateway.pages.words import speak

C = TypeVar("C", bound=Callable[..., Any])


@click.group()
def lead() -> None:
    """一条线索 · one lead.

    \b
    例 · example: wattwitness --dir clinic-01 lead show 3f0c9a1b2d4e
    """


lead.add_command(lead_file.export, "export")
lead.add_command(lead_file.import_, "import")
lead.add_command(lead_file.attachment)


@lead.command()
@click.argument("name", metavar="ID")
@of_clinic
@as_json
@click.pass_obj
def show(folder: Path, name: str, clinic: str | None, as_json: bool) -> None:
    """一条线索的依据和全部经过 · what a lead rests on, and its whole history.

    \b
    例 · example: wattwitness --dir clinic-01 lead show 3f0c9a1b2d4e
    """
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        found = review.lead_named(db, name, clinic)
        now = review.standing_of(db, found, _today(book))
        acts = reviews.acts(db, found.clinic, found.lead)
    if as_json:
        print_json(
            lead_document(found) | {"review": now.document(), "history": [_act(book, each) for each in acts]}
        )
        return
    _tell(found, now, [_act(book, each) for each in acts])


def _saying(command: C) -> C:
    """What answering and contesting have in common."""
    for option in (
        click.option("--attach", "paths", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
                     help="附件，可多次 · a file to attach; may be repeated"),
        click.option("--file", "source", type=click.Path(path_type=Path), metavar="FILE", help="正文文件 · the text's file"),
        click.option("--text", metavar="TEXT", help="正文 · the text"),
        click.option("--by", required=True, metavar="WHO", help="谁 · who"),
    ):  # fmt: skip
        command = option(command)
    return command


@lead.command()
@click.argument("name", metavar="ID")
@_saying
@of_clinic
@as_json
@click.pass_obj
def answer(
    folder: Path, name: str, by: str, text: str | None, source: Path | None, paths: tuple[Path, ...],
    clinic: str | None, as_json: bool,
) -> None:  # fmt: skip
    """诊所答复一条线索，可附文件 · the clinic answers a lead, with files attached.

    \b
    例 · example: wattwitness lead answer 3f0c9a1b2d4e --by D01 --text "停电,手工登记见附件" --attach page.jpg
    """
    _said(folder, name, clinic, as_json, review.answer, by, text, source, paths)


@lead.command()
@click.argument("name", metavar="ID")
@_saying
@of_clinic
@as_json
@click.pass_obj
def appeal(
    folder: Path, name: str, by: str, text: str | None, source: Path | None, paths: tuple[Path, ...],
    clinic: str | None, as_json: bool,
) -> None:  # fmt: skip
    """对区里的结论申诉 · contest what the district decided.

    \b
    例 · example: wattwitness lead appeal 3f0c9a1b2d4e --by D01 --text "补交监控截图" --attach camera.png
    """
    _said(folder, name, clinic, as_json, review.appeal, by, text, source, paths)


def _said(
    folder: Path, name: str, clinic: str | None, as_json: bool, act: Callable[..., Act],
    by: str, text: str | None, source: Path | None, paths: tuple[Path, ...],
) -> None:  # fmt: skip
    book = bootstrap.open_book(folder)
    told, files = lead_file.text_of(text, source), lead_file.attachments(paths)
    with book.ledger() as db:
        found = review.lead_named(db, name, clinic)
        _done(book, act(db, found, book.config.role, by, book.clock.now_ms(), told, files), as_json)


@lead.command("review")
@click.argument("name", metavar="ID")
@click.option("--outcome", required=True, type=click.Choice(outcomes.OUTCOMES), help="结果 · the outcome")
@click.option("--by", required=True, metavar="WHO", help="谁 · who")
@click.option("--why", required=True, metavar="WHY", help="理由 · why")
@click.option("--withheld", metavar="YUAN", help="暂扣金额 · money withheld")
@click.option("--deducted", metavar="YUAN", help="最终扣款 · what was deducted in the end")
@click.option("--cause", default="", metavar="TEXT", help="原因 · the cause")
@click.option("--rectification", default="", metavar="TEXT", help="整改 · what was put right")
@click.option("--due", metavar="DATE", help="答复期限 · by when the clinic is to answer")
@of_clinic
@as_json
@click.pass_obj
def review_lead(
    folder: Path, name: str, outcome: str, by: str, why: str, withheld: str | None, deducted: str | None,
    cause: str, rectification: str, due: str | None, clinic: str | None, as_json: bool,
) -> None:  # fmt: skip
    """给出结果：在区平台为最终，在诊所为内部意见 · set an outcome: final at a district, internal at a clinic.

    \b
    例 · example: wattwitness lead review 3f0c9a1b2d4e --outcome confirmed --by Q01 --why "与监控不符" --deducted 36.00
    """
    book = bootstrap.open_book(folder)
    decided = Decided(
        outcome, why, review.money(withheld, "--withheld"), review.money(deducted, "--deducted"),
        cause, rectification, review.due_day(due),
    )  # fmt: skip
    with book.ledger() as db:
        found = review.lead_named(db, name, clinic)
        _done(book, review.decide(db, found, book.config.role, by, book.clock.now_ms(), decided), as_json)


@lead.command("open")
@click.option("--rule", required=True, type=click.Choice([review.COMPLAINT]), help="举报 · a complaint")
@click.option("--day", required=True, metavar="DATE", help="所涉日期 · the day it is about")
@click.option(
    "--text", required=True, metavar="TEXT", help="内容，不写举报人 · what it says; never who said it"
)
@click.option("--by", required=True, metavar="WHO", help="谁开立 · who opens it")
@click.option(
    "--line", "lines", multiple=True, metavar="LINE", help="所涉收费行，可多次 · a bill line; may be repeated"
)
@click.option("--item", type=click.IntRange(1), metavar="N", help="项目序号 · number of the item")
@click.option("--amount", metavar="YUAN", help="所涉金额 · the money concerned")
@of_clinic
@as_json
@click.pass_obj
def open_lead(
    folder: Path, rule: str, day: str, text: str, by: str, lines: tuple[str, ...], item: int | None,
    amount: str | None, clinic: str | None, as_json: bool,
) -> None:  # fmt: skip
    """因举报开立一条线索；不记举报人 · open a lead because of a complaint; who complained is kept nowhere.

    \b
    例 · example: wattwitness lead open --rule complaint --day 2026-03-02 --by Q01 --text "反映红外线治疗未做即收费"
    """
    book = bootstrap.open_book(folder)
    about = {"day": str(read_day(day)), "text": text, "item": item, "lines": lines}
    amount_fen = review.money(amount, "--amount") or 0
    with book.ledger() as db:
        found = review.open_lead(db, book.owner(clinic), about, amount_fen, by, book.clock.now_ms())
    if as_json:
        print_json(lead_document(found))
    else:
        say(f"已开立线索 {found.lead}", f"lead {found.lead} is open")


def lead_document(found: LeadFound) -> dict[str, Any]:
    """The lead as it was found; `standing`: whether the newest run still finds it."""
    return {**found.body, "clinic": found.clinic, "source": found.source, "standing": found.standing}


def _today(book: Book) -> date:
    return local_day(book.clock.now_ms(), book.config.zone)


def _act(book: Book, act: Act) -> dict[str, Any]:
    """As `lead show --json` prints one act."""
    told = {
        "kind": act.kind,
        "side": act.side,
        "at": iso(act.at_ms, book.config.zone),
        "by": act.by,
        **act.body,
    }
    received = None if act.received_ms is None else iso(act.received_ms, book.config.zone)
    return told | {"received": received, "sha256": act.sha256}


def _done(book: Book, act: Act, as_json: bool) -> None:
    if as_json:
        print_json({"lead": act.lead, "act": _act(book, act)})
    else:
        say(f"线索 {act.lead}：已记入（{act.sha256[:12]}）", f"lead {act.lead}: noted ({act.sha256[:12]})")


def _tell(found: LeadFound, now: outcomes.Standing, acts: list[dict[str, Any]]) -> None:
    zh, en = speak("zh"), speak("en")
    body = found.body
    click.echo(f"{body['zh']}\n{body['en']}")
    for label_zh, label_en, values in (
        ("收费行", "bill lines", body["lines"]),
        ("记录", "records", body["supplies"]),
    ):
        click.echo(f"{label_zh} · {label_en} ({len(values)}): {' '.join(values)}")
    for name, start, end in body["dark"]:
        click.echo(f"未监测 · unwatched: {name} {start} - {end}")
    click.echo(f"{zh('state.' + now.state)} · {en('state.' + now.state)}")
    for act in acts:
        internal = act["kind"] == "review" and act["side"] != outcomes.DISTRICT
        mark = f"  {zh('act.internal')} · {en('act.internal')}" if internal else ""
        click.echo(
            f"{act['at']}  {act['side']:8}  {act['by']}  {act['kind']}  {act.get('outcome', '')}{mark}"
        )
        click.echo(f"    {act.get('text', act.get('why'))}")
        for each in act.get("attachments", []):
            click.echo(f"    {each['name']}  {each['bytes']} B  {each['sha256']}")
