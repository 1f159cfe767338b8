"""What is said of a bill file that was imported: as JSON, to people, in one line."""

from __future__ import annotations

from typing import Any

from gateway.audit.control import Control
from gateway.audit.import_bills import Imported
from gateway.commands.output import say
from gateway.ledger.accounts import SourceTotal
from gateway.money import yuan

_SHOWN = 20  # refused rows and unmapped codes told to people; --json has all


def exit_code(imported: Imported) -> int:
    """2 where nothing was stored, 1 where something was refused or totals differ, else 0."""
    if imported.file is None:
        return 2
    return 1 if imported.refused or (imported.control and imported.control.found) else 0


def document(imported: Imported, source: str) -> dict[str, Any]:
    """The import as `--json` prints it."""
    return {
        "lines": imported.lines,
        "new": imported.new,
        "repeated": imported.repeated,
        "reversed": imported.reversed,
        "refused": [
            {"row": each.row, "column": each.column, "value": each.value, "why": each.why}
            for each in imported.refused
        ],
        "file_sha256": imported.sha256,
        "stored": imported.file is not None,
        "source": source,
        "format": imported.format,
        "revived": imported.revived,
        "partly_reversed": imported.reduced,
        "mapped": imported.mapped,
        "unmapped": [
            {"code": each.code, "name": each.name, "lines": each.lines, "candidates": list(each.candidates)}
            for each in imported.unmapped
        ],
        "notes": [{"zh": zh, "en": en} for zh, en in imported.notes],
        "control": _control_document(imported.control) if imported.control else None,
        "totals": [total_document(each) for each in imported.totals],
    }


def total_document(each: SourceTotal) -> dict[str, Any]:
    """The control totals of a source, as JSON."""
    return {
        "source": each.source,
        "files": each.files,
        "lines": each.lines,
        "in_force": each.in_force,
        "items": each.items,
        "insured": yuan(each.insured_fen),
        "self_paid": yuan(each.self_paid_fen),
    }


def _control_document(control: Control) -> dict[str, Any]:
    return {
        "settlements": control.settlements,
        "refunded": control.refunded,
        "unpaired": control.unpaired,
        "amount": yuan(control.amount_fen),
        "sources": [
            {
                "source": each.source,
                "agree": each.agree,
                "differ": [
                    {
                        "visit": one.visit,
                        "settlement": one.settlement or None,
                        "told": yuan(one.told_fen),
                        "lines": yuan(one.lines_fen),
                    }
                    for one in each.differ
                ],
                "absent": [
                    {"visit": one.visit, "settlement": one.settlement, "told": yuan(one.amount_fen)}
                    for one in each.absent
                ],
            }
            for each in control.sources
        ],
    }


def tell(imported: Imported) -> None:
    for each in imported.refused[:_SHOWN]:
        where = f"{each.column} = {each.value!r}" if each.column else each.value
        say(f"  第 {each.row} 行 {where}:{each.zh}", f"row {each.row}: {each.en}")
    _tell_more(len(imported.refused))
    for zh, en in imported.notes:
        say(zh, en)
    if imported.file is None:
        say(
            f"拒绝 {len(imported.refused)} 行,整份未入账:请改正,或用 --accept-partial 收下其余各行",
            f"{len(imported.refused)} rows refused, nothing was stored: correct them, or --accept-partial takes the rest",
        )
        return
    if imported.control:
        _tell_control(imported.control)
        return
    _tell_unmapped(imported)
    say(
        f"{imported.lines} 行:新 {imported.new},重复 {imported.repeated},冲销 {imported.reversed},"
        f"部分冲销 {imported.reduced},拒绝 {len(imported.refused)}",
        f"{imported.lines} lines: {imported.new} new, {imported.repeated} repeated, {imported.reversed} reversed,"
        f" {imported.reduced} in part, {len(imported.refused)} refused",
    )
    _tell_totals(imported)


