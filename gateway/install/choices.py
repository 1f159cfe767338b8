"""What the installation was told or made up, and the names that everything else is built on."""

from __future__ import annotations

from dataclasses import dataclass

GATEWAY = "gateway"  # the gateway's own account at the broker; no unit may be called so
NAME = "gateway.wattwitness.internal"  # by which units may call the gateway on their own Wi-Fi
PORT = 8883

ETC = "/etc/wattwitness"
CA, CA_KEY = f"{ETC}/ca.pem", f"{ETC}/ca.key"
STATE = f"{ETC}/installed.json"
CERTIFICATE, KEY = "/etc/mosquitto/certs/wattwitness.pem", "/etc/mosquitto/certs/wattwitness.key"
ACCOUNTS = "/etc/mosquitto/wattwitness.passwords"
ACL = "/etc/mosquitto/wattwitness.acl"
LEDGER = "/var/lib/wattwitness"
PAGES_TLS = ("pages.pem", "pages.key")  # in the ledger folder: certificate and key of the pages
BACKUPS = "/var/lib/wattwitness-backup"
KEPT = f"{ETC}/kept"  # what somebody changed by hand and --force replaced; no program reads there


@dataclass(frozen=True, slots=True)
class Choices:
    """`address`: the gateway's on the units' own Wi-Fi, without the prefix; `program`: the `wattwitness` to start;
    `backup_to`: a folder of somebody's, in which the backups have one of their own; `pages`: the names by which staff open the
    pages, empty where they are for this machine alone."""

    clinic: str
    ssid: str
    wifi_password: str
    program: str
    interface: str = "wlan0"
    address: str = "10.77.0.1"
    backup_to: str = BACKUPS
    port: int = PORT
    pages: str = ""

    @property
    def backups(self) -> str:
        """The folder that is the service's own; what it lies in stays as it is."""
        return self.backup_to if self.backup_to == BACKUPS else f"{self.backup_to.rstrip('/')}/wattwitness"


@dataclass(frozen=True, slots=True)
class File:
    """A file to be there: its whole text, its mode, and who owns it."""

    path: str
    text: str
    mode: int = 0o644
    owner: str = "root"
