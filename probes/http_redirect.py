"""Where a redirect leads, decided without asking anybody: to the same host, or to one that the target names."""

from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from probes.http_plan import DEFAULT_PORT, HttpPlan, request_bytes

__all__ = ["FOLLOWED", "redirected"]

FOLLOWED: Final = frozenset({301, 302, 303, 307, 308})
"""Redirects that name one place to go (RFC 9110, 15.4)."""

_SAFE = "!#$%&'()*+,/:;=?@[]~"
_SHOWN_CHARACTERS = 60


def redirected(plan: HttpPlan, location: bytes) -> HttpPlan | str:
    """Answer the plan for the next hop, or why there is none."""
    if not location:
        return "redirect: to nowhere"
    if not plan.redirects:
        return "redirect: one more than are followed"
    try:
        target = urljoin(plan.url, location.decode("latin-1").strip())
        parts = urlsplit(target)
        port = parts.port or DEFAULT_PORT.get(parts.scheme, 0)
        name = (parts.hostname or "").lower()
    except ValueError:
        return "redirect: to what is no address"
    return _refusal(plan, parts, name) or _hop(plan, parts, name, port)


def _refusal(plan: HttpPlan, parts: SplitResult, name: str) -> str:
    if parts.scheme not in DEFAULT_PORT or not name.isascii():
        return f"redirect: to what is no address of the web: {parts.geturl()[:_SHOWN_CHARACTERS]}"
    if plan.is_tls and parts.scheme == "http":
        return "redirect: from https to http"
    if name != plan.name and name not in plan.hosts:
        return f"redirect: to another host: {name[:_SHOWN_CHARACTERS]}"
    return ""


def _hop(plan: HttpPlan, parts: SplitResult, name: str, port: int) -> HttpPlan:
    path = quote(parts.path or "/", safe=_SAFE) + (
        f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    )
    host = f"[{name}]" if ":" in name else name
    is_default = port == DEFAULT_PORT[parts.scheme]
    return replace(
        plan,
        request=request_bytes(path, host if is_default else f"{host}:{port}"),
        address=plan.address if name == plan.name else plan.hosts[name],
        port=port,
        url=parts.geturl(),
        name=name,
        redirects=plan.redirects - 1,
        hosts={plan.name: plan.address, **plan.hosts},
        tls=plan.tls if name == plan.name else replace(plan.tls, server_name=name),
        is_tls=parts.scheme == "https",
    )
