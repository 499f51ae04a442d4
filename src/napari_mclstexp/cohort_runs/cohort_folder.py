"""The folder of a cohort's results: what is in it, who is at work in it, and its summary.

It is the only thing that the processes of a cohort share, on one machine or on many::

    NAME.h5ad              a slide's result, with its record: it stands whole or not at all
    summary.csv            a line for each slide
    report.html            all of them on one page
    work/NAME.lock         held by the process that works on the slide
    work/NAME.failed.json  why a slide failed

A lock is the operating system's (``flock``, by way of filelock), so a process that dies, however it
dies, does not hold it. Over NFS the server keeps it (Linux sends ``flock`` there as a lock on
bytes) and frees it when the client is gone. Right results never depend on a lock: every file is
renamed into its place whole, so that on a file system without locks, where none is asked for, the
worst is that a slide is computed twice.
"""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..errors import OutputError
from ..files import (
    as_cells,
    atomic_file,
    check_names,
    check_writable,
    from_cell,
    is_temporary,
    note_written,
)
from .cohort_settings import CohortSettings
from .slide_list import SlideEntry
from .slide_record import ATTRIBUTE, SlideRecord, SlideState, read_record

if TYPE_CHECKING:
    from anndata import AnnData

KIND = "the predictions of a cohort"
SUMMARY, REPORT = "summary.csv", "report.html"
WORK = "work"
SUMMARY_LOCK_S = 60.0  # writing a summary takes far less
FIRST = ("name", "slide", "state", "seconds", "spots", "sentence")
FACTS = ("genes", "um_per_px", "similarity", "pcc", "unlike", "device", "host")
SIGNATURE = "signature_"
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)


class CohortFolder:
    """The folder of a cohort's results.

    Parameters
    ----------
    path
        The folder; it need not be there before :meth:`prepare`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def result(self, name: str) -> Path:
        """Return where a slide's result stands, or will."""
        return self.path / f"{name}.h5ad"

    def check(self) -> None:
        """Make sure, before it is touched, that it may be a cohort's.

        Raises
        ------
        OutputError
            If it is something else of ours, or a summary of a person's would be written over.
        """
        with self._writing_summary():  # which notes that it is ours after it has been written
            check_names(self.path, KIND, (SUMMARY, REPORT))

    def prepare(self) -> None:
        """Make the folder.

        Raises
        ------
        OutputError
            If it cannot be made or written in.
        """
        try:
            (self.path / WORK).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {self.path} cannot be made ({error.strerror}); choose another place."
            ) from error
        check_writable(self.path / SUMMARY)

    def check_free(self, entries: Iterable[SlideEntry]) -> None:
        """Make sure that results to come would not be written over a person's files.

        Raises
        ------
        OutputError
            Naming a file that this program did not write there.
        """
        for each in entries:
            result = self.result(each.name)
            if result.exists() and read_record(result) is None:
                raise OutputError(
                    f"{result} is there already, and not as this program wrote it for a cohort; "
                    "choose another folder, or move that file away."
                )

    # -- slides --------------------------------------------------------------------------------

    def state(self, entry: SlideEntry, model: str, settings: CohortSettings) -> SlideState | None:
        """Return how a slide ended, or None if it is still to be done.

        An end counts only if it was reached from the same model, settings and files.
        """
        for record in (read_record(self.result(entry.name)), self._failure(entry.name)):
            if record is not None and record.made_from.is_still(entry, model, settings):
                return record.state
        return None

    @contextmanager
    def working_on(self, name: str) -> Iterator[bool]:
        """Yield whether the slide is this process's for the block; False if another has it."""
        with self._lock(name) as ours:
            if ours:
                self._remove_litter(name)
            yield ours

    def is_free(self, name: str) -> bool:
        """Whether no process works on a slide just now."""
        with self._lock(name) as ours:
            return ours

    def write_result(self, prediction: AnnData, record: SlideRecord) -> None:
        """Write a slide's result and its record, both at once.

        Raises
        ------
        OutputError
            If the disk is full or the folder cannot be written in.
        """
        from ..inference.prediction_io import write_prediction

        name = record.state.name
        write_prediction(prediction, self.result(name), {ATTRIBUTE: record.text()})
        self.forget_failure(name)

    def write_failure(self, record: SlideRecord) -> None:
        """Write why a slide failed.

        Raises
        ------
        OutputError
            If the disk is full or the folder cannot be written in.
        """
        with atomic_file(self._failure_path(record.state.name)) as temporary:
            temporary.write_text(record.text(), encoding="utf-8")

    def forget_failure(self, name: str) -> None:
        """Let a slide that failed be tried again."""
        self._failure_path(name).unlink(missing_ok=True)

    # -- all of them ---------------------------------------------------------------------------

    def write_summary(
        self, entries: Sequence[SlideEntry], states: Mapping[str, SlideState]
    ) -> None:
        """Write ``summary.csv``: a line for each slide.

        Several processes may do so. Each knows its own slides, and takes the lines of others from
        the summary that is there: nobody has to look into thousands of files of others.

        Parameters
        ----------
        entries
            All slides of the table, also those of other shards.
        states
            Of the slides that this process looked after, by name.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with self._writing_summary():
            there = {from_cell(row.get("name") or ""): row for row in self._summary_rows()}
            rows = [
                _row(each, states[each.name])
                if each.name in states
                else there.get(each.name) or _row(each, SlideState(each.name, "waiting"))
                for each in entries
            ]
            columns = (*FIRST, *FACTS, *_more(rows))
            text = io.StringIO()
            writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(map(as_cells, rows))
            with atomic_file(self.path / SUMMARY) as temporary:
                temporary.write_text(text.getvalue(), encoding="utf-8")
            note_written(self.path, KIND, (SUMMARY,))

    def write_report(self, page: str) -> Path:
        """Write ``report.html``, and return where it is.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with self._writing_summary():
            with atomic_file(self.path / REPORT) as temporary:
                temporary.write_text(page, encoding="utf-8")
            note_written(self.path, KIND, (REPORT,))
        return self.path / REPORT

    def states(self, entries: Iterable[SlideEntry]) -> dict[str, SlideState]:
        """Return how each slide ended, whatever it was made from; for a look at results."""
        found: dict[str, SlideState] = {}
        for each in entries:
            record = read_record(self.result(each.name)) or self._failure(each.name)
            found[each.name] = SlideState(each.name, "waiting") if record is None else record.state
        return found

    def _summary_rows(self) -> list[dict[str, str]]:
        try:
            with (self.path / SUMMARY).open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error):
            return []

    def _failure_path(self, name: str) -> Path:
        return self.path / WORK / f"{name}.failed.json"

    def _failure(self, name: str) -> SlideRecord | None:
        try:
            return SlideRecord.read(self._failure_path(name).read_bytes())
        except OSError:
            return None

    def _remove_litter(self, name: str) -> None:
        """Remove what a process that was killed while it wrote the slide's result has left."""
        for each in self.path.glob(f".{_escaped(name)}.*"):
            if is_temporary(each) and each.name[1:].rpartition(".part")[0][:-9] == name:
                with suppress(OSError):
                    each.unlink()

    @contextmanager
    def _lock(self, name: str) -> Iterator[bool]:
        with ExitStack() as stack:
            try:
                stack.enter_context(_lock_of(self.path / WORK / f"{name}.lock", timeout=0))
            except Timeout:
                yield False
                return
            except NotImplementedError:
                pass  # no locks here: see above
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise OutputError(
                        f"{self.path / WORK} cannot be written in ({error.strerror}); free some "
                        "space, or choose another folder."
                    ) from error
            yield True

    @contextmanager
    def _writing_summary(self) -> Iterator[None]:
        # Without the lock, if it cannot be had in time: a line may be lost till the next run.
        with ExitStack() as stack:
            if (self.path / WORK).is_dir():  # else nobody has begun
                with suppress(Timeout, OSError, NotImplementedError):
                    lock = _lock_of(self.path / WORK / "summary.lock", timeout=SUMMARY_LOCK_S)
                    stack.enter_context(lock)
            yield


