"""A small slide, spots with counts, and a small model, as files: what the widget tests open."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import tifffile
from qtpy.QtWidgets import QApplication, QDockWidget, QScrollArea, QWidget
from scipy import sparse

UM_PER_PX = 0.5
GENES = ("FASN", "GNAS", "HLA-B", "CD74")
WIDTH, HEIGHT = 1600, 1200
PITCH_PX = 120


def write_slide(path: Path, um_per_px: float | None = UM_PER_PX, seed: int = 0) -> Path:
    """Write an OME-TIFF of two levels: purple tissue with noise on white glass."""
    rng = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH, 3), 244, dtype=np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    tissue = ((x - WIDTH / 2) / 650) ** 2 + ((y - HEIGHT / 2) / 480) ** 2 < 1
    stain = np.stack([150 + 60 * np.sin(x / 90), 90 + 40 * np.cos(y / 70), 160 + 0 * x], axis=-1)
    noisy = stain + rng.normal(0, 18, stain.shape)
    image[tissue] = noisy.clip(0, 255).astype(np.uint8)[tissue]
    metadata = {"axes": "YXS"}
    if um_per_px is not None:
        metadata |= {
            "PhysicalSizeX": um_per_px,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": um_per_px,
            "PhysicalSizeYUnit": "µm",
        }
    with tifffile.TiffWriter(path) as tiff:
        options = {"photometric": "rgb", "tile": (256, 256), "compression": "deflate"}
        tiff.write(image, subifds=1, metadata=metadata, **options)
        tiff.write(image[::2, ::2], subfiletype=1, metadata=None, **options)
    return path


def spots(n_genes: int = len(GENES)) -> ad.AnnData:
    """Return 63 Visium-like spots with counts that follow x and y."""
    rows, cols = np.mgrid[0:7, 0:9]
    xy = np.stack([cols.ravel() * PITCH_PX + 320, rows.ravel() * PITCH_PX + 240], axis=1)
    rng = np.random.default_rng(1)
    rate = np.stack([xy[:, 0], xy[:, 1], WIDTH - xy[:, 0], 400 + 0 * xy[:, 0]], axis=1) / 60
    counts = rng.poisson(rate[:, :n_genes]).astype(np.float32)
    adata = ad.AnnData(sparse.csr_matrix(counts))
    adata.obs_names = [f"spot{index}" for index in range(len(xy))]
    adata.var_names = list(GENES[:n_genes])
    adata.obs["array_row"] = rows.ravel()
    adata.obs["array_col"] = cols.ravel()
    adata.obs["in_tissue"] = True
    adata.obsm["spatial"] = xy.astype(np.float64)
    return adata


def write_spots(path: Path) -> Path:
    """Write the spots as h5ad."""
    spots().write_h5ad(path)
    return path


def write_legacy(folder: Path) -> tuple[Path, Path]:
    """Write the spots as the legacy ST pipeline does: a spot file and counts, by other names."""
    adata = spots()
    x, y = adata.obs["array_col"].to_numpy(), adata.obs["array_row"].to_numpy()
    selection = pd.DataFrame(
        {
            "x": x,
            "y": y,
            "new_x": x + 0.01,
            "new_y": y - 0.02,
            "pixel_x": adata.obsm["spatial"][:, 0],
            "pixel_y": adata.obsm["spatial"][:, 1],
            "selected": 1,
        }
    )
    counts = pd.DataFrame(
        adata.X.toarray().astype(int),
        index=[f"{a}x{b}" for a, b in zip(x, y, strict=True)],
        columns=adata.var_names,
    )
    selection.to_csv(folder / "spots.tsv", sep="\t", index=False)
    counts.to_csv(folder / "matrix.tsv", sep="\t")
    return folder / "spots.tsv", folder / "matrix.tsv"


def write_outs(outs: Path) -> Path:
    """Write the spots as Space Ranger does."""
    adata = spots()
    (outs / "spatial").mkdir(parents=True)
    with h5py.File(outs / "filtered_feature_bc_matrix.h5", "w") as file:
        matrix = file.create_group("matrix")
        counts = sparse.csc_matrix(adata.X.T)
        for name in ("data", "indices", "indptr"):
            matrix[name] = getattr(counts, name).astype(np.int32)
        matrix["shape"] = np.array(counts.shape, dtype=np.int32)
        matrix["barcodes"] = [name.encode() for name in adata.obs_names]
        features = matrix.create_group("features")
        features["id"] = [f"ENSG{index}".encode() for index in range(adata.n_vars)]
        features["name"] = [name.encode() for name in adata.var_names]
        features["feature_type"] = [b"Gene Expression"] * adata.n_vars
        features["genome"] = [b"GRCh38"] * adata.n_vars
    positions = pd.DataFrame(
        {
            "barcode": adata.obs_names,
            "in_tissue": 1,
            "array_row": adata.obs["array_row"].to_numpy(),
            "array_col": adata.obs["array_col"].to_numpy(),
            "pxl_row_in_fullres": adata.obsm["spatial"][:, 1],
            "pxl_col_in_fullres": adata.obsm["spatial"][:, 0],
        }
    )
    positions.to_csv(outs / "spatial" / "tissue_positions.csv", index=False)
    factors = {"spot_diameter_fullres": 66.0, "tissue_hires_scalef": 0.5}
    (outs / "spatial" / "scalefactors_json.json").write_text(json.dumps(factors))
    return outs


def open_prediction(session: Any, slide_file: Path, model: Path, prediction: Any) -> None:
    """Open a slide with the model and a finished prediction of it, as a worker would have."""
    from napari_mclstexp.model import load_model
    from napari_mclstexp.slides import open_slide
    from napari_mclstexp.spots import find_tissue

    slide = open_slide(slide_file)
    session.use_slide(slide, find_tissue(slide))
    session.use_model(load_model(model))
    session.use_prediction(prediction)


def write_model(folder: Path, seed: int = 0, **said: str) -> Path:
    """Write a model with random weights and a random bank that predicts in no time.

    What is `said` goes into its configuration: ``platform="visium"``.
    """
    from napari_mclstexp.widgets.common.torch_loading import prepare_torch

    prepare_torch()  # other tests may have opened windows before
    import torch

    from napari_mclstexp.model import (
        Bank,
        MclSTExp,
        Model,
        ModelConfig,
        PositionsConfig,
        RetrievalConfig,
        save_model,
    )

    torch.manual_seed(seed)
    config = ModelConfig(
        name="Tiny",
        genes=GENES,
        patch_px=32,
        um_per_px=1.0,
        positions=PositionsConfig(n_rows=16, n_cols=16),
        heads=2,
        head_dim=4,
        retrieval=RetrievalConfig(k=5),
        trained_on=("alpha", "beta"),
        **said,
        held_out_pcc={"FASN": 0.21, "GNAS": 0.64, "HLA-B": 0.43},
    )
    module = MclSTExp(config).eval()
    rng = np.random.default_rng(2)
    n = 64
    bank = Bank(
        embedding=rng.normal(size=(n, config.projection_dim)).astype(np.float32),
        expression=rng.gamma(2, 1, size=(n, len(GENES))).astype(np.float32),
        genes=GENES,
        section=np.array(["alpha"] * n),
        barcode=np.array([f"b{index}" for index in range(n)]),
        array_row=np.zeros(n, dtype=np.int64),
        array_col=np.arange(n, dtype=np.int64) % 16,
        xy=rng.random((n, 2)),
    )
    save_model(Model(config, module, bank), folder)
    return folder


def bring_to_front(widget: QWidget) -> None:
    """Make the dock of a widget the visible tab, and scroll to the widget."""
    parent: QWidget | None = widget
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        if isinstance(parent, QDockWidget):
            parent.show()  # under the steps of the Workbench the others are folded away
            parent.raise_()
        parent = parent.parentWidget()
    QApplication.processEvents()


def our_threads() -> list[threading.Thread]:
    """Return the plugin's threads that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("mclstexp")]


def sentences(notes: Any) -> list[str]:
    """Return the error messages among napari's notifications."""
    return [note.message for note in notes if note.severity == "error"]
