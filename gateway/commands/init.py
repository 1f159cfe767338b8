"""`wattwitness init DIR`: a new ledger folder."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import config as settings
from gateway import config_text
from gateway.commands.output import as_json, print_json, say
from gateway.errors import SurroundingsError, UsageError
from gateway.ledger import database


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--clinic", required=True, metavar="ID", help="机构编号 · the clinic's id")
@click.option("--name", required=True, help="机构名称 · the clinic's name")
@click.option("--role", default=settings.CLINIC, help="clinic 或 district · clinic or district")
@click.option("--opens", default="08:00", show_default=True, help="开门 · opens at")
@click.option("--closes", default="20:00", show_default=True, help="关门 · closes at")
@click.option("--closed", default="", metavar="DATE,...", help="休息日 · days on which it is closed")
@click.option("--timezone", default="Asia/Shanghai", show_default=True, help="时区 · time zone")
@as_json
def init(folder: Path, as_json: bool, closed: str, **values: str) -> None:
    """建立账本目录 · make a ledger folder.

    \b
    例 · example:
      wattwitness init clinic-01 --clinic C001 --name 示范诊所 --opens 08:00 --closes 20:00 --closed 2026-05-01
    """
    days = [each.strip() for each in closed.split(",") if each.strip()]
    config = settings.check({**values, "closed": days}, "init")
    _make(folder, config)
    if as_json:
        print_json({"dir": str(folder), "clinic": config.clinic, "role": config.role})
    else:
        say(f"账本已建立：{folder}", f"made the ledger folder {folder}")


def _make(folder: Path, config: settings.Config) -> None:
    for name in (settings.FILE, database.FILE):
        if (folder / name).exists():
            raise UsageError(
                f"{folder / name} 已存在，未作改动：请换一个目录",
                f"{folder / name} exists already and was not touched: choose another folder",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / settings.FILE
        path.touch(mode=0o600)  # passwords and tokens will stand there
        path.write_text(config_text.text(config), encoding="utf-8")
    except OSError as error:
        raise SurroundingsError(f"不能建立 {folder}：{error}", f"cannot make {folder}: {error}") from error
    database.create_ledger(folder).close()
