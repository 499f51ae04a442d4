"""Training on a GPU: steps a second and peak memory, mixed precision beside 32 bits: `make gpu`.

DenseNet-121 learning whole, 128 patches of 224 px a step, on noise. The losses of both runs from
the same start are printed. Without a GPU it says so in one sentence and exits 0.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.progress import TrainingPoint
from napari_mclstexp.spots.build import make_spots
from napari_mclstexp.spots.schema import SpotMetadata
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train

SPOTS, GENES, EPOCHS = 512, 785, 5
BATCH, PATCH_PX = 128, 224


def section(folder: Path) -> Section:
    """A slide of coloured noise with spots whose counts follow the colour."""
    random = np.random.default_rng(0)
    side = 23
    tone = random.uniform(size=(side, side))
    pixels = np.kron(tone[..., None] * [90, 40, 140] + 60, np.ones((120, 120, 1)))
    Image.fromarray(pixels.astype(np.uint8)).save(folder / "noise.png")
    row, col = (each.ravel()[:SPOTS] for each in np.mgrid[:side, :side])
    rate = 2 + 20 * tone.ravel()[:SPOTS, None] * random.uniform(size=GENES)
    spots = make_spots(
        barcodes=[str(i) for i in range(SPOTS)],
        xy=np.column_stack([col * 120 + 60.0, row * 120 + 60.0]),
        array_row=row,
        array_col=col,
        metadata=SpotMetadata("table", str(folder)),
        counts=random.poisson(rate),
        genes=[f"G{i}" for i in range(GENES)],
    )
    return Section("noise", "noise", folder / "noise.png", spots, 0.5)


def run(one: Section, precision: str) -> tuple[list[float], float, float]:
    """Train, and return the losses, steps a second after the first epoch, and the peak in GiB."""
    torch.cuda.reset_peak_memory_stats()
    losses: list[float] = []
    times: list[float] = []

    def note(event: object) -> None:
        partial = getattr(event, "partial", None)
        if isinstance(partial, TrainingPoint):
            torch.cuda.synchronize()
            losses.append(partial.loss)
            times.append(time.perf_counter())

    settings = TrainSettings(
        genes=tuple(one.spots.var_names),
        pretrained=False,
        epochs=EPOCHS,
        sequence_length=BATCH,
        patch_px=PATCH_PX,
        um_per_px=0.5,
        dropout=0.0,
        precision=precision,  # type: ignore[arg-type]
    )
    train([one], settings, device="cuda", progress=note)
    steps = SPOTS / BATCH * (EPOCHS - 1)
    return losses, steps / (times[-1] - times[0]), torch.cuda.max_memory_allocated() / 2**30


def main() -> int:
    """Print the table."""
    if not torch.cuda.is_available():
        print("There is no CUDA GPU here, so training on one was not measured.")
        return 0
    print(torch.cuda.get_device_name())
    with tempfile.TemporaryDirectory() as folder:
        one = section(Path(folder))
        for precision in ("32", "bf16"):
            losses, rate, peak = run(one, precision)
            shown = " ".join(f"{loss:.3f}" for loss in losses)
            print(
                f"{precision:5} {rate:6.2f} steps/s  peak {peak:5.1f} GiB  loss {shown}", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
