"""What the person asked to see, and what of it there is."""

from __future__ import annotations

import pytest

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.session.display import Display, available, resolve
from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from support.session_kit import GENES, make_model, make_spots, prediction_of, write_slide


@pytest.mark.parametrize("percentiles", [(50, 50), (90, 10), (-1, 50), (1, 101)])
def test_percentiles_that_make_no_range_are_refused(percentiles):
    with pytest.raises(SettingsError, match="percentiles"):
        Display(percentiles=percentiles)


def test_an_opacity_beyond_one_is_refused():
    with pytest.raises(SettingsError, match="opacity"):
        Display(opacity=1.5)


@pytest.mark.parametrize(
    ("wanted", "predicted", "measured", "shown"),
    [
        ("predicted", True, True, "predicted"),
        ("predicted", False, True, "measured"),
        ("predicted", False, False, None),
        ("measured", True, False, "predicted"),
        ("beside", True, True, "beside"),
        ("beside", True, False, "predicted"),
        ("beside", False, True, "measured"),
    ],
)
def test_what_is_shown_of_what_is_wanted(wanted, predicted, measured, shown):
    assert resolve(wanted, available(predicted, measured)) == shown


@pytest.fixture
def session(tmp_path):
    session = Session()
    session.use_slide(open_slide(write_slide(tmp_path)))
    yield session
    session.close_slide()


def test_spots_with_counts_show_the_most_expressed_gene_first(session):
    session.use_spots(make_spots())
    assert session.shown_quantity == "measured"
    assert session.gene == "MALAT1"
    assert session.genes == (*GENES, "MALAT1")


def test_a_result_shows_the_gene_that_can_be_trusted_most_first(session):
    session.use_spots(make_spots(counts=False))
    assert session.gene is None
    session.use_model(make_model())
    session.runs.start()
    assert session.gene == "GNAS"


def test_a_gene_that_is_there_too_stays_chosen(session):
    session.use_spots(make_spots())
    session.show(gene="CD74")
    session.use_model(make_model())
    run = session.runs.start()
    session.runs.finish(run, prediction_of(run))
    assert session.shown_quantity == "predicted"
    assert session.gene == "CD74"


def test_a_gene_that_the_model_lacks_gives_way_when_predictions_are_shown(session):
    session.use_spots(make_spots())
    session.show(gene="MALAT1")
    session.use_model(make_model())
    session.runs.start()
    assert session.gene == "GNAS"


def test_showing_what_is_shown_already_is_no_news(session):
    news = []
    session.display_changed.connect(news.append)
    session.show(opacity=session.display.opacity)
    assert news == []
    session.show(opacity=0.5)
    assert [display.opacity for display in news] == [0.5]


def test_a_wrong_setting_leaves_the_display_as_it_was(session):
    before = session.display
    with pytest.raises(SettingsError):
        session.show(percentiles=(80.0, 20.0))
    assert session.display is before
