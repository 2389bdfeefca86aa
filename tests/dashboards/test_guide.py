"""Help that is there in both languages, says the same in both, and leads only to pages that exist."""

import re
import unicodedata

import pytest

from dashboards.guide import TOPICS, text_of
from dashboards.i18n import Language
from dashboards.routes import PAGES

SERVED = {page.path for page in PAGES if page.method == "GET"} | {"/api/v1/openapi.json"}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.key)
def test_both_languages_have_the_same_parts_and_lead_to_pages_that_exist(topic):
    texts = {language: text_of(topic.key, language) for language in Language}
    shapes = {tuple(re.findall(r"<(h2|li|p|ol|ul)\b", text)) for text in texts.values()}
    assert len(shapes) == 1
    links = {tuple(re.findall(r'href="([^"]+)"', text)) for text in texts.values()}
    assert len(links) == 1
    assert set(*links) <= SERVED
    assert unicodedata.is_normalized("NFC", texts[Language.VI])


async def test_the_guide_opens_at_its_first_page_and_knows_no_others(officer):
    assert "Đọc bảng theo dõi" in (await officer.see("/guide")).text
    assert "Mỗi xã" not in (await officer.see("/guide/incident")).text
    assert (await officer.see("/guide/nothing")).status_code == 404
