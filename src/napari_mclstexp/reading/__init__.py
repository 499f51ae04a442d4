"""Files that others wrote are let in here: what is no such file becomes a sentence, not a crash.

`guarded` turns what a library raises into a sentence; the other files check, before a library
touches it, what a library does not: kinds of files, links, bounds of arrays, sizes.
"""

from .guard import guarded, reason_of
from .plain_files import check_file, read_json, read_lines, read_text
from .trouble_log import write_trouble

__all__ = [
    "check_file",
    "guarded",
    "read_json",
    "read_lines",
    "read_text",
    "reason_of",
    "write_trouble",
]
