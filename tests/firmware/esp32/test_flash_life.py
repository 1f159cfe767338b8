"""Days in which the power fails again and again at any operation: one chain comes out, sealed and without a hole."""

from __future__ import annotations

from itertools import pairwise

import pytest

from protocol import p256, seal
from protocol.chain import NEXT, judge, lengthen
from protocol.record import BOOT, OPEN, SESSION, Record, parse
from tests.support.both import run_micropython

PUBLIC = p256.public_key(bytes(range(1, 33)))


@pytest.mark.parametrize("seed", (1, 2))
def test_days_of_power_cuts_leave_one_sealed_chain_in_which_every_session_is_told_once(seed: int):
    printed = run_micropython(
        f"from tests.firmware.esp32.flash_life import live; live(2, {seed})", heapsize="2m"
    )
    lines = [each[5:] for each in printed.splitlines() if each.startswith("LINE ")]
    records = [parse(seal.check(line, lambda raw, r, s: p256.verify(PUBLIC, raw, r, s))) for line in lines]
    cuts = int(printed.split("CUTS ")[1].split()[0])
    assert chain_holds(records)
    assert cuts > 20 and len([each for each in records if each.kind == BOOT]) > cuts // 2
    kinds = [each.kind for each in records]
    assert kinds.count(OPEN) - kinds.count(SESSION) in (0, 1)
    told = [each for each in records if each.kind == SESSION]
    assert any(each.readings[1].tx == "P" for each in told)
    for before, after in pairwise(told):
        assert before.readings[1].at_ms <= after.readings[0].at_ms


def chain_holds(records: list[Record]) -> bool:
    head = None
    for each in records:
        if judge(head, each) != NEXT:
            return False
        head = lengthen(head, each)
    return records[0].us == 1
