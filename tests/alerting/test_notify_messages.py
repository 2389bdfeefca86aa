"""The words of a page: complete in a mail, and still of use in one part of a short message."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.models import MessageKind
from alerting.notify.messages import (
    GSM_LIMIT,
    UCS2_LIMIT,
    fits_gsm,
    folded,
    gsm_length,
    short_text,
    subject,
    text,
    ucs2_length,
)
from tests.support.acting_servers import a_letter

WHATS = (
    "page", "acknowledged", "restored", "claimed", "resolved", "verify_failed", "close_overdue", "roster_gap",
)  # fmt: skip


def test_the_subject_says_how_grave_which_and_what():
    assert subject(a_letter()) == "[P1] SC-21-0001 Vòng ring VNPT-RING-947 (Mỹ Xuyên): 11 xã mất đường VNPT"


def test_a_repeated_page_says_that_it_is_one():
    assert subject(a_letter(body={"loop": 1})).endswith("(nhắc lần 2)")


def test_the_text_is_vietnamese_first_with_english_beside_it_in_local_time():
    written = text(a_letter())
    vietnamese, _, english = written.partition("-- English --")
    for expected in (
        "Gửi: Trực ca VNPT 1",
        "Phiếu sự cố SC-21-0001, mức P1",
        "Đơn vị chịu trách nhiệm: VNPT Sóc Trăng",
        "Mất từ: 12:00:00 23/05/2021",
        "https://ts.invalid/a/abc",
        "Nếu đến 12:03:00 23/05/2021 chưa ai tiếp nhận",
    ):
        assert expected in vietnamese
    assert "Down since: 12:00:00 23/05/2021" in english
    assert "11 communes lost VNPT" in english
    assert unicodedata.is_normalized("NFC", written)


@pytest.mark.parametrize("what", WHATS)
def test_every_kind_of_message_has_words_in_both_languages(what):
    about = {"duty": "operations", "party": "VNPT"} if what == "roster_gap" else {}
    letter = a_letter(link="", body={"what": what, "ended_at": "2021-05-23T06:00:00+00:00", **about})
    assert "SC-21-0001" in subject(letter)
    assert "13:00:00 23/05/2021" in text(letter)
    assert "http" not in text(letter)
    assert short_text(letter, fold=True).startswith("P1 SC-21-0001 ")


def test_marks_are_folded_and_d_with_stroke_becomes_d():
    assert folded("Đường dây ở Mỹ Xuyên đã đứt") == "Duong day o My Xuyen da dut"


def test_a_folded_page_fits_one_part_with_its_number_and_link():
    written = short_text(a_letter(), fold=True)
    assert written == (
        "P1 SC-21-0001 Vong ring VNPT-RING-947 (My Xuyen): 11 xa mat duong VNPT Nhan: https://ts.invalid/a/abc"
    )
    assert gsm_length(written) <= GSM_LIMIT


def test_a_page_with_marks_gives_up_its_link_before_its_words():
    link = "https://thongsuot.soctrang.invalid/a/0123456789012345678901"
    written = short_text(a_letter(link=link), fold=False)
    assert ucs2_length(written) <= UCS2_LIMIT
    assert written.startswith("P1 SC-21-0001 Vòng ring")
    assert link not in written


def test_a_long_title_is_cut_and_the_link_is_kept():
    written = short_text(a_letter(body={"title": "Vòng ring " * 40}), fold=True)
    assert written.endswith(".. Nhan: https://ts.invalid/a/abc")
    assert gsm_length(written) <= GSM_LIMIT


@given(
    title=st.text(max_size=200),
    link=st.sampled_from(["", "https://ts.invalid/a/x", "https://ts.invalid/a/" + "x" * 150]),
    fold=st.booleans(),
)
def test_any_title_gives_one_part_that_keeps_the_number(title, link, fold):
    written = short_text(a_letter(link=link, body={"title": title}), fold=fold)
    assert written.startswith("P1 SC-21-0001")
    if fold or fits_gsm(written):
        assert gsm_length(written) <= GSM_LIMIT
    else:
        assert ucs2_length(written) <= UCS2_LIMIT


def test_characters_of_the_extension_count_twice_and_those_beyond_the_plane_too():
    assert gsm_length("a[b]") == 6
    assert ucs2_length("a🛰") == 3
    assert not fits_gsm("ờ")


REPORT = {
    "what": "report",
    "report": 12,
    "number": "BC-12",
    "severity": "BC",
    "title": "Báo cáo nhanh",
    "title_en": "Quick report",
    "since": "2021-05-23T00:00:00+00:00",
    "until": "2021-05-23T03:00:00+00:00",
    "sha256": "ab" * 32,
    "attached": "",
    "page": "https://ts.invalid/reports/12",
    "by": "",
}


def test_a_notice_of_a_report_keeps_its_number_and_address_in_one_short_message():
    letter = a_letter(link="", kind=MessageKind.NOTICE, incident=0, body=REPORT)
    written = short_text(letter, fold=True)
    assert written == "BC BC-12 Bao cao gui doc: Bao cao nhanh Xem: https://ts.invalid/reports/12"
    assert gsm_length(written) <= GSM_LIMIT


def test_a_notice_of_a_report_says_no_word_of_an_incident_and_of_a_file_only_where_there_is_one():
    bare = text(a_letter(link="", kind=MessageKind.NOTICE, incident=0, body=REPORT))
    assert "sự cố" not in bare
    assert "PDF" not in bare
    assert bare.count("https://ts.invalid/reports/12") == 2
    assert "07:00:00 23/05/2021 – 10:00:00 23/05/2021" in bare
    attached = text(
        a_letter(link="", kind=MessageKind.NOTICE, incident=0, body={**REPORT, "attached": "pdf"})
    )
    assert "Tệp PDF kèm theo" in attached
    assert "ab" * 32 in attached
