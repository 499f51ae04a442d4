"""Fetching by name: the only place of this program that uses the network, and only when asked.

pooch puts every file in its place after its checksum was verified; `download.py` is what it
downloads with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import Cancelled, LibraryError
from ..files import sha256
from ..progress import CancelToken, Progress, ProgressCallback
from .catalogue import CataloguedFile, Entry
from .download import Arrived, BrokenOff, Refused, Unreachable, receive
from .shelf import Shelf

KB = 1000


def fetch(
    entry: Entry,
    shelf: Shelf,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Fetch what is not on the shelf of an entry, over the network.

    Parameters
    ----------
    entry
        What is wanted.
    shelf
        Where it goes. A file that stands there with a wrong checksum is replaced.
    progress
        Told how many kB have arrived.
    cancel
        Ends it within a second; what has arrived is gone on with the next time.

    Returns
    -------
    Path
        The weights file, or the data set's folder.

    Raises
    ------
    LibraryError
        If a file cannot be had or is not the one expected: which one to put where instead.
    Cancelled
        If `cancel` was set.
    """
    held = shelf.held(entry)
    if held.complete:
        return next(iter(held.here.values())) if entry.kind == "encoder" else shelf.folder(entry)
    if not entry.wanted:
        raise LibraryError(
            f"{entry.name} cannot be fetched; get one of its files ({_named(entry.files)}) from "
            f"{entry.source}, and give it to `napari-mclstexp models add FILE`."
        )
    wanted = tuple(each for each in entry.wanted if each.path not in held.here)
    work = _Work(entry, shelf, wanted, progress or _nobody, cancel or CancelToken())
    with _quiet_pooch():
        for file in wanted:
            work.fetch(file)
    return shelf.place(entry, wanted[0]) if entry.kind == "encoder" else shelf.folder(entry)


@dataclass
class _Work:
    entry: Entry
    shelf: Shelf
    wanted: tuple[CataloguedFile, ...]
    progress: ProgressCallback
    cancel: CancelToken
    before: int = field(default=0)  # bytes of the files that are whole

    def fetch(self, file: CataloguedFile) -> None:
        import pooch

        target = self.shelf.place(self.entry, file)
        self.shelf.make(target.parent)
        part = self.shelf.make(self.shelf.downloads) / f"{file.checksum[:16]}-{file.name}.part"
        if file.sha256 is None:  # pooch, which cannot tell that this is another file, would keep it
            target.unlink(missing_ok=True)

        def downloader(url: str, temporary: str, _: object) -> None:
            self._receive(file, part)
            part.replace(temporary)

        known = None if file.sha256 is None else f"sha256:{file.sha256}"
        pooch.retrieve(file.url, known, target.name, target.parent, downloader=downloader)
        self.before += target.stat().st_size

    def _receive(self, file: CataloguedFile, part: Path) -> None:
        """Receive a file up to its end, and make sure that it is the right one."""
        self._tell(file, Arrived(part.stat().st_size if part.is_file() else 0, 0))
        whole = file.size is not None and part.is_file() and part.stat().st_size == file.size
        host = urlsplit(file.url).netloc
        try:
            if not whole:
                receive(file.url, part, lambda arrived: self._tell(file, arrived), self.cancel)
                if file.size is not None and part.stat().st_size < file.size:
                    raise BrokenOff
        except Cancelled as error:
            error.kept = "what has arrived is kept, and the next fetch resumes from there."
            raise
        except Unreachable as error:
            raise LibraryError(
                f"{host} cannot be reached ({error}), so {self.entry.name} was not fetched; "
                f"{self._by_hand(file)}"
            ) from error
        except Refused as error:
            raise LibraryError(
                f"{host} does not give {file.url} ({error}); {self._by_hand(file)}"
            ) from error
        except BrokenOff as error:
            raise LibraryError(
                f"The download of {file.name} broke off after {_size(part.stat().st_size)}; fetch "
                f"{self.entry.name} again to go on from there."
            ) from error
        except OSError as error:
            raise LibraryError(
                f"{part} cannot be written ({error.strerror}); make room, or name another place "
                "by the environment variable NAPARI_MCLSTEXP_DATA."
            ) from error
        if not file.matches(part):
            found = sha256(part)
            part.unlink()
            raise LibraryError(
                f"{file.name} from {host} is not the file expected (SHA-256 {found}) and was "
                f"removed; {self._by_hand(file)}"
            )

    def _tell(self, file: CataloguedFile, arrived: Arrived) -> None:
        done = self.before + arrived.done
        rest = self.wanted[self.wanted.index(file) + 1 :]
        this = max(arrived.total or file.bytes, arrived.done)
        total = self.before + this + sum(each.bytes for each in rest)
        self.progress(Progress(done // KB, total // KB, f"Fetching {file.name}", unit="kB"))

    def _by_hand(self, file: CataloguedFile) -> str:
        others = len(self.wanted) - 1
        more = ""
        if others:
            more = (
                f", and so on with {others} other files, or give a folder that holds them all to "
                "`napari-mclstexp models add FOLDER`"
            )
        place = self.shelf.place(self.entry, file).parent
        return f"put {file.name} ({file.facts}) into {place}{more}, or try again later."


def offer(entry: Entry, shelf: Shelf) -> str:
    """Return what a person is told before anything is fetched: what, whence, how large, terms."""
    hosts = " and ".join(dict.fromkeys(urlsplit(each.url).netloc for each in entry.wanted))
    return (
        f"{entry.name}: {entry.title}; from {entry.source} ({hosts}), about {_size(entry.bytes)}, "
        f"licence: {entry.licence}; into {shelf.folder(entry)}"
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def _named(files: tuple[CataloguedFile, ...]) -> str:
    return "; ".join(f"{each.name}, {each.facts}" for each in files)


def _nobody(_: Progress) -> None:
    pass


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch from writing to the terminal; what it would say is told as progress."""
    import pooch

    logger = pooch.get_logger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
