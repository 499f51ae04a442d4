"""Fixtures shared by the tests."""

from __future__ import annotations

import os
import tempfile

import pytest

# Features that a test computes are its own: never those of the person's earlier runs.
_CACHE = tempfile.TemporaryDirectory(prefix="mclstexp-cache-")
os.environ["NAPARI_MCLSTEXP_CACHE"] = _CACHE.name

from widget_fixtures import *  # noqa: E402, F403


@pytest.fixture
def no_feature_cache(monkeypatch):
    """Compute every feature anew."""
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", "")
