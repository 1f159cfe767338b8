"""`wattwitness status`: how the ledger stands; at a district, what it holds of each clinic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlite_utils import Database

from gateway.alone import HEALTH, Served, served_at
from gateway.bootstrap import Book, open_book
from gateway.commands.imported import total_document
from gateway.commands.output import as_json, print_json
from gateway.district.overview import overview
from gateway.errors import GatewayError
from gateway.instants import iso
from gateway.ledger import accounts, outbox, records, units
from gateway.money import yuan
from gateway.tls import certificate, trusting

Document = dict[str, Any]


@click.command()
@as_json
@click.pass_obj
def status(folder: Path, as_json: bool) -> int:
    """账本现况；退出码 1：有未了的发现 · how the ledger stands; exit code 1: there are findings.

    \b
    例 · example: wattwitness --dir clinic-01 status
    """
    book = open_book(folder)
    with book.ledger() as db:
        document = _document(book, db)
    if as_json:
        print_json(document)
    else:
        _show(document)
    return 1 if document["findings"] else 0


def _document(book: Book, db: Database) -> Document:
    document = {
        "clinic": book.config.clinic,
        "name": book.config.name,
        "role": book.config.role,
        "now": iso(book.clock.now_ms(), book.config.zone),
        "serve": _serve(book),
        "units": _units(book, db),
        "quarantine": [_timed(book, row, "last_ms", "last") for row in records.quarantine_counts(db)],
        "forward": _forward(book, db),
        "findings": [_timed(book, row, "found_ms", "found") for row in records.findings(db)],
        "bills": _bills(book, db),
    }
    return document | (overview(db, book.config.zone) if book.is_district else {})


def _serve(book: Book) -> Document:
    """Whether `serve` runs, and what it complains of."""
    served = served_at(book.folder)
    address = served.address if served else ""
    return {"running": served is not None, "address": address or None, "troubles": _troubles(book, served)}


def _troubles(book: Book, served: Served | None) -> Document:
    if served is None or not served.address:
        return {}
    here = served.address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    try:
        known = trusting(certificate(book.folder, book.config.serve))
        how: Document = {"timeout": 2, "trust_env": False, "verify": known, "headers": served.headers}
        found: Document = httpx.get(here + HEALTH, **how).json()["troubles"]
        return found
    except (httpx.HTTPError, ValueError, GatewayError):
        return {"serve": "没有回答 · does not answer"}


def _units(book: Book, db: Database) -> list[Document]:
    grades = {name: unit.grade for name, unit in units.units(db).items()}
    return [
        {
            "unit": row["unit"],
            "clinic": row["clinic"],
            "grade": grades[row["unit"]],
            "us": row["head_us"],
            "head": row["head"],
            "first": row["first_us"],
            "records": row["records"],
            "aside": row["aside"],
            "branch": row["branch"],
            "forked": row["forked_us"],
            "heard": _iso(book, row["heard_ms"]),
            "retired": _iso(book, row["retired_ms"]),
        }
        for row in records.positions(db)
    ]


def _bills(book: Book, db: Database) -> list[Document]:
    """What each source told of each clinic; `account` is what settlements came to by accounts (3202)."""
    told = accounts.totals(db)
    settled = {clinic: accounts.settled_fen(db, clinic).values() for clinic in {each.clinic for each in told}}
    return [
        {
            "clinic": each.clinic,
            **total_document(each),
            "account": yuan(sum(settled[each.clinic])) if settled[each.clinic] else None,
            "first": _iso(book, each.first_ms),
            "last": _iso(book, each.last_ms),
        }
        for each in told
    ]


def _forward(book: Book, db: Database) -> Document | None:
    if book.config.forward is None:
        return None
    now = outbox.forwarded(db, book.config.forward.url)
    return {
        "url": book.config.forward.url,
        "held": now.position,
        "waiting": outbox.waiting(db, now.position),
        "refused": now.refused,
        "checkpoint": now.checkpoint,
        "heard": _iso(book, now.heard_ms or None),
    }


def _timed(book: Book, row: Document, column: str, name: str) -> Document:
    """The row with the instant of a column as text."""
    return {key: value for key, value in row.items() if key != column} | {name: _iso(book, row[column])}


def _iso(book: Book, at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms, book.config.zone)


# --- for people ---


def _show(document: Document) -> None:
    console = Console(highlight=False)
    runs = "运行中 running" if document["serve"]["running"] else "未运行 not running"
    console.print(escape(f"{document['name']} {document['clinic']} · serve {runs}"))
    console.print(_unit_table(document["units"]))
    for part, trouble in document["serve"]["troubles"].items():
        console.print(escape(f"故障 trouble · {part}: {trouble}"))
    if document["forward"]:
        console.print(escape(_forward_line(document["forward"])))
    for clinic in document.get("clinics", []):
        console.print(escape(_clinic_line(clinic)))
    for row in document["bills"]:
        console.print(escape(_bills_line(row)))
    for row in document["quarantine"]:
        console.print(escape(f"隔离 quarantine · {row['unit'] or '?'} {row['reason']}: {row['bodies']}"))
    for row in document["findings"]:
        where = row["unit"] + ("" if row["us"] is None else f":{row['us']}")
        console.print(escape(f"发现 finding · {row['code']} {where} {row['zh']} · {row['en']}"))


def _unit_table(rows: list[Document]) -> Table:
    table = Table()
    for head in ("单元\nunit", "等级\ngrade", "已接到\nhead", "待接\naside", "最后收到\nlast heard"):
        table.add_column(head)
    for row in rows:
        head = "从未收到 never heard" if row["us"] is None else str(row["us"])
        fork = "" if row["forked"] is None else f" 分叉 fork {row['forked']}"
        heard = (row["heard"] or "-")[:16].replace("T", " ")
        table.add_row(row["unit"], row["grade"], head + fork, str(row["aside"]), heard)
    return table


def _bills_line(row: Document) -> str:
    days = f"{row['first'][:10]} – {row['last'][:10]}" if row["first"] else "-"
    account = f" · 对账 account {row['account']}" if row["account"] else ""
    return (
        f"收费 bills · {row['clinic']} {row['source']} · {days} · 文件 files {row['files']} · 有效 in force {row['in_force']}"
        f" · 医保或未注明 insured or not told {row['insured']} · 自费 self-paid {row['self_paid']}{account}"
    )


def _forward_line(forward: Document) -> str:
    line = f"转发 forward · {forward['url']} · 待发 waiting {forward['waiting']}"
    if forward["refused"]:
        line += f" · 区级隔离 in the district's quarantine {forward['refused']}"
    return line + f" · 检查点 checkpoint {forward['checkpoint'] or '-'}"


def _clinic_line(clinic: Document) -> str:
    missing = sum(last - first + 1 for unit in clinic["units"] for first, last in unit["missing"])
    silent = sum(unit["never_heard"] for unit in clinic["units"])
    return (
        f"机构 clinic · {clinic['clinic']} · 单元 units {len(clinic['units'])} · 缺记录 missing {missing}"
        f" · 从未收到 never heard {silent} · 隔离 quarantined {clinic['quarantined']}"
    )
