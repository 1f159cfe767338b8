"""`wattwitness install`: a bare Raspberry Pi becomes the clinic's gateway."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterable
from dataclasses import asdict, fields
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import click

from gateway import config as settings
from gateway.commands.init import init
from gateway.commands.output import as_json, print_json, say
from gateway.errors import SurroundingsError, UsageError
from gateway.install import broker, certificates, choices, network, pages, place, programs, services
from gateway.install.choices import Choices, File
from gateway.install.place import Place, Step

_PACKAGES = {
    "mosquitto": "mosquitto",
    "nmcli": "network-manager",
    "dnsmasq": "dnsmasq-base",  # NetworkManager starts it for the units' addresses
    "nft": "nftables",
    "systemctl": "systemd",
}
_MODEL = Path("/proc/device-tree/model")
_PROGRAM = Path(sys.prefix) / "bin" / "wattwitness"
_LATER = "（首次安装时生成）made-at-the-first-run"
_WHAT = {place.NEW: "新文件", place.SAME: "没有变", place.RENEWED: "已更新", place.CHANGED: "手改过"}
_ASK = "--clinic C001 --name 示范诊所"
_PRIVATE = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_SURE = (
    "解决后再运行 install，已完成的不会重做",
    "put it right and install again, what is done is not done twice",
)


@click.command()
@click.option("--clinic", metavar="ID", help="机构编号；再次运行时不必给 · the clinic's id")
@click.option("--name", help="机构名称 · the clinic's name")
@click.option("--ssid", help="单元的 Wi-Fi 名，默认 WW-机构编号 · the units' own Wi-Fi")
@click.option("--interface", help="作接入点的网卡，默认 wlan0 · the access point's interface")
@click.option("--address", help="网关在单元 Wi-Fi 上的地址，默认 10.77.0.1 · the gateway's address there")
@click.option("--backup-to", metavar="DIR", help="夜间备份放在哪里 · where the nightly backup goes")
@click.option(
    "--pages",
    metavar="NAME,...",
    help="工作人员用哪些主机名、地址打开网页 · by which names staff open the pages",
)
@click.option("--port", type=click.IntRange(1, 65535), help="代理的端口，默认 8883 · the broker's port")
@click.option(
    "--root",
    default="/",
    type=click.Path(path_type=Path),
    help="写到这个目录下，不运行命令 · write below DIR",
)
@click.option("--dry-run", is_flag=True, help="只说会做什么 · say what would be done")
@click.option(
    "--force", is_flag=True, help="也覆盖手工改过的文件（另存）· overwrite what was changed by hand"
)
@click.option("--any-machine", is_flag=True, help="不是树莓派也行 · also where this is no Raspberry Pi")
@as_json
@click.pass_context
def install(
    ctx: click.Context, name: str | None, root: Path, dry_run: bool, force: bool, any_machine: bool, as_json: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """把树莓派装成诊所的网关：代理、服务、备份、单元的 Wi-Fi · a bare Raspberry Pi becomes the clinic's gateway.

    \b
    先看看会做什么 · see first what it would do: wattwitness install --clinic C001 --name 示范诊所 --dry-run
    例 · example: sudo /opt/wattwitness/bin/wattwitness install --clinic C001 --name 示范诊所
    """
    there = Place(root)
    if there.is_here and not dry_run:
        _check_machine(any_machine)
    chosen = _choose(asked, there.state())
    steps = _steps(chosen, there)
    _refuse_changed(steps, there, force)
    if not dry_run:
        _install(ctx, chosen, there, steps, name)
    commands = _commands(chosen)
    if there.is_here and not dry_run:
        for command in commands:
            programs.run(command, *_SURE)
    if as_json:
        print_json(_document(root, chosen, steps, commands, there.is_here and not dry_run))
    else:
        _tell(steps, there, commands, dry_run)


# --- what is asked for --------------------------------------------------------------------------------------


def _check_machine(any_machine: bool) -> None:
    if os.geteuid() != 0:
        raise UsageError(
            "安装要改动系统：请用 sudo 运行，或先用 --dry-run 看看",
            "to install changes the system: use sudo, or look first with --dry-run",
        )
    model = _MODEL.read_text("ascii", "replace") if _MODEL.exists() else "-"
    if not any_machine and not model.startswith("Raspberry Pi"):
        raise UsageError(
            f"这台机器不是树莓派（{model}）：确实要装请加 --any-machine",
            f"this is no Raspberry Pi ({model}): add --any-machine if it is meant",
        )
    missing = sorted(package for program, package in _PACKAGES.items() if not _find(program))
    if missing:
        raise SurroundingsError(
            f"缺少软件包：sudo apt install {' '.join(missing)}",
            f"packages are missing: sudo apt install {' '.join(missing)}",
        )
    closed = [str(each) for each in _PROGRAM.parents if not each.stat().st_mode & stat.S_IXOTH]
    if closed:
        raise UsageError(
            f"服务的账号进不了 {closed[0]}：请把程序放到 /opt/wattwitness，在那里安装",
            f"the service's account cannot enter {closed[0]}: put the program into /opt/wattwitness, install there",
        )


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


def _choose(asked: dict[str, Any], before: dict[str, Any]) -> Choices:
    """What is asked for now, else what was chosen before, else the default."""
    known = {each.name for each in fields(Choices)}
    chosen = {key: value for key, value in before.items() if key in known}
    chosen |= {key: value for key, value in asked.items() if value is not None}
    if "clinic" not in chosen:
        raise UsageError(f"请给出机构编号：{_ASK}", f"name the clinic: {_ASK}")
    if before and chosen["clinic"] != before["clinic"]:
        raise UsageError(
            f"这里已装为 {before['clinic']} 的网关：换机构请用新的系统",
            f"this is the gateway of {before['clinic']} already: take a new system for another clinic",
        )
    chosen.setdefault("ssid", f"WW-{chosen['clinic']}")
    chosen.setdefault("wifi_password", _LATER)
    chosen["program"] = str(_PROGRAM)
    _check(chosen)
    return Choices(**chosen)


def _check(chosen: dict[str, Any]) -> None:
    settings.check({"clinic": chosen["clinic"], "name": "-"}, "install")
    if not re.fullmatch(r"[\w.-]{1,32}", chosen["ssid"], re.ASCII):
        _complain(
            "--ssid", chosen["ssid"], "1 到 32 个字母、数字或 - _ .", "1 to 32 letters, digits or - _ ."
        )
    if not re.fullmatch(r"[a-z0-9]{1,15}", chosen.get("interface", "wlan0")):
        _complain("--interface", chosen["interface"], "网卡名，如 wlan0", "an interface, like wlan0")
    if not _is_private(chosen.get("address", "10.77.0.1")):
        _complain(
            "--address", chosen["address"], "一台机器的私有 IPv4 地址", "a machine's private IPv4 address"
        )
    for name in pages.names(chosen.get("pages", "")):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name):
            _complain("--pages", name, "主机名或 IPv4 地址", "a host name or an IPv4 address")
    if not re.fullmatch(r"(/[\w-][\w.-]*)+/?", chosen.get("backup_to", "/x"), re.ASCII):
        _complain(
            "--backup-to",
            chosen["backup_to"],
            "字母和数字的绝对路径",
            "an absolute path of letters and digits",
        )


def _is_private(text: str) -> bool:
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    around = IPv4Interface(f"{address}/24").network
    ends = (around.network_address, around.broadcast_address)
    return address not in ends and any(address in each for each in _PRIVATE)


def _complain(option: str, value: object, zh: str, en: str) -> None:
    raise UsageError(f"{option} {value!r} 不合规则：应为{zh}", f"{option} {value!r} must be {en}")


# --- what is done -------------------------------------------------------------------------------------------


def _steps(chosen: Choices, there: Place) -> list[Step]:
    """What is to become of every file that is rendered; made-up secrets stay as they were made."""
    files = [*broker.files(chosen), *services.files(chosen), *network.files(chosen)]
    present = {each.path: there.read(each.path) for each in files}
    return place.decide(files, present, there.state().get("files", {}))


def _refuse_changed(steps: Iterable[Step], there: Place, force: bool) -> None:
    changed = [str(there.path(each.file.path)) for each in steps if each.what == place.CHANGED]
    if changed and not force:
        raise UsageError(
            f"手工改过，未作任何改动：{'、'.join(changed)}；要覆盖请加 --force（原文存入 {choices.KEPT}）",
            f"changed by hand, nothing was touched: {', '.join(changed)}; --force overwrites them, kept in {choices.KEPT}",
        )


def _install(ctx: click.Context, chosen: Choices, there: Place, steps: list[Step], name: str | None) -> None:
    """Certificates, files, then what is made here once. What was made up is kept before it is used, so that a run that
    failed goes on with it."""
    has_ledger = (there.path(choices.LEDGER) / settings.FILE).exists()
    if not has_ledger and name is None:
        raise UsageError(f"请给出机构名称：{_ASK}", f"name the clinic: {_ASK}")
    if has_ledger and (owner := settings.read(there.path(choices.LEDGER)).clinic) != chosen.clinic:
        raise UsageError(
            f"{there.path(choices.LEDGER)} 是机构 {owner} 的账本：请检查 --clinic",
            f"{there.path(choices.LEDGER)} is the ledger of {owner}: check --clinic",
        )
    if chosen.wifi_password == _LATER:
        chosen = Choices(**asdict(chosen) | {"wifi_password": secrets.token_hex(12)})
        steps[:] = _steps(chosen, there)
    _make_certificates(chosen, there)
    there.keep_state(asdict(chosen) | {"files": there.state().get("files", {})})
    _write(chosen, there, steps)
    if there.is_here:
        programs.run(["systemd-sysusers"], *_SURE)
    if not has_ledger:
        _make_ledger(ctx, chosen.clinic, there, str(name))
    _make_gateway_account(chosen, there)
    _open_pages(chosen, there)


def _write(chosen: Choices, there: Place, steps: Iterable[Step]) -> None:
    """Whatever goes wrong, it is known which files are ours."""
    digests = there.state().get("files", {})
    try:
        for step in steps:
            if step.what == place.CHANGED:
                there.keep_aside(step.file.path)
            if step.what != place.SAME:
                there.write(step.file)
            digests[step.file.path] = place.digest_of(step.file.text)
    finally:
        there.keep_state(asdict(chosen) | {"files": digests})


def _make_ledger(ctx: click.Context, clinic: str, there: Place, name: str) -> None:
    told = {"role": "clinic", "opens": "08:00", "closes": "20:00", "closed": "", "timezone": "Asia/Shanghai"}
    ctx.invoke(init, folder=there.path(choices.LEDGER), clinic=clinic, name=name, as_json=False, **told)


def _make_certificates(chosen: Choices, there: Place) -> None:
    """Made once, for every unit believes this authority. The broker's is made anew where the address has changed."""
    ca = there.read(choices.CA)
    if ca is None:
        ca, ca_key = certificates.authority(chosen.clinic)
        there.write(File(choices.CA_KEY, ca_key, 0o600))
        there.write(File(choices.CA, ca))
    served, key = there.read(choices.CERTIFICATE), there.read(choices.KEY)
    if not certificates.serves(served or "", key or "", ca, [chosen.address]):
        certificate, key = certificates.broker(ca, _authoritys_key(ca, there), chosen.address)
        there.write(File(choices.KEY, key, 0o600, "mosquitto"))
        there.write(File(choices.CERTIFICATE, certificate))


