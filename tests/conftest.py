"""What every test may ask for, and the closing lines that say what passed, failed and could not run here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.support import tools

TESTS = Path(__file__).parent
PURE_ROOMS = tuple(
    TESTS / room
    for room in ("protocol", "firmware/agent", "hardware", "audit", "gateway/audit", "test_house.py")
)

set_hypothesis_home_dir(tools.CHECKOUT / ".venv/cache/hypothesis")
# No timing is asserted: machines differ. CI draws the same examples each time; everybody else draws new ones.
settings.register_profile("house", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("house")


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """`tool("mosquitto")`: the program's path, or the test could not run here."""
    return tools.tool


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared/data` beside the checkout, or the test could not run here."""
    return tools.shared_data()


# --- the pure ring ---


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Asked for the pure tests alone, it does not even import the modules of the others: seconds count."""
    if config.option.markexpr != "pure" or _is_pure(collection_path):
        return None
    return not any(room.is_relative_to(collection_path) for room in PURE_ROOMS) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_pure(item.path):
            item.add_marker(pytest.mark.pure)


def _is_pure(path: Path) -> bool:
    return any(path.is_relative_to(room) for room in PURE_ROOMS)


# --- the closing lines ---


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not session.config.option.collectonly:
        reporter.write_line(closing_line(reporter.stats))


def closing_line(stats: dict[str, list[pytest.TestReport]]) -> str:
    """One line with the counts, and by name what was missing with how many tests it kept from running."""
    missing = Counter(filter(None, map(_missing, stats.get("skipped", []))))
    passed, failed = len(stats.get("passed", [])), len(stats.get("failed", [])) + len(stats.get("error", []))
    skipped = len(stats.get("skipped", [])) - missing.total()
    names = ", ".join(f"{name} {count}" for name, count in sorted(missing.items()))
    line = f"通过 passed {passed} · 失败 failed {failed} · 本机不能运行 could not run here {missing.total()}"
    return line + (f" ({names})" if names else "") + (f" · 跳过 skipped {skipped}" if skipped else "")


def _missing(report: pytest.TestReport) -> str | None:
    """What a skipped test lacked; None where it was skipped for another reason."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    _, found, name = reason.partition(tools.COULD_NOT_RUN)
    return name if found else None
