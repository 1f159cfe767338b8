"""`wattwitness backup OUT`: a consistent copy of the ledger, also while `serve` runs, and the key of its tags beside it."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import keyfile
from gateway.bootstrap import open_book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.ledger import database
from gateway.nurse import tokens


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@as_json
@click.pass_obj
def backup(folder: Path, out: Path, as_json: bool) -> None:
    """备份账本到一个新文件，标签密钥在旁 · a copy of the ledger as a new file, with the key of its tags beside it.

    \b
    恢复：放回账本目录，命名 ledger.db 和 tag.key · to restore, put them into the ledger folder as ledger.db and tag.key
    例 · example: wattwitness --dir clinic-01 backup /media/usb/ledger-2026-03-02.db
    """
    book = open_book(folder)
    key = out.with_name(f"{out.name}.{tokens.FILE}")
    has_key = (folder / tokens.FILE).is_file()
    for path in (out, key) if has_key else (out,):
        if path.exists():
            raise UsageError(
                f"{path} 已存在，不会覆盖：请换一个文件名",
                f"{path} exists and is never overwritten: choose another",
            )
    if not out.parent.is_dir():
        raise UsageError(
            f"没有目录 {out.parent}：请先建立", f"there is no folder {out.parent}: make it first"
        )
    with book.ledger() as db:
        database.backup(db, out)
    if has_key:
        keyfile.copy(folder / tokens.FILE, key)
    if as_json:
        print_json({"out": str(out), "bytes": out.stat().st_size, "tag_key": str(key) if has_key else None})
    else:
        say(f"已备份到 {out}", f"backed up to {out}")
