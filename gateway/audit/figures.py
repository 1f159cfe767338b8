"""The figures of the rules: as shipped in rules.toml, and as a ledger folder's own rules.toml changes them.

A folder's file says only what is other. An unknown rule or figure, or a value of another type, is refused with its
name, so that a slip of the pen never silently leaves a rule as it was.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

from gateway.errors import SurroundingsError, UsageError

FILE = "rules.toml"

Rules = Mapping[str, Mapping[str, Any]]

_SENTENCES = ("zh", "en")
_KINDS = {
    bool: ("true 或 false", "true or false"),
    int: ("不小于 0 的整数", "a whole number, 0 or more"),
    float: ("不小于 0 的数", "a number, 0 or more"),
    list: ("不小于 0 的整数的列表", "a list of whole numbers, 0 or more"),
    dict: ("一个表", "a table"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules to go by; `sha256` of the folder's own file, as `sha256sum` says it, empty where there is none."""

    rules: Rules
    sha256: str = ""


@lru_cache
def default_rules() -> Rules:
    """The rules as shipped."""
    return tomllib.loads(resources.files("gateway.audit").joinpath(FILE).read_text("utf-8"))


def read(folder: Path) -> Chosen:
    """The rules of a ledger folder. UsageError where its file breaks a rule, SurroundingsError where it cannot be read."""
    path = folder / FILE
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return Chosen(default_rules())
    except OSError as error:
        raise SurroundingsError(f"不能读取 {path}：{error}", f"cannot read {path}: {error}") from error
    try:
        told = tomllib.loads(body.decode("utf-8").removeprefix("\ufeff"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{path} 不是 UTF-8 的 TOML（{error}）：请改正",
            f"{path} is no TOML in UTF-8 ({error}): correct it",
        ) from None
    return Chosen(laid_over(default_rules(), told, str(path)), hashlib.sha256(body).hexdigest())


def laid_over(rules: Rules, told: Mapping[str, Any], where: str = FILE) -> Rules:
    """The rules with what a document says otherwise. UsageError names the rule, the figure and what it must be."""
    for rule in told:
        if rule not in rules:
            _unknown(where, rule, rules)
    return {rule: _table(table, told.get(rule, {}), where, rule) for rule, table in rules.items()}


def _table(shipped: Mapping[str, Any], told: Any, where: str, rule: str) -> dict[str, Any]:
    if not isinstance(told, dict):
        _complain(where, f"[{rule}]", told, dict)
    for name, value in told.items():
        if name not in shipped or name in _SENTENCES:
            _unknown(where, f"{rule}.{name}", [each for each in shipped if each not in _SENTENCES])
        _check(where, f"{rule}.{name}", value, shipped[name])
    return {**shipped, **{name: _merged(shipped[name], value) for name, value in told.items()}}


def _merged(shipped: Any, told: Any) -> Any:
    """A table inside a rule keeps what is not named."""
    return {**shipped, **told} if isinstance(shipped, dict) else told


def _check(where: str, name: str, value: Any, shipped: Any) -> None:
    kind = type(shipped)
    if type(value) is int and kind is float:
        kind = int
    if type(value) is not kind:
        _complain(where, name, value, type(shipped))
    if kind in (int, float) and not 0 <= value < 1e12:
        _complain(where, name, value, type(shipped))
    if kind is list and not all(type(each) is int and each >= 0 for each in value):
        _complain(where, name, value, list)
    if kind is dict:
        example = next(iter(shipped.values()))
        for key, each in value.items():
            _check(where, f"{name}.{key}", each, example)


def _unknown(where: str, name: str, known: Any) -> NoReturn:
    there_are = ", ".join(known)
    raise UsageError(
        f"{where} 中没有名为 {name} 的规则或数值：可用的是 {there_are}",
        f"{where} has an unknown rule or figure {name}: there are {there_are}",
    )


def _complain(where: str, name: str, value: Any, kind: type) -> NoReturn:
    zh, en = _KINDS[kind]
    raise UsageError(
        f"{where} 中 {name} = {value!r} 不合规则：应为{zh}", f"{where}: {name} = {value!r} must be {en}"
    )
