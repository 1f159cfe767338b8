"""`wattwitness draw`: a random draw (双随机) that anybody can repeat with sha256sum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from gateway import bootstrap
from gateway.audit.draw import KINDS, STRATA
from gateway.audit.hours import Hours
from gateway.bootstrap import Book
from gateway.commands.lead_file import write
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.errors import UsageError
from gateway.instants import iso, read_day
from gateway.kit import lots
from gateway.kit.lots import Draw, Lot
from gateway.ledger import bills
from gateway.ledger.bills import BillLine, Teller
from gateway.money import yuan
from gateway.persons import CONSOLE, person


@click.command()
@click.option("--from", "from_day", metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", metavar="DATE", help="截止日 · last day")
@click.option("--n", default=20, type=click.IntRange(1, 100_000), metavar="N", help="抽几个 · how many")
@click.option("--seed", metavar="S", help="种子；不给则随机生成 · the seed; made at random by default")
@click.option("--of", "of", default="lines", type=click.Choice(KINDS), help="抽什么 · what is drawn")
@click.option("--per", type=click.Choice(STRATA), help="每层各抽 N · so many of each group")
@click.option("--among", metavar="NAME,...", help="inspectors：从哪些人中 · among whom")
@click.option("--source", type=click.Choice(bills.SOURCES), help="谁的账单 · whose bills")
@click.option("--by", default=CONSOLE, metavar="WHO", help="谁抽的 · who draws")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.txt",
    help="名单写到，一行一个 · the names drawn from",
)
@of_clinic
@as_json
@click.pass_obj
def draw(
    folder: Path,
    from_day: str | None,
    to_day: str | None,
    n: int,
    seed: str | None,
    of: str,
    per: str | None,
    among: str | None,
    source: str | None,
    by: str,
    out: Path | None,
    clinic: str | None,
    as_json: bool,
) -> None:
    """随机抽取收费行、机构、单元或核查人员，任何人都能用 sha256sum 重算 · a random draw that anybody can repeat.

    \b
    种子先记入操作记录，再抽 · the seed stands in the trail before anything is drawn
    例 · examples:
      wattwitness --dir district draw --clinic C001 --from 2026-03-01 --to 2026-03-31 --n 20
      wattwitness --dir district draw --of inspectors --among Q01,Q02,Q03,Q04 --n 2
    """
    if out is not None and out.exists():
        raise UsageError(f"{out} 已存在：请换一个名字", f"{out} exists already: choose another name")
    if per is not None and of != "lines":
        raise UsageError("--per 只用于收费行", "--per is for bill lines")
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        lot = _lot(db, book, of, clinic, source, (from_day, to_day), per, among)
        found = lots.draw_lot(db, lot, n, seed, per, person(by), book.clock.now_ms())
    if out is not None:
        names = sorted(each.name for each in lot.candidates)
        write(out, "".join(f"{each}\n" for each in names).encode())
    if as_json:
        print_json(document(book, found, per))
    else:
        _tell(book, found)


def document(book: Book, found: Draw, per: str | None) -> dict[str, Any]:
    """As `draw --json` prints it."""
    about = found.lot.about
    return {
        "seed": found.seed,
        "given": found.entry.body["given"],
        "kind": found.lot.kind,
        "n": found.n,
        "per": per,
        "clinic": about.get("clinic"),
        "from": about.get("from"),
        "to": about.get("to"),
        "population": found.lot.population,
        "trail": {
            "entry": found.entry.entry,
            "hash": found.entry.hash,
            "at": iso(found.entry.at_ms, book.config.zone),
        },
        "drawn": [
            {"name": each.name, "rank": each.rank, "stratum": each.stratum}
            | _details(book, about, found.lot.lines.get(each.name))
            for each in found.drawn
        ],
    }


def _details(book: Book, about: Any, line: BillLine | None) -> dict[str, object]:
    if line is None:
        return {}
    return {
        "charged": iso(line.charged_ms, book.zone_of(about["clinic"])),
        "item": line.item,
        "room": line.room,
        "amount": yuan(line.amount_fen),
    }


def _lot(
    db: Database,
    book: Book,
    of: str,
    clinic: str | None,
    source: str | None,
    span: tuple[str | None, str | None],
    per: str | None,
    among: str | None,
) -> Lot:
    if of == "lines":
        return _lines(db, book, clinic, source, span, per)
    if of == "units":
        return lots.of_units(db, book.owner(clinic))
    if of == "clinics":
        if not book.is_district:
            raise UsageError("机构由区平台抽取", "clinics are drawn at a district")
        return lots.of_names("draw:clinics", of, list(book.config.clinics))
    names = [person(each, "--among") for each in (among or "").split(",") if each.strip()]
    if not names:
        raise UsageError("请给出 --among：从哪些人中抽，如 Q01,Q02", "name --among: among whom, like Q01,Q02")
    return lots.of_names("draw:inspectors", of, names)


def _lines(
    db: Database,
    book: Book,
    clinic: str | None,
    source: str | None,
    span: tuple[str | None, str | None],
    per: str | None,
) -> Lot:
    if span[0] is None or span[1] is None:
        raise UsageError("抽收费行请给出 --from 和 --to", "name --from and --to to draw bill lines")
    config = book.of_clinic(clinic)
    first, last = read_day(span[0]), read_day(span[1])
    if last < first:
        raise UsageError(f"--to {last} 早于 --from {first}", f"--to {last} is before --from {first}")
    told = bills.sources(db, config.clinic)
    whose = source or ("platform" if book.is_district and "platform" in told else (told or bills.SOURCES)[0])
    return lots.of_lines(db, Hours(config), Teller(config.clinic, whose), first, last, per)


def _tell(book: Book, found: Draw) -> None:
    for each in found.drawn:
        click.echo("  ".join(filter(None, (each.rank[:16], each.stratum, each.name))))
    count = found.lot.population["count"]
    say(
        f"从 {count} 个中抽出 {len(found.drawn)} 个；种子 {found.seed}，操作记录第 {found.entry.entry} 条",
        f"{len(found.drawn)} drawn of {count}; seed {found.seed}, entry {found.entry.entry} of the trail",
    )
