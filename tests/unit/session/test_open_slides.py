"""Several slides in one session: each keeps its own, and nothing of one is shown on another."""

from __future__ import annotations

from napari_mclstexp.slides import open_slide
from support.session_kit import (
    finished,
    heard,
    is_open,
    make_model,
    make_spots,
    partial,
    prediction_of,
)


def test_another_slide_opens_beside_and_shows_nothing_of_the_first(session, slide, other_slide):
    finished(session)
    session.edit("Write", notes="first")
    session.use_slide(other_slide)
    assert is_open(slide)
    assert session.slide is other_slide
    assert (session.spots, session.result, session.gene) == (None,) * 3
    assert (session.annotations.notes, session.shown.history.undoable) == ("", "")
    assert [opened.name for opened in session.open_slides] == ["a.png", "b.png"]


def test_a_selected_slide_comes_back_as_it_was_left(session, slide, other_slide):
    result, spots, first = finished(session), session.spots, session.shown
    session.edit("Write", notes="first")
    session.show(gene="FASN")
    session.use_slide(other_slide)
    session.edit("Write", notes="second")
    told = [heard(each) for each in (session.slide_changed, session.leaving, session.changed)]
    session.select(first)
    assert told == [[(slide,)], [()], [()]]
    assert (session.slide, session.spots, session.result) == (slide, spots, result)
    assert (session.annotations.notes, session.gene) == ("first", "FASN")
    session.undo()
    assert session.annotations.notes == ""
    session.select_next()
    assert session.annotations.notes == "second"


def test_a_model_chosen_on_another_slide_is_the_one_whose_result_is_shown(session, other_slide):
    finished(session)
    first, model = session.shown, session.model
    session.use_slide(other_slide)
    session.use_model(make_model("bbbb"))
    session.select(first)
    assert session.result is None
    session.use_model(model)
    assert session.result is not None


def test_a_run_goes_on_behind_another_slide_and_its_result_is_there_on_return(session, other_slide):
    run, first = session.runs.start(), session.shown
    session.use_slide(other_slide)
    session.use_spots(make_spots())
    assert session.run is run
    redrawn = heard(session.changed)
    session.runs.report(run, partial([3]))
    assert redrawn == []
    assert session.result is None
    session.runs.finish(run, prediction_of(run))
    assert session.result is None
    session.select(first)
    assert session.result.complete


def test_closing_a_slide_shows_the_one_before_and_leaves_a_run_on_it_alone(
    session, slide, other_slide
):
    run = session.runs.start()
    session.use_slide(other_slide)
    session.close_slide()
    assert session.slide is slide
    assert session.run is run
    assert not run.token.cancelled
    assert not is_open(other_slide)
    assert len(session.open_slides) == 1


def test_a_slide_that_is_not_shown_can_be_closed(session, slide, other_slide):
    run, first = session.runs.start(), session.shown
    session.use_slide(other_slide)
    left = heard(session.leaving)
    session.close_slide(first)
    assert (session.slide, session.open_slides) == (other_slide, (session.shown,))
    assert (run.token.cancelled, session.run, left) == (True, None, [])
    session.runs.abandon(run)
    assert not is_open(slide)


def test_work_on_a_slide_that_is_not_shown_goes_to_that_slide(session, other_slide):
    first = session.shown
    session.use_slide(other_slide)
    session.edit("Find domains", on=first, notes="found meanwhile")
    assert session.annotations.notes == ""
    session.select(first)
    assert (session.annotations.notes, session.shown.history.undoable) == (
        "found meanwhile",
        "Find domains",
    )


def test_a_slide_that_is_open_already_is_selected_and_not_opened_twice(session, slide, other_slide):
    result = finished(session)
    session.use_slide(other_slide)
    again = open_slide(slide.path)
    session.use_slide(again)
    assert (session.slide, session.result) == (slide, result)
    assert not is_open(again)
    assert len(session.open_slides) == 2
