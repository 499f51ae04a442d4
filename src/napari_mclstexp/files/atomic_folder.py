"""Folders that appear whole under their name or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from .atomic_file import flush, readable_os_errors
from .exchange import finish_exchange, put_in_place
from .locks import only_one
from .marks import Mark, check_folder, files_in, write_mark
from .temporary import beside, held, remove_leftovers, temporary_beside

PATIENCE_S = 60.0  # for another process that puts its folder in the same place


@contextmanager
def atomic_folder(
    target: Path | str, kind: str, *, older: Callable[[Path], bool] | None = None
) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; rename it to `target` if the block succeeds.

    Parameters
    ----------
    target
        Where the finished folder shall stand. One that is there is replaced only if
        `check_folder` has nothing against it, before the block and after.
    kind
        What the folder is, with its article: ``a model``.
    older
        See `check_folder`.

    Raises
    ------
    OutputError
        If the parent folder is missing or read-only, the disk is full, or `target` is a file or
        holds what this program did not write.
    """
    target = Path(target)
    with _alone(target):
        finish_exchange(target)
        check_folder(target, kind, older=older)
    target = target.resolve()  # behind a link, the folder itself is replaced
    temporary = temporary_beside(target)
    remove_leftovers(target)
    try:
        with readable_os_errors(target), held(temporary, Path.mkdir):
            yield temporary
            write_mark(temporary, Mark(kind, dict(files_in(temporary))))
            for path in temporary.rglob("*"):
                if path.is_file():
                    flush(path)
            with _alone(target):
                check_folder(target, kind, older=older)  # the block may have taken hours
                put_in_place(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _alone(target: Path) -> AbstractContextManager[None]:
    """Hold the place of a folder, for the moment in which one takes it."""
    return only_one(beside(target, " being placed"), "another process", wait_s=PATIENCE_S)
