"""What `models list` answers: the catalogue and the shelf, as a table or as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..training.built_models import BUILT
from .answers import Report

if TYPE_CHECKING:
    from ..library.catalogue import Catalogue, Entry
    from ..library.shelf import Held, Shelf


def about_shelf(catalogue: Catalogue, shelf: Shelf) -> Report:
    """Tell what can be had by name, and what of it is here; every file is checked."""
    held = [(entry, shelf.held(entry)) for entry in catalogue.entries]
    models = shelf.shelved_models()
    there = {each.path.name for each in models}
    buildable = [each for each in BUILT.values() if each.name not in there]
    lines: list[str] = []
    for kind, heading in (("encoder", "Encoder weights"), ("dataset", "Data sets")):
        rows = [_row(entry, state) for entry, state in held if entry.kind == kind]
        lines += [heading, *_aligned(rows), ""] if rows else []
    rows = [(m.path.name, "here", f"{m.n_genes:,} genes", m.name) for m in models]
    rows += [(b.name, "not built", "", f"{b.title}, from {b.dataset}") for b in buildable]
    lines += ["Models", *_aligned(rows)]
    lines += ["", f"Kept in {shelf.root}"]
    return Report(
        tuple(lines),
        {
            "kind": "models",
            "folder": str(shelf.root),
            "catalogue": [_document(entry, state, shelf) for entry, state in held],
            "models": [{"path": str(m.path), "name": m.name, "n_genes": m.n_genes} for m in models],
            "buildable": [
                {"name": b.name, "title": b.title, "dataset": b.dataset} for b in buildable
            ],
        },
    )


def _row(entry: Entry, held: Held) -> tuple[str, ...]:
    return (entry.name, held.state, f"{entry.bytes / 1e6:,.0f} MB", entry.title, entry.licence)


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _document(entry: Entry, held: Held, shelf: Shelf) -> dict[str, Any]:
    return {
        **entry.model_dump(include={"kind", "name", "title", "source", "licence"}),
        "bytes": entry.bytes,
        "state": held.state,
        "fetchable": bool(entry.wanted),
        "folder": str(shelf.folder(entry)),
        "files": [
            {
                **file.model_dump(exclude={"about"}),
                "here": str(held.here[file.path]) if file.path in held.here else None,
            }
            for file in entry.files
        ],
        "damaged": list(map(str, held.damaged)),
    }
