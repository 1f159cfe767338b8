"""Where the clinic's own export and the platform's extract tell the same days otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.audit.facts import Facts
from gateway.audit.rules.found import Figures, Found
from gateway.audit.sources import Both, Difference, differences, settled_fen, total_fen
from gateway.audit.spans import Span
from gateway.money import yuan

_WHAT = {
    "platform": ("平台有、诊所自报没有", "the platform has, the clinic's own export does not"),
    "clinic": (
        "诊所自报有（医保）、平台没有",
        "the clinic's own export has as insured, the platform does not",
    ),
    "other": ("两边次数、金额或项目不同", "both have with another count, amount or item"),
}


def undeclared(facts: Facts, rule: Figures) -> Iterator[Found]:
    """Lines that one source has and the other lacks, or tells otherwise, where the files of both speak of that time."""
    if facts.both is None:
        return
    for each in differences(facts.both, facts.hours):
        is_reported = facts.from_day <= each.day <= facts.to_day and each.item in facts.items
        if is_reported and each.fen >= rule["least_fen"]:
            yield _found(facts, facts.both, each)


def _found(facts: Facts, both: Both, each: Difference) -> Found:
    span = facts.hours.calendar_day(each.day)
    what_zh, what_en = _WHAT[each.kind]
    account_zh, account_en = _account(both, span)
    totals = {
        "clinic": yuan(total_fen(both.clinic, span)),
        "platform": yuan(total_fen(both.platform, span)),
    }
    said: dict[str, object] = {"what_zh": what_zh, "what_en": what_en, **totals}
    said |= {
        "account_zh": account_zh,
        "account_en": account_en,
        "count": each.count,
        "among": len(each.lines),
    }
    return Found(
        identity=("undeclared", facts.hours.config.clinic, each.day, each.item, each.kind),
        day=each.day,
        item=each.item,
        treatments=each.treatments,
        lines={line.line for line in each.lines},
        amount_fen=each.fen,
        said=said,
        parameters={"kind": each.kind},
        witness=[
            *(
                {
                    "source": line.source,
                    "line": line.line,
                    "charged_ms": line.charged_ms,
                    "item": line.item,
                    "treatments": line.treatments,
                    "amount": yuan(line.amount_fen),
                }
                for line in each.lines
            ),
            {**totals, "account": _yuan_or_none(settled_fen(both, span))},
        ],
    )


def _account(both: Both, span: Span) -> tuple[str, str]:
    """What accounts (3202) say of the day's visits, for the sentence; nothing where they say nothing."""
    fen = settled_fen(both, span)
    return ("", "") if fen is None else (f"，对账 {yuan(fen)} 元", f", the account {yuan(fen)}")


def _yuan_or_none(fen: int | None) -> str | None:
    return None if fen is None else yuan(fen)
