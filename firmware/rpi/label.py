"""A unit's label as SVG: who it is, by which key, and that whoever holds its cable can read that key. No secret.

The QR code says the same to a machine: `WATTWITNESS:1:<clinic>:<unit>:<SHA-256 of the public key, hex>`.
"""

from __future__ import annotations

import hashlib
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 620, 250  # 62 by 25 mm
_FONT = "'Noto Sans CJK SC','WenQuanYi Micro Hei','PingFang SC','Microsoft YaHei',sans-serif"


def fingerprint(key_hex: str) -> str:
    """SHA-256 of the public key (DER SubjectPublicKeyInfo), 64 hex digits."""
    return hashlib.sha256(bytes.fromhex(key_hex)).hexdigest()


def shown(key_hex: str) -> str:
    """The fingerprint's first 16 digits in groups of four, for eyes."""
    first = fingerprint(key_hex)[:16].upper()
    return " ".join(first[at : at + 4] for at in range(0, 16, 4))


def code(clinic: str, unit: str, key_hex: str) -> str:
    """What the QR code says; upper case and digits would be smaller, but names have cases."""
    return f"WATTWITNESS:1:{clinic}:{unit}:{fingerprint(key_hex)}"


def svg(clinic: str, unit: str, load: str, key_hex: str, protected: bool = False) -> str:
    """The label. `protected`: the board keeps its key from whoever holds the cable."""
    lines = [
        (60, _fitting(unit, 30), "bold", unit),
        (94, _fitting(f"{clinic} {load}", 18), "normal", f"{clinic} {load}"),
        (136, 15, "normal", "公钥指纹 key fingerprint"),
        (162, 22, "bold", shown(key_hex)),
        (196, 13, "normal", _on_the_key(protected)[0]),
        (214, 13, "normal", _on_the_key(protected)[1]),
        (236, 12, "normal", "以电为证 WattWitness · 勿拆封 do not break the seal"),
    ]
    words = "".join(
        f'<text x="250" y="{y}" font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
        for y, size, weight, text in lines
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="62mm" height="25mm" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' font-family="{_FONT}"><title>{escape(unit)}</title><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f"{_qr(code(clinic, unit, key_hex))}{words}</svg>\n"
    )


def _fitting(text: str, size: int) -> float:
    """The size at which a name of up to 64 letters, be they all W, stays on the label."""
    return min(size, round((_WIDTH - 260) / len(text), 1))


def _on_the_key(protected: bool) -> tuple[str, str]:
    if protected:
        return "密钥不能经线缆读出", "the key cannot be read over the cable"
    return "持有线缆者能读出密钥：以封条为准", "who holds the cable can read the key: mind the seal"


def _qr(text: str) -> str:
    import segno

    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    side = 226 / (len(rows) + 8)
    path = "".join(
        f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return f'<path transform="translate(12 12) scale({side:.4f})" d="{path}"/>'
