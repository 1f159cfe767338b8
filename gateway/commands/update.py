"""`wattwitness unit update`: offer units a signed release over the air, or take the offer back.

The broker keeps the offer and the pieces (retained), so a unit fetches them whenever it is linked. Units judge the
release by the release key that they were provisioned with; this machine neither has that key nor could vouch for it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlite_utils import Database

from gateway import inventory
from gateway.bootstrap import open_book
from gateway.commands.output import as_json, print_json, say
from gateway.config import Mqtt
from gateway.errors import SurroundingsError, UsageError
from gateway.ledger import records, trail, units
from gateway.ledger.database import transaction
from gateway.persons import CONSOLE
from protocol import bundle, seal, topics
from protocol.errors import RecordError

_PATIENCE_S = 20


@click.command()
@click.argument("name", metavar="UNIT|all")
@click.argument("file", metavar="BUNDLE", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--withdraw", is_flag=True, help="撤回 · take the offer back")
@as_json
@click.pass_obj
def update(folder: Path, name: str, file: Path | None, withdraw: bool, as_json: bool) -> None:
    """让单元经网络换程序；单元自己验签，结果看 unit list 的 version · offer a release; a unit verifies it itself.

    \b
    一家机构同时只有一个发布 · one release at a time in a clinic
    例 · example: wattwitness unit update U1 0.2.0.wwr
    """
    if (file is None) == (not withdraw):
        raise UsageError("请给出 BUNDLE 或 --withdraw 之一", "name either BUNDLE or --withdraw")
    book = open_book(folder)
    if book.config.mqtt is None:
        raise UsageError(
            "没有 [mqtt]：请在有代理的网关上运行", "there is no [mqtt]: run it at a gateway with a broker"
        )
    with book.ledger() as db:
        named = _named(db, name)
    offer, image, told = _read(file) if file else (b"", b"", {"release": None, "version": None})
    clinic = book.config.clinic
    messages = [
        (topics.topic(clinic, bundle.ROOM, str(number)), image[number * bundle.PIECE :][: bundle.PIECE])
        for number in range(bundle.pieces(len(image)))
    ]
    messages += [(topics.topic(clinic, unit, "update"), offer) for unit in named]
    _publish(book.config.mqtt, clinic, messages)
    with book.ledger() as db, transaction(db):
        trail.note(db, book.clock.now_ms(), CONSOLE, "unit.update", f"unit:{name}", {"units": named} | told)
    if as_json:
        print_json({"units": named} | told)
    elif withdraw:
        say(f"已撤回：{'、'.join(named)}", f"withdrawn from {', '.join(named)}")
    else:
        say(
            f"发布 {told['release']}（{told['version']}）已提供给 {'、'.join(named)}",
            f"release {told['release']} ({told['version']}) is offered to {', '.join(named)}",
        )


def version_of(db: Database, unit: str) -> str | None:
    """The version of its program that a unit told in its last BOOT."""
    line = records.last_boot(db, unit)
    return None if line is None else str(json.loads(seal.split(line)[0]).get("GV", ""))


def _named(db: Database, name: str) -> list[str]:
    if name == "all":
        return [each.unit for each in units.units(db).values() if each.retired_ms is None]
    return [inventory.known_unit(db, name).unit]


def _read(file: Path) -> tuple[bytes, bytes, dict[str, object]]:
    """(offer, image, what is told of it) of a bundle that is whole; whose signature it bears the units judge."""
    try:
        octets = file.read_bytes()
        release, length, digest, version, *_ = bundle.read(octets[: bundle.OFFER])
        image = octets[bundle.OFFER :]
        if len(image) != length or hashlib.sha256(image).digest() != digest:
            raise RecordError("malformed", f"{len(image)} octets, not the {length} that were signed")
    except (OSError, RecordError) as error:
        raise UsageError(
            f"{file} 不是完整的发布（{error}）：请用 wattwitness-unit release 的输出",
            f"{file} is no whole release ({error}): use what wattwitness-unit release wrote",
        ) from error
    return octets[: bundle.OFFER], image, {"release": release, "version": version}


def _publish(settings: Mqtt, clinic: str, messages: list[tuple[str, bytes]]) -> None:
    """Have the broker retain these, in this order; SurroundingsError unless it took them all.

    The gateway's account has one connection: `serve` loses its own for a second. So this is the same session, and what the
    broker holds in it for `serve` is not acknowledged here.
    """
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=f"ww-{clinic}-gateway", clean_session=False, manual_ack=True
    )
    if settings.user:
        client.username_pw_set(settings.user, settings.password)
    if settings.tls:
        client.tls_set(settings.ca or None)
    client.max_inflight_messages_set(20)
    try:
        client.connect(settings.host, settings.port)
        client.loop_start()
        for told in [client.publish(topic, payload, qos=1, retain=True) for topic, payload in messages]:
            told.wait_for_publish(_PATIENCE_S)
            if not told.is_published():
                raise OSError("no answer")
    except (OSError, RuntimeError, ValueError) as error:
        raise SurroundingsError(
            f"代理没有收下（{error}）：请检查 [mqtt]，再运行一次",
            f"the broker did not take it ({error}): check [mqtt], and run it again",
        ) from error
    finally:
        client.disconnect()
        client.loop_stop()
