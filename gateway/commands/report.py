"""`wattwitness report`: a day, a week or a month for the archive, as PDF, XLSX or CSV."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from gateway import bootstrap
from gateway.audit import month as months
from gateway.audit.month import Figures
from gateway.commands.lead_file import write
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.errors import UsageError
from gateway.instants import read_day
from gateway.ledger import bills
from gateway.report.written import KINDS, written


@click.command()
@click.option("--from", "from_day", required=True, metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", required=True, metavar="DATE", help="截止日 · last day")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help=".pdf .xlsx .csv")
@click.option("--source", type=click.Choice(bills.SOURCES), help="谁的账单 · whose bills")
@of_clinic
@as_json
@click.pass_obj
def report(
    folder: Path, from_day: str, to_day: str, out: Path, source: str | None, clinic: str | None, as_json: bool
) -> None:
    """日报、周报、月报：覆盖率写在每个数字旁边 · a report for the archive; coverage stands beside every figure.

    \b
    已关账的日子用关账时的结果，未关账的用最新一次核对 · closed days as they were closed, others as last reconciled
    例 · examples:
      wattwitness --dir clinic-01 report --from 2026-03-01 --to 2026-03-31 --out 2026-03.pdf
      wattwitness --dir clinic-01 report --from 2026-03-02 --to 2026-03-02 --out 2026-03-02.xlsx
    """
    first, last = read_day(from_day), read_day(to_day)
    kind = out.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise UsageError(f"{out} 应为 .pdf、.xlsx 或 .csv", f"{out} must end in .pdf, .xlsx or .csv")
    if not 0 <= (last - first).days < months.MOST_DAYS:
        raise UsageError(
            f"--from {first} 到 --to {last}：应为 1 到 {months.MOST_DAYS} 天",
            f"--from {first} --to {last}: name 1 to {months.MOST_DAYS} days",
        )
    if out.exists():
        raise UsageError(f"{out} 已存在：请换一个名字", f"{out} exists already: choose another name")
    book = bootstrap.open_book(folder)
    config = book.of_clinic(clinic)
    with book.ledger() as db:
        whose = source or bills.usual_source(db, config.clinic)
        figures = months.figures(db, config, whose, first, last, book.clock.now_ms())
    body = written(figures, kind)
    write(out, body)
    if as_json:
        print_json({"out": str(out), "sha256": hashlib.sha256(body).hexdigest(), **document(figures)})
        return
    unready = [each for each in figures.days if each.state != "closed"]
    if unready:
        say(
            f"其中 {len(unready)} 天没有关账或关账后有变化",
            f"{len(unready)} of its days are not closed, or changed since",
        )
    say(f"已写入 {out}", f"written to {out}")


def document(figures: Figures) -> dict[str, Any]:
    """As `report --json` prints it."""
    return {
        "clinic": figures.clinic,
        "source": figures.source,
        "from": figures.first.isoformat(),
        "to": figures.last.isoformat(),
        "days": [
            {"day": each.day.isoformat(), "state": each.state, "number": each.closing and each.closing.number}
            for each in figures.days
        ],
        "sums": {kind: [each.document() for each in group] for kind, group in figures.sums.by_kind.items()},
        "leads": [{"id": lead.lead, "rule": lead.rule, "day": lead.day, **now.document()} for lead, now in figures.leads],
        "came_back": [
            {"rule": each.rule, "rectified": each.rectified.isoformat(), "rectification": each.rectification,
             "since": each.since}
            for each in figures.sums.came_back
        ],
    }  # fmt: skip
