"""The figures that docs/verdicts.md tells of each rule are those of rules.toml."""

from __future__ import annotations

import re

import pytest

from gateway.audit.figures import default_rules
from tests.support.tools import CHECKOUT

ROWS = dict(
    re.findall(r"^\| `(\w+)` \| (.+) \|$", (CHECKOUT / "docs/verdicts.md").read_text("utf-8"), re.MULTILINE)
)
HOUR, MINUTE = 3600, 60


@pytest.mark.parametrize(
    "rule, figure, per, zh",
    [
        ("burst", "least_lines", 1, "{} 笔以上"),
        ("dark", "least_s", MINUTE, "连续 {} 分钟以上"),
        ("frequency", "deviations", 1, "中位数加 {} 个"),
        ("frequency", "least_persons", 1, "至少 {} 人"),
        ("frequency", "least_days", 1, "{} 天才说"),
        ("staff_time", "day_s", HOUR, "超过 {} 小时"),
        ("identical", "least_persons", 1, "{} 人以上"),
        ("undone", "days", 1, "{} 天后"),
        ("clockwork", "within_s", 1, "{} 秒内"),
        ("long_burn", "margin_s", MINUTE, "加 {} 分钟"),
    ],
)
def test_figures_in_digits(rule: str, figure: str, per: int, zh: str):
    assert zh.format(f"{default_rules()[rule][figure] / per:g}") in ROWS[rule]


@pytest.mark.parametrize(
    "rule, figure, value, zh, en",
    [
        ("burst", "within_s", 1800, "半小时内", "half an hour"),
        ("burst", "near_s", 3600, "前后一小时", "an hour before and after"),
        ("burst", "covered_share", 0.5, "不到一半", "less than half"),
        ("overlong", "times", 3, "最长时间的三倍", "three times"),
        ("overlong", "least_s", 10800, "超过三小时", "three hours"),
        ("clockwork", "least_days", 5, "至少五天", "five days"),
        ("long_burn", "areas", 3, "一位病人三区", "an ordinary length"),
        ("quantity", "most_of_family", 2, "三种以上推拿", "three tuina items or more"),
        ("dark", "times", 3.0, "平时的三倍", "three times as many"),
    ],
)
def test_figures_in_words(rule: str, figure: str, value: float, zh: str, en: str):
    assert default_rules()[rule][figure] == value
    assert zh in ROWS[rule] and en in ROWS[rule]
