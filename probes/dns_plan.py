"""What a DNS look asks and expects, made once from a target's options.

=============== ======================================================================================
``name``        what is asked for; by default the root
``type``        ``A AAAA SRV NAPTR SOA TXT MX NS`` or any other type of records; by default ``A``, for the root ``NS``
``expect``      values that must be among the answers, by commas, percent-encoded where they hold spaces: a whole
                record (``0%205%205060%20ns.lab.vn``) or one of its fields (``ns.lab.vn``)
``rcode``       right response codes by commas; by default ``NOERROR``
``recursion``   ``no``: do not ask for recursion; ``yes``: the server must offer it; by default it is asked for
``min_answers`` how many answers there must be at least; by default 1 where the code is NOERROR
``serial_min``  the serial that a zone must have reached (SOA; RFC 1982)
``transport``   ``udp`` (and TCP after a truncated answer), ``tcp`` or ``tls`` (RFC 7858); by default ``udp``
``edns``        ``no``: ask without EDNS, as very old servers need it
=============== ======================================================================================

For the options of TLS see :mod:`probes.tls_plan`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from probes.tls_plan import TLS_OPTIONS, TlsPlan, is_yes, tls_plan

__all__ = ["DNS_OPTIONS", "TRANSPORTS", "DnsPlan", "dns_plan", "normal"]

DNS_OPTIONS: Final = TLS_OPTIONS | {
    "name",
    "type",
    "expect",
    "rcode",
    "recursion",
    "min_answers",
    "serial_min",
    "transport",
    "edns",
}

TRANSPORTS: Final = {"udp": 53, "tcp": 53, "tls": 853}
"""Transports and their ports."""

_PAYLOAD = 1232
"""What a UDP answer may hold without being fragmented on any path (DNS flag day 2020)."""

_SERIALS = 1 << 32


@dataclass(frozen=True, slots=True)
class DnsPlan:
    """``query`` is ready but for its identifier; ``question`` is its question section, as answers repeat it.

    ``needs_recursion``: the answer must say that recursion is available; ``min_answers`` is -1 for the default.
    """

    query: bytes
    question: bytes
    rdtype: dns.rdatatype.RdataType
    expect: tuple[str, ...]
    rcodes: frozenset[int]
    needs_recursion: bool
    min_answers: int
    serial_min: int | None
    transport: str
    tls: TlsPlan | None


def dns_plan(address: str, options: Mapping[str, str]) -> DnsPlan:
    """Make the plan; a ValueError says which option cannot be meant."""
    transport = options.get("transport") or "udp"
    if transport not in TRANSPORTS:
        raise ValueError(f"transport must be udp, tcp or tls, not {transport!r}")
    name = _name(options.get("name", ""))
    rdtype = _type(options.get("type") or ("A" if name != dns.name.root else "NS"))
    recursion = options.get("recursion", "")
    message = dns.message.make_query(name, rdtype, use_edns=_edns(options.get("edns", "")), payload=_PAYLOAD)
    message.flags = dns.flags.Flag(0) if recursion == "no" else dns.flags.RD
    message.id = 0
    query = message.to_wire()
    serial_min = _number("serial_min", options.get("serial_min", ""), -1) % _SERIALS
    return DnsPlan(
        query=query,
        question=query[12 : 12 + len(name.to_wire() or b"") + 4],
        rdtype=rdtype,
        expect=tuple(normal(unquote(part)) for part in options.get("expect", "").split(",") if part),
        rcodes=frozenset(_rcode(part) for part in (options.get("rcode") or "NOERROR").split(",")),
        needs_recursion=is_yes("recursion", recursion),
        min_answers=_number("min_answers", options.get("min_answers", ""), -1),
        serial_min=serial_min if options.get("serial_min") else None,
        transport=transport,
        tls=tls_plan(options, name=address) if transport == "tls" else None,
    )


def normal(text: str) -> str:
    """Answer a value as it is compared: addresses in their short form, names in lower case without a final dot."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text.strip('"').lower().rstrip(".")


def _edns(text: str) -> int:
    return 0 if is_yes("edns", text or "yes") else -1


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(unquote(text) or ".")
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"name cannot be asked for: {text!r}") from error


def _type(text: str) -> dns.rdatatype.RdataType:
    try:
        return dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"type is no type of records: {text!r}") from error


def _rcode(text: str) -> int:
    try:
        return int(dns.rcode.from_text(text.upper()))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"rcode is no response code: {text!r}") from error


def _number(name: str, text: str, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) < _SERIALS):
        raise ValueError(f"{name} must be a number, not {text!r}")
    return int(text)
