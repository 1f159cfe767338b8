"""`wattwitness restore FILE`: a backup becomes the ledger of a folder that has none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click
from sqlite_utils import Database

from gateway import config, keyfile
from gateway.audit import figures as rules_of_leads
from gateway.audit import patients
from gateway.bootstrap import open_book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import SurroundingsError, UsageError
from gateway.install.choices import PAGES_TLS
from gateway.instants import iso
from gateway.kit import key as district_key
from gateway.ledger import database, people, records, trail
from gateway.nurse import tokens
from gateway.persons import CONSOLE

_BESIDE = (config.FILE, patients.FILE, rules_of_leads.FILE, district_key.FILE, *PAGES_TLS)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@as_json
@click.pass_obj
def restore(folder: Path, file: Path, as_json: bool) -> None:
    """把 backup 的文件恢复成账本目录；先验完整，已有账本的目录不动 · make a ledger folder of a backup: verified first.

    \b
    旁边的 wattwitness.toml、各个密钥一起恢复；各人须重新登录；单元会补发此后的记录
    例 · example: wattwitness --dir clinic-01 restore /media/usb/wattwitness/ledger-20260302-023412.db
    """
    if (folder / database.FILE).exists():
        raise UsageError(
            f"{folder} 已有账本，不会覆盖：请用新的目录",
            f"{folder} has a ledger, which is never overwritten: name a new folder",
        )
    if not file.is_file():
        raise UsageError(f"没有文件 {file}", f"there is no file {file}")
    if not (folder / config.FILE).exists() and not file.with_name(config.FILE).is_file():
        raise UsageError(
            f"{file.parent} 里没有 {config.FILE}：请先把它放进 {folder}",
            f"{file.parent} has no {config.FILE}: put one into {folder} first",
        )
    try:
        came = _placed(folder, file)
    except OSError as error:
        raise SurroundingsError(f"不能写 {folder}：{error}", f"cannot write {folder}: {error}") from error
    _told(folder, file, came, as_json)


def _placed(folder: Path, file: Path) -> list[str]:
    """Everything of the backup, the ledger last and whole: a folder without a ledger is none. The names of what came."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f"{database.FILE}.restoring"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with file.open("rb") as backup, draft.open("wb") as out:
        shutil.copyfileobj(backup, out)
        out.flush()
        os.fsync(out.fileno())
    try:
        database.check_whole(draft, file)
    except BaseException:
        draft.unlink()
        raise
    sources = {name: file.with_name(name) for name in _BESIDE} | {
        tokens.FILE: file.with_name(f"{file.name}.{tokens.FILE}")
    }
    came = [name for name, source in sources.items() if source.is_file() and not (folder / name).exists()]
    for name in came:
        keyfile.copy(sources[name], folder / name)
    draft.rename(folder / database.FILE)
    return [database.FILE, *came]


def _told(folder: Path, file: Path, came: list[str], as_json: bool) -> None:
    book = open_book(folder)
    with book.ledger() as db:
        _begun_anew(db, file, book.clock.now_ms())
        heads = [{"unit": unit, "us": head.us} for unit, head in sorted(records.heads(db).items())]
        newest_ms = max(records.heard(db).values(), default=None)
    newest = None if newest_ms is None else iso(newest_ms, book.config.zone)
    if as_json:
        print_json({"dir": str(folder), "files": came, "heads": heads, "newest": newest})
        return
    say(f"已恢复到 {folder}：{'、'.join(came)}", f"restored into {folder}: {', '.join(came)}")
    say(
        f"最后一条记录收于 {newest or '—'}；运行 serve 后，单元会补发此后的记录，区里会看到操作记录变短",
        f"the last record came at {newest or '—'}; once serve runs, units send again what came later, and the district sees"
        " that the trail grew shorter",
    )


def _begun_anew(db: Database, file: Path, at_ms: int) -> None:
    """Nobody is signed in by what an old copy says, and the trail tells of the copy."""
    with database.transaction(db):
        people.sign_out_all(db)
        trail.note(db, at_ms, CONSOLE, "restore", file.name, {"head": trail.head(db).entry})
