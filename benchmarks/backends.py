"""Encoding by the plain script, by each backend, and what the processor could do at most.

    python benchmarks/backends.py                encode DenseNet-121 at 224 px, and at 64 px
    python benchmarks/backends.py --predict      a whole predict, from process start to .h5ad

All ratios are of one run; every way of encoding is timed in turn, several rounds, best of each.
The limit is the largest matrix product a second, in fp32 and in bf16, at the 5.67 GFLOP that
DenseNet-121 has for a picture of 224 px. The plain script is what the papers' code does: fp32, one
batch after another, pictures cropped by Pillow, results gathered in a list.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from findings import Finding, found

from napari_mclstexp.running.quiet_threads import wait_asleep

SHARED = Path(__file__).resolve().parents[2] / "shared"
WEIGHTS = SHARED / "weights" / "densenet121_imagenet.safetensors"
HER2ST = SHARED / "data" / "her2st"
BATCH = 32


def encoding(side: int, rounds: int, shared: bool) -> None:
    import numpy as np
    import torch

    from napari_mclstexp.inference.backends.limit import flops_per_picture, flops_per_second
    from napari_mclstexp.inference.backends.openvino_cpu import OpenVino
    from napari_mclstexp.inference.backends.settle import processor
    from napari_mclstexp.inference.device import pick_device
    from napari_mclstexp.inference.image_features import FrozenEncoder
    from napari_mclstexp.inference.torch_pass import cores
    from napari_mclstexp.model import EncoderConfig
    from napari_mclstexp.model.backbones import load_backbone_weights
    from napari_mclstexp.model.image_encoder import ImageEncoder

    def clock() -> float:
        return time.process_time() / cores() if shared else time.perf_counter()

    encoder = ImageEncoder(EncoderConfig()).eval()
    if WEIGHTS.is_file():
        load_backbone_weights(encoder.model, WEIGHTS)
    device = pick_device("cpu")
    batch = BATCH * max(1, (224 // side) ** 2 // 2)
    noise = np.random.default_rng(0).integers(0, 255, (batch, side, side, 3), dtype=np.uint8)
    images = torch.from_numpy(noise).permute(0, 3, 1, 2).float() / 255

    def plain() -> int:
        with torch.no_grad():
            for start in range(0, batch, BATCH):
                encoder(images[start : start + BATCH])
        return batch

    ways: dict[str, Callable[[], int]] = {"plain script": plain}
    for name in ("torch", *(() if OpenVino().why_not(device) else ("openvino",))):
        frozen = FrozenEncoder(encoder, dataclasses.replace(device, backend=name))

        def ours(frozen: FrozenEncoder = frozen) -> int:
            return sum(len(p) for _, p, _ in frozen.stream((slice(0), noise) for _ in range(3)))

        ways[f"{name} {device.arithmetic}"] = ours
    flops = flops_per_picture(encoder, side, side)
    limits: dict[str, float] = {}
    rates = dict.fromkeys(ways, 0.0)
    for way in ways.values():
        way()  # sets things up
    for _ in range(rounds):
        for dtype, name in ((torch.float32, "fp32"), (torch.bfloat16, "bf16")):
            rate = flops_per_second(dataclasses.replace(device, dtype=dtype), clock) / flops
            limits[name] = max(limits.get(name, 0.0), rate)
        for name, way in ways.items():
            start = clock()
            n = way()
            rates[name] = max(rates[name], n / (clock() - start))
    limit = max(limits.values())
    print(
        f"DenseNet-121, {side} px, {flops / 1e9:.2f} GFLOP an image; {processor()}, {cores()} cores"
    )
    question = f"Encoding with DenseNet-121, {side} px"
    for name, rate in limits.items():
        found(Finding(question, f"limit, {name} product", rate, "images/s"))
    for name, rate in rates.items():
        against = f"{rate / limit:.0%} of the limit, {rate / rates['plain script']:.2f} x plain"
        found(Finding(question, name, rate, "images/s", against))


# As published code does it: crop, encode, nearest reference spots, write.
PLAIN = """
import sys
import anndata, numpy as np, pandas as pd, torch
from PIL import Image
from torchvision import transforms
Image.MAX_IMAGE_PIXELS = None
slide, spots, folder, side, out = sys.argv[1:]
side = int(side)
from napari_mclstexp.model import load_model  # only to have the same weights and bank
model = load_model(folder)
encoder, project = model.module.image_encoder.eval(), model.module.image_projection.eval()
keys, expression = torch.from_numpy(model.bank.embedding), model.bank.expression
xy = np.load(spots)
picture = Image.open(slide).convert("RGB")
to_tensor = transforms.ToTensor()
half = float(sys.argv[4]) / 2 * float(np.load(spots.replace("xy", "step")))
class Patches(torch.utils.data.Dataset):
    def __len__(self):
        return len(xy)
    def __getitem__(self, i):
        x, y = xy[i]
        box = (int(x - half), int(y - half), int(x + half), int(y + half))
        return to_tensor(picture.crop(box).resize((side, side)))
