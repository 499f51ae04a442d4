"""Sets of choices: what the evidence favours, the paper's method, and its authors' code."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from ..errors import SettingsError
from ..options import Option
from .settings import TrainSettings

Preset = Annotated[
    Literal["default", "paper", "reference"],
    Option(
        "default: what predicts best on sections and patients left out; paper: the paper's "
        "contrastive method on patches; reference: the choices of the authors' published code"
    ),
]

# Fields of TrainSettings that differ from its defaults. Each can be switched alone.
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "default": MappingProxyType({"features": "map", "head": "linear"}),
        "paper": MappingProxyType({}),
        "reference": MappingProxyType(
            {
                "encoder": "densenet121-unrectified",
                "normalisation": "log10-1e4-listed",
                "sequence_rule": "random",
                "bank_sequence_length": 32,
                "position_table": 65_536,
                "pixel_stats": "unit",
                "optimizer": "adam",
                "distance": "l1",
                "patch_scale": "pixels",
                "stain_jitter": 0.0,
                "silent_genes": "drop",
            }
        ),
    }
)


def preset_settings(preset: Preset, **chosen: Any) -> TrainSettings:
    """Return a preset's settings, with what a person chose on top.

    Parameters
    ----------
    preset
        ``"default"``, ``"paper"`` or ``"reference"`` (the choices of the authors' published code).
    **chosen
        Fields of :class:`TrainSettings`; None leaves the preset's choice.

    Raises
    ------
    SettingsError
        If choices do not go together.

    Examples
    --------
    >>> preset_settings("reference", genes=("FASN",), distance="l2").optimizer
    'adam'
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    settings = TrainSettings(**{**PRESETS[preset], **given, "preset": preset})
    if settings.features == "map" and "tune" in given and settings.init_from is None:
        raise SettingsError(
            f"A feature map is made by a frozen encoder, so --tune {settings.tune} asks for "
            "nothing; give --preset paper (or --features patches --head contrastive) too."
        )
    return settings


def differences(settings: TrainSettings) -> dict[str, Any]:
    """Return the fields in which settings differ from the defaults, for the record."""
    return {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if field.name != "genes" and getattr(settings, field.name) != field.default
    }
