"""A release is offered over a real broker, as it was signed; what is no whole release is not offered at all."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from firmware.rpi import image, keyfile
from firmware.rpi.__main__ import commands
from firmware.rpi.release import bundle_of
from gateway import __main__ as program
from gateway.errors import SurroundingsError, UsageError
from gateway.install import broker as installed
from gateway.install.choices import Choices
from protocol import bundle, p256
from protocol.errors import RecordError
from tests.support.broker import PASSWORD, Broker
from tests.support.chain import Writer

SECRET = bytes(31) + b"\x07"
IMAGE = bytes(range(256)) * 5
INIT = ["init", "--clinic", "C001", "--name", "诊所"]


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    made = Broker(tmp_path / "broker", "C001", ["U1", "U2"])
    yield made
    made.stop()


def wattwitness(folder: Path, *arguments: str) -> Any:
    return CliRunner().invoke(program.wattwitness, ["--dir", str(folder), *arguments])


@pytest.fixture
def folder(tmp_path: Path, broker: Broker) -> Path:
    """A gateway's folder with two units."""
    made = tmp_path / "book"
    assert CliRunner().invoke(program.wattwitness, [*INIT[:1], str(made), *INIT[1:]]).exit_code == 0
    path = made / "wattwitness.toml"
    path.write_text(path.read_text("utf-8") + "\n" + broker.config, "utf-8")
    for unit in ("U1", "U2"):
        key = Writer(unit).key_hex
        ran = wattwitness(made, "unit", "add", unit, "--key", key, "--load", "tdp", "--room", "R1")
        assert ran.exit_code == 0, ran.output
    return made


@pytest.fixture
def release(tmp_path: Path) -> Path:
    path = tmp_path / "2.wwr"
    path.write_bytes(bundle_of(2, "0.2.0", IMAGE, SECRET))
    return path


def heard(broker: Broker, unit: str, count: int, *topics: str) -> dict[str, bytes]:
    """What the broker retained for a unit on these topics, once `count` messages came."""
    found: dict[str, bytes] = {}
    done = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=unit)
    client.username_pw_set(unit, PASSWORD)

    def take(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        found[message.topic] = bytes(message.payload)
        if len(found) == count:
            done.set()

    linked = threading.Event()
    client.on_message = take
    client.on_subscribe = lambda *_: linked.set()
    client.connect("127.0.0.1", broker.port)
    client.subscribe([(topic, 1) for topic in topics])
    client.loop_start()
    assert linked.wait(10)
    if count:
        assert done.wait(10), found
    client.disconnect()
    client.loop_stop()
    return found


def test_a_unit_finds_the_offer_and_every_piece_and_another_unit_no_offer(folder, release, broker):
    ran = wattwitness(folder, "unit", "update", "U1", str(release), "--json")
    assert json.loads(ran.stdout) == {"units": ["U1"], "release": 2, "version": "0.2.0"}
    found = heard(broker, "U1", 4, "ww/1/C001/U1/update", "ww/1/C001/release/+")
    offer = found.pop("ww/1/C001/U1/update")
    assert b"".join(found[f"ww/1/C001/release/{number}"] for number in range(3)) == IMAGE
    number, length, _, version, signed, r, s = bundle.read(offer)
    assert (number, length, version) == (2, len(IMAGE), "0.2.0")
    assert p256.verify(p256.public_key(SECRET), signed, r, s)
    topics = ("ww/1/C001/+/update", "ww/1/C001/release/0")
    assert list(heard(broker, "U2", 1, *topics)) == ["ww/1/C001/release/0"], "the offer is another unit's"


def test_all_units_are_offered_it_and_a_withdrawn_offer_is_gone(folder, release, broker):
    assert json.loads(wattwitness(folder, "unit", "update", "all", str(release), "--json").stdout)[
        "units"
    ] == [
        "U1",
        "U2",
    ]
    assert wattwitness(folder, "unit", "update", "U2", "--withdraw").exit_code == 0
    assert heard(broker, "U2", 1, "ww/1/C001/U2/update", "ww/1/C001/release/0").keys() == {
        "ww/1/C001/release/0"
    }
    assert heard(broker, "U1", 1, "ww/1/C001/U1/update")


@pytest.mark.parametrize(
    "spoil", (lambda made: made[:-1], lambda made: made[:200] + b"?" + made[201:], lambda _: b"no")
)
def test_what_is_no_whole_release_is_refused_at_the_desk(folder, release, spoil):
    release.write_bytes(spoil(release.read_bytes()))
    ran = wattwitness(folder, "unit", "update", "U1", str(release))
    assert isinstance(ran.exception, UsageError) and "no whole release" in ran.exception.en


def test_without_a_broker_nothing_is_claimed(folder, release, broker):
    broker.kill()
    ran = wattwitness(folder, "unit", "update", "U1", str(release))
    assert isinstance(ran.exception, SurroundingsError) and "offered" not in ran.output


def test_the_installed_access_list_lets_only_the_gateway_offer(tmp_path):
    text = "".join(
        each.text for each in installed.files(Choices("C001", "s", "p", "w")) if each.path.endswith("acl")
    )
    assert "topic write ww/1/C001/+/update" in text and "topic write ww/1/C001/release/+" in text
    assert "pattern read ww/1/C001/%u/update" in text and "pattern write ww/1/C001/%u/update" not in text


# --- the release itself ---


def test_a_release_is_made_from_the_checkout_and_signed_by_the_key(tmp_path):
    keyfile.write(tmp_path / "k.pem", SECRET)
    command = ["release", "--key", str(tmp_path / "k.pem"), "--out", str(tmp_path / "r"), "--json"]
    said = json.loads(CliRunner().invoke(commands, command, catch_exceptions=False).stdout)
    made = (tmp_path / "r").read_bytes()
    assert made[bundle.OFFER :] == image.image() and said["octets"] == len(made) - bundle.OFFER
    *_, signed, r, s = bundle.read(made[: bundle.OFFER])
    assert p256.verify(p256.from_spki(bytes.fromhex(said["key"])), signed, r, s)


@pytest.mark.parametrize(
    "number, version, octets",
    ((0, "1", 9), (100_000_000, "1", 9), (1, "", 9), (1, "1" * 17, 9), (1, "1", 200_000)),
)
def test_a_release_that_no_unit_would_take_is_not_signed(number, version, octets):
    with pytest.raises(Exception, match=r"RELEASE|romfs"):
        bundle_of(number, version, bytes(octets), SECRET)


def test_an_offer_that_is_cut_or_names_no_number_is_malformed():
    good = bundle_of(1, "1", IMAGE, SECRET)[: bundle.OFFER]
    for bad in (
        good[:-1],
        good + b"x",
        b"XXXX" + good[4:],
        good[:4] + bytes(4) + good[8:],
        good[:44] + b"\xff" + good[45:],
    ):
        with pytest.raises(RecordError):
            bundle.read(bad)
