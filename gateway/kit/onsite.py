"""On site, without any network: a kit, a clinic's pack and what was read out of units, held against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gateway.audit.spans import Span
from gateway.errors import UsageError
from gateway.instants import iso
from gateway.intake.verify import Arrival, Enrolled, Verified, verify_all
from gateway.kit import shown
from gateway.kit.compare import Digests, Finding, Trails, compare, finding, in_order
from gateway.kit.compare_bills import Total, compare_bills
from gateway.kit.compare_settings import compare_settings
from gateway.kit.folder import Files
from gateway.kit.held import Kit
from gateway.ledger.trail import Entry, Head, contradicted, contradictory
from gateway.money import yuan


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `authentic`: the kit was verified by a key that was brought; `refused` lines that were read by cable
    bear no good seal."""

    authentic: bool
    findings: Sequence[Finding]
    notes: Sequence[Finding]
    totals: Sequence[Total]
    refused: int

    def document(self) -> dict[str, Any]:
        """As `check --kit --json` prints it."""
        return {
            "key": "brought" if self.authentic else "kit",
            "findings": [each.document() for each in self.findings],
            "notes": [each.document() for each in self.notes],
            "totals": [
                {
                    "source": each.source,
                    "lines": each.lines,
                    "amount": yuan(each.fen),
                }
                for each in self.totals
            ],
            "refused_by_cable": self.refused,
        }


def against(kit: Kit, pack: Path, cable: Sequence[Path] = ()) -> Result:
    """The pack held against the kit. Unreadable where the pack does not say what it should; UsageError where a file that was
    read by cable cannot be had, or pack and kit are of different clinics."""
    return against_files(kit, shown.read(pack), cable)


def against_files(kit: Kit, files: Files, cable: Sequence[Path] = ()) -> Result:
    """As `against`, of a pack's members."""
    if shown.clinic(files) != kit.clinic:
        raise UsageError(
            f"证据包是 {shown.clinic(files)!a} 的，检查包是 {kit.clinic} 的",
            f"the pack is of {shown.clinic(files)!a}, the kit of {kit.clinic}",
        )
    by_cable, refused = _by_cable(cable, kit)
    found, totals = shown.told(lambda: _compared(kit, files, by_cable))
    findings, notes = ([each for each in found if each.is_note is is_note] for is_note in (False, True))
    return Result(kit.authentic, findings, notes, totals, refused)


def not_compared(kit: Kit, zh: str, en: str) -> Result:
    """What comes of a pack that does not say what has to be compared."""
    said = finding("not_compared", "pack", zh=zh, en=en)
    return Result(kit.authentic, [said], [], [], 0)


def _compared(
    kit: Kit, files: Files, by_cable: Mapping[str, Digests]
) -> tuple[Sequence[Finding], Sequence[Total]]:
    trails = trails_of(kit.trail, shown.trail(files))
    words = partial(iso, zone=kit.hours.config.zone)
    of_units = compare(kit.held, shown.shown(files), trails, words, by_cable)
    span = _span(kit, files)
    clinic, platform = (shown.bills(files, source) for source in ("clinic", "platform"))
    of_bills, totals = compare_bills(kit.platform, clinic, platform, kit.hours, span)
    charged = Counter(str(kit.hours.day_of(each.charged_ms)) for each in kit.platform.lines)
    of_settings = compare_settings(kit.settings, shown.settings(files), charged, span)
    return in_order([*of_units, *of_bills, *of_settings]), totals


def trails_of(told: Sequence[Head], entries: Sequence[Entry]) -> Trails:
    """What became of a trail, of which these ends were told and these entries are shown."""
    last = entries[-1].entry if entries else 0
    return Trails(contradicted(list(told), list(entries)), last, contradictory(list(told)))


def _span(kit: Kit, files: Files) -> Span:
    """The days that kit and pack both speak of."""
    begins, ends = shown.days(files)
    span = kit.hours.calendar_day(max(kit.first, begins))[0], kit.hours.calendar_day(min(kit.last, ends))[1]
    return span[0], max(span)


def _by_cable(cable: Sequence[Path], kit: Kit) -> tuple[dict[str, Digests], int]:
    """Unit -> its records in these files, those alone whose seal is good by the district's key; how many are not."""
    registry = {unit: Enrolled(kit.clinic, key) for unit, key in kit.keys.items()}
    found: dict[str, dict[int, str]] = {}
    refused = 0
    for path in cable:
        try:
            lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        except OSError as error:
            raise UsageError(
                f"不能读取 {path}：{error.strerror}", f"cannot read {path}: {error.strerror}"
            ) from error
        for each in verify_all([Arrival(line) for line in lines], registry):
            if isinstance(each, Verified):
                found.setdefault(each.record.unit, {})[each.record.us] = each.record.digest
            else:
                refused += 1
    return dict(found), refused
