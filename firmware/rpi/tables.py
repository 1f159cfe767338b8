"""One table of a TOML file, read key by key; what is wrong is named with its key, the rule and the value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firmware.rpi.errors import UsageError
from protocol.errors import EmitError
from protocol.topics import name

_WORDS = {str: ("文字", "text"), int: ("整数", "a whole number"), dict: ("表", "a table")}
_MUST: Any = object()


class Table:
    """`fields` of the table whose keys are told as `room` + key; paths are relative to `folder`.

    Its readers raise UsageError with the key, the rule and the value.
    """

    def __init__(self, fields: dict[str, Any], room: str, folder: Path) -> None:
        self.fields, self.room, self._folder = fields, room, folder

    def refuse_all_but(self, known: set[str]) -> None:
        for key in self.fields:
            if key not in known:
                words, where = ", ".join(sorted(known)), self.room + key
                raise UsageError(f"没有配置项 {where}，可用 {words}", f"{where} is not a key: use {words}")

    def table(self, key: str) -> Table:
        return Table(self._typed(key, _MUST, dict), f"{self.room}{key}.", self._folder)

    def text(self, key: str, default: Any = _MUST) -> Any:
        return self._typed(key, default, str)

    def name(self, key: str) -> str:
        try:
            return name(self.text(key))
        except EmitError as error:
            raise UsageError(
                f"{self.room}{key} 只能用字母、数字、-、_ 和 .", f"{self.room}{key}: {error}"
            ) from error

    def path(self, key: str, default: Any = _MUST) -> Any:
        value = self._typed(key, default, str)
        return None if value is None else self._folder / value

    def whole(self, key: str, default: int | None, least: int, most: int) -> int:
        value = self._typed(key, _MUST if default is None else default, int)
        if not least <= value <= most:
            en = f"{self.room}{key} must be from {least} to {most}, but is {value!r}"
            raise UsageError(f"{self.room}{key} 应在 {least} 与 {most} 之间，现为 {value!r}", en)
        return value

    def one_of(self, key: str, values: tuple[Any, ...], default: Any) -> Any:
        """One of `values`, all of one type; `default` None: it must be given."""
        value = self._typed(key, _MUST if default is None else default, type(values[0]))
        if value not in values:
            known, where = ", ".join(str(each) for each in values), self.room + key
            en = f"{where} must be one of {known}, but is {value!r}"
            raise UsageError(f"{where} 应为 {known} 之一，现为 {value!r}", en)
        return value

    def topic(self, key: str, default: Any = _MUST) -> str:
        """An MQTT topic of 1 to 64 characters, to which levels are added: without wildcards, no slash at its ends."""
        value = self.text(key, default)
        fits = 1 <= len(value) <= 64 and value.isprintable() and not set(value) & set("+#")
        if not fits or value.startswith("/") or value.endswith("/"):
            where = self.room + key
            en = f"{where} must be a topic of 1 to 64 characters without +, # and outer slashes, but is {value!r}"
            raise UsageError(f"{where} 应为 1 至 64 个字符的主题，不含 +、#，首尾不是 /，现为 {value!r}", en)
        return str(value)

    def _typed(self, key: str, default: Any, kind: type) -> Any:
        where, value = self.room + key, self.fields.get(key, default)
        if value is _MUST:
            en = f"{where} is missing: it must be {_WORDS[kind][1]}"
            raise UsageError(f"缺少配置项 {where}（{_WORDS[kind][0]}）", en)
        if value is not default and type(value) is not kind:
            en = f"{where} must be {_WORDS[kind][1]}, but is {value!r}"
            raise UsageError(f"{where} 应为{_WORDS[kind][0]}，现为 {value!r}", en)
        return value
