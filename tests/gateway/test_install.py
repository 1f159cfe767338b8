"""A bare machine becomes a gateway: what is written, that it is written once, and a real Mosquitto on what was written."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from gateway import __main__ as program
from gateway import config, tls
from gateway.commands import install as command
from gateway.demo.ports import free_port
from gateway.install import broker, certificates, choices, network, pages, services
from gateway.install.choices import Choices
from gateway.nurse import tokens
from protocol import topics
from tests.support.both import run_micropython
from tests.support.broker import wait_for_port
from tests.support.chain import Writer
from tests.support.programs import Program, ended, eventually
from tests.support.tools import could_not_run, tool

Run = Callable[..., tuple[int, str, str]]
CLINIC = "C001"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wattwitness ... --root ROOT`: (exit code, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        ledger = str(root) + choices.LEDGER
        code = program.run(["--dir", ledger, *arguments, "--root", str(root)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def installed(run: Run) -> Run:
    assert run("install", "--clinic", CLINIC, "--name", "示范诊所")[0] == 0
    return run


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def at(root: Path, name: str) -> Path:
    return root / name.lstrip("/")


# --- what is written ----------------------------------------------------------------------------------------


def test_a_dry_run_shows_every_file_and_command_and_touches_nothing(run, root):
    code, said, told = run("install", "--clinic", CLINIC, "--dry-run")
    assert (code, root.exists()) == (0, False)
    for each in (
        "listener 8883",
        "ExecStart=",
        "mode=ap",
        "OnCalendar",
        "pattern write",
        "iifname",
        "$ nmcli connection up",
    ):
        assert each in said, each
    assert "made-at-the-first-run" in said and "nothing of this was done" in told


def test_what_is_installed_once_is_the_same_the_second_time(installed, root):
    before = everything(root)
    code, said, _ = installed("install", "--json")
    assert code == 0 and {each["what"] for each in json.loads(said)["files"]} == {"same"}
    assert everything(root) == before


def test_secrets_can_be_read_by_nobody_else(installed, root):
    for name in (choices.CA_KEY, choices.KEY, choices.ACCOUNTS, choices.STATE, choices.ACL):
        assert at(root, name).stat().st_mode & 0o777 == 0o600, name
    (wifi,) = root.rglob("*.nmconnection")
    assert wifi.stat().st_mode & 0o777 == 0o600  # NetworkManager refuses any other
    told = config.read(at(root, choices.LEDGER)).mqtt
    password = told.password if told else ""
    assert len(password) >= 32 and password not in at(root, choices.ACCOUNTS).read_text()


def test_a_file_changed_by_hand_is_never_overwritten_unless_asked_and_then_kept_aside(installed, root):
    path = at(root, broker.CONFIGURATION)
    path.write_text("listener 1883\n")
    before = everything(root)
    code, _, said = installed("install", "--ssid", "OTHER")
    assert code == 2 and str(path) in said and everything(root) == before
    for number in (1, 2):
        path.write_text("listener 1883\n")
        assert installed("install", "--force")[0] == 0
        kept = at(root, f"{choices.KEPT}{broker.CONFIGURATION}.{number}")
        assert kept.read_text() == "listener 1883\n" and kept.stat().st_mode & 0o777 == 0o600
    assert "listener 8883" in path.read_text()
    assert len(list(path.parent.iterdir())) == 1  # nothing beside it, which a daemon would read as well


def test_another_choice_renews_only_what_depends_on_it(installed, root):
    before = everything(root)
    code, said, _ = installed("install", "--ssid", "LAMPS", "--json")
    renewed = [each["path"] for each in json.loads(said)["files"] if each["what"] == "renewed"]
    assert code == 0 and [path.rsplit("/", 1)[1] for path in renewed] == ["wattwitness-units.nmconnection"]
    assert "ssid=LAMPS" in next(root.rglob("*.nmconnection")).read_text()
    changed = {name for name, body in everything(root).items() if before.get(name) != body}
    assert changed == {renewed[0].lstrip("/"), choices.STATE.lstrip("/")}


def test_another_address_gets_a_new_certificate_of_the_same_authority(installed, root):
    authority = at(root, choices.CA).read_bytes()
    before = at(root, choices.CERTIFICATE).read_bytes()
    assert installed("install", "--address", "10.99.0.1")[0] == 0
    assert at(root, choices.CA).read_bytes() == authority
    assert at(root, choices.CERTIFICATE).read_bytes() != before
    verify(root, "-verify_ip", "10.99.0.1")


def test_a_certificate_whose_key_is_not_its_own_is_made_anew(installed, root):
    """As a power cut between the two files leaves it."""
    _, key = certificates.broker(
        at(root, choices.CA).read_text(), at(root, choices.CA_KEY).read_text(), "10.77.0.1"
    )
    for damaged in (key, "", "nonsense"):
        at(root, choices.KEY).write_text(damaged)
        assert installed("install")[0] == 0
        made, its_key, ca = (
            at(root, each).read_text() for each in (choices.CERTIFICATE, choices.KEY, choices.CA)
        )
        assert certificates.serves(made, its_key, ca, ["10.77.0.1"])


def test_an_authority_whose_key_was_put_away_is_never_replaced_behind_the_units_backs(installed, root):
    authority = at(root, choices.CA).read_bytes()
    at(root, choices.CA_KEY).unlink()
    assert installed("install")[0] == 0
    before = everything(root)
    code, _, said = installed("install", "--address", "10.99.0.1")
    assert code == 2 and "put it back" in said and everything(root) == before
    assert at(root, choices.CA).read_bytes() == authority and not at(root, choices.CA_KEY).exists()
    at(root, choices.CA_KEY).write_text(certificates.authority(CLINIC)[1])
    code, _, said = installed("install", "--address", "10.99.0.1")
    assert code == 2 and "put it back" in said


def test_what_a_run_wrote_that_failed_half_way_is_known_as_ours(installed, root):
    """So another choice at the next run is no quarrel with a hand that was never there."""
    timer = at(root, "/etc/systemd/system/wattwitness-backup.timer")
    timer.unlink()
    timer.mkdir()
    code, _, said = installed("install", "--ssid", "LAMPS", "--backup-to", "/media/usb")
    assert code == 3 and str(timer) in said
    timer.rmdir()
    assert installed("install", "--ssid", "LIGHTS", "--backup-to", "/media/other")[0] == 0
    backup = at(root, "/etc/systemd/system/wattwitness-backup.service").read_text()
    assert "ssid=LIGHTS" in next(root.rglob("*.nmconnection")).read_text() and "/media/other/" in backup


def test_a_damaged_note_of_the_installation_is_said_and_nothing_touched(installed, root):
    at(root, choices.STATE).write_text("{")
    before = everything(root)
    code, _, said = installed("install")
    assert code == 2 and choices.STATE in said and everything(root) == before


def test_a_ledger_of_another_clinic_is_not_taken_over(run, root):
    ledger = at(root, choices.LEDGER)
    assert program.run(["init", str(ledger), "--clinic", "C009", "--name", "x"]) == 0
    before = everything(root)
    code, _, said = run("install", "--clinic", CLINIC, "--name", "x")
    assert code == 2 and "C009" in said and everything(root) == before


def test_a_run_that_failed_half_way_goes_on_with_what_it_had_made_up(installed, root):
    wifi = next(root.rglob("*.nmconnection")).read_text()
    at(root, choices.ACCOUNTS).unlink()
    at(root, choices.CERTIFICATE).unlink()
    next(root.rglob("*.nmconnection")).unlink()
    state = json.loads(at(root, choices.STATE).read_text())
    at(root, choices.STATE).write_text(json.dumps(state | {"files": {}}))
    assert installed("install")[0] == 0
    assert next(root.rglob("*.nmconnection")).read_text() == wifi
    assert broker.names(at(root, choices.ACCOUNTS).read_text()) == ["gateway"]


@pytest.mark.parametrize(
    "arguments, why",
    (
        ([], "name the clinic"),
        (["--clinic", CLINIC], "name the clinic"),
        (["--clinic", "C/1", "--name", "x"], "clinic"),
        (["--clinic", CLINIC, "--name", "x", "--ssid", "a;b"], "--ssid"),
        (["--clinic", CLINIC, "--name", "x", "--address", "8.8.8.8"], "--address"),
        (["--clinic", CLINIC, "--name", "x", "--address", "x"], "--address"),
        (["--clinic", CLINIC, "--name", "x", "--address", "127.0.0.1"], "--address"),
        (["--clinic", CLINIC, "--name", "x", "--address", "10.77.0.255"], "--address"),
        (["--clinic", CLINIC, "--name", "x", "--backup-to", "usb stick"], "--backup-to"),
        (["--clinic", CLINIC, "--name", "x", "--backup-to", "/media/../etc"], "--backup-to"),
        (["--clinic", CLINIC, "--name", "x", "--backup-to", "/"], "--backup-to"),
        (["--clinic", CLINIC, "--name", "x", "--interface", "wlan0;rm"], "--interface"),
        (["--clinic", CLINIC, "--name", "x", "--pages", 'ww"]'], "--pages"),
    ),
)
def test_wrong_usage_says_what_is_wrong_and_changes_nothing(run, root, arguments, why):
    code, _, said = run("install", *arguments)
    assert (code, root.exists()) == (2, False) and why in said and len(said.splitlines()) == 1


def test_another_clinic_is_not_put_on_top(installed, root):
    before = everything(root)
    code, _, said = installed("install", "--clinic", "C002", "--name", "x")
    assert code == 2 and "C001" in said and everything(root) == before


def test_a_machine_that_cannot_be_a_gateway_is_told_why(monkeypatch, tmp_path, capsys):
    asked = ["install", "--clinic", CLINIC, "--name", "x"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert program.run(asked) == 2 and "sudo" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(command, "_MODEL", tmp_path / "model")
    assert program.run(asked) == 2 and "--any-machine" in capsys.readouterr().err
    (tmp_path / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    monkeypatch.setattr(command, "_find", lambda program: None)
    assert program.run(asked) == 3
    assert (
        "sudo apt install dnsmasq-base mosquitto network-manager nftables systemd" in capsys.readouterr().err
    )
    monkeypatch.setattr(command, "_find", lambda program: program)
    (tmp_path / "pi").mkdir(mode=0o700)
    monkeypatch.setattr(command, "_PROGRAM", tmp_path / "pi/bin/wattwitness")
    (tmp_path / "pi/bin").mkdir()
    assert program.run(asked) == 2 and f"cannot enter {tmp_path / 'pi'}" in capsys.readouterr().err


# --- what is rendered ---------------------------------------------------------------------------------------

HERE = Choices(CLINIC, "WW-C001", "0123456789", "/opt/wattwitness/.venv/bin/wattwitness")


def test_systemd_understands_the_services_and_finds_them_confined(tmp_path):
    analyze = str(tool("systemd-analyze"))
    started = Choices(CLINIC, "WW", "0123456789", "/bin/true")
    for file in services.files(started):
        name = tmp_path / file.path.rsplit("/", 1)[1]
        name.write_text(file.text.replace("/usr/sbin/nft", "/bin/true"))
    units = [str(path) for path in sorted(tmp_path.glob("wattwitness*.[st]*"))]
    assert len(units) == 4
    ran = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, timeout=60)
    ours = [line for line in ran.stderr.splitlines() if "wattwitness" in line]
    assert ours == []
    confined = [
        analyze,
        "security",
        "--offline=true",
        "--threshold=25",
        str(tmp_path / "wattwitness.service"),
    ]
    ran = subprocess.run(confined, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout[-300:]


def test_a_program_in_somebodys_home_stays_readable_to_its_service():
    at_home = Choices(CLINIC, "WW", "0123456789", "/home/pi/wattwitness/.venv/bin/wattwitness")
    for chosen, says in ((HERE, "ProtectHome=yes"), (at_home, "ProtectHome=read-only")):
        texts = {file.path: file.text for file in services.files(chosen)}
        assert says in texts["/etc/systemd/system/wattwitness.service"]


def test_backups_elsewhere_wait_for_their_disk_and_may_be_written():
    there = Choices(CLINIC, "WW", "0123456789", "/bin/true", backup_to="/media/usb")
    backup = {file.path: file.text for file in services.files(there)}[
        "/etc/systemd/system/wattwitness-backup.service"
    ]
    own = "/media/usb/wattwitness"
    assert f"RequiresMountsFor={own}\n" in backup and f"ReadWritePaths={own}\n" in backup


def test_only_what_is_the_services_own_is_given_to_its_account(run):
    """A folder named for the backups may be somebody's home."""
    asked = ["install", "--clinic", CLINIC, "--backup-to", "/home/pi/", "--dry-run", "--json"]
    commands = json.loads(run(*asked)[1])["commands"]
    given = [each for each in commands if "wattwitness:wattwitness" in each or " -o wattwitness " in each]
    assert given == [
        "install -d -m 700 -o wattwitness -g wattwitness /home/pi/wattwitness",
        f"chown -R wattwitness:wattwitness {choices.LEDGER}",
    ]


