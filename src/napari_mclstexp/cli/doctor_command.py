"""What this machine has to compute with, what is used of it, and why."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

from ..options import Option
from .answers import Report
from .shell_options import Device, Json

if TYPE_CHECKING:
    from ..inference.backends.machine import Machine, Speeds

SIDE_PX = 224
PATCHES = 8


def doctor_command(
    model: Annotated[
        str | None,
        Option("Measure this model's encoder and patches; if not given, DenseNet-121 at 224 px"),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Tell what is there to compute with, what is used, and how fast it is."""
    from ..inference.backends.machine import look_around, measure_speeds
    from .long_work import long_work

    name, encoder, side = _encoder(model)
    machine = look_around()
    with long_work() as (_, cancel):
        speeds = measure_speeds(encoder, _patches(side), device, cancel)
    about_machine(machine, speeds, name).show(as_json)


def about_machine(machine: Machine, speeds: Speeds, encoder: str) -> Report:
    """Tell what was found, and how fast an encoder of a name is."""
    best = max(
        (each for each in speeds.measured if each.agrees),
        key=lambda each: each.px_per_s,
        default=None,
    )
    rows = [
        f"  {each.backend:9} {each.arithmetic}  {speeds.per_second(each):8,.1f} images/s"
        f"  {speeds.per_second(each) / speeds.limit:4.0%} of the limit"
        f"  ready in {each.setup_s:.1f} s  cosine with fp32 {each.agreement:.5f}"
        if not each.error
        else f"  {each.backend:9} {each.arithmetic}  {each.verdict}"
        for each in speeds.measured
    ]
    rows += [f"  {name:9} {why}" for name, why in speeds.missing.items()]
    used = "nothing here agrees with fp32" if best is None else f"{best.backend} {best.arithmetic}"
    versions = ", ".join(f"{name} {v}" for name, v in machine.versions.items() if v)
    document: dict[str, Any] = {
        "kind": "machine",
        **dataclasses.asdict(machine),
        "encoder": encoder,
        "patch_px": speeds.side,
        "device": speeds.device.name,
        "limit_images_per_s": round(speeds.limit, 1),
        "backends": [
            {
                **dataclasses.asdict(each),
                "images_per_s": round(speeds.per_second(each), 1),
                "of_limit": round(speeds.per_second(each) / speeds.limit, 3),
                "agrees": each.agrees,
            }
            for each in speeds.measured
        ],
        "missing": speeds.missing,
        "used": None if best is None else best.backend,
        "arithmetic": None if best is None else best.arithmetic,
    }
    return Report(
        (
            f"Processor  {machine.processor}; cores used: {machine.cores}; "
            + ("faster" if machine.bf16 else "not faster")
            + " in 16 bits (bf16) than in 32",
            f"Memory     {machine.memory / 2**30:.0f} GiB, {machine.free / 2**30:.0f} GiB free",
            f"CUDA       {machine.cuda or 'not there'}",
            f"MPS        {machine.mps or 'not there'}",
            f"OpenVINO   {', '.join(machine.openvino_devices) or 'not there'}",
            f"OpenSlide  {machine.openslide or 'not there'}",
            f"Packages   {versions}",
            f"{encoder} at {speeds.side} px on {speeds.device.name}:",
            *rows,
            f"  limit     {speeds.limit:14,.1f} images/s, were all of it one matrix product in "
            f"{speeds.device.arithmetic}",
            f"Used for long work: {used}"
            + ("" if best is None else ", the fastest that agrees with fp32")
            + "; short work is done by torch, which is ready at once.",
        ),
        document,
    )


def _encoder(model: str | None) -> tuple[str, Any, int]:
    """Return the name of an encoder, the encoder, and the side of its patches."""
    from ..model import EncoderConfig, load_model
    from ..model.image_encoder import ImageEncoder
    from .predict_job import model_folder

    if model is not None:
        loaded = load_model(model_folder(model))
        side = loaded.config.patch_px
        return f"{loaded.config.encoder.name} of {model}", loaded.module.image_encoder, side
    from ..errors import ModelError
    from ..model.backbones import find_imagenet_weights, load_backbone_weights

    encoder = ImageEncoder(EncoderConfig()).eval()
    name = encoder.config.name
    try:
        load_backbone_weights(encoder.model, find_imagenet_weights(name))
    except ModelError:
        return f"{name} (random weights, as its own are not on this machine)", encoder, SIDE_PX
    return name, encoder, SIDE_PX


def _patches(side: int) -> Any:
    """Return (b, side, side, 3) patches of the sample section's tissue."""
    import numpy as np

    from ..inference.patches import read_patch
    from ..samples import sample_section
    from ..slides import open_slide
    from ..spots.readers.choose import read_spots
    from ..spots.schema import positions

    section = sample_section(3)
    with open_slide(section.slide) as slide:
        scale = slide.um_per_px
        if scale is None:
            slide.calibrate(1.0, "user")
        xy = positions(read_spots(section.spots))
        some = xy[np.linspace(0, len(xy) - 1, PATCHES).astype(int)]
        return np.stack([read_patch(slide, x, y, side, slide.um_per_px or 1.0) for x, y in some])
