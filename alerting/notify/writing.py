"""What every text of a message is written with: lengths of short messages, folding, codes and times. Pure."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

__all__ = [
    "GSM_LIMIT",
    "UCS2_LIMIT",
    "code_page",
    "fits",
    "fits_gsm",
    "folded",
    "gsm_length",
    "shown",
    "spaced",
    "ucs2_length",
]

GSM_LIMIT = 160
"""Septets in one part of a short message in the GSM 7-bit alphabet (3GPP TS 23.038)."""
UCS2_LIMIT = 70
"""UTF-16 units in one part of a short message outside that alphabet."""

_GSM_OF_MANY = 153
_UCS2_OF_MANY = 67

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("^{}\\[~]|€\f")


def fits(candidate: str, parts: int) -> bool:
    """Answer whether ``candidate`` fits a short message of ``parts`` parts."""
    # Parts of a longer message give up room to say which part they are (3GPP TS 23.040, section 9.2.3.24.1).
    if fits_gsm(candidate):
        return gsm_length(candidate) <= (GSM_LIMIT if parts == 1 else parts * _GSM_OF_MANY)
    return ucs2_length(candidate) <= (UCS2_LIMIT if parts == 1 else parts * _UCS2_OF_MANY)


def code_page(link: str) -> str:
    """Answer where a code is typed, beside the pages that links open."""
    return link.rpartition("/")[0]


def fits_gsm(candidate: str) -> bool:
    """Answer whether every character is in the GSM 7-bit alphabet or its extension."""
    return _GSM_BASIC.issuperset(set(candidate) - _GSM_EXTENDED)


def gsm_length(candidate: str) -> int:
    """Count septets: a character of the extension takes two."""
    return sum(2 if character in _GSM_EXTENDED else 1 for character in candidate)


def ucs2_length(candidate: str) -> int:
    """Count UTF-16 units: a character outside the basic plane takes two."""
    return len(candidate.encode("utf-16-be")) // 2


def folded(marked: str) -> str:
    """Write Vietnamese without marks, in ASCII: đ becomes d, what has no plain form becomes a question mark."""
    plain = unicodedata.normalize("NFD", marked.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(character for character in plain if not unicodedata.combining(character))
    return bare.replace("–", "-").replace("…", "..").encode("ascii", "replace").decode()


def spaced(code: str) -> str:
    """Write a code in two halves, as it is read out."""
    return f"{code[:4]} {code[4:]}"


def shown(body: Mapping[str, Any], name: str) -> str:
    """Write the moment ``name`` of a page's facts in the election's zone; a dash where there is none."""
    value = body.get(name)
    if not value:
        return "-"
    local = datetime.fromisoformat(value).astimezone(ZoneInfo(body["zone"]))
    return f"{local:%H:%M:%S %d/%m/%Y}"
