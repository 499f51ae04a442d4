"""What a file's metadata say about physical pixel size, and how levels relate to level 0."""

from __future__ import annotations

import math

# Microscope scans lie within this; a 72, 96 or 300 dpi tag is a printing default, not a scale.
PLAUSIBLE_UM_PER_PX = (0.05, 20.0)

_UM = {
    "pm": 1e-6,
    "å": 1e-4,
    "nm": 1e-3,
    "µm": 1.0,
    "μm": 1.0,  # Greek mu beside the micro sign
    "um": 1.0,
    "\\u00b5m": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "dm": 1e5,
    "m": 1e6,
    "in": 25_400.0,
    "inch": 25_400.0,
}


def um_from_length(value: float, unit: str) -> float | None:
    """Convert a length to µm; None where the unit is not physical or the value makes no sense."""
    factor = _UM.get(unit.strip().lower())
    if factor is None or not math.isfinite(value) or value <= 0:
        return None
    return value * factor


def um_from_resolution(pixels_per_unit: float, unit: str) -> float | None:
    """Convert pixels per inch or centimetre to µm per pixel, if it can be a microscope's."""
    length = um_from_length(1.0, unit)
    if length is None or not math.isfinite(pixels_per_unit) or pixels_per_unit <= 0:
        return None
    um_per_px = length / pixels_per_unit
    low, high = PLAUSIBLE_UM_PER_PX
    return um_per_px if low <= um_per_px <= high else None


def one_scale(x: float | None, y: float | None, properties: dict[str, str]) -> float | None:
    """Return one µm per px for both axes: their mean, noted if they differ by 1 %."""
    if x is None or y is None:
        return x if y is None else y
    mean = (x + y) / 2
    if abs(x - y) > 0.01 * mean:
        properties["mclstexp.um_per_px"] = f"x {x:.6g}, y {y:.6g}; their mean {mean:.6g} is used"
    return mean


def true_downsample(size: tuple[int, int], level: tuple[int, int], stated: float | None) -> float:
    """Return level-0 pixels per pixel of a level.

    Writers round the size of a level, so that the ratio of sizes is off by a fraction; where a
    power of two or a whole number explains both sides, that is the factor it was made with.

    Parameters
    ----------
    size, level
        (width, height) of level 0 and of the level.
    stated
        What the reading library says, or None.
    """
    whole = whole_downsample(size, level)
    if whole is not None:
        return float(whole)
    return stated or (size[0] / level[0] + size[1] / level[1]) / 2


def whole_downsample(size: tuple[int, int], level: tuple[int, int]) -> int | None:
    """Return the power of two, else the whole number, that reduces `size` to `level`, or None."""
    ratio = (size[0] / level[0] + size[1] / level[1]) / 2
    for factor in (2 ** max(0, round(math.log2(ratio))), max(1, round(ratio))):
        if all(abs(full / factor - part) < 1 for full, part in zip(size, level, strict=True)):
            return factor
    return None
