"""The unit's key, made on the unit: `key.bin` on its flash holds the 32 secret bytes, and nothing else does.

    import firmware.esp32.identity as i; print(i.public_hex())     what provisioning asks over the cable

A key is made once and never replaced: one that cannot be read is an error, for a new key would be a new unit. Whoever
holds the cable of a board without flash encryption can read it. This file does not know what is signed.
"""

import binascii
import os

from protocol import p256
from protocol.errors import WitnessError

try:
    import network
except ImportError:  # a host has another source of randomness
    network = None

_NAME = "key.bin"


class IdentityError(WitnessError):
    """There is no key, or what is there is none."""


def public_hex(folder: str = "/") -> str:
    """The public key, DER SubjectPublicKeyInfo in hex, of the key in `folder`; the key is made at the first call.

    It is durable before it is told. IdentityError if what is there is no key; OSError if the flash fails.
    """
    if _NAME not in os.listdir(folder):
        _keep(folder, _new_secret())
    return str(binascii.hexlify(p256.spki(p256.public_key(secret(folder)))), "ascii")


def secret(folder: str = "/") -> bytes:
    """The 32 secret bytes; IdentityError if there is no key or what is there is none."""
    try:
        with open(_path(folder, _NAME), "rb") as file:
            read = file.read(64)
    except OSError:
        raise IdentityError("no key in %s: provision the unit" % folder)
    if not _is_secret(read):
        raise IdentityError("%s is damaged: this unit needs a new key and a new name" % _path(folder, _NAME))
    return read


def _is_secret(read: bytes) -> bool:
    return len(read) == 32 and 0 < int.from_bytes(read, "big") < p256.N


def _new_secret() -> bytes:
    """From the board's random source, which is a true one only while the radio is on (ESP-IDF, esp_random)."""
    if network is not None:
        network.WLAN(network.STA_IF).active(True)
    while True:
        made = os.urandom(32)
        if _is_secret(made) and made != os.urandom(32):
            return made


def _keep(folder: str, made: bytes):
    with open(_path(folder, "key.new"), "wb") as file:
        file.write(made)
        file.flush()
    with open(_path(folder, "key.new"), "rb") as file:
        if file.read() != made:
            raise IdentityError("the flash does not keep what is written")
    os.rename(_path(folder, "key.new"), _path(folder, _NAME))
    if hasattr(os, "sync"):
        os.sync()


def _path(folder: str, name: str) -> str:
    return folder.rstrip("/") + "/" + name
