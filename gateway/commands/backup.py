"""`wattwitness backup OUT`: a consistent copy of the ledger, also while `serve` runs."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.bootstrap import open_book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.ledger import database


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def backup(folder: Path, out: Path, as_json: bool) -> None:
    """备份账本到一个新文件 · a copy of the ledger as a new file.

    \b
    恢复：把它放回账本目录，命名 ledger.db · to restore, put it into the ledger folder as ledger.db
    例 · example: wattwitness --dir clinic-01 backup /media/usb/ledger-2026-03-02.db
    """
    book = open_book(folder)
    if out.exists():
        raise UsageError(
            f"{out} 已存在，不会覆盖：请换一个文件名",
            f"{out} exists and is never overwritten: choose another",
        )
    if not out.parent.is_dir():
        raise UsageError(
            f"没有目录 {out.parent}：请先建立", f"there is no folder {out.parent}: make it first"
        )
    with book.ledger() as db:
        database.backup(db, out)
    if as_json:
        print_json({"out": str(out), "bytes": out.stat().st_size})
    else:
        say(f"已备份到 {out}", f"backed up to {out}")
