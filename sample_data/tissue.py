"""Draws H&E-like tissue: where each compartment is, its nuclei, fibres and fat, and the stains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

COMPARTMENTS = ("tumour", "stroma", "lymphocytes", "fat")
# Absorbances of haematoxylin and eosin in red, green and blue (Ruifrok and Johnston's directions).
HAEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.07, 0.99, 0.11])


@dataclass(frozen=True)
class Tissue:
    """One drawn section.

    Attributes
    ----------
    rgb
        (n, n, 3) uint8 at 1 µm per px times `um_per_px`.
    shares
        For each of `COMPARTMENTS` (n, n) float32, 1 where it is.
    grade
        (n, n) float32 of 0..1: how large and dark tumour nuclei are, which one can see.
    """

    rgb: NDArray[np.uint8]
    shares: NDArray[np.float32]
    grade: NDArray[np.float32]


def smooth_noise(random: np.random.Generator, n: int, size: float) -> NDArray[np.float32]:
    """Return (n, n) noise of unit variance whose features are `size` px large."""
    step = max(1, int(size / 4))
    coarse = random.normal(size=(n // step + 8, n // step + 8))
    coarse = ndimage.gaussian_filter(coarse, size / step / 2)
    zoomed = ndimage.zoom(coarse, step, order=1)[:n, :n]
    return ((zoomed - zoomed.mean()) / zoomed.std()).astype(np.float32)


def draw(random: np.random.Generator, um: float, um_per_px: float, stain: float) -> Tissue:
    """Draw a square section of `um` µm a side.

    Parameters
    ----------
    random
        Decides everything.
    um, um_per_px
        Side and resolution.
    stain
        Strength of the stains, 1 for a usual one.
    """
    n, px = round(um / um_per_px), 1 / um_per_px
    section = _outline(random, n)
    shares, grade = _compartments(random, n, px, section)
    tumour, stroma, lymphocytes, fat = shares
    h = np.zeros((n, n), dtype=np.float32)
    e = np.zeros((n, n), dtype=np.float32)
    e += stroma * (0.36 + 0.10 * _fibres(random, n, px))
    h += stroma * 0.03
    e += tumour * (0.34 + 0.05 * smooth_noise(random, n, 6 * px))
    h += tumour * (0.10 + 0.03 * smooth_noise(random, n, 9 * px))
    e += lymphocytes * 0.16
    h += lymphocytes * 0.07
    e += fat * _membranes(random, n, px) * 0.38
    nuclei = _Nuclei(random, h, px)
    nuclei.scatter(
        tumour, spacing=12.5, radius=(3.6, 5.0), round_=(0.65, 1), dark=0.62, grade=grade
    )
    nuclei.scatter(stroma, spacing=26, radius=(2.0, 3.0), round_=(0.25, 0.4), dark=0.75)
    nuclei.scatter(lymphocytes, spacing=7.6, radius=(2.6, 3.1), round_=(0.9, 1), dark=0.95)
    nuclei.scatter(fat, spacing=60, radius=(1.8, 2.6), round_=(0.3, 0.5), dark=0.8)
    grain = 1 + 0.05 * smooth_noise(random, n, 2 * px)
    density = stain * (h * grain)[..., None] * HAEMATOXYLIN * 1.5
    density += stain * (e * grain)[..., None] * EOSIN * 0.85
    light = 0.95 * np.exp(-np.clip(density, 0, None) * 1.15)
    light = ndimage.gaussian_filter(light, (0.45 * px, 0.45 * px, 0))
    light += random.normal(scale=0.008, size=(n, n, 1))
    return Tissue((np.clip(light, 0, 1) * 255).astype(np.uint8), shares, grade)


def _outline(random: np.random.Generator, n: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j].astype(np.float32)
    radius = np.hypot(x * 0.98, y * 1.04) + 0.06 * smooth_noise(random, n, n / 6)
    return np.asarray(radius < 0.86)


def _compartments(
    random: np.random.Generator, n: int, px: float, section: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    nests = smooth_noise(random, n, 340 * px) + 0.35 * smooth_noise(random, n, 110 * px)
    follicles = smooth_noise(random, n, 330 * px) + 0.15 * smooth_noise(random, n, 60 * px)
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    corner = np.float32(random.uniform(0, 2 * np.pi))
    towards = (np.cos(corner) * x + np.sin(corner) * y).astype(np.float32)
    fat = section & (towards + 0.12 * smooth_noise(random, n, 300 * px) > 0.56)
    lymphocytes = section & ~fat & (follicles > 1.25)
    tumour = section & ~fat & ~lymphocytes & (nests > 0.15)
    stroma = section & ~fat & ~lymphocytes & ~tumour
    # Clefts of empty glass between nests and stroma, as sections shrink.
    cleft = section & ~fat & (np.abs(smooth_noise(random, n, 260 * px)) < 0.012)
    shares = np.stack([tumour, stroma, lymphocytes, fat]).astype(np.float32) * ~cleft
    grade = 1 / (1 + np.exp(-2.2 * smooth_noise(random, n, 700 * px)))
    return shares, grade.astype(np.float32)


def _fibres(random: np.random.Generator, n: int, px: float) -> NDArray[np.float32]:
    """Return wavy collagen in regional directions, about -1..1."""
    out = np.zeros((n, n), dtype=np.float32)
    weights = np.stack([smooth_noise(random, n, 350 * px) for _ in range(3)])
    weights = np.exp(2.5 * weights)
    weights /= weights.sum(0)
    y, x = np.mgrid[:n, :n].astype(np.float32)
    bend = 22 * px * smooth_noise(random, n, 130 * px)
    for weight, angle in zip(weights, (0.2, 1.2, 2.3), strict=True):
        across = np.cos(angle) * x + np.sin(angle) * y + bend
        jitter = 2.6 * smooth_noise(random, n, 24 * px)
        fine = 0.7 * smooth_noise(random, n, 5 * px)
        out += weight * (np.sin(2 * np.pi * across / (8 * px) + jitter) + fine)
    return out


def _membranes(random: np.random.Generator, n: int, px: float) -> NDArray[np.float32]:
    """Return the thin walls between fat cells of about 65 µm."""
    spacing = 62 * px
    grid = np.stack(np.mgrid[0 : n + spacing : spacing, 0 : n + spacing : spacing], -1)
    centres = (grid + random.uniform(-0.38, 0.38, grid.shape) * spacing).reshape(-1, 2)
    at = np.stack(np.mgrid[0:n:2, 0:n:2], -1).reshape(-1, 2)
    nearest = cKDTree(centres).query(at, k=2, workers=-1)[0]
    wall = np.exp(-(((nearest[:, 1] - nearest[:, 0]) / (3.2 * px)) ** 2)).astype(np.float32)
    side = -(-n // 2)
    return np.kron(wall.reshape(side, side), np.ones((2, 2), np.float32))[:n, :n]


class _Nuclei:
    """Stamps nuclei into the haematoxylin picture."""

    KINDS = 160  # different stamps a compartment and grade

    def __init__(self, random: np.random.Generator, h: NDArray[np.float32], px: float) -> None:
        self._random, self._h, self._px = random, h, px

    def scatter(
        self,
        where: NDArray[np.float32],
        *,
        spacing: float,
        radius: tuple[float, float],
        round_: tuple[float, float],
        dark: float,
        grade: NDArray[np.float32] | None = None,
    ) -> None:
        """Stamp nuclei where a compartment is, one about every `spacing` µm."""
        n, step = len(self._h), spacing * self._px
        grid = np.stack(np.mgrid[0:n:step, 0:n:step], -1)
        at = (grid + self._random.uniform(-0.42, 0.42, grid.shape) * step).reshape(-1, 2)
        at = at[((at > 12) & (at < n - 12)).all(1)].astype(int)
        at = at[where[at[:, 0], at[:, 1]] > 0.5]
        levels = (
            np.zeros(len(at), int)
            if grade is None
            else np.minimum((grade[at[:, 0], at[:, 1]] * 5).astype(int), 4)
        )
        for level in np.unique(levels):
            growth = 1.0 if grade is None else 0.78 + 0.16 * level
            tone = dark if grade is None else dark * (0.72 + 0.13 * level)
            stamps = [self._stamp(radius, round_, tone, growth) for _ in range(self.KINDS)]
            for y, x in at[levels == level]:
                stamp = stamps[self._random.integers(self.KINDS)]
                half = len(stamp) // 2
                window = self._h[y - half : y + half + 1, x - half : x + half + 1]
                if window.shape == stamp.shape:
                    np.maximum(window, stamp, out=window)

    def _stamp(
        self, radius: tuple[float, float], round_: tuple[float, float], dark: float, growth: float
    ) -> NDArray[np.float32]:
        r = self._random.uniform(*radius) * growth * self._px
        short = r * self._random.uniform(*round_)
        angle = self._random.uniform(0, np.pi)
        half = int(np.ceil(r)) + 2
        y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        edge = np.hypot(along / r, across / short)
        body = np.clip((1 - edge) * short / 1.2 + 0.5, 0, 1)
        chromatin = ndimage.gaussian_filter(self._random.normal(size=y.shape), 1.0 * self._px)
        texture = 1 + 0.9 * chromatin / (np.abs(chromatin).max() + 1e-6) * 0.4
        rim = 1 + 0.25 * np.exp(-(((edge - 0.85) / 0.18) ** 2))
        return (body * texture * rim * dark).astype(np.float32)
