"""What the documents say is so: commands, options, JSON, settings, codes, rules and links, held against the programs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner

from firmware.agent.config import PROFILE
from firmware.rpi import settings as unit_settings
from firmware.rpi.__main__ import commands as unit_program
from firmware.rpi.port_settings import PortSettings
from gateway import config
from gateway.__main__ import COMMANDS, wattwitness
from gateway.audit import catalogue, leads
from gateway.audit.formats import FORMATS
from gateway.audit.match import Treatment
from gateway.audit.supplies import Dark, Session
from gateway.audit.verdicts import CODES, GRADES, Case, ItemRule, Judgement, judge
from gateway.demo import bills, plan
from gateway.intake import findings
from tests.support.chain import Writer
from tests.support.tools import CHECKOUT
from tests.support.world import World

OURS = [
    path for path in sorted(CHECKOUT.rglob("*.md")) if not any(part.startswith(".") for part in path.parts)
]
DOCUMENTS = {str(path.relative_to(CHECKOUT)): path.read_text("utf-8") for path in OURS}
COMMANDS_MD, VERDICTS_MD = DOCUMENTS["docs/commands.md"], DOCUMENTS["docs/verdicts.md"]


def leaves(command: click.Command, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, *names, name)
    else:
        yield " ".join(names), command


ALL = dict([*leaves(wattwitness, "wattwitness"), *leaves(unit_program, "wattwitness-unit")])


def section(name: str) -> str:
    """What commands.md says under the heading of that name."""
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^#+ |\Z)", COMMANDS_MD, re.M | re.S)
    assert found, f"docs/commands.md has no heading {name}"
    return found[1]


# --- commands -----------------------------------------------------------------------------------------------


def test_every_command_of_the_program_is_there():
    assert {name.split()[1] for name in ALL if name.startswith("wattwitness ")} == set(COMMANDS)


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_a_help_that_ends_its_prose_with_an_example(name):
    shown = ALL[name].help or ""
    assert re.search(r"[一-鿿]", shown) and re.search(r"[a-z]{3}", shown)
    assert f"{name.split()[0]} " in shown.split("xample")[-1] and "xample" in shown
    for part in name.split()[1:]:
        assert part in shown.split("xample")[-1]


@pytest.mark.parametrize("name", ALL)
def test_every_command_and_each_of_its_options_is_in_the_reference(name):
    said = section(name)
    assert f"    {name}" in said
    options = [option for each in ALL[name].params if isinstance(each, click.Option) for option in each.opts]
    missing = [option for option in options if not re.search(rf"{option}\b", said) and option != "--help"]
    assert missing == []


def test_the_reference_names_no_command_and_no_option_that_is_not():
    headings = re.findall(r"^## (wattwitness\S* .+)$", COMMANDS_MD, re.M)
    assert set(headings) == set(ALL)
    for name in headings:
        known = {option for each in ALL[name].params for option in each.opts} | {"--help", "--json"}
        usage = "\n".join(re.findall(r"^    .*$", section(name), re.M))
        assert set(re.findall(r"--[a-z][a-z-]*", usage)) <= known, name


def of_the_front_door() -> set[str]:
    main = (CHECKOUT / "run").read_text("utf-8").split("main() {")[1].split("\n}")[0]
    return set(re.findall(r"^    (\w+)(?: \|.*)?\) ", main, re.M))


def test_the_front_door_is_described_as_it_is():
    said = set(re.findall(r"^\| `\./run (\w+)", COMMANDS_MD, re.M))
    hidden = set() if list(CHECKOUT.glob("tests/bench*")) else {"bench"}  # as `./run help` does
    assert of_the_front_door() - hidden == said


def code(page: str) -> str:
    """What a document shows as code: fenced, indented or inline."""
    text = DOCUMENTS[page]
    return "\n".join(re.findall(r"^```.*?^```|^    .*|`[^`\n]+`", text, re.M | re.S))


def shown_commands(page: str) -> set[tuple[str, str]]:
    """(program, command) of every command in a document's code."""
    return set(
        re.findall(r"(?<![\w./-])(wattwitness(?:-unit)?|\./run) (?:--dir \S+ )?([a-z][a-z-]+)", code(page))
    )


@pytest.mark.parametrize("page", DOCUMENTS)
def test_commands_that_any_document_shows_exist(page):
    for program, name in shown_commands(page):
        known = (
            of_the_front_door()
            if program == "./run"
            else {each.split()[1] for each in ALL if each.startswith(program + " ")}
        )
        assert name in known, f"{page}: {program} {name}"


