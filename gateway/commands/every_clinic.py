"""Every clinic of a district reconciled, as many at once as the machine has cores: each in a process of its own, with its own
connection to the ledger, and kept in a transaction of its own as if it had been named alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gateway import bootstrap, pipeline
from gateway.audit import figures
from gateway.bootstrap import Book
from gateway.errors import UsageError
from gateway.ledger import bills
from gateway.uncollected import uncollected


@dataclass(frozen=True, slots=True)
class Task:
    """What to reconcile. `whole`: all that `reconcile --json` prints is wanted, not only the counts."""

    folder: Path
    first: date
    last: date
    source: str | None
    now_ms: int
    whole: bool


def reconciled(book: Book, task: Task) -> Iterator[dict[str, Any]]:
    """For each clinic, by name, its `clinic`, `summary` and `leads`; of the whole task all that `reconcile --json` prints.

    UsageError where the book is not a district's, or knows no clinics.
    """
    if not book.is_district or not book.config.clinics:
        raise UsageError(
            "--every-clinic 只用于登记了机构的区平台：请去掉它",
            "--every-clinic is for a district that knows its clinics: leave it out",
        )
    clinics = sorted(book.config.clinics)
    workers = min(os.cpu_count() or 1, len(clinics))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(_settle, [task] * len(clinics), clinics)


def _settle(task: Task, clinic: str) -> dict[str, Any]:
    with uncollected():
        return _settled(task, clinic)


def _settled(task: Task, clinic: str) -> dict[str, Any]:
    book = bootstrap.open_book(task.folder)
    config, rules = book.of_clinic(clinic), figures.read(task.folder)
    with book.ledger() as db:
        source = task.source or bills.usual_source(db, clinic)
        judged = pipeline.settle(db, config, task.first, task.last, source, task.now_ms, rules)
    if task.whole:
        return {"clinic": clinic, **judged.said}
    return {"clinic": clinic, "summary": judged.summary, "leads": [each.name for each in judged.found.leads]}
