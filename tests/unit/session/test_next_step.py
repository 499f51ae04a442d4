"""Which steps are done, and which is next."""

from __future__ import annotations

from napari_mclstexp.session.next_step import DOCKS, next_step, steps_done
from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from support.session_kit import make_model, make_spots, prediction_of, write_slide


def test_steps_are_done_one_after_the_other_and_the_next_is_none_of_them(tmp_path):
    session = Session()
    assert steps_done(session) == frozenset()
    assert next_step(session).dock == DOCKS[0]
    session.use_slide(open_slide(write_slide(tmp_path)))
    assert steps_done(session) == frozenset()  # no spots yet
    session.use_spots(make_spots())
    assert steps_done(session) == {"Slide and spots"}
    assert next_step(session).dock == "Predict"
    session.use_model(make_model())
    run = session.runs.start()
    assert "Predict" not in steps_done(session)
    session.runs.finish(run, prediction_of(run))
    assert steps_done(session) == {"Slide and spots", "Predict"}
    assert next_step(session).dock not in steps_done(session)
    assert "Save and export" in steps_done(session, saved=True)
    session.close_slide()
    assert steps_done(session, saved=True) == frozenset()
