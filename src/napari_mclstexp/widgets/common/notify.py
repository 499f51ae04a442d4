"""How a failure reaches the person: one sentence as a napari notification, never a dead button."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
    show_info,
)

from ...errors import Cancelled, UserError


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
