"""An unannounced check, after the planned day: the district makes its kit, the clinic hands over a pack, and an empty folder
with nothing of ours in it says what holds. Each step is a command, run to its end."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from gateway.demo import plan
from gateway.demo.office import Json, Office
from gateway.demo.stage import Stage

_PERIOD = ("--from", f"{plan.DAY:%Y-%m-%d}", "--to", f"{plan.DAY:%Y-%m-%d}")
_RUN = "runs/clinic.json"
_VERIFY_S = 120


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of the check: whether the pack held, what the kit's comparison found, and the first fault that was named in a
    pack of which one verdict was turned, everything else made to fit."""

    pack: Path
    kit: Path
    holds: bool
    findings: list[Json]
    turned: str


class Visit:
    """Inspectors with a stick."""

    def __init__(self, stage: Stage, office: Office):
        self._folder, self._office = stage.folder, office
        self._pack, self._kit, self._empty = (
            stage.folder / name for name in ("visit.zip", "kit", "elsewhere")
        )

    def make(self, lang: str) -> Seen:
        """The whole check. The verifier is the kit's, in a folder of its own, under a Python that sees no package."""
        for file in ("platform.json", "refund.json"):
            self._office.platform_told(self._folder / file)
        self._office.kit(self._kit, *_PERIOD)
        self._office.pack(self._pack, *_PERIOD)  # after the kit: units go on telling
        with ThreadPoolExecutor() as at_once:
            comparing = at_once.submit(self._office.compared, self._pack, self._kit)
            self._empty.mkdir()
            (self._empty / "verify.py").write_bytes((self._kit / "verify.py").read_bytes())
            turned = self._empty / "turned.zip"
            _turn(self._pack, turned)
            looked_at = at_once.map(lambda pack: self._verified(pack, lang), (self._pack, turned))
            (holds, _), (_, said) = looked_at
            return Seen(self._pack, self._kit, holds, comparing.result(), said.removeprefix("✗ "))

    def _verified(self, pack: Path, lang: str) -> tuple[bool, str]:
        """Whether all of it holds; the first line of what it says."""
        command = [
            sys.executable,
            "-I",
            "-S",
            "verify.py",
            str(pack),
            "--kit",
            str(self._kit),
            "--lang",
            lang,
        ]
        ran = subprocess.run(command, cwd=self._empty, capture_output=True, text=True, encoding="utf-8",
                             env={"PYTHONIOENCODING": "utf-8"}, timeout=_VERIFY_S, check=False)  # fmt: skip
        return ran.returncode == 0, (ran.stdout or ran.stderr).splitlines()[0]


def _turn(pack: Path, out: Path) -> None:
    """The same pack with one doubted verdict said to be supported, its summary and the manifest made to agree."""
    with ZipFile(pack) as held:
        files = {name: held.read(name) for name in held.namelist()}
    run = json.loads(files[_RUN])
    doubted = next(each for each in run["treatments"] if each["verdict"] == "no_device_time")
    run["summary"]["no_device_time"] -= 1
    run["summary"]["supported"] += 1
    doubted |= {"verdict": "supported", "among": []}
    files[_RUN] = json.dumps(run, sort_keys=True, separators=(",", ":")).encode()
    manifest = json.loads(files["manifest.json"])
    for each in manifest["files"]:
        body = files[each["path"]]
        each |= {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    files["manifest.json"] = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    with ZipFile(out, "w") as turned:
        for name, body in files.items():
            turned.writestr(name, body)
