"""Templates: one environment a language, autoescape always on, an undefined name is a fault."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboards.assets import assets
from dashboards.i18n import Language, Words, words_in
from dashboards.wording import SIGNS, label
from inventory.numbering import shown
from monitor.models import Verdict

__all__ = ["environment", "render"]


@cache
def environment(language: Language) -> Environment:
    """Answer the environment for ``language``, made once."""
    words = words_in(language)
    made = Environment(
        loader=PackageLoader("dashboards", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    _install(made, words)
    made.globals.update(
        label=partial(_label, words),
        sign=_sign,
        asset=assets().url,
        language=language.value,
        pick=words.pick,
        decimal=words.decimal,
        Verdict=Verdict,
        seconds=_seconds,
        shown_number=shown,
    )
    return made


def _install(made: Environment, words: Words) -> None:
    # The i18n extension fills placeholders itself (and escapes them), so it gets the texts unfilled.
    def gettext(message: str) -> str:
        return words.gettext(message)

    def ngettext(one: str, many: str, count: int) -> str:
        return words.form(one, many, count)

    extension: Any = made
    extension.install_gettext_callables(gettext, ngettext, newstyle=True)


def _label(words: Words, value: Enum) -> str:
    return label(words, value)


def _sign(verdict: Verdict) -> str:
    return SIGNS[verdict]


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def render(name: str, language: Language, context: Mapping[str, Any]) -> str:
    """Fill the template ``name``."""
    return environment(language).get_template(name).render(context)
