"""For whom somebody may open an incident: the same for every way of telling it."""

from alerting.errors import NotAllowedError
from alerting.models import Matter
from alerting.web.api import Asking, demand
from inventory.access import Right

__all__ = ["owner_allowed"]


def owner_allowed(asking: Asking, matter: Matter, owner: str) -> str:
    """Answer whose matter it shall be: who is kept to one party reports for that party alone."""
    if matter.is_restricted:
        demand(asking, Right.SEE_RESTRICTED, "open a restricted incident")
    if asking.scope is None:
        return owner
    if owner not in {"", asking.scope}:
        raise NotAllowedError(asking.name, "open an incident of another party")
    return asking.scope
