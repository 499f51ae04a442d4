"""The sample sections and the demo model, and that they do what the README says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.samples import demo_model_path, sample_data_dir, sample_section
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import find_tissue
from napari_mclstexp.spots.readers.choose import read_spots


def megabytes(*paths):
    return sum(path.stat().st_size for path in paths) / 1e6


@pytest.mark.slow
def test_sections_are_pyramids_with_a_scale_and_hundreds_of_spots_on_tissue():
    for number, um_per_px in ((1, 1.0), (2, 1.0), (3, 0.8)):
        files = sample_section(number)
        spots = read_spots(files.spots)
        with open_slide(files.slide) as slide:
            assert slide.um_per_px == pytest.approx(um_per_px)
            assert len(slide.levels) >= 3
            tissue = find_tissue(slide)
            # Fat is mostly empty glass with thin walls; all else must be found.
            dense = spots.obs["domain"] != "fat"
            assert tissue.contains(spots.obsm["spatial"])[dense].mean() > 0.9
            assert 0.2 < tissue.share < 0.8
        assert 300 < spots.n_obs < 1000
        assert spots.n_vars == 200
        assert set(spots.obs["domain"]) == {"tumour", "stroma", "lymphocytes", "fat"}


def test_counts_follow_the_tissue():
    spots = read_spots(sample_section(3).spots)
    total = np.asarray(spots.X.sum(1)).ravel()
    for gene, home in (("ERBB2", "tumour"), ("COL1A1", "stroma"), ("PLIN1", "fat")):
        share = spots[:, gene].X.toarray().ravel() / total
        by_domain = {d: share[spots.obs["domain"] == d].mean() for d in set(spots.obs["domain"])}
        assert max(by_domain, key=by_domain.get) == home


def test_everything_is_small_enough_to_ship():
    folder = sample_data_dir()
    assert megabytes(*(p for p in folder.glob("section_*") if p.is_file())) < 40
    assert megabytes(*demo_model_path().iterdir()) < 20


@pytest.mark.slow
def test_the_demo_model_reads_the_section_it_has_not_seen():
    files, model = sample_section(3), load_model(demo_model_path())
    assert "section_3" not in model.config.trained_on
    with open_slide(files.slide) as slide:
        found = predict(slide, read_spots(files.spots), model)
    assert found.var["pcc"].mean() >= 0.5
    # What the gene picker shows as trust is what comes out.
    told = np.array([model.config.held_out_pcc[gene] for gene in found.var_names])
    assert np.abs(told - found.var["pcc"]).max() < 0.05


def test_a_section_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="no sample section 4"):
        sample_section(4)
