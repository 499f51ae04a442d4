"""What spots and predictions say of themselves survives a file, also an older or a foreign one."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse

from napari_mclstexp.errors import SpotsError
from napari_mclstexp.spots.geometry import neighbours
from napari_mclstexp.spots.schema import (
    Provenance,
    SpotMetadata,
    has_positions,
    holds_prediction,
    is_prediction,
    positions,
    program_shares,
    read_programs,
    write_programs,
)

VISIUM = SpotMetadata("visium", "outs", 100.0, 55.0, n_spots_without_counts=0)
MADE = Provenance(model_name="Breast", model_id="ab12", slide="one.svs", um_per_px=0.25, k=50)


def spots() -> AnnData:
    return AnnData(np.ones((2, 3), np.float32), obsm={"spatial": np.array([[1, 2, 9], [3, 4, 9]])})


def test_facts_come_back_from_a_file_under_the_keys_they_always_had(tmp_path):
    written = spots()
    VISIUM.write(written)
    written.write_h5ad(tmp_path / "spots.h5ad")
    assert not holds_prediction(tmp_path / "spots.h5ad")
    MADE.write(written)
    written.write_h5ad(tmp_path / "prediction.h5ad")
    assert holds_prediction(tmp_path / "prediction.h5ad")
    back = anndata.read_h5ad(tmp_path / "prediction.h5ad")
    assert is_prediction(back)
    assert Provenance.read(back) == MADE
    assert SpotMetadata.read(back).pitch_um == 100.0
    assert back.uns["mclstexp"]["model_name"] == "Breast"
    assert back.uns["mclstexp"]["n_spots_without_counts"] == 0
    assert "counts_note" not in back.uns["mclstexp"]  # what is not known is not written


def test_what_a_file_does_not_say_is_not_known():
    silent = spots()
    assert not is_prediction(silent)
    assert (SpotMetadata.read(silent), Provenance.read(silent)) == (SpotMetadata(), Provenance())
    silent.uns["mclstexp"] = {"pitch_um": np.nan, "someone": "else"}
    assert SpotMetadata.read(silent) == SpotMetadata()


def test_a_fact_that_is_no_number_is_named():
    wrong = spots()
    wrong.uns["mclstexp"] = {"pitch_um": "wide"}
    with pytest.raises(SpotsError, match=r"pitch_um.* is 'wide', which is no number"):
        SpotMetadata.read(wrong)


def test_positions_are_x_and_y_whatever_else_stands_beside_them():
    assert positions(spots()).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert has_positions(spots())
    assert not has_positions(AnnData(np.ones((2, 1), np.float32)))


def test_programs_come_back_and_misfits_are_refused(tmp_path):
    adata = AnnData(np.ones((4, 3), np.float32))
    scores, loadings = np.arange(8.0).reshape(4, 2), np.arange(6.0).reshape(3, 2)
    write_programs(adata, scores, loadings, (0.5, 0.25))
    adata.write_h5ad(tmp_path / "p.h5ad")
    again = anndata.read_h5ad(tmp_path / "p.h5ad")
    read = read_programs(again)
    assert read is not None
    assert [each.tolist() for each in read] == [scores.tolist(), loadings.tolist()]
    assert program_shares(again) == (0.5, 0.25)
    write_programs(again, scores, loadings[:, :1], (0.5, 0.25))
    with pytest.raises(SpotsError, match="different programs"):
        read_programs(again)


def test_neighbours_are_the_nearest_others():
    line = np.array([[0.0, 0], [1, 0], [3, 0], [7, 0]])
    assert neighbours(line, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert neighbours(line, 9).shape == (4, 3)
    assert neighbours(line[:1], 2).shape == (1, 0)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (np.array([["1", "2"], ["left", "4"]]), "holds something else than numbers .*'left'"),
        (np.array([[1.0], [2.0]]), "has one column"),
        (np.array([[1.0, 2.0], [np.nan, 4.0]]), r"no coordinates for the spot 1 \(1 spots in all"),
        (np.array([[1.0, 1e300], [3.0, 4.0]]), "no coordinates for the spot 0"),
    ],
)
def test_positions_that_are_none_are_told_in_a_sentence(kept, words):
    with pytest.raises(SpotsError, match=words):
        positions(AnnData(np.zeros((2, 1)), obsm={"spatial": kept}))


def test_positions_may_be_sparse_and_have_a_third_column():
    kept = sparse.csr_matrix([[1.0, 2.0, 9.0], [0.0, 4.0, 9.0]])
    found = positions(AnnData(np.zeros((2, 1)), obsm={"spatial": kept}))
    assert found.tolist() == [[1.0, 2.0], [0.0, 4.0]]
