"""Fixtures shared by the tests."""

from __future__ import annotations

from widget_fixtures import *  # noqa: F403
