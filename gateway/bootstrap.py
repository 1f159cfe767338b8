"""Puts the parts together: a ledger folder becomes a `Book`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from sqlite_utils import Database

from gateway import config as settings
from gateway.clock import Clock
from gateway.errors import UsageError
from gateway.ledger import database


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger folder, ready to be worked on. Each thread opens its own `ledger()`."""

    folder: Path
    config: settings.Config
    clock: Clock

    @property
    def is_district(self) -> bool:
        """Whether this is a district's book: it keeps a log, and its own person vouches for keys."""
        return self.config.role == settings.DISTRICT

    def owner(self, named: str | None) -> str:
        """Which clinic is meant: this one, or at a district the one that was named."""
        if self.is_district and named is None:
            raise UsageError("请给出 --clinic：哪个机构", "name the clinic: --clinic")
        if not self.is_district and named not in (None, self.config.clinic):
            raise UsageError(
                f"这是 {self.config.clinic} 的账本，不是 {named} 的：请去掉 --clinic",
                f"this is the ledger of {self.config.clinic}, not of {named}: leave out --clinic",
            )
        return named or self.config.clinic

    def of_clinic(self, named: str | None) -> settings.Config:
        """The configuration of the clinic that is meant: its name, opening hours and time zone."""
        return self.config.of_clinic(self.owner(named))

    def zone_of(self, clinic: str) -> tzinfo:
        """The time zone of a clinic; this ledger's own where it does not know the clinic's hours."""
        known = clinic in self.config.clinics
        return self.config.of_clinic(clinic).zone if known else self.config.zone

    def ledger(self) -> Database:
        """A new connection to the ledger; UsageError or SurroundingsError where it cannot be had."""
        return database.open_ledger(self.folder)


def open_book(folder: Path) -> Book:
    """The book in `folder`; UsageError where its configuration is missing or wrong."""
    config = settings.read(folder)
    setting = config.clock
    clock = Clock(setting.real_ms, setting.shown_ms, setting.speed) if setting else Clock()
    return Book(folder, config, clock)
