"""Which AnnData keys say where spots are, where they are from, and what a prediction was made with.

Nothing else in the program knows these keys; files of older versions have the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SpotsError
from ..reading.trial import try_reading

if TYPE_CHECKING:
    from anndata import AnnData

POSITIONS = "spatial"
# Columns for x and y in pixels, of tables and of obs where there is no such array.
PIXEL_COLUMNS = (
    ("x_pixel", "y_pixel"),
    ("pixel_x", "pixel_y"),
    ("pxl_col_in_fullres", "pxl_row_in_fullres"),
)
FARTHEST_PX = 1e9  # more than any slide is wide
GRID = "grid"  # the platform of spots that were laid here
SECTION_LEVEL = "section_level"  # of each gene, in var
FACTS = "mclstexp"
_PROGRAMS, _LOADINGS, _SHARES = "X_programs", "programs", "program_shares"
_KINDS = {"str": str, "str | None": str, "float | None": float, "int | None": int}


def has_positions(adata: AnnData) -> bool:
    """Whether it is known where the spots are."""
    if POSITIONS in adata.obsm:
        return bool(adata.obsm[POSITIONS].shape[1] >= 2)
    return _pixel_columns(adata) is not None


def _pixel_columns(adata: AnnData) -> list[str] | None:
    return next((list(pair) for pair in PIXEL_COLUMNS if set(pair) <= set(adata.obs)), None)


def positions(adata: AnnData) -> NDArray[np.float64]:
    """Return the (n, 2) centres as (x, y) in level-0 pixels.

    Raises
    ------
    SpotsError
        If there is only one column, or one is no number or farther away than any slide is wide.
    """
    from scipy import sparse

    columns = None if POSITIONS in adata.obsm else _pixel_columns(adata)
    where = f"obs {columns}" if columns else f'obsm["{POSITIONS}"]'
    kept = adata.obs[columns] if columns else adata.obsm[POSITIONS]
    if kept.shape[1] < 2:
        raise SpotsError(f"{where} has one column; it needs x and y in pixels.")
    try:
        xy = np.asarray(kept.toarray() if sparse.issparse(kept) else kept)[:, :2]
        xy = xy.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise SpotsError(
            f"{where} holds something else than numbers ({str(error)[:80]}); write x and y in "
            "pixels into it."
        ) from error
    wrong = ~(np.abs(xy) < FARTHEST_PX).all(axis=1)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise SpotsError(
            f"{where} gives no coordinates for the spot {adata.obs_names[at]} "
            f"({int(wrong.sum()):,} spots in all); fill them in or remove these spots."
        )
    return xy


def is_prediction(adata: AnnData) -> bool:
    """Whether the values were predicted, not measured."""
    return "model_id" in _facts_in(adata)


def _facts_in(adata: AnnData) -> Mapping[str, Any]:
    """Return what ``uns`` says under this program's key, nothing where another put it there."""
    kept = adata.uns.get(FACTS, {})
    return kept if isinstance(kept, Mapping) else {}


def facts_of(adata: AnnData) -> dict[str, Any]:
    """Return the part of ``uns`` that is this program's, without pictures and others' keys."""
    return {FACTS: adata.uns[FACTS]} if FACTS in adata.uns else {}


def holds_prediction(path: Path) -> bool:
    """Whether an .h5ad file holds a prediction, told without reading it."""
    import h5py

    def look() -> bool:
        with h5py.File(path, "r") as file:
            return f"uns/{FACTS}/model_id" in file

    try:
        if not path.is_file():
            return False
        try_reading(look, seconds=2, holding=h5py._objects.phil)
        return look()
    except (OSError, RuntimeError, ValueError, KeyError):
        return False  # damaged: the reader of spots has the sentence for it


def write_programs(
    adata: AnnData, scores: NDArray[Any], loadings: NDArray[Any], shares: NDArray[Any]
) -> None:
    """Keep the programs of a linear head.

    Parameters
    ----------
    adata
        The prediction.
    scores
        (n, R) at the spots.
    loadings
        (G, R) of the genes.
    shares
        (R,) of what is predicted.
    """
    adata.obsm[_PROGRAMS] = np.asarray(scores, dtype=np.float32)
    adata.varm[_LOADINGS] = np.asarray(loadings, dtype=np.float32)
    adata.uns[FACTS] = {**_facts_in(adata), _SHARES: np.asarray(shares, dtype=float)}


