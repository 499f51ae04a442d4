"""What is drawn for a session, decided without a screen."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.domain_map import DomainMap
from napari_mclstexp.progress import PartialPrediction, Progress
from napari_mclstexp.scene.layer_specs import ExpressionHeatmap, ExpressionPoints, Scene
from napari_mclstexp.scene.resolve import scene
from napari_mclstexp.scene.shown import resolve_shown
from napari_mclstexp.session.history import UndoHistory
from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from support.session_kit import PITCH, make_model, make_spots, prediction_of, write_slide

SCALE = 2.0  # µm per px: spots 50 px = 100 µm apart
UNIT = "ln(1 + counts per 10,000)"


def fill(session, run, rows):
    expression = np.ones((len(rows), len(run.genes)), dtype=np.float32)
    part = PartialPrediction(
        np.array(rows), expression, run.genes, expression[:, 0], np.zeros_like(expression)
    )
    session.runs.report(run, Progress(len(rows), 64, "Predicting", part))


def test_an_empty_session_draws_nothing():
    assert scene(Session()) == Scene()


def test_a_slide_without_scale_is_drawn_in_pixels_and_says_so(opened):
    drawn = scene(opened)
    assert drawn.unit == "pixel"
    assert (drawn.slide.scale, drawn.slide.translate) == (1.0, (0.5, 0.5))
    assert drawn.slide_text == "a.png, 500 × 450 px, scale unknown"
    assert (drawn.spots, drawn.predicted, drawn.bars) == (None, None, ())


def test_slide_and_spots_lie_on_each_other_in_micrometres(counted):
    drawn = scene(counted)
    assert drawn.unit == "µm"
    # napari puts the centre of the first pixel at `translate`: the corner is at (0, 0).
    assert (drawn.slide.scale, drawn.slide.translate) == (SCALE, (1.0, 1.0))
    x, y = counted.spots.obsm["spatial"][9]
    np.testing.assert_allclose(drawn.spots.positions[9], (y * SCALE, x * SCALE))
    assert drawn.spots.diameter == 55.0
    assert drawn.spots.visible
    assert drawn.slide_text == "a.png, 500 × 450 px, 2 µm/px (from the spots), 1.0 × 0.9 mm"
    assert drawn.spots_text == "64 spots of 55 µm, 100 µm apart, 4 genes counted"


def test_spots_of_unknown_size_are_drawn_a_third_of_their_distance_wide(opened):
    opened.use_spots(make_spots(counts=False, pitch_um=None))
    drawn = scene(opened)
    assert drawn.unit == "pixel"
    assert drawn.spots.diameter == pytest.approx(PITCH / 3)
    assert drawn.spots_text == "64 spots, no counts"


def test_counts_are_shown_before_any_prediction(counted):
    counted.show(gene="GNAS")
    drawn = scene(counted)
    assert drawn.predicted is None
    assert drawn.measured.name == "GNAS (measured)"
    np.testing.assert_array_equal(drawn.measured.values, counted.expression.counts.values("GNAS"))
    (bar,) = drawn.bars
    assert (bar.title, bar.unit) == ("GNAS, measured", UNIT)
    assert drawn.slide_beside is None
    assert drawn.result_text == ""


def test_a_prediction_is_drawn_with_its_bar_and_its_agreement(predicted):
    drawn = scene(predicted)
    assert isinstance(drawn.predicted, ExpressionPoints)
    assert drawn.measured is None
    (bar,) = drawn.bars
    assert (bar.title, bar.unit, bar.limits) == ("FASN, predicted", UNIT, drawn.predicted.limits)
    result = predicted.result
    expected = np.corrcoef(result.predicted_values("FASN"), result.measured_values("FASN"))[0, 1]
    assert drawn.pcc == pytest.approx(expected)
    assert drawn.result_text == f"FASN by model aaaa. Correlation with measured: {expected:.2f}"


def test_measured_stands_right_of_the_tissue_on_a_copy_of_the_slide(predicted):
    predicted.show(quantity="beside")
    drawn = scene(predicted)
    offset = drawn.slide_beside.translate[1] - drawn.slide.translate[1]
    radius = drawn.predicted.diameter / 2
    assert offset > drawn.predicted.positions[:, 1].max() + radius  # where the copy begins
    assert offset < 500 * SCALE  # on the glass, which it may cover
    np.testing.assert_allclose(
        drawn.measured.positions, drawn.predicted.positions + np.array([0, offset])
    )
    assert drawn.slide_beside.slide is drawn.slide.slide
    assert [bar.quantity for bar in drawn.bars] == ["predicted", "measured"]
    predicted.show(style="heatmap")
    drawn = scene(predicted)
    offset = drawn.slide_beside.translate[1] - drawn.slide.translate[1]
    assert drawn.measured.translate[1] == pytest.approx(drawn.predicted.translate[1] + offset)


def test_measured_in_place_is_not_moved(predicted):
    predicted.show(quantity="measured")
    drawn = scene(predicted)
    assert drawn.slide_beside is None
    np.testing.assert_array_equal(drawn.measured.positions, drawn.spots.positions)


def test_both_have_their_own_range_unless_one_is_asked_for(predicted):
    predicted.show(quantity="beside")
    drawn = scene(predicted)
    assert drawn.predicted.limits != drawn.measured.limits
    predicted.show(same_limits=True, percentiles=(0.0, 100.0))
    drawn = scene(predicted)
    both = np.concatenate((drawn.predicted.values, drawn.measured.values))
    assert drawn.predicted.limits == drawn.measured.limits == (both.min(), both.max())


def test_a_gene_that_was_not_measured_is_shown_alone(opened):
    opened.use_spots(make_spots(names=("FASN", "GNAS", "MALAT1")))
    opened.use_model(make_model())
    run = opened.runs.start()
    opened.runs.finish(run, prediction_of(run))
    opened.show(quantity="beside", gene="CD74")
    drawn = scene(opened)
    assert drawn.predicted is not None
    assert (drawn.measured, drawn.slide_beside, drawn.pcc) == (None, None, None)


def test_contrast_follows_the_percentiles(predicted):
    predicted.show(percentiles=(10.0, 50.0))
    drawn = scene(predicted)
    assert drawn.predicted.limits == pytest.approx((1.1, 1.5), abs=0.01)


def test_a_map_lies_where_the_spots_are(predicted):
    predicted.show(style="heatmap")
    drawn = scene(predicted).predicted
    assert isinstance(drawn, ExpressionHeatmap)
    y, x = scene(predicted).spots.positions[20]
    row = round((y - drawn.translate[0]) / drawn.scale)
    column = round((x - drawn.translate[1]) / drawn.scale)
    assert drawn.image[row, column] == pytest.approx(1 + 20 / 63, abs=0.03)


def test_the_map_is_clipped_to_the_tissue(predicted):
    # Tissue ends at 430 px = 860 µm, the last spots are at 400 px = 800 µm.
    predicted.show(style="heatmap")
    drawn = scene(predicted).predicted
    column = round((868 - drawn.translate[1]) / drawn.scale)
    assert np.isnan(drawn.image[:, column:]).all()
    row = round((400 - drawn.translate[0]) / drawn.scale)
    assert np.isfinite(drawn.image[row, round((845 - drawn.translate[1]) / drawn.scale)])


def test_spots_fill_in_while_a_run_is_on(counted):
    counted.use_model(make_model())
    run = counted.runs.start()
    before = scene(counted)
    assert np.isnan(before.predicted.values).all()
    assert before.pcc is None
    assert before.result_text == "GNAS by model aaaa, 0 of 64 spots"
    fill(counted, run, [3, 4, 5])
    after = scene(counted)
    assert after.predicted != before.predicted
    assert after.predicted.positions_key == before.predicted.positions_key
    assert np.isfinite(after.predicted.values).sum() == 3
    assert after.result_text == "GNAS by model aaaa, 3 of 64 spots"
    counted.show(style="heatmap")
    first = scene(counted).predicted
    fill(counted, run, [6])
    assert scene(counted).predicted != first


def test_the_same_session_gives_an_equal_scene(predicted):
    for style in ("points", "heatmap"):
        predicted.show(style=style, quantity="beside")
        assert scene(predicted) == scene(predicted)


@pytest.mark.parametrize("style", ["points", "heatmap"])
def test_a_gene_switch_leaves_slide_and_spots_as_they_are(predicted, style):
    predicted.show(style=style)
    before = scene(predicted)
    predicted.show(gene="CD74")
    after = scene(predicted)
    assert (after.slide, after.spots) == (before.slide, before.spots)
    assert after.predicted != before.predicted
    if style == "points":
        assert after.predicted.positions_key == before.predicted.positions_key


def test_a_change_of_colours_keeps_the_map_that_was_made(predicted):
    predicted.show(style="heatmap")
    image = scene(predicted).predicted.image
    predicted.show(colormap="magma", opacity=0.3)
    drawn = scene(predicted).predicted
    assert drawn.image is image
    assert (drawn.colormap, drawn.opacity) == ("magma", 0.3)
    assert scene(predicted).bars[0].colormap == "magma"


@pytest.mark.parametrize("change", ["slide", "spots", "scale"])
def test_another_slide_other_spots_or_another_scale_are_another_scene(predicted, tmp_path, change):
    before = scene(predicted)
    if change == "slide":
        predicted.use_slide(open_slide(write_slide(tmp_path, "other.png")))
        assert scene(predicted).slide != before.slide
        assert (scene(predicted).spots, scene(predicted).predicted) == (None, None)
    elif change == "spots":
        predicted.use_spots(make_spots())
        assert scene(predicted).spots != before.spots
        assert scene(predicted).predicted is None
    else:
        predicted.set_um_per_px(0.5)
        assert scene(predicted).slide != before.slide
        assert scene(predicted).spots != before.spots


def test_hidden_spots_keep_their_expression(predicted):
    predicted.show(show_spots=False)
    drawn = scene(predicted)
    assert not drawn.spots.visible
    assert drawn.predicted is not None


def test_a_prediction_is_drawn_without_its_slide_too(predicted):
    alone = Session()
    alone.use_prediction(predicted.result.adata)
    alone.show(quantity="beside")
    drawn = scene(alone)
    assert drawn.unit == "µm"
    assert (drawn.slide, drawn.slide_beside) == (None, None)
    gap = drawn.measured.positions[:, 1].min() - drawn.predicted.positions[:, 1].max()
    assert gap > 0


def test_spots_left_out_for_want_of_counts_are_told(opened):
    spots = make_spots()
    spots.uns["mclstexp"]["n_spots_without_counts"] = 1
    opened.use_spots(spots)
    assert scene(opened).spots_text.endswith("4 genes counted (1 spot without counts skipped)")


def test_counts_of_a_raw_matrix_are_told(opened):
    spots = make_spots()
    spots.uns["mclstexp"]["counts_note"] = "raw_feature_bc_matrix is taken"
    opened.use_spots(spots)
    assert scene(opened).spots_text.endswith("4 genes counted; raw_feature_bc_matrix is taken")


def test_what_is_shown_is_one_value_that_compares(predicted):
    predicted.show(quantity="beside", compare=("GNAS",), opacity=0.5)
    shown = resolve_shown(predicted)
    assert [each.source for each in shown.sources] == ["predicted", "measured"]
    assert (shown.gene, shown.beside, shown.compared, shown.blended) == ("FASN", True, (), ())
    assert shown == resolve_shown(predicted)
    hash(shown)
    predicted.show(quantity="predicted", blend=("GNAS", "CD74"), compare=())
    shown = resolve_shown(predicted)
    assert [(each.gene, each.colormap) for each in shown.blended] == [
        ("FASN", "cyan"),
        ("GNAS", "yellow"),
        ("CD74", "magenta"),
    ]
    assert shown.sources == ()


def test_domains_at_the_address_of_those_before_are_other_domains(predicted):
    labels = np.array(["1", "2"] * 32)
    keys = set()
    for _ in range(50):  # each map is freed before the next is made: addresses come again
        found = DomainMap(labels, {"1": "a", "2": "b"}, {"1": (1, 2, 3), "2": (4, 5, 6)})
        predicted.edit("Find domains", domains=found)
        keys.add(scene(predicted).domains.values_key)
        assert scene(predicted).domains.values_key in keys
        del found
        predicted.shown.go_on_with(UndoHistory())
    assert len(keys) == 50


def test_renamed_domains_are_other_domains():
    found = DomainMap(np.array(["1"]), {"1": "a"}, {"1": (1, 2, 3)})
    assert found.renamed("1", "b").number != found.number
