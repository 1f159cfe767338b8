"""`python -m tests.pages.screenshots OUT`: pictures of every page, for people to look at; none of them is kept in the project.

Two simulated clinic days (8 and 40 units) and a district, in Chinese and English: `wide` (1280 px), `narrow` (360 px) and
`print` (PDF, in black and white too if the printer is). What the first pages of each role are says gateway/pages/rendered.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from gateway.access.places import ADMINISTRATOR, INSPECTOR
from gateway.bootstrap import Book
from gateway.ledger.people import Person
from gateway.pages.rendered import Looking
from tests.pages.clinic_day import DAY, LARGE, SMALL, clinic_day, district_day
from tests.pages.opened import address_of, opened
from tests.support.signed_in import account

WIDTHS = {"wide": 1280, "narrow": 360}


def main() -> None:
    """Makes the days in a folder of their own, and the pictures in OUT."""
    asked = argparse.ArgumentParser(prog="python -m tests.pages.screenshots", description=__doc__)
    asked.add_argument("out", type=Path, help="图片放在哪里 · where the pictures go")
    out = asked.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        within = Path(folder)
        _shoot(out, "small", clinic_day(within / "small", SMALL), ADMINISTRATOR)
        _shoot(out, "large", clinic_day(within / "large", LARGE), ADMINISTRATOR)
        _shoot(out, "district", district_day(within / "district"), INSPECTOR)


def _shoot(out: Path, name: str, book: Book, role: str) -> None:
    token = account(book.folder, "X01", role)
    pages = dict(_first(book, role)) | dict(_evidence(book))
    with address_of(book) as base:
        for shape, width in WIDTHS.items():
            with opened(base, token, width) as page:
                for title, path in pages.items():
                    _each(page, out, f"{name}-{title}", base, path, shape)


def _first(book: Book, role: str) -> Iterator[tuple[str, str]]:
    """The first page of each kind that the role may see, and those for everybody."""
    looking = Looking(Person("X01", role, False, 0, None), book.is_district, "/")
    for way in (*looking.ways, "/password", "/sign-in"):
        yield way.strip("/") or "home", way


def _evidence(book: Book) -> Iterator[tuple[str, str]]:
    """A day, some of it, lines that stand alone and in a set, a record of each kind, and a lead of each rule."""
    of = f"?clinic={book.config.of_clinic('C001').clinic}" if book.is_district else "?"
    yield "day", f"/day/{DAY}{of}"
    yield "day-part", f"/day/{DAY}{of}&verdict=short"
    yield "month-of", f"/month{of}&of={DAY:%Y-%m}"
    with book.ledger() as db:
        for code, body in db.execute(
            "SELECT code, body FROM verdicts GROUP BY code, item ORDER BY code, item"
        ):
            said = json.loads(body)
            yield f"line-{code}-{said['item']}", f"/line/{said['line']}{of}"
        for kind, unit, us in db.execute("SELECT kind, unit, max(us) FROM records GROUP BY kind"):
            yield f"record-{kind}", f"/record/{unit}/{us}{of}"
        for rule, lead in db.execute("SELECT rule, max(lead) FROM leads GROUP BY rule"):
            yield f"lead-{rule}", f"/lead/{lead}{of}"


def _each(page: Page, out: Path, name: str, base: str, path: str, shape: str) -> None:
    """One page in both languages; what is not there is said and left out."""
    for lang in ("zh", "en"):
        asked = f"{base}{path}{'&' if '?' in path else '?'}lang={lang}"
        status = page.request.get(asked).status
        if status != 200:
            print(f"{path}: {status}", file=sys.stderr)
            continue
        page.goto(asked)
        page.screenshot(path=out / f"{name}-{lang}-{shape}.png", full_page=True)
        if shape == "wide":
            (out / f"{name}-{lang}-print.pdf").write_bytes(page.pdf(prefer_css_page_size=True))


if __name__ == "__main__":
    main()
