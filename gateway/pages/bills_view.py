"""Bill files in words: what was understood and refused of one that was sent, what became of it, and which there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from gateway.audit.understood import Understood
from gateway.config import Config
from gateway.instants import local_day
from gateway.ledger import bills, trail
from gateway.ledger.bills import IMPORTED, KeptFile
from gateway.pages.bills_spool import Sent
from gateway.pages.phrases import Wording

FORMATS = ("auto", "2204", "fee-list", "his-xlsx", "3202", "mapped")
RECONCILED = "reconcile"
"""What the trail calls it that a person had days reconciled."""

_REFUSED = 200  # rows shown; nobody reads more, and the file says which they are
_UNMAPPED = 100
_LONGEST = 120  # characters of a cell


@dataclass(frozen=True, slots=True)
class Preview:
    """A file as it was understood, in words. Each row of a table is a list of cells."""

    name: str
    sha256: str
    form: str
    source: str
    size: str
    days: str
    amount: str
    lines: int
    new: int
    repeated: int
    reversed: int
    reduced: int
    is_takeable: bool
    sums: Sequence[Sequence[object]]
    first: Sequence[Sequence[object]]
    refused: Sequence[Sequence[object]]
    refused_count: int
    unmapped: Sequence[Sequence[object]]
    others: int
    notes: Sequence[str]
    control: Sequence[str]

    @property
    def is_known(self) -> bool:
        """Whether to import it would change nothing."""
        return self.repeated > 0 and not (self.new or self.reversed or self.reduced)


def preview(found: Understood, sent: Sent, config: Config, lang: str) -> Preview:
    """What is shown before anything is kept."""
    words = Wording(lang, config.zone)
    doubtful = [each for each in found.unmapped if each.candidates]
    return Preview(
        name=sent.name,
        sha256=found.sha256,
        form=found.format,
        source=sent.source,
        size=_size(len(sent.body)),
        days=_days(found.from_ms, found.to_ms, words),
        amount=words.yuan(found.amount_fen),
        lines=found.lines,
        new=found.new,
        repeated=found.repeated,
        reversed=found.reversed,
        reduced=found.reduced,
        is_takeable=found.is_takeable,
        sums=_sums(found, words),
        first=_first(found, words),
        refused=[_refused(each, lang) for each in found.refused[:_REFUSED]],
        refused_count=len(found.refused),
        unmapped=[
            [_cut(each.code), _cut(each.name), each.lines, ", ".join(map(str, each.candidates))]
            for each in doubtful[:_UNMAPPED]
        ],
        others=sum(each.lines for each in found.unmapped if not each.candidates),
        notes=[en if lang == "en" else zh for zh, en in found.notes],
        control=_control(found, words),
    )


def _sums(found: Understood, words: Wording) -> list[list[object]]:
    rows: list[list[object]] = []
    for each in found.sums:
        item = each.item
        name = words.say("bills.no_item") if item is None else item.en if words.lang == "en" else item.zh
        number = item.number if item else ""
        rows.append([number, name, each.lines, each.refunds, each.treatments, words.yuan(each.amount_fen)])
    return rows


def _first(found: Understood, words: Wording) -> list[list[object]]:
    return [
        [
            words.instant(each.charged_ms),
            _cut(each.visit),
            each.item or "—",
            _cut(each.name or each.code),
            each.count,
            each.treatments,
            words.yuan(each.amount_fen),
            _cut(each.room),
            _cut(each.staff),
        ]
        for each in found.first
    ]


def _refused(each: Any, lang: str) -> list[object]:
    return [each.row, _cut(each.column), _cut(each.value), each.en if lang == "en" else each.zh]


def _control(found: Understood, words: Wording) -> list[str]:
    """What a file of settlements adds up to, beside the lines that are in the book."""
    told = found.control
    if told is None:
        return []
    said = [
        words.say(
            "bills.control",
            settlements=told.settlements,
            refunded=told.refunded,
            unpaired=told.unpaired,
            amount=words.yuan(told.amount_fen),
        )
    ]
    for each in told.sources:
        source, counts = words.say(f"bills.source.{each.source}"), (each.agree, each.differ, each.absent)
        agree, differ, absent = (each if isinstance(each, int) else len(each) for each in counts)
        said.append(
            words.say("bills.control_source", source=source, agree=agree, differ=differ, absent=absent)
        )
    return said


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a file: `first` and `last` are its days as YYYY-MM-DD, empty where it tells no line; `reconciled` what
    was found of exactly these days since."""

    sha256: str
    name: str
    who: str
    at: str
    source: str
    counts: Mapping[str, Any]
    first: str
    last: str
    reconciled: str


def receipt(db: Database, config: Config, lang: str, sha256: str) -> Receipt | None:
    """As the trail tells of the newest import of that file by a person; None where it tells of none."""
    told = [each for each in trail.entries(db, subject=f"bills:{sha256}") if each.act == IMPORTED]
    if not told:
        return None
    entry, words = told[-1], Wording(lang, config.zone)
    body = entry.body
    first, last = (_day(body.get(each), config) for each in ("first_ms", "last_ms"))
    return Receipt(
        sha256=sha256,
        name=body["name"],
        who=entry.who,
        at=words.instant(entry.at_ms),
        source=body["source"],
        counts=body,
        first=first,
        last=last,
        reconciled=_reconciled(db, words, first, last, body["source"], entry.entry),
    )


def _reconciled(db: Database, words: Wording, first: str, last: str, source: str, after: int) -> str:
    told = [
        each
        for each in trail.entries(db, after=after, subject=f"days:{first}..{last}")
        if each.act == RECONCILED and each.body["source"] == source
    ]
    if not told:
        return ""
    body = told[-1].body
    counts = words.counts((code, n) for code, n in body["summary"].items() if n)
    said = counts or words.say("bills.no_treatments")
    return words.say("bills.reconciled", counts=said, leads=body["leads"], at=words.instant(told[-1].at_ms))


def files(db: Database, config: Config, lang: str, most: int) -> list[dict[str, object]]:
    """The files that were imported last, with who did it where that was a person at a page."""
    words = Wording(lang, config.zone)
    return [
        {
            "name": each.name,
            "sha256": each.sha256,
            "source": words.say(f"bills.source.{each.source}"),
            "format": each.format,
            "at": words.instant(each.imported_ms),
            "who": _who(db, each, words),
            "lines": each.lines,
            "days": _days(each.first_ms, each.last_ms, words),
            "size": _size(each.size),
        }
        for each in bills.files(db, config.clinic, most)
    ]


def _who(db: Database, file: KeptFile, words: Wording) -> str:
    noted = trail.entries(db, subject=f"bills:{file.sha256}")
    told = [each.who for each in noted if each.act == IMPORTED and each.body["source"] == file.source]
    return told[0] if told else words.say("bills.by_program")


def _day(at_ms: int | None, config: Config) -> str:
    return "" if at_ms is None else local_day(at_ms, config.zone).isoformat()


def _days(first_ms: int | None, last_ms: int | None, words: Wording) -> str:
    if first_ms is None or last_ms is None:
        return "—"
    first, last = (local_day(each, words.zone).isoformat() for each in (first_ms, last_ms))
    return first if first == last else words.say("bills.from_to", first=first, last=last)


def _size(count: int) -> str:
    return f"{count / 1_048_576:.1f} MB" if count >= 1_048_576 else f"{count / 1024:.1f} KB"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
