"""What somebody writes about planned work becomes a work, or every fault that keeps it from being one. Pure.

A subject is written ``kind:code`` (``risk:OLT-STG-07``) or as the bare code where only one thing has it. The form,
the API and the calendar all come through here, so that the same mistake is told in the same words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inventory.faults import Faults
from inventory.models import Inventory, PartyKind
from inventory.reasons import Reason, UnusableError, expected, suggestion
from monitor.planned import PlannedWork, WorkKind

__all__ = ["LONGEST", "WorkEntry", "known_subjects", "owner_of_subject", "read_entry", "read_subject"]

LONGEST = timedelta(days=31)
"""A window longer than this is a mistake in a date more often than a plan; it can be entered month by month."""

_LONGEST_TEXT: Mapping[str, int] = {"reference": 120, "note": 500}


@dataclass(frozen=True, slots=True)
class WorkEntry:
    """One announcement as it was written; times have a zone already. ``places`` names the line of each field."""

    subject: str
    starts_at: datetime | None
    ends_at: datetime | None
    owner: str = ""
    reference: str = ""
    note: str = ""
    uid: str = ""
    file: str = ""
    lines: Mapping[str, int] | None = None


def known_subjects(inventory: Inventory) -> dict[WorkKind, Mapping[str, Any]]:
    """Answer everything that work can be planned for, by kind and code."""
    return {
        WorkKind.CARRIER: {c: p for c, p in inventory.parties.items() if p.kind is PartyKind.CARRIER},
        WorkKind.RISK: inventory.risks,
        WorkKind.LINK: inventory.links,
        WorkKind.PATH: inventory.paths,
        WorkKind.SITE: inventory.sites,
        WorkKind.AREA: inventory.areas,
        WorkKind.TARGET: inventory.targets,
    }


def read_subject(text: str, inventory: Inventory) -> tuple[WorkKind, str]:
    """Answer what a text means. Raises UnusableError where it is nothing, or more than one thing."""
    subjects = known_subjects(inventory)
    text = text.strip()
    if not text:
        raise expected("hãy ghi đối tượng, ví dụ risk:MÃ", "say what it is for, such as risk:CODE")
    given, _, code = text.partition(":")
    if code and given.strip().lower() in set(WorkKind):
        kind = WorkKind(given.strip().lower())
        if code.strip() in subjects[kind]:
            return kind, code.strip()
        raise _unknown(code.strip(), subjects[kind])
    found = [kind for kind, known in subjects.items() if text in known]
    if not found:
        raise _unknown(text, {code: None for known in subjects.values() for code in known})
    # The address that a path is probed by often bears the path's own code: the wider one is meant.
    if found == [WorkKind.PATH, WorkKind.TARGET]:
        return WorkKind.PATH, text
    if len(found) > 1:
        choices = " ".join(f"{kind}:{text}" for kind in found)
        raise expected(
            f"mã này có nhiều nghĩa, hãy ghi một trong: {choices}", f"ambiguous, write one of: {choices}"
        )
    return found[0], text


def _unknown(code: str, known: Mapping[str, Any]) -> UnusableError:
    hint = suggestion(code, known)
    return UnusableError(
        Reason(
            f"không có mã này trong danh mục{hint.vi or '; hãy ghi mã như trong danh mục'}",
            f"nothing in the inventory has this code{hint.en or '; write the code as the inventory has it'}",
        )
    )


def owner_of_subject(kind: WorkKind, code: str, inventory: Inventory) -> str:
    """Answer the party that answers for a subject; empty for sites and areas, which have no single one."""
    if kind is WorkKind.CARRIER:
        return code
    of = inventory.targets[code].of if kind is WorkKind.TARGET else code
    if kind in {WorkKind.SITE, WorkKind.AREA}:
        return ""
    if of in inventory.paths:
        return inventory.paths[of].carrier
    return inventory.risks[of].owner if of in inventory.risks else inventory.links[of].carrier


def read_entry(entry: WorkEntry, inventory: Inventory, faults: Faults) -> PlannedWork | None:
    """Answer the work that an entry means, or note every fault of it."""
    before = len(faults)
    kind, code = WorkKind.TARGET, ""
    try:
        kind, code = read_subject(entry.subject, inventory)
    except UnusableError as error:
        _note(faults, entry, "subject", entry.subject, error.reason)
    owner = _owner(entry, kind, code, inventory)
    for column, value, reason in _wrong(entry, owner, inventory, code=code):
        _note(faults, entry, column, value, reason)
    if len(faults) > before or entry.starts_at is None or entry.ends_at is None:
        return None
    return PlannedWork(
        id=0,
        kind=kind,
        subject=code,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        owner=owner,
        reference=entry.reference.strip(),
        note=entry.note.strip()[: _LONGEST_TEXT["note"]],
        uid=entry.uid,
    )


def _owner(entry: WorkEntry, kind: WorkKind, code: str, inventory: Inventory) -> str:
    """Answer the party that is named by code or by name, else the one that answers for the subject."""
    given = entry.owner.strip()
    if not given:
        return owner_of_subject(kind, code, inventory) if code else ""
    named = (c for c, p in inventory.parties.items() if given.casefold() in {c.casefold(), p.name.casefold()})
    return next(named, given)


def _wrong(
    entry: WorkEntry, owner: str, inventory: Inventory, *, code: str
) -> Iterator[tuple[str, str, Reason]]:
    if not owner and code:
        yield "owner", "", Reason("hãy ghi đơn vị thực hiện", "say which party does the work")
    elif owner and owner not in inventory.parties:
        hint = suggestion(owner, inventory.parties)
        yield (
            "owner",
            owner,
            Reason(f"không có đơn vị nào mang mã này{hint.vi}", f"no party has this code{hint.en}"),
        )
    if not entry.reference.strip():
        yield (
            "reference",
            "",
            Reason("hãy ghi số văn bản hoặc mã thông báo", "give the number of the letter or of the notice"),
        )
    elif len(entry.reference) > _LONGEST_TEXT["reference"]:
        yield "reference", entry.reference, Reason("quá 120 ký tự", "longer than 120 characters")
    yield from _wrong_window(entry)


def _wrong_window(entry: WorkEntry) -> Iterator[tuple[str, str, Reason]]:
    for column, value in (("start", entry.starts_at), ("end", entry.ends_at)):
        if value is None:
            yield column, "", Reason("thiếu thời gian", "the time is missing")
    if entry.starts_at is None or entry.ends_at is None:
        return
    if entry.ends_at <= entry.starts_at:
        yield (
            "end",
            entry.ends_at.isoformat(),
            Reason("kết thúc phải sau bắt đầu", "it must end after it starts"),
        )
    elif entry.ends_at - entry.starts_at > LONGEST:
        yield (
            "end",
            entry.ends_at.isoformat(),
            Reason("dài hơn 31 ngày; hãy xem lại ngày", "longer than 31 days; look at the dates again"),
        )


def _note(faults: Faults, entry: WorkEntry, column: str, value: str, reason: Reason) -> None:
    lines = entry.lines or {}
    faults.add(reason, file=entry.file, line=lines.get(column, lines.get("", 0)), column=column, value=value)
