"""`wattwitness-unit keygen`: make a unit's key where it will be used; only the public half leaves."""

from __future__ import annotations

import json
from pathlib import Path

import click

from firmware.rpi import keyfile
from protocol import p256


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="私钥文件，不覆盖已有的 new key file"
)
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON print one JSON document")
def keygen(out: Path, as_json: bool) -> None:
    """生成单元的密钥，打印公钥。 Make a unit's key; prints the public key (DER SPKI, hex).

    \b
    例 Example:
        wattwitness-unit keygen --out u1.pem
    """
    secret = keyfile.make_secret()
    keyfile.write(out, secret)
    public = p256.spki(p256.public_key(secret)).hex()
    click.echo(json.dumps({"key": public, "file": str(out)}) if as_json else public)
