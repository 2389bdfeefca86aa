"""Telephone numbers: Viet Nam's numbering plan over E.164.

National numbers follow Circular 22/2014/TT-BTTTT (DOMAIN.md, section 5.1): ten digits beginning with 2 for a
fixed line (area code included), nine beginning with 3, 5, 7, 8 or 9 for a mobile, seven or eight for the
networks of Party and State (80) and of the armed forces (69), and 1800/1900 services. A number of another
country is accepted when libphonenumber finds its length possible. Whether a number is in use nobody asks:
ranges are opened every year, and a list that is behind would refuse the number of a real office.
"""

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat

from inventory.reasons import expected

__all__ = ["CANONICAL_COLUMN", "parse_number", "shown"]

_PLAIN = r"\+84(?:2[0-9]{9}|[35789][0-9]{8})"
_CANONICAL = re.compile(_PLAIN)
CANONICAL_COLUMN = re.compile(rf"(?:(?:{_PLAIN})?\n)*")
"""A whole column of numbers that are already as they are stored (or empty), each ended by a line feed."""

_NATIONAL = re.compile(r"2\d{9}|[35789]\d{8}|(?:80|69)\d{5,6}|1[89]00\d{4,6}")
_WRITTEN = re.compile(r"\+?[0-9 ().\-\u00a0]+")
_VIETNAM = 84


def parse_number(text: str, *, region: str = "VN") -> str:
    """Answer ``text`` as E.164 (``+842993820001``); ``region`` is where a number without ``+`` is dialled.

    Raises ValueError with a sentence that says what is wrong with the number.
    """
    if _CANONICAL.fullmatch(text):
        return text
    if not _WRITTEN.fullmatch(text.strip()):
        raise expected(
            "số điện thoại chỉ gồm chữ số, dấu cách, dấu chấm, gạch nối, ngoặc và dấu + ở đầu",
            "a telephone number has only digits, spaces, dots, hyphens, brackets and a leading +",
        )
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _malformed() from error
    national = phonenumbers.national_significant_number(number)
    if number.country_code == _VIETNAM:
        if len(national) == 7 and text.strip()[0] not in "0+":
            raise expected(
                "thiếu mã vùng; viết đủ, ví dụ 0299 3820 001",
                "the area code is missing; write it whole, such as 0299 3820 001",
            )
        possible = _NATIONAL.fullmatch(national) is not None
    else:
        possible = phonenumbers.is_possible_number(number)
    if not possible:
        raise _malformed()
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _malformed() -> ValueError:
    return expected(
        "không phải số điện thoại: cố định 11 chữ số (0299…), di động 10 chữ số (09…), hoặc +84…",
        "not a telephone number: a fixed line has 11 digits (0299…), a mobile 10 (09…), or write +84…",
    )


def shown(e164: str) -> str:
    """Answer a stored number as people dial it: ``0299 3820 001`` at home, ``+856 …`` abroad."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    home = number.country_code == _VIETNAM
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    dialled = phonenumbers.format_number(number, style)
    # libphonenumber has no form for the networks of Party and State, and leaves their trunk prefix off.
    return f"0{dialled}" if home and not dialled.startswith(("0", "1")) else dialled
