"""Which role may look at or change what. What this table does not name is refused. It does not know who is asking.

Rows are tried in order; the first whose method and path fit decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

NURSE, DISPLAY, MANAGER, INSPECTOR, ADMINISTRATOR = (
    "nurse",
    "display",
    "manager",
    "inspector",
    "administrator",
)
ROLES = {
    NURSE: ("护士", "nurse"),
    DISPLAY: ("看板屏幕", "wall display"),
    MANAGER: ("负责人", "manager"),
    INSPECTOR: ("核查员", "inspector"),
    ADMINISTRATOR: ("管理员", "administrator"),
}
"""Role -> what it is called. A nurse treats, a display only shows rooms, a manager closes the day, an inspector reads
everything and at a district decides, an administrator keeps the accounts besides what a manager does."""

EVERYBODY, SIGNED_IN = "*", tuple(ROLES)
READERS = (MANAGER, INSPECTOR, ADMINISTRATOR)
KEEPERS = (MANAGER, ADMINISTRATOR)
TREATING = (NURSE, MANAGER, ADMINISTRATOR)

READ, WRITE = ("GET", "HEAD"), ("POST",)
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Addresses of one kind: `path` is a regular expression for all of it. `district`: roles at a district where they are
    others. `noted`: that a person looked there is kept in the trail. `own`: it asks for a key of its own, not for a
    person of ours, and says itself how much it takes. `most_bytes`: how much may be sent there."""

    methods: tuple[str, ...]
    path: str
    roles: Sequence[str]
    district: Sequence[str] | None = None
    noted: bool = False
    own: bool = False
    most_bytes: int = 64 * 1024

    def allows(self, role: str | None, is_district: bool) -> bool:
        """Whether somebody of that role may be here; None is somebody who did not sign in."""
        roles = self.district if is_district and self.district is not None else self.roles
        return self.own or EVERYBODY in roles or role in roles

    @property
    def is_open(self) -> bool:
        """Whether it is for people who have not signed in too."""
        return self.own or EVERYBODY in self.roles


PLACES = (
    Place(READ, r"/static/.+", (EVERYBODY,)),
    Place(READ, r"/healthz|/status\.json", (EVERYBODY,)),
    Place((*READ, *WRITE), r"/sign-in", (EVERYBODY,)),
    Place((*READ, *WRITE), r"/api/v1(/.*)?|/district/v1/.*|/metrics", (), own=True),
    Place(READ, r"/", SIGNED_IN),
    Place(WRITE, r"/sign-out", SIGNED_IN),
    Place((*READ, *WRITE), r"/password", SIGNED_IN),
    Place(READ, r"/board(/.*)?", SIGNED_IN),
    Place(READ, r"/nurse/sheet/.*", (*TREATING, INSPECTOR), noted=True),
    Place(READ, r"/nurse(/.*)?", (*TREATING, INSPECTOR)),
    Place(WRITE, r"/nurse/.*", TREATING),
    Place(READ, r"/day(/[^/]+\.svg)?", READERS),  # pictures of a page that is noted, and the way to one
    Place(READ, r"/(day|month|lead|line|record)([./].*)?", READERS, noted=True),
    Place(WRITE, r"/lead/[^/]+/(answer|appeal)", KEEPERS, district=(), most_bytes=21 * _MB),
    Place(WRITE, r"/lead/[^/]+/review", KEEPERS, district=(INSPECTOR,), most_bytes=21 * _MB),
    Place((*READ, *WRITE), r"/bills(/.*)?", KEEPERS, noted=True, most_bytes=1025 * _MB),  # it stops listening by itself
    Place(READ, r"/(trail|draw|spot-check|inspect|pack)([./].*)?", READERS, noted=True),
    Place(WRITE, r"/(draw|pack)", READERS),    # both stand in the trail by themselves
    Place((*READ, *WRITE), r"/people(/.*)?", (ADMINISTRATOR,), noted=True),
)  # fmt: skip


def place(method: str, path: str) -> Place | None:
    """The row that decides about an address; None where no row names it."""
    fitting = (
        each for each in PLACES if method in each.methods and _compiled(each.path).fullmatch(path) is not None
    )
    return next(fitting, None)


@cache
def _compiled(path: str) -> re.Pattern[str]:
    return re.compile(path)