def _authoritys_key(ca: str, there: Place) -> str:
    ca_key = there.read(choices.CA_KEY)
    if ca_key is None or not certificates.go_together(ca, ca_key):
        raise UsageError(
            f"根证书的私钥 {there.path(choices.CA_KEY)} 缺失或不配：请放回；换根证书要重新配置每个单元",
            f"the authority lacks its key {there.path(choices.CA_KEY)}: put it back; a new one would mean to provision all units anew",
        )
    return ca_key


def _open_pages(chosen: Choices, there: Place) -> None:
    """The pages for whoever reaches this machine by the names that were asked for, over TLS."""
    asked, ca = pages.names(chosen.pages), there.read(choices.CA) or ""
    if not asked:
        return
    path, owner = f"{choices.LEDGER}/{settings.FILE}", services.USER if there.is_here else "root"
    text = there.read(path) or ""
    opened = pages.opened(text, asked)
    if opened is None:
        raise UsageError(
            f"{there.path(path)} 的 [serve] 手工改过：请自己写 serve.host、names、cert、key，不用 --pages",
            f"[serve] of {there.path(path)} was changed by hand: write serve.host, names, cert and key there, without --pages",
        )
    if not certificates.serves(there.read(pages.CERTIFICATE) or "", there.read(pages.KEY) or "", ca, asked):
        certificate, key = certificates.server(ca, _authoritys_key(ca, there), asked)
        there.write(File(pages.KEY, key, 0o600, owner))
        there.write(File(pages.CERTIFICATE, certificate, 0o644, owner))
    if opened != text:
        there.write(File(path, opened, 0o600, owner))


