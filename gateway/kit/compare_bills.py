"""The clinic's bills, as its pack shows them, held against the platform's, as the kit has them. Pure.

Which lines are pairs is told by what they say (audit/sources.py); patients are left out, for each ledger hashes them by its own
key. Of days that both speak of a line that one lacks is a finding; what no file of the clinic speaks of is one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.audit import sources
from gateway.audit.hours import Hours
from gateway.audit.sources import Account, Both, Difference, covered
from gateway.audit.spans import Span, intersect
from gateway.kit.compare import Finding
from gateway.ledger.accounts import FileSpan
from gateway.ledger.bills import BillLine
from gateway.money import yuan

_SENTENCES = {
    "bills_missing": (
        "{day} 第 {item} 项：平台有 {count} 行共 {yuan} 元，机构的收费里没有",
        "{day}, item {item}: the platform has {count} lines, {yuan} yuan, that the clinic's bills lack",
    ),
    "bills_extra": (
        "{day} 第 {item} 项：机构有 {count} 行医保收费共 {yuan} 元，平台没有",
        "{day}, item {item}: the clinic has {count} insured lines, {yuan} yuan, that the platform lacks",
    ),
    "bills_other": (
        "{day} 第 {item} 项：{count} 行两边说法不同，相差 {yuan} 元",
        "{day}, item {item}: of {count} lines the two say other things, {yuan} yuan apart",
    ),
    "bills_untold": (
        "{first} 至 {last}：平台有 {count} 行共 {yuan} 元，机构没有任何收费文件说到这些时间",
        "{first} to {last}: the platform has {count} lines, {yuan} yuan, of times that no bill file of the clinic speaks of",
    ),
    "platform_altered": (
        "同一份平台文件里的 {line}，包内与区里的不同",
        "{line}, of the same platform file, is in the pack not as the district has it",
    ),
    "no_platform_bills": (
        "检查包里没有这段时间的平台账单：收费没有比较",
        "the kit has no platform bills of this time: bills were not compared",
    ),
}
_KINDS = {"platform": "bills_missing", "clinic": "bills_extra", "other": "bills_other"}
_NOTES = ("no_platform_bills",)
CODES = tuple(_SENTENCES)


@dataclass(frozen=True, slots=True)
class Bills:
    """The lines of one source, of which spans of time its files speak, and the file (SHA-256) that told each line."""

    lines: Sequence[BillLine]
    files: Sequence[FileSpan]
    told_by: Mapping[str, str]
    known_files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Total:
    """What a source's lines that are in force came to in the time that was compared."""

    source: str
    lines: int
    fen: int


def compare_bills(
    platform: Bills, clinic: Bills, clinics_platform: Bills, hours: Hours, span: Span
) -> tuple[list[Finding], list[Total]]:
    """What differs of [from, until), and the control totals. `clinics_platform` is what the pack says of the platform's bills,
    which a clinic may import too."""
    if not platform.files:
        return [_said("no_platform_bills", "bills")], []
    theirs = _account("platform", platform, hours, span)
    ours = _account("clinic", clinic, hours, span)
    both = Both(ours, theirs)
    found = [_difference(each) for each in sources.differences(both, hours)]
    untold = [each for each in theirs.lines if _counts(each) and not ours.covers(each.charged_ms)]
    if untold:
        found.append(_untold(untold, hours))
    found += _altered(platform, clinics_platform, span)
    return found, [_total(each) for each in (theirs, ours)]


def _account(source: str, told: Bills, hours: Hours, span: Span) -> Account:
    lines = [replace(each, patient="") for each in told.lines if span[0] <= each.charged_ms < span[1]]
    charges = [each for each in lines if not each.count.startswith("-")]
    return Account(source, charges, intersect(covered(told.files, hours), [span]))


def _counts(line: BillLine) -> bool:
    return line.item is not None and line.reversed_by is None and line.treatments > 0


def _difference(each: Difference) -> Finding:
    values = {"day": each.day, "item": each.item, "count": each.count, "yuan": yuan(each.fen)}
    return _said(_KINDS[each.kind], ", ".join(line.line for line in each.lines), **values)


def _untold(lines: Sequence[BillLine], hours: Hours) -> Finding:
    days = sorted({hours.day_of(each.charged_ms) for each in lines})
    fen = sum(each.amount_fen for each in lines)
    values = {"first": days[0], "last": days[-1], "count": len(lines), "yuan": yuan(fen)}
    return _said("bills_untold", "bills", **values)


def _altered(platform: Bills, shown: Bills, span: Span) -> Iterable[Finding]:
    """Lines of files that both have must be the same lines. What later files changed of them is compared only where the clinic
    has all the files that the district has."""
    shared = platform.known_files & shown.known_files
    has_all = platform.known_files <= shown.known_files
    ours, theirs = (_of_files(each, shared, span, has_all) for each in (shown, platform))
    for line in sorted(ours.keys() | theirs.keys()):
        if ours.get(line) != theirs.get(line):
            yield _said("platform_altered", line, line=line)


def _of_files(told: Bills, shared: frozenset[str], span: Span, whole: bool) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for each in told.lines:
        of_catalogue = each.item is not None and span[0] <= each.charged_ms < span[1]
        if of_catalogue and told.told_by.get(each.line) in shared:
            said: tuple[object, ...] = (each.visit, each.code, each.count, each.charged_ms)
            left = (each.settlement, each.amount_fen, each.treatments, each.reversed_by)
            found[each.line] = (*said, *left) if whole else said
    return found


def _total(account: Account) -> Total:
    lines = [each for each in account.lines if _counts(each) and each.insured != 0]
    return Total(account.source, len(lines), sum(each.amount_fen for each in lines))


def _said(code: str, where: str, **values: object) -> Finding:
    zh, en = _SENTENCES[code]
    return Finding(code, where, zh.format(**values), en.format(**values), code in _NOTES)
