"""A trouble ticket that somebody's own system opens here, in TMF621's words, and what it is in ours. Pure.

ticketType                          matter: its own words, or outage, degradation
severity                            how much is lost: critical isolated, major last_path, minor redundant_path,
warning degraded (the grade itself is computed, DESIGN.md section 8)
description, note                   what was told
relatedEntity                       the site or area, by its code in the inventory
relatedParty with role owner        who is accountable; a carrier's system: itself
externalIdentifier                  the number there: the same number again is the same ticket
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from alerting.models import Matter
from alerting.severity import Impact
from alerting.tmf621 import TicketNote

__all__ = ["NewTicket", "impact_of", "key_of", "matter_of"]

_TYPES: Mapping[str, Matter] = {
    **{matter.value: matter for matter in Matter},
    "outage": Matter.NO_SERVICE,
    "degradation": Matter.POOR_SERVICE,
}
_Code = Annotated[str, Field(max_length=80)]


class _Severity(StrEnum):
    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"


_IMPACT: Mapping[_Severity, Impact] = {
    _Severity.CRITICAL: Impact.ISOLATED,
    _Severity.MAJOR: Impact.LAST_PATH,
    _Severity.MINOR: Impact.REDUNDANT_PATH,
    _Severity.WARNING: Impact.DEGRADED,
}


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, alias_generator=to_camel)


class _Named(_Shape):
    id: _Code
    role: _Code = ""


class _External(_Shape):
    id: str = Field(
        min_length=1, max_length=120, description="The ticket's number in the caller's own system."
    )


class NewTicket(_Shape):
    """A ticket to open. What the standard knows and is not here is passed over."""

    description: str = Field(
        min_length=1, max_length=3000, description="What is wrong, in the caller's words."
    )
    severity: _Severity = Field(description="How much is lost.")
    ticket_type: str = Field(
        max_length=40, description="What it is about: " + ", ".join(_TYPES), examples=["outage"]
    )
    external_identifier: tuple[_External, ...] = Field(default=(), max_length=1)
    related_entity: tuple[_Named, ...] = Field(
        default=(), max_length=1, description="The site or area, by its code in the inventory."
    )
    related_party: tuple[_Named, ...] = Field(
        default=(), max_length=5, description="With role `owner`: who is accountable."
    )
    note: tuple[TicketNote, ...] = Field(default=(), max_length=20)

    @field_validator("description")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("there must be words in it")
        return text

    @field_validator("ticket_type")
    @classmethod
    def _is_known(cls, text: str) -> str:
        if text not in _TYPES:
            raise ValueError("must be one of: " + ", ".join(_TYPES))
        return text

    @property
    def owner(self) -> str:
        """The party that is named as accountable, or nothing."""
        return next((each.id for each in self.related_party if each.role == "owner"), "")

    @property
    def place(self) -> str:
        """Code of the site or area, or nothing."""
        return self.related_entity[0].id if self.related_entity else ""

    @property
    def external(self) -> str:
        """The ticket's number in the caller's system, or nothing."""
        return self.external_identifier[0].id if self.external_identifier else ""

    @property
    def words(self) -> str:
        """Everything that the ticket says, as one text."""
        notes = (each.text.strip() for each in self.note)
        return "\n".join([self.description.strip(), *(text for text in notes if text)])[:4000]


def matter_of(ticket: NewTicket) -> Matter:
    """Answer what ``ticket`` is about."""
    return _TYPES[ticket.ticket_type]


def impact_of(ticket: NewTicket) -> Impact:
    """Answer how much is lost by what the caller says."""
    return _IMPACT[ticket.severity]


def key_of(ticket: NewTicket, caller: str, *, otherwise: str) -> str:
    """Answer the key under which ``ticket`` is the same again; ``caller``: whose numbers its number is one of.

    ``otherwise`` stands for the number of a ticket that has none.
    """
    told = f"tmf621\n{caller}\n{ticket.external}" if ticket.external else otherwise
    return hashlib.sha256(told.encode()).hexdigest()[:32]
