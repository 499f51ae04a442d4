"""What is said of pairs of landmarks: how they fit, as a whole and one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...analysis.registration import FEWEST, LandmarkPair, Registration

HEADS = ("#", "x, y here (mm)", "Residual", "Left out")


def how_they_fit(pairs: int, found: Registration | None) -> str:
    """Return in words how well so many pairs fit, or how many more are needed."""
    if found is None:
        return f"{pairs} pairs; {FEWEST - pairs} more and the slides can be fitted."
    text = f"{pairs} pairs: turned by {round(found.degrees)}°, scale {found.scale:.3f}"
    text += ", mirrored" if found.flips else ""
    if pairs == FEWEST:
        return f"{text}. Three pairs always fit; add more to see how well."
    text += f"; residuals {found.rms_um:.0f} µm (root mean square)"
    known = found.left_out_um[np.isfinite(found.left_out_um)]
    if not len(known):
        return f"{text}."
    return f"{text}, up to {known.max():.0f} µm where a pair is left out."


def pair_rows(
    pairs: Sequence[LandmarkPair], found: Registration | None, um_per_px: float | None
) -> list[tuple[str, str, str, str]]:
    """Return a row for each pair, in the columns of :data:`HEADS`."""
    scale = (um_per_px or 1.0) / 1000
    rows = []
    for number, pair in enumerate(pairs):
        x, y = pair.here
        residual, left_out = "", ""
        if found is not None and len(pairs) > FEWEST:
            residual = f"{found.residuals_um[number]:.0f} µm"
            without = found.left_out_um[number]
            left_out = f"{without:.0f} µm" if np.isfinite(without) else "?"
        rows.append((str(number + 1), f"{x * scale:.2f}, {y * scale:.2f}", residual, left_out))
    return rows
