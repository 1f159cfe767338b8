"""`wattwitness`: the command line. Each command is a file of `gateway/commands`, read only when it is asked for."""

from __future__ import annotations

import importlib
import importlib.util
import sqlite3
import sys
from pathlib import Path

import click

from gateway.errors import GatewayError

# name -> module:attribute
COMMANDS = {
    "init": "gateway.commands.init:init",
    "install": "gateway.commands.install:install",
    "unit": "gateway.commands.unit:unit",
    "device": "gateway.commands.device:device",
    "take-in": "gateway.commands.take_in:take_in",
    "import-bills": "gateway.commands.import_bills:import_bills",
    "catalogue": "gateway.commands.catalogue:catalogue",
    "attended": "gateway.commands.attended:attended",
    "reconcile": "gateway.commands.reconcile:reconcile",
    "leads": "gateway.commands.leads:leads",
    "lead": "gateway.commands.lead:lead",
    "person": "gateway.commands.person:person",
    "trail": "gateway.commands.trail:trail",
    "close": "gateway.commands.close:close",
    "draw": "gateway.commands.draw:draw",
    "kit": "gateway.commands.kit:kit",
    "spot-check": "gateway.commands.spot_check:spot_check",
    "report": "gateway.commands.report:report",
    "pack": "gateway.commands.pack:pack",
    "check": "gateway.commands.check:check",
    "serve": "gateway.commands.serve:serve",
    "status": "gateway.commands.status:status",
    "backup": "gateway.commands.backup:backup",
    "restore": "gateway.commands.restore:restore",
    "data-room": "gateway.commands.data_room:data_room",
    "demo": "gateway.commands.demo:demo",
}


class CommandsByName(click.Group):
    """The group of all commands; a command's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, where in COMMANDS.items() if importlib.util.find_spec(where.split(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        return getattr(importlib.import_module(module), attribute)


@click.group(cls=CommandsByName, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--dir",
    "folder",
    envvar="WATTWITNESS_DIR",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="账本目录，默认当前目录 · ledger folder, by default the current one (WATTWITNESS_DIR)",
)
@click.pass_context
def wattwitness(ctx: click.Context, folder: Path) -> None:
    """理疗设备用电见证与医保账单核对 · power witnessed at the plug, reconciled with the bill.

    \b
    例 · example: wattwitness --dir clinic-01 status
    """
    ctx.obj = folder


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and ends the process: 0 done, 1 something found, 2 wrong usage, 3 surroundings failed."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code; an error is one line on stderr."""
    try:
        code = wattwitness.main(arguments, "wattwitness", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except GatewayError as error:
        click.echo(f"错误 · error: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except sqlite3.Error as error:
        click.echo(
            f"错误 · error: 账本不能读写（{error}） · the ledger cannot be read or written ({error})",
            err=True,
        )
        return 3
    except click.ClickException as error:
        asked = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "wattwitness"
        click.echo(f"错误 · error: {error.format_message()} ({asked} --help)", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130


if __name__ == "__main__":
    main()
