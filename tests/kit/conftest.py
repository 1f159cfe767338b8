"""What tests of the kit have in common: one scene, made once, and for each test a copy of its own."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest

from gateway import __main__ as program
from gateway.bootstrap import open_book
from gateway.district.log import Log
from tests.kit.scene import CLINIC, DAY, Scene, scene


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scene]:
    """A folder with the two ledgers, the kit of the day, the district's public key and the clinic's honest pack."""
    folder = tmp_path_factory.mktemp("scene")
    made = scene(folder)
    kit = ["kit", "--clinic", CLINIC, "--out", folder / "kit", "--public-key", folder / "district.pem", *DAY]
    pack = ["pack", *DAY, "--out", folder / "pack.zip"]
    for book, command in ((made.district, kit), (made.clinic, pack)):
        assert program.run(["--dir", str(book.folder), *map(str, command)]) == 0
    return folder, made


@pytest.fixture
def there(once: tuple[Path, Scene], tmp_path: Path) -> Scene:
    """The scene in the test's own folder."""
    folder, made = once
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    clinic, district = (open_book(tmp_path / name) for name in ("clinic", "district"))
    return Scene(clinic, district, copy.deepcopy(made.writers), Log())
