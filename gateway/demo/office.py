"""The clinic's office, and the district's, after the planned day: bills, closing, leads, refund, report. Each step is a
command of the gateway, run to its end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.demo import bills, plan
from gateway.demo.stage import Stage

Json = dict[str, Any]

MANAGER, INSPECTOR = "M01", "Q01"
KINDS = ("pdf", "xlsx")  # of the report
LATER = plan.DAY + timedelta(days=8, hours=9)
_DAY = f"{plan.DAY:%Y-%m-%d}"


class Office:
    """Who keeps the clinic's book, and the district's."""

    def __init__(self, stage: Stage):
        self._stage = stage

    def bills(self) -> tuple[Json, Json]:
        """The clinic's own export and the platform's extract come in."""
        folder = self._stage.folder
        ours = self._clinic("import-bills", str(folder / "bills.json"), "--format", "2204")
        extract = ("import-bills", str(folder / "platform.json"), "--format", "2204", "--source", "platform")
        return ours, self._clinic(*extract)

    def close(self) -> Json:
        """The day is closed, or closed anew where something came since."""
        return self._clinic("close", _DAY, "--by", MANAGER)

    def reconcile(self) -> Json:
        """What can be said of the day."""
        return self._clinic("reconcile", "--from", _DAY, "--to", _DAY)

    def answer(self, lead: str) -> None:
        """The clinic answers a lead; what it makes of it itself stays internal."""
        text = "核对了登记本：部分是多录 · checked against our own book: some were entered twice"
        self._clinic("lead", "answer", lead, "--by", MANAGER, "--text", text)
        why = "录入有误 · entered wrongly"
        self._clinic(
            "lead", "review", lead, "--outcome", "entry_or_coding_error", "--by", MANAGER, "--why", why
        )

    def decide(self, lead: str, yuan: str) -> None:
        """The answer goes to the district as a file, and the district's outcome comes back as one."""
        told, decided = (self._stage.folder / f"leads-{side}.json" for side in ("clinic", "district"))
        self._clinic("lead", "export", "--out", str(told))
        self._district("lead", "import", str(told), "--by", INSPECTOR)
        why = "登记本不足以说明 · the book does not explain it"
        said = ("--outcome", "confirmed", "--by", INSPECTOR, "--why", why, "--deducted", yuan)
        self._district("lead", "review", lead, *said)
        self._district("lead", "export", "--out", str(decided))
        self._clinic("lead", "import", str(decided), "--by", MANAGER)

    def refund(self) -> None:
        """What was not done is refunded after all; the platform hears of it too."""
        path = self._stage.folder / "refund.json"
        path.write_text(
            bills.text([bills.refunded(each.charge.visit, LATER) for each in self._stage.day.owed]), "utf-8"
        )
        for source in ("clinic", "platform"):
            self._clinic("import-bills", str(path), "--format", "2204", "--source", source)

    def attended(self) -> list[Json]:
        """What the nurse recorded, as it stands."""
        entries: list[Json] = self._clinic("attended", "list")["entries"]
        return entries

    def leads(self) -> dict[str, Json]:
        """How each lead stands at the clinic, by its name."""
        said = self._stage.wattwitness("--dir", str(self._stage.clinic), "leads", "--json", codes=(0, 1))
        return {lead["id"]: lead["review"] for lead in json.loads(said)}

    def report(self) -> list[Path]:
        """The day's report, as far as it can be written: a PDF needs a Chinese font."""
        files = [self._stage.folder / f"report-{_DAY}.{kind}" for kind in KINDS]
        with ThreadPoolExecutor() as both:
            list(both.map(self._write, files))
        return [path for path in files if path.exists()]

    def platform_told(self, path: Path) -> None:
        """The district has an extract of the platform's too."""
        told = ("--format", "2204", "--source", "platform", "--clinic", plan.CLINIC)
        self._district("import-bills", str(path), *told)

    def kit(self, out: Path, *period: str) -> None:
        """What inspectors take along."""
        self._district("kit", "--clinic", plan.CLINIC, *period, "--out", str(out), "--by", INSPECTOR)

    def pack(self, out: Path, *period: str) -> None:
        """What the clinic hands over."""
        self._clinic("pack", *period, "--out", str(out))

    def compared(self, pack: Path, kit: Path) -> list[Json]:
        """Where a pack is not as the district's kit knows."""
        said = self._stage.wattwitness("check", str(pack), "--kit", str(kit), "--json", codes=(0, 1))
        findings: list[Json] = json.loads(said)["kit"]["findings"]
        return findings

    def _write(self, path: Path) -> None:
        asked = ("report", "--from", _DAY, "--to", _DAY, "--out", str(path))
        self._stage.wattwitness("--dir", str(self._stage.clinic), *asked, codes=(0, 3))

    def _clinic(self, *arguments: str) -> Json:
        return self._said(self._stage.clinic, arguments)

    def _district(self, *arguments: str) -> Json:
        return self._said(self._stage.district, arguments)

    def _said(self, folder: Path, arguments: tuple[str, ...]) -> Json:
        said: Json = json.loads(
            self._stage.wattwitness("--dir", str(folder), *arguments, "--json", codes=(0, 1))
        )
        return said
