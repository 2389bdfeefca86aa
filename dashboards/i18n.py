"""Vietnamese first, English second: gettext catalogues read as text at start, with no compiled file in git.

Message ids are English, so that English needs no catalogue and a missing Vietnamese entry shows as English
instead of as nothing. A test fails on any message without a translation.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.pofile import read_po

__all__ = ["CATALOGUE", "N_", "Language", "Words", "words_in"]

CATALOGUE = "locale/vi/LC_MESSAGES/thongsuot.po"


class Language(StrEnum):
    """A language of the pages."""

    VI = "vi"
    EN = "en"

    @classmethod
    def chosen(cls, wanted: str | None, default: "Language") -> "Language":
        """Answer the language called ``wanted``, or ``default`` where there is no such one."""
        return cls(wanted) if wanted in set(cls) else default


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark ``message`` for extraction where it stands; it is translated where it is shown."""
    return message


class Words:
    """Messages in one language. Placeholders are named, printf style: ``gettext("since %(time)s", time=…)``."""

    def __init__(self, language: Language, messages: Mapping[str, tuple[str, ...]]) -> None:
        self.language = language
        self._messages = messages

    def gettext(self, message: str, /, **values: object) -> str:
        """Answer ``message`` in this language with ``values`` filled in."""
        found = self._messages.get(message)
        text = found[0] if found else message
        return text % values if values else text

    def ngettext(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Answer the form for ``count``, which fills ``%(num)s``. Vietnamese has one form, English two."""
        return self.form(one, many, count) % {"num": count, **values}

    def form(self, one: str, many: str, count: int) -> str:
        """Answer the form for ``count`` with its placeholders unfilled."""
        forms = self._messages.get(one) or (one, many)
        return forms[0] if len(forms) == 1 or count == 1 else forms[1]

    def decimal(self, value: float, digits: int) -> str:
        """Write a number with ``digits`` after the decimal sign: a comma in Vietnamese."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language is Language.VI else text

    def pick(self, vi: str, en: str) -> str:
        """Choose between two texts of the inventory; English falls back to Vietnamese where there is none."""
        return vi if self.language is Language.VI or not en else en


@cache
def words_in(language: Language) -> Words:
    """Answer the words of ``language``; its catalogue is read once."""
    if language is Language.EN:
        return Words(language, {})
    text = files("dashboards").joinpath(CATALOGUE).read_bytes()
    messages: dict[str, tuple[str, ...]] = {}
    for message in read_po(BytesIO(text), locale="vi"):
        if not message.id or message.fuzzy:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        text_or_forms = message.string or ""
        forms = (text_or_forms,) if isinstance(text_or_forms, str) else tuple(text_or_forms)
        if all(forms):
            messages[key] = forms
    return Words(language, messages)
