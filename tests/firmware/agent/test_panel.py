"""What light and buzzer do for each sign, under both interpreters."""

from __future__ import annotations

from tests.support.both import on_both

PANEL = """
from firmware.agent.panel import Panel, SIGNS
class Light:
    def __init__(self): self.on, self.told = False, []
    def set(self, on): self.on = on; self.told.append(on)
for sign in %r:
    light, buzzer = Light(), Light()
    panel, shown, now = Panel(light, buzzer), "", 0
    while now < 4000:
        panel.step(now, sign)
        shown += "#" if light.on else "."
        now += 100
    print(sign, shown, buzzer.told)
"""


def test_each_sign_looks_different_and_only_reaching_the_time_is_heard():
    signs = ("PROVISION", "FAULT", "REACHED", "RUNNING", "UNSENT", "READY")
    lines = [line.split(" ", 2) for line in on_both(PANEL % (signs,)).splitlines()]
    looks = {sign: look for sign, look, _ in lines}
    assert len(set(looks.values())) == len(signs)
    assert looks["REACHED"] == "#" * 40 and looks["PROVISION"] == "#." * 20
    assert looks["RUNNING"] == ("#" * 10 + "." * 10) * 2
    assert looks["READY"].count("#") < looks["UNSENT"].count("#") < looks["FAULT"].count("#")
    assert [sign for sign, _, heard in lines if heard != "[]"] == ["REACHED"]
