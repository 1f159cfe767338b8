"""`wattwitness-unit release`: the program of this checkout as a signed bundle that units take over the air."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click

from firmware import RELEASE, VERSION
from firmware.rpi import image, keyfile
from firmware.rpi.errors import SurroundingsError, UsageError
from firmware.rpi.partitions import SLOT_BYTES
from protocol import bundle, p256


@click.command()
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    help="发布密钥（keygen 生成）· release key, by keygen",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="写到 · the bundle")
@click.option("--json", "as_json", is_flag=True, help="输出一个 JSON · print one JSON document")
def release(key: Path, out: Path, as_json: bool) -> None:
    """编译本检出的单元程序，用发布密钥签名 · the units' program of this checkout, compiled and signed.

    \b
    例 · example: wattwitness-unit release --key release.pem --out 0.2.0.wwr
    """
    secret, program = keyfile.read(key), image.image()
    made = bundle_of(RELEASE, VERSION, program, secret)
    try:
        out.write_bytes(made)
    except OSError as error:
        raise SurroundingsError(
            f"{out} 无法写入（{error.strerror}）：请换一个 --out",
            f"{out} cannot be written ({error.strerror}): choose another --out",
        ) from error
    said = {
        "release": RELEASE,
        "version": VERSION,
        "octets": len(program),
        "sha256": hashlib.sha256(program).hexdigest(),
        "key": p256.spki(p256.public_key(secret)).hex(),
        "file": str(out),
    }
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        click.echo(f"发布 {RELEASE}（{VERSION}），{len(program)} 字节 · release {RELEASE}, in {out}")


def bundle_of(number: int, version: str, program: bytes, secret: bytes) -> bytes:
    """A signed bundle; UsageError for what no unit would take."""
    if not 0 < number <= bundle.MOST or not 0 < len(version) <= 16 or not version.isascii():
        raise UsageError(
            f"firmware/__init__.py：RELEASE 须为 1 到 {bundle.MOST}，VERSION 至多 16 个 ASCII 字符",
            f"firmware/__init__.py: RELEASE must be 1 to {bundle.MOST}, VERSION 16 characters of ASCII at most",
        )
    if len(program) > SLOT_BYTES:
        raise UsageError(
            f"程序有 {len(program)} 字节，半个 romfs 分区只有 {SLOT_BYTES}",
            f"the program has {len(program)} octets, half a romfs partition {SLOT_BYTES}",
        )
    signed = bundle.describe(number, version, program)
    return bundle.offer(signed, *p256.sign(secret, signed)) + program
