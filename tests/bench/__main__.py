"""`./run bench`: the figures that the design sets itself, measured here and now, beside a baseline of the same run.

python -m tests.bench [NAME ...] [--scale 1.0] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import bars, bills, district, intake, matching, page, unit, verification
from tests.bench.figures import Figure, table

BENCHES: dict[str, Callable[[float], list[Figure]]] = {
    "intake": intake.figures,
    "verification": verification.figures,
    "matching": matching.figures,
    "reconcile": district.figures,
    "bills": bills.figures,
    "page": page.figures,
    "bars": bars.figures,
    "unit": unit.figures,
}
_JSON = Path(".venv/cache/bench.json")


def main() -> None:
    reader = argparse.ArgumentParser(
        prog="./run bench",
        description="测量设计目标 · measures the figures of the design; nothing is asserted",
        epilog="例 · example: ./run bench matching --scale 0.1",
    )
    reader.add_argument("names", nargs="*", metavar="NAME", help=f"其中几项 · some of: {', '.join(BENCHES)}")
    reader.add_argument(
        "--scale", type=float, default=1.0, help="规模 · how much of the full size; 1.0 by default"
    )
    reader.add_argument(
        "--json", type=Path, default=_JSON, metavar="FILE", help=f"结果 · written to; {_JSON} by default"
    )
    asked = reader.parse_args()
    unknown = sorted(set(asked.names) - BENCHES.keys())
    if unknown:
        reader.error(f"没有 {', '.join(unknown)}：可选 · there are {', '.join(BENCHES)}")
    found: list[Figure] = []
    for name in asked.names or BENCHES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found += BENCHES[name](asked.scale)
    _write(asked.json, asked.scale, found)
    print(table(found))
    print(
        f"规模 scale {asked.scale:g} · {platform.machine()} · Python {platform.python_version()} · JSON: {asked.json}"
    )


def _write(path: Path, scale: float, figures: list[Figure]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"scale": scale, "machine": platform.machine(), "python": platform.python_version()}
    document = about | {"figures": [each.document() for each in figures]}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


main()
