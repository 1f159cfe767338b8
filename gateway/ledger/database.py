"""The ledger's file: opened durable (WAL, synchronous FULL), brought to the present schema, never to a past one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from gateway.errors import SurroundingsError, UsageError
from gateway.ledger.schema import migrations

FILE = "ledger.db"
_BUSY_MS = 30_000


def open_ledger(folder: Path) -> Database:
    """The ledger in `folder`; UsageError where there is none, or where a newer version made it.

    A connection serves one thread at a time: each thread opens its own.
    """
    path = folder / FILE
    if not path.is_file():
        raise UsageError(
            f"找不到账本 {path}：新建请运行 wattwitness init，恢复请把备份放到这里",
            f"no ledger {path}: run wattwitness init for a new one, or put a backup there",
        )
    return _open(path, new=False)


def create_ledger(folder: Path) -> Database:
    """A new, empty ledger in `folder`, readable by its owner alone; so are the files that SQLite puts beside it."""
    path = folder / FILE
    path.touch(mode=0o600)
    return _open(path, new=True)


def _open(path: Path, new: bool) -> Database:
    connection = sqlite3.connect(path, timeout=_BUSY_MS / 1000, check_same_thread=False)
    try:
        db = Database(connection, execute_plugins=False)
        _refuse_newer(db, path)
        if not new and not migrations.applied(db):
            raise _no_ledger(path, "empty")
        db.execute("PRAGMA foreign_keys = ON")
        db.enable_wal()
        db.execute("PRAGMA synchronous = FULL")
        if migrations.pending(db):
            with transaction(db):
                migrations.apply(db)
    except sqlite3.OperationalError as error:
        connection.close()
        raise _surroundings(error, path) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _no_ledger(path, error) from error
    except BaseException:
        connection.close()
        raise
    return db


def _no_ledger(path: Path, why: object) -> UsageError:
    return UsageError(
        f"{path} 不是账本（{why}），未作改动：请用备份恢复，或用 --dir 指定正确的目录",
        f"{path} is no ledger ({why}) and was not touched: restore a backup, or name the right folder by --dir",
    )


def _refuse_newer(db: Database, path: Path) -> None:
    known = {each.name for each in migrations.pending(Database(memory=True))}
    newer = [each.name for each in migrations.applied(db) if each.name not in known]
    if newer:
        raise UsageError(
            f"账本 {path} 由更新的版本写成（{newer[-1]}），未作任何改动：请升级 WattWitness 后再打开",
            f"{path} was written by a newer version ({newer[-1]}) and was not touched: upgrade WattWitness to open it",
        )


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All or nothing; what is written inside is durable (fsync) when the block has been left.

    A full disk or a ledger held by another program is a SurroundingsError, and nothing was written.
    """
    try:
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.conn.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise
    except sqlite3.OperationalError as error:
        raise _surroundings(error, _path(db)) from error


@contextmanager
def rehearsal(db: Database) -> Iterator[None]:
    """What is written inside is seen inside and gone afterwards: how things would be."""
    try:
        db.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.rollback()
    except sqlite3.OperationalError as error:
        raise _surroundings(error, _path(db)) from error


def backup(db: Database, out: Path) -> None:
    """A consistent copy of the ledger as the new file `out` (SQLite's VACUUM INTO), readable by its owner alone; all of it, or
    none."""
    try:
        out.touch(mode=0o600, exist_ok=False)
        db.execute("VACUUM INTO ?", [str(out)])
    except OSError as error:
        raise SurroundingsError(f"不能写 {out}：{error}", f"cannot write {out}: {error}") from error
    except sqlite3.OperationalError as error:
        out.unlink()
        raise _surroundings(error, out) from error


def version(db: Database) -> int:
    """A number that changes when another connection has changed the ledger (PRAGMA data_version)."""
    return db.execute("PRAGMA data_version").fetchone()[0]


def size(db: Database) -> int:
    """Bytes that the ledger's file takes."""
    pages, each = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * each)


def check_whole(path: Path, named: Path) -> None:
    """UsageError, speaking of `named`, unless `path` is a ledger of this version or an older one in which SQLite finds
    nothing wrong (PRAGMA integrity_check, foreign_key_check). Nothing is written."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        db = Database(connection, execute_plugins=False)
        _refuse_newer(db, named)
        if not migrations.applied(db):
            raise _no_ledger(named, "empty")
        said = db.execute("PRAGMA integrity_check").fetchall()
        if said != [("ok",)] or db.execute("PRAGMA foreign_key_check").fetchall():
            raise _no_ledger(named, said[0][0])
    except sqlite3.DatabaseError as error:
        raise _no_ledger(named, error) from error
    finally:
        connection.close()


def _path(db: Database) -> Path:
    return Path(db.execute("PRAGMA database_list").fetchone()[2])


def _surroundings(error: sqlite3.OperationalError, path: Path) -> Exception:
    """What failed around us, in words; the error itself where it was our own mistake."""
    code = error.sqlite_errorcode & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return SurroundingsError(
            f"写不进 {path}（{error}）：磁盘已满或出错，已存的内容没有改动；请腾出空间后继续",
            f"cannot write {path} ({error}): the disk is full or failing, nothing stored was touched; make room",
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return SurroundingsError(
            f"不能打开或写入 {path}（{error}）：请检查目录的写权限",
            f"cannot open or write {path} ({error}): check the folder's permissions",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SurroundingsError(
            f"{path} 被另一个程序占用：请稍后再试", f"{path} is held by another program: try again later"
        )
    return error
