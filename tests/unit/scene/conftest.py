"""Sessions as they come about: a slide, then spots, then a prediction."""

from __future__ import annotations

import pytest

from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from support.session_kit import make_model, make_spots, prediction_of, write_slide


@pytest.fixture
def opened(tmp_path):
    """A slide without spots."""
    session = Session()
    session.use_slide(open_slide(write_slide(tmp_path)))
    yield session
    session.close_slide()


@pytest.fixture
def counted(opened):
    """A slide with spots that have counts."""
    opened.use_spots(make_spots())
    return opened


@pytest.fixture
def predicted(counted):
    """A slide, spots with counts, and a finished prediction."""
    counted.use_model(make_model())
    run = counted.runs.start()
    counted.runs.finish(run, prediction_of(run))
    counted.show(gene="FASN")
    return counted
