"""How a load draws power: inrush, preheat, plateau with noise, idle, dimmer, thermostat. Integers only.

What it gives depends on nothing but the parameters, the seed and the instant, so a unit that restarts in the middle
of the day reads what it would have read. It is a model for trying the path out; no lamp was measured for it.
"""

from __future__ import annotations

from dataclasses import dataclass

_MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Parameters:
    """Powers in milliwatts, `_permille` of the plateau, times in milliseconds."""

    idle_mw: int
    plateau_mw: int
    inrush_permille: int
    inrush_ms: int
    preheat_permille: int
    preheat_ms: int
    noise_permille: int
    resolution_mw: int


@dataclass(frozen=True)
class SwitchedOn:
    """The load switched on from `from_ms` until `until_ms`, milliseconds since 1970 UTC.

    `dimmer`: (milliseconds after switching on, percent) in order. `thermostat_s`: (on, off) after preheating, (0, 0) none.
    """

    from_ms: int
    until_ms: int
    dimmer: list[tuple[int, int]]
    thermostat_s: tuple[int, int]


class LoadModel:
    """One load. Two with the same parameters and seed draw the same."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self._is = parameters
        self._seed = seed

    def power_mw(self, at_ms: int, on: SwitchedOn | None) -> int:
        """Mean power of the second before `at_ms`; `on` says how it is switched on then, None that it is not."""
        noise = noise_permille(self._seed, at_ms // 1000, self._is.noise_permille)
        drawn = self._is.idle_mw if on is None else self._drawn_mw(at_ms - on.from_ms, on)
        return self._rounded(drawn + drawn * noise // 1000)

    def _drawn_mw(self, since_ms: int, on: SwitchedOn) -> int:
        if self._rests(since_ms, *on.thermostat_s):
            return self._is.idle_mw
        percent = [percent for after_ms, percent in on.dimmer if after_ms <= since_ms][-1:] or [100]
        full_mw = self._is.plateau_mw * self._warmth_permille(since_ms) // 1000
        return self._is.idle_mw + full_mw * percent[0] // 100

    def _rests(self, since_ms: int, on_s: int, off_s: int) -> bool:
        cycling_ms = since_ms - self._is.preheat_ms
        return off_s > 0 and cycling_ms >= 0 and cycling_ms // 1000 % (on_s + off_s) >= on_s

    def _warmth_permille(self, since_ms: int) -> int:
        if since_ms < self._is.inrush_ms:
            return self._is.inrush_permille
        if since_ms < self._is.preheat_ms:
            return (
                1000
                + (self._is.preheat_permille - 1000) * (self._is.preheat_ms - since_ms) // self._is.preheat_ms
            )
        return 1000

    def _rounded(self, power_mw: int) -> int:
        step = self._is.resolution_mw
        return max(0, (power_mw + step // 2) // step * step)


def noise_permille(seed: int, second: int, most: int) -> int:
    """A number from -most to most that looks random and depends on its arguments alone.

    Marsaglia's xorshift32 (Journal of Statistical Software 8(14), 2003), started from a mixture of seed and second.
    """
    x = (seed * 2654435761 ^ second * 2246822519) & _MASK or 1
    for _ in range(2):
        x ^= x << 13 & _MASK
        x ^= x >> 17
        x ^= x << 5 & _MASK
    return x % (2 * most + 1) - most
