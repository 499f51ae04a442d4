"""The options that decide what a model is, shared by every command that trains one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from ..options import Option, declared
from ..training.presets import PRESETS
from ..training.settings import TrainSettings
from .shell_options import Group, parameter, with_options

NAMES = ("name", "description", "species", "organ", "stain")  # asked for by train alone


@dataclass(frozen=True)
class ModelOptions:
    """What a person said about the model.

    Attributes
    ----------
    said
        Fields of :class:`TrainSettings`; None leaves one to the preset.
    """

    said: Mapping[str, Any]
    from_scratch: Annotated[bool, Option("Start the encoder from random weights")] = False
    tune: Annotated[
        Literal["frozen", "last-block", "whole"] | None,
        Option("How much of the encoder is trained: none, its last block, or all of it"),
    ] = None

    def files(self) -> dict[str, Path | None]:
        """Return the files that the model starts from."""
        return {"--weights": self.said["weights"], "--init-from": self.said["init_from"]}

    def chosen(self) -> dict[str, Any]:
        """Return the fields of :class:`TrainSettings` that were said; None leaves one open."""
        return {
            **self.said,
            "pretrained": not self.from_scratch,
            "freeze_encoder": self.said["freeze_encoder"] or self.tune == "frozen",
            "tune": self.tune if self.tune in ("last-block", "whole") else None,
        }


def takes_model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`ModelOptions`; it gets them as ``options``."""
    own = {name: parameter(each) for name, each in declared(ModelOptions).items()}
    said = {
        name: parameter(dataclasses.replace(each, default=None, optional=True), unset=_told(name))
        for name, each in declared(TrainSettings).items()
        if name not in NAMES
    }
    # A bare flag says yes; the presets say no.
    frozen = declared(TrainSettings)["freeze_encoder"]
    said["freeze_encoder"] = parameter(frozen)

    def build(from_scratch: bool, tune: Any, **given: Any) -> ModelOptions:
        return ModelOptions(given, from_scratch, tune)

    return with_options(command, {"options": Group((*said.values(), *own.values()), build)})


def _told(name: str) -> str:
    """Return the defaults of the presets in words."""
    default, reference = declared(TrainSettings)[name].default, PRESETS["reference"].get(name)
    if default is None or default is True:
        return ""
    both = (default,) if reference is None else (default, reference)
    return "; reference: ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in both)
