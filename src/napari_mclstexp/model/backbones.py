"""Backbones of the image encoder, and their weights, which come from local files only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..running.quiet_threads import stay_offline
from .config import ENCODER_NAME
from .densenet import densenet121_features
from .read_weights import check_finite, load_pickled, load_safetensors

IMAGENET_STATS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
DENSENET_FILE = "densenet121-a639ec97.pth"
# The same weights; the authors' code pools the last layer's values as they are, torchvision's own
# classifier only what is positive of them.
DENSENET, DENSENET_UNRECTIFIED = "densenet121", "densenet121-unrectified"
# Its inner layers, and torchvision's names of them.
LAST = "last"
DENSENET_LAYERS = {
    "block1": "denseblock1",
    "block2": "denseblock2",
    "block3": "denseblock3",
    LAST: "norm5",
}
# Under which a training script saves a state dict together with other things.
WRAPPERS = ("state_dict", "model_state_dict", "model")


class DenseNet121(nn.Sequential):
    """DenseNet-121 without its classifier, globally average pooled: (B, 3, H, W) to (B, 1024).

    Parameters
    ----------
    rectified
        Whether negative values become 0 before they are averaged, as torchvision's classifier
        has them; the authors' code leaves them.
    """

    def __init__(self, rectified: bool = True) -> None:
        # The only part of a sequence, so that keys are those of the reference implementation (`0.`)
        super().__init__(densenet121_features())
        self.rectified = rectified

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, 1024) features."""
        x: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        x = functional.relu(x) if self.rectified else x
        return functional.adaptive_avg_pool2d(x, 1).flatten(1)


def build_backbone(name: str, patch_px: int | None = None) -> tuple[nn.Module, int]:
    """Build a backbone with random weights, and say how many features it gives.

    Parameters
    ----------
    name
        ``"densenet121"`` (torchvision), ``"densenet121-unrectified"`` (as the authors' code has
        it), or ``"timm:<name>"`` (extra ``encoders``).
    patch_px
        Side of the patches, for backbones that must know it (vision transformers).

    Raises
    ------
    ModelError
        If the name is unknown or timm is not installed.
    """
    if name in (DENSENET, DENSENET_UNRECTIFIED):
        return DenseNet121(rectified=name == DENSENET), 1024
    short = _timm_name(name)
    timm = _import_timm(short)
    options: dict[str, Any] = {"pretrained": False, "num_classes": 0}
    if patch_px is not None and not _takes_any_size(timm, short):
        options["img_size"] = patch_px
    try:
        model = timm.create_model(short, **options)
    except Exception as error:  # timm raises what a name makes it raise
        raise ModelError(
            f"timm cannot build the encoder {short!r} ({_first_line(error)}); "
            "timm.list_models() lists the names."
        ) from error
    return model, int(model.num_features)


def input_stats(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of the pixel values (0..1) that an encoder's ImageNet weights were made for."""
    if name in (DENSENET, DENSENET_UNRECTIFIED):
        return IMAGENET_STATS
    short = _timm_name(name)
    config = _import_timm(short).get_pretrained_cfg(short)
    if config is None:
        raise ModelError(f"timm knows no encoder {short!r}; timm.list_models() lists the names.")
    return tuple(config.mean), tuple(config.std)


def find_imagenet_weights(name: str) -> Path:
    """Return the local file with an encoder's ImageNet weights; nothing is ever downloaded.

    Where torch keeps torchvision's files is looked at first, then the shelf (`library`).

    Raises
    ------
    ModelError
        Saying what to fetch, or which file to put where.
    """
    from ..library.catalogue import read_catalogue
    from ..library.shelf import user_shelf

    torchs = Path(torch.hub.get_dir()) / "checkpoints"
    plain = DENSENET if name == DENSENET_UNRECTIFIED else name
    if plain == DENSENET and (torchs / DENSENET_FILE).is_file():
        return torchs / DENSENET_FILE
    catalogue, shelf = read_catalogue(), user_shelf()
    if found := shelf.find_weights(plain, catalogue):
        return found
    entry = catalogue.get("encoder", plain)
    ways = [f"put torchvision's file {DENSENET_FILE} into {torchs}"] if plain == DENSENET else []
    if entry is not None and entry.wanted:
        ways.insert(0, f"get them with `napari-mclstexp models fetch {plain}`")
    ways += ["give a weights file (--weights)", "start from scratch (--from-scratch)"]
    raise ModelError(
        f"The ImageNet weights of {plain} are not on this machine (looked in {shelf.weights}); "
        f"{', '.join(ways[:-1])}, or {ways[-1]}."
    )


def load_backbone_weights(backbone: nn.Module, path: Path) -> None:
    """Load a backbone's weights from a .safetensors, .pth or .pt file of plain tensors.

    Raises
    ------
    ModelError
        If the file is missing, holds more than tensors, or does not fit the backbone.
    """
    state = read_tensors(path)
    wanted = backbone.state_dict()
    prefix = "0." if isinstance(backbone, DenseNet121) else ""
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        plain = key.removeprefix("module.").removeprefix("image_encoder.model.")
        plain = plain.removeprefix("0.")
        if prefix:
            # torchvision's file of 2017 writes denselayer1.norm.1 for denselayer1.norm1
            plain = re.sub(r"(norm|conv|relu)\.([12])\.", r"\1\2.", plain.removeprefix("features."))
        found[prefix + plain] = value
    lacking = [
        key for key in wanted if key not in found and not key.endswith("num_batches_tracked")
    ]
    if lacking:
        raise ModelError(
            f"{path} does not hold the encoder's weights: {len(lacking)} of {len(wanted)} tensors "
            f"are missing, {lacking[0]} the first; give the file of exactly this encoder."
        )
    for key, value in wanted.items():
        if key in found and found[key].shape != value.shape:
            raise ModelError(
                f"{path} does not fit the encoder: {key} is {tuple(found[key].shape)} in the file "
                f"and {tuple(value.shape)} in the encoder; give the file of exactly this encoder."
            )
    # What is left over is the classifier, which is not used here.
    backbone.load_state_dict({k: v for k, v in found.items() if k in wanted}, strict=False)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a file without running any code that it may carry.

    A state dict that was saved beside other plain values, as ``{"state_dict": ...}`` or
    ``{"model": ...}``, is found.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or holds anything but tensors.
    """
    if not path.exists():
        raise ModelError(f"There is no weights file {path}; check the path.")
    if path.suffix == ".safetensors":
        return load_safetensors(path)
    state = load_pickled(path)
    if isinstance(state, dict):
        state = next((state[key] for key in WRAPPERS if isinstance(state.get(key), dict)), state)
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ModelError(f"{path} holds no state dict of tensors; save model.state_dict() instead.")
    state = {str(name): value for name, value in state.items()}
    check_finite(state, path)
    return state


def _timm_name(name: str) -> str:
    if not name.startswith("timm:") or not ENCODER_NAME.fullmatch(name):
        raise ModelError(f"The encoder {name!r} is unknown; use densenet121 or timm:NAME.")
    return name.removeprefix("timm:")


def _import_timm(name: str) -> Any:
    stay_offline()
    try:
        import timm
    except ImportError as error:
        raise ModelError(
            f"The encoder timm:{name} needs the package timm; "
            'install it with: pip install "napari-mclstexp[encoders]"'
        ) from error
    return timm


def _takes_any_size(timm: Any, name: str) -> bool:
    config = timm.get_pretrained_cfg(name)
    return config is None or not getattr(config, "fixed_input_size", False)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
