"""`python -m tests.pages.screenshots OUT`: pictures of every page, for people to look at; none of them is kept in the project.

Two simulated clinic days (8 and 40 units) and a district on their evening, a morning at the nurse's desk, the rooms of a live
board, and bill files being imported: each page in Chinese and English, `wide` (1280 px), `narrow` (360 px) and `print` (PDF);
the board also on a `wall` (1920 px).
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
from gateway.bootstrap import Book, open_book
from gateway.config import FILE
from gateway.ledger.people import Person
from gateway.pages.rendered import Looking
from tests.gateway.test_his import clock
from tests.pages import nurse_desk, rooms
from tests.pages.clinic_day import CLOSES, DAY, LARGE, MINUTE_MS, SMALL, clinic_day, district_day
from tests.pages.opened import address_of, opened
from tests.support.bills import as_json, detail, fee, fee_list, upload
from tests.support.browser import served
from tests.support.chain import START_MS
from tests.support.signed_in import account

WIDTHS = {"wide": 1280, "narrow": 360}
WALL = {"wall": 1920}
LANGUAGES = ("zh", "en")
EVENING_MS = START_MS + (CLOSES + 65) * MINUTE_MS


def main() -> None:
    """Makes the days in a folder of their own, and the pictures in OUT."""
    asked = argparse.ArgumentParser(prog="python -m tests.pages.screenshots", description=__doc__)
    asked.add_argument("out", type=Path, help="图片放在哪里 · where the pictures go")
    out = asked.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        within = Path(folder)
        _rooms(out, rooms.morning(within / "rooms"))
        _desk(out, nurse_desk.morning(_new(within / "desk")))
        _day(out, "small", clinic_day(within / "small", SMALL), ADMINISTRATOR)
        _day(out, "large", clinic_day(within / "large", LARGE), ADMINISTRATOR)
        _day(out, "district", district_day(within / "district"), INSPECTOR)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


# --- days -------------------------------------------------------------------------------------------------------------


def _day(out: Path, name: str, made: Book, role: str) -> None:
    """Every page of a day on its evening."""
    settings = made.folder / FILE
    settings.write_text(settings.read_text(encoding="utf-8") + "\n" + clock(EVENING_MS), encoding="utf-8")
    book = open_book(made.folder)
    token = account(book.folder, "X01", role)
    pages = dict(_first(book, role)) | dict(_evidence(book)) | dict(_inspection(book))
    with address_of(book) as base:
        _all(out, name, base, token, pages, WIDTHS)


def _first(book: Book, role: str) -> Iterator[tuple[str, str]]:
    """The first page of each kind that the role may see, and those for everybody."""
    looking = Looking(Person("X01", role, False, 0, None), book.is_district, "/")
    for way in (*looking.ways, "/password", "/sign-in"):
        yield way.strip("/") or "home", way


def _evidence(book: Book) -> Iterator[tuple[str, str]]:
    """A day, some of it, lines that stand alone and in a set, a record of each kind, and a lead of each rule."""
    of = _of(book)
    yield "day", f"/day/{DAY}{of}"
    yield "day-part", f"/day/{DAY}{of}&verdict=short"
    yield "month", f"/month{of}&of={DAY:%Y-%m}"
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


def _inspection(book: Book) -> Iterator[tuple[str, str]]:
    """What an inspector walks through, with a draw of each verdict."""
    of = f"{_of(book)}&from={DAY}&to={DAY}"
    for page in ("inspect", "draw", "pack", "spot-check"):
        yield page, f"/{page}{of}"
    yield "drawn", f"/draw{of}&n=4&per=verdict&seed=20260302"


def _of(book: Book) -> str:
    return f"?clinic={book.config.of_clinic('C001').clinic}" if book.is_district else "?"


# --- a morning --------------------------------------------------------------------------------------------------------


def _rooms(out: Path, book: Book) -> None:
    """The board, and bill files on their way into the ledger."""
    token = account(book.folder, "X01", ADMINISTRATOR)
    boards = {"live": "/board", "live-room": "/board?room=理疗一室"}
    with address_of(book) as base:
        _all(out, "board", base, token, boards, WIDTHS | WALL)
        for shape, width in WIDTHS.items():
            with opened(base, token, width) as page:
                for lang in LANGUAGES:
                    _bills(page, out, base, lang, shape)


def _bills(page: Page, out: Path, base: str, lang: str, shape: str) -> None:
    """A file with refused rows looked at, one without imported and its day reconciled."""
    bad = fee_list(fee("1"), fee("2", "V2", cnt="两次"), fee("3", "V3", fee_ocur_time="昨天"))
    good = as_json(upload(*(detail(str(n), f"V{n}", bilg_dept_name="理疗一室") for n in range(20))))
    for name, file, body in (("refused", "平台明细.csv", bad), ("preview", "2026-03-02.json", good)):
        page.goto(f"{base}/bills?lang={lang}")
        page.set_input_files(
            "input[name=file]", {"name": file, "mimeType": "application/octet-stream", "buffer": body}
        )
        page.locator(".send button").click()
        page.locator(".decide").wait_for()
        _take(page, out, f"bills-{name}-{lang}", shape)
    page.locator(".decide button").click()
    page.locator(".receipt button").click()
    page.locator(".receipt .honesty").wait_for()
    _take(page, out, f"bills-receipt-{lang}", shape)


def _desk(out: Path, ledger: Path) -> None:
    """The nurse's list, a visit, what ending and not doing a treatment ask, and the record sheet."""
    visit, token = "2026030200073", nurse_desk.token(ledger.parent)
    pages = {
        "list": "/nurse", "room": "/nurse?room=针灸室", "visit": f"/nurse/visit/{visit}", "sheet": f"/nurse/sheet/{visit}",
        "end": "/nurse/end/3", "stop": "/nurse/stop/3", "undone": f"/nurse/undone?visit={visit}&item=23",
    }  # fmt: skip
    with served(nurse_desk.guarded(ledger)) as base:
        _all(out, "nurse", base, token, pages, WIDTHS)


# --- taking -----------------------------------------------------------------------------------------------------------


def _all(out: Path, name: str, base: str, token: str, pages: dict[str, str], widths: dict[str, int]) -> None:
    for shape, width in widths.items():
        with opened(base, token, width, 1080 if shape in WALL else 900) as page:
            for title, path in pages.items():
                for lang in LANGUAGES:
                    _each(page, out, f"{name}-{title}-{lang}", base, path, lang, shape)


def _each(page: Page, out: Path, name: str, base: str, path: str, lang: str, shape: str) -> None:
    """One page; what is not there is said and left out."""
    asked = f"{base}{path}{'&' if '?' in path else '?'}lang={lang}"
    status = page.request.get(asked).status
    if status != 200:
        print(f"{path}: {status}", file=sys.stderr)
        return
    page.goto(asked)
    _take(page, out, name, shape)


def _take(page: Page, out: Path, name: str, shape: str) -> None:
    page.screenshot(path=out / f"{name}-{shape}.png", full_page=True)
    if shape == "wide":
        (out / f"{name}-print.pdf").write_bytes(page.pdf(prefer_css_page_size=True))


if __name__ == "__main__":
    main()
