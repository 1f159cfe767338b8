"""What a clinic's pack shows, held against what the district held when the kit was made. Pure.

A finding says what is withheld or other, never why: who reads it asks. A note says what differs and is in order as far as
can be seen, above all what the clinic has and the district does not have yet because the line was down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.kit.runs import Run, runs, without
from gateway.ledger.trail import Head

Digests = Mapping[int, str]
"""US -> digest of the record."""

_SENTENCES = {
    "unit_hidden": (
        "区里登记的单元 {unit}，包内没有",
        "the district knows the unit {unit}; the pack does not have it",
    ),
    "key_differs": (
        "单元 {unit} 的公钥与区里登记的不同",
        "the key of {unit} is not the one that the district registered",
    ),
    "approval_untrue": (
        "包内称区里认可单元 {unit} 的公钥，区里没有认可",
        "the pack says that the district vouches for the key of {unit}; it does not",
    ),
    "withheld": (
        "单元 {unit} 的第 {spans} 条区里有，包内没有",
        "the district holds records {spans} of {unit}; the pack lacks them",
    ),
    "head_contradicted": (
        "单元 {unit} 的第 {us} 条，包内的与区里留存的不是同一条：此前的链被改写过",
        "record {us} of {unit} in the pack is not the one that the district holds: the chain before it was written anew",
    ),
    "fork_hidden": (
        "单元 {unit} 自第 {us} 条起有两份历史，区里知道，包内没有说",
        "from record {us} on {unit} has two histories; the district knows it, the pack does not say so",
    ),
    "held_back": (
        "单元 {unit} 的第 {spans} 条没有转给区里，而网关更晚收到的 {other} 的记录转了",
        "records {spans} of {unit} were not sent to the district, but records of {other} that the gateway got later were",
    ),
    "cable_withheld": (
        "单元 {unit} 里读出第 {spans} 条，包内没有",
        "records {spans} were read out of {unit} by cable; the pack lacks them",
    ),
    "cable_contradicts": (
        "单元 {unit} 里读出的第 {us} 条与包内的不同",
        "record {us} as read out of {unit} by cable is not the one in the pack",
    ),
    "trail_contradicted": (
        "操作记录第 {entry} 条与机构曾报给区里的不同，或已不在（共 {count} 处）",
        "entry {entry} of the trail is not the one that the clinic told the district, or is gone ({count} such entries)",
    ),
    "trail_rewritten": (
        "区里先后听到的操作记录末端互相矛盾：它变短或被改写过",
        "the ends of the trail that the district was told contradict each other: it grew shorter or was written anew",
    ),
    "not_compared": ("没有与区里的留存比较：{zh}", "not held against what the district kept: {en}"),
    "pack_older": (
        "证据包做于 {made}，区里此后（{heard}）还听到过网关：请当场重做一份；此后的记录和操作没有比较",
        "the pack was made at {made}, and the district heard the gateway after that ({heard}): have a new one made on site; what"
        " came after was not compared",
    ),
    "unit_silent": (
        "区里登记了单元 {unit}，从未听到它，包内也没有",
        "the district registered the unit {unit} and never heard it; the pack does not have it",
    ),
    "unit_unknown": (
        "单元 {unit} 只由机构登记，区里没有登记（B 级）",
        "the unit {unit} was enrolled by the clinic alone, not by the district (grade B)",
    ),
    "not_yet_sent": (
        "单元 {unit} 的第 {spans} 条区里还没有：区里最后听到网关是 {heard}，按网关的收件时间这些记录是此后到的",
        "the district does not have records {spans} of {unit} yet: it last heard the gateway at {heard}, and by the gateway's"
        " own receipts they came after that",
    ),
    "sent_in_part": (
        "单元 {unit} 的第 {spans} 条区里还没有，虽然区里在 {heard} 还听到过网关：可能正在补送，请稍后再看区里",
        "the district does not have records {spans} of {unit} yet, though it heard the gateway at {heard}: perhaps it was still"
        " sending; look again at the district later",
    ),
}  # fmt: skip
_NOTES = ("unit_silent", "unit_unknown", "not_yet_sent", "sent_in_part")
CODES = tuple(_SENTENCES)
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is named. `where` is a unit, a trail entry or a bill line; `is_note`: in order, as far as can be seen."""

    code: str
    where: str
    zh: str
    en: str
    is_note: bool = False

    def document(self) -> dict[str, object]:
        """As `check --kit --json` prints it."""
        return {"code": self.code, "where": self.where, "zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class HeldUnit:
    """A unit as the district knows it: its key, and which records it holds. `digest` is that of record `us`, the end of its
    chain; `held` are the numbers that it holds, in the chain or not. Without records `us` is 0."""

    key: str
    approved_ms: int | None
    retired_ms: int | None
    us: int = 0
    digest: str = ""
    forked_us: int | None = None
    held: Sequence[Run] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What the district held. `heard_ms` is when it last heard the clinic's gateway, 0 for never."""

    units: Mapping[str, HeldUnit]
    heard_ms: int = 0


@dataclass(frozen=True, slots=True)
class ShownUnit:
    """A unit as a pack shows it: digests of its chain, numbers of what is kept aside, when the gateway got each record, and
    the instant of the first one (None where it tells none)."""

    key: str
    approved_ms: int | None
    chain: Digests = field(default_factory=dict)
    aside: frozenset[int] = frozenset()
    received_ms: Mapping[int, int] = field(default_factory=dict)
    forked_us: int | None = None
    first_ms: int | None = None

    @property
    def there(self) -> list[Run]:
        """The numbers that are there, in the chain or aside."""
        return runs({*self.chain, *self.aside})


@dataclass(frozen=True, slots=True)
class Shown:
    """What a pack shows. `begins_ms` is when its period begins, `made_ms` when it was made by the gateway's clock."""

    units: Mapping[str, ShownUnit]
    begins_ms: int = 0
    made_ms: int = 1 << 62


@dataclass(frozen=True, slots=True)
class Trails:
    """What became of the trail: the ends that the clinic told the district and that its pack does not have, the last entry that
    the pack has, and whether what was told contradicts itself."""

    lost: Sequence[Head] = ()
    last: int = 0
    rewritten: bool = False


def compare(
    held: Held,
    shown: Shown,
    trails: Trails,
    words: Callable[[int], str],
    by_cable: Mapping[str, Digests] | None = None,
) -> list[Finding]:
    """Every difference of units, chains and trail, findings before notes. `words` writes an instant for people; `by_cable` is
    what was read out of units on site, of sealed records alone."""
    found: list[Finding] = []
    if shown.made_ms < held.heard_ms:
        values = {"made": words(shown.made_ms), "heard": words(held.heard_ms)}
        found.append(finding("pack_older", "pack", **values))
    for unit, known in held.units.items():
        found += _unit(unit, known, shown, shown.made_ms < held.heard_ms)
    for unit in shown.units.keys() - held.units.keys():
        claimed = shown.units[unit].approved_ms is not None
        found.append(finding("approval_untrue" if claimed else "unit_unknown", unit, unit=unit))
    found += _unsent(held, shown, words(held.heard_ms))
    for unit, read in (by_cable or {}).items():
        found += _cable(unit, read, shown.units.get(unit))
    return in_order([*found, *_trail(trails, shown.made_ms < held.heard_ms)])


def finding(code: str, where: str, **values: object) -> Finding:
    """The finding `code` with its sentences."""
    zh, en = _SENTENCES[code]
    return Finding(code, where, zh.format(**values), en.format(**values), code in _NOTES)


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Findings before notes, each by code and where."""
    return sorted(found, key=lambda each: (each.is_note, each.code, each.where))


def told(spans: Sequence[Run]) -> str:
    """Numbers as people read them: `3, 7-9`; of very many runs the first ones, the last number, and how many there are."""
    shown = ", ".join(
        str(first) if first == last else f"{first}-{last}" for first, last in spans[:_MOST_RUNS]
    )
    if len(spans) <= _MOST_RUNS:
        return shown
    return f"{shown} … {spans[-1][1]} ({sum(last - first + 1 for first, last in spans)})"


def _unit(unit: str, known: HeldUnit, shown: Shown, is_older: bool) -> list[Finding]:
    there = shown.units.get(unit)
    if there is None:
        gone = known.retired_ms is not None and known.retired_ms < shown.begins_ms
        return [] if gone else [finding("unit_hidden" if known.held else "unit_silent", unit, unit=unit)]
    found = []
    if bytes.fromhex(there.key) != bytes.fromhex(known.key):
        found.append(finding("key_differs", unit, unit=unit))
    elif there.approved_ms is not None and known.approved_ms is None:
        found.append(finding("approval_untrue", unit, unit=unit))
    lacking = _lacking(known, there, shown.begins_ms, is_older)
    if lacking:
        found.append(finding("withheld", unit, unit=unit, spans=told(lacking)))
    if there.chain.get(known.us, known.digest) != known.digest:
        found.append(finding("head_contradicted", f"{unit}:{known.us}", unit=unit, us=known.us))
    if known.forked_us is not None and there.forked_us is None:
        found.append(finding("fork_hidden", f"{unit}:{known.forked_us}", unit=unit, us=known.forked_us))
    return found


def _lacking(known: HeldUnit, there: ShownUnit, begins_ms: int, is_older: bool) -> list[Run]:
    """Held and not shown. What is older than the pack's first record may be left out, if that is older than its period; what is
    younger than its last one, if the pack is older than what was heard."""
    shown_runs = there.there
    least = shown_runs[0][0] if shown_runs else 0
    if there.first_ms is None or there.first_ms > begins_ms:
        least = 0
    most = shown_runs[-1][1] if is_older and shown_runs else 1 << 62
    cut = [(max(first, least), min(last, most)) for first, last in without(known.held, shown_runs)]
    return [(first, last) for first, last in cut if first <= last]


def _unsent(held: Held, shown: Shown, heard: str) -> list[Finding]:
    """Records that the pack has beyond what the district holds, of chains that go on from there."""
    latest = {
        unit: shown.units[unit].received_ms[known.us]
        for unit, known in held.units.items()
        if unit in shown.units and known.us in shown.units[unit].received_ms
    }
    found = []
    for unit, known in held.units.items():
        there = shown.units.get(unit)
        if there is None or there.chain.get(known.us, known.digest) != known.digest:
            continue
        end = max([known.us, *(last for _, last in known.held)])
        beyond = [us for us in there.chain if us > end]
        if beyond:
            found.append(_unsent_of(unit, beyond, there.received_ms, latest, held.heard_ms, heard))
    return found


def _unsent_of(
    unit: str,
    beyond: Sequence[int],
    received_ms: Mapping[int, int],
    latest: Mapping[str, int],
    heard_ms: int,
    heard: str,
) -> Finding:
    """Records go to the district in the order in which they came: what came before something that was sent was left out."""
    other = max((name for name in latest if name != unit), key=lambda name: latest[name], default=unit)
    skipped = (
        [us for us in beyond if received_ms.get(us, heard_ms) < latest.get(other, 0)] if other != unit else []
    )
    if skipped:
        return finding("held_back", unit, unit=unit, spans=told(runs(skipped)), other=other)
    code = "not_yet_sent" if all(received_ms.get(us, 0) >= heard_ms for us in beyond) else "sent_in_part"
    return finding(code, unit, unit=unit, spans=told(runs(beyond)), heard=heard)


def _cable(unit: str, read: Digests, there: ShownUnit | None) -> list[Finding]:
    shown = {} if there is None else there.chain
    aside = frozenset() if there is None else there.aside
    lacking = runs(us for us in read if us > min(shown, default=0) and us not in shown and us not in aside)
    found = [finding("cable_withheld", unit, unit=unit, spans=told(lacking))] if lacking else []
    other = [us for us in sorted(read) if us in shown and shown[us] != read[us]]
    return [*found, *(finding("cable_contradicts", f"{unit}:{us}", unit=unit, us=us) for us in other[:1])]


def _trail(trails: Trails, is_older: bool) -> list[Finding]:
    """Of a pack that is older than what was heard, ends beyond its own may have come later."""
    lost = [each for each in trails.lost if each.entry <= trails.last or not is_older]
    found = []
    if lost:
        entry = min(each.entry for each in lost)
        found.append(finding("trail_contradicted", f"trail:{entry}", entry=entry, count=len(lost)))
    if trails.rewritten:
        found.append(finding("trail_rewritten", "trail"))
    return found
