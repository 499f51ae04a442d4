"""Trains the demo model on sample sections 1 and 2, and scores it on the third: `make sample-data`.

No ImageNet weights are needed; the DenseNet-121 starts from random ones.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from napari_mclstexp.cohort.load import load_cohort
from napari_mclstexp.model import save_model
from napari_mclstexp.progress import Progress
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train

HERE = Path(__file__).parent


def main() -> None:
    """Train, score, and save under `demo_model`."""
    start = time.perf_counter()
    first, second, third = load_cohort(HERE / "cohort.csv")
    settings = TrainSettings(
        genes=tuple(first.spots.var_names),
        name="Demo (synthetic sections)",
        encoder="densenet121",
        pretrained=False,
        patch_px=64,
        um_per_px=1.6,
        epochs=24,
        learning_rate=3e-4,
        k=50,
        seed=1,
        description="Shows how the program works: a model of synthetic sections, trained from "
        "scratch in minutes. On real tissue it means nothing.",
    )

    def report(progress: Progress) -> None:
        if progress.partial is not None and hasattr(progress.partial, "loss"):
            print(f"{progress.what} after {time.perf_counter() - start:.0f} s", flush=True)

    model = train([first, second], settings, held_out=third, progress=report)
    scores = np.array(list(model.config.held_out_pcc.values()))
    save_model(model, HERE / "demo_model", half=True)
    print(f"Mean PCC on {third.name}: {scores.mean():.3f} over {len(scores)} genes")


if __name__ == "__main__":
    main()
