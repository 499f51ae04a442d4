"""Two large libraries imported at once, each by a core of its own: most of it is reading files."""

from __future__ import annotations

import contextlib
import importlib
import threading


def import_together(*names: str) -> None:
    """Import modules beside each other, and return when all are there.

    Nothing of them may be called meanwhile: what looks whether another library is there would see
    half of it. What they share is imported first, by one thread alone. A module that cannot be
    imported says so where it is needed.
    """
    importlib.import_module("numpy")
    others = [threading.Thread(target=_import, args=(name,)) for name in names[1:]]
    for each in others:
        each.start()
    _import(names[0])
    for each in others:
        each.join()


def _import(name: str) -> None:
    with contextlib.suppress(Exception):  # it is imported again where it is needed
        importlib.import_module(name)