def test_the_nightly_backup_is_a_command_that_works(installed, root, tmp_path):
    """Its three lines, run by a real shell on the ledger that was made, with systemd's own doubling undone."""
    to = tmp_path / "to"
    to.mkdir()
    for name in ("ledger-2020.db", "ledger-2020.db.tag.key", "another.db"):
        (to / name).touch()
        os.utime(to / name, (0, 0))
    for name in ("patient.key", "rules.toml", tokens.FILE):
        (at(root, choices.LEDGER) / name).write_text("kept")
    (unit,) = [file for file in services.files(HERE) if file.path.endswith("backup.service")]
    lines = [
        line.removeprefix("ExecStart=") for line in unit.text.splitlines() if line.startswith("ExecStart=")
    ]
    assert len(lines) == 3
    for line in lines:
        shown = line.replace("%%", "%").replace("$$", "$").replace(choices.BACKUPS, str(to))
        shown = shown.replace(choices.LEDGER, str(at(root, choices.LEDGER)))
        shown = shown.replace(HERE.program, str(tool("wattwitness")))
        subprocess.run(["/bin/sh", "-c", shown], check=True, timeout=60)
    stands = sorted(re.sub("ledger-20[0-9-]+", "ledger-NOW", path.name) for path in to.iterdir())
    kept = ["another.db", "ledger-NOW.db", "ledger-NOW.db.tag.key", "patient.key", "rules.toml"]
    assert stands == [*kept, "wattwitness.toml"]


