"""Small pictures of results side by side: slides, with a gene or signature in equal colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..analysis.signatures import published, score_signature
from ..errors import SettingsError, SpotsError
from .slide_record import SlideState

COLORMAP = "viridis"
LOW, HIGH = 2.0, 98.0  # percentiles over all slides, so that colours mean the same on each
MOST_DRAWN = 20_000  # spots of a small picture


@dataclass(frozen=True, eq=False)
class SlidePicture:
    """What is drawn of one slide.

    Attributes
    ----------
    thumbnail
        (h, w, 3) uint8.
    xy
        (n, 2) centres of the spots in its pixels.
    radius
        Of a spot, in its pixels.
    values
        (n,) of the gene or signature; None where the result does not have it.
    """

    thumbnail: NDArray[np.uint8]
    xy: NDArray[np.float64]
    radius: float
    values: NDArray[np.float32] | None


def what_to_show(results: Iterable[Path], states: Iterable[SlideState]) -> str:
    """Return what tells most by default: a signature that was scored, else the best gene."""
    for state in states:
        if state.signatures:
            return next(iter(state.signatures))
    for path in results:
        genes, scores = _genes(path)
        if genes:
            return genes[int(np.argmax(scores))]
    return ""


def read_picture(path: Path, show: str, side: int) -> SlidePicture:
    """Read what is drawn of a slide from its result, and little else.

    Parameters
    ----------
    path
        The result.
    show
        A gene, or the name of a published signature; "" for neither.
    side
        Longest side of the picture in pixels.

    Raises
    ------
    SpotsError
        If the file is damaged, or no result of this program.
    """
    import h5py
    from PIL import Image

    try:
        with h5py.File(path) as file:
            (section,) = file["uns/spatial"].values()
            whole = np.asarray(section["images/hires"], dtype=np.uint8)
            factor = float(section["scalefactors/tissue_hires_scalef"][()])
            diameter = float(section["scalefactors/spot_diameter_fullres"][()])
            xy = np.asarray(file["obsm/spatial"], dtype=np.float64)[:, :2]
            step = -(-len(xy) // MOST_DRAWN)
            values = _values(file, show, step)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise SpotsError(f"{path} is damaged or no result of a cohort ({error}).") from error
    small = min(1.0, side / max(whole.shape[:2]))
    size = (max(1, round(whole.shape[1] * small)), max(1, round(whole.shape[0] * small)))
    thumbnail = np.asarray(Image.fromarray(whole).resize(size, Image.Resampling.BOX))
    factor *= small
    return SlidePicture(thumbnail, xy[::step] * factor, diameter * factor / 2, values)


def common_limits(pictures: Iterable[SlidePicture]) -> tuple[float, float]:
    """Return the values that the first and last colour stand for on every slide."""
    known = [each.values for each in pictures if each.values is not None and len(each.values)]
    if not known:
        return 0.0, 1.0
    low, high = np.nanpercentile(np.concatenate(known), [LOW, HIGH])
    return float(low), float(high if high > low else low + 1)


def draw(picture: SlidePicture, limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Return the slide with its spots in colours, (h, w, 3) uint8."""
    from matplotlib import colormaps
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture.thumbnail.copy())
    if picture.values is not None:
        low, high = limits
        share = np.clip((np.nan_to_num(picture.values, nan=low) - low) / (high - low), 0, 1)
        colours = (colormaps[COLORMAP](share)[:, :3] * 255).astype(np.uint8)
        pen, radius = ImageDraw.Draw(image), max(0.5, picture.radius)
        for (x, y), colour in zip(picture.xy.tolist(), colours.tolist(), strict=True):
            box = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse(box, fill=tuple(colour))
    return np.asarray(image)


def draw_all(
    results: Sequence[Path], show: str, side: int
) -> tuple[dict[Path, NDArray[np.uint8]], tuple[float, float]]:
    """Return the pictures of results in one range of colours, and this range.

    A result that cannot be read has none.
    """
    found: dict[Path, SlidePicture] = {}
    for path in results:
        try:
            found[path] = read_picture(path, show, side)
        except SpotsError:
            continue
    limits = common_limits(found.values())
    return {path: draw(each, limits) for path, each in found.items()}, limits


def _values(file: Any, show: str, step: int) -> NDArray[np.float32] | None:
    names = [each.decode() for each in file["var"][file["var"].attrs["_index"]][:]]
    if show in names:
        return np.asarray(file["X"][:, names.index(show)][::step], dtype=np.float32)
    signature = next((each for each in published() if each.name == show), None)
    if signature is None:
        return None
    try:
        score = score_signature(np.asarray(file["X"], np.float32)[::step], names, signature)
    except SettingsError:
        return None
    return score.astype(np.float32)


def _genes(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Return a result's genes, and how well each was predicted on sections left out."""
    import h5py

    try:
        with h5py.File(path) as file:
            var = file["var"]
            names = [each.decode() for each in var[var.attrs["_index"]][:]]
            scores = np.asarray(var["held_out_pcc"], dtype=np.float64)
    except (OSError, KeyError):
        return [], np.zeros(0)
    return names, np.nan_to_num(scores, nan=-1.0)
