"""Which report is wanted: kind, stage, language, and what people fill in. Figures are never among it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from dashboards.i18n import Language
from dashboards.reports.called import of_carrier, of_sites
from dashboards.reports.record import AidGiven, Record

__all__ = ["Fields", "Kind", "Order", "Stage", "narrowed"]


class Kind(StrEnum):
    """Kind of document."""

    QUICK = "quick"
    HANDOVER = "handover"
    DAILY = "daily"
    INSPECTION = "inspection"
    POST_ELECTION = "post_election"
    CARRIER = "carrier"
    DOSSIER = "dossier"


class Stage(StrEnum):
    """How far a report has come; a final one is frozen, and what follows it is an addendum."""

    NOTIFICATION = "notification"
    INITIAL = "initial"
    FINAL = "final"
    ADDENDUM = "addendum"


@dataclass(frozen=True, slots=True)
class Fields:
    """The official form's fields that people fill in; empty ones stay blank for the clerk's office."""

    number: str = ""
    issued_on: date | None = None
    addressee: str = ""
    recipients: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    signer: str = ""
    urgency: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One report to make. ``party``, ``incident`` and ``area`` narrow it where the kind asks for one."""

    kind: Kind
    stage: Stage = Stage.INITIAL
    language: Language = Language.VI
    fields: Fields = Fields()
    texts: Mapping[str, str] = field(default_factory=dict)
    """Edited sections by name; a section that is not here keeps its draft."""
    party: str = ""
    incident: str = ""
    area: str = ""
    amends: str = ""
    """Number and date of the final report that an addendum corrects."""


def narrowed(record: Record, order: Order) -> Record:
    """Answer the part of the record that an order speaks of: a carrier's own, an incident's own, or all.

    A dossier that a party ordered tells of its own lines alone: a trunk's fault takes others' down too.
    """
    if order.kind is Kind.CARRIER or (order.party and order.kind is not Kind.DOSSIER):
        return _of_party(record, order.party)
    if order.kind is not Kind.DOSSIER:
        return record
    found = _of_incident(record, order.incident)
    return _lines_of(found, order.party) if order.party else found


def _of_party(record: Record, party: str) -> Record:
    paths = tuple(each for each in record.paths if each.carrier == party)
    kept = {each.code for each in paths}
    return replace(
        of_carrier(record, party),
        paths=paths,
        outages=tuple(each for each in record.outages if each.path in kept),
        losses=(),
        incidents=tuple(each for each in record.incidents if each.owner == party),
        turns=tuple(each for each in record.turns if each.party == party),
        gaps=tuple(each for each in record.gaps if each.party == party),
        congestions=tuple(each for each in record.congestions if each.carrier == party),
        links={code: carrier for code, carrier in record.links.items() if carrier == party},
        links_measured=frozenset(code for code in record.links_measured if record.links[code] == party),
        aid=tuple(_seen_by(each, party) for each in record.aid if party in {each.giver, each.receiver}),
        inspections=(),
    )


def _of_incident(record: Record, number: str) -> Record:
    outages = tuple(each for each in record.outages if each.incident == number)
    hit = {each.path for each in outages}
    sites = {each.site for each in record.paths if each.code in hit}
    own = tuple(each for each in record.incidents if each.number == number)
    return replace(
        of_sites(record, sites.union(*(each.sites for each in own))),
        paths=tuple(each for each in record.paths if each.code in hit),
        outages=outages,
        losses=tuple(each for each in record.losses if each.site in sites),
        incidents=own,
        turns=(),
        gaps=(),
        congestions=(),
        links={},
        links_measured=frozenset(),
        aid=tuple(each for each in record.aid if each.incident == number),
        inspections=(),
    )


def _lines_of(record: Record, party: str) -> Record:
    paths = tuple(each for each in record.paths if each.carrier == party)
    kept = {each.code for each in paths}
    return replace(
        of_carrier(record, party),
        paths=paths,
        outages=tuple(each for each in record.outages if each.path in kept),
        losses=(),
        aid=tuple(_seen_by(each, party) for each in record.aid if party in {each.giver, each.receiver}),
    )


def _seen_by(aid: AidGiven, party: str) -> AidGiven:
    """Answer an aid as a party may see it: who helps is never told whom, nor for which incident (alerting.aid)."""
    return aid if aid.receiver == party else replace(aid, receiver="", incident="")
