"""Every text of the pages, by gettext: one catalogue for each family of pages and language in `locale/`. Chinese comes first."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("zh", "en")
TAGS = {"zh": "zh-CN", "en": "en"}
"""Language -> its BCP 47 tag, for `lang` attributes."""

Say = Callable[..., str]
"""say("key", name=value ...) -> the text in the language that was chosen, its `{}` fields filled by name. A count chooses its
word by `{n:line|lines}`: the first for one, the other for all else."""

LOCALE = Path(__file__).parent / "locale"
_GAPS = {"zh": "", "en": " "}  # between sentences; to gettext an empty text is a missing one


class _Texts:
    """The catalogues of one language, read as they are in the source: nothing has to be compiled first."""

    def __init__(self, lang: str):
        self._gap = _GAPS[lang]
        self._translations = NullTranslations()
        self._found: dict[str, str] = {}
        self.keys = {"gap"}
        for path in sorted((LOCALE / TAGS[lang].replace("-", "_") / "LC_MESSAGES").glob("*.po")):
            with path.open("rb") as file:
                catalogue = read_po(file, abort_invalid=True)
            self.keys.update(str(message.id) for message in catalogue if message.id)
            compiled = io.BytesIO()
            write_mo(compiled, catalogue)
            compiled.seek(0)
            self._translations.add_fallback(GNUTranslations(compiled))

    def text(self, key: str) -> str:
        """KeyError for a key that has no text. A page asks for thousands, of a few hundred: each is looked for once."""
        if key not in self._found:
            if key not in self.keys:
                raise KeyError(key)
            self._found[key] = self._gap if key == "gap" else self._translations.gettext(key)
        return self._found[key]


class _Count(int):
    """A number that knows which word goes with it."""

    def __format__(self, spec: str) -> str:
        one, is_choice, many = spec.partition("|")
        return super().__format__(spec) if not is_choice else one if self == 1 else many


@cache
def _texts(lang: str) -> _Texts:
    return _Texts(lang)


def speak(lang: str) -> Say:
    """The texts in `lang`; Chinese where it is not one of LANGUAGES. KeyError for a key that has no text."""
    texts = _texts(lang if lang in LANGUAGES else LANGUAGES[0])

    def say(key: str, **values: object) -> str:
        counted = {name: _Count(told) if type(told) is int else told for name, told in values.items()}
        return texts.text(key).format(**counted)

    return say


def knows(key: str) -> bool:
    """Whether there is a text of that name."""
    return key in _texts(LANGUAGES[0]).keys
