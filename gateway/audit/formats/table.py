"""Bill lines in a text table: a header, a delimiter, quotes where somebody found them necessary."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from unicodedata import normalize

from gateway.audit.formats.line import REQUIRED, Layout, LineReader
from gateway.audit.formats.statements import Contents, Refused, UnreadableFile
from gateway.audit.formats.values import Instants


def header(text: str, delimiter: str, quote: str, header_row: int = 1) -> list[str]:
    """The names in the header, NFKC, without blanks around them."""
    for number, row in rows(text, delimiter, quote):
        if number == header_row:
            return [normalize("NFKC", name).strip() for name in row]
    raise UnreadableFile(
        f"没有第 {header_row} 行表头:请重新导出",
        f"there is no header in row {header_row}: export the file again",
    )


def read(
    text: str,
    layout: Layout,
    instants: Instants,
    *,
    delimiter: str = ",",
    quote: str = '"',
    header_row: int = 1,
    constants: Mapping[str, str] | None = None,
    forms: Mapping[str, str] | None = None,
    insured: bool | None = None,
) -> Contents:
    """What the table's rows say. `layout` names columns, or entries of `constants` that stand in every row; `insured`
    says that the insurer pays for all of them.

    UnreadableFile where a column is missing or named twice, or where quotes do not close.
    """
    names = header(text, delimiter, quote, header_row)
    present = {*names, *(constants or {})}
    found = {field: tuple(each for each in columns if each in present) for field, columns in layout.items()}
    refuse_header(names, layout, found)
    lines = LineReader(found, instants, uploads=False, forms=forms, insured=insured)
    contents = Contents(uploads=False, columns={field: lines.column(field) for field in found})
    for number, row in rows(text, delimiter, quote):
        if number <= header_row or not any(row):
            continue
        _take(contents, lines, number, names, row, constants or {})
    return contents


def _take(
    contents: Contents,
    lines: LineReader,
    number: int,
    names: Sequence[str],
    row: Sequence[str],
    constants: Mapping[str, str],
) -> None:
    if len(row) != len(names):
        zh, en = f"有 {len(row)} 格,表头有 {len(names)} 列", f"{len(row)} cells, the header has {len(names)}"
        contents.refused.append(Refused(number, "", str(len(row)), zh, en))
        return
    cells = dict(zip(names, row, strict=True))
    said = lines.read(number, {**cells, **constants} if constants else cells)
    if isinstance(said, Refused):
        contents.refused.append(said)
    else:
        contents.statements.append(said)


def refuse_header(names: Sequence[str], layout: Layout, found: Layout) -> None:
    """UnreadableFile where a header names a column twice, or lacks one: `found` is `layout` as far as it is there."""
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        zh, en = f"表头中重复的列:{'、'.join(twice)}", f"columns named twice: {', '.join(twice)}"
        raise UnreadableFile(f"{zh}:请改名后重试", f"{en}: rename them")
    missing = [" / ".join(layout[field]) for field in REQUIRED if not found.get(field)]
    if not any(found.get(field) for field in ("code", "own_code", "name")):
        missing.append(
            " / ".join(each for field in ("code", "own_code", "name") for each in layout.get(field, ()))
        )
    if missing:
        raise UnreadableFile(
            f"缺少列:{'、'.join(missing)};表头是:{'、'.join(names)[:300]}。请补上列,或用 --mapping 说明",
            f"missing columns: {', '.join(missing)}; add them, or name the file's own by --mapping",
        )


def rows(text: str, delimiter: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """Rows as a spreadsheet counts them, from 1."""
    number = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, strict=True)
    try:
        for number, row in enumerate(reader, start=1):
            yield number, row
    except csv.Error as error:
        raise UnreadableFile(
            f"第 {number + 1} 行的引号或分隔符有误({error}):请重新导出",
            f"row {number + 1}: quotes or delimiters are broken ({error}): export the file again",
        ) from None
