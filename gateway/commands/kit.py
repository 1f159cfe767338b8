"""`wattwitness kit`: at a district, the signed folder that an inspector takes along to an unannounced check."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from gateway import bootstrap
from gateway.audit import figures
from gateway.audit.hours import Hours
from gateway.bootstrap import Book
from gateway.commands.lead_file import write as write_file
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.instants import iso, read_day
from gateway.kit import contents, folder, key, lots
from gateway.kit.contents import Asked
from gateway.kit.key import Signer
from gateway.kit.lots import Draw
from gateway.ledger import bills, packing, trail
from gateway.ledger.bills import Teller
from gateway.ledger.database import transaction
from gateway.persons import CONSOLE, person


@click.command()
@click.option("--clinic", metavar="ID", help="去哪个机构 · which clinic")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="写到 · where to")
@click.option("--from", "from_day", metavar="DATE", help="起始日 · first day")
@click.option("--to", "to_day", metavar="DATE", help="截止日 · last day")
@click.option("--n", default=20, type=click.IntRange(1, 100_000), metavar="N", help="抽几行 · lines to draw")
@click.option("--seed", metavar="S", help="抽查的种子；不给则随机生成 · the seed; made at random by default")
@click.option("--by", default=CONSOLE, metavar="WHO", help="谁做的 · who makes it")
@click.option(
    "--public-key",
    "public",
    type=click.Path(path_type=Path),
    metavar="FILE.pem",
    help="另存区里的公钥 · the district's public key alone",
)
@as_json
@click.pass_obj
def kit(
    folder: Path,
    clinic: str | None,
    out: Path | None,
    from_day: str | None,
    to_day: str | None,
    n: int,
    seed: str | None,
    by: str,
    public: Path | None,
    as_json: bool,
) -> None:
    """飞行检查包：区里签名的一个目录，放进 U 盘带到诊所，不用网络 · one signed folder for a USB stick.

    \b
    默认截至平台最后一笔收费的 31 天 · by default the 31 days up to the platform's last charge
    例 · examples:
      wattwitness --dir district kit --clinic C001 --out /media/usb/C001
      wattwitness --dir district kit --public-key district.pem
    """
    book = bootstrap.open_book(folder)
    if not book.is_district:
        raise UsageError("检查包由区平台制作", "kits are made at a district")
    if out is None and public is None:
        raise UsageError("请给出 --clinic 和 --out", "name --clinic and --out")
    signer = key.open_signer(folder)
    told: dict[str, Any] = {"key": signer.public.hex(), "key_sha256": key.fingerprint(signer.public)}
    if public is not None:
        if public.exists():
            raise UsageError(
                f"{public} 已存在：请换一个名字", f"{public} exists already: choose another name"
            )
        write_file(public, key.pem(signer.public))
    if out is not None:
        told |= _make(book, signer, out, clinic, (from_day, to_day), (n, seed), person(by))
    if as_json:
        print_json(told)
        return
    if out is not None:
        say(f"检查包已写入 {out}，kit.json 的 SHA-256 {told['sha256']}", f"the kit is in {out}")
    say(f"区里公钥的 SHA-256 {told['key_sha256']}", "SHA-256 of the district's public key, as given")


def _make(
    book: Book,
    signer: Signer,
    out: Path,
    clinic: str | None,
    days: tuple[str | None, str | None],
    lot: tuple[int, str | None],
    by: str,
) -> dict[str, Any]:
    """Draws, writes and notes the kit; as `kit --json` tells of it."""
    folder.check_place(out)
    now_ms = book.clock.now_ms()
    with book.ledger() as db:
        asked = _asked(db, book, clinic, days, now_ms)
        drawn = _draw(db, asked, lot, by, now_ms)
        with packing.snapshot(db):
            log = contents.log(db)
            files = contents.files(db, asked, drawn, log) | {"pub.pem": key.pem(signer.public)}
            head = contents.head(db, asked, log)
        files = folder.sealed(head, files, signer)
        sha256 = hashlib.sha256(files[folder.HEAD]).hexdigest()
        span = {"from": head["from"], "to": head["to"]}
        with transaction(db):
            body = {"sha256": sha256, "seed": drawn.seed, **span}
            trail.note(db, now_ms, by, "kit", f"clinic:{asked.clinic}", body)
    folder.write(out, files)  # a stick is slow: the ledger is not held meanwhile
    return {
        "out": str(out),
        "clinic": asked.clinic,
        **span,
        "as_of": iso(head["as_of_ms"], asked.config.zone),
        "sha256": sha256,
        "files": len(files),
        "seed": drawn.seed,
        "drawn": [each.name for each in drawn.drawn],
        "trail": {"entry": drawn.entry.entry, "hash": drawn.entry.hash},
    }


def _asked(
    db: Database, book: Book, clinic: str | None, days: tuple[str | None, str | None], now_ms: int
) -> Asked:
    config, rules = book.of_clinic(clinic), figures.read(book.folder).sha256
    if (days[0] is None) != (days[1] is None):
        raise UsageError("--from 和 --to 要一起给", "name both --from and --to, or neither")
    if days[0] is None or days[1] is None:
        return Asked(config, *contents.last_days(db, config, now_ms), rules)
    first, last = read_day(days[0]), read_day(days[1])
    if last < first:
        raise UsageError(f"--to {last} 早于 --from {first}", f"--to {last} is before --from {first}")
    return Asked(config, first, last, rules)


def _draw(db: Database, asked: Asked, lot: tuple[int, str | None], by: str, now_ms: int) -> Draw:
    told = bills.sources(db, asked.clinic)
    source = contents.PLATFORM if contents.PLATFORM in told or not told else told[0]
    lines = lots.of_lines(
        db, Hours(asked.config), Teller(asked.clinic, source), asked.first, asked.last, None
    )
    return lots.draw_lot(db, lines, *lot, None, by, now_ms)
