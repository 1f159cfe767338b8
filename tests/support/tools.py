"""The real programs that tests run against; without one, a test says by name that it could not run here.

`./run test` fetches what it can. What is still missing skips the tests that need it on a person's machine,
and fails them where CI is set: nothing that a submission promises may go unseen there.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
COULD_NOT_RUN = "could not run here: "

_OURS = os.pathsep.join(str(CHECKOUT / ".venv" / folder) for folder in ("bin", "tools/bin"))
_OTHER_NAMES = {"chromium": ("chromium", "chromium-browser")}
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))


def tool(name: str) -> Path:
    """The path of mosquitto, mosquitto_passwd, micropython, chromium, openssl, git, ocmf or another program.

    Where it is missing the calling test is skipped, or fails where CI is set. A chromium without a Chinese
    font counts as missing: its screenshots show boxes while every assertion on text passes.
    """
    if name == "chromium" and not _has_chinese_font():
        could_not_run("chinese font")
    found = _find(name)
    if found is None:
        could_not_run(name)
    return found


def shared_data() -> Path:
    """The folder of recorded readings and catalogues beside the checkout; a clone may lack it, in CI too."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        could_not_run("shared data", even_in_ci=True)
    return folder


def could_not_run(what: str, *, even_in_ci: bool = False) -> NoReturn:
    """End the calling test as one that could not run here for want of `what`."""
    if os.environ.get("CI") and not even_in_ci:
        pytest.fail(COULD_NOT_RUN + what, pytrace=False)
    pytest.skip(COULD_NOT_RUN + what, allow_module_level=True)


def _find(name: str) -> Path | None:
    places = os.pathsep.join((_OURS, os.environ.get("PATH", os.defpath), "/usr/sbin"))
    found = (shutil.which(spelling, path=places) for spelling in _OTHER_NAMES.get(name, (name,)))
    return next((Path(path) for path in found if path), None)


def _has_chinese_font() -> bool:
    files = (path.name.lower() for folder in _FONT_FOLDERS for path in folder.rglob("*.tt*"))
    return any("wqy" in name or "cjk" in name for name in files)
