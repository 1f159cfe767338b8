"""A report as a file of some kind; what draws it is loaded only when it is asked for."""

from __future__ import annotations

from gateway.audit.month import Figures

KINDS = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
"""Ending of the file's name -> its media type."""


def written(figures: Figures, kind: str) -> bytes:
    """The figures as a file of that kind. SurroundingsError where a PDF is asked for without a Chinese font."""
    if kind == "pdf":
        from gateway.report import pdf

        return pdf.write(figures)
    if kind == "xlsx":
        from gateway.report import workbook

        return workbook.write(figures)
    from gateway.report import plain

    return plain.write(figures)
