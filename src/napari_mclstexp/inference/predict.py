"""A slide, spots and a model in; an AnnData of predicted expression out."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Sequence

import anndata
import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import SettingsError
from ..model import Model
from ..model.retrieval import Retriever
from ..progress import CancelToken, PartialPrediction, Progress, ProgressCallback
from ..slides import Slide
from ..spots import check_spots
from ..spots.geometry import know_scale
from ..spots.schema import positions
from .device import pick_device
from .image_features import FrozenEncoder
from .out_of_distribution import mean_colours, unlike_bank
from .patches import field_scale, reading_order, stream_patches
from .prediction_anndata import assemble


def predict(
    slide: Slide,
    spots: anndata.AnnData,
    model: Model,
    *,
    genes: Sequence[str] | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> anndata.AnnData:
    """Predict the expression of every spot from the tissue around it (paper section 2.5).

    Patches of the model's physical field are read at the model's µm per pixel, whatever the
    scanner's; each is projected, and expression is averaged over the nearest reference spots.

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
    batch_size
        Patches at once; a value that suits the device by default.
    progress
        Called after every batch, with a `PartialPrediction`.
    cancel
        Ends the work within a second.

    Returns
    -------
    AnnData
        ``X`` (n, G) in the model's unit; ``obs`` similarity and distance of the retrieved spots;
        ``layers["spread"]`` among them; ``layers["measured"]`` and ``var["pcc"]`` where the
        spots have counts; ``var["held_out_pcc"]`` of the model; ``obsm["spatial"]``,
        ``obsm["X_mclstexp"]`` projections; its provenance; ``uns["spatial"]``
        for scanpy and squidpy.

    Raises
    ------
    SettingsError
        If a gene is not among the model's, or the device is not there.
    SlideError
        If the scale of the slide is not known, contradicts the spots, or is far coarser than
        the model's.
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
    config = model.config
    columns = gene_columns(config.genes, genes)
    check_spots(spots, slide.width, slide.height)
    know_scale(slide, spots)
    where = pick_device(device)
    encoder = FrozenEncoder(model.module.image_encoder, where, cancel)
    projection = copy.deepcopy(model.module.image_projection).to(where.torch).eval()
    read_expression = Retriever(
        torch.from_numpy(model.bank.embedding).to(where.torch),
        np.ascontiguousarray(model.bank.expression[:, columns]),
        k=config.retrieval.k,
        distance=config.retrieval.distance,
    )
    chosen = tuple(config.genes[column] for column in columns)

    n, xy = spots.n_obs, positions(spots)
    order = reading_order(xy)
    expression = np.empty((n, len(columns)), dtype=np.float32)
    spread = np.empty_like(expression)
    similarity, distance = (np.empty(n, dtype=np.float32) for _ in range(2))
    projected = np.empty((n, config.projection_dim), dtype=np.float32)
    colours = np.empty((n, 3))
    for rows, pixels in stream_patches(
        slide,
        xy[order],
        patch_px=config.patch_px,
        um_per_px=field_scale(slide, config),
        batch_size=batch_size or where.batch_size,
        cancel=cancel,
    ):
        with torch.inference_mode():
            query = projection(encoder(pixels))
            found = read_expression(query)
        here = order[rows]
        expression[here], spread[here] = found.expression, found.spread
        similarity[here], distance[here] = found.similarity, found.distance
        projected[here] = query.cpu().numpy()
        colours[here] = mean_colours(pixels)
        cancel.raise_if_cancelled()
        if progress is not None:
            partial = PartialPrediction(
                here, found.expression, chosen, found.similarity, found.spread
            )
            progress(Progress(rows.stop, n, "Predicting", partial))
    return assemble(
        slide,
        spots,
        model,
        chosen,
        device=where.name,
        expression=expression,
        spread=spread,
        similarity=similarity,
        distance=distance,
        projected=projected,
        warning=unlike_bank(colours, slide.um_per_px, model.bank, config),
    )


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
