"""From four sections to a fifth: time and figures of the default, beside image kNN.

Each line is a process of its own, from its start to the written file, with nothing kept of the
fifth section: training on B4 and C2 to C4; the 181 spots of C5; a grid of 25 µm on the same slide;
that grid again, when the slide was seen; and image kNN, whose training features are kept. Figures
leave out spots with fewer than 100 counts. Needs ../shared; says so without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anndata
import numpy as np
from findings import Finding, found

from napari_mclstexp.cohort.load import load_cohort
from napari_mclstexp.cohort.quality_control import keep_good_spots
from napari_mclstexp.evaluation.baselines import BASELINES
from napari_mclstexp.evaluation.prepared_sections import Prepared, raw_counts
from napari_mclstexp.inference.correlation import pcc_per_gene
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.training.data import add_features, prepare
from napari_mclstexp.training.initialise import median_scale, start
from napari_mclstexp.training.presets import preset_settings

SHARED = Path(__file__).resolve().parents[2] / "shared"
HER2ST = SHARED / "data" / "her2st"
WEIGHTS = SHARED / "weights" / "densenet121_imagenet.safetensors"
GENES = SHARED / "data" / "gene_lists" / "her2st_785.txt"
NORMALISATION = "log10-1e4-listed"
LEARNED, ASKED = ("B4", "C2", "C3", "C4"), "C5"
PITCHES = (200, 100, 50, 25)  # µm
UM_PER_PX = "0.7326"  # as the spots' pitch of 200 µm gives it
TOP = 50
KNN = ("image kNN, k = 50", "image kNN + neighbourhood")


def write_table(path: Path, names: tuple[str, ...]) -> Path:
    """Write the cohort table of some sections."""
    rows = ["section,patient,slide,spots,counts"]
    for name in names:
        slide = next((HER2ST / "images" / name).glob("*.jpg"))
        spots, counts = f"spotfiles/{name}_selection.tsv", f"counts/{name}.tsv.gz"
        rows.append(f"{name},{name[0]},{slide},{HER2ST / spots},{HER2ST / counts}")
    path.write_text("\n".join(rows) + "\n")
    return path


def timed(what: str, command: list[str], cache: Path) -> float:
    """Run a process and print how long it took."""
    start = time.perf_counter()
    quiet = subprocess.DEVNULL
    environment = {**os.environ, "NAPARI_MCLSTEXP_CACHE": str(cache)}
    subprocess.run(command, check=True, env=environment, stdout=quiet, stderr=quiet)
    took = time.perf_counter() - start
    found(Finding("From four sections to C5", what, took, "s"))
    return took


def stages(command: list[str], cache: Path) -> None:
    """Say where the time of a prediction went, and what share of the limit the encoder had."""
    environment = {**os.environ, "NAPARI_MCLSTEXP_CACHE": str(cache)}
    done = subprocess.run(
        [*command, "--profile", "--json"], check=True, env=environment, stdout=subprocess.PIPE
    )
    for each in json.loads(done.stdout)["profile"]["stages"]:
        against = f"{each['share']:.0%} of the run"
        against += f", {each['of_limit']:.0%} of the limit" if each["of_limit"] else ""
        question = "Stages of predict, 181 spots of C5"
        found(Finding(question, each["name"], each["seconds"], "s", against))


def figures(what: str, pcc: np.ndarray, measured: np.ndarray) -> None:
    """Print the means over all genes and over the most expressed."""
    top = np.argsort(-measured.mean(axis=0), kind="stable")[:TOP]
    against = f"top {TOP} expressed {np.nanmean(pcc[top]):.3f}"
    found(Finding("Correlation on C5", what, float(np.nanmean(pcc)), "PCC", against))


def knn(folder: Path) -> None:
    """Predict C5 from the encoder's features of patches, as a process of its own."""
    sections = keep_good_spots(load_cohort(folder / "five.csv"), 100).sections
    settings = preset_settings(
        *("paper",),
        genes=tuple(GENES.read_text().split()),
        weights=WEIGHTS,
        normalisation=NORMALISATION,
        um_per_px=median_scale(sections),
        freeze_encoder=True,
    )
    if not (folder / "kept").exists():  # the first time keeps what is learned from
        sections = [each for each in sections if each.name != ASKED]
    config, module = start(sections, settings)
    seen = prepare(sections, config)
    add_features(seen, module, config, pick_device("cpu"), None, CancelToken())
    if (folder / "kept").exists():
        prepared = [
            Prepared(
                *(each.section, each.expression.numpy(), each.features.numpy()),
                *(*raw_counts(each.section, settings.genes), {}, None),
            )
            for each in seen
        ]
        test = next(each for each in prepared if each.name == ASKED)
        train = [each for each in prepared if each.name != ASKED]
        for name in KNN:
            read = BASELINES[name](train, test)
            np.savez(folder / f"{name}.npz", pcc=pcc_per_gene(read, test.expression))
        np.save(folder / "names.npy", test.section.spots.obs_names.to_numpy(dtype=str))
    (folder / "kept").touch()


