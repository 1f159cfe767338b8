"""The tables of docs/simulated-months.md."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.audit.rules import RULES
from tests.simulated.cheating import LIES
from tests.simulated.score import FATES, Score


def of_honest(scores: Sequence[Score], strict: Sequence[Score]) -> str:
    """How many leads fall on honest lines, per rule, summed over the seeds."""
    rows = [
        "| 规则 · rule | 线索 · leads | 涉及的诚实收费行 · honest lines named | 前提都成立时 · where assumptions hold |",
        "|---|--:|--:|--:|",
    ]
    for rule in RULES:
        leads, lines = (
            sum(each.honest[rule] for each in scores),
            sum(each.honest_lines[rule] for each in scores),
        )
        rows.append(f"| `{rule}` | {leads} | {lines} | {sum(each.honest[rule] for each in strict)} |")
    return "\n".join(rows)


def of_verdicts(scores: Sequence[Score], strict: Sequence[Score], cheating: Sequence[Score]) -> str:
    """Treatments per verdict, the share watched, and doubted sets in which nothing is false."""
    rows = [
        "| | 诚实 · honest | 诚实，前提都成立 · honest, assumptions hold | 造假 · cheating |",
        "|---|--:|--:|--:|",
    ]
    kinds = (scores, strict, cheating)
    for code in ("supported", "short", "no_device_time", "unobserved", "not_metered", "reversed"):
        cells = [str(sum(each.treatments[code] for each in group)) for group in kinds]
        rows.append(f"| `{code}` | {' | '.join(cells)} |")
    shares = [
        f"{100 * sum(each.watched[0] for each in group) / sum(each.watched[1] for each in group):.1f} %"
        for group in kinds
    ]
    rows.append(f"| 覆盖率 · watched | {' | '.join(shares)} |")
    innocent = [str(sum(each.innocent for each in group)) for group in kinds]
    rows.append(f"| 没有假项的存疑组 · doubted sets without anything false | {' | '.join(innocent)} |")
    return "\n".join(rows)


def of_lies(scores: Sequence[Score]) -> str:
    """What became of the planted money, per kind: treatments and yuan, summed over the seeds."""
    rows = [
        "| 假项 · lie | 埋入 · planted | 证明缺设备时间 · proven without device time | 只有未监测能解释 · only dark could explain | "
        "线索点到收费行 · named by a lead | 线索点到设备和日子 · lead to device and day | 未发现 · not found |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for lie, (zh, en) in LIES.items():
        rows.append(_row(f"{zh} · {en}", [each.fates.get(lie, {}) for each in scores]))
    together = [fates for each in scores for fates in each.fates.values()]
    rows.append(_row("**合计 · together**", together))
    return "\n".join(rows)


def _row(name: str, fates: Sequence[dict[str, tuple[int, int]]]) -> str:
    cells = [
        (sum(each.get(fate, (0, 0))[0] for each in fates), sum(each.get(fate, (0, 0))[1] for each in fates))
        for fate in FATES
    ]
    planted = sum(count for count, _ in cells), sum(fen for _, fen in cells)
    return f"| {name} | {_cell(*planted)} | {' | '.join(_cell(*cell, planted[1]) for cell in cells)} |"


def _cell(count: int, fen: int, of_fen: int = 0) -> str:
    if not count:
        return "-"
    share = f" ({100 * fen / of_fen:.0f} %)" if of_fen else ""
    return f"{count}: ¥{fen // 100}{share}"


def of_false_leads(scores: Sequence[Score]) -> str:
    """In the cheating months: how many leads of each rule hold something false, and how many do not."""
    rows = ["| 规则 · rule | 线索 · leads | 其中有假 · with something false in it |", "|---|--:|--:|"]
    for rule in RULES:
        leads, honest = sum(each.leads[rule] for each in scores), sum(each.honest[rule] for each in scores)
        rows.append(f"| `{rule}` | {leads} | {leads - honest} |")
    return "\n".join(rows)
