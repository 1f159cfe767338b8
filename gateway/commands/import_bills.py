"""`wattwitness import-bills FILE`: what was charged, into the ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.ledger.bills import SOURCES

_LONGEST_BYTES = 512 * 1024 * 1024  # the ledger keeps the file in one piece
_SHOWN = 20  # refused rows and unmapped codes told to people; --json has all


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
    example_mapping: bool,
    as_json: bool,
) -> int:
    """导入收费文件:整份入账或全部不入 · import a bill file, whole or not at all.

    \b
    格式 · formats: 2204 (JSON), fee-list (CSV), mapped (任意 CSV · any CSV, with --mapping)
    退出码 · exit code: 1 部分行被拒绝 · some rows refused (--accept-partial); 2 整份未入账 · nothing was stored
    例 · examples:
      wattwitness --dir clinic-01 import-bills 2026-03-02.json
      wattwitness import-bills --example-mapping > mapping.toml
      wattwitness --dir clinic-01 import-bills his.csv --mapping mapping.toml
    """
    if example_mapping:
        click.echo(mapped.EXAMPLE, nl=False)
        return 0
    if file is None:
        raise UsageError("请给出收费文件", "name a bill file")
    book = bootstrap.open_book(folder)
    body = _read(file, _LONGEST_BYTES)
    imported = _import(book, body, file.name, source, mapping, form, accept_partial)
    if as_json:
        print_json(document(imported, source))
    _tell(imported)
    if imported.file is None:
        return 2
    return 1 if imported.refused else 0


def _import(
    book: Book, body: bytes, name: str, source: str, mapping: Path | None, form: str, accept_partial: bool
) -> Imported:
    items = catalogue.read()
    with book.ledger() as db, _progress() as progress:
        rules = Rules(items, book.config.zone, open_patients(book.folder), _mapping(mapping, items))
        return import_file(
            db,
            rules,
            body,
            name.encode(errors="replace").decode(),
            source,
            book.clock.now_ms(),
            form=form,
            accept_partial=accept_partial,
            progress=progress,
        )


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


# --- what is said ------------------------------------------------------------------------------------------------


def document(imported: Imported, source: str) -> dict[str, Any]:
    """The import as `--json` prints it."""
    return {
        "lines": imported.lines,
        "new": imported.new,
        "repeated": imported.repeated,
        "reversed": imported.reversed,
        "refused": [
            {"row": each.row, "column": each.column, "value": each.value, "why": each.why}
            for each in imported.refused
        ],
        "file_sha256": imported.sha256,
        "stored": imported.file is not None,
        "source": source,
        "format": imported.format,
        "revived": imported.revived,
        "partly_reversed": imported.reduced,
        "mapped": imported.mapped,
        "unmapped": [
            {"code": each.code, "name": each.name, "lines": each.lines, "candidates": list(each.candidates)}
            for each in imported.unmapped
        ],
        "notes": [{"zh": zh, "en": en} for zh, en in imported.notes],
    }


def _tell(imported: Imported) -> None:
    for each in imported.refused[:_SHOWN]:
        where = f"{each.column} = {each.value!r}" if each.column else each.value
        say(f"  第 {each.row} 行 {where}:{each.zh}", f"row {each.row}: {each.en}")
    _tell_more(len(imported.refused))
    for zh, en in imported.notes:
        say(zh, en)
    if imported.file is None:
        say(
            f"拒绝 {len(imported.refused)} 行,整份未入账:请改正,或用 --accept-partial 收下其余各行",
            f"{len(imported.refused)} rows refused, nothing was stored: correct them, or --accept-partial takes the rest",
        )
        return
    _tell_unmapped(imported)
    say(
        f"{imported.lines} 行:新 {imported.new},重复 {imported.repeated},冲销 {imported.reversed},"
        f"部分冲销 {imported.reduced},拒绝 {len(imported.refused)}",
        f"{imported.lines} lines: {imported.new} new, {imported.repeated} repeated, {imported.reversed} reversed,"
        f" {imported.reduced} in part, {len(imported.refused)} refused",
    )


def _tell_unmapped(imported: Imported) -> None:
    """Codes that may be items of the catalogue; what is none of them is only counted."""
    doubtful = [each for each in imported.unmapped if each.candidates]
    for each in doubtful[:_SHOWN]:
        numbers = ", ".join(map(str, each.candidates))
        called = f"{each.code!r} {each.name!r}"
        say(
            f"  {called} 可能是目录第 {numbers} 项:请在 --mapping 的 [items] 中写明",
            f"could be item {numbers}: say which",
        )
    _tell_more(len(doubtful))
    others = sum(each.lines for each in imported.unmapped if not each.candidates)
    if others:
        say(f"{others} 行不在目录内,照存", f"{others} lines are no item of the catalogue, kept all the same")


def _tell_more(count: int) -> None:
    if count > _SHOWN:
        say(f"  …… 另有 {count - _SHOWN} 项,见 --json", f"{count - _SHOWN} more, see --json")


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
