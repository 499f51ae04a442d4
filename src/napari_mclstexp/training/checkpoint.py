"""Where training stands after an epoch, as plain tensors in one file that appears whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import SettingsError
from ..files import atomic_file
from .settings import TrainSettings

RANDOM_STATE, CUDA_STATE = "random_state", "cuda_random_state"


@dataclass
class TrainingState:
    """How far a run is.

    Attributes
    ----------
    epoch
        Epochs done.
    best_epoch, best_pcc, best
        The epoch that predicted the watched section best, its PCC and its weights; empty where
        training does not stop early.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_pcc: float = float("-inf")
    best: dict[str, Tensor] = field(default_factory=dict)


def save_checkpoint(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    training_state: TrainingState,
    run: str,
) -> None:
    """Write weights, optimiser, random state and standing of the run `run`.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    tensors = {f"module.{name}": _plain(value) for name, value in module.state_dict().items()}
    tensors |= {f"best.{name}": _plain(value) for name, value in training_state.best.items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimizer.{index}.{name}"] = _plain(torch.as_tensor(value))
    tensors[RANDOM_STATE] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors[CUDA_STATE] = torch.cuda.get_rng_state()
    facts = {
        "epoch": str(training_state.epoch),
        "best_epoch": str(training_state.best_epoch),
        "best_pcc": float(training_state.best_pcc).hex(),
        "run": run,
    }
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=facts))


def load_checkpoint(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, run: str
) -> TrainingState:
    """Put everything back as `save_checkpoint` found it.

    Raises
    ------
    SettingsError
        If the file is damaged or belongs to a run with other sections or settings.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise SettingsError(
            f"The checkpoint {path} is damaged ({error}); remove it to train from the start."
        ) from error
    if not facts or facts.get("run") != run:
        raise SettingsError(
            f"The checkpoint {path} belongs to a run with other sections or settings; remove it to "
            "train from the start, or repeat the command that made it."
        )
    module.load_state_dict(_part(tensors, "module."))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _part(tensors, "optimizer.").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    torch.set_rng_state(tensors[RANDOM_STATE])
    if CUDA_STATE in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors[CUDA_STATE])
    return TrainingState(
        int(facts["epoch"]),
        int(facts["best_epoch"]),
        float.fromhex(facts["best_pcc"]),
        _part(tensors, "best."),
    )


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _plain(value: Tensor) -> Tensor:
    """Return a copy in the plain order of memory, the only one that safetensors keeps."""
    return value.detach().cpu().contiguous().clone()


def run_name(settings: TrainSettings, sections: list[tuple[str, int]]) -> str:
    """Return a checksum of all that decides how a run goes: settings and sections."""
    values = {key: str(value) for key, value in asdict(settings).items()}
    text = json.dumps([values, sections], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
