"""Money as it is written."""

from __future__ import annotations

import pytest

from gateway.money import yuan


@pytest.mark.parametrize(
    ("fen", "written"), [(0, "0.00"), (5, "0.05"), (1250, "12.50"), (-5, "-0.05"), (-1250, "-12.50")]
)
def test_money_is_written_with_two_decimals_and_its_sign(fen, written):
    assert yuan(fen) == written
