"""Money as people and programs read it: counted in fen, written in yuan."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(1 << 12)  # a clinic has few prices
def yuan(fen: int) -> str:
    """`12.50` of 1250 fen, `-12.50` of -1250."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
