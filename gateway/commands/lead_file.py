"""`wattwitness lead export | import | attachment`, and what is read from files for an answer."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway import bootstrap
from gateway.audit import exchange
from gateway.audit.review import MOST_BYTES
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.errors import SurroundingsError, UsageError
from gateway.instants import read_day
from gateway.ledger import reviews

_MOST_OF_A_FILE = 512 * 1024 * 1024


@click.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE.json", help="写到 · where to"
)
@click.option("--from", "from_day", default="1970-01-01", metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", default="9999-12-31", metavar="DATE", help="截止日 · last day")
@of_clinic
@as_json
@click.pass_obj
def export(folder: Path, out: Path, from_day: str, to_day: str, clinic: str | None, as_json: bool) -> None:
    """把线索的答复、结果和附件写成一个文件，交给对方 · answers, outcomes and attachments as one file for the other side.

    \b
    例 · example: wattwitness --dir clinic-01 lead export --out leads.json
    """
    book = bootstrap.open_book(folder)
    first, last = str(read_day(from_day)), str(read_day(to_day))
    if out.exists():
        raise UsageError(f"{out} 已存在：请换一个名字", f"{out} exists already: choose another name")
    with book.ledger() as db:
        told = exchange.bundle(db, book.config.role, clinic, first, last, book.clock.now_ms())
    write(out, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    if as_json:
        counts = {"leads": len(told["leads"]), "attachments": len(told["attachments"])}
        print_json({"out": str(out), **counts, "sha256": told["sha256"]})
        return
    say(
        f"{len(told['leads'])} 条线索写入 {out}，摘要 {told['sha256']}",
        f"{len(told['leads'])} leads written to {out}, SHA-256 as given",
    )


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", required=True, metavar="WHO", help="谁 · who")
@as_json
@click.pass_obj
def import_(folder: Path, file: Path, by: str, as_json: bool) -> None:
    """收入对方 lead export 的文件；重复导入不变，经过不符则整份拒绝 · take in the other side's file: whole, once.

    \b
    例 · example: wattwitness --dir district lead import leads.json --by Q01
    """
    book = bootstrap.open_book(folder)
    body = read(file, _MOST_OF_A_FILE)
    own = None if book.is_district else book.config.clinic
    with book.ledger() as db:
        brought = exchange.take(db, body, book.config.role, own, by, book.clock.now_ms())
    if as_json:
        print_json({
            "leads": brought.leads, "acts": brought.acts, "repeated": brought.repeated,
            "attachments": brought.attachments,
        })  # fmt: skip
        return
    say(
        f"新经过 {brought.acts} 条，已有 {brought.repeated} 条",
        f"{brought.acts} acts are new, {brought.repeated} were known",
    )


@click.command()
@click.argument("sha256")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="写到 · where to")
@as_json
@click.pass_obj
def attachment(folder: Path, sha256: str, out: Path, as_json: bool) -> None:
    """取出一个附件 · write an attachment to a file.

    \b
    例 · example: wattwitness lead attachment 9f86d081884c7d65... --out page.jpg
    """
    if out.exists():
        raise UsageError(f"{out} 已存在：请换一个名字", f"{out} exists already: choose another name")
    with bootstrap.open_book(folder).ledger() as db:
        body = reviews.attachment(db, sha256.lower())
    if body is None:
        raise UsageError(f"没有附件 {sha256}：请看 lead show", f"no attachment {sha256}: see lead show")
    write(out, body)
    if as_json:
        print_json({"out": str(out), "bytes": len(body)})
    else:
        say(f"已写入 {out}", f"written to {out}")


def text_of(text: str | None, source: Path | None) -> str:
    """The text that was given, or that a file holds."""
    if (text is None) == (source is None):
        raise UsageError("请给出 --text 或 --file 之一", "give either --text or --file")
    if source is None:
        return text or ""
    try:
        return read(source, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} 不是 UTF-8：请另存", f"{source} is not in UTF-8: save it so") from error


def attachments(paths: tuple[Path, ...]) -> dict[str, bytes]:
    """The files to attach by name; UsageError where two have one name or one is too large."""
    found: dict[str, bytes] = {}
    for path in paths:
        name = path.name.encode(errors="replace").decode()
        if name in found:
            raise UsageError(f"两个附件同名 {name}：请改名", f"two attachments are named {name}: rename one")
        found[name] = read(path, MOST_BYTES)
    return found


def read(path: Path, most: int) -> bytes:
    """Every byte of a file; UsageError where it cannot be had or is larger than `most` bytes."""
    try:
        if path.stat().st_size > most:
            raise UsageError(
                f"{path} 超过 {most} 字节：请缩小", f"{path} has more than {most} bytes: make it smaller"
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"不能读取 {path}：{error.strerror}", f"cannot read {path}: {error.strerror}"
        ) from error


def write(path: Path, body: bytes) -> None:
    """A new file with these bytes; SurroundingsError where it cannot be written, and then there is none."""
    try:
        with path.open("xb") as file:
            try:
                file.write(body)
                file.flush()
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise SurroundingsError(
            f"不能写入 {path}：{error.strerror}", f"cannot write {path}: {error.strerror}"
        ) from error
