"""`wattwitness check FILE.zip|DIR`: does a pack or a ledger say what its bytes say?"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import click

from gateway import config
from gateway.check.opened import PackRefused, open_pack
from gateway.check.packed import recheck_pack
from gateway.check.recheck import Report, recheck
from gateway.commands.check_kit import WithKit, tell, with_kit
from gateway.commands.output import as_json, print_json, printable, say
from gateway.errors import UsageError
from gateway.kit.onsite import Result
from gateway.ledger.database import FILE


@click.command()
@click.argument("where", metavar="FILE.zip|DIR", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "keys_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="JSON：单元 → 公钥 · unit -> key",
)
@with_kit
@as_json
def check(where: Path, keys_file: Path | None, with_kit: WithKit | None, as_json: bool) -> int:
    """由原始字节重新核验证据包或账本 · recompute seals, chains and certificates of a pack or a ledger from its bytes.

    Without --keys the keys in it are used: that shows consistency, not authenticity.

    \b
    例 · examples:
      wattwitness check 2026-03.zip --keys district-keys.json
      wattwitness check clinic-01
      wattwitness check 2026-03.zip --kit /media/usb/C001 --district-key district.pem
    """
    if with_kit is not None and not where.is_file():
        raise UsageError(
            f"{where} 不是证据包：--kit 只与 ZIP 核对", f"{where} is no pack: --kit is for a ZIP"
        )
    given = None if keys_file is None else _read_keys(keys_file)
    about: dict[str, str] = {}
    report = _of_pack(where, given, about, with_kit) if where.is_file() else _of_ledger(where, given)
    compared = with_kit.against(where) if with_kit else None
    _print(report, _whose(keys_file, with_kit), about, compared, as_json)
    return 1 if report.faults or (compared and compared.findings) else 0


def _of_pack(
    where: Path, given: dict[str, str] | None, about: dict[str, str], with_kit: WithKit | None
) -> Report:
    """What is found in a pack; `about` learns the hash of its manifest."""
    try:
        with open_pack(where) as pack:
            about["manifest_sha256"] = pack.manifest_sha256
            if with_kit is not None and given is None:
                given = with_kit.keys(lambda: pack.json("inventory.json"))
            return recheck_pack(pack, given)
    except PackRefused as error:
        raise UsageError(
            f"{where} 不作为证据包核验：{error.zh}", f"{where} is not looked at as a pack: {error.en}"
        ) from error


def _of_ledger(where: Path, given: dict[str, str] | None) -> Report:
    ledger = where / FILE
    if not ledger.is_file():
        raise UsageError(
            f"{where} 不是证据包，里面也没有 {FILE}：请给出 ZIP 或账本目录",
            f"{where} is no pack and has no {FILE}: name a ZIP or a ledger folder",
        )
    zone = config.read(where).zone
    try:
        with closing(sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return recheck(db, _own_keys(db) if given is None else given, zone)
    except sqlite3.Error as error:
        raise UsageError(
            f"不能读取账本 {ledger}（{error}）：请检查文件，或升级 WattWitness",
            f"cannot read the ledger {ledger} ({error}): check the file, or upgrade WattWitness",
        ) from error


def _whose(keys_file: Path | None, with_kit: WithKit | None) -> str:
    """Whose keys the records are judged by."""
    return str(keys_file) if keys_file else "kit" if with_kit else "pack"


def _print(report: Report, whose: str, about: dict[str, str], compared: Result | None, as_json: bool) -> None:
    counts = {"records": report.records, "bill_files": report.bill_files}
    counts |= {"verdicts": report.verdicts, "leads": report.leads}
    counts |= {"catalogue_changes": report.catalogue_changes}
    faults = [each.document() for each in report.faults]
    if as_json:
        beside = {"kit": compared.document()} if compared else {}
        print_json({"keys": whose, **about, **counts, "faults": faults, **beside})
        return
    for fault in faults:
        click.echo(f"{fault['code']:12} {printable(fault['where'])}  {fault['zh']} · {fault['en']}")
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    say(f"已核验 {said}；不符 {len(faults)} 处", f"examined {said}; {len(faults)} faults")
    if about:
        sha256 = about["manifest_sha256"]
        say(f"清单 SHA-256 {sha256}", "of the manifest; the signed sheet must print the same")
    if compared is not None:
        tell(compared)
    if whose == "pack":
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