def test_nft_understands_the_rules(tmp_path):
    """In a network of its own, where whoever runs this may look at rules; elsewhere it could not run here."""
    nft, own = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin"), ["unshare", "--map-root-user", "--net"]
    if nft is None or subprocess.run([*own, "true"], capture_output=True).returncode:
        could_not_run("nft", even_in_ci=True)
    path = tmp_path / "units.nft"
    path.write_text({file.path: file.text for file in network.files(HERE)}["/etc/wattwitness/units.nft"])
    for asked in (["-c"], []):
        subprocess.run([*own, nft, *asked, "-f", path], check=True, capture_output=True)


def test_changed_rules_hold_at_once_and_survive_the_machines_own(run):
    commands = json.loads(run("install", "--clinic", CLINIC, "--dry-run", "--json")[1])["commands"]
    ours = next(file.text for file in services.files(HERE) if file.path.endswith("firewall.service"))
    assert "systemctl reload-or-restart wattwitness-firewall.service" in commands
    assert (
        "ExecReload=/usr/sbin/nft -f /etc/wattwitness/units.nft\n" in ours
        and "After=nftables.service" in ours
    )


def test_units_reach_the_broker_and_nothing_behind_it():
    files = {file.path: file.text for file in network.files(HERE)}
    rules = files["/etc/wattwitness/units.nft"]
    through = rules.split("chain through")[1]
    assert 'iifname "wlan0" drop' in through and 'oifname "wlan0" drop' in through
    assert "tcp dport 8883 accept" in rules and rules.index("8883") < rules.index("        drop")
    wifi = files["/etc/NetworkManager/system-connections/wattwitness-units.nmconnection"]
    assert "mode=ap" in wifi and "address1=10.77.0.1/24" in wifi and "psk=0123456789" in wifi


