"""The figure is what is on the screen, on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mclstexp.analysis.domain_map import DomainMap
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.scene.layer_specs import Scene
from napari_mclstexp.scene.printed_scene import figure_of, save_figure, seen_part
from napari_mclstexp.scene.resolve import scene
from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from support.session_kit import GENES, finished, make_model, make_spots, region, write_slide


@pytest.fixture
def session(tmp_path):
    session = Session()
    session.use_slide(open_slide(write_slide(tmp_path)))
    session.use_spots(make_spots())
    session.use_model(make_model())
    finished(session)
    yield session
    session.close_slide()


def panels(figure):
    return [ax for ax in figure.axes if ax.images]


def texts(figure):
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return labels + [text.get_text() for ax in figure.axes for text in ax.texts]


def test_a_gene_has_its_colour_bar_its_spots_in_their_places_and_a_scale_bar(session):
    session.show(gene=GENES[0], percentiles=(0, 100))
    figure = figure_of(scene(session))
    (panel,) = panels(figure)
    assert panel.get_title() == f"{GENES[0]}, predicted"
    (discs,) = panel.collections
    xy = np.asarray(session.spots.obsm["spatial"]) * session.um_per_px
    np.testing.assert_allclose(discs.get_offsets(), xy)
    np.testing.assert_allclose(discs.get_array(), session.result.predicted_values(GENES[0]))
    assert discs.get_clim() == pytest.approx((discs.get_array().min(), discs.get_array().max()))
    (bar,) = [ax for ax in figure.axes if ax.get_xlabel()]
    assert bar.get_xlabel() == session.result.unit
    assert "200 µm" in texts(figure)


def test_measured_and_compared_genes_have_panels_of_one_extent(session):
    session.show(gene=GENES[0], quantity="beside")
    beside = figure_of(scene(session))
    first, second = panels(beside)
    assert (first.get_title(), second.get_title()) == (
        *(f"{GENES[0]}, {quantity}" for quantity in ("predicted", "measured")),
    )
    np.testing.assert_allclose(
        first.collections[0].get_offsets(), second.collections[0].get_offsets()
    )
    session.show(quantity="predicted", compare=GENES[1:])
    assert [each.get_title().split(",")[0] for each in panels(figure_of(scene(session)))] == [
        *GENES
    ]


def test_domains_and_regions_are_named_in_their_colours(session):
    labels = np.where(np.arange(session.spots.n_obs) % 2, "1", "2")
    names, colours = {"1": "Stroma", "2": "Tumour"}, {"1": (255, 0, 0), "2": (0, 0, 255)}
    session.edit("Find domains", domains=DomainMap(labels, names, colours))
    session.edit("Draw a region", regions=(region("Fold"),))
    session.show(show_domains=True)
    figure = figure_of(scene(session))
    (legend,) = figure.legends
    patches = {p.get_label(): p.get_facecolor() for p in legend.get_patches()}
    assert patches == {"Stroma": (1, 0, 0, 1), "Tumour": (0, 0, 1, 1)}
    assert "Fold" in texts(figure)
    (panel,) = panels(figure)
    assert tuple(panel.collections[0].get_facecolor()[1][:3]) == (1, 0, 0)
    session.show(show_regions=False)
    assert "Fold" not in texts(figure_of(scene(session)))


def test_zoomed_in_it_is_of_the_part_that_is_seen(session):
    drawn, scale = scene(session), session.um_per_px
    assert seen_part(drawn, (-1000, -1000, 2000, 2000)) is None
    view = seen_part(drawn, (50 * scale, -40, 150 * scale, 250 * scale))
    assert view == (50, 0, 100, 250)
    (panel,) = panels(figure_of(drawn, view=view))
    assert panel.get_xlim() == pytest.approx((50 * scale, 150 * scale))
    assert panel.get_ylim() == pytest.approx((250 * scale, 0))  # y runs down
    assert seen_part(replace(drawn, compared=(drawn.predicted,)), (0, 0, 1, 1)) is None


@pytest.mark.parametrize("style", ["points", "heatmap", "contours"])
@pytest.mark.parametrize("more", [{}, {"quantity": "swipe"}, {"blend": GENES[1:2]}])
def test_everything_that_can_be_shown_can_be_printed(session, tmp_path, style, more):
    session.show(style=style, **more)
    for name in ("a.png", "a.svg", "a.pdf"):
        save_figure(scene(session), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 2000


def test_nothing_open_and_other_files_are_refused(session, tmp_path):
    with pytest.raises(SettingsError, match="open a slide first"):
        save_figure(Scene(), tmp_path / "a.png")
    with pytest.raises(SettingsError, match=r"must end in \.png"):
        save_figure(scene(session), tmp_path / "a.xls")
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]
