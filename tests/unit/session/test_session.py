"""The session: what is open, and that a result can only be shown on what it was made from."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.errors import SettingsError, SlideError, SpotsError
from napari_mclstexp.progress import Progress
from napari_mclstexp.scripting.actions import save_result
from napari_mclstexp.session.session import Session
from support.session_kit import (
    finished,
    heard,
    is_open,
    make_model,
    make_spots,
    partial,
    prediction_of,
)


def test_a_slide_without_a_scale_gets_it_from_the_pitch_of_the_spots(slide):
    session = Session()
    session.use_slide(slide)
    assert session.um_per_px is None
    session.use_spots(make_spots())
    assert session.um_per_px == pytest.approx(2.0)
    assert slide.um_per_px_source == "spots"


def test_a_scale_entered_by_the_person_is_not_overruled_by_spots(slide):
    session = Session()
    session.use_slide(slide)
    session.set_um_per_px(0.5)
    session.use_spots(make_spots())
    assert (session.um_per_px, slide.um_per_px_source) == (0.5, "user")


def test_a_new_scale_ends_the_results_read_at_the_old_one(session):
    finished(session)
    session.set_um_per_px(0.25)
    assert session.result is None


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_makes_no_sense_is_refused(session, scale):
    with pytest.raises(SettingsError, match="above 0"):
        session.set_um_per_px(scale)
    assert session.um_per_px == pytest.approx(2.0)


def test_setting_a_scale_needs_a_slide():
    with pytest.raises(SettingsError, match="no slide"):
        Session().set_um_per_px(0.5)


def test_closing_the_slide_clears_spots_and_results_and_says_so_once(session, slide):
    finished(session)
    readable = []
    session.leaving.connect(lambda: readable.append(is_open(slide)))
    changed = heard(session.changed)
    session.close_slide()
    assert readable == [True]
    assert (session.slide, session.spots, session.result, session.gene) == (None,) * 4
    assert not is_open(slide)
    assert len(changed) == 1
    session.close_slide()
    assert len(readable) == 1


def test_spots_loaded_before_the_slide_stay_when_they_fit(slide):
    session = Session()
    session.use_spots(make_spots())
    assert session.um_per_px == pytest.approx(2.0)
    session.use_slide(slide)
    assert session.spots is not None
    assert slide.um_per_px == pytest.approx(2.0)


def test_spots_loaded_before_the_slide_that_lie_outside_it_refuse_it(slide):
    session = Session()
    spots = make_spots()
    spots.obsm["spatial"] = spots.obsm["spatial"] * 10
    session.use_spots(spots)
    with pytest.raises(SpotsError):
        session.use_slide(slide)
    assert session.slide is None
    assert session.spots is spots


def test_spots_that_do_not_fit_leave_the_session_as_it_was(session):
    result, spots = finished(session), session.spots
    stray = make_spots()
    stray.obsm["spatial"] = stray.obsm["spatial"] + 10_000
    with pytest.raises(SpotsError):
        session.use_spots(stray)
    assert session.spots is spots
    assert session.result is result


@pytest.mark.parametrize("change", ["other spots", "no spots"])
def test_a_result_goes_with_the_spots_it_was_made_on(session, change):
    finished(session)
    told = heard(session.result_changed)
    if change == "other spots":
        session.use_spots(make_spots())
    else:
        session.clear_spots()
    assert session.result is None
    assert told == [(None,)]


def test_another_model_hides_the_result_and_the_first_one_brings_it_back(session):
    result = finished(session)
    first = session.model
    session.use_model(make_model("bbbb"))
    assert session.result is None
    session.use_model(first)
    assert session.result is result
    session.use_model(None)
    assert session.result is None


def test_two_models_that_were_never_saved_do_not_share_a_result(session):
    session.use_model(make_model(""))
    assert finished(session) is not None
    session.use_model(make_model(""))
    assert session.result is None


def test_a_run_fills_in_row_by_row(session):
    run = session.runs.start()
    changed = heard(session.changed)
    told = heard(session.runs.progressed)
    assert np.isnan(session.expression.values("predicted", "FASN")).all()
    session.runs.report(run, partial([2, 5]))
    values = session.expression.values("predicted", "FASN")
    assert np.flatnonzero(np.isfinite(values)).tolist() == [2, 5]
    assert session.result.n_done == 2
    assert (len(changed), len(told)) == (1, 1)


def test_progress_without_rows_does_not_ask_for_a_redraw(session):
    run = session.runs.start()
    changed = heard(session.changed)
    session.runs.report(run, Progress(0, 64, "Reading patches"))
    assert changed == []


def test_a_finished_run_leaves_the_complete_result(session):
    run = session.runs.start()
    assert not session.result.complete
    session.runs.finish(run, prediction_of(run))
    assert session.result.complete
    assert session.run is None
    assert session.expression.values("predicted", "GNAS")[0] == 2.0


def test_a_second_run_is_refused_while_one_is_on_even_when_it_was_cancelled(session):
    run = session.runs.start()
    with pytest.raises(SettingsError, match="running already"):
        session.runs.start()
    session.runs.cancel()
    with pytest.raises(SettingsError, match="running already"):
        session.runs.start()
    session.runs.abandon(run)
    assert session.runs.start() is not run


def test_the_scale_cannot_change_under_a_run(session):
    session.runs.start()
    with pytest.raises(SettingsError, match="running already"):
        session.set_um_per_px(0.5)


@pytest.mark.parametrize("ending", ["abandoned", "finished too late"])
def test_a_cancelled_run_gives_back_the_result_there_was_before(session, ending):
    before = finished(session)
    run = session.runs.start()
    session.runs.report(run, partial([1]))
    session.runs.cancel()
    assert run.token.cancelled
    if ending == "abandoned":
        session.runs.abandon(run)
    else:
        session.runs.finish(run, prediction_of(run, 9.0))
    assert session.result is before


def test_a_failed_first_run_leaves_no_rows_behind(session):
    run = session.runs.start()
    session.runs.report(run, partial([1]))
    session.runs.abandon(run)
    assert session.result is None
    assert session.shown_quantity == "measured"


def test_the_result_of_a_run_belongs_to_the_model_it_was_started_with(session):
    first = session.model
    run = session.runs.start()
    session.use_model(make_model("bbbb"))
    session.runs.report(run, partial([0]))
    session.runs.finish(run, prediction_of(run))
    assert session.result is None
    session.use_model(first)
    assert session.result.model_id == "aaaa"


def test_closing_the_slide_cancels_the_run_and_ignores_what_it_still_says(session, other_slide):
    run = session.runs.start()
    session.close_slide()
    assert run.token.cancelled
    assert session.run is None
    session.use_slide(other_slide)
    session.use_spots(make_spots())
    news = [heard(session.runs.progressed), heard(session.changed), heard(session.result_changed)]
    session.runs.report(run, partial([0]))
    session.runs.finish(run, prediction_of(run))
    assert session.result is None
    assert news == [[], [], []]


def test_a_cancelled_run_makes_no_more_news(session):
    run = session.runs.start()
    session.runs.cancel()
    news = heard(session.runs.progressed)
    session.runs.report(run, partial([0]))
    assert news == []
    assert run.result.n_done == 0


def test_a_slide_stays_readable_until_the_worker_of_its_run_has_ended(session, slide):
    run = session.runs.start()
    session.close_slide()
    assert is_open(slide)
    session.runs.abandon(run)
    assert not is_open(slide)


def test_new_spots_cancel_the_run_on_the_old_ones(session):
    run = session.runs.start()
    session.use_spots(make_spots())
    assert run.token.cancelled
    second = session.runs.start()
    session.runs.abandon(run)
    assert session.run is second


@pytest.mark.parametrize(
    ("missing", "error", "sentence"),
    [
        ("slide", SettingsError, "no slide"),
        ("spots", SettingsError, "no spots"),
        ("model", SettingsError, "No model"),
        ("scale", SlideError, "does not state its scale"),
        ("gene", SettingsError, "does not know the gene NOSUCH"),
    ],
)
def test_a_run_says_what_it_lacks(slide, missing, error, sentence):
    session = Session()
    if missing != "slide":
        session.use_slide(slide)
    if missing not in ("slide", "spots"):
        session.use_spots(make_spots(pitch_um=None if missing == "scale" else 100.0))
    if missing != "model":
        session.use_model(make_model())
    with pytest.raises(error, match=sentence):
        session.runs.start(["NOSUCH"] if missing == "gene" else None)
    assert session.run is None


def test_measured_values_of_some_genes_are_scaled_as_if_all_of_the_model_were_asked(session):
    model = make_model()
    config = model.config.model_copy(update={"normalisation": "ln-1e6-listed"})
    model.config, model.id = config, "listed"
    session.use_model(model)
    both = session.runs.start()
    session.runs.abandon(both)
    one = session.runs.start(["GNAS"])
    np.testing.assert_array_equal(one.result.measured[:, 0], both.result.measured[:, 1])


def test_a_saved_prediction_comes_with_its_spots_and_leaves_out_the_wrong_model(session):
    prediction = prediction_of(session.runs.start())
    session.clear_spots()
    session.use_model(make_model("bbbb"))
    session.use_prediction(prediction)
    assert session.model is None
    assert session.result.model_id == "aaaa"
    assert session.spots.n_obs == 64
    assert session.spots.n_vars == 0
    session.use_model(make_model("bbbb"))
    assert session.result is None


def test_a_prediction_under_a_former_id_of_the_model_is_shown_as_its_own(session):
    prediction = prediction_of(session.runs.start())
    session.clear_spots()
    model = make_model("new")
    model.former_ids = ("aaaa",)
    session.use_model(model)
    session.use_prediction(prediction)
    assert session.model is model
    session.use_model(None)
    session.use_prediction(prediction)
    assert session.model is None
    session.use_model(model)
    assert session.result is not None


def test_a_prediction_of_another_slide_is_refused(session, other_slide):
    result = finished(session)
    prediction = prediction_of(session.runs.start())
    elsewhere = Session()
    elsewhere.use_slide(other_slide)
    with pytest.raises(SpotsError, match=r"a\.png, which is not b\.png"):
        elsewhere.use_prediction(prediction)
    assert elsewhere.spots is None
    assert result.complete


def test_a_prediction_without_its_slide_still_has_a_scale(session):
    prediction = prediction_of(session.runs.start())
    alone = Session()
    alone.use_prediction(prediction)
    assert alone.um_per_px == 2.0
    assert alone.gene == "GNAS"


def test_saving_needs_a_finished_result(session, tmp_path):
    with pytest.raises(SettingsError, match="no finished prediction"):
        save_result(session, tmp_path / "out.h5ad")
    session.runs.start()
    with pytest.raises(SettingsError, match="no finished prediction"):
        save_result(session, tmp_path / "out.h5ad")
    assert not (tmp_path / "out.h5ad").exists()