# --- the certificates ---------------------------------------------------------------------------------------


def verify(root: Path, *asked: str, certificate: str = choices.CERTIFICATE) -> None:
    openssl = [str(tool("openssl")), "verify", "-x509_strict", "-purpose", "sslserver", *asked]
    files = ["-CAfile", str(at(root, choices.CA)), str(at(root, certificate))]
    subprocess.run(openssl + files, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    "asked",
    (
        ["-verify_ip", "10.77.0.1"],
        ["-verify_ip", "127.0.0.1"],
        ["-verify_hostname", choices.NAME],
        ["-attime", "946771200"],  # 2000-01-02: a unit that does not know the time yet
        ["-attime", "2500000000"],  # 2049
    ),
)
def test_openssl_finds_the_broker_certified_by_the_clinics_authority(installed, root, asked):
    verify(root, *asked)


def test_openssl_finds_it_certified_for_nobody_else(installed, root):
    with pytest.raises(subprocess.CalledProcessError):
        verify(root, "-verify_hostname", "example.com")


# --- the pages ----------------------------------------------------------------------------------------------


def test_staff_reach_the_pages_by_the_names_that_were_asked_for_over_tls(installed, root):
    assert installed("install", "--pages", "WW.clinic.lan, 192.168.1.20")[0] == 0
    folder = at(root, choices.LEDGER)
    told = config.read(folder).serve
    assert (told.host, told.names) == ("0.0.0.0", ("ww.clinic.lan", "192.168.1.20"))
    served = tls.certificate(folder, told)
    assert served is not None and served.key.stat().st_mode & 0o777 == 0o600
    for asked in (["-verify_hostname", "ww.clinic.lan"], ["-verify_ip", "192.168.1.20"]):
        verify(root, *asked, certificate=pages.CERTIFICATE)
    with pytest.raises(subprocess.CalledProcessError):
        verify(root, "-verify_hostname", "example.com", certificate=pages.CERTIFICATE)
    before = everything(root)
    assert installed("install")[0] == 0 and everything(root) == before


