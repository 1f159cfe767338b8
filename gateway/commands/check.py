"""`wattwitness check DIR`: does a ledger say what its stored bytes say?"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import click

from gateway.audit.recheck import documents, recheck
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.ledger.database import FILE


@click.command()
@click.argument("where", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--keys", "keys_file", metavar="FILE", type=click.Path(path_type=Path), help="JSON: 单元 → 公钥 · unit -> key")
@as_json
def check(where: Path, keys_file: Path | None, as_json: bool) -> int:
    """由原始字节重新核验账本 · recompute seals, chains and certificates from the stored bytes.

    Without --keys the ledger's own keys are used: that shows consistency, not authenticity.

    \b
    例 · example: wattwitness check clinic-01 --keys district-keys.json
    """
    ledger = where / FILE
    if not ledger.is_file():
        raise UsageError(f"{where} 里没有 {FILE}：请给出账本目录", f"{where} has no {FILE}: name a ledger folder")
    db = sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True)
    report = recheck(db, _keys(db, keys_file))
    counts = {"records": report.records, "bill_files": report.bill_files}
    counts |= {"verdicts": report.verdicts, "leads": report.leads}
    if as_json:
        print_json({"keys": str(keys_file) if keys_file else "pack", **counts, "faults": list(documents(report))})
    else:
        for fault in report.faults:
            click.echo(f"{fault.code:12} {fault.where}  {fault.zh} · {fault.en}")
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        say(f"已核验 {said}；不符 {len(report.faults)} 处", f"examined {said}; {len(report.faults)} faults")
        if keys_file is None:
            say("未给 --keys：只证明前后一致，不证明真实", "no --keys: this shows consistency, not authenticity")
    return 1 if report.faults else 0


def _keys(db: sqlite3.Connection, keys_file: Path | None) -> dict[str, str]:
    if keys_file is None:
        return dict(db.execute("SELECT unit, key_hex FROM units").fetchall())
    try:
        keys = json.loads(keys_file.read_text("utf-8"))
        return {str(unit): bytes.fromhex(key).hex() for unit, key in keys.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f'不能读取公钥文件 {keys_file}:{error}；格式是 {{"单元": "公钥十六进制"}}',
            f'cannot read the keys {keys_file}: {error}; it holds {{"unit": "key in hex"}}',
        ) from error
