"""The ledger: a chain that shows every alteration, and of which the incident is a fold."""

from dataclasses import replace

import pytest

from alerting.incident import apply
from alerting.ledger import GENESIS, append, changes_between, fold, verify
from alerting.models import CauseClass, IncidentEvent, IncidentState
from tests.support.acting import MINUTE, NOON, an_incident

E = IncidentEvent


def a_history():
    """An incident that was opened, acknowledged, restored, resolved and closed; answers it and its entries."""
    incident = an_incident()
    last = append(
        None, incident=1, at=NOON, event=E.OPENED, actor="thongsuot", old="", new=incident.state,
        details={"changes": changes_between(None, incident)},
    )  # fmt: skip
    entries = [last]
    later = NOON + 2 * MINUTE
    steps = (
        (
            E.ACKNOWLEDGED,
            {"acknowledged_by": "Trực ca VNPT 1", "deadline_at": later, "facts": {"sites": ["a"]}},
        ),
        (E.RESTORED, {"ended_at": later, "deadline_at": later}),
        (E.VERIFIED, {"deadline_at": later, "facts": {"sites": ["a"], "down": False}}),
        (E.CLOSED, {"cause": CauseClass.FIBRE_CUT}),
    )
    for event, changes in steps:
        after = apply(incident, event, NOON + MINUTE, **changes)
        last = append(
            last, incident=1, at=NOON + MINUTE, event=event, actor="thongsuot", old=incident.state,
            new=after.state, details={"changes": changes_between(incident, after), "note": "đã nối sợi"},
        )  # fmt: skip
        entries.append(last)
        incident = after
    return incident, entries


def test_the_incident_is_a_fold_of_its_ledger():
    incident, entries = a_history()
    assert fold(entries) == incident
    assert incident.state is IncidentState.CLOSED


def test_an_entry_keeps_only_what_changed():
    _, entries = a_history()
    assert entries[3].details["changes"]["facts"] == {"down": False}
    assert "title" not in entries[1].details["changes"]


def test_a_whole_chain_holds_and_begins_at_genesis():
    _, entries = a_history()
    assert verify(entries) is None
    assert entries[0].previous == GENESIS
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "altered",
    [
        {"actor": "somebody else"},
        {"at": NOON},
        {"details": {"note": "khác"}},
        {"new": "closed"},
        {"event": E.NOTE},
        {"incident": 2},
        {"previous": GENESIS},
        {"hash": "0" * 64},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_an_altered_entry_shows_at_its_place(altered):
    _, entries = a_history()
    entries[2] = replace(entries[2], **altered)
    assert verify(entries) == 3


def test_an_entry_cut_out_or_moved_shows():
    _, entries = a_history()
    assert verify(entries[:2] + entries[3:]) == 3
    assert verify([entries[1], entries[0], *entries[2:]]) == 1
    assert verify(entries[1:]) == 1


def test_a_history_that_the_machine_forbids_is_not_folded():
    _, entries = a_history()
    with pytest.raises(ValueError, match="begins with the opening"):
        fold(entries[1:])
    with pytest.raises(ValueError, match="says"):
        fold([entries[0], entries[2], entries[3], replace(entries[4], old="open")])


def test_the_hash_is_of_canonical_text_and_does_not_depend_on_the_order_of_keys():
    parts = {"incident": 1, "at": NOON, "event": E.NOTE, "actor": "a", "old": "open", "new": "open"}
    one = append(None, **parts, details={"a": 1, "b": "đ"})
    other = append(None, **parts, details={"b": "đ", "a": 1})
    assert one.hash == other.hash
