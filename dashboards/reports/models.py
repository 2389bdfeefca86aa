"""A report as it is kept: ordered, built, edited, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from dashboards.i18n import Language
from dashboards.reports.flat import canonical
from dashboards.reports.order import Fields, Kind, Order, Stage

__all__ = ["BuildState", "Report", "ReportFile", "ReportText", "fields_of", "seal_of"]


class BuildState(StrEnum):
    """Whether a report's files are there."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One file of a report; ``content`` is read only when it is asked for."""

    format: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ReportText:
    """One text section: what was drafted, and what somebody made of it (None: nothing)."""

    section: str
    draft: str
    text: str | None = None
    edited_at: datetime | None = None
    edited_by: str = ""

    @property
    def shown(self) -> str:
        """What the document says."""
        return self.draft if self.text is None else self.text


@dataclass(frozen=True, slots=True)
class Report:
    """One report with its files and texts."""

    id: int
    kind: Kind
    stage: Stage
    language: Language
    since: datetime
    until: datetime
    party: str
    incident: str
    area: str
    amends: int | None
    slot: str | None
    fields: Fields
    state: BuildState
    error: str
    ordered_at: datetime
    ordered_by: str
    built_at: datetime | None
    digest: str
    frozen_at: datetime | None
    frozen_by: str
    previous_seal: str
    seal: str
    files: tuple[ReportFile, ...] = ()
    texts: tuple[ReportText, ...] = ()

    @property
    def is_frozen(self) -> bool:
        """Whether nothing of it may change any more."""
        return self.frozen_at is not None

    @property
    def is_final(self) -> bool:
        """Whether it was ordered to be frozen once it is built."""
        return self.stage in {Stage.FINAL, Stage.ADDENDUM}

    def order(self, amends: str = "") -> Order:
        """Answer what to build."""
        return Order(
            kind=self.kind,
            stage=self.stage,
            language=self.language,
            fields=self.fields,
            texts={each.section: each.text for each in self.texts if each.text is not None},
            party=self.party,
            incident=self.incident,
            area=self.area,
            amends=amends,
        )


def fields_of(stored: Mapping[str, Any]) -> Fields:
    """Read the form's fields as they are stored."""
    issued = stored.get("issued_on")
    return Fields(
        number=stored.get("number", ""),
        issued_on=date.fromisoformat(issued) if issued else None,
        addressee=stored.get("addressee", ""),
        recipients=tuple(stored.get("recipients", ())),
        authority=tuple(stored.get("authority", ())),
        signer=stored.get("signer", ""),
        urgency=stored.get("urgency", ""),
    )


def seal_of(
    *,
    report: int,
    kind: str,
    digest: str,
    files: Mapping[str, str],
    frozen_at: datetime,
    frozen_by: str,
    previous: str,
) -> str:
    """Answer the SHA-256 that vouches for a frozen report, its files and all that were frozen before it."""
    return sha256(
        canonical(
            {
                "report": report,
                "kind": kind,
                "digest": digest,
                "files": dict(sorted(files.items())),
                "frozen_at": frozen_at.isoformat(),
                "frozen_by": frozen_by,
                "previous": previous,
            }
        )
    ).hexdigest()
