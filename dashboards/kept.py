"""What somebody wrote in a form that was not taken, and the page that the form stood on. Pure.

A session ends, another officer was faster, a time was mistyped: the refusal is right, but losing three hundred letters
typed on a telephone in the rain is not. The page of the refusal shows them again, ready to be copied, and leads back.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from dashboards.security import safe_next

__all__ = ["came_from", "written"]

_FREE_TEXT = (
    *("note", "text", "scenario", "remarks", "recipients", "need", "authority"),
    *("subject", "reference", "hosts", "inspectors"),
)
"""Fields whose text a person thinks up. Never a password, a code or a token."""


def written(form: Mapping[str, str]) -> tuple[str, ...]:
    """Answer the texts of ``form`` that somebody would have to think up again."""
    return tuple(form[name] for name in _FREE_TEXT if form.get(name))


def came_from(headers: Mapping[str, str]) -> str:
    """Answer the page of ours that the form stood on, by Referer: a path, or nothing."""
    told = urlsplit(headers.get("referer", ""))
    if not told.netloc or told.netloc != headers.get("host"):
        return ""
    path = told.path + (f"?{told.query}" if told.query else "")
    return "" if safe_next(path) == "/" else path