def _tell_totals(imported: Imported) -> None:
    """What each source tells of the days of this file, where there are two to compare."""
    for each in imported.totals if len(imported.totals) > 1 else ():
        insured, self_paid = yuan(each.insured_fen), yuan(each.self_paid_fen)
        say(
            f"  这些天 {each.source} 合计:有效 {each.in_force} 行,医保或未注明 {insured} 元,自费 {self_paid} 元",
            f"{each.source} on these days: {each.in_force} lines in force, insured or not told {insured} yuan, self-paid"
            f" {self_paid}",
        )


def _tell_unmapped(imported: Imported) -> None:
    """Codes that may be items of the catalogue; what is none of them is only counted."""
    doubtful = [each for each in imported.unmapped if each.candidates]
    for each in doubtful[:_SHOWN]:
        numbers = ", ".join(map(str, each.candidates))
        called = f"{each.code!r} {each.name!r}"
        say(
            f"  {called} 可能是目录第 {numbers} 项:请用 catalogue map 或 --mapping 的 [items] 写明",
            f"could be item {numbers}: say which",
        )
    _tell_more(len(doubtful))
    others = sum(each.lines for each in imported.unmapped if not each.candidates)
    if others:
        say(f"{others} 行不在目录内,照存", f"{others} lines are no item of the catalogue, kept all the same")


def _tell_control(control: Control) -> None:
    """The totals of a file of settlements, and what does not fit them. They change no line."""
    say(
        f"{control.settlements} 笔结算,另有退费 {control.refunded} 对、缺正数行的退费 {control.unpaired} 笔,"
        f"合计 {yuan(control.amount_fen)} 元;收费行不因此改变",
        f"{control.settlements} settlements, {control.refunded} refunded in pairs, {control.unpaired} refunds without"
        f" their settlement, {yuan(control.amount_fen)} yuan in all; no line changes by it",
    )
    for each in control.sources:
        say(
            f"  与 {each.source} 的收费行:相符 {each.agree},不符 {len(each.differ)},没有收费行 {len(each.absent)}",
            f"lines of {each.source}: {each.agree} agree, {len(each.differ)} differ, {len(each.absent)} have none",
        )
        for one in each.differ[:_SHOWN]:
            of = one.settlement or "—"
            told, lines = yuan(one.told_fen), yuan(one.lines_fen)
            say(
                f"  就诊 {one.visit} 结算 {of}:对账 {told} 元,收费行 {lines} 元",
                f"account {told}, lines {lines}",
            )
        _tell_more(len(each.differ))


def tell_in_a_line(name: str, imported: Imported) -> None:
    """What became of a watched file, in one line."""
    if imported.file is None:
        first = imported.refused[0]
        where = f"{first.column} = {first.value!r}" if first.column else first.value
        say(
            f"{name}:未入账,拒绝 {len(imported.refused)} 行,首先是第 {first.row} 行 {where}:{first.zh}",
            f"nothing was stored, {len(imported.refused)} rows refused, first row {first.row}: {first.en}",
        )
    elif imported.control:
        differ = sum(len(each.differ) + len(each.absent) for each in imported.control.sources)
        say(
            f"{name}:{imported.control.settlements} 笔结算已核对,不符或缺收费行 {differ} 笔",
            f"{imported.control.settlements} settlements compared, {differ} differ or have no line",
        )
    else:
        say(
            f"{name}:{imported.lines} 行,新 {imported.new},重复 {imported.repeated},冲销 {imported.reversed},"
            f"拒绝 {len(imported.refused)}",
            f"{imported.lines} lines, {imported.new} new, {imported.repeated} repeated, {imported.reversed} reversed,"
            f" {len(imported.refused)} refused",
        )


def _tell_more(count: int) -> None:
    if count > _SHOWN:
        say(f"  …… 另有 {count - _SHOWN} 项,见 --json", f"{count - _SHOWN} more, see --json")
