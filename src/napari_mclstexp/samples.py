"""Where the sample sections and the demo model lie, in a checkout and in an installed package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import SettingsError

_HERE = Path(__file__).parent
_PLACES = (_HERE / "_sample_data", _HERE.parents[1] / "sample_data")


@dataclass(frozen=True)
class SampleSection:
    """Files of one synthetic section: the slide, and the spots with their counts."""

    name: str
    slide: Path
    spots: Path


def sample_data_dir() -> Path:
    """Return the folder of the sample sections and the demo model.

    Raises
    ------
    SettingsError
        If the package was installed without it.
    """
    for place in _PLACES:
        if (place / "cohort.csv").is_file():
            return place
    raise SettingsError(
        f"The sample data are not installed (looked in {' and '.join(map(str, _PLACES))}); "
        "install napari-mclstexp from its wheel or a whole checkout."
    )


def sample_section(number: int) -> SampleSection:
    """Return the files of sample section 1, 2 or 3.

    Raises
    ------
    SettingsError
        If there is no such section.
    """
    name = f"section_{number}"
    folder = sample_data_dir()
    slide, spots = folder / f"{name}.ome.tiff", folder / f"{name}.h5ad"
    if not (slide.is_file() and spots.is_file()):
        raise SettingsError(f"There is no sample section {number}; there are 1, 2 and 3.")
    return SampleSection(name, slide, spots)


def is_sample(slide: Path) -> bool:
    """Whether a slide is one of the synthetic sections."""
    return any(slide.resolve().is_relative_to(place.resolve()) for place in _PLACES)


def demo_model_path() -> Path:
    """Return the folder of the demo model.

    Raises
    ------
    SettingsError
        If it was not installed or not made yet.
    """
    path = sample_data_dir() / "demo_model"
    if not path.is_dir():
        raise SettingsError(f"The demo model {path} is not there; `make sample-data` makes it.")
    return path
