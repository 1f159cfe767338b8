"""`wattwitness unit account UNIT`: a unit's own account at the broker, and all that it must be told to report."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click

from gateway import inventory
from gateway.bootstrap import open_book
from gateway.commands.output import as_json, print_json, say
from gateway.errors import UsageError
from gateway.install import broker, choices, programs
from gateway.install.choices import File
from gateway.install.place import Place
from gateway.ledger import trail
from gateway.ledger.database import transaction
from gateway.nurse.tokens import open_tag_key
from gateway.persons import CONSOLE

_RELOAD = ["systemctl", "reload", "mosquitto.service"]


@click.command()
@click.argument("name", metavar="UNIT")
@click.option("--revoke", is_flag=True, help="收回账号 · take the account away")
@click.option(
    "--tag-key", is_flag=True, help="连同标签密钥，给有读头的单元 · the tag key too, for a unit with a reader"
)
@click.option(
    "--root",
    default="/",
    type=click.Path(path_type=Path),
    help="install 写在哪个目录下 · where install wrote",
)
@as_json
@click.pass_obj
def account(folder: Path, name: str, revoke: bool, tag_key: bool, root: Path, as_json: bool) -> None:
    """给已登记的单元一个代理账号（新密码），打印它要知道的一切 · an enrolled unit's account, and what it must be told.

    \b
    再次运行换新密码 · run again for a new password
    例 · example: wattwitness --dir /var/lib/wattwitness unit account U1 --json
    """
    book, there = open_book(folder), Place(root)
    state = there.state()
    if not state:
        raise UsageError(
            f"{there.path(choices.STATE)} 不存在：请先运行 wattwitness install",
            f"there is no {there.path(choices.STATE)}: run wattwitness install first",
        )
    with book.ledger() as db:
        retired = inventory.known_unit(db, name).retired_ms is not None
    _refuse(name, retired and not revoke)
    key = open_tag_key(folder).hex() if tag_key and not revoke else None
    password = "" if revoke else secrets.token_urlsafe(24)
    _write(there, name, password)
    with book.ledger() as db, transaction(db):
        act = "unit.account.end" if revoke else "unit.account"
        trail.note(db, book.clock.now_ms(), CONSOLE, act, f"unit:{name}", {})
    told = _told(there, state, name, password) | {"tag_key": key}
    if as_json:
        print_json(told)
    elif revoke:
        say(f"{name} 的账号已收回", f"the account of {name} is taken away")
    else:
        say(
            f"{name} 的账号已建立，密码只显示这一次",
            f"{name} has an account; its password is shown this once",
        )
        click.echo("\n".join(filter(None, (password, key))))


def _refuse(name: str, retired: bool) -> None:
    if name == choices.GATEWAY:
        raise UsageError(
            "gateway 是网关自己的账号：请给单元换个名字",
            "gateway is the gateway's own account: name the unit otherwise",
        )
    if retired:
        raise UsageError(f"单元 {name} 已停用：不给账号", f"unit {name} is retired: it gets no account")


def _write(there: Place, name: str, password: str) -> None:
    accounts = there.read(choices.ACCOUNTS) or ""
    salt = secrets.token_bytes(12)
    renewed = broker.with_account(accounts, name, password, salt)
    text = renewed if password else broker.without_account(accounts, name)
    there.write(File(choices.ACCOUNTS, text, 0o600, "mosquitto"))
    if there.is_here:
        programs.run(
            _RELOAD,
            "代理还没有重新读取账号，解决后再运行一次",
            "the broker has not read its accounts again; put it right and run this once more",
        )


def _told(there: Place, state: dict[str, Any], name: str, password: str) -> dict[str, object]:
    mqtt = {"host": state["address"], "port": state["port"], "user": name, "password": password}
    wifi = {"ssid": state["ssid"], "password": state["wifi_password"]}
    told = {"unit": name, "clinic": state["clinic"], "account": bool(password)}
    return told | {"mqtt": mqtt | {"name": choices.NAME}, "wifi": wifi, "ca": there.read(choices.CA)}