def test_another_name_of_the_pages_gets_a_new_certificate_and_is_let_in(installed, root):
    installed("install", "--pages", "ww.clinic.lan")
    before = at(root, pages.CERTIFICATE).read_text()
    assert installed("install", "--pages", "pages.clinic.lan")[0] == 0
    assert config.read(at(root, choices.LEDGER)).serve.names == ("pages.clinic.lan",)
    assert at(root, pages.CERTIFICATE).read_text() != before
    verify(root, "-verify_hostname", "pages.clinic.lan", certificate=pages.CERTIFICATE)


def test_settings_of_the_pages_that_somebody_wrote_are_left_alone(installed, root):
    settings = at(root, f"{choices.LEDGER}/{config.FILE}")
    settings.write_text(settings.read_text().replace("port = 8080", "port = 8090"))
    before = settings.read_text()
    code, _, said = installed("install", "--pages", "ww.clinic.lan")
    assert code == 2 and "changed by hand" in said
    assert settings.read_text() == before and not at(root, pages.CERTIFICATE).exists()


# --- a real Mosquitto on what was written -------------------------------------------------------------------


class Installed:
    """The broker that runs on the produced files, and clients of it."""

    def __init__(self, root: Path, run: Run):
        self.root, self._run = root, run
        state = json.loads(at(root, choices.STATE).read_text())
        self.port = state["port"]
        text = at(root, broker.CONFIGURATION).read_text().replace("/etc/", f"{root}/etc/")
        text = text.replace(f"listener {self.port}", f"listener {self.port} 127.0.0.1")
        path = root / "mosquitto.conf"
        path.write_text("user root\n" + text)
        self._log = (root / "mosquitto.log").open("ab")
        self.process = subprocess.Popen([tool("mosquitto"), "-c", path], stdout=self._log, stderr=self._log)
        wait_for_port(self.port)
        eventually(
            lambda: b" running" in (root / "mosquitto.log").read_bytes()
        )  # before, a SIGHUP would end it

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        self._log.close()

    def account(self, unit: str, *more: str) -> Any:
        code, said, told = self._run("unit", "account", unit, "--json", *more)
        assert code == 0, told
        self.process.send_signal(signal.SIGHUP)  # what `systemctl reload` does
        return json.loads(said)


