"""`wattwitness take-in FILE...`: records from files, one per line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from gateway import pipeline
from gateway.bootstrap import open_book
from gateway.check.opened import PackRefused, open_pack
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.intake.outcome import Outcome
from gateway.intake.verify import LONGEST_LINE, Arrival

_BATCH = 1000  # lines per transaction


@click.command("take-in")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--read-from-unit",
    "by_cable",
    is_flag=True,
    help="由 read-flash 从单元读出 · what read-flash read out of a unit",
)
@as_json
@click.pass_obj
def take_in(folder: Path, files: tuple[Path, ...], by_cable: bool, as_json: bool) -> int:
    """从文件收取记录，每行一条，或一个证据包 · records from files, one per line, or an evidence pack (.zip).

    \b
    退出码 1：有记录被隔离或有发现 · exit code 1: something was refused or found
    例 · example: wattwitness --dir clinic-01 take-in /media/usb/U1.records
    """
    book = open_book(folder)
    for path in files:
        _check_readable(path)
    total = Outcome()
    with book.ledger() as db:
        for path in files:
            for batch in [list(_arrivals(path))] if by_cable else _batches(path):  # withheld is one finding
                source = f"{'cable' if by_cable else 'file'}:{path.name}"
                now_ms, logged = book.clock.now_ms(), book.is_district
                total.add(pipeline.take_in(db, batch, source, now_ms, logged=logged, by_cable=by_cable))
        if not book.is_district:
            pipeline.record_posts(db, book.config, book.clock.now_ms())
    _report(total, as_json)
    return 1 if total.findings or total.quarantined else 0


def _check_readable(path: Path) -> None:
    """Every file is looked at before the first is taken in."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise UsageError(
            f"不能读取 {path}：{error.strerror}", f"cannot read {path}: {error.strerror}"
        ) from error
    if _is_pack(path):
        _check_pack(path)


def _is_pack(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _check_pack(path: Path) -> None:
    """A pack is taken whole or not at all; what its records say is judged like that of any other line."""
    try:
        with open_pack(path) as pack:
            broken = [fault.where for fault in pack.examine()]
    except PackRefused as error:
        raise UsageError(
            f"{path} 不作为证据包收取：{error.zh}", f"{path} is not taken as a pack: {error.en}"
        ) from error
    if broken:
        raise UsageError(
            f"{path} 中 {broken[0]} 与清单不符：请重新拷贝",
            f"{broken[0]} in {path} is not what its manifest lists: copy it again",
        )


def _batches(path: Path) -> Iterator[list[Arrival]]:
    batch: list[Arrival] = []
    for arrival in _arrivals(path):
        batch.append(arrival)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _arrivals(path: Path) -> Iterator[Arrival]:
    return (Arrival(line) for line in _lines(path))


def _lines(path: Path) -> Iterator[bytes]:
    """The lines that are not blank; of an overlong one, a piece that will be refused."""
    if _is_pack(path):
        yield from _lines_of_pack(path)
        return
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE + 2):
            if line.strip():
                yield line.rstrip(b"\r\n")


def _lines_of_pack(path: Path) -> Iterator[bytes]:
    """The records of all units, those of a chain before those beside it."""
    with open_pack(path) as pack:
        for member in [*pack.under("records", ".ocmf"), *pack.under("records", ".aside")]:
            for line in pack.lines(member):
                if line.strip():
                    yield line.encode()[: LONGEST_LINE + 2]


def _report(total: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(total.document())
        return
    say(
        f"新收 {total.stored} 条，重复 {total.repeated} 条，隔离 {total.quarantined} 条",
        f"{total.stored} stored, {total.repeated} repeated, {total.quarantined} quarantined",
    )
    for each in total.findings:
        where = f"{each.unit or '?'}:{'' if each.us is None else each.us}"
        say(f"  {each.code} {where} {each.zh}", each.en)
