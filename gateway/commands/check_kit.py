"""`wattwitness check PACK.zip --kit DIR`: the pack held against what the district kept, on site and without any network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gateway.commands.output import printable, say
from gateway.errors import UsageError
from gateway.kit import key, onsite
from gateway.kit.held import Kit, open_kit
from gateway.kit.onsite import Result
from gateway.kit.shown import Unreadable

_OPTIONS = (
    click.option(
        "--cable",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="用数据线从单元读出的记录，可给多次 · records read out of a unit by cable; may be given again",
    ),
    click.option(
        "--district-key",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="自己带来的区里公钥 · the district's public key that you brought",
    ),
    click.option(
        "--kit",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="检查包：与区里的留存核对 · hold the pack against the district's kit",
    ),
)


@dataclass(frozen=True, slots=True)
class WithKit:
    """What was asked for of a kit, which was verified before anything else was looked at."""

    kit: Kit
    cable: Sequence[Path]

    def keys(self, inventory: Callable[[], Any]) -> dict[str, str]:
        """Unit -> key by which a pack's records are judged: the district's, or the pack's own of units that the district does not
        know, which are then named."""
        try:
            own = {row["unit"]: row["key"] for row in inventory()["units"]}
        except (KeyError, TypeError, ValueError):
            own = {}
        return {**own, **self.kit.keys}

    def against(self, pack: Path) -> Result:
        """The pack held against the kit; that it could not be is a finding."""
        try:
            return onsite.against(self.kit, pack, self.cable)
        except Unreadable as error:
            return onsite.not_compared(self.kit, error.zh, error.en)


def with_kit(command: Callable[..., int]) -> Callable[..., int]:
    """Gives a command the options of a kit, as one argument `with_kit`: None where no kit was named."""

    @wraps(command)
    def run(
        *args: Any, kit: Path | None, district_key: Path | None, cable: Sequence[Path], **options: Any
    ) -> int:
        return command(*args, with_kit=_asked(kit, district_key, cable), **options)

    for option in _OPTIONS:
        run = option(run)
    return run


def tell(result: Result) -> None:
    """For people: each finding and note on a line, the control totals, and whose key it was."""
    for each in (*result.findings, *result.notes):
        click.echo(printable(f"{each.code:18} {each.where}  {each.zh} · {each.en}"))
    for total in result.document()["totals"]:
        say(
            f"{total['source']}：{total['lines']} 行 {total['amount']} 元",
            f"{total['source']}: {total['lines']} lines, {total['amount']} yuan",
        )
    if result.refused:
        say(
            f"读出的记录中有 {result.refused} 条签名不符，未计",
            f"{result.refused} of the lines read by cable bear no good seal and do not count",
        )
    say(
        f"与区里的留存相比：发现 {len(result.findings)} 处，说明 {len(result.notes)} 处",
        f"against what the district kept: {len(result.findings)} findings, {len(result.notes)} notes",
    )
    if not result.authentic:
        say(
            "未给 --district-key：检查包只证明自己前后一致",
            "no --district-key: the kit's own key shows consistency only",
        )


def _asked(kit: Path | None, district_key: Path | None, cable: Sequence[Path]) -> WithKit | None:
    if kit is None:
        if district_key is not None or cable:
            raise UsageError(
                "--district-key 和 --cable 要与 --kit 一起用", "--district-key and --cable go with --kit"
            )
        return None
    brought = None if district_key is None else key.read_public(district_key)
    return WithKit(open_kit(kit, brought), cable)