class Client:
    """A paho client that remembers what it heard, and whether it was let in."""

    def __init__(
        self, where: Installed, user: str, password: str, client_id: str = "", ca: Path | None = None
    ):
        self.heard: list[tuple[str, bytes]] = []
        self.let_in: bool | None = None
        self.lost = 0
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client.username_pw_set(user, password)
        self._client.tls_set(str(ca or at(where.root, choices.CA)))
        self._client.on_connect = lambda _c, _d, _f, reason, _p: setattr(
            self, "let_in", not reason.is_failure
        )
        self._client.on_disconnect = lambda *_: setattr(self, "lost", self.lost + 1)
        self._client.on_message = lambda _c, _d, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        self._client.connect("127.0.0.1", where.port)
        self._client.loop_start()
        eventually(lambda: self.let_in is not None)

    def subscribe(self, *names: str) -> None:
        told: list[int] = []
        self._client.on_subscribe = lambda _c, _d, mid, _r, _p: told.append(mid)
        _, mid = self._client.subscribe([(name, 1) for name in names])
        eventually(lambda: mid in told)

    def publish(self, name: str, payload: bytes = b"x", retain: bool = False) -> None:
        self._client.publish(name, payload, 1, retain).wait_for_publish(10)

    def end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def writers() -> list[Writer]:
    made = [Writer("U1"), Writer("U2")]
    made[0].day(sessions=1)
    return made


@pytest.fixture
def there(run: Run, root: Path, writers: list[Writer]) -> Iterator[Installed]:
    """An installed gateway with two enrolled units, and its broker."""
    assert run("install", "--clinic", CLINIC, "--name", "示范诊所", "--port", str(free_port()))[0] == 0
    for writer in writers:
        enrol = ["unit", "add", writer.unit, "--key", writer.key_hex, "--load", "tdp", "--room", "R1"]
        assert program.run(["--dir", str(at(root, choices.LEDGER)), *enrol]) == 0
    made = Installed(root, run)
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def clients(there: Installed, *names: str) -> Iterator[list[Client]]:
    made = []
    for name in names:
        password = gateway_password(there) if name == "gateway" else there.account(name)["mqtt"]["password"]
        made.append(Client(there, name, password, f"ww-{CLINIC}-{name}"))
    try:
        yield made
    finally:
        for each in made:
            each.end()


def gateway_password(there: Installed) -> str:
    told = config.read(at(there.root, choices.LEDGER)).mqtt
    return told.password if told else ""


