"""A bill file of 100,000 lines into the ledger, against reading it with the csv module alone."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.audit import catalogue
from gateway.audit.import_bills import Rules, import_bills
from gateway.audit.patients import Patients
from gateway.ledger import database
from gateway.ledger.bills import Teller
from tests.bench.figures import Figure, alternating, seconds
from tests.support.bills import fee, fee_list

_NOW_MS = 1_775_000_000_000


def figures(scale: float) -> list[Figure]:
    lines = round(100_000 * scale)
    body = fee_list(*(fee(str(each), f"V{each // 3}") for each in range(lines)))
    text = body.decode()

    def read() -> float:
        return seconds(lambda: list(csv.reader(io.StringIO(text), quotechar="'")))

    def take() -> float:
        rules = Rules(catalogue.read(), ZoneInfo("Asia/Shanghai"), Patients(b"k" * 32))
        with tempfile.TemporaryDirectory() as folder, database.create_ledger(Path(folder)) as db:
            return seconds(lambda: import_bills(db, rules, body, "f", Teller("C001", "platform"), _NOW_MS))

    took_s, read_s = alternating(3, take, read)
    target = f"<= {5 * scale:.3g} s"
    return [
        Figure(
            "bill_import", f"导入 {lines} 行收费", f"importing {lines} bill lines", took_s, "s", read_s,
            "csv reading alone", target, took_s <= 5 * scale,
        )
    ]  # fmt: skip
