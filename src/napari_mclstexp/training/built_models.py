"""The models that can be built by name from public data: which data, which recipe, where it stands.

`job.py` trains; this says on what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import LibraryError
from ..files import beside
from ..options import declared
from .job import TrainJob

if TYPE_CHECKING:
    from ..cohort.recipe_tables import Tables
    from ..library.catalogue import Catalogue, Entry
    from ..library.shelf import Shelf
    from .presets import Preset


@dataclass(frozen=True)
class BuiltModel:
    """A model that can be built by name.

    Attributes
    ----------
    name
        What it is called on the shelf.
    title
        What its card calls it.
    dataset
        The catalogue's name of the data it is made from.
    recipe
        That of `cohort.public_datasets`, which finds the sections among the files.
    preset
        The set of choices.
    chosen
        Fields of :class:`TrainSettings` on top.
    """

    name: str
    title: str
    dataset: str
    recipe: str
    preset: Preset = "default"
    chosen: Mapping[str, Any] = field(default_factory=dict, hash=False)


BUILT: Mapping[str, BuiltModel] = MappingProxyType(
    {
        "her2st": BuiltModel(
            *("her2st", "HER2+ breast cancer (her2st)", "her2st-small", "her2st"),
            chosen={
                "freeze_encoder": True,  # so that a laptop is enough
                **{"species": "human", "organ": "breast (HER2+ cancer)", "stain": "H&E, frozen"},
            },
        )
    }
)


def needed_for(built: BuiltModel, catalogue: Catalogue) -> tuple[Entry, ...]:
    """Return what a model is built from and the catalogue has: a data set, an encoder's weights."""
    from .presets import PRESETS
    from .settings import TrainSettings

    chosen = {**PRESETS[built.preset], **built.chosen}
    usual = declared(TrainSettings)["encoder"].default
    data = catalogue.get("dataset", built.dataset)
    encoder = catalogue.get("encoder", chosen.get("encoder", usual))
    return tuple(each for each in (data, encoder) if each is not None)


def prepare_build(
    built: BuiltModel,
    shelf: Shelf,
    catalogue: Catalogue,
    *,
    data: Path | None = None,
    out: Path | None = None,
    genes: Path | None = None,
    chosen: Mapping[str, Any] | None = None,
    device: str = "auto",
    resume: bool = False,
) -> tuple[TrainJob, Tables]:
    """Write the tables of a model's recipe, and return what trains it.

    Parameters
    ----------
    built
        The model.
    shelf, catalogue
        Where the data are looked for, and where the model goes.
    data
        The folder of the data, if they are not on the shelf.
    out
        The model's folder; that on the shelf by default.
    genes
        A gene list; by default the most variable genes of each section, united.
    chosen
        Fields of :class:`TrainSettings`, None for open ones; they go before the model's own.
    device, resume
        As of :class:`TrainJob`.

    Raises
    ------
    LibraryError
        If the data are not here: the ways to have them.
    UserError
        If they cannot be used, or the model not be written there.
    """
    from ..cohort.public_datasets import find_sections
    from ..cohort.recipe_tables import COHORT, GENES, check_tables, write_tables

    found = find_sections(built.recipe, data or _on_the_shelf(built, shelf, catalogue))
    shelved = shelf.models / built.name
    if out is None or out.absolute() == shelved:
        out, tables = shelved, shelf.cohorts / built.name
        shelf.make(shelf.models)
    else:
        tables = beside(out, ".cohort")
    said = {name: value for name, value in (chosen or {}).items() if value is not None}
    check_tables(tables, {"--genes": genes, "--weights": said.get("weights")})
    job = TrainJob(
        cohort=tables / COHORT,
        genes=tables / GENES,
        out=out,
        resume=resume,
        device=device,
        preset=built.preset,
        chosen={"name": built.title, **built.chosen, **said},
    )
    job.check_outputs()
    shelf.make(tables)
    return job, write_tables(found, tables, genes)


def _on_the_shelf(built: BuiltModel, shelf: Shelf, catalogue: Catalogue) -> Path:
    entry = catalogue.get("dataset", built.dataset)
    if entry is not None and shelf.held(entry).complete:
        return shelf.folder(entry)
    raise LibraryError(
        f"The data set {built.dataset} is not on this machine; get it with `napari-mclstexp "
        f"models fetch {built.name}`, or name the folder that you downloaded it to (--data DIR)."
    )
