"""One row's cells become a charge, by a layout that says in which columns our fields stand.

This file does not know whether the cells came from JSON or from a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

from gateway.audit.formats import values
from gateway.audit.formats.statements import BATCH, Charge, Refused
from gateway.audit.formats.values import Instants, Unfit

Read = TypeVar("Read")

Layout = Mapping[str, tuple[str, ...]]
"""Field -> the columns that may hold it; the first that is not empty counts (of codes and names all do)."""

FIELDS: Final = (
    "line", "visit", "code", "own_code", "name", "count", "amount", "price", "charged_at", "performed_at",
    "room", "staff", "patient", "settlement", "batch", "reversal_of", "valid", "refunded", "institution", "insurance",
)  # fmt: skip
REQUIRED: Final = ("line", "visit", "count", "amount", "charged_at")


class LineReader:
    """Reads the rows of one file. `forms` gives the strptime format of `charged_at` or `performed_at`, where the
    instants are not `yyyy-MM-dd HH:mm:ss`. A file speaks for one institution: the one its first row names. `insured`
    says that the insurer pays for every line of such a file; else a column may tell."""

    def __init__(
        self,
        layout: Layout,
        instants: Instants,
        uploads: bool,
        forms: Mapping[str, str] | None = None,
        insured: bool | None = None,
    ):
        self._columns = {field: layout.get(field, ()) for field in FIELDS}
        self._instants = instants
        self._uploads = uploads
        self._forms = forms or {}
        self._insured = insured
        self._institution = ""
        self._cells: Mapping[str, object] = {}
        self._column = ""
        self._text, self._plain = _remembering(values.text), _remembering(values.plain)
        self._code, self._national_code = _remembering(values.code), _remembering(values.national_code)
        self._count, self._fen = _remembering(values.count), _remembering(values.fen)
        self._price, self._kind = _remembering(_price), _remembering(values.insured)

    def column(self, field: str) -> str:
        """The column that a refusal names for a field."""
        return self._columns[field][0] if self._columns[field] else field

    def read(self, row: int, cells: Mapping[str, object]) -> Charge | Refused:
        """The row's charge, or why there is none."""
        self._cells = cells
        try:
            return self._charge(row)
        except Unfit as unfit:
            return Refused(row, self._column, str(cells.get(self._column) or "")[:100], unfit.zh, unfit.en)

    def _charge(self, row: int) -> Charge:
        self._one_institution()
        visit, number = self._one("visit", values.identifier), self._one("line", values.identifier)
        codes, own_codes, names = self._item()
        count, amount_fen, refunds = self._money()
        charged_ms = self._at("charged_at")
        performed_ms = self._at("performed_at") if self._present("performed_at") else None
        return Charge(
            row=row,
            line=f"{visit}/{number}",
            visit=visit,
            patient=self._one("patient", values.plain),
            codes=codes,
            own_codes=own_codes,
            names=names,
            count=count,
            amount_fen=amount_fen,
            charged_ms=charged_ms,
            performed_ms=performed_ms,
            room=self._one("room", self._text),
            staff=self._one("staff", self._plain),
            settlement=self._settlement(),
            void=self._void(count < 0),
            refunds=f"{visit}/{refunds}" if refunds else None,
            insured=self._one("insurance", self._kind) if self._columns["insurance"] else self._insured,
        )

    def _one(self, field: str, read: Callable[[object], Read]) -> Read:
        """The field's first value that is not empty, read; the column stays known for a refusal."""
        columns = self._columns[field]
        for column in columns:
            value = self._cells.get(column)
            if value is not None and value != "":
                self._column = column
                return read(value)
        self._column = columns[0] if columns else field
        return read("")

    def _every(self, field: str, read: Callable[[object], str]) -> tuple[str, ...]:
        found = []
        for column in self._columns[field]:
            self._column = column
            told = read(self._cells.get(column))
            if told and told not in found:
                found.append(told)
        return tuple(found)

    def _present(self, field: str) -> bool:
        return any(values.text(self._cells.get(column)) for column in self._columns[field])

    def _item(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        names = self._every("name", self._text)
        codes = self._every("code", self._national_code)
        own_codes = self._every("own_code", self._code)
        if not (names or codes or own_codes):
            self._column = self.column("code" if self._columns["code"] else "own_code")
            raise Unfit("没有项目编码也没有名称", "no item code and no name")
        return codes, own_codes, names

    def _money(self) -> tuple[Decimal, int, str]:
        """Count, fen, and the number of the line that a refund names."""
        if self._columns["price"]:
            self._one("price", self._price)
        amount_fen = self._one("amount", self._fen)
        count = self._one("count", self._count)
        refunds = self._one("reversal_of", values.plain) if count < 0 else ""
        if count < 0 and self._uploads and not refunds:
            self._column = self.column("count")
            zh, en = "2204 没有负数行:退费用 2205 或 2208", "2204 has no negative lines: 2205 or 2208 refunds"
            raise Unfit(zh, en)
        if amount_fen and (amount_fen < 0) != (count < 0):
            self._column = self.column("amount")
            raise Unfit("数量与金额一正一负", "count and amount differ in sign")
        return count, amount_fen, refunds

    def _at(self, field: str) -> int:
        form = self._forms.get(field)
        return self._one(field, lambda told: self._instants.read(told, form))

    def _settlement(self) -> str:
        told = self._one("settlement", values.plain)
        batch = "" if told else self._one("batch", values.plain)
        return BATCH + batch if batch else told

    def _void(self, refund: bool) -> str | None:
        """Why the row itself is not in force: its mark of validity, or that its settlement was refunded (of which the
        refund itself is a part)."""
        if self._present("valid") and self._one("valid", _invalid):
            return f"{self._column} 0"
        if self._present("refunded") and self._one("refunded", _refunded):
            return None if refund else f"{self._column} 1"
        return None

    def _one_institution(self) -> None:
        told = self._one("institution", self._plain)
        if told and self._institution and told != self._institution:
            raise Unfit(
                f"文件属于 {self._institution},此行是另一机构",
                "another institution than the file's first row",
            )
        self._institution = self._institution or told


def _remembering(read: Callable[[object], Read]) -> Callable[[object], Read]:
    """Reads a text once and remembers it: most cells of a file say the same few things."""
    remembered = lru_cache(1024)(read)
    return lambda value: remembered(value) if type(value) is str else read(value)


def _invalid(value: object) -> bool:
    return values.flag(value, live="1", void="0")


def _refunded(value: object) -> bool:
    return values.flag(value, live="0", void="1")


def _price(value: object) -> None:
    if values.text(value):
        values.number(value, 10, 6)
