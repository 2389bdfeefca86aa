"""Codes find their places, many or one, and a code that is not there finds none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.codes import CodeIndex


@given(st.sets(st.text(max_size=8), max_size=60), st.lists(st.text(max_size=8), max_size=20))
def test_an_index_answers_as_a_dictionary_does(codes, others):
    known = {code: place for place, code in enumerate(codes)}
    index = CodeIndex(tuple(codes))
    asked = [*codes, *others]
    assert index.places(asked).tolist() == [known.get(code, -1) for code in asked]
    assert [index.get(code) for code in asked] == [known.get(code) for code in asked]
    assert dict(index) == known
    assert all((code in index) == (code in known) for code in asked)


def test_a_code_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="UBBC-9"):
        CodeIndex(("UBBC-1",))["UBBC-9"]


def test_codes_of_one_hash_are_told_apart():
    class Same(str):
        __slots__ = ()

        def __hash__(self):
            return 7

    index = CodeIndex((Same("a"), Same("b"), Same("c")))
    assert [index[Same(code)] for code in "abc"] == [0, 1, 2]
    assert index.places([Same("c"), Same("x")]).tolist() == [2, -1]
