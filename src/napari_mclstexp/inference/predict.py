"""A slide, spots and a model in; an AnnData of predicted expression out."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import anndata
import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..model import Model
from ..model.intervals import INTERVAL, check_level
from ..progress import CancelToken, PartialPrediction, Progress, ProgressCallback, obeying
from ..slides import Slide
from ..spots import check_spots
from ..spots.geometry import know_scale
from ..spots.schema import positions
from .batches import from_map, from_patches
from .device import pick_device
from .heads import Gathered, draw_samples
from .out_of_distribution import unlike_bank
from .prediction_anndata import assemble


def predict(
    slide: Slide,
    spots: anndata.AnnData,
    model: Model,
    *,
    genes: Sequence[str] | None = None,
    device: str = "auto",
    backend: str = "auto",
    batch_size: int | None = None,
    interval: float = INTERVAL,
    samples: int = 0,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> anndata.AnnData:
    """Predict the expression of every spot from the tissue around it (paper section 2.5).

    Slides are read at the model's µm per pixel, whatever the scanner's. A model with a feature
    map sees the whole tissue once, then reads any number of spots from that; others read a patch
    around each spot.

    Parameters
    ----------
    slide
        If it does not state its scale, this is derived from the spots' platform, and set.
    spots
        As `read_spots` or `lay_grid` give them.
    model
        From `load_model` or `train`; it is left as it is.
    genes
        Some of the model's genes; all by default.
    device
        ``"auto"``, ``"cuda"``, ``"mps"`` or ``"cpu"``.
    backend
        What runs the encoder: ``"auto"`` (the fastest that agrees with 32-bit arithmetic; long
        work measures this once), ``"torch"`` or ``"openvino"``.
    batch_size
        Patches at once; a value that suits the device by default.
    interval
        Share of measured values that lie between the layers ``lower`` and ``upper``, of models
        that know their errors on sections left out.
    samples
        How many plausible maps are drawn besides, as layers ``sample_1``, ``sample_2``, ...;
        they vary as much as measured ones, instead of being smooth means.
    seed
        Of these.
    progress
        Called after every batch, with a `PartialPrediction`.
    cancel
        Ends the work within a second.

    Returns
    -------
    AnnData
        ``X`` (n, G) in the model's unit; ``obs`` similarity and distance of the retrieved spots;
        ``layers["spread"]`` among them, or of the errors to be expected; ``layers["lower"]`` and
        ``["upper"]``; ``obsm["X_programs"]`` and ``varm["programs"]`` of a linear head;
        ``layers["measured"]``, ``obs["enough_counts"]`` and ``var["pcc"]`` over those spots where
        they have counts;
        ``var["held_out_pcc"]`` and ``["held_out_low"]`` of the model; ``obsm["spatial"]``,
        ``obsm["X_mclstexp"]`` projections; its provenance; ``uns["spatial"]`` for scanpy and
        squidpy.

    Raises
    ------
    SettingsError
        If a gene is not among the model's, the device or backend is not there, or the interval is
        no share.
    SlideError
        If the scale of the slide is not known, contradicts the spots, or is far coarser than
        the model's, or its file was changed while it was read.
    SpotsError
        If the spots do not fit the slide.
    Cancelled
        If `cancel` was set; nothing is returned.

    Examples
    --------
    >>> from napari_mclstexp import load_model, open_slide, predict, read_spots
    >>> from napari_mclstexp.samples import demo_model_path, sample_section
    >>> section = sample_section(3)
    >>> with open_slide(section.slide) as slide:
    ...     spots = read_spots(section.spots)[:8].copy()
    ...     prediction = predict(slide, spots, load_model(demo_model_path()), genes=["EPCAM"])
    >>> prediction.shape
    (8, 1)
    """
    cancel = cancel or CancelToken()
    with obeying(cancel):
        config = model.config
        columns = gene_columns(config.genes, genes)
        check_spots(spots, slide.width, slide.height)
        know_scale(slide, spots)
        where = pick_device(device, backend)
        check_level(interval)
        if samples and model.linear is None:
            raise SettingsError(
                f"The model {config.name} does not know its errors, so no plausible maps can be "
                "drawn; use a model with a linear head."
            )
        xy = positions(spots)
        if config.feature_map is None:
            read = from_patches(slide, xy, model, columns, where, batch_size, cancel)
        else:
            read = from_map(slide, xy, model, columns, where, interval, progress, cancel)
        chosen = tuple(config.genes[column] for column in columns)
        whole, done = Gathered(spots.n_obs), 0
        for rows, reading in read.batches:
            whole.add(rows, reading)
            done += len(rows)
            cancel.raise_if_cancelled()
            if progress is not None:
                partial = PartialPrediction(
                    rows, reading.expression, chosen, reading.similarity, reading.spread
                )
                progress(Progress(done, spots.n_obs, "Predicting", partial))
        reading = whole.reading()
        assembled = assemble(
            slide,
            spots,
            model,
            chosen,
            device=read.device,
            reading=reading,
            level=read.level,
            interval=interval,
            samples=draw_samples(model, reading, columns, samples, seed) if samples else (),
            warning=unlike_bank(
                reading.colours, slide.um_per_px, model.bank, config, slide.path, spots
            ),
        )
        slide.check_unchanged()
        return assembled


def gene_columns(known: Sequence[str], wanted: Sequence[str] | None) -> NDArray[np.int64]:
    """Return the columns of the wanted genes among the known ones.

    Raises
    ------
    SettingsError
        Naming the first gene that is not known, and those with names like it.
    """
    if wanted is None:
        return np.arange(len(known))
    place = {gene: column for column, gene in enumerate(known)}
    for gene in wanted:
        if gene not in place:
            alike = difflib.get_close_matches(gene.upper(), known, n=3)
            hint = f"did you mean {' or '.join(alike)}?" if alike else "see napari-mclstexp info."
            raise SettingsError(
                f"The model does not know the gene {gene} (it knows {len(known):,}); {hint}"
            )
    return np.array([place[gene] for gene in dict.fromkeys(wanted)], dtype=np.int64)
