"""CUDA against CPU: largest difference, images per second, how busy the encoder was: `make gpu`.

Runs on sample section 3 with the demo model and, where ../shared/data is present, on her2st C5 with
a model trained here on C2, C3, C4 and B4. Without a GPU it says so in one sentence and exits 0.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from anndata import AnnData

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import Model, load_model
from napari_mclstexp.samples import demo_model_path, sample_section
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train

SHARED = Path(__file__).resolve().parents[2] / "shared"
HER2ST = SHARED / "data" / "her2st"


class BusyClock:
    """Adds up the time the GPU spends in a model's image encoder, by CUDA events."""

    def __init__(self, model: Model) -> None:
        self.spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        encoder = model.module.image_encoder
        encoder.register_forward_pre_hook(self._start)
        encoder.register_forward_hook(self._stop)

    def _start(self, *_: object) -> None:
        start = torch.cuda.Event(enable_timing=True)
        start.record()
        self.spans.append((start, torch.cuda.Event(enable_timing=True)))

    def _stop(self, *_: object) -> None:
        self.spans[-1][1].record()

    def seconds(self) -> float:
        torch.cuda.synchronize()
        return sum(start.elapsed_time(stop) for start, stop in self.spans) / 1000


def compare(name: str, slide_path: Path, spots: AnnData, model_of: object) -> None:
    with open_slide(slide_path) as slide:
        on_cpu = predict(slide, spots, model_of(), device="cpu")
        predict(slide, spots, model_of(), device="cuda")  # loads kernels and fills the file cache
        model = model_of()
        clock = BusyClock(model)
        start = time.perf_counter()
        on_gpu = predict(slide, spots, model, device="cuda")
        wall = time.perf_counter() - start
    cpu, gpu = np.asarray(on_cpu.X), np.asarray(on_gpu.X)
    per_gene = [
        np.corrcoef(cpu[:, g], gpu[:, g])[0, 1] for g in range(cpu.shape[1]) if cpu[:, g].std() > 0
    ]
    print(
        f"{name}: {spots.n_obs} spots, largest difference {np.abs(cpu - gpu).max():.4f} "
        f"(mean {np.abs(cpu - gpu).mean():.5f}, lowest per-gene correlation {min(per_gene):.4f}); "
        f"{spots.n_obs / wall:.0f} images/s over the whole run, "
        f"encoder busy {clock.seconds() / wall:.0%} of it"
    )


def train_on_her2st() -> Model:
    sections = [
        Section(
            name=name,
            patient=name[0],
            slide_path=next((HER2ST / "images" / name).glob("*.jpg")),
            spots=read_spots(HER2ST / "spotfiles" / f"{name}_selection.tsv"),
        )
        for name in ("C2", "C3", "C4", "B4")
    ]
    genes = (SHARED / "data" / "gene_lists" / "her2st_785.txt").read_text().split()
    settings = TrainSettings(
        genes=tuple(genes),
        encoder="timm:tf_efficientnet_lite0",
        weights=SHARED / "weights" / "tf_efficientnet_lite0.safetensors",
        freeze_encoder=True,
    )
    return train(sections, settings, device="cuda")


def main() -> int:
    if not torch.cuda.is_available():
        print("There is no CUDA GPU that torch can see on this machine, so nothing was compared.")
        return 0
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    section = sample_section(3)
    spots = read_spots(section.spots)
    compare("sample section 3", section.slide, spots, lambda: load_model(demo_model_path()))
    if HER2ST.is_dir():
        model = train_on_her2st()
        slide = next((HER2ST / "images" / "C5").glob("*.jpg"))
        spots = read_spots(HER2ST / "spotfiles" / "C5_selection.tsv")
        compare("her2st C5", slide, spots, lambda: model)
    else:
        print(f"her2st C5 was left out, since {HER2ST} is not there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
