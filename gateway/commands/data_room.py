"""`wattwitness data-room OUT`: a copy of the ledger to ask questions of, with Datasette or any other program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway import bootstrap
from gateway.commands.output import as_json, print_json, say
from gateway.errors import SurroundingsError, UsageError
from gateway.instants import iso
from gateway.ledger import trail
from gateway.ledger.database import transaction
from gateway.ledger.room import QUESTIONS, make_room
from gateway.persons import CONSOLE

_FILE = "room.db"


@click.command("data-room")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT")
@as_json
@click.pass_obj
def data_room(folder: Path, out: Path, as_json: bool) -> None:
    """导出一份供查询的账本副本：没有账号、患者散列、附件和原始账单 · a copy to ask questions of, without accounts and persons.

    \b
    它不是证据：证据请用 pack · it is no evidence: for that there is pack
    例 · example:
      wattwitness --dir clinic-01 data-room room && datasette room/room.db --metadata room/metadata.json
    """
    book = bootstrap.open_book(folder)
    now_ms = book.clock.now_ms()
    if out.exists():
        raise UsageError(f"{out} 已存在：请换一个名字", f"{out} exists already: choose another name")
    try:
        out.mkdir(mode=0o700)
        with book.ledger() as db:
            with transaction(db):
                trail.note(db, now_ms, CONSOLE, "data_room", f"clinic:{book.config.clinic}", {})
            rows = make_room(db, out / _FILE)
        at = iso(now_ms, book.config.zone)
        about = json.dumps(_metadata(book.config.name, at), ensure_ascii=False, indent=1)
        (out / "metadata.json").write_text(about + "\n", encoding="utf-8")
    except OSError as error:
        raise SurroundingsError(f"不能写 {out}：{error}", f"cannot write {out}: {error}") from error
    if as_json:
        tables = [{"name": name, "rows": count} for name, count in rows.items()]
        print_json({"out": str(out), "at": at, "tables": tables})
        return
    say(
        f"已写入 {out}/{_FILE}（{sum(rows.values())} 行）",
        f"written to {out}/{_FILE} ({sum(rows.values())} rows)",
    )


def _metadata(name: str, at: str) -> dict[str, Any]:
    """As Datasette reads it (docs.datasette.io, Metadata)."""
    return {
        "title": f"以电为证 WattWitness · {name}",
        "description": f"{at} 的副本，不是证据；线索不是结论 · a copy, no evidence; leads are no verdicts of guilt",
        "databases": {
            "room": {
                "queries": {key: {"title": title, "sql": sql} for key, (title, sql) in QUESTIONS.items()}
            }
        },
    }
