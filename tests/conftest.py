"""What every test gets: a feature cache and a shelf of its own, and the fixtures of the window."""

from __future__ import annotations

import os
import tempfile

import pytest

from napari_mclstexp.running.quiet_threads import wait_asleep

# As whatever starts the program does. numba's parallel loops leave torch with as many threads as
# they have, and two processes whose threads spin slow each other tenfold.
wait_asleep()
if "OMP_NUM_THREADS" in os.environ:
    os.environ.setdefault("NUMBA_NUM_THREADS", os.environ["OMP_NUM_THREADS"])

# Features that a test computes are its own, and those of the tests beside it: never those of the
# person's earlier runs.
if "PYTEST_XDIST_WORKER" not in os.environ:  # whose processes inherit it
    _CACHE = tempfile.TemporaryDirectory(prefix="mclstexp-cache-")
    os.environ["NAPARI_MCLSTEXP_CACHE"] = _CACHE.name
# Nor does it see what the person keeps on the shelf, or puts anything there.
_SHELF = tempfile.TemporaryDirectory(prefix="mclstexp-data-")
os.environ["NAPARI_MCLSTEXP_DATA"] = _SHELF.name
# Tracebacks of bad files that tests make are nobody's.
_LOG = tempfile.TemporaryDirectory(prefix="mclstexp-log-")
os.environ["NAPARI_MCLSTEXP_LOG"] = _LOG.name

pytest_plugins = [
    "support.cohort_fixtures",
    "support.frame_fixtures",
    "support.linear_fixtures",
    "support.widget_fixtures",
]


@pytest.fixture
def no_feature_cache(monkeypatch):
    """Compute every feature anew."""
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", "")
