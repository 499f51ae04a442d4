"""What every row of the ablation reads: five sections, what was counted, and pooled feature maps.

Features are kept beside the program's feature maps, so that a row after the first starts in
seconds.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from napari_mclstexp.cohort.quality_control import keep_good_spots
from napari_mclstexp.cohort.section import Section
from napari_mclstexp.evaluation.pearson_residuals import pearson_residuals
from napari_mclstexp.evaluation.prepared_sections import raw_counts
from napari_mclstexp.inference.cell_pooling import Level
from napari_mclstexp.inference.correlation import pcc_per_gene
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.inference.feature_cache import cache_folder
from napari_mclstexp.inference.feature_map import compute_feature_map
from napari_mclstexp.inference.feature_map_store import FeatureMap
from napari_mclstexp.inference.pooled_features import feature_slices, pooled_features
from napari_mclstexp.model.normalisation import measured_expression
from napari_mclstexp.spots.readers.choose import read_spots
from napari_mclstexp.spots.schema import positions
from napari_mclstexp.training.initialise import start
from napari_mclstexp.training.settings import TrainSettings

NAMES = ("B4", "C2", "C3", "C4", "C5")
PATIENT_C = NAMES[1:]
NORMALISATION = "log10-1e4-listed"
WIDTHS = (40.0, 80.0, 160.0, 320.0)  # the program's
WIDER = 640.0
TOP_EXPRESSED = 50

Floats = NDArray[np.float32]
# Names of learned and of tested sections in, predictions of the latter out.
Reader = Callable[[Sequence[str], Sequence[str]], list[Floats]]
COLUMNS = (
    "one section left out",
    "learn C, read B4",
    "learn B4, read C",
    "Pearson residuals, one section left out",
)
Group = tuple[float, str]  # a width in µm, and a layer or "colour"


@dataclass(frozen=True)
class Source:
    """Which encoder sees the slides, and at what scale."""

    encoder: str
    weights: Path
    um_per_px: float = 1.0


@dataclass(frozen=True)
class Seen:
    """One section's features by group: relative to the section, and as they come from the map."""

    relative: dict[Group, Floats]
    absolute: dict[Group, Floats]


