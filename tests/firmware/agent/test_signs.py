"""Which sign staff are shown, of what the agent knows."""

from __future__ import annotations

import re

from firmware.agent.panel import SIGNS
from firmware.agent.signs import UNSENT_MS, Signs, seen
from tests.support.both import on_both
from tests.support.tools import CHECKOUT


class Agent:
    """What signs ask of an agent."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.active_ms: int | None = None
        self.unsent = 0


def test_each_sign_is_one_of_the_vocabulary_and_the_gravest_is_shown():
    agent, signs = Agent(), Signs(1_140_000)
    shown = [signs.of(0, agent)]
    agent.unsent = 3
    shown += [signs.of(0, agent), signs.of(UNSENT_MS, agent)]
    agent.active_ms = 1_139_999
    shown.append(signs.of(UNSENT_MS, agent))
    agent.active_ms = 1_140_000
    shown.append(signs.of(UNSENT_MS, agent))
    agent.faults = ["CASE_OPEN"]
    shown.append(signs.of(UNSENT_MS, agent))
    assert shown == ["READY", "READY", "UNSENT", "RUNNING", "REACHED", "FAULT"]
    assert set(shown) < set(SIGNS)


def test_records_that_leave_in_time_are_not_shown_as_unsent():
    agent, signs = Agent(), Signs(0)
    for minute in range(100):
        agent.unsent = minute % 2
        assert signs.of(minute * 60_000, agent) == "READY"


def test_without_a_required_time_none_is_reached():
    agent = Agent()
    agent.active_ms = 10**9
    assert Signs(0).of(0, agent) == "RUNNING"


def test_a_press_of_the_button_clears_what_was_seen_and_not_what_still_is_so():
    assert seen(["CASE_OPEN", "METER_SILENT", "LOAD_MISMATCH", "STORAGE"]) == ["METER_SILENT", "STORAGE"]


def test_the_readmes_table_is_the_vocabulary():
    readme = (CHECKOUT / "firmware/README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d ]+) \|", readme, re.M)
    assert {sign: tuple(map(int, ms.split())) for sign, ms in rows} == SIGNS


def test_signs_are_the_same_under_both_interpreters():
    script = (
        "from firmware.agent.signs import Signs\n"
        "class Agent: faults, active_ms, unsent = [], None, 1\n"
        "signs = Signs(1000)\n"
        "for n in range(5): print(signs.of(n * 60000, Agent))\n"
        "Agent.active_ms = 1000\n"
        "print(signs.of(0, Agent))\n"
    )
    assert on_both(script).split() == ["READY", "READY", "UNSENT", "UNSENT", "UNSENT", "REACHED"]
