"""A small slide, spots, models and predictions for the tests of the session and of the scene."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from PIL import Image, ImageDraw
from scipy import sparse

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.errors import SlideError
from napari_mclstexp.model import Model, ModelConfig, PositionsConfig
from napari_mclstexp.progress import PartialPrediction, Progress
from napari_mclstexp.session.display import Display
from napari_mclstexp.session.saved_session import SavedSession, SavedSlide

SQUARE = ((10.0, 10.0), (100.0, 10.0), (100.0, 100.0), (10.0, 100.0), (10.0, 10.0))
GENES = ("FASN", "GNAS", "CD74")
SIDE, PITCH = 8, 50  # an 8 x 8 grid of spots, 50 px apart


def write_slide(folder, name="a.png", shade=150):
    """A 500 x 450 px slide: a tissue-coloured square on white, without a scale."""
    image = Image.new("RGB", (500, 450), "white")
    ImageDraw.Draw(image).rectangle((20, 20, 430, 430), fill=(shade, 60, shade - 20))
    path = folder / name
    image.save(path)
    return path


def make_spots(counts=True, pitch_um=100.0, names=(*GENES, "MALAT1")):
    """Spots 50 px apart, with counts that differ between genes and places."""
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    columns, rows = columns.ravel(), rows.ravel()
    values = np.stack([(columns * (g + 1) + rows) % 7 + g for g in range(len(names))], axis=1)
    facts = {"platform": "visium", "spot_diameter_um": 55.0, "pitch_um": pitch_um}
    return AnnData(
        X=sparse.csr_matrix(values if counts else values[:, :0], dtype=np.float32),
        obs=pd.DataFrame(
            {"array_row": rows, "array_col": columns, "in_tissue": True},
            index=[f"{c}x{r}" for c, r in zip(columns, rows, strict=True)],
        ),
        var=pd.DataFrame(index=list(names) if counts else []),
        obsm={"spatial": np.column_stack((columns, rows)) * float(PITCH) + 50.0},
        uns={"mclstexp": facts if pitch_um else {"platform": "table"}},
    )


def make_model(identity="aaaa", genes=GENES):
    """A model as far as a session looks at it: its configuration and identity."""
    config = ModelConfig(
        name=f"model {identity}",
        genes=genes,
        um_per_px=0.5,
        positions=PositionsConfig(n_rows=SIDE, n_cols=SIDE),
        held_out_pcc={"GNAS": 0.6, "FASN": 0.4},
    )
    return Model(config=config, module=None, bank=None, id=identity)


def prediction_of(run, value=1.0):
    """What `predict` gives for a run: `value`, 2 x `value`, ... for its genes, rising by spot."""
    ramp = np.linspace(0, 1, run.spots.n_obs, dtype=np.float32)[:, None]
    expression = (ramp + np.arange(1, len(run.genes) + 1) * value).astype(np.float32)
    prediction = AnnData(
        X=expression,
        obs=run.spots.obs.copy(),
        var=pd.DataFrame({"held_out_pcc": [0.4, 0.6, np.nan]}, index=list(run.genes)),
        obsm={"spatial": run.spots.obsm["spatial"]},
        uns={
            "mclstexp": {
                "model_id": run.model.id,
                "model_name": run.model.config.name,
                "unit": run.model.config.unit,
                "um_per_px": 2.0,
                "spot_diameter_um": 55.0,
                "slide_fingerprint": run.slide.fingerprint(),
                "slide": str(run.slide.path),
            }
        },
    )
    if run.result.measured is not None:
        prediction.layers["measured"] = run.result.measured
    return prediction


def partial(indices, value=3.0, genes=GENES):
    shape = (len(indices), len(genes))
    expression = np.full(shape, value, dtype=np.float32)
    part = PartialPrediction(
        np.array(indices), expression, genes, np.ones(len(indices), np.float32), expression
    )
    return Progress(len(indices), 64, "Predicting", part)


def finished(session, value=1.0):
    run = session.runs.start()
    session.runs.finish(run, prediction_of(run, value))
    return session.result


def heard(signal):
    calls = []
    signal.connect(lambda *args: calls.append(args), check_nargs=False)
    return calls


def is_open(slide):
    try:
        slide.read_level(0, 0, 0, 4, 4)
    except SlideError:
        return False
    return True


def region(name="Tumour", **more):
    return Region(name, ((SQUARE,),), (1, 2, 3), **more)


def kept_session(annotations, spots=None, um_per_px=None, prediction=None):
    """What autosave keeps of a slide on which these were made."""
    slide = SavedSlide(Path("a.png"), "f" * 64, um_per_px, spots, prediction, annotations)
    saved = datetime.now(UTC).isoformat(timespec="microseconds")
    return SavedSession(Path(), (slide,), 0, None, Display(), saved)
