"""Unsaved work is kept through a crash, and offered back on its own slide and spots only."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd

from napari_mclstexp.analysis.domain_map import map_of
from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.domains import Domains
from napari_mclstexp.analysis.region_comparison import RegionComparison
from napari_mclstexp.session.annotations import Annotations
from napari_mclstexp.session.autosave import Recovery
from support.places import TESTS
from support.session_kit import kept_session, make_spots


def domains(n=64):
    labels = np.array(["1", "2"] * (n // 2))
    found = map_of(
        Domains(labels, 2, "As asked for.", np.zeros((n, 1))), DomainSettings(2), "measured"
    )
    return found.renamed("1", "Stroma")


def comparison():
    values = {"gene": ["GNAS", "FASN"], "auc": [0.8, 0.5], "difference": [1.5, 0.0]}
    return RegionComparison(
        "Tumour and the rest", "predicted", pd.DataFrame({**values, "fdr": [1e-9, 0.7]})
    )


KEEPER = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from support.session_kit import region
    from napari_mclstexp.session.autosave import Recovery
    from napari_mclstexp.session.annotations import Annotations
    from support.session_kit import kept_session
    recovery = Recovery(Path({folder!r}))
    for number in range(1, 10_000):
        recovery.keep("f" * 64, kept_session(Annotations(regions=(region(str(number)),))))
        print(number, flush=True)
"""


def test_kill_while_annotating_offers_the_last_work_back(tmp_path):
    code = KEEPER.format(tests=str(TESTS), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as process:
        done = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        done += [int(line) for line in process.stdout.read().split()]
    kept = Recovery(tmp_path).find("f" * 64)
    assert int(kept.annotations.regions[0].name) in (done[-1], done[-1] + 1)


def test_kept_domains_come_back_only_on_their_own_spots(tmp_path):
    ours, theirs = make_spots(), make_spots()[:10].copy()
    Recovery(tmp_path).keep("f" * 64, kept_session(Annotations(domains=domains(), notes="n"), ours))
    kept = Recovery(tmp_path).find("f" * 64)
    assert kept.for_spots(ours)["domains"].names["1"] == "Stroma"
    assert "domains" not in kept.for_spots(theirs)


def test_ones_own_work_is_not_offered_and_spoilt_work_neither(tmp_path):
    recovery = Recovery(tmp_path)
    recovery.keep("f" * 64, kept_session(Annotations(notes="mine")))
    assert recovery.find("f" * 64) is None
    spoilt = tmp_path / f"{'f' * 24}-spoilt"
    spoilt.mkdir()
    (spoilt / "session.json").write_text("{")
    assert recovery.find("f" * 64) is None
    assert Recovery(tmp_path).find("e" * 64) is None
    Recovery(tmp_path).forget("f" * 64, own=False)
    assert Recovery(tmp_path).find("f" * 64) is None


def test_scale_grid_prediction_and_comparison_are_kept_too(tmp_path):
    spots, annotations = make_spots(), Annotations(comparison=comparison())
    prediction = spots.copy()
    kept = kept_session(annotations, spots, um_per_px=0.42, prediction=prediction)
    recovery = Recovery(tmp_path)
    recovery.keep("f" * 64, kept)
    found = Recovery(tmp_path).find("f" * 64)
    assert found.slide.um_per_px == 0.42
    assert found.fits(spots)
    kept_values = found.slide.prediction.X.toarray()
    np.testing.assert_array_equal(kept_values, prediction.X.toarray())
    again = found.for_spots(spots)["comparison"]
    assert again.what == "Tumour and the rest"
    pd.testing.assert_frame_equal(again.table, annotations.comparison.table)


def test_large_data_are_written_once_however_often_the_work_changes(tmp_path):
    spots, recovery = make_spots(), Recovery(tmp_path)
    recovery.keep("f" * 64, kept_session(Annotations(notes="one"), spots))
    (written,) = tmp_path.rglob("spots-*.h5ad")
    before = written.stat().st_mtime_ns
    recovery.keep("f" * 64, kept_session(Annotations(notes="two"), spots))
    assert written.stat().st_mtime_ns == before
    assert Recovery(tmp_path).find("f" * 64).annotations.notes == "two"
    recovery.keep("f" * 64, kept_session(Annotations(notes="three"), make_spots()[:9].copy()))
    assert not written.exists()


def test_what_is_older_is_not_kept_over_what_is_newer_or_forgotten(tmp_path):
    recovery = Recovery(tmp_path)
    recovery.keep("f" * 64, kept_session(Annotations(notes="new")), 2)
    recovery.keep("f" * 64, kept_session(Annotations(notes="old")), 1)
    assert Recovery(tmp_path).find("f" * 64).annotations.notes == "new"
    recovery.forget("f" * 64, own=True, number=4)
    recovery.keep("f" * 64, kept_session(Annotations(notes="late")), 3)
    assert Recovery(tmp_path).find("f" * 64) is None
