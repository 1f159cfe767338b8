"""`wattwitness trail`: who did what, and the head that proves that nothing was taken out."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from gateway import bootstrap
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.instants import iso
from gateway.ledger import trail as book_of_acts
from gateway.ledger.trail import Entry, Head


@click.command()
@click.option("--after", default=0, type=click.IntRange(0), metavar="N", help="此条之后 · after this entry")
@click.option("--subject", metavar="SUBJECT", help="只看一个对象，如 lead:ID · of one subject only")
@click.option(
    "--heads",
    "clinic",
    metavar="ID",
    help="在区平台：该机构报过的各个末端 · at a district: the heads of a clinic",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="与区平台 --heads --json 的文件核对 · hold it against the district's heads",
)
@as_json
@click.pass_obj
def trail(
    folder: Path, after: int, subject: str | None, clinic: str | None, against: Path | None, as_json: bool
) -> int:
    """列出人的操作记录（只增不改，逐条以哈希相连） · list who did what: append-only, each entry chained by its hash.

    \b
    check 核验整条链；--against 看它是否与区里留存的末端相符，不符退出码 1 · check verifies the chain
    例 · example: wattwitness --dir clinic-01 trail --subject lead:3f0c9a1b2d4e
    """
    book = bootstrap.open_book(folder)
    with book.ledger() as db:
        if clinic is not None:
            return _heads(book, clinic, book_of_acts.heads(db, clinic), as_json)
        found = book_of_acts.entries(db, after=after, subject=subject)
        head = book_of_acts.head(db)
        missing = (
            [] if against is None else book_of_acts.contradicted(_read(against), book_of_acts.entries(db))
        )
    if as_json:
        told = [document(book, each) for each in found]
        lost = {} if against is None else {"contradicted": [asdict(each) for each in missing]}
        print_json({"head": asdict(head), "entries": told, **lost})
    else:
        for each in found:
            click.echo(
                f"{each.entry:5d}  {_at(book, each.at_ms)}  {each.who:10}  {each.act:18}  {each.subject}"
            )
        say(f"共 {head.entry} 条，末端 {head.hash[:16]}", f"{head.entry} entries, head {head.hash[:16]}")
        for one in missing:
            say(f"与区里留存的第 {one.entry} 条不符", f"entry {one.entry} is not what the district was told")
    return 1 if missing else 0


def document(book: bootstrap.Book, entry: Entry) -> dict[str, object]:
    """As `trail --json` prints an entry."""
    return book_of_acts.document(entry) | {"at": _at(book, entry.at_ms), "hash": entry.hash}


def _heads(book: bootstrap.Book, clinic: str, told: list[tuple[Head, int]], as_json: bool) -> int:
    rewritten = book_of_acts.contradictory([head for head, _ in told])
    if as_json:
        heads = [asdict(head) | {"heard": _at(book, heard_ms)} for head, heard_ms in told]
        print_json({"clinic": clinic, "rewritten": rewritten, "heads": heads})
    else:
        for head, heard_ms in told:
            click.echo(f"{head.entry:5d}  {_at(book, heard_ms)}  {head.hash}")
        if rewritten:
            say(
                f"{clinic} 的操作记录变短或被改写过",
                f"the trail of {clinic} grew shorter or was written anew",
            )
    return 1 if rewritten else 0


def _read(path: Path) -> list[Head]:
    try:
        return [Head(each["entry"], each["hash"]) for each in json.loads(path.read_bytes())["heads"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"不能读取 {path}：应为区平台 trail --heads ID --json 的输出",
            f"cannot read {path}: it should be what the district's trail --heads ID --json prints",
        ) from error


def _at(book: bootstrap.Book, at_ms: int) -> str:
    return iso(at_ms, book.config.zone)
