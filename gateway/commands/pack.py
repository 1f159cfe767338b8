"""`wattwitness pack`: everything that a period rests on, as one ZIP that others verify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway import bootstrap
from gateway.audit import figures
from gateway.commands.output import as_json, of_clinic, print_json, say
from gateway.commands.period import read_period
from gateway.errors import UsageError
from gateway.ledger import bills
from gateway.pack import contents, writing
from gateway.pack.contents import Asked
from gateway.pack.writing import Written


@click.command()
@click.option("--from", "from_day", required=True, metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", required=True, metavar="DATE", help="截止日 · last day")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE.zip", help="新文件 · a new file"
)
@click.option(
    "--source", type=click.Choice(bills.SOURCES), help="只要谁的账单，默认全部 · whose bills, by default all"
)
@click.option(
    "--with-bill-files",
    "bill_files",
    is_flag=True,
    help="附上原始账单文件（含患者信息） · the bill files too; they name patients",
)
@of_clinic
@as_json
@click.pass_obj
def pack(
    folder: Path,
    from_day: str,
    to_day: str,
    out: Path,
    source: str | None,
    bill_files: bool,
    clinic: str | None,
    as_json: bool,
) -> None:
    """把一段时间的全部依据写成一个可独立核验的 ZIP · all that a period rests on, as a ZIP that others can verify.

    \b
    生成时重新核对；默认不含患者姓名和号码 · reconciles anew; without --with-bill-files nothing in it names a patient
    例 · example: wattwitness --dir clinic-01 pack --from 2026-03-01 --to 2026-03-31 --out 2026-03.zip
    """
    first, last = read_period(from_day, to_day)
    _check_new(out)
    book = bootstrap.open_book(folder)
    config, chosen = book.of_clinic(clinic), figures.read(folder)
    rules = (folder / figures.FILE).read_bytes() if chosen.sha256 else None
    with book.ledger() as db:
        sources = contents.sources_of(db, config.clinic, source)
        ledger, now_ms = book.config.clinic, book.clock.now_ms()
        asked = Asked(config, ledger, first, last, sources, chosen, rules, now_ms, bill_files)
        written = writing.write(db, asked, out, say)
    if as_json:
        print_json(document(written, out))
        return
    say(f"清单 SHA-256 {written.manifest_sha256}", "SHA-256 of the manifest: what the sheet prints")
    say(f"已写入 {out}（{written.files} 个文件）", f"written to {out} ({written.files} files)")


def _check_new(out: Path) -> None:
    if out.suffix.lower() != ".zip":
        raise UsageError(f"{out} 应为 .zip", f"{out} must end in .zip")
    if out.exists():
        raise UsageError(
            f"{out} 已存在，不会覆盖：请换一个名字", f"{out} exists and is never overwritten: choose another"
        )
    if not out.parent.is_dir():
        raise UsageError(
            f"没有目录 {out.parent}：请先建立", f"there is no folder {out.parent}: make it first"
        )


def document(written: Written, out: Path) -> dict[str, Any]:
    """As `pack --json` prints it."""
    held = written.contents
    said = held.document()
    return {
        "out": str(out),
        "bytes": written.bytes,
        "files": written.files,
        "manifest_sha256": written.manifest_sha256,
        **{name: said[name] for name in ("clinic", "from", "to", "sources", "trail")},
        "leads": sum(len(each.said["leads"]) for each in held.judged.values()),
    }