def test_a_unit_publishes_only_what_is_its_own_and_hears_only_what_is_for_it(there):
    with clients(there, "gateway", "U1", "U2") as (gateway, one, two):
        gateway.subscribe(f"ww/1/{CLINIC}/+/record", f"ww/1/{CLINIC}/+/status")
        one.subscribe(f"ww/1/{CLINIC}/+/ack", f"ww/1/{CLINIC}/#", "#")
        for name in (
            f"ww/1/{CLINIC}/U2/record",
            f"ww/1/{CLINIC}/U2/status",
            "ww/1/C002/U1/record",
            "elsewhere",
        ):
            one.publish(name, b"forged")
        one.publish(f"ww/1/{CLINIC}/U1/record", b"mine")
        two.publish(f"ww/1/{CLINIC}/U2/record", b"its")
        eventually(lambda: len(gateway.heard) == 2)
        assert {payload for _, payload in gateway.heard} == {b"mine", b"its"}
        gateway.publish(f"ww/1/{CLINIC}/U2/ack", b"for two")
        gateway.publish(f"ww/1/{CLINIC}/U1/ack", b"for one")
        gateway.publish(topics.time_topic(CLINIC), b"time")
        eventually(lambda: len(one.heard) >= 2)
        assert {payload for _, payload in one.heard} == {b"for one", b"time"}


def test_only_the_gateways_account_acknowledges_and_tells_the_time(there):
    with clients(there, "gateway", "U1", "U2") as (gateway, one, two):
        two.subscribe(f"ww/1/{CLINIC}/U2/ack", topics.time_topic(CLINIC))
        for name in (f"ww/1/{CLINIC}/U2/ack", f"ww/1/{CLINIC}/U1/ack", topics.time_topic(CLINIC)):
            one.publish(name, b"forged", retain=True)
            two.publish(name, b"forged", retain=True)
        gateway.publish(f"ww/1/{CLINIC}/U2/ack", b"true")
        gateway.publish(topics.time_topic(CLINIC), b"true")
        eventually(lambda: len(two.heard) == 2)
        assert {payload for _, payload in two.heard} == {b"true"}


def test_no_unit_can_take_over_the_gateways_connection_by_its_client_id(there):
    with clients(there, "gateway", "U1") as (gateway, _):
        password = there.account("U2")["mqtt"]["password"]
        thief = Client(there, "U2", password, client_id=f"ww-{CLINIC}-gateway")
        gateway.subscribe(f"ww/1/{CLINIC}/+/record")
        thief.publish(f"ww/1/{CLINIC}/U2/record", b"its")
        eventually(lambda: gateway.heard)
        assert gateway.lost == 0
        thief.end()


def test_who_has_no_account_or_no_tls_or_trusts_another_authority_does_not_get_in(there, tmp_path):
    password = there.account("U1")["mqtt"]["password"]
    for user, word in (("U1", "wrong"), ("U2", password), ("", ""), ("gateway", password)):
        client = Client(there, user, word)
        assert client.let_in is False
        client.end()
    with socket.create_connection(("127.0.0.1", there.port)) as plain:
        plain.settimeout(10)
        plain.sendall(bytes.fromhex("100e00044d5154540402003c00025531"))  # CONNECT without TLS
        answer = b""
        with suppress(ConnectionResetError):
            answer = plain.recv(16)
        assert answer[:1] != b"\x20"  # no CONNACK
    other = tmp_path / "other.pem"
    other.write_text(certificates.authority("C002")[0])
    with pytest.raises(ssl.SSLCertVerificationError):
        Client(there, "U1", password, ca=other)


def test_an_account_is_renewed_and_taken_away_at_the_next_reload(there):
    first = there.account("U1")["mqtt"]["password"]
    second = there.account("U1")["mqtt"]["password"]
    eventually(lambda: not lets_in(there, "U1", first))
    assert first != second and lets_in(there, "U1", second)
    assert there.account("U1", "--revoke")["account"] is False
    eventually(lambda: not lets_in(there, "U1", second))
    assert broker.names(at(there.root, choices.ACCOUNTS).read_text()) == ["gateway"]


def lets_in(there: Installed, user: str, password: str) -> bool:
    client = Client(there, user, password)
    client.end()
    return bool(client.let_in)


