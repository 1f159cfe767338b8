"""What the clinic itself recorded as not done (未做待退), and did not refund: undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from gateway.audit.facts import Facts, Told
from gateway.audit.rules.found import Figures, Found, billed, least_of_lines_fen
from gateway.ledger.bills import BillLine

DAY_MS = 24 * 3600 * 1000


def undone(facts: Facts, rule: Figures) -> Iterator[Found]:
    """A line of which treatments were recorded as not done, that was not refunded `days` after. What was refunded in part, or
    done later after all, does not count. One lead for each line; it goes when the refund comes."""
    told = _told_of(facts)
    for day, line in facts.charged:
        if line.line not in told:
            continue
        said = [each for each in told[line.line] if each.outcome == "undone"]
        late = [each for each in said if facts.now_ms - each.at_ms >= rule["days"] * DAY_MS]
        count = min(
            len(late) - _refunded(facts, line),
            line.treatments - _done(told[line.line]),
            line.treatments,
        )
        if late and count > 0:
            first = min(each.at_ms for each in late)
            yield Found(
                identity=(facts.hours.config.clinic, line.line),
                day=day,
                item=line.item,
                treatments=count,
                lines={line.line},
                amount_fen=least_of_lines_fen([line], count),
                said={"line": line.line, "told": facts.day_of(first), "days": rule["days"]},
                witness=[
                    billed(line),
                    *({"record": each.key, "told_ms": each.at_ms, "staff": each.staff} for each in late),
                ],
            )


def _told_of(facts: Facts) -> dict[str, list[Told]]:
    """What was recorded of each line. A record that names none is of the only line that its visit has of its item."""
    of_visit: dict[tuple[str, int], list[str]] = defaultdict(list)
    for _, line in facts.charged:
        of_visit[line.visit, line.item or 0].append(line.line)
    told: dict[str, list[Told]] = defaultdict(list)
    for each in facts.told:
        alone = of_visit.get((each.visit, each.item), ())
        name = each.line or (alone[0] if len(alone) == 1 else "")
        told[name].append(each)
    return told


def _done(told: Sequence[Told]) -> int:
    return sum(each.outcome == "done" for each in told)


def _refunded(facts: Facts, line: BillLine) -> int:
    """How many treatments of the line partial refunds took back."""
    paid = 1 if facts.item(line).per == "根" else int(Decimal(line.count))
    return max(0, paid - line.treatments)