def read_programs(adata: AnnData) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return the (n, R) scores and (G, R) loadings :func:`write_programs` kept, or None.

    Raises
    ------
    SpotsError
        If they are no numbers, or do not fit each other.
    """
    if _PROGRAMS not in adata.obsm or _LOADINGS not in adata.varm:
        return None
    try:
        scores = np.asarray(adata.obsm[_PROGRAMS], dtype=np.float32)
        loadings = np.asarray(adata.varm[_LOADINGS], dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise SpotsError(
            f'obsm["{_PROGRAMS}"] or varm["{_LOADINGS}"] holds something else than numbers; write '
            "the prediction anew."
        ) from error
    if scores.ndim != 2 or loadings.shape != (adata.n_vars, scores.shape[1]):
        raise SpotsError(
            f'obsm["{_PROGRAMS}"] and varm["{_LOADINGS}"] are of different programs; write the '
            "prediction anew."
        )
    return scores, loadings


def program_shares(adata: AnnData) -> tuple[float, ...]:
    """Return the shares that :func:`write_programs` kept; none where an older file has none."""
    return tuple(map(float, np.ravel(_facts_in(adata).get(_SHARES, ()))))


@dataclass(frozen=True)
class _Stored:
    """Facts that are kept in ``uns["mclstexp"]``, each under its own name; None is not stored."""

    @classmethod
    def read(cls, adata: AnnData) -> Self:
        """Return what an AnnData says, and the defaults where it says nothing.

        Raises
        ------
        SpotsError
            If a value is not of its kind.
        """
        stored, found = _facts_in(adata), {}
        for each in fields(cls):
            if stored.get(each.name) is not None:
                try:
                    value = _KINDS[str(each.type)](stored[each.name])
                except (TypeError, ValueError, OverflowError) as error:
                    raise SpotsError(
                        f'uns["{FACTS}"]["{each.name}"] is {str(stored[each.name])[:60]!r}, which '
                        "is no number; write the file again."
                    ) from error
                if value != value:  # NaN is how tables say that something is not known
                    continue
                if isinstance(value, float) and not 0 < value < FARTHEST_PX:
                    raise SpotsError(
                        f'uns["{FACTS}"]["{each.name}"] is {value:g}, which cannot be; write the '
                        "file again."
                    )
                found[each.name] = value
        return cls(**found)

    def write(self, adata: AnnData) -> None:
        """Add these facts to what an AnnData says."""
        adata.uns[FACTS] = {**_facts_in(adata), **self.as_dict()}

    def as_dict(self) -> dict[str, str | float | int]:
        """Return the facts that are known, by name."""
        every = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in every.items() if value is not None}


@dataclass(frozen=True)
class SpotMetadata(_Stored):
    """Where spots are from, and what is known of their layout and their counts.

    Attributes
    ----------
    platform
        ``"legacy-st"``, ``"visium"``, ``"visium-hd"``, ``"table"``, ``"h5ad"``, ``"grid"``.
    source
        The file or folder.
    pitch_um, spot_diameter_um, spot_diameter_px
        Distance between the centres of neighbours, and diameter of a spot.
    um_per_px
        Size of a level-0 pixel, where the spots' files state it.
    layout
        Of a grid, ``"hex"`` or ``"square"``.
    counts
        ``"raw"``, or what they are instead.
    counts_source, counts_note
        The file of the counts; why there are none, or these.
    n_spots_without_counts, n_counts_without_spot
        How many of either were left out.
    """

    platform: str | None = None
    source: str | None = None
    pitch_um: float | None = None
    spot_diameter_um: float | None = None
    spot_diameter_px: float | None = None
    um_per_px: float | None = None
    layout: str | None = None
    counts: str | None = None
    counts_source: str | None = None
    counts_note: str | None = None
    n_spots_without_counts: int | None = None
    n_counts_without_spot: int | None = None


@dataclass(frozen=True)
class Provenance(_Stored):
    """What a prediction was made with, and from.

    Attributes
    ----------
    model_name, model_id, normalisation, unit, k, distance
        The model; what its values are; how many spots it retrieves, and by which distance.
    version, device, device_why, created
        Of this program; where it ran, and why there if there was a choice; when.
    slide, slide_fingerprint, um_per_px, um_per_px_source
        The file, what tells it from others, its scale, and who said that.
    patch_px, patch_um
        Side of a patch.
    spots, n_spots
        The file of the spots, and how many.
    warning
        Why the slide is unlike those that the model knows, or "".
    head, interval
        What expression was read with; which share of measured values its intervals hold.
    """

    model_name: str | None = None
    model_id: str | None = None
    version: str | None = None
    slide: str | None = None
    slide_fingerprint: str | None = None
    um_per_px: float | None = None
    um_per_px_source: str | None = None
    patch_px: int | None = None
    patch_um: float | None = None
    normalisation: str | None = None
    unit: str = ""
    k: int | None = None
    distance: str | None = None
    device: str | None = None
    device_why: str = ""
    n_spots: int | None = None
    created: str | None = None
    spots: str | None = None
    warning: str = ""
    head: str | None = None
    interval: float | None = None
