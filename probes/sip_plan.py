"""What is asked of a SIP element, made of a target's options, and the request that asks it. No socket, no clock.

Options of ``sip_options`` targets:

* ``user``: the part before the @; none by default. ``domain``: the part after it; the address by default.
* ``transport``: ``udp`` (the default), ``tcp`` or ``tls``; ``ca``, ``insecure=yes``, ``server_name`` as with HTTPS.
* ``ask``: ``options`` (the default), or ``registration``: a REGISTER without a Contact, which changes nothing and
  lists the bindings that the registrar holds (RFC 3261, 10.2.3); ``contact`` names a text that the URI of one of
  them must hold.
* ``username`` (``user`` by default) and ``password``: answer to a Digest challenge.
* ``line=yes``: whoever answers is the line's own user agent and says 200 or 486 as an INVITE would have it (RFC
  3261, section 11). Only with that word in the inventory does such an answer prove the line: a gateway or a proxy
  says 200 for itself, with the copper behind it cut (DOMAIN.md 5.3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from typing_extensions import override

from probes.sip_address import host_text
from probes.sip_digest import Credentials
from probes.sip_message import SipRequest
from probes.tls_plan import TlsPlan, tls_plan

__all__ = [
    "COOKIE",
    "SIP_OPTIONS",
    "OwnEnd",
    "SipPlan",
    "SipTransport",
    "branch_of",
    "credentials_of",
    "sip_plan",
    "sip_request",
]

SIP_OPTIONS: Final = frozenset(
    {
        "ask", "ca", "contact", "domain", "insecure", "line", "password", "server_name", "transport", "user",
        "username",
    }
)  # fmt: skip

COOKIE: Final = "z9hG4bK"
"""What a branch begins with since RFC 3261 (8.1.1.7)."""

_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]*")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")


class SipTransport(StrEnum):
    """How a request travels."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class SipPlan:
    """One target's question. ``uri`` is the Request-URI; ``identity`` the address of record asked about."""

    method: str
    uri: str
    identity: str
    transport: SipTransport
    is_line: bool = False
    contact: str = ""
    credentials: Credentials | None = None
    tls: TlsPlan | None = None

    @property
    def needs_only_status(self) -> bool:
        """Whether the answer's status says all, so that its headers need not be read."""
        return self.method == "OPTIONS" and self.credentials is None


@dataclass(frozen=True, slots=True)
class OwnEnd:
    """Where the element sees us: address and port."""

    address: str
    port: int

    @override
    def __str__(self) -> str:
        return f"{host_text(self.address)}:{self.port}"


def sip_plan(address: str, port: int, options: Mapping[str, str]) -> SipPlan:
    """Read a target's options; ValueError, saying which, where they cannot be meant."""
    try:
        transport = SipTransport(options.get("transport", "udp"))
    except ValueError as error:
        raise ValueError(f"transport is udp, tcp or tls: {options['transport']!r}") from error
    user = _part(options, "user", _USER)
    domain = _part(options, "domain", _DOMAIN) or host_text(address)
    place = domain if "domain" in options else f"{domain}:{port}"
    # Never sips: that asks for TLS on every hop behind the element too, which is not what is looked at.
    identity = f"sip:{user}@{place}" if user else f"sip:{place}"
    ask = options.get("ask", "options")
    if ask not in {"options", "registration"}:
        raise ValueError(f"ask is options or registration: {ask!r}")
    if ask == "registration" and not user:
        raise ValueError("a registration is somebody's: user is missing")
    return SipPlan(
        method="REGISTER" if ask == "registration" else "OPTIONS",
        uri=f"sip:{place}" if ask == "registration" else identity,
        identity=identity,
        transport=transport,
        is_line=_yes(options, "line"),
        contact=options.get("contact", ""),
        credentials=credentials_of(options),
        tls=_tls(options, address) if transport is SipTransport.TLS else None,
    )


def credentials_of(options: Mapping[str, str]) -> Credentials | None:
    """Answer the credentials in a target's options, None where they hold no password."""
    if "password" not in options:
        return None
    username = options.get("username", options.get("user", ""))
    if not username or any(letter in username for letter in "\r\n"):
        raise ValueError("a password needs a username")
    return Credentials(username, options["password"])


def sip_request(
    plan: SipPlan, own: OwnEnd, *, name: str, attempt: int = 1, authorization: tuple[str, str] | None = None
) -> bytes:
    """Write the request; ``name`` is the look's unguessable token, the branch is made of it and ``attempt``."""
    ours = f"sip:thongsuot@{host_text(own.address)}"
    sender = plan.identity if plan.method == "REGISTER" else ours
    contact = f"<sip:thongsuot@{own};transport={plan.transport}>"
    headers = [
        # rport (RFC 3581): answer to where this came from, whatever a translator made of it.
        ("Via", f"SIP/2.0/{plan.transport.upper()} {own};branch={branch_of(name, attempt)};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<{sender}>;tag={name}"),
        ("To", f"<{plan.identity}>"),
        ("Call-ID", f"{name}@{host_text(own.address)}"),
        ("CSeq", f"{attempt} {plan.method}"),
    ]
    if plan.method == "OPTIONS":
        headers += [("Contact", contact), ("Accept", "application/sdp")]
    if authorization is not None:
        headers.append(authorization)
    headers.append(("User-Agent", "thongsuot"))
    return SipRequest(tuple(headers), b"", plan.method, plan.uri).encode()


def branch_of(name: str, attempt: int) -> str:
    """Answer the branch of a look's transaction: one for the first request, another for each after it."""
    return f"{COOKIE}{name}" if attempt == 1 else f"{COOKIE}{name}-{attempt}"


def _tls(options: Mapping[str, str], address: str) -> TlsPlan:
    name = options.get("server_name", options.get("domain", address))
    return tls_plan({"ca": options.get("ca", ""), "insecure": options.get("insecure", "")}, name=name)


def _part(options: Mapping[str, str], name: str, allowed: re.Pattern[str]) -> str:
    text = options.get(name, "")
    if text and not allowed.fullmatch(text):
        raise ValueError(f"{name} cannot stand in a SIP address: {text!r}")
    return text


def _yes(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "no")
    if text not in {"yes", "no"}:
        raise ValueError(f"{name} is yes or no: {text!r}")
    return text == "yes"
