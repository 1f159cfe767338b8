"""A web page's table, which many hospital systems write into a file that they call `.xls`: its cells as text.

Cells that reach over several columns or rows keep their text in the first and leave the others empty, as a spreadsheet does.
"""

from __future__ import annotations

import re
from html import unescape

from gateway.audit.formats.sheet import MOST_ROWS, Cell, Rows
from gateway.audit.formats.statements import UnreadableFile

MARKS = ("<html", "<!doctype html", "<table", "<meta", "<style", "<head", "<div")
"""How such a text begins, in small letters. Other markup (`<?xml`) is no web page."""

_MOST_COLUMNS = 256
_CELLS = ("td", "th")
_TAG = re.compile(r"""<(/?)([a-zA-Z]+)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""")
_SPANS = re.compile(r"""\b(colspan|rowspan)\s*=\s*["']?(\d+)""", re.I | re.A)


def fits(text: str) -> bool:
    """Whether a text is a web page with a table."""
    start = text.lstrip()
    return start[:200].lower().startswith(MARKS) and "<table" in text[:1_000_000].lower()


def sheets(text: str) -> list[tuple[str, Rows]]:
    """Each table of the page with cells, in order, under its number. UnreadableFile where one is too large."""
    page = _Page()
    page.feed(text)
    return [(f"table {number}", rows) for number, rows in enumerate(page.tables, start=1) if rows]


def _without_comments(text: str) -> str:
    """What a browser would not look at is left out; a comment that does not end takes all that follows."""
    kept = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start + 4)
        at = len(text) if end < 0 else end + 3
    return "".join([*kept, text[at:]])


class _Page:
    """Collects the rows of tables; a table inside a cell is a table of its own. Only the tags of tables are looked at."""

    def __init__(self) -> None:
        self.tables: list[Rows] = []
        self._open: list[_Table] = []

    def feed(self, text: str) -> None:
        at = 0
        for found in _TAG.finditer(text := _without_comments(text)):
            if self._open:
                self._open[-1].say(text[at : found.start()])
            at = found.end()
            closes, name = found[1] == "/", (found[2] or "").lower()
            if closes:
                self._close(name)
            elif name:
                self._begin(name, found[3])

    def _begin(self, name: str, attributes: str) -> None:
        if name == "table":
            self._open.append(_Table())
            self.tables.append(self._open[-1].rows)
        elif self._open and name == "tr":
            self._open[-1].begin_row()
        elif self._open and name in _CELLS:
            told = {key.lower(): value for key, value in _SPANS.findall(attributes)} if attributes else {}
            self._open[-1].begin_cell(told.get("colspan"), told.get("rowspan"))
        elif self._open and name == "br":
            self._open[-1].say(" ")

    def _close(self, name: str) -> None:
        if self._open and (name in _CELLS or name == "tr"):
            self._open[-1].end_cell()
        elif self._open and name == "table":
            self._open.pop().end_cell()


class _Table:
    """A table that grows: `_taken` are the columns that cells of rows above still fill, and for how many rows."""

    def __init__(self) -> None:
        self.rows: Rows = []
        self._taken: dict[int, int] = {}
        self._said: list[str] | None = None
        self._column = 0

    def begin_row(self) -> None:
        self.end_cell()
        if len(self.rows) > MOST_ROWS:
            _refuse()
        self._taken = {column: left - 1 for column, left in self._taken.items() if left > 1}
        row: list[Cell] = []
        self.rows.append(row)
        self._column = 0

    def begin_cell(self, colspan: str | None, rowspan: str | None) -> None:
        self.end_cell()
        if not self.rows:
            self.begin_row()
        while self._column in self._taken:
            self._column += 1
        across, down = _span(colspan), _span(rowspan)
        row = self.rows[-1]
        row.extend([""] * (self._column + across - len(row)))
        if len(row) > _MOST_COLUMNS:
            _refuse()
        for column in range(self._column, self._column + across) if down > 1 else ():
            self._taken[column] = down
        self._said = []
        self._first, self._column = self._column, self._column + across

    def say(self, text: str) -> None:
        if self._said is not None:
            self._said.append(text)

    def end_cell(self) -> None:
        if self._said is not None:
            text = "".join(self._said)
            self.rows[-1][self._first] = " ".join((unescape(text) if "&" in text else text).split())
            self._said = None


def _span(told: str | None) -> int:
    return max(1, min(int(told), _MOST_COLUMNS)) if told and told.isascii() and told.isdigit() else 1


def _refuse() -> None:
    raise UnreadableFile(
        f"网页表格超过 {MOST_ROWS} 行或 {_MOST_COLUMNS} 列：请按月分开导出",
        f"the web page's table has more than {MOST_ROWS} rows or {_MOST_COLUMNS} columns: export it by month",
    )
