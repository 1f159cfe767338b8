"""`python -m tests.simulated`: plays the months of some seeds and writes the tables into docs/simulated-months.md.

python -m tests.simulated                      seeds 1 to 3, prints the tables
python -m tests.simulated --seeds 1,2,3 --write
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulated import tables
from tests.simulated.cheating import Cheat
from tests.simulated.honest import Clinic
from tests.simulated.month_ledger import settle
from tests.simulated.plan import Month
from tests.simulated.score import Score, score

PAGE = Path(__file__).resolve().parents[2] / "docs/simulated-months.md"

KINDS: dict[str, Callable[[int], Month]] = {
    "honest": lambda seed: Clinic(seed).plan(),
    "strict": lambda seed: Clinic(seed, strict=True).plan(),
    "cheating": lambda seed: Cheat(seed, Clinic(seed).plan()).plant(),
}


def played(kind: str, seed: int) -> Score:
    """One month, played and scored."""
    began_s = time.monotonic()
    month = KINDS[kind](seed)
    with tempfile.TemporaryDirectory() as folder:
        found = score(month, settle(Path(folder) / "clinic", month))
    took_s = time.monotonic() - began_s
    print(f"{kind} {seed}: {len(month.charges)} lines, {took_s:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Plays, prints, and with --write puts the tables between their marks."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulated", description=__doc__)
    asked.add_argument("--seeds", default="1,2,3", help="种子 · seeds, like 1,2,3")
    asked.add_argument("--processes", type=int, default=1, help="同时几个进程 · so many at once")
    asked.add_argument("--write", action="store_true", help="写入文档 · into docs/simulated-months.md")
    options = asked.parse_args()
    seeds = [int(each) for each in options.seeds.split(",")]
    jobs = [(kind, seed) for kind in KINDS for seed in seeds]
    with ProcessPoolExecutor(options.processes) as pool:
        scores = list(pool.map(played, *zip(*jobs, strict=True)))
    of_kind = {
        kind: scores[place * len(seeds) : (place + 1) * len(seeds)] for place, kind in enumerate(KINDS)
    }
    said = _said(of_kind, seeds)
    if options.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), said), "utf-8")
    for text in said.values():
        print(text + "\n")


def _said(of_kind: dict[str, list[Score]], seeds: list[int]) -> dict[str, str]:
    honest, strict, cheating = of_kind["honest"], of_kind["strict"], of_kind["cheating"]
    numbers = ", ".join(map(str, seeds))
    return {
        "seeds": f"种子 · seeds: {numbers}; 每格是 {len(seeds)} 个月之和 · each cell is the sum of {len(seeds)} months.",
        "verdicts": tables.of_verdicts(honest, strict, cheating),
        "honest": tables.of_honest(honest, strict),
        "lies": tables.of_lies(cheating),
        "leads": tables.of_false_leads(cheating),
    }


def written(page: str, said: dict[str, str]) -> str:
    """The page with each text between its marks."""
    for name, text in said.items():
        before, begin, rest = page.partition(f"<!-- {name}:begin -->\n")
        _, end, after = rest.partition(f"\n<!-- {name}:end -->")
        assert begin and end, f"no place for {name}"
        page = before + begin + text + end + after
    return page


if __name__ == "__main__":
    main()
