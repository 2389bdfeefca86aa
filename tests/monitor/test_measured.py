"""Figures beside outcomes: kept by target, shown to Prometheus."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inventory.loader import load
from inventory.samples import sample
from monitor.measured import MeasureBook
from probes.models import Flag, Look, Measure, Outcome, batch_of


@pytest.fixture(scope="module")
def province():
    return load(sample("soc-trang-2021"))


def a_batch(province, *looks, fleet=None):
    return batch_of(looks, vantage="SOC-TRANG-1", fleet=fleet or province.digest, epoch=1, sequence=1)


def series(book):
    families = text_string_to_metric_families(book.render().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_the_newest_figure_of_a_target_is_shown_under_its_code(province):
    book = MeasureBook(province)
    for days in (1, 2):
        look = Look(3, 1, Outcome.OK, measures={Measure.TLS_NOT_AFTER: 86400.0 * days})
        book.take(a_batch(province, look))
    code = list(province.targets)[3]
    assert series(book) == {("thongsuot_tls_not_after_timestamp_seconds", (("target", code),)): 172800.0}


def test_both_directions_of_a_link_are_one_family(province):
    book = MeasureBook(province)
    figures = {Measure.UTILISATION_IN_RATIO: 0.81, Measure.UTILISATION_OUT_RATIO: 0.2}
    book.take(a_batch(province, Look(0, 1, Outcome.OK, measures=figures)))
    assert {labels[0] for _, labels in series(book)} == {("direction", "in"), ("direction", "out")}


def test_sip_answers_are_counted_by_code_and_those_of_pages_are_not(province):
    book = MeasureBook(province)
    codes = list(province.targets)
    sip = next(n for n, c in enumerate(codes) if c.endswith(".sip"))
    web = next(n for n, c in enumerate(codes) if c.endswith(".web"))
    book.take(a_batch(province, Look(sip, 1, Outcome.OK, code=200), Look(web, 1, Outcome.OK, code=200)))
    book.take(a_batch(province, Look(sip, 2, Outcome.OVERLOADED, code=503)))
    assert sorted(dict(labels)["code"] for _, labels in series(book)) == ["200", "503"]


def test_a_canary_s_figures_are_not_a_target_s(province):
    book = MeasureBook(province)
    book.take(a_batch(province, Look(0, 1, Outcome.OK, flags=Flag.CANARY, measures={Measure.MOS: 4.2})))
    assert series(book) == {}


def test_a_batch_of_another_fleet_is_passed_over_and_a_reload_keeps_what_is_still_there(province):
    book = MeasureBook(province)
    book.take(a_batch(province, Look(0, 1, Outcome.OK, measures={Measure.MOS: 4.2}), fleet="another"))
    assert series(book) == {}
    book.take(a_batch(province, Look(0, 1, Outcome.OK, measures={Measure.MOS: 4.2})))
    gone = next(iter(province.targets))
    book.swap(replace(province, targets={c: t for c, t in province.targets.items() if c != gone}))
    assert book.of(gone) == {}
