"""The steps of a session as a Python script, or as a notebook with a cell for each."""

from __future__ import annotations

import json
import pprint
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import SettingsError
from ..files import atomic_file
from ..session.display import Display
from ..session.steps import Step

WIDTH = 100
TITLES = {
    "open_slide": "Open the slide",
    "set_scale": "State its scale",
    "load_spots": "Load the spots",
    "lay_grid": "Create a grid",
    "clear_spots": "Remove the spots",
    "predict": "Predict",
    "open_prediction": "Open a prediction",
    "find_domains": "Find domains",
    "name_domains": "Name the domains",
    "clear_domains": "Remove the domains",
    "set_regions": "Regions",
    "set_signatures": "Signatures",
    "compare_regions": "Compare regions",
    "find_similar": "Find similar places",
    "set_landmarks": "Landmarks",
    "write_notes": "Notes",
    "show": "What is shown",
}
BEGIN = """\
from pathlib import Path

from napari_mclstexp import GridSettings, Session
from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.scripting import actions
from napari_mclstexp.scripting.exports import export

out = Path({out!r})  # files are written here, not over those that were written then
out.mkdir(exist_ok=True)
session = Session()"""
# Of a prediction that a program handed over; nobody knows its file.
NO_FILE = "the file of the prediction.h5ad"


def write_steps(name: str, steps: Sequence[Step], path: Path) -> None:
    """Write steps as a notebook (.ipynb), or as a script (any other suffix).

    Parameters
    ----------
    name
        Of the slide.
    steps
        In their order.
    path
        Appears whole or not at all.

    Raises
    ------
    SettingsError
        If nothing was done yet.
    OutputError
        If it cannot be written there.
    """
    if not steps:
        raise SettingsError("Nothing was done yet, so there are no steps; open a slide first.")
    text = notebook(name, steps) if path.suffix.lower() == ".ipynb" else script(name, steps)
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def script(name: str, steps: Sequence[Step]) -> str:
    """Return steps as a Python script."""
    parts = [f'"""{_told(name)}\n"""', _begin(name)]
    parts += [f"# {_plain(title)}\n{code}" for title, code in cells(steps)]
    return "\n\n".join(parts) + "\n"


def notebook(name: str, steps: Sequence[Step]) -> str:
    """Return steps as a Jupyter notebook, as JSON (nbformat 4.5)."""
    import nbformat

    found = [_cell("markdown", _told(name)), _cell("code", _begin(name))]
    for title, code in cells(steps):
        found += [_cell("markdown", f"## {_plain(title)}"), _cell("code", code)]
    for number, cell in enumerate(found):
        cell["id"] = f"step-{number}"  # the same steps give the same file
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": found,
    }
    nbformat.validate(made)
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def cells(steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Yield title and code of each step."""
    display: dict[str, Any] = _as_json(Display())
    files = _Files()
    for step in steps:
        title = step.what or TITLES.get(step.action, step.action)
        if step.action == "show":
            wanted = {**display, **json.loads(json.dumps(step.arguments))}
            always = {name: wanted[name] for name in ("gene", "show_domains")}
            changed = {name: each for name, each in wanted.items() if each != display.get(name)}
            display = wanted
            yield title, _call("actions.show", {**always, **changed})
        elif step.action == "export":
            yield f"Export {Path(step.arguments['path']).name}", _export(step, files)
        else:
            yield title, _CODE.get(step.action, _plain_call)(step)


def _told(name: str) -> str:
    return (
        f"What was done to {_plain(name)} in napari-mclstexp {__version__}, step by step.\n\n"
        "Run it with Python, without a window, to get the same again."
    )


def _begin(name: str) -> str:
    return BEGIN.format(out=f"{Path(name).stem}_steps")


def _plain_call(step: Step) -> str:
    return _call(f"actions.{step.action}", step.arguments)


def _grid(step: Step) -> str:
    return f"actions.lay_grid(session, {_call('GridSettings', step.arguments, first='')})"


def _domains(step: Step) -> str:
    settings = _call("DomainSettings", step.arguments["settings"], first="")
    return f"actions.find_domains(\n    session,\n    {settings},\n    {step.arguments['of']!r},\n)"


def _prediction(step: Step) -> str:
    path = step.arguments.get("path")
    if path is None:
        asked = _call("actions.open_prediction", {"path": NO_FILE})
        return f"# Say here where the prediction is kept.\n{asked}"
    return _plain_call(step)


class _Files:
    """The names that exported files get in one folder: files of one name stay apart."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __getitem__(self, path: str) -> str:
        name, number = Path(path).name, 1
        while path not in self._names:
            if name not in self._names.values():
                self._names[path] = name
            number += 1
            name = f"{Path(path).stem}-{number}{Path(path).suffix}"
        return self._names[path]


def _export(step: Step, files: _Files) -> str:
    name = files[step.arguments["path"]]
    more = "".join(
        f", {_name(key)}={_literal(value)}"
        for key, value in step.arguments.items()
        if key not in ("kind", "path")
    )
    return f"export(session, {_literal(step.arguments['kind'])}, out / {_literal(name)}{more})"


_CODE: dict[str, Callable[[Step], str]] = {
    "lay_grid": _grid,
    "find_domains": _domains,
    "open_prediction": _prediction,
}


def _call(name: str, arguments: Mapping[str, Any], first: str = "session") -> str:
    """Return a call as Python; a value is only ever a literal, whatever a file said."""
    given = [first] if first else []
    given += [f"{_name(key)}={_literal(value)}" for key, value in arguments.items()]
    line = f"{name}({', '.join(given)})"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in given) + ")"


def _literal(value: Any) -> str:
    """Return a value as Python, without anything that could be run."""
    plain = json.loads(json.dumps(value))
    return pprint.pformat(plain, width=WIDTH, compact=True, sort_dicts=False)


def _name(key: str) -> str:
    if not key.isidentifier():
        raise SettingsError(f"The steps have an argument {key[:40]!r}, which no step has.")
    return key


def _plain(text: str) -> str:
    """Return text that stays a comment."""
    return " ".join(text.replace('"""', "'''").replace("\\", "/").splitlines())


def _as_json(display: Display) -> dict[str, Any]:
    from dataclasses import asdict

    found: dict[str, Any] = json.loads(json.dumps(asdict(display)))
    return found
