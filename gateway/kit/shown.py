"""What a clinic's pack shows, out of its ZIP: values for comparing. Whether its seals and hashes hold is for `check` to say.

Unreadable where the ZIP or a file in it cannot be read at all; a record that cannot be read is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from gateway.errors import UsageError
from gateway.instants import midnight_ms
from gateway.kit import rows
from gateway.kit.compare import Shown, ShownUnit
from gateway.kit.compare_bills import Bills
from gateway.kit.compare_settings import Settings
from gateway.kit.folder import Files
from gateway.kit.rows import BROKEN, Row
from gateway.ledger.trail import Entry
from protocol import record, seal
from protocol.errors import RecordError

_MOST_BYTES = 1 << 30  # of what is compared: a month of forty units has a fifth of it
_SMALL = ("pack.json", "inventory.json", "catalogue.json", "trail.jsonl")


class Unreadable(UsageError):
    """The pack does not say what has to be compared."""


def read(path: Path) -> dict[str, bytes]:
    """The members of a pack that are compared; Unreadable where it is no ZIP, or a bomb."""
    try:
        with zipfile.ZipFile(path) as pack:
            about = [each for each in pack.infolist() if _is_compared(each.filename)]
            if sum(each.file_size for each in about) > _MOST_BYTES:
                _refuse(path, "大小不可信", "its sizes are not credible")
            return {each.filename: pack.read(each) for each in about}
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        _refuse(path, f"不是可读的证据包（{error}）", f"no readable pack ({error})")


def shown(files: Files) -> Shown:
    """Units and chains as the pack has them."""
    about, inventory = document(files, "pack.json"), document(files, "inventory.json")
    return told(lambda: _shown(files, about, inventory))


def settings(files: Files) -> Settings:
    """Hours, items and devices as the pack has them."""
    about, inventory, catalogue = (
        document(files, name) for name in ("pack.json", "inventory.json", "catalogue.json")
    )
    return told(lambda: rows.settings(about, inventory, catalogue))


def trail(files: Files) -> list[Entry]:
    """The trail as the pack has it."""
    return told(lambda: [Entry(**row) for row in rows.rows(files, "trail.jsonl")])


def days(files: Files) -> tuple[date, date]:
    """The first and the last day of the pack."""
    about = document(files, "pack.json")
    return told(lambda: (date.fromisoformat(about["from"]), date.fromisoformat(about["to"])))


def clinic(files: Files) -> str:
    """Whose pack it says it is."""
    return told(lambda: str(document(files, "pack.json")["clinic"]))


def bills(files: Files, source: str) -> Bills:
    """The bills of a source as the pack has them; none where that source is not in it."""
    path = f"bills/{source}.jsonl"
    return told(
        lambda: rows.bills(
            rows.rows(files, path) if path in files else [], rows.rows(files, "bills/files.jsonl"), source
        )
    )


def document(files: Files, path: str) -> Any:
    """What a JSON file says; Unreadable where it cannot be read."""
    try:
        return json.loads(files[path])
    except (KeyError, ValueError, RecursionError) as error:
        raise Unreadable(f"证据包的 {path} 读不懂", f"{path} of the pack cannot be read") from error


def digests(lines: Iterable[bytes]) -> dict[int, str]:
    """US -> digest of every record that can be read at all."""
    found = {}
    for line in lines:
        try:
            payload = line.split(b"|", 2)[1]
            us = json.loads(payload)["US"]
        except (IndexError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if type(us) is int:
            found[us] = hashlib.sha256(payload).hexdigest()
    return found


def _shown(files: Files, about: Row, inventory: Row) -> Shown:
    forked = {row["unit"]: row["forked_us"] for row in inventory["heads"]}
    units = {row["unit"]: _unit(files, row, forked.get(row["unit"])) for row in inventory["units"]}
    begins_ms = midnight_ms(date.fromisoformat(about["from"]), ZoneInfo(about["timezone"]))
    return Shown(units, begins_ms, about["made_ms"])


def _unit(files: Files, row: Row, forked_us: int | None) -> ShownUnit:
    name = row["unit"]
    chain = files.get(f"records/{name}.ocmf", b"").splitlines()
    aside = files.get(f"records/{name}.aside", b"").splitlines()
    path = f"records/{name}.receipts"
    received = {each["us"]: each["received_ms"] for each in (rows.rows(files, path) if path in files else ())}
    numbers = frozenset(digests(aside))
    return ShownUnit(
        row["key"], row["approved_ms"], digests(chain), numbers, received, forked_us, _instant(chain)
    )


def _instant(chain: list[bytes]) -> int | None:
    try:
        return record.parse(seal.split(chain[0])[0]).at_ms if chain else None
    except RecordError:
        return None


def told(read: Callable[[], Any]) -> Any:
    """What is read out of values of which nothing is known yet; Unreadable where they are not what they should be."""
    try:
        return read()
    except Unreadable:
        raise
    except BROKEN as error:
        raise Unreadable(
            f"证据包缺少应有的内容（{error!r}）", f"the pack lacks what it should say ({error!r})"
        ) from error


def _is_compared(name: str) -> bool:
    is_row = name.startswith(("records/", "bills/")) and not name.startswith("bills/raw/")
    return name in _SMALL or is_row


def _refuse(path: Path, zh: str, en: str) -> NoReturn:
    raise Unreadable(f"{path} {zh}", f"{path}: {en}")