found = []
with torch.no_grad():
    for images in torch.utils.data.DataLoader(Patches(), batch_size=32):
        found.append(project(encoder(images)))
query = torch.cat(found)
similarity = torch.nn.functional.normalize(query) @ torch.nn.functional.normalize(keys).T
k = model.config.retrieval.k
weights, nearest = similarity.topk(k, dim=1)
predicted = np.stack([np.average(expression[n], axis=0, weights=w.clip(min=1e-6))
                      for n, w in zip(nearest.numpy(), weights.numpy())])
anndata.AnnData(predicted, var=pd.DataFrame(index=list(model.config.genes))).write_h5ad(out)
"""


def whole(slide: Path, spots: Path, model: Path, counts: Path | None, um: float | None,
          rounds: int) -> None:  # fmt: skip
    """Time whole processes in turn: the plain script, and predict by each backend."""
    import numpy as np

    from napari_mclstexp.inference.patches import field_scale
    from napari_mclstexp.model import load_model
    from napari_mclstexp.slides import open_slide
    from napari_mclstexp.spots.geometry import know_scale
    from napari_mclstexp.spots.readers.choose import read_spots
    from napari_mclstexp.spots.schema import positions

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = load_model(model).config
        with open_slide(slide) as opened:
            if um is not None:
                opened.calibrate(um, "user")
            read = read_spots(spots, counts)
            know_scale(opened, read)
            np.save(folder / "xy.npy", positions(read))
            np.save(folder / "step.npy", field_scale(opened, config) / float(opened.um_per_px or 1))
        (folder / "plain.py").write_text(PLAIN)
        plain = [sys.executable, str(folder / "plain.py"), str(slide), str(folder / "xy.npy")]
        ways = {"plain script": [*plain, str(model), str(config.patch_px), str(folder / "p.h5ad")]}
        shell = [sys.executable, "-m", "napari_mclstexp.cli", "predict", "--slide", str(slide)]
        shell += ["--spots", str(spots), "--model", str(model), "--out", str(folder / "o.h5ad")]
        shell += [] if counts is None else ["--counts", str(counts)]
        shell += [] if um is None else ["--um-per-px", str(um)]
        ways |= {f"predict, {b}": [*shell, "--backend", b] for b in ("auto", "torch", "openvino")}
        environment = {**os.environ, "NAPARI_MCLSTEXP_CACHE": str(folder / "cache")}
        seconds = dict.fromkeys(ways, float("inf"))
        for _ in range(rounds):
            for way, command in ways.items():
                start = time.perf_counter()
                subprocess.run(command, check=True, env=environment, capture_output=True)
                seconds[way] = min(seconds[way], time.perf_counter() - start)
        question = f"Whole predict, {read.n_obs:,} patches of {config.patch_px} px"
        for way, took in seconds.items():
            against = f"{seconds['plain script'] / took:.2f} x as fast as the plain script"
            found(Finding(question, way, took, "s", against))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, nargs="*", default=[224, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--shared",
        action="store_true",
        help="the machine has other work: count processor time, as if all cores were ours",
    )
    parser.add_argument("--predict", action="store_true", help="a whole predict")
    parser.add_argument("--model", type=Path, help="model of the whole predict; else the demo's")
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--spots", type=Path)
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--um-per-px", type=float)
    asked = parser.parse_args()
    if asked.shared:
        wait_asleep()  # what spins counts as work
    if not asked.predict:
        for side in asked.side:
            encoding(side, asked.rounds, asked.shared)
        return 0
    from napari_mclstexp.samples import demo_model_path, sample_section

    section = sample_section(3)
    model = asked.model or demo_model_path()
    slide, spots = asked.slide or section.slide, asked.spots or section.spots
    whole(slide, spots, model, asked.counts, asked.um_per_px, asked.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
