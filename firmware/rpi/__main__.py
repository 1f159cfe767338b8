"""`wattwitness-unit`: the unit's commands. Exit codes: 0 done, 1 something was refused, 2 usage, 3 surroundings."""

from __future__ import annotations

import sys

import click

from firmware.rpi.calibrate import calibrate_command
from firmware.rpi.errors import UnitError
from firmware.rpi.keygen import keygen
from firmware.rpi.provision import provision
from firmware.rpi.read_flash import read_flash
from firmware.rpi.release import release
from firmware.rpi.replay import replay
from firmware.rpi.run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """治疗设备旁的计量单元。 The unit beside a treatment device: it measures power and signs what it saw.

    \b
    例 Example:
        wattwitness-unit keygen --out u1.pem
        wattwitness-unit run --config unit.toml
    """


commands.add_command(keygen)
commands.add_command(run)
commands.add_command(replay)
commands.add_command(calibrate_command)
commands.add_command(provision)
commands.add_command(read_flash)
commands.add_command(release)


def main() -> None:
    """Entry point of the console script."""
    try:
        commands(prog_name="wattwitness-unit")
    except UnitError as error:
        click.echo(f"wattwitness-unit: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
