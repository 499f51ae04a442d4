"""How a failure reaches the person: one sentence as a napari notification, never a dead button."""

from __future__ import annotations

from collections.abc import Iterator
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


def tell(error: BaseException) -> None:
    """Show a failure: a :class:`UserError` as its sentence, any other with its traceback."""
    if isinstance(error, Cancelled):
        show_info(str(error))
    elif isinstance(error, UserError):
        show_error(str(error))
    else:
        notification_manager.dispatch(ErrorNotification(error))


@contextmanager
def told() -> Iterator[None]:
    """Show what goes wrong inside the block instead of raising it."""
    try:
        yield
    except Exception as error:
        tell(error)


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
