"""Fine-tunes the demo model on half of sample section 3, and reads the other half: `make bench`.

The section is cut down the middle: what is learned on the left is tested on the right, beside the
demo model as it comes and a model of the left half alone.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
from findings import Finding, found

from napari_mclstexp.cohort.load import load_cohort
from napari_mclstexp.cohort.section import Section
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import Model, load_model
from napari_mclstexp.samples import demo_model_path
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train

SAMPLES = Path(__file__).resolve().parents[1] / "sample_data"


def main() -> int:
    """Print the table."""
    first, second, third = load_cohort(SAMPLES / "cohort.csv")
    x = np.asarray(third.spots.obsm["spatial"])[:, 0]
    left, right = (
        dataclasses.replace(third, name=name, spots=third.spots[rows].copy())
        for name, rows in (("left", x < np.median(x)), ("right", x >= np.median(x)))
    )
    demo = load_model(demo_model_path())
    common = TrainSettings(
        genes=demo.config.genes, init_from=demo_model_path(), k=50, epochs=8, learning_rate=1e-4
    )
    runs = {
        "frozen encoder, left half": ([left], dataclasses.replace(common, freeze_encoder=True)),
        "frozen encoder, sections 1, 2 and left half": (
            [first, second, left],
            dataclasses.replace(common, freeze_encoder=True),
        ),
        "last block learns, sections 1, 2 and left half": (
            [first, second, left],
            dataclasses.replace(common, tune="last-block", batch_norm="frozen", epochs=4),
        ),
    }
    tell("demo model as it comes", demo, right, 0.0)
    for name, (sections, settings) in runs.items():
        start = time.perf_counter()
        model = train(sections, settings)
        tell(name, model, right, time.perf_counter() - start)
    return 0


def tell(name: str, model: Model, section: Section, seconds: float) -> None:
    """Print one row."""
    with section.open() as slide:
        predicted = predict(slide, section.spots, model)
    pcc = predicted.var["pcc"]
    top = np.argsort(-np.asarray(predicted.layers["measured"]).mean(axis=0))[:50]
    against = f"top 50 expressed {pcc.iloc[top].mean():.3f}, in {seconds:.0f} s"
    found(
        Finding("Fine-tuning, on half of sample section 3", name, float(pcc.mean()), "PCC", against)
    )


if __name__ == "__main__":
    sys.exit(main())
