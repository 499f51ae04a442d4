"""Landmarks on two slides, the affine map between them, and regions and spots that go across.

Everything is worked out in µm, so that a section scanned at another scale needs no thought, and
what is left over of each pair is a distance in the tissue.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..reading import guarded, read_text
from ..reading.numbers import as_numbers
from .region import Region

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

FEWEST = 3  # pairs of landmarks
THIN = 1e-3  # of their extent: landmarks that are narrower than that across lie on a line
POINTS = "a CSV file of landmarks"
LARGEST = 16 * 2**20  # bytes
COLUMNS = ("x", "y", "onto_x", "onto_y")

Point = tuple[float, float]


@dataclass(frozen=True)
class LandmarkPair:
    """The same place of the tissue on two slides, (x, y) in level-0 px of each."""

    here: Point
    there: Point


@dataclass(frozen=True)
class SlideLandmarks:
    """The landmarks that a slide shares with another.

    Attributes
    ----------
    onto
        Checksum of the other slide; see ``Slide.fingerprint``.
    name
        Its file's name.
    pairs
        Places on the slide itself, and on the other.
    """

    onto: str
    name: str
    pairs: tuple[LandmarkPair, ...] = ()


@dataclass(frozen=True, eq=False)
class Registration:
    """How one slide lies on another.

    Attributes
    ----------
    matrix
        (3, 3) from µm on the one to µm on the other, of homogeneous (x, y, 1).
    um_per_px, onto_um_per_px
        Of both slides.
    residuals_um
        (n,) how far each landmark falls from its partner on the other slide. With three pairs an
        affine map meets every one exactly, and this says nothing.
    left_out_um
        (n,) the same, by the map of the other pairs alone: what an error at a place without a
        landmark may be. NaN where there are only three pairs, or the others lie on a line.
    """

    matrix: NDArray[np.float64]
    um_per_px: float
    onto_um_per_px: float
    residuals_um: NDArray[np.float64]
    left_out_um: NDArray[np.float64]

    @property
    def rms_um(self) -> float:
        """Root of the mean square of the residuals."""
        return float(np.sqrt(np.mean(self.residuals_um**2)))

    @property
    def flips(self) -> bool:
        """Whether the other slide shows the section from the other side."""
        return bool(np.linalg.det(self.matrix[:2, :2]) < 0)

    @property
    def scale(self) -> float:
        """How much larger the tissue is on the other slide: the root of the change of area."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:2, :2]))))

    @property
    def degrees(self) -> float:
        """By how much it is turned, clockwise on the screen, -180 to 180."""
        return float(np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))

    def across(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where (n, 2) places, in px of the one slide, are on the other, in its px."""
        um = np.asarray(xy, dtype=np.float64) * self.um_per_px
        moved = um @ self.matrix[:2, :2].T + self.matrix[:2, 2]
        return np.asarray(moved / self.onto_um_per_px)

    def back(self) -> Registration:
        """Return the map from the other slide to the one; residuals are those of this one."""
        return replace(
            self,
            matrix=np.asarray(np.linalg.inv(self.matrix), dtype=np.float64),
            um_per_px=self.onto_um_per_px,
            onto_um_per_px=self.um_per_px,
        )


def register(
    pairs: Sequence[LandmarkPair], um_per_px: float | None, onto_um_per_px: float | None
) -> Registration:
    """Fit the affine map that brings landmarks onto their partners, by least squares.

    Parameters
    ----------
    pairs
        Three or more, not on a line.
    um_per_px, onto_um_per_px
        Of the slide they are taken from, and of the one they go to.

    Raises
    ------
    SettingsError
        If there are too few, they lie on a line on either slide, or a scale is not known.
    """
    if um_per_px is None or onto_um_per_px is None:
        raise SettingsError("The pixel size of both slides must be known; enter it in Slide first.")
    if len(pairs) < FEWEST:
        raise SettingsError(
            f"{len(pairs)} pairs of landmarks are too few; three are the least, five or more "
            "say how good the fit is."
        )
    here = np.array([each.here for each in pairs], dtype=np.float64) * um_per_px
    there = np.array([each.there for each in pairs], dtype=np.float64) * onto_um_per_px
    for points, which in ((here, "first"), (there, "second")):
        if _on_a_line(points):
            raise SettingsError(
                f"The landmarks lie on a line on the {which} slide; add one to the side of it."
            )
    matrix = _affine(here, there)
    left_out = np.full(len(pairs), np.nan)
    for i in range(len(pairs)) if len(pairs) > FEWEST else ():
        rest = np.arange(len(pairs)) != i
        if not _on_a_line(here[rest]) and not _on_a_line(there[rest]):
            left_out[i] = _away(_affine(here[rest], there[rest]), here[[i]], there[[i]])[0]
    return Registration(
        matrix, float(um_per_px), float(onto_um_per_px), _away(matrix, here, there), left_out
    )


def regions_across(
    regions: Sequence[Region],
    registration: Registration,
    within: tuple[int, int] | None = None,
) -> tuple[Region, ...]:
    """Return regions as they lie on the other slide, with all that is in them and ids of their own.

    Parameters
    ----------
    within
        Width and height of the other slide; what lies outside is cut off.

    Raises
    ------
    SettingsError
        If nothing of them lies on the other slide.
    """
    moved = [each for each in (_moved(one, registration, within) for one in regions) if each]
    if not moved:
        raise SettingsError(
            "Nothing of the regions lies on the other slide; check the pairs of landmarks."
        )
    return tuple(moved)


def spots_across(
    spots: AnnData, registration: Registration, within: tuple[int, int] | None = None
) -> AnnData:
    """Return spots with their counts as they lie on the other slide; those outside are left out.

    Raises
    ------
    SettingsError
        If none lies on the other slide.
    """
    from ..spots.schema import FACTS, POSITIONS, positions

    xy = registration.across(positions(spots))
    inside = np.ones(len(xy), dtype=bool)
    if within is not None:
        inside &= np.asarray(((xy >= 0) & (xy < np.array(within))).all(axis=1))
    if not inside.any():
        raise SettingsError("No spot lies on the other slide; check the pairs of landmarks.")
    moved = spots[inside].copy()
    moved.obsm[POSITIONS] = xy[inside]
    moved.uns.pop("spatial", None)  # pictures of the slide they come from
    if FACTS in moved.uns:
        said = dict(moved.uns[FACTS])
        for name in ("slide", "slide_fingerprint", "um_per_px", "um_per_px_source"):
            said.pop(name, None)
        moved.uns[FACTS] = said
    return moved


def read_landmarks(path: Path) -> tuple[LandmarkPair, ...]:
    """Read pairs from a CSV file with columns x, y, onto_x and onto_y, in level-0 px.

    Raises
    ------
    SettingsError
        Naming what is wrong, and in which line.
    """
    import pandas as pd

    from ..spots.schema import FARTHEST_PX

    text = read_text(path, POINTS, SettingsError, most=LARGEST)
    with guarded(path, POINTS, SettingsError, quiet=True):
        table = pd.read_csv(io.StringIO(text), sep=None, engine="python", comment="#", dtype=str)
    if missing := [name for name in COLUMNS if name not in table]:
        raise SettingsError(
            f"{path} has no column {missing[0]}; its first line must name {', '.join(COLUMNS)}."
        )
    numbers = np.stack([as_numbers(table[name]) for name in COLUMNS], axis=1)
    for row, values in enumerate(numbers):
        known = np.abs(values) < FARTHEST_PX
        if not known.all():
            column = COLUMNS[int(np.argmin(known))]
            raise SettingsError(
                f"{path}, line {row + 2}: {column} is {str(table[column].iloc[row])[:40]}, "
                "which is no number; correct it or remove the line."
            )
    return tuple(LandmarkPair((x, y), (to_x, to_y)) for x, y, to_x, to_y in numbers.tolist())


def landmark_table(pairs: Sequence[LandmarkPair], registration: Registration | None) -> Any:
    """Return pairs as a table, with what is left over of each where a map is known."""
    import pandas as pd

    table = pd.DataFrame([(*each.here, *each.there) for each in pairs], columns=list(COLUMNS))
    if registration is not None:
        table["residual_um"] = registration.residuals_um
        table["left_out_um"] = registration.left_out_um
    return table


def _affine(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) affine map with the least sum of squared distances on the other slide.

    scikit-image's AffineTransform minimises another sum (total least squares of scaled points), and
    is asked differently from version to version.
    """
    middle = here.mean(axis=0)  # keeps the digits: a slide's µm are large beside its landmarks
    known = np.column_stack((here - middle, np.ones(len(here))))
    found, *_ = np.linalg.lstsq(known, there, rcond=None)
    linear = found[:2].T
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear, found[2] - linear @ middle
    return matrix


def _away(
    matrix: NDArray[np.float64], here: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    moved = here @ matrix[:2, :2].T + matrix[:2, 2]
    return np.asarray(np.linalg.norm(moved - there, axis=1))


def _on_a_line(points: NDArray[np.float64]) -> bool:
    """Whether points lie on a line, or nearly: nothing would hold the map across it."""
    lengths = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(lengths[1] <= THIN * lengths[0])


def _moved(
    region: Region, registration: Registration, within: tuple[int, int] | None
) -> Region | None:
    from shapely import make_valid, transform
    from shapely.geometry import MultiPolygon, box

    from .region import region_of

    shape = transform(make_valid(region.shape()), registration.across)
    if within is not None:
        shape = make_valid(shape).intersection(box(0, 0, *within))
    parts = [
        part
        for each in getattr(shape, "geoms", [shape])
        for part in getattr(each, "geoms", [each])
        if part.geom_type == "Polygon" and part.area > 0
    ]
    if not parts:
        return None
    below = (_moved(child, registration, within) for child in region.children)
    return replace(
        region,
        polygons=region_of(MultiPolygon(parts), region.name).polygons,
        children=tuple(each for each in below if each is not None),
        id=str(uuid4()),
    )
