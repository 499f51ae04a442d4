"""A small model with a linear head, trained once a session, and what it predicts on a sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from anndata import AnnData

GENES = 20


@dataclass(frozen=True, eq=False)
class LinearKit:
    """The model's folder; a slide and 60 of its spots as files; the prediction, and its file."""

    model: Path
    slide: Path
    spots: Path
    prediction: AnnData
    file: Path


@pytest.fixture(scope="session")
def linear_kit(tmp_path_factory) -> LinearKit:
    """Train a linear head on two sample sections, with random weights; predict a third."""
    from napari_mclstexp.widgets.common.torch_loading import prepare_torch

    prepare_torch()  # other tests may have opened windows before
    from napari_mclstexp.anndata_file import write_h5ad
    from napari_mclstexp.cohort.section import Section
    from napari_mclstexp.inference.predict import predict
    from napari_mclstexp.inference.prediction_io import write_prediction
    from napari_mclstexp.model import save_model
    from napari_mclstexp.samples import sample_section
    from napari_mclstexp.spots.readers.choose import read_spots
    from napari_mclstexp.training.presets import preset_settings
    from napari_mclstexp.training.train import train

    folder = tmp_path_factory.mktemp("linear")
    sections = []
    for number in (1, 2, 3):
        sample = sample_section(number)
        spots = read_spots(sample.spots)
        some = spots[:: spots.n_obs // 60][:60].copy()
        sections.append(Section(f"s{number}", f"p{number}", sample.slide, some))
    genes = tuple(str(name) for name in sections[0].spots.var_names[:GENES])
    settings = preset_settings(
        "default",
        genes=genes,
        encoder="timm:test_efficientnet",
        pretrained=False,
        map_um_per_px=3.0,
        rank=2,
    )
    model = train(sections[:2], settings, device="cpu")
    scores = {gene: 0.6 - 0.03 * place for place, gene in enumerate(genes)}
    low = {**{gene: score - 0.1 for gene, score in scores.items()}, genes[0]: -0.02}
    model.config = model.config.model_copy(update={"held_out_pcc": scores, "held_out_low": low})
    save_model(model, folder / "model")
    with sections[2].open() as slide:
        prediction = predict(slide, sections[2].spots, model, device="cpu")
    write_prediction(prediction, folder / "prediction.h5ad")
    write_h5ad(sections[2].spots, folder / "spots.h5ad")
    return LinearKit(
        folder / "model",
        Path(sample.slide),
        folder / "spots.h5ad",
        prediction,
        folder / "prediction.h5ad",
    )
