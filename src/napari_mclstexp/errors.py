"""Errors written for the person who sees them.

Each message is one sentence that says what is wrong, where (file, line or value), and what to do.
The shell prints it on one line and exits with code 2; the widgets show it as a notification.
"""


class UserError(Exception):
    """Something the user can put right; ``str(error)`` is the whole sentence shown."""


class SlideError(UserError):
    """A slide that cannot be opened, or that lacks what the task needs."""


class SpotsError(UserError):
    """Spots or counts that cannot be read, or that do not fit the slide."""


class ModelError(UserError):
    """A model folder, weights file or encoder that cannot be used."""


class SettingsError(UserError):
    """An option, gene list or cohort table that makes no sense as given."""


class LibraryError(UserError):
    """Weights, a data set or a model that cannot be had, recognised or kept."""


class SessionError(UserError):
    """A saved session that cannot be read, or does not fit the slide."""


class OutputError(UserError):
    """A result that cannot be written where it was asked for."""


class Cancelled(Exception):  # noqa: N818 - it is an event, not an error
    """The run was cancelled by the user; nothing was written.

    Attributes
    ----------
    kept
        What stays of the work to go on from, as the rest of a sentence; "" for nothing.
    """

    kept = ""
