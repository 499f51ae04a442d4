"""A session with all that a run needs, and two slides for it."""

from __future__ import annotations

import pytest

from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from support.session_kit import make_model, make_spots, write_slide


@pytest.fixture
def slide(tmp_path):
    return open_slide(write_slide(tmp_path))


@pytest.fixture
def other_slide(tmp_path):
    return open_slide(write_slide(tmp_path, "b.png", shade=90))


@pytest.fixture
def session(slide):
    """A session in which everything that a run needs is there."""
    session = Session()
    session.use_slide(slide)
    session.use_spots(make_spots())
    session.use_model(make_model())
    return session