# --- JSON ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each command printed with --json, on the day of the demo."""
    folder = tmp_path_factory.mktemp("day")
    book = folder / "clinic"
    book.mkdir()
    World(book, plan.plan(1)).play().db.close()
    (folder / "bills.json").write_text(bills.clinic(plan.plan(1)), encoding="utf-8")
    writer = Writer("U9")
    writer.day()
    bad, late = writer.lines[1].replace(b'"UM":', b'"UM":1'), writer.lines[5:]
    (folder / "odd").write_bytes(b"\n".join([writer.lines[0], bad, *late]))
    (folder / "lamp.csv").write_text(trace(), encoding="utf-8")
    (folder / "change.toml").write_text("[[items]]\nnumber = 30\nday_max = 1\n", encoding="utf-8")
    key, pem, day = writer.key_hex, str(folder / "u8.pem"), f"{plan.DAY:%Y-%m-%d}"
    told: dict[str, Any] = {}
    asked = {
        "init": ["init", str(folder / "new"), "--clinic", "C1", "--name", "N"],
        "unit add": ["unit", "add", "U9", "--key", key, "--load", "tdp", "--room", "R9"],
        "take-in": ["take-in", str(folder / "odd")],
        "install": ["install", "--clinic", "C001", "--name", "N", "--root", str(folder / "root")],
        "unit account": ["unit", "account", "U9", "--root", str(folder / "root")],
        "unit skip": ["unit", "skip", "U9", "--to", "6", "--by", "D01", "--why", "lost"],
        "unit move": ["unit", "move", "U9", "--room", "R8", "--at", "2026-03-02T12:00"],
        "unit retire": ["unit", "retire", "U9", "--at", "2026-03-31"],
        "device add": ["device", "add", "STIM-3", "--load", "stim", "--room", "R9"],
        "device amend": ["device", "amend", "STIM-3", "--stations", "2", "--by", "D01", "--and", "D02"],
        "device retire": ["device", "retire", "STIM-3", "--at", "2026-03-31"],
        "device list": ["device", "list"],
        "unit list": ["unit", "list"],
        "import-bills": ["import-bills", str(folder / "bills.json")],
        "catalogue unmapped": ["catalogue", "unmapped"],
        "catalogue map": ["catalogue", "map", "LL-001", "31", "--by", "D01"],
        "catalogue list": ["catalogue", "list"],
        "catalogue show": ["catalogue", "show", "31"],
        "attended add": ["attended", "add", "--visit", "V1", "--item", "16", "--began", f"{day}T09:00", "--ended",
                         f"{day}T09:20", "--acupoints", "8", "--by", "D01", "--why", "offline"],
        "attended correct": ["attended", "correct", "1", "--room", "R1", "--by", "D02", "--why", "slip"],
        "attended list": ["attended", "list"],
        "attended withdraw": ["attended", "withdraw", "2", "--by", "D02", "--why", "slip"],
        "attended token": ["attended", "token", "V1", "--by", "D09"],
        "reconcile": ["reconcile", "--from", day, "--to", day],
        "catalogue propose": ["catalogue", "propose", str(folder / "change.toml"), "--by", "D01", "--why", "w"],
        "catalogue approve": ["catalogue", "approve", "1", "--by", "D02"],
        "catalogue proposals": ["catalogue", "proposals"],
        "close": ["close", day, "--by", "D01"],
        "report": ["report", "--from", day, "--to", day, "--out", str(folder / "day.csv")],
        "pack": ["pack", "--from", day, "--to", day, "--out", str(folder / "day.zip")],
        "draw": ["draw", "--from", day, "--to", day, "--n", "2"],
        "spot-check": ["spot-check", "--out", str(folder / "round.pdf")],
        "leads": ["leads"],
        "check": ["check", str(book)],
        "status": ["status"],
        "backup": ["backup", str(folder / "copy.db")],
        "data-room": ["data-room", str(folder / "room")],
        "keygen": ["keygen", "--out", pem],
        "release": ["release", "--key", pem, "--out", str(folder / "1.wwr")],
        "provision": ["provision", "--unit", "U8", "--clinic", "C001", "--load", "tdp", "--room", "R1", "--dry-run"],
        "replay": ["replay", str(folder / "lamp.csv"), "--unit", "U8", "--key", pem, "--out", str(folder / "u8")],
        "calibrate": ["calibrate", str(folder / "lamp.csv")],
    }  # fmt: skip
    for name, arguments in asked.items():
        told[name] = answer(book, arguments)
    shutil.copy(book / config.FILE, folder / config.FILE)  # beside the backup
    told["restore"] = answer(folder / "restored", ["restore", str(folder / "copy.db")])
    told["kit"] = answer(
        district(folder / "district"), ["kit", "--clinic", "C001", "--out", str(folder / "stick")]
    )
    for name, arguments in reviewed(told["leads"][0]["id"], day, folder).items():
        told[name] = answer(book, arguments)
    return told