def _lock_of(path: Path, timeout: float) -> FileLock:
    try:
        # Later versions put a file with the holder's name in place of a lock that the file system
        # does not have; of a holder on another machine nobody could tell that it has died.
        return FileLock(path, timeout=timeout, fallback_to_soft=False)
    except TypeError:
        return FileLock(path, timeout=timeout)


def _row(entry: SlideEntry, state: SlideState) -> dict[str, str]:
    facts = {name: state.facts.get(name) for name in FACTS}
    values = {
        "name": entry.name,
        "slide": entry.slide,
        "state": state.state,
        "seconds": state.seconds,
        "spots": state.spots,
        "sentence": state.sentence,
        **facts,
        "host": state.host,
        **{SIGNATURE + name: value for name, value in state.signatures.items()},
        **{name: value for name, value in entry.groups if name not in (*FIRST, *FACTS)},
    }
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _more(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the columns that the table's groups and the signatures bring, groups first."""
    names = dict.fromkeys(name for row in rows for name in row if name not in (*FIRST, *FACTS))
    return sorted(names, key=lambda name: name.startswith(SIGNATURE))


def _escaped(name: str) -> str:
    return "".join(f"[{each}]" if each in "[*?" else each for each in name)


def read_summary(path: Path) -> list[dict[str, str]]:
    """Return the lines of a folder's summary as text; none where there is no summary."""
    return CohortFolder(path)._summary_rows()


def as_json(state: SlideState, entry: SlideEntry) -> dict[str, object]:
    """Return a slide's state for machines."""
    from pydantic import TypeAdapter

    said: dict[str, object] = json.loads(TypeAdapter(SlideState).dump_json(state))
    return {**said, "slide": str(entry.slide), "groups": dict(entry.groups)}
