"""`wattwitness import-bills FILE`: what was charged, into the ledger."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress as Bar

from gateway import bootstrap
from gateway.audit import catalogue, formats
from gateway.audit.formats import mapped
from gateway.audit.import_bills import Imported, Progress, Rules
from gateway.audit.import_bills import import_bills as import_file
from gateway.audit.patients import open_patients
from gateway.bootstrap import Book
from gateway.commands.imported import document, exit_code, tell, tell_in_a_line
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.commands.watch import until_asked, watch
from gateway.errors import UsageError
from gateway.ledger.bills import SOURCES, Teller, known_file
from gateway.persons import CONSOLE

_LONGEST_BYTES = 512 * 1024 * 1024  # the ledger keeps the file in one piece


@click.command("import-bills")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(formats.FORMATS), default="auto", show_default=True)
@click.option(
    "--mapping", type=click.Path(path_type=Path), help="字段对照(TOML) · what the columns and codes mean"
)
@click.option(
    "--source", type=click.Choice(SOURCES), default=SOURCES[0], show_default=True, help="谁的数据 · whose"
)
@click.option(
    "--accept-partial", is_flag=True, help="拒绝的行除外,其余入账 · take the rows that can be taken"
)
@click.option(
    "--watch",
    "folder_watched",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="导入此目录中出现的文件,直到 Ctrl-C · import what appears there, until Ctrl-C",
)
@of_clinic
@click.option("--example-mapping", is_flag=True, help="打印对照文件样例 · print an example mapping file")
@as_json
@click.pass_obj
def import_bills(
    folder: Path,
    file: Path | None,
    form: str,
    mapping: Path | None,
    source: str,
    accept_partial: bool,
    folder_watched: Path | None,
    clinic: str | None,
    example_mapping: bool,
    as_json: bool,
) -> int:
    """导入收费文件:整份入账或全部不入 · import a bill file, whole or not at all.

    \b
    格式 · formats: 2204 (JSON), fee-list (CSV), his-xlsx (HIS 明细 · XLSX), 3202 (对明细账 · ZIP, totals only),
      mapped (任意 CSV · any CSV, with --mapping)
    退出码 · exit code: 1 部分行被拒绝 · some rows refused (--accept-partial); 2 整份未入账 · nothing was stored
    例 · examples:
      wattwitness --dir clinic-01 import-bills 2026-03-02.json
      wattwitness import-bills --example-mapping > mapping.toml
      wattwitness --dir clinic-01 import-bills his.csv --mapping mapping.toml
      wattwitness --dir clinic-01 import-bills --watch /srv/bills
    """
    if example_mapping:
        click.echo(mapped.EXAMPLE, nl=False)
        return 0
    if folder_watched is not None:
        if file is not None or as_json:
            raise UsageError("--watch 不与 FILE 或 --json 同用", "--watch goes without FILE and --json")
        book = bootstrap.open_book(folder)
        teller = Teller(book.owner(clinic), source)
        return _watch(book, folder_watched, teller, mapping, form, accept_partial)
    if file is None:
        raise UsageError("请给出收费文件", "name a bill file")
    book = bootstrap.open_book(folder)
    teller = Teller(book.owner(clinic), source)
    body = _read(file, _LONGEST_BYTES)
    imported = _import(book, body, file.name, teller, mapping, form, accept_partial)
    if as_json:
        print_json(document(imported, source))
    tell(imported)
    return exit_code(imported)


def _watch(
    book: Book, folder: Path, teller: Teller, mapping: Path | None, form: str, accept_partial: bool
) -> int:
    """Until asked to stop. One line per file; a refused one keeps nothing else out."""

    def take(path: Path) -> None:
        name = _written(path.name)
        try:
            body = _read(path, _LONGEST_BYTES)
            if _is_known(book, body, teller):
                say(f"{name}:已在账中", "already in the ledger")
                return
            imported = _import(book, body, path.name, teller, mapping, form, accept_partial)
        except UsageError as error:
            say(f"{name}:未入账,{error.zh}", f"nothing was stored: {error.en}")
            return
        tell_in_a_line(name, imported)

    with book.ledger() as db:
        _mapping(mapping, catalogue.in_force(db))  # wrong usage is told before anything is waited for
    with until_asked() as pause:
        say(f"等待 {folder} 中的收费文件(Ctrl-C 结束)", f"watching {folder} for bill files, Ctrl-C ends it")
        watch(folder, take, pause)
    return 0


def _is_known(book: Book, body: bytes, teller: Teller) -> bool:
    with book.ledger() as db:
        return known_file(db, hashlib.sha256(body).hexdigest(), teller) is not None


def _import(
    book: Book, body: bytes, name: str, teller: Teller, mapping: Path | None, form: str, accept_partial: bool
) -> Imported:
    with book.ledger() as db, _progress() as progress:
        items, zone = catalogue.in_force(db), book.zone_of(teller.clinic)
        rules = Rules(items, zone, open_patients(book.folder), _mapping(mapping, items))
        return import_file(
            db,
            rules,
            body,
            _written(name),
            teller,
            book.clock.now_ms(),
            form=form,
            accept_partial=accept_partial,
            by=CONSOLE,
            progress=progress,
        )


def _written(name: str) -> str:
    """A file's name as text can hold it."""
    return name.encode(errors="replace").decode()


def _read(path: Path, longest: int) -> bytes:
    try:
        if path.stat().st_size > longest:
            raise UsageError(
                f"{path} 过大:请按日或按月分开", f"{path} is too large: split it by day or month"
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"不能读取 {path}:{error.strerror}", f"cannot read {path}: {error.strerror}"
        ) from error


def _mapping(path: Path | None, items: catalogue.Catalogue) -> mapped.Mapped | None:
    if path is None:
        return None
    try:
        text = _read(path, 1024 * 1024).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} 不是 UTF-8:请另存", f"{path} is not in UTF-8: save it so") from error
    return mapped.mapping(text, str(path), frozenset(items.items))


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal, else a line for each step that takes a while."""
    if not sys.stderr.isatty():
        yield _progress_line
        return
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(zh: str, en: str, done: int, total: int) -> None:
            bar.update(task, description=f"{zh} · {en}", completed=done, total=total or None)

        yield show


def _progress_line(zh: str, en: str, done: int, total: int) -> None:
    if total >= 20_000:
        say(f"{zh} {done}/{total} 行", f"{en}: {done} of {total} lines")