def district(book: Path) -> Path:
    """The ledger folder of a district with one clinic."""
    answer(book, ["init", str(book), "--clinic", "D1", "--name", "N", "--role", "district"])
    with (book / config.FILE).open("a", encoding="utf-8") as file:
        file.write('\n[clinics.C001]\nname = "N"\n')
    return book


def reviewed(lead: str, day: str, folder: Path) -> dict[str, list[str]]:
    """What people do about a lead, in this order."""
    bundle, by = str(folder / "leads.json"), ["--by", "Q01"]
    page = folder / "page.txt"
    page.write_text("page", encoding="utf-8")
    file = hashlib.sha256(page.read_bytes()).hexdigest()
    decided = ["--outcome", "confirmed", "--why", "w", "--withheld", "36"]
    return {
        "lead answer": ["lead", "answer", lead, "--text", "t", "--attach", str(page), *by],
        "lead review": ["lead", "review", lead, *decided, *by],
        "lead open": ["lead", "open", "--rule", "complaint", "--day", day, "--text", "t", *by],
        "lead show": ["lead", "show", lead],
        "lead export": ["lead", "export", "--out", bundle],
        "lead import": ["lead", "import", bundle, *by],
        "lead attachment": ["lead", "attachment", file, "--out", str(folder / "again.txt")],
        "trail": ["trail"],
        "person add": ["person", "add", "D02", "--role", "nurse", "--generate"],
        "person list": ["person", "list"],
        "person role": ["person", "role", "D02", "--role", "manager"],
        "person password": ["person", "password", "D02", "--generate"],
        "person end": ["person", "end", "D02"],
    }


def trace() -> str:
    rows = [f"2026-03-02T08:{minute:02d}:00,{250 if 5 <= minute < 30 else 2}" for minute in range(40)]
    rows += [f"2026-03-02T12:{minute:02d}:00,2" for minute in range(10)]
    return "\n".join(["time,power_w", *rows, ""])


def answer(book: Path, arguments: list[str]) -> Any:
    of_unit = arguments[0] in ("keygen", "release", "replay", "calibrate", "provision")
    said = [] if of_unit else ["--dir", str(book)]
    ran = CliRunner().invoke(
        unit_program if of_unit else wattwitness, [*said, *arguments, "--json"], catch_exceptions=False
    )
    assert ran.exit_code in (0, 1), ran.output
    return json.loads(ran.stdout)


OF_EACH_KIND = (
    "troubles",
    "parameters",
    "witness",
    "body",
)  # what these hold depends on the rule or the trouble


