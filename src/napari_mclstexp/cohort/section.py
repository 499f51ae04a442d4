"""A section is a slide with its spots; a cohort is a CSV table of sections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anndata

from ..slides import Slide, open_slide
from ..spots import check_spots
from ..spots.geometry import know_scale


@dataclass(frozen=True, eq=False)
class Section:
    """One tissue section: a slide, its spots and their counts.

    Attributes
    ----------
    name, patient
        Who it is; sections of one patient are not independent.
    slide_path
        The slide file.
    spots
        As `read_spots` gives them, with raw counts in X when trained on.
    um_per_px
        Level-0 scale given by a person; None takes the file's, else the spot grid's.
    """

    name: str
    patient: str
    slide_path: Path
    spots: anndata.AnnData
    um_per_px: float | None = None

    def open(self) -> Slide:
        """Open the slide, with its scale known and the spots checked against it.

        Raises
        ------
        SlideError, SpotsError
            If the slide cannot be opened, its scale is not known or contradicts the spots, or
            the spots do not fit; or if it is not the file that was opened here before.
        """
        slide = open_slide(self.slide_path)
        try:
            slide.stamp = vars(self).setdefault("_stamp", slide.stamp)
            slide.check_unchanged()
            if self.um_per_px is not None:
                slide.calibrate(self.um_per_px, "user")
            check_spots(self.spots, slide.width, slide.height)
            know_scale(slide, self.spots, self.name)
        except BaseException:
            slide.close()
            raise
        return slide
