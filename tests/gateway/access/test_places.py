"""Who may be where: the table covers every address that is served and no other, and lets in exactly these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount

from gateway import web
from gateway.access import places
from gateway.access.places import ADMINISTRATOR, DISPLAY, INSPECTOR, MANAGER, NURSE, PLACES, ROLES
from gateway.bootstrap import Book
from tests.support.ledgers import in_folder

KEYS = '[his]\nkey = "{0}"\n[metrics]\nkey = "{0}"\n'.format("k" * 24)
KINDS = ("answer", "review")  # of what people enter on a lead
ONE_OF = re.compile(r"/\(([\w|-]+)\)")
LETTERS = {"N": NURSE, "D": DISPLAY, "M": MANAGER, "I": INSPECTOR, "A": ADMINISTRATOR}
EVERY, READ, KEEP, TREAT = "NDMIA", "MIA", "MA", "NMA"

# method, address, who may at a clinic, who may at a district; "*": whoever asks; "key": whoever shows a key of its own
MAY = [
    ("GET", "/static/page.css", "*", "*"),
    ("GET", "/healthz", "*", "*"),
    ("GET", "/status.json", "*", "*"),
    ("GET", "/sign-in", "*", "*"),
    ("POST", "/sign-in", "*", "*"),
    ("POST", "/api/v1/precheck", "key", "key"),
    ("GET", "/api/v1/units", "key", "key"),
    ("POST", "/district/v1/records", "key", "key"),
    ("GET", "/metrics", "key", "key"),
    ("GET", "/", EVERY, EVERY),
    ("POST", "/sign-out", EVERY, EVERY),
    ("GET", "/password", EVERY, EVERY),
    ("POST", "/password", EVERY, EVERY),
    ("GET", "/board", EVERY, EVERY),
    ("GET", "/board/events", EVERY, EVERY),
    ("GET", "/nurse", "NMIA", "NMIA"),
    ("GET", "/nurse/visit/V1", "NMIA", "NMIA"),
    ("GET", "/nurse/sheet/V1", "NMIA", "NMIA"),
    ("POST", "/nurse/begin", TREAT, TREAT),
    ("POST", "/nurse/scan", TREAT, TREAT),
    ("POST", "/nurse/token", TREAT, TREAT),
    ("GET", "/day", READ, READ),
    ("GET", "/day/2026-03-02", READ, READ),
    ("GET", "/day/2026-03-02.svg", READ, READ),
    ("GET", "/month", READ, READ),
    ("GET", "/month.xlsx", READ, READ),
    ("GET", "/lead/abc", READ, READ),
    ("GET", "/lead/abc/file/0", READ, READ),
    ("POST", "/lead/abc/answer", KEEP, ""),
    ("POST", "/lead/abc/appeal", KEEP, ""),
    ("POST", "/lead/abc/review", KEEP, "I"),
    ("GET", "/line/V1/1", READ, READ),
    ("GET", "/record/U1/3", READ, READ),
    ("GET", "/record/U1/3.ocmf", READ, READ),
    ("GET", "/bills", KEEP, KEEP),
    ("POST", "/bills/upload", KEEP, KEEP),
    *(
        ("GET", f"/{each}", READ, READ)
        for each in ("trail", "inspect", "spot-check", "draw", "draw.txt", "pack")
    ),
    ("POST", "/draw", READ, READ),
    ("POST", "/pack", READ, READ),
    ("GET", "/people", "A", "A"),
    ("POST", "/people/add", "A", "A"),
    ("POST", "/people/end", "A", "A"),
]
NOWHERE = [
    ("GET", "/nothing"),
    ("GET", "/staticx"),
    ("GET", "//static/page.css"),
    ("GET", "/static/"),
    ("GET", "/sign-in/"),
    ("GET", "/sign-out"),
    ("GET", "/daybreak"),
    ("GET", "/monthly"),
    ("GET", "/peoples"),
    ("GET", "/api/v2/units"),
    ("GET", "/docs"),
    ("POST", "/"),
    ("POST", "/day/2026-03-02"),
    ("POST", "/lead/abc"),
    ("POST", "/lead/abc/forget"),
    ("POST", "/metrics\n"),
    ("PUT", "/people"),
    ("DELETE", "/nurse/entry"),
    ("PATCH", "/password"),
    ("OPTIONS", "/people"),
    ("TRACE", "/"),
]


def roles(letters: str) -> set[str]:
    return {LETTERS[each] for each in letters}


def allowed(method: str, path: str, is_district: bool) -> str | set[str]:
    """Who may, as MAY writes it, or the set of roles."""
    place = places.place(method, path)
    assert place is not None
    if place.own:
        return "key"
    if place.allows(None, is_district):
        return "*"
    return {role for role in ROLES if place.allows(role, is_district)}


@pytest.mark.parametrize(("method", "path", "clinic", "district"), MAY)
def test_each_place_lets_in_exactly_those(method, path, clinic, district):
    for is_district, letters in ((False, clinic), (True, district)):
        expected = letters if letters in ("*", "key") else roles(letters)
        assert allowed(method, path, is_district) == expected


@pytest.mark.parametrize(("method", "path"), NOWHERE)
def test_what_the_table_does_not_name_is_no_place(method, path):
    assert places.place(method, path) is None


def test_every_look_at_what_was_billed_or_found_is_noted_and_the_lists_that_renew_themselves_are_not():
    noted = {path for method, path, *_ in MAY if method == "GET" and _place(path).noted}
    assert noted == {
        *("/day/2026-03-02", "/month", "/month.xlsx", "/lead/abc", "/lead/abc/file/0", "/people"),
        *("/line/V1/1", "/record/U1/3", "/record/U1/3.ocmf", "/bills", "/trail", "/inspect", "/spot-check"),
        *("/draw", "/draw.txt", "/pack"),
        "/nurse/sheet/V1",
    }


def _place(path: str) -> places.Place:
    found = places.place("GET", path)
    return found if found is not None else PLACES[0]


# --- the table and what is served -------------------------------------------------------------------------------------


def served(routes: list[Any], before: str = "") -> Iterator[tuple[str, str]]:
    """(method, address) of everything, made up where it has names in it."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from served(inner.routes, before)
        elif isinstance(route, Mount):
            yield "GET", f"{before}{route.path}/some.thing"
        else:
            for method in sorted(route.methods - {"HEAD"}):
                for kind in KINDS:
                    path = route.path.replace("{kind}", kind)
                    yield method, before + re.sub(r"\{[^}]+\}", "abc", path)


@pytest.fixture(params=["clinic", "district"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    return in_folder(tmp_path / "book", role=request.param, extra=KEYS)


def test_every_address_that_is_served_has_a_place(book):
    found = list(served(web.app(book, {}).routes))
    assert len(found) > 15
    assert [each for each in found if places.place(*each) is None] == []


def test_every_place_is_served_somewhere(tmp_path):
    books = [in_folder(tmp_path / role, role=role, extra=KEYS) for role in ("clinic", "district")]
    found = [each for book in books for each in served(web.app(book, {}).routes)]
    reached = {id(places.place(*each)) for each in found}
    assert [each.path for each in PLACES if id(each) not in reached] == []
    named = {word for each in PLACES if (match := ONE_OF.match(each.path)) for word in match[1].split("|")}
    assert named - {re.split("[/.]", path)[1] for _, path in found} == set()


def test_what_needs_no_person_is_named_here_by_hand(book):
    opened = {
        path
        for method, path in served(web.app(book, {}).routes)
        if (place := places.place(method, path)) and place.is_open
    }
    own = {path for path in opened if path.startswith(("/api/v1", "/district/v1/"))} | {"/metrics"}
    assert opened - own == {"/static/some.thing", "/healthz", "/status.json", "/sign-in"}
