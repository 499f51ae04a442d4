"""The picture of a gene over its slide."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import EllipseCollection
from PIL import Image

from napari_mclstexp.errors import OutputError, SettingsError
from napari_mclstexp.export.figure import overlay_figure, round_length, save_overlay
from napari_mclstexp.spots.schema import write_programs
from support.session_kit import make_spots

UNIT = "ln(1 + counts per 10,000)"


@pytest.fixture
def result():
    """A prediction whose genes rise to the right; GNAS falls to the right in the measurement."""
    spots = make_spots()
    x = spots.obsm["spatial"][:, 0] / 100
    spots.X = np.stack([x, x, x**2, x], axis=1).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.1, size=spots.shape)
    spots.layers["measured"] = (spots.X * [1, -1, 1, np.nan] + noise).astype(np.float32)
    thumbnail = np.full((225, 250, 3), 255, dtype=np.uint8)
    thumbnail[10:215, 10:215] = (190, 90, 150)
    spots.uns["mclstexp"] |= {"um_per_px": 2.0, "unit": UNIT, "model_id": "a", "model_name": "m"}
    spots.uns["spatial"] = {
        "a": {"images": {"hires": thumbnail}, "scalefactors": {"tissue_hires_scalef": 0.5}}
    }
    return spots


def titles(figure):
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_measured_stands_beside_predicted_with_their_correlation(result):
    figure = overlay_figure(result, "GNAS")
    assert titles(figure) == ["H&E", "GNAS, predicted", "GNAS, measured (PCC -1.00)"]
    labels = [ax.get_xlabel() for ax in figure.axes if ax.get_xlabel()]
    assert labels == [f"GNAS, {UNIT}"] * 2


def test_there_is_no_measured_panel_for_a_gene_that_was_not_measured(result):
    assert titles(overlay_figure(result, "MALAT1")) == ["H&E", "MALAT1, predicted"]
    del result.layers["measured"]
    assert titles(overlay_figure(result, "GNAS")) == ["H&E", "GNAS, predicted"]


def test_a_program_is_drawn_about_zero_under_its_own_name(result):
    loadings = np.array([[2.0], [1.0], [-1.0], [0.0]])
    scores = result.obsm["spatial"][:, :1] / 100 - 2
    write_programs(result, scores, loadings, np.array([1.0]))
    figure = overlay_figure(result, "program_1", style="points")
    genes = list(result.var_names)
    assert titles(figure)[1] == f"Program 1: {genes[0]}, {genes[1]}, predicted"
    (spots,) = [c for c in figure.axes[1].collections if isinstance(c, EllipseCollection)]
    np.testing.assert_allclose(spots.get_array(), scores[:, 0], rtol=1e-6)
    low, high = spots.get_clim()
    assert low == -high
    assert "Program 1, program score" in [ax.get_xlabel() for ax in figure.axes]


def test_map_and_spots_lie_on_the_tissue_in_micrometres(result):
    points = overlay_figure(result, "FASN", style="points").axes[1]
    (spots,) = [c for c in points.collections if isinstance(c, EllipseCollection)]
    np.testing.assert_allclose(spots.get_offsets(), result.obsm["spatial"] * 2.0)
    slide, heatmap = overlay_figure(result, "FASN").axes[1].images
    assert list(slide.get_extent()) == [0, 1000, 900, 0]
    left, right, bottom, top = heatmap.get_extent()
    assert left < 100 < 800 < right
    assert top < 100 < 800 < bottom
    values = heatmap.get_array().filled(np.nan)
    assert np.nanmean(values[:, : values.shape[1] // 2]) < np.nanmean(
        values[:, values.shape[1] // 2 :]
    )


def test_a_smooth_map_is_clipped_to_the_tissue_given(result):
    everywhere = overlay_figure(result, "FASN").axes[1].images[1].get_array()
    left_half = SimpleNamespace(contains=lambda xy: xy[:, 0] < 225)
    clipped = overlay_figure(result, "FASN", tissue=left_half).axes[1].images[1].get_array()
    assert 0.4 < clipped.count() / everywhere.count() < 0.8


def test_the_scale_bar_is_as_long_as_it_says(result):
    ax = overlay_figure(result, "FASN").axes[0]
    (bar,) = ax.lines
    assert np.ptp(bar.get_xdata()) == pytest.approx(200.0)
    assert [text.get_text() for text in ax.texts] == ["200 µm"]


@pytest.mark.parametrize(("longest", "length"), [(260, 200), (1000, 1000), (999, 500), (0.3, 0.2)])
def test_scale_bars_have_round_lengths(longest, length):
    assert round_length(longest) == pytest.approx(length)


def test_the_picture_shows_the_genes_colours(result, tmp_path):
    pictures = {}
    for gene in ("FASN", "CD74"):
        save_overlay(result, gene, tmp_path / f"{gene}.png", dpi=50)
        pictures[gene] = np.asarray(Image.open(tmp_path / f"{gene}.png").convert("RGB"))
    assert pictures["FASN"].std() > 20
    assert pictures["FASN"].shape == pictures["CD74"].shape
    assert (pictures["FASN"] != pictures["CD74"]).mean() > 0.02


def test_a_result_without_a_thumbnail_is_drawn_on_white(result, tmp_path):
    del result.uns["spatial"]
    save_overlay(result, "FASN", tmp_path / "a.png", style="points", dpi=50)
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_gene_or_an_ending_that_makes_no_sense_writes_nothing(result, tmp_path):
    with pytest.raises(SettingsError, match="no gene NOSUCH"):
        save_overlay(result, "NOSUCH", tmp_path / "a.png")
    with pytest.raises(SettingsError, match="must end in"):
        save_overlay(result, "FASN", tmp_path / "a.xyz")
    with pytest.raises(OutputError, match="does not exist"):
        save_overlay(result, "FASN", tmp_path / "none" / "a.png")
    assert list(tmp_path.iterdir()) == []