def _make_gateway_account(chosen: Choices, there: Place) -> None:
    """The gateway's own account, once; its password stands in the ledger folder's configuration."""
    accounts = there.read(choices.ACCOUNTS) or ""
    folder = there.path(choices.LEDGER)
    known = settings.read(folder).mqtt
    password = known.password if known else secrets.token_urlsafe(24)
    if known is None:
        path = Path(choices.LEDGER) / settings.FILE
        text = there.read(str(path)) or ""
        owner = services.USER if there.is_here else "root"
        there.write(File(str(path), text + _mqtt_table(chosen, password), 0o600, owner))
    if known is None or choices.GATEWAY not in broker.names(accounts):
        text = broker.with_account(accounts, choices.GATEWAY, password, secrets.token_bytes(12))
        there.write(File(choices.ACCOUNTS, text, 0o600, "mosquitto"))


def _mqtt_table(chosen: Choices, password: str) -> str:
    return (
        f'\n[mqtt]\nhost = "127.0.0.1"\nport = {chosen.port}\nuser = "{choices.GATEWAY}"\n'
        f'password = "{password}"\ntls = true\nca = "{choices.CA}"\n'
    )


# --- commands -----------------------------------------------------------------------------------------------


def _commands(chosen: Choices) -> list[list[str]]:
    """What is run when all files are in place: the firewall stands before the Wi-Fi is on the air."""
    owner = ["-o", services.USER, "-g", services.USER]
    folder = (
        []
        if chosen.backup_to == choices.BACKUPS
        else [["install", "-d", "-m", "700", *owner, chosen.backups]]
    )
    country = [["raspi-config", "nonint", "do_wifi_country", "CN"]] if _find("raspi-config") else []
    return [
        ["systemd-sysusers"],
        *folder,
        ["chown", "-R", f"{services.USER}:{services.USER}", choices.LEDGER],
        *country,
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "wattwitness-firewall.service"],
        ["systemctl", "reload-or-restart", "wattwitness-firewall.service"],
        ["systemctl", "enable", "mosquitto.service"],
        ["systemctl", "restart", "mosquitto.service"],
        ["nmcli", "connection", "reload"],
        ["nmcli", "connection", "up", network.CONNECTION],
        ["systemctl", "enable", "--now", "wattwitness.service", "wattwitness-backup.timer"],
        ["systemctl", "restart", "wattwitness.service"],
    ]


