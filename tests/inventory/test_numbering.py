import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.numbering import CANONICAL_COLUMN, parse_number, shown


@pytest.mark.parametrize(
    ("text", "e164", "dialled"),
    [
        ("0299 3820 001", "+842993820001", "0299 3820 001"),
        ("(0235) 3852.739", "+842353852739", "0235 3852 739"),
        ("+84 24 3943 0000", "+842439430000", "024 3943 0000"),
        ("0912-345-678", "+84912345678", "0912 345 678"),
        ("84912345678", "+84912345678", "0912 345 678"),
        ("0570000101", "+84570000101", "0570 000 101"),
        ("1800 1166", "+8418001166", "1800 1166"),
        ("080 44222", "+848044222", "080 44222"),
        ("+856 21 212 345", "+85621212345", "+856 21 212 345"),
    ],
)
def test_a_number_is_kept_as_e164_and_shown_as_it_is_dialled(text, e164, dialled):
    assert parse_number(text) == e164
    assert parse_number(e164) == e164
    assert shown(e164).replace(" ", "") == dialled.replace(" ", "")


def test_a_fixed_line_is_shown_with_its_area_code_apart():
    assert shown("+842993820001") == "0299 3820 001"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("3820001", "thiếu mã vùng"),
        ("0299 3820", "không phải số điện thoại"),
        ("02993820001234", "không phải số điện thoại"),
        ("0123456789", "không phải số điện thoại"),
        ("", "chỉ gồm chữ số"),
        ("không có", "chỉ gồm chữ số"),
        ("0299 3820001 x12", "chỉ gồm chữ số"),
        ("+", "chỉ gồm chữ số"),
        ("+999 123", "không phải số điện thoại"),
    ],
)
def test_what_cannot_be_dialled_is_refused_with_a_sentence(text, why):
    with pytest.raises(ValueError, match=why):
        parse_number(text)


def test_text_that_is_no_number_is_shown_as_it_is():
    assert shown("119") == "119"
    assert shown("") == ""


@given(st.text(alphabet="+0123456789 .-()abc", max_size=16))
def test_whatever_is_accepted_is_stable(text):
    try:
        number = parse_number(text)
    except ValueError:
        return
    assert parse_number(number) == number
    assert number.startswith("+")


@given(st.lists(st.sampled_from(["", "+842993820001", "+84912345678"])))
def test_a_column_of_stored_numbers_needs_no_parsing(numbers):
    assert CANONICAL_COLUMN.fullmatch("\n".join([*numbers, ""]))