def test_an_account_is_for_an_enrolled_unit_of_an_installed_gateway(there, run, tmp_path, capsys):
    assert run("unit", "account", "U7")[0] == 2
    code = program.run(
        ["--dir", str(at(there.root, choices.LEDGER)), "unit", "account", "U1", "--root", str(tmp_path)]
    )
    assert code == 2 and "wattwitness install" in capsys.readouterr().err
    retire = ["unit", "retire", "U2", "--at", "2027-01-01"]
    assert program.run(["--dir", str(at(there.root, choices.LEDGER)), *retire]) == 0
    assert run("unit", "account", "U2")[0] == 2


def test_the_key_of_the_tags_is_the_services_also_where_sudo_makes_it(there, monkeypatch):
    ledger, given = at(there.root, choices.LEDGER), []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        os, "fchown", lambda file, user, group: given.append((os.fstat(file).st_ino, user, group))
    )
    key = there.account("U1", "--tag-key")["tag_key"]
    made, owner = (ledger / tokens.FILE).stat(), ledger.stat()
    assert (made.st_ino, owner.st_uid, owner.st_gid) in given and made.st_mode & 0o777 == 0o600
    assert key == tokens.open_tag_key(ledger).hex()


def test_what_a_unit_is_told_is_all_that_it_needs_to_connect(there):
    told = there.account("U1")
    assert told["wifi"]["ssid"] == "WW-C001" and len(told["wifi"]["password"]) >= 16
    assert (told["mqtt"]["host"], told["mqtt"]["name"]) == ("10.77.0.1", choices.NAME)
    assert told["ca"] == at(there.root, choices.CA).read_text()


def test_the_gateway_takes_records_in_through_the_broker_that_was_installed(there, writers):
    """`serve` on the produced configuration, over TLS; a unit's own account brings its records and hears the answer."""
    ledger = at(there.root, choices.LEDGER)
    path = ledger / config.FILE
    path.write_text(
        path.read_text().replace("/etc/", f"{there.root}/etc/").replace("port = 8080", "port = 0")
    )
    serve = Program(ledger / "serve.log", "gateway", "--dir", str(ledger), "serve")
    with ended(serve), clients(there, "U1") as (unit,):
        serve.said(r"ready (http://\S+)")
        unit.subscribe(topics.topic(CLINIC, "U1", "ack"))
        unit.publish(topics.topic(CLINIC, "U1", "record"), b"\n".join(writers[0].lines))
        eventually(lambda: any(topics.read_ack(body)[0] == len(writers[0].lines) for _, body in unit.heard))


def test_micropython_believes_the_certificate_by_address_and_by_name_and_no_other_name(there, tmp_path):
    script = """
import socket, sys, tls
root, port = sys.argv[1], int(sys.argv[2])
for name in sys.argv[3:]:
    link = socket.socket()
    link.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    context.load_verify_locations(open(root, "rb").read())
    try:
        context.wrap_socket(link, server_hostname=name).close()
        print(name, "yes")
    except (OSError, ValueError):
        print(name, "no")
"""
    der = tmp_path / "ca.der"
    der.write_bytes(ssl.PEM_cert_to_DER_cert(at(there.root, choices.CA).read_text()))
    said = run_micropython(script, str(der), str(there.port), "10.77.0.1", choices.NAME, "example.com")
    assert said.split() == ["10.77.0.1", "yes", choices.NAME, "yes", "example.com", "no"]


def test_the_accounts_are_what_mosquitto_passwd_writes(tmp_path):
    """Our hash of a password, with its salt, is the tool's own."""
    path = tmp_path / "passwords"
    subprocess.run(
        [tool("mosquitto_passwd"), "-c", "-b", path, "U1", "word"], check=True, capture_output=True
    )
    theirs = path.read_text()
    salt = base64.b64decode(theirs.split("$")[3])
    assert broker.with_account("", "U1", "word", salt) == theirs
