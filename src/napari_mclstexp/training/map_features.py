"""The feature maps of the training sections, and what they say of each spot."""

from __future__ import annotations

from collections.abc import Sequence

from ..inference.device import Device
from ..inference.feature_map import compute_feature_map
from ..inference.pooled_features import pooled_features
from ..inference.section_looks import looks_at, looks_of_tissue
from ..model import MclSTExp, ModelConfig
from ..progress import CancelToken, Progress, ProgressCallback
from ..spots.schema import positions
from .data import TrainingSection


def add_map_features(
    training_sections: Sequence[TrainingSection],
    module: MclSTExp,
    config: ModelConfig,
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    """See the tissue of every section once, and pool it around its spots.

    Parameters
    ----------
    training_sections
        Get their `map_features` and looks; those that have them are left alone.
    module, config, device
        The encoder, the map's configuration, and where to compute.
    progress, cancel
        What reports, in tiles of each section, and what ends the work within a second.
    """
    seen = config.feature_map
    assert seen is not None
    for number, each in enumerate(training_sections, start=1):
        if each.map_features is not None:
            continue
        what = f"Seeing {each.section.name} ({number} of {len(training_sections)})"

        def told(event: Progress, what: str = what) -> None:
            if progress is not None:
                progress(Progress(event.done, event.total, what, unit=event.unit))

        with each.section.open() as slide:
            found = compute_feature_map(
                slide, module.image_encoder, seen, device=device, progress=told, cancel=cancel
            )
        xy = positions(each.section.spots)
        each.looks, each.tissue_looks = looks_at(found, xy), looks_of_tissue(found)
        each.map_features = pooled_features(found, xy, seen.widths_um, cancel=cancel)
