"""Addresses in SIP headers: name-addr and addr-spec with their parameters (RFC 3261, 20.10). Text in, values out."""

import re
from dataclasses import dataclass

__all__ = ["SipAddress", "addresses_of", "host_text"]

_ITEM = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+')
_NAMED = re.compile(r'\s*(?:"(?:\\.|[^"\\])*"|[^"<>]*?)\s*<([^>]*)>(.*)', re.DOTALL)
_PARAMETER = re.compile(r";\s*([^\s;=]+)(?:\s*=\s*(\"(?:\\.|[^\"\\])*\"|[^\s;]*))?")
_LONGEST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class SipAddress:
    """One address: its URI and the header's own parameters, names in lower case."""

    uri: str
    parameters: tuple[tuple[str, str], ...]

    def parameter(self, name: str) -> str:
        """Answer a parameter's value, or an empty text."""
        return next((value for given, value in self.parameters if given == name), "")

    def seconds(self, name: str) -> int | None:
        """Answer a parameter that counts seconds; None where it is not there or is no number."""
        text = self.parameter(name)
        is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_SECONDS
        return int(text) if is_number else None


def addresses_of(*values: str) -> tuple[SipAddress, ...]:
    """Read header values that may each list several addresses; what is no address is left out."""
    found = (_address(item) for value in values for item in _ITEM.findall(value))
    return tuple(address for address in found if address is not None)


def host_text(address: str) -> str:
    """Write a numeric address as it stands in a URI: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def _address(item: str) -> SipAddress | None:
    named = _NAMED.fullmatch(item)
    if named is not None:
        uri, rest = named[1].strip(), named[2]
    else:
        # Without brackets every parameter is the header's, not the URI's (20.10).
        uri, semicolon, rest = item.strip().partition(";")
        uri, rest = uri.strip(), semicolon + rest
    if not uri or any(letter.isspace() for letter in uri):
        return None
    parameters = tuple((name.lower(), value.strip('"')) for name, value in _PARAMETER.findall(rest))
    return SipAddress(uri, parameters)
