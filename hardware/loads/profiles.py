"""Load profiles from this folder's TOML files: detector thresholds, and a model to try them with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from hardware.loads.model import Parameters
from hardware.ports import PortError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class LoadProfile:
    """`detector`: what firmware/agent/config.py calls a profile. `model`: how the load draws power."""

    name: str
    zh: str
    en: str
    detector: dict[str, int]
    model: Parameters


def names() -> list[str]:
    """The profiles there are."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_profile(name: str) -> LoadProfile:
    """The profile `name`; PortError lists those there are."""
    if name not in names():
        known = ", ".join(names())
        raise PortError(
            f"没有负载类型 {name!r}，可用 {known}", f"no load profile {name!r}: use one of {known}"
        )
    read = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return LoadProfile(name, read["zh"], read["en"], read["detector"], Parameters(**read["model"]))
