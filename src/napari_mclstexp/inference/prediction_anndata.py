"""The AnnData of a prediction: what scanpy and squidpy expect, and where everything came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import __version__
from ..cohort.quality_control import enough_counts
from ..model import Model
from ..model.normalisation import measured_expression
from ..slides import Slide
from ..spots.schema import (
    POSITIONS,
    SECTION_LEVEL,
    Provenance,
    SpotMetadata,
    positions,
    write_programs,
)
from .correlation import pcc_per_gene
from .device import Device
from .heads import Reading

PICTURE_PX = 1024


def assemble(
    slide: Slide,
    spots: anndata.AnnData,
    model: Model,
    genes: Sequence[str],
    *,
    device: Device,
    reading: Reading,
    level: NDArray[np.float64] | None,
    interval: float,
    samples: Iterable[NDArray[np.float32]] = (),
    warning: str = "",
) -> anndata.AnnData:
    """Put a prediction together with its measurement, if there is one, and its provenance.

    Parameters
    ----------
    slide, spots, model, genes, device
        What the prediction was made from, and the G genes of its columns.
    reading
        What the model's head said of the n spots.
    level
        (G,) of the slide, where a linear head read it.
    interval
        Share of measured values that its intervals hold.
    samples
        (n, G) plausible maps.
    warning
        Why the slide is unlike those that the model knows.
    """
    config = model.config
    obs = spots.obs.copy()
    obs["similarity"], obs["distance"] = reading.similarity, reading.distance
    known = {"held_out_pcc": config.held_out_pcc, "held_out_low": config.held_out_low}
    scores = {name: [each.get(gene, np.nan) for gene in genes] for name, each in known.items()}
    var = pd.DataFrame(scores, index=pd.Index(list(genes), dtype=str))
    if level is not None:
        var[SECTION_LEVEL] = level
    layers = {"spread": reading.spread}
    if reading.lower is not None and reading.upper is not None:
        layers |= {"lower": reading.lower, "upper": reading.upper}
    layers |= {f"sample_{number}": each for number, each in enumerate(samples, start=1)}
    if spots.n_vars:
        at = [config.genes.index(gene) for gene in genes]
        measured = measured_expression(spots, config.genes, config.normalisation)[:, at]
        layers["measured"] = measured
        var["measured"] = np.asarray(np.isfinite(measured).any(axis=0))
        good = enough_counts(spots)
        obs["enough_counts"] = good
        judged = good if good.any() else slice(None)
        var["pcc"] = pcc_per_gene(reading.expression[judged], measured[judged])
    prediction = anndata.AnnData(
        X=reading.expression,
        obs=obs,
        var=var,
        layers=layers,
        obsm={POSITIONS: positions(spots), "X_mclstexp": reading.projected},
        uns={"spatial": _picture(slide, spots)},
    )
    if reading.programs is not None and model.linear is not None:
        at, head = [config.genes.index(gene) for gene in genes], model.linear.head
        write_programs(prediction, reading.programs, head.loadings[:, at].T, head.share)
    if reading.codes is not None and config.head == "blend":  # else they are the projections
        prediction.obsm["X_codes"] = reading.codes
    about_spots = SpotMetadata.read(spots)
    SpotMetadata(
        platform=about_spots.platform,
        pitch_um=about_spots.pitch_um,
        spot_diameter_um=about_spots.spot_diameter_um,
    ).write(prediction)
    Provenance(
        model_name=config.name,
        model_id=model.id,
        version=__version__,
        slide=str(slide.path),
        slide_fingerprint=slide.fingerprint(),
        um_per_px=float(slide.um_per_px or 0),
        um_per_px_source=str(slide.um_per_px_source),
        patch_px=config.patch_px,
        patch_um=config.patch_um,
        normalisation=config.normalisation,
        unit=config.unit,
        k=config.retrieval.k,
        distance=config.retrieval.distance,
        device=device.name,
        device_why=device.why,
        n_spots=spots.n_obs,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        spots=about_spots.source or "",
        warning=warning,
        head=config.head,
        interval=interval if "lower" in layers else None,
    ).write(prediction)
    return prediction


def _picture(slide: Slide, spots: anndata.AnnData) -> dict[str, Any]:
    """Return ``uns["spatial"]`` as Space Ranger's readers fill it."""
    thumbnail = slide.thumbnail(PICTURE_PX)
    diameter_um = SpotMetadata.read(spots).spot_diameter_um or 55.0
    factors = {
        "tissue_hires_scalef": thumbnail.shape[1] / slide.width,
        "spot_diameter_fullres": diameter_um / float(slide.um_per_px or 1),
    }
    return {slide.path.stem: {"images": {"hires": thumbnail}, "scalefactors": factors}}
