"""`wattwitness check DIR`: does a ledger say what its stored bytes say?"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import click

from gateway import config
from gateway.check.recheck import Report, recheck
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.ledger.database import FILE


@click.command()
@click.argument("where", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "keys_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="JSON：单元 → 公钥 · unit -> key",
)
@as_json
def check(where: Path, keys_file: Path | None, as_json: bool) -> int:
    """由原始字节重新核验账本 · recompute seals, chains and certificates from the stored bytes.

    Without --keys the ledger's own keys are used: that shows consistency, not authenticity.

    \b
    例 · example: wattwitness check clinic-01 --keys district-keys.json
    """
    ledger = where / FILE
    if not ledger.is_file():
        raise UsageError(
            f"{where} 里没有 {FILE}：请给出账本目录", f"{where} has no {FILE}: name a ledger folder"
        )
    zone = config.read(where).zone
    given = None if keys_file is None else _read_keys(keys_file)
    try:
        with closing(sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True)) as db:
            report = recheck(db, _own_keys(db) if given is None else given, zone)
    except sqlite3.Error as error:
        raise UsageError(
            f"不能读取账本 {ledger}（{error}）：请检查文件，或升级 WattWitness",
            f"cannot read the ledger {ledger} ({error}): check the file, or upgrade WattWitness",
        ) from error
    _print(report, keys_file, as_json)
    return 1 if report.faults else 0


def _print(report: Report, keys_file: Path | None, as_json: bool) -> None:
    counts = {"records": report.records, "bill_files": report.bill_files}
    counts |= {"verdicts": report.verdicts, "leads": report.leads}
    counts |= {"catalogue_changes": report.catalogue_changes}
    faults = [each.document() for each in report.faults]
    if as_json:
        print_json({"keys": str(keys_file) if keys_file else "pack", **counts, "faults": faults})
        return
    for fault in faults:
        click.echo(f"{fault['code']:12} {fault['where']}  {fault['zh']} · {fault['en']}")
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    say(f"已核验 {said}；不符 {len(faults)} 处", f"examined {said}; {len(faults)} faults")
    if keys_file is None:
        say("未给 --keys：只证明前后一致，不证明真实", "no --keys: this shows consistency, not authenticity")


def _own_keys(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT unit, key_hex FROM units").fetchall())


def _read_keys(keys_file: Path) -> dict[str, str]:
    try:
        keys = json.loads(keys_file.read_text("utf-8"))
        return {str(unit): bytes.fromhex(key).hex() for unit, key in keys.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f'不能读取公钥文件 {keys_file}：{error}；格式是 {{"单元": "公钥十六进制"}}',
            f'cannot read the keys {keys_file}: {error}; it holds {{"unit": "key in hex"}}',
        ) from error
