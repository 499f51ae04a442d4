"""Whether a slide is unlike those that a model learned from, in one plain sentence."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..samples import is_sample
from ..spots.schema import SpotMetadata

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Bank, ModelConfig

FAR = 4.0  # robust standard deviations of the bank's patches
SYNTHETIC = "synthetic"  # the platform of the sample sections
MEASURED = frozenset({"legacy-st", "visium", "visium-hd"})  # of known size and depth
COARSE = 1.5  # times the µm per px that the model learned at
_MOST_READ = 400  # thumbnails


def unlike_model(slide: Path, spots: AnnData | None, config: ModelConfig) -> str:
    """Say why a model is not meant for a slide, before anything is predicted; "" where it may be.

    Parameters
    ----------
    slide
        Its file.
    spots
        That were loaded or laid, where there are any.
    config
        The model's.
    """
    return _sentence(_not_meant_for(slide, spots, config))


def unlike_bank(
    colours: NDArray[np.float64] | None,
    um_per_px: float | None,
    bank: Bank,
    config: ModelConfig,
    slide: Path | None = None,
    spots: AnnData | None = None,
) -> str:
    """Say what about a slide the model has not seen, or "".

    Parameters
    ----------
    colours
        (n, 3) mean red, green and blue around each spot, 0 to 1, where it is known.
    um_per_px
        Of the slide.
    bank, config
        The model's.
    slide, spots
        Its file and spots, where they are known.
    """
    reasons = [] if slide is None else _not_meant_for(slide, spots, config)
    if um_per_px and config.um_per_px and um_per_px > COARSE * config.um_per_px:
        reasons.append(
            f"it was scanned at {um_per_px:.2g} µm per px, the model learned at "
            f"{config.um_per_px:.2g}"
        )
    known = _bank_colours(bank)
    if len(known) and colours is not None and len(colours):
        here, there = _density(colours), _density(known)
        centre = np.median(there, axis=0)
        # Not below a twentieth: a bank of one even stain would call every other slide strange.
        width = np.maximum(1.4826 * np.median(abs(there - centre), axis=0), 0.05)
        away = (np.median(here, axis=0) - centre) / width
        if np.max(abs(away)) > FAR:
            how = "darker" if away[np.argmax(abs(away))] > 0 else "paler"
            reasons.append(f"its stain is {how} than any that the model knows")
    return _sentence(reasons)


def _sentence(reasons: list[str]) -> str:
    if not reasons:
        return ""
    return (
        f"This slide is unlike those the model learned from ({' and '.join(reasons)}), so trust "
        "its values less."
    )


def _not_meant_for(slide: Path, spots: AnnData | None, config: ModelConfig) -> list[str]:
    known = set((config.platform or "").split(", ")) - {""}
    if known == {SYNTHETIC}:
        synthetic = "those were synthetic, so it knows no real tissue"
        return [] if is_sample(slide) else [synthetic]
    platform = None if spots is None else SpotMetadata.read(spots).platform
    if known & MEASURED and platform in MEASURED and platform not in known:
        return [f"its spots are {platform}, the model learned from {', '.join(sorted(known))}"]
    return []


def mean_colours(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (n, 3) mean colours, 0 to 1, of (n, h, w, 3) patches."""
    return np.asarray(np.asarray(pixels).mean(axis=(1, 2), dtype=np.float64) / 255)


def _density(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log10(np.clip(colours, 1 / 255, 1)))


@lru_cache(maxsize=2)  # of the model that predicts slide after slide
def _bank_colours(bank: Bank) -> NDArray[np.float64]:
    pictures = bank.thumbnails
    chosen = np.unique(np.linspace(0, len(pictures) - 1, _MOST_READ).astype(int))
    means = [
        np.asarray(Image.open(BytesIO(pictures[i])).convert("RGB"), dtype=float).mean((0, 1)) / 255
        for i in (chosen if pictures else ())
        if pictures[i]
    ]
    return np.asarray(means, dtype=np.float64).reshape(-1, 3)
