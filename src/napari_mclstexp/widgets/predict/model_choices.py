"""The models that can be chosen: those on the shelf, the built-in demo, those used lately."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from ...library.shelf import user_shelf
from ...samples import demo_model_path, is_sample
from ...session.recent_files import RecentFolders


@dataclass(frozen=True)
class Choice:
    """A model on offer: what it is called in the list, and its folder."""

    label: str
    path: Path


def built_in_model() -> Path | None:
    """Return the folder of the demo model, or None where the package came without it."""
    try:
        return demo_model_path()
    except UserError:
        return None


def choices(recent: RecentFolders, chosen: Path | None, slide: Path | None = None) -> list[Choice]:
    """Return the models to offer: on the shelf, demo, chosen, and recent ones, none twice.

    Parameters
    ----------
    recent, chosen
        Those used lately, and the one that is chosen.
    slide
        The file of the slide that is shown; the demo model is offered for the sample alone.
    """
    shelved = user_shelf().shelved_models()
    names = [each.name for each in shelved]
    offered = {}
    for each in shelved:
        label = each.name if names.count(each.name) == 1 else f"{each.name} ({each.path.name})"
        offered[each.path.resolve()] = Choice(label, each.path)
    demo = built_in_model()
    if demo is not None and (slide is None or is_sample(slide)):
        offered[demo.resolve()] = Choice("Built-in demo", demo)
    for path in (*((chosen,) if chosen is not None else ()), *recent.paths()):
        offered.setdefault(path.resolve(), Choice(path.name, path))
    return list(offered.values())


def proposed(recent: RecentFolders, slide: Path) -> Path | None:
    """Return the model that a person most likely wants for a slide of her own, or None.

    The one that she used last; where she used none yet, the only one on the shelf. Of the sample
    the demo model comes with it.
    """
    if is_sample(slide):
        return None
    used = recent.paths()
    shelved = user_shelf().shelved_models()
    if used:
        return used[0]
    return shelved[0].path if len(shelved) == 1 else None
