import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.lab.faults import FaultKind, FaultTable, Selector

ANY = Selector(carrier="VNPT")
CODES = st.sets(st.sampled_from("abcdefgh"), max_size=8)


def test_what_is_cut_twice_is_cut_until_both_faults_end():
    table = FaultTable()
    first = table.add(FaultKind.CUT, 1.0, ANY, "abc")
    second = table.add(FaultKind.CUT, 1.0, ANY, "cd")
    assert table.effects().cut == {"a", "b", "c", "d"}
    table.lift(first.number)
    assert table.effects().cut == {"c", "d"}
    table.lift(second.number)
    assert table.effects().cut == set()


def test_two_lossy_stretches_lose_more_than_one():
    table = FaultTable()
    table.add(FaultKind.LOSS, 0.5, ANY, "ab")
    table.add(FaultKind.LOSS, 0.2, ANY, "b")
    assert table.effects().loss == {"a": 500, "b": 600}


def test_delays_add_up():
    table = FaultTable()
    table.add(FaultKind.SLOW, 0.2, ANY, "ab")
    table.add(FaultKind.SLOW, 0.3, ANY, "b")
    assert table.effects().delay == {"a": 0.2, "b": 0.5}


def test_what_is_cut_loses_nothing_more_and_may_be_slow_once_it_is_back():
    table = FaultTable()
    table.add(FaultKind.LOSS, 0.5, ANY, "a")
    table.add(FaultKind.SLOW, 0.1, ANY, "a")
    cut = table.add(FaultKind.CUT, 1.0, ANY, "a")
    assert table.effects().loss == {}
    table.lift(cut.number)
    assert (table.effects().loss, table.effects().delay) == ({"a": 500}, {"a": 0.1})


def test_freeing_targets_takes_them_from_every_fault_and_leaves_the_rest():
    table = FaultTable()
    table.add(FaultKind.CUT, 1.0, ANY, "abc")
    table.add(FaultKind.SLOW, 0.1, ANY, "bx")
    assert table.free("bcz") == {"b", "c"}
    assert (table.effects().cut, table.effects().delay) == ({"a"}, {"x": 0.1})


def test_a_fault_without_targets_left_is_over():
    table = FaultTable()
    fault = table.add(FaultKind.CUT, 1.0, ANY, "ab")
    table.free("ab")
    assert table.faults == ()
    with pytest.raises(KeyError):
        table.lift(fault.number)


def test_numbers_are_never_given_twice():
    table = FaultTable()
    numbers = []
    for _ in range(3):
        numbers.append(table.add(FaultKind.CUT, 1.0, ANY, "a").number)
        table.free("a")
    assert numbers == [1, 2, 3]


def test_a_copy_changes_apart():
    table = FaultTable()
    table.add(FaultKind.CUT, 1.0, ANY, "a")
    other = table.copy()
    other.free("a")
    assert table.effects().cut == {"a"}


@given(st.lists(st.tuples(st.sampled_from(FaultKind), st.floats(0.001, 1.0), CODES), max_size=12), CODES)
def test_after_freeing_nothing_is_wrong_with_the_freed_and_nothing_changed_for_the_others(faults, freed):
    table = FaultTable()
    for kind, amount, targets in faults:
        table.add(kind, amount, ANY, targets)
    before = table.effects()
    table.free(freed)
    after = table.effects()
    touched = {*after.cut, *after.loss, *after.delay}
    assert not touched & freed
    assert after.cut == before.cut - freed
    assert after.loss == {code: level for code, level in before.loss.items() if code not in freed}


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=6))
def test_a_loss_stays_between_nothing_and_everything(ratios):
    table = FaultTable()
    for ratio in ratios:
        table.add(FaultKind.LOSS, ratio, ANY, "a")
    assert 0 <= table.effects().loss["a"] <= 1000
    assert table.effects().loss["a"] >= round(1000 * max(ratios)) - 1
