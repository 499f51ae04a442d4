"""How ``model_version_1`` was made: a model and a prediction as version 0.1 wrote them.

It was run once, by that version, from the root of the checkout, and is kept for the record:
``python tests/support/write_model_version_1.py``. Run by a later version it would show nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from napari_mclstexp.cohort.load import load_cohort
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.inference.prediction_io import write_prediction
from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train

GENES = ("ERBB2", "EPCAM", "COL1A1", "CD74", "GNAS")
SPOTS = 20


def write(folder: Path) -> None:
    """Train on some spots of two sample sections, and read 20 spots of the third."""
    *learned, query = (
        replace(each, spots=each.spots[::step].copy())
        for each, step in zip(load_cohort(Path("sample_data/cohort.csv")), (9, 9, 30), strict=True)
    )
    settings = TrainSettings(
        genes=GENES,
        name="Of version 1",
        encoder="timm:test_efficientnet",
        pretrained=False,
        freeze_encoder=True,
        patch_px=64,
        um_per_px=1.6,
        epochs=8,
        learning_rate=1e-3,
        sequence_length=40,
        k=15,
        seed=1,
    )
    save_model(train(learned, settings, device="cpu"), folder / "model", half=True)
    model = load_model(folder / "model")
    with query.open() as slide:
        prediction = predict(slide, query.spots[:SPOTS].copy(), model, device="cpu")
    del prediction.uns["spatial"]  # the slide's picture, which is many times the rest
    write_prediction(prediction, folder / "prediction.h5ad")
    facts = {"model_id": model.id, "spots": list(prediction.obs_names)}
    facts["predicted"] = [[round(float(v), 5) for v in row] for row in prediction.X]
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/support/model_version_1"))
