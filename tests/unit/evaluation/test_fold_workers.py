"""Folds learned by workers give the same evaluation, and are not learned twice."""

from __future__ import annotations

import pandas as pd
import pytest

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.evaluation.evaluate import evaluate
from napari_mclstexp.evaluation.summaries import ALL
from support.engine_kit import painted_section, quick_settings

pytestmark = pytest.mark.slow
distributed = pytest.importorskip("distributed", reason="an extra: napari-mclstexp[cluster]")


@pytest.fixture
def sections(tmp_path):
    return [painted_section(tmp_path, name, seed) for name, seed in (("a", 1), ("b", 2), ("c", 3))]


def pcc(result) -> pd.DataFrame:
    return result.summary.loc[result.summary["statistic"] == ALL, ["method", "value"]]


def test_workers_give_the_same_evaluation_and_folds_that_stand_stay(
    sections, tmp_path, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = [quick_settings(epochs=2)]
    scratch = tmp_path / "folds"
    said = []
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        there = {"client": client, "scratch": scratch, "device": "cpu"}
        found = evaluate(sections, settings, heads=False, progress=said.append, **there)
        folds = {path: path.stat().st_mtime_ns for path in scratch.rglob("fold-*.npz")}
        assert len(folds) == 3
        next(iter(folds)).unlink()
        again = evaluate(sections, settings, heads=False, **there)
        kept = [path.stat().st_mtime_ns == before for path, before in folds.items()]
        assert sorted(kept) == [False, True, True]
        with pytest.raises(SettingsError, match="in which folder"):
            evaluate(sections, settings, heads=False, client=client)
    assert said[-1].unit == "folds"
    alone = evaluate(sections, settings, heads=False, device="cpu")
    for one in (found, again):
        assert one.methods == alone.methods
        for mine, theirs in zip(one.protocols, alone.protocols, strict=True):
            # Sums in another process may differ in their last digits, and training carries that on.
            pd.testing.assert_frame_equal(pcc(mine), pcc(theirs), rtol=0, atol=0.01)
            assert mine.folds == theirs.folds
