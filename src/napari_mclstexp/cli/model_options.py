"""The options that decide what a model is, shared by every command that trains one."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from ..training.settings import Normalisation

DECIDED_HERE = ("from_scratch", "tune", "freeze_encoder")


@dataclass(frozen=True)
class ModelOptions:
    """What a person said about the model; None leaves it to the preset."""

    encoder: Annotated[str | None, typer.Option(help="densenet121, or timm:NAME.")] = None
    weights: Annotated[
        Path | None,
        typer.Option(help="The encoder's weights (.safetensors, .pth); nothing is downloaded."),
    ] = None
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start the encoder from random weights.")
    ] = False
    freeze_encoder: Annotated[
        bool,
        typer.Option("--freeze-encoder", help="Keep the encoder as it is; a CPU is enough then."),
    ] = False
    tune: Annotated[
        Literal["frozen", "last-block", "whole"] | None,
        typer.Option(help="What of the encoder learns: nothing, its last block, all of it."),
    ] = None
    init_from: Annotated[
        Path | None, typer.Option(help="Model folder to go on from (fine-tuning).")
    ] = None
    keep_bank: Annotated[
        bool | None,
        typer.Option(
            "--keep-bank/--own-bank",
            help="Fine-tuning: the first model's reference spots vote on, or only the new ones.",
        ),
    ] = None
    normalisation: Annotated[Normalisation | None, typer.Option(help="Of the counts.")] = None
    distance: Annotated[
        Literal["l1", "l2", "cosine"] | None, typer.Option(help="By which votes fall off.")
    ] = None
    k: Annotated[int | None, typer.Option("--k", help="Reference spots that vote.")] = None
    epochs: Annotated[int | None, typer.Option(help="Passes over all sections.")] = None
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better --stop-on section.")
    ] = None
    learning_rate: Annotated[float | None, typer.Option(help="Of the optimiser.")] = None
    weight_decay: Annotated[float | None, typer.Option(help="Of the optimiser.")] = None
    optimizer: Annotated[Literal["adamw", "adam"] | None, typer.Option(help="It.")] = None
    temperature: Annotated[float | None, typer.Option(help="Of the contrastive loss.")] = None
    sequence_rule: Annotated[
        Literal["neighbours", "random"] | None,
        typer.Option(help="Spots of a sequence: neighbours of one section, or random ones of all."),
    ] = None
    sequence_length: Annotated[int | None, typer.Option(help="Most spots in a sequence.")] = None
    bank_sequence_length: Annotated[
        int | None, typer.Option(help="The same, while the bank is built.")
    ] = None
    sequences_per_step: Annotated[
        int | None, typer.Option(help="Sequences in a step; several processes share them.")
    ] = None
    position_table: Annotated[
        int | None, typer.Option(help="Rows of the position tables; the platform's if not given.")
    ] = None
    layers: Annotated[int | None, typer.Option(help="Of the spot encoder.")] = None
    dropout: Annotated[float | None, typer.Option(help="While training.")] = None
    patch_px: Annotated[int | None, typer.Option(help="Side of a patch in pixels.")] = None
    um_per_px: Annotated[
        float | None, typer.Option(help="Size of these pixels; the sections' median if not given.")
    ] = None
    patch_scale: Annotated[
        Literal["physical", "pixels"] | None,
        typer.Option(help="Read every slide at that size, or at its own."),
    ] = None
    pixel_stats: Annotated[
        Literal["encoder", "unit"] | None,
        typer.Option(help="Pixel values as the encoder's weights expect them, or 0..1."),
    ] = None
    views: Annotated[
        Literal[1, 4, 8] | None,
        typer.Option(help="Average features over 1, 4 turns, or 8 turns and mirrors."),
    ] = None
    augment: Annotated[
        bool | None,
        typer.Option(
            "--augment/--no-augment", help="Turn, mirror and stain patches while they are learned."
        ),
    ] = None
    stain_jitter: Annotated[
        float | None, typer.Option(help="How much stains may change (HED), 0 to not.")
    ] = None
    batch_norm: Annotated[
        Literal["batch", "frozen"] | None, typer.Option(help="Statistics of the encoder's norms.")
    ] = None
    precision: Annotated[
        Literal["auto", "32", "bf16", "fp16"] | None,
        typer.Option(help="Arithmetic of the encoder while it learns."),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Same seed, same model.")] = None

    def files(self) -> dict[str, Path | None]:
        """Return the files that the model starts from."""
        return {"--weights": self.weights, "--init-from": self.init_from}

    def chosen(self) -> dict[str, Any]:
        """Return the fields of :class:`TrainSettings` that these choices fill; None is not said."""
        said = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in DECIDED_HERE
        }
        return {
            **said,
            "pretrained": not self.from_scratch,
            "freeze_encoder": self.freeze_encoder or self.tune == "frozen",
            "tune": self.tune if self.tune in ("last-block", "whole") else None,
        }


def takes_model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`ModelOptions`; it gets them as ``options``."""
    names = [field.name for field in dataclasses.fields(ModelOptions)]
    hints = get_type_hints(ModelOptions, include_extras=True)
    own = inspect.signature(command, eval_str=True)
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(ModelOptions)
    ]
    first = [p for name, p in own.parameters.items() if name != "options"]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        options = ModelOptions(**{name: given.pop(name) for name in names})
        command(**given, options=options)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in first] + shared
    with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    del with_options.__wrapped__
    return with_options
