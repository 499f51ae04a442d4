"""The real sections beside the checkout, where they are; never committed."""

from __future__ import annotations

import pytest

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.spots.readers.choose import read_spots
from support.places import SHARED

HER2ST = SHARED / "data" / "her2st"


WEIGHTS = SHARED / "weights" / "tf_efficientnet_lite0.safetensors"


NEEDED = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not (HER2ST.is_dir() and WEIGHTS.is_file()),
        reason=f"the sections of {HER2ST} or the weights {WEIGHTS} are not there",
    ),
]


def section(name: str) -> Section:
    return Section(
        name,
        name[0],
        next((HER2ST / "images" / name).glob("*.jpg")),
        read_spots(HER2ST / "spotfiles" / f"{name}_selection.tsv"),
    )
