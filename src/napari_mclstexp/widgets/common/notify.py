"""How a failure reaches the person: one sentence as a napari notification, never a dead button."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
    show_info,
)

from ...errors import Cancelled, UserError

if TYPE_CHECKING:
    from ...training.process import Ended


Answer = Callable[[str], object]
_asked: list[Answer | None] = [None]  # where the button pressed last wants its answer


def answer_at(place: Answer | None) -> Answer | None:
    """Have what goes wrong said at a place as well, from now on; return the place before."""
    before, _asked[0] = _asked[0], place
    return before


def asked_at() -> Answer | None:
    """Return where what goes wrong now is said as well."""
    return _asked[0]


def tell(error: BaseException) -> None:
    """Show a failure: a :class:`UserError` as its sentence, any other with its traceback.

    A sentence is said by napari, and stays beside the button that was pressed for it.
    """
    if isinstance(error, Cancelled):
        show_info(str(error))
    elif isinstance(error, UserError):
        show_error(str(error))
        if _asked[0] is not None:
            _asked[0](str(error))
    else:
        notification_manager.dispatch(ErrorNotification(error))


@contextmanager
def told() -> Iterator[None]:
    """Show what goes wrong inside the block instead of raising it."""
    try:
        yield
    except Exception as error:
        tell(error)


def told_once(_: Iterable[tuple[()]]) -> tuple[()]:
    """Have a signal without arguments that is paused be sent once for all times it would have been.

    ``with session.changed.paused(told_once): ...``
    """
    return ()


def tell_end(how: Ended, process: Any, done: str) -> None:
    """Say how a process ended that went on beside the window.

    Parameters
    ----------
    how
        As it told.
    process
        It, or None.
    done
        What is said where it went well; "{}" stands for the name of the folder it wrote.
    """
    if how.how == "done" and process is not None:
        show_info(done.format(process.record.out.name))
    elif how.how == "failed":
        tell(UserError(how.sentence))