def shape(value: Any) -> Any:
    """The names in a document, without what they say. A list has the shapes that its members have together."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items() if name not in OF_EACH_KIND}
    if isinstance(value, list):
        return merged([shape(each) for each in value])
    return None


def merged(shapes: list[Any]) -> Any:
    tables = [each for each in shapes if isinstance(each, dict)]
    names = {name for each in tables for name in each}
    return (
        [{name: next(each[name] for each in tables if name in each) for name in sorted(names)}]
        if names
        else []
    )


def fits(said: Any, documented: Any) -> bool:
    """Whether a document has just the names that the reference gives it; an empty list may be of anything."""
    if isinstance(said, dict) and isinstance(documented, dict):
        return said.keys() == documented.keys() and all(fits(said[name], documented[name]) for name in said)
    if isinstance(said, list) and isinstance(documented, list) and said and documented:
        return fits(said[0], documented[0])
    return True


EXAMPLES = dict(re.findall(r"^```json (.+?)\n(.*?)^```$", COMMANDS_MD, re.M | re.S))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_json_of_each_command_has_the_names_of_its_example(name, spoken):
    documented = json.loads(EXAMPLES[name])
    assert fits(shape(spoken[name]), shape(documented)), spoken[name]


def test_every_command_that_takes_json_has_an_example_or_a_sentence(spoken):
    takes = {name for name, each in ALL.items() if any("--json" in option.opts for option in each.params)}
    shown = {name for name in ALL if "```json" in section(name)}
    spoken_elsewhere = {"wattwitness unit update"}  # it needs a broker: tests/gateway/test_unit_update.py
    assert takes - shown - spoken_elsewhere == {"wattwitness lead show", "wattwitness lead appeal"}
    (lead,) = shape(json.loads(EXAMPLES["leads"]))
    assert fits(shape(spoken["lead show"]), lead | {"history": []})
    found = shape(json.loads(EXAMPLES["reconcile"]))["leads"][0]
    assert fits({name: lead[name] for name in found}, found)


def test_a_shape_that_differs_would_be_seen():
    assert not fits(shape({"a": 1}), shape({"b": 1}))
    assert not fits(shape({"a": [{"b": 1}]}), shape({"a": [{"c": 1}]}))
    assert fits(shape({"a": []}), shape({"a": [{"c": 1}]}))


# --- settings -----------------------------------------------------------------------------------------------


def named(heading: str) -> set[str]:
    """The settings in the table under a heading."""
    rows = re.findall(r"^\| ((?:`[\w.]+` ?)+)\|", section(heading), re.M)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def test_every_setting_of_the_gateway_is_in_the_reference_and_no_other():
    tables = {section_: rules for section_, (rules, _) in config._SECTIONS.items()} | {
        "district": config._DISTRICT,
        "clinics.ID": config._CLINIC,
    }
    known = {f"{table}.{key}" for table, rules in tables.items() for key in rules} | set(config.TOP)
    assert named("wattwitness.toml") == known


def test_every_setting_of_a_unit_is_in_the_reference_and_no_other():
    tables = {
        "mqtt": unit_settings.MqttSettings,
        "port": PortSettings,
        "box": unit_settings.BoxSettings,
        "clock": unit_settings.ClockSettings,
    }
    known = {f"{table}.{each.name}" for table, kind in tables.items() for each in dataclasses.fields(kind)}
    known |= {f"profile.{key}" for key in PROFILE} | (unit_settings._TOP - {*tables, "profile"})
    assert named("unit.toml") == known


def test_the_formats_of_bills_are_named():
    assert f"--format {'|'.join(FORMATS)}" in section("wattwitness import-bills")


# --- verdicts, leads, findings ------------------------------------------------------------------------------


def test_every_verdict_has_its_row_and_every_grade_its_sentence():
    part = VERDICTS_MD.split("## 六种核对结果")[1].split("## 怎样匹配")[0]
    assert re.findall(r"^\| `(\w+)` \|", part, re.M) == list(CODES)
    assert all(f"{grade}：" in VERDICTS_MD for grade in GRADES)


def test_every_rule_of_leads_has_its_row_and_no_other():
    part = VERDICTS_MD.split("## 线索 · Leads")[1].split("## 发现")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.M)) == set(leads.default_rules())
    least_s = leads.default_rules()["dark"]["least_s"]
    assert f"{least_s // 60} 分钟以上" in part


def test_every_finding_has_its_row_and_is_named_with_the_commands():
    part = VERDICTS_MD.split("## 发现 · Findings")[1].split("## 能说什么")[0]
    rows = re.findall(r"^\| `(\w+)` \|", part, re.M)
    produced = set(findings._SENTENCES) | {"gap", "withheld", "tag_contradicted"}
    assert produced <= set(rows)
    assert set(rows) - produced == set(re.findall(r"`(\w+)`", part.split("已定")[0].rsplit("\n", 1)[1]))
    assert all(f"`{code}`" in section("wattwitness take-in") for code in rows)


def test_the_table_of_classes_is_the_catalogue():
    said = re.findall(
        r"^\| `(\w+)` \| (\d+) (\S+) \| (\d+) min \| (\d+) min \| (\d+) s \|", VERDICTS_MD, re.M
    )
    items = catalogue.read().items.values()
    assert {
        (load, int(number), zh, int(least), int(most), int(required))
        for load, number, zh, least, most, required in said
    } == {
        (
            each.device_class,
            each.number,
            each.zh,
            each.min_minutes,
            each.max_minutes,
            each.min_minutes * 60 - 60,
        )
        for each in items
        if not each.attended
    }


# --- the example by hand ------------------------------------------------------------------------------------


def ms(clock: str) -> int:
    hour, minute = map(int, clock.split(":"))
    return (hour * 60 + minute) * 60_000


def by_hand() -> tuple[list[Session], list[int]]:
    """The sessions of the example, and how many treatments it says that each carries."""
    part = VERDICTS_MD.split("## 手算的例子")[1].split("## 覆盖")[0]
    rows = re.findall(r"^\| ([\d:]+)–([\d:]+) \| (\d+) \| .* = (\d) \|", part, re.M)
    sessions = [
        Session("U1", us, "lamp", ms(start), ms(end), int(active), 1, "A", "L")
        for us, (start, end, active, _) in enumerate(rows, start=1)
    ]
    return sessions, [int(carries) for *_, carries in rows]


def judged(sessions: list[Session], darks: list[Dark]) -> Judgement:
    treatments = [Treatment(f"V{n}/1", 1, 31, 0, ms("24:00") - 1, ms("9:00") + n, 1200) for n in range(5)]
    return judge(Case(1140, {31: ItemRule(1140, 1200)}, treatments, sessions, darks, [(0, None)]))


def test_the_example_by_hand_is_what_the_program_says():
    sessions, carries = by_hand()
    assert [each.active_s // 1140 for each in sessions] == carries == [1, 2, 0]
    found = judged(sessions, [])
    codes = [each.code for each in found.verdicts]
    assert (codes.count("supported"), codes.count("short"), codes.count("no_device_time")) == (3, 1, 1)
    assert [each.active_s for each in found.verdicts if each.code == "short"] == [780]
    assert {len(each.among) for each in found.verdicts if each.code != "supported"} == {5}
    assert [(len(each.treatments), each.capacity) for each in found.witnesses] == [(5, 3)]


def test_the_example_with_dark_time_is_what_the_program_says():
    found = judged(by_hand()[0], [Dark("lamp", ms("15:00"), ms("15:20"), 1, "U1")])
    codes = sorted(each.code for each in found.verdicts)
    assert codes == ["short", "supported", "supported", "supported", "unobserved"]


# --- links and manners --------------------------------------------------------------------------------------


def anchor(heading: str) -> str:
    """As code hosts make it of a heading."""
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@pytest.mark.parametrize("page", DOCUMENTS)
def test_every_relative_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", DOCUMENTS[page], flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = unquote(link).partition("#")
        target = (CHECKOUT / page).parent / path if path else CHECKOUT / page
        assert target.resolve().is_relative_to(CHECKOUT) and target.exists(), f"{page}: {link}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M)
            assert fragment in map(anchor, headings), f"{page}: {link}"


def test_both_readmes_name_the_same_commands_pages_and_sections():
    english, chinese = "README.md", "README.zh-CN.md"
    assert shown_commands(english) == shown_commands(chinese) != set()
    links = [set(re.findall(r"\]\(((?!README)[^)]+)\)", DOCUMENTS[page])) for page in (english, chinese)]
    assert links[0] == links[1]
    headings = [re.findall(r"^#+ ", DOCUMENTS[page], re.M) for page in (english, chinese)]
    assert headings[0] == headings[1]


def test_pages_for_people_say_it_in_chinese_first():
    for page in (
        "README.zh-CN.md",
        "SECURITY.md",
        "docs/commands.md",
        "docs/verdicts.md",
        "docs/first-verdicts-today.md",
        "docs/kit.md",
        "protocol/FORMAT.md",
    ):
        assert re.match(r"# [^\n]*[一-鿿]", DOCUMENTS[page]), page


@pytest.mark.parametrize("page", DOCUMENTS)
def test_no_document_names_a_registry_host(page):
    hosts = r"pypi\.org|pythonhosted|npmjs|debian\.org|crates\.io|proxy\.golang|index-url"
    assert not re.search(hosts, DOCUMENTS[page])


def test_the_decisions_are_numbered_and_say_what_was_given_up():
    pages = [page for page in DOCUMENTS if page.startswith("docs/decisions/")]
    numbers = [re.search(r"/(\d{4})-[a-z0-9-]+\.md$", page) for page in pages]
    assert all(numbers) and len({each[1] for each in numbers if each}) == len(pages)
    assert [page for page in pages if "gave up" not in DOCUMENTS[page]] == []


def test_the_licence_is_the_one_that_the_package_names():
    text = (CHECKOUT / "LICENSE").read_text("utf-8")
    assert (
        "Apache License" in text
        and "Version 2.0, January 2004" in text
        and "END OF TERMS AND CONDITIONS" in text
    )
    assert 'license = "Apache-2.0"' in (CHECKOUT / "pyproject.toml").read_text("utf-8")
