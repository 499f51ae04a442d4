"""The model folder: saved whole or not at all, verified when loaded, nothing pickled."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import save
from torch import Tensor

from ..anndata_file import read_anndata, write_h5ad
from ..errors import ModelError, OutputError
from ..files import (
    atomic_folder,
    check_folder,
    check_writable,
    finish_exchange,
    is_temporary,
    names_in,
    refuse_overwriting,
    sha256,
)
from ..reading import guarded, read_json
from ..reading.checked_values import what_is_wrong
from ..reading.folder_checks import check_inside
from .bank import Bank
from .card import model_card
from .config import FORMATS, ModelConfig
from .mclstexp import MclSTExp
from .programs import Program, of_head
from .read_weights import check_size, load_safetensors, safetensors_shapes
from .trained_model import Linear, Model

CONFIG, WEIGHTS, BANK, CARD, CHECKSUMS = (
    "config.json",
    "weights.safetensors",
    "bank.h5ad",
    "README.md",
    "checksums.json",
)
LINEAR = "linear_head.safetensors"  # where slides are read by a feature map
FORMER = "former_ids"  # among the checksums; a folder without it is of an earlier version
# What a prediction depends on besides weights and bank; the rest of the configuration is talk.
READ_BY_INFERENCE = (
    *("genes", "normalisation", "patch_px", "um_per_px", "patch_scale"),
    *("encoder", "projection_dim", "retrieval"),
)
READ_OF_MAPS = ("head", "feature_map", "n_codes")
TRAINING = "training"  # folder with how the training went; for the record, nothing reads it back
KIND = "a model"
LARGEST_CONFIG = 64 * 2**20  # bytes
_ANEW = "get the model folder anew"
# What a training of a version that wrote no marker could leave in that folder.
_OLDER_TRAINING = (
    *("curves.csv", "events.out.tfevents.*", "report.html", "metrics.parquet"),
    *("metrics.csv", "ceilings.csv", "summary.csv", "structure.csv"),
)


def save_model(
    model: Model, folder: Path | str, *, half: bool = False, training: Path | None = None
) -> None:
    """Write a model folder under a temporary name and rename it; set the model's path and id.

    Parameters
    ----------
    model
        The model.
    folder
        Where it shall stand; a model folder that is there already is replaced if nothing was
        added to it or changed in it, nothing else is.
    half
        Store weights and projections as 16-bit floats, at half the size; codes stay as they are.
    training
        Folder with the curves of its training, which is copied in; the model's own by default.

    Raises
    ------
    OutputError
        If it cannot be written there.
    ModelError
        If `folder` holds something other than a model.
    """
    folder = Path(folder)
    check_target(folder)
    state = {
        key: value.detach().cpu().contiguous() for key, value in model.module.state_dict().items()
    }
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    rounded = half and model.config.head != "linear"
    with atomic_folder(folder, KIND, older=_is_older_model) as temporary:
        (temporary / CONFIG).write_text(
            json.dumps(model.config.model_dump(mode="json"), indent=1), encoding="utf-8"
        )
        # As bytes, whose failure on a full disk is an OSError; safetensors has errors of its own.
        (temporary / WEIGHTS).write_bytes(save(state))
        write_h5ad(model.bank.to_anndata(half=rounded), temporary / BANK)
        if model.linear is not None:
            (temporary / LINEAR).write_bytes(save_arrays(model.linear.arrays()))
        (temporary / CARD).write_text(
            model_card(model.config, model.bank, model.linear.head if model.linear else None),
            encoding="utf-8",
        )
        checksums = {name: sha256(temporary / name) for name in _files_of(model.config)}
        (temporary / CHECKSUMS).write_text(
            json.dumps({**checksums, FORMER: model.former_ids}, indent=1), encoding="utf-8"
        )
        if training is None and model.path is not None:
            training = model.path / TRAINING
        if training is not None and training.is_dir():
            shutil.copytree(training, temporary / TRAINING, ignore=_what_a_kill_left)
        stored = Bank.from_anndata(model.bank.to_anndata(half=rounded))
    model.path, model.id = folder, _identity(model.config, state, stored, model.linear)


def _what_a_kill_left(_: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if is_temporary(Path(name))]


def check_target(folder: Path, inputs: Mapping[str, Path | None] = MappingProxyType({})) -> None:
    """Check that a model may be saved in a folder: new, empty, or holding only a model of ours.

    Parameters
    ----------
    folder
        Where it shall stand.
    inputs
        Files that are read for it, by what they are.

    Raises
    ------
    ModelError
        If it holds something else, be it one file beside a model.
    OutputError
        If one of the inputs is in it, or it cannot be written there.
    """
    refuse_overwriting(folder, inputs)
    try:
        check_folder(folder, KIND, older=_is_older_model)
    except OutputError as error:
        raise ModelError(str(error)) from error
    check_writable(folder)


def _is_older_model(folder: Path) -> bool:
    """Whether a folder without a marker is a whole model and nothing else, by its checksums."""
    try:
        verify_folder(folder)
    except ModelError:
        return False
    own = {CONFIG, WEIGHTS, BANK, CARD, CHECKSUMS, LINEAR}
    training = [f"{TRAINING}/{each}" for each in _OLDER_TRAINING]
    return all(
        name in own or any(fnmatchcase(name, each) for each in training)
        for name in names_in(folder)
    )


def load_model(folder: Path | str) -> Model:
    """Load a model folder after checking every file against its checksum.

    Raises
    ------
    ModelError
        Naming the file that is missing, changed, or does not fit the others.
    """
    folder = Path(folder)
    verify_folder(folder)
    config = read_config(folder / CONFIG)
    check_size(safetensors_shapes(folder / WEIGHTS), config, folder / WEIGHTS)
    state = {
        key: value.float() if value.is_floating_point() else value
        for key, value in load_safetensors(folder / WEIGHTS).items()
    }
    with guarded(folder / CONFIG, "the configuration of a model", ModelError, remedy=_ANEW):
        module = MclSTExp(config)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(
            f"{folder / WEIGHTS} does not fit {CONFIG} ({reason}); get the model folder anew."
        ) from error
    bank = read_bank(folder / BANK)
    if bank.genes != config.genes:
        raise ModelError(
            f"{folder / BANK} and {CONFIG} name different genes; get the model folder anew."
        )
    width = config.n_codes if config.head == "linear" else config.projection_dim
    if bank.embedding.ndim != 2 or bank.embedding.shape[1] != width or not len(bank):
        raise ModelError(
            f"{folder / BANK} holds {len(bank)} spots of {bank.embedding.shape[1]} values, which "
            f"does not fit the model's {width}; get the model folder anew."
        )
    linear = None if config.feature_map is None else _read_linear(folder / LINEAR, config, bank)
    identity = _identity(config, state, bank, linear)
    return Model(config, module.eval(), bank, linear, folder, identity, _former_ids(folder))


def _files_of(config: ModelConfig) -> tuple[str, ...]:
    """Return the files of a model folder that have checksums."""
    return (CONFIG, WEIGHTS, BANK, CARD, *((LINEAR,) if config.feature_map is not None else ()))


def model_programs(folder: Path, config: ModelConfig) -> tuple[Program, ...]:
    """Return the programs of a model folder, read without the rest of it; none without a map.

    Raises
    ------
    ModelError
        If the file of its linear head cannot be read.
    """
    if config.feature_map is None:
        return ()
    return of_head(config.genes, _load_linear(folder / LINEAR).head)


def _load_linear(path: Path) -> Linear:
    safetensors_shapes(path)
    with guarded(path, "the linear head of a model", ModelError, remedy=_ANEW):
        arrays = load_arrays(path)
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ModelError(
                    f"{path}: {name[:100]} holds values that are no numbers (NaN or infinite); "
                    "get the model folder anew."
                )
        return Linear.from_arrays(arrays)


def _read_linear(path: Path, config: ModelConfig, bank: Bank) -> Linear:
    linear = _load_linear(path)
    shape = (len(bank), len(config.genes))
    codes = bank.linear_codes.shape[1]
    if linear.held_out.errors.shape != shape or linear.head.coefficients.shape[0] != codes:
        raise ModelError(f"{path} does not fit {BANK}; get the model folder anew.")
    return linear


def verify_folder(folder: Path) -> None:
    """Check that a model folder is complete and unchanged.

    Raises
    ------
    ModelError
        Naming the file at fault.
    """
    if not folder.is_dir():
        finish_exchange(folder)
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}; check the path.")
    if not (folder / CONFIG).is_file():
        raise ModelError(
            f"{folder} is no model folder, since it has no {CONFIG}; choose the folder of a model."
        )
    for name in (CONFIG, CHECKSUMS, WEIGHTS, BANK, CARD, LINEAR):
        if os.path.lexists(folder / name):
            check_inside(folder, folder / name, ModelError)
    try:
        checksums: Any = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        expected = {name: str(checksums[name]) for name in (CONFIG, WEIGHTS, BANK, CARD)}
        expected |= {LINEAR: str(checksums[LINEAR])} if LINEAR in checksums else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{folder / CHECKSUMS} is missing or damaged, so the model cannot be verified; "
            "get the model folder anew."
        ) from error
    for name, checksum in expected.items():
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} is missing; get the model folder anew.")
        if sha256(folder / name) != checksum:
            raise ModelError(
                f"{folder / name} was changed since the model was saved (its checksum differs); "
                "get the model folder anew."
            )


def read_card(folder: Path) -> ModelConfig:
    """Read only what a model is, without its weights, for lists and cards."""
    verify_folder(folder)
    return read_config(folder / CONFIG)


def read_config(path: Path) -> ModelConfig:
    """Read the configuration of a model.

    Raises
    ------
    ModelError
        Naming the first value that cannot be used.
    """
    values = read_json(path, "the configuration of a model", ModelError, most=LARGEST_CONFIG)
    found = values.get("format") if isinstance(values, dict) else None
    if not isinstance(found, int) or found not in FORMATS:
        raise ModelError(
            f"{path} is of model format {str(found)[:20]} and this version reads "
            f"{' and '.join(map(str, FORMATS))}; "
            "use the version of napari-mclstexp that wrote it, or a newer one."
        )
    try:
        return ModelConfig.model_validate(values)
    except ValidationError as error:
        raise ModelError(
            f"{path} has a value that cannot be used: {what_is_wrong(error)}; "
            "get the model folder anew."
        ) from error


def read_bank(path: Path) -> Bank:
    """Read the reference spots of a model.

    Raises
    ------
    ModelError
        If the file is damaged, or a value is no number.
    """
    found = read_anndata(path, ModelError)
    with guarded(path, "the bank of a model", ModelError, remedy=_ANEW):
        bank = Bank.from_anndata(found)
    bank.check(str(path))
    return bank


def _identity(
    config: ModelConfig, state: Mapping[str, Tensor], bank: Bank, linear: Linear | None
) -> str:
    """Return the id of a model by content, so that it stays when the same is saved anew."""
    of_maps = () if config.feature_map is None else READ_OF_MAPS
    facts = config.model_dump(mode="json", include={*READ_BY_INFERENCE, *of_maps})
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, value in sorted(state.items()):
        digest.update(name.encode())
        digest.update(value.float().contiguous().numpy().data)
    for part in (bank.embedding, bank.expression, bank.array_row, bank.array_col, bank.xy):
        digest.update(np.ascontiguousarray(part).data)
    for name, array in sorted((linear.arrays() if linear is not None else {}).items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).data)
    for kept in (bank.codes, bank.looks):
        if kept is not None:
            digest.update(np.ascontiguousarray(kept).data)
    names = [bank.section.tolist(), bank.barcode.tolist(), [len(each) for each in bank.thumbnails]]
    digest.update(json.dumps(names).encode())
    digest.update(b"".join(bank.thumbnails))
    return digest.hexdigest()[:12]


def _former_ids(folder: Path) -> tuple[str, ...]:
    content = (folder / CHECKSUMS).read_bytes()
    said = json.loads(content)
    return tuple(said.get(FORMER, [hashlib.sha256(content).hexdigest()[:12]]))