def main() -> int:
    """Print times and figures."""
    if len(sys.argv) > 1:
        knn(Path(sys.argv[1]))
        return 0
    if not HER2ST.is_dir():
        print(f"{HER2ST} is not here; put the sections of her2st there.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shell = [sys.executable, "-m", "napari_mclstexp.cli"]
        write_table(folder / "five.csv", (*LEARNED, ASKED))
        model, slide = folder / "model", next((HER2ST / "images" / ASKED).glob("*.jpg"))
        table = write_table(folder / "four.csv", LEARNED)
        train = ["train", "--cohort", str(table), "--genes", str(GENES), "--weights", str(WEIGHTS)]
        train += ["--normalisation", NORMALISATION, "--out", str(model)]
        timed("train on four sections", [*shell, *train], folder / "a")
        five = [*train[:2], str(folder / "five.csv"), *train[3:-1], str(folder / "of five")]
        timed("train on five sections", [*shell, *five], folder / "e")
        asked = [*shell, "predict", "--slide", str(slide), "--model", str(model)]
        spots = ["--spots", str(HER2ST / "spotfiles" / f"{ASKED}_selection.tsv")]
        spots += ["--counts", str(HER2ST / "counts" / f"{ASKED}.tsv.gz")]
        scale = ["--um-per-px", UM_PER_PX]
        grid = ["--grid", "25", *scale]
        out = str(folder / "spots.h5ad")
        few = timed("predict, 181 spots", [*asked, *spots, "--out", out], folder / "b")
        stages([*asked, *spots, "--out", out], folder / "f")
        out = str(folder / "grid.h5ad")
        many = timed("predict, a grid of 25 µm", [*asked, *grid, "--out", out], folder / "c")
        n = anndata.read_h5ad(out, backed="r").n_obs
        times = f"{n:,} spots take {many / few:.2f} times as long as 181"
        found(Finding("From four sections to C5", "grid of 25 µm", many / few, "times", times))
        for pitch in PITCHES:
            out = str(folder / f"{pitch}.h5ad")
            at = ["--grid", str(pitch), *scale, "--out", out]
            took = timed(
                f"a grid of {pitch} µm, the slide seen before", [*asked, *at], folder / "c"
            )
            n = anndata.read_h5ad(out, backed="r").n_obs
            found(Finding("Grids on a slide that was seen", "predict", took, "s", at=n))
        search = [sys.executable, __file__, str(folder)]
        timed("features of four sections, kept for image kNN", search, folder / "d")
        other = timed("image kNN, 181 spots", search, folder / "d")
        found(Finding("From four sections to C5", "default to image kNN", few / other, "times"))
        seen = anndata.read_h5ad(folder / "spots.h5ad")[np.load(folder / "names.npy")]
        measured = np.asarray(seen.layers["measured"])
        figures("default", pcc_per_gene(np.asarray(seen.X), measured), measured)
        for name in KNN:
            figures(name, np.load(folder / f"{name}.npz")["pcc"], measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
