import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.lab.commands import Action, Command, CommandError, command_of
from probes.lab.faults import Selector
from probes.lab.timeline import TimelineError, parse_timeline


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({"do": "cut", "carrier": "VNPT", "area": "947"}, Command(Action.CUT, Selector(carrier="VNPT", area="947"))),
        ({"do": "loss", "ratio": 0.3, "site": "S"}, Command(Action.LOSS, Selector(site="S"), amount=0.3)),
        ({"do": "loss", "ratio": "25%", "site": "S"}, Command(Action.LOSS, Selector(site="S"), amount=0.25)),
        ({"do": "slow", "ms": 300, "risk": "R"}, Command(Action.SLOW, Selector(risk="R"), amount=0.3)),
        ({"do": "restore"}, Command(Action.RESTORE)),
        ({"do": "restore", "fault": 3}, Command(Action.RESTORE, fault=3)),
        ({"do": "restore", "target": "T"}, Command(Action.RESTORE, Selector(target="T"))),
        ({"do": "status"}, Command(Action.STATUS)),
        ({"do": "log", "last": "5"}, Command(Action.LOG, last=5)),
    ],
)  # fmt: skip
def test_a_command_is_read(asked, command):
    assert command_of(asked) == command


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([], "a command is a mapping, not []"),
        ({}, "there is no None, only cut, loss, slow, fill, restore, status, log"),
        ({"do": "burn"}, "there is no 'burn', only cut, loss, slow, fill, restore, status, log"),
        ({"do": "cut"}, "cut needs at least one of carrier, area, risk, site, target"),
        ({"do": "cut", "carrier": 7}, "carrier must be a code, not 7"),
        ({"do": "cut", "carrier": ""}, "carrier must be a code, not ''"),
        ({"do": "cut", "carier": "VNPT"}, "cut has no carier"),
        ({"do": "loss", "site": "S"}, "ratio must be above 0 and at most 1, not None"),
        ({"do": "loss", "site": "S", "ratio": 1.5}, "ratio must be above 0 and at most 1, not 1.5"),
        ({"do": "loss", "site": "S", "ratio": "nan"}, "ratio must be above 0 and at most 1, not 'nan'"),
        ({"do": "slow", "site": "S", "ms": -1}, "ms must be above 0 and at most 60000, not -1"),
        ({"do": "restore", "fault": "x"}, "fault must be a number, not 'x'"),
        ({"do": "status", "carrier": "VNPT"}, "status has no carrier"),
    ],
)
def test_what_cannot_be_meant_is_said(asked, message):
    with pytest.raises(CommandError) as caught:
        command_of(asked)
    assert caught.value.en == message
    assert caught.value.vi


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["do", "carrier", "ratio", "ms", "fault", "x"]), inner, max_size=4), max_leaves=8))  # fmt: skip
def test_no_json_whatever_breaks_the_reading(asked):
    try:
        command = command_of(asked)
    except CommandError:
        return
    assert command.action in Action


def test_a_timeline_is_read_in_the_order_of_time_and_codes_stay_text():
    events = parse_timeline(
        """
        - {at: 1m30s, do: restore}
        - at: 10s
          do: cut
          carrier: VNPT
          area: 0947
        - {at: 500ms, do: loss, site: S, ratio: 10%}
        - {at: 1h, do: slow, target: T, ms: 200}
        """
    )
    assert [event.at for event in events] == [0.5, 10.0, 90.0, 3600.0]
    assert events[1].command.selector == Selector(carrier="VNPT", area="0947")
    assert events[0].command.amount == 0.1


def test_every_mistake_of_a_timeline_is_told_at_once():
    with pytest.raises(TimelineError) as caught:
        parse_timeline("[{at: soon, do: restore}, {at: 1s, do: cut}, {at: 1s, do: status}, oops]")
    first, second, third, fourth = caught.value.faults
    assert first == "entry 1: at must be like 10s, 1m30s or 500ms, not 'soon'"
    assert second.startswith("entry 2: ")
    assert third == "entry 3: status is nothing that happens"
    assert fourth.startswith("entry 4: ")


@pytest.mark.parametrize("text", ["", "{at: 1s}", "- [", "just text"])
def test_what_is_no_timeline_is_refused(text):
    with pytest.raises(TimelineError):
        parse_timeline(text)