class Material:
    """The five sections.

    Parameters
    ----------
    data
        The folder of her2st.
    genes
        Names to predict.
    """

    def __init__(self, data: Path, genes: Sequence[str]) -> None:
        self.genes = tuple(genes)
        sections = [_section(data, name) for name in NAMES]
        self.sections = dict(zip(NAMES, keep_good_spots(sections, 100).sections, strict=True))
        self._seen: dict[Source, dict[str, Seen]] = {}

    @cached_property
    def expression(self) -> dict[str, Floats]:
        """(n, G) of each section."""
        return {
            name: measured_expression(each.spots, self.genes, NORMALISATION)
            for name, each in self.sections.items()
        }

    @cached_property
    def counts(self) -> dict[str, Floats]:
        """(n, G) raw counts of the listed genes."""
        return {
            name: np.asarray(raw_counts(each, self.genes)[0].toarray(), dtype=np.float32)
            for name, each in self.sections.items()
        }

    @cached_property
    def residuals(self) -> dict[str, Floats]:
        """(n, G) Pearson residuals."""
        return {
            name: pearson_residuals(*raw_counts(each, self.genes))
            for name, each in self.sections.items()
        }

    @cached_property
    def xy(self) -> dict[str, NDArray[np.float64]]:
        """(n, 2) in level-0 pixels."""
        return {name: positions(each.spots) for name, each in self.sections.items()}

    def seen(self, source: Source) -> dict[str, Seen]:
        """Return each section's features, computed unless they are kept."""
        if source not in self._seen:
            self._seen[source] = {name: self._features(name, source) for name in NAMES}
        return self._seen[source]

    def _features(self, name: str, source: Source) -> Seen:
        section = self.sections[name]
        facts = (source.encoder, source.um_per_px, source.weights.stat().st_size)
        where = (
            section.slide_path.name,
            section.slide_path.stat().st_size,
            self.xy[name].tobytes(),
        )
        key = hashlib.sha256(repr((2, facts, where)).encode()).hexdigest()[:24]
        folder = cache_folder() or Path(tempfile.gettempdir())
        path = folder / f"ablation-{name}-{key}.npz"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".part.npz")
            np.savez(temporary, **self._pool(section, source))
            temporary.rename(path)
        kept = np.load(path)
        groups = [(float(width), str(layer)) for width, layer in json.loads(str(kept["groups"]))]
        return Seen(
            *(
                {
                    group: kept[f"{kind}_{number}"].astype(np.float32)
                    for number, group in enumerate(groups)
                }
                for kind in ("relative", "absolute")
            )
        )

    def _pool(self, section: Section, source: Source) -> dict[str, NDArray[Any]]:
        settings = TrainSettings(
            self.genes,
            features="map",
            head="linear",
            encoder=source.encoder,
            weights=source.weights,
            map_um_per_px=source.um_per_px,
        )
        config, module = start([section], settings)
        assert config.feature_map is not None
        with section.open() as slide:
            found = compute_feature_map(
                slide, module.image_encoder, config.feature_map, device=pick_device("cpu")
            )
        return pooled(found, self.xy[section.name])

    def figures(self, read: Reader) -> dict[str, tuple[float, float]]:
        """Return what a table's row says of a method.

        Parameters
        ----------
        read
            Names of the learned sections and of the tested ones in; (n, G) predictions of the
            latter out.

        Returns
        -------
        By column, the means over all genes and over the most expressed: of one section left out,
        of B4 from patient C, of patient C from B4; and of the first against Pearson residuals.
        """
        by_section, residuals = [], []
        for name in NAMES:
            (found,) = read([each for each in NAMES if each != name], [name])
            by_section.append(self._means(found, name, "log"))
            residuals.append(self._means(found, name, "residuals"))
        from_b = zip(read(["B4"], PATIENT_C), PATIENT_C, strict=True)
        columns = {
            COLUMNS[0]: by_section,
            COLUMNS[1]: by_section[:1],
            COLUMNS[2]: [self._means(found, name, "log") for found, name in from_b],
            COLUMNS[3]: residuals,
        }
        return {
            name: tuple(float(v) for v in np.mean(each, axis=0)) for name, each in columns.items()
        }

    def _means(self, predicted: Floats, tested: str, truth: str) -> tuple[float, float]:
        measured = self.expression[tested]
        found = pcc_per_gene(predicted, measured if truth == "log" else self.residuals[tested])
        varies = np.ptp(measured, axis=0) > 0
        pcc = np.where(varies, np.nan_to_num(found), np.nan)  # a constant prediction knows nothing
        top = np.argsort(-measured.mean(axis=0), kind="stable")[:TOP_EXPRESSED]
        return float(np.nanmean(pcc)), float(np.nanmean(pcc[top]))


def pooled(found: FeatureMap, xy: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return a map's features by number of their group, each with a mean square of 1."""
    widths = (*WIDTHS, WIDER)
    slices = feature_slices(found, widths)
    relative = pooled_features(found, xy, widths)
    with patch.object(Level, "relative", lambda self, values, scale: values):
        absolute = pooled_features(found, xy, widths)
    kept: dict[str, NDArray[Any]] = {"groups": np.array(json.dumps(list(slices)))}
    for number, part in enumerate(slices.values()):
        scale = np.sqrt((part.stop - part.start) * len(slices))
        kept[f"relative_{number}"] = (relative[:, part] * scale).astype(np.float16)
        kept[f"absolute_{number}"] = absolute[:, part]
    return kept


def _section(data: Path, name: str) -> Section:
    counts = next((data / "counts").glob(f"{name}.tsv*"))
    spots = read_spots(data / "spotfiles" / f"{name}_selection.tsv", counts)
    slide = next(each for each in (data / "images" / name).iterdir() if each.suffix == ".jpg")
    return Section(name, name[0], slide, spots)