# --- what is told -------------------------------------------------------------------------------------------


def _document(
    root: Path, chosen: Choices, steps: list[Step], commands: list[list[str]], ran: bool
) -> dict[str, object]:
    files = [
        {"path": each.file.path, "what": each.what, "mode": f"{each.file.mode:04o}", "owner": each.file.owner}
        for each in steps
    ]
    lines = [" ".join(each) for each in commands]
    told = {"root": str(root), "clinic": chosen.clinic, "ssid": chosen.ssid, "address": chosen.address}
    return told | {"files": files, "commands": lines, "ran": ran}


def _tell_on() -> None:
    ours = f"sudo -u {services.USER} {_PROGRAM} --dir {choices.LEDGER}"
    say("网关已装好；接下来", "the gateway is installed; go on with")
    click.echo(f"{ours} person add NAME --role administrator", err=True)
    click.echo(f"{ours} unit add UNIT --key HEX --load tdp --room ROOM", err=True)
    say(
        f"请把 {choices.ETC} 另存一份：夜间备份里没有它，丢了 {choices.CA_KEY} 每个单元都要重新配置",
        f"keep a copy of {choices.ETC}, which the nightly backup has not: without {choices.CA_KEY} all units are provisioned anew",
    )


def _tell(steps: list[Step], there: Place, commands: list[list[str]], dry_run: bool) -> None:
    for step in steps:
        click.echo(
            f"{_WHAT[step.what]} {step.what:8} {step.file.mode:04o} {step.file.owner:10} {there.path(step.file.path)}"
        )
        if dry_run and step.what != place.SAME:
            click.echo("".join(f"    | {line}\n" for line in step.file.text.splitlines()))
    for command in commands:
        click.echo("$ " + " ".join(command))
    if dry_run:
        say("以上什么都没有做", "nothing of this was done")
    elif not there.is_here:
        say("文件已写好；命令没有运行", "the files are written; no command was run")
    else:
        _tell_on()
