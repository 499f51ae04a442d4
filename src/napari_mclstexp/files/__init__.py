"""Files appear whole or not at all, and never in place of what someone else has made.

What is written goes to a temporary name beside the target and is renamed; a kill at any moment
leaves the old or the new under the name, and what it left beside is removed when the same target
is written next. A folder that this program wrote says so in a file in it, `MARKER`: only such a
folder is ever replaced or removed.
"""

from .atomic_file import atomic_file, check_writable, refuse_special
from .atomic_folder import atomic_folder
from .exchange import finish_exchange
from .locks import only_one
from .marks import (
    MARKER,
    check_folder,
    check_names,
    kind_of,
    names_in,
    note_written,
    placing,
    remove_files,
)
from .refuse import lies_in, refuse_overwriting, sha256
from .spreadsheet import as_cell, as_cells, from_cell
from .temporary import beside, is_temporary

__all__ = [
    "MARKER",
    "as_cell",
    "as_cells",
    "atomic_file",
    "atomic_folder",
    "beside",
    "check_folder",
    "check_names",
    "check_writable",
    "finish_exchange",
    "from_cell",
    "is_temporary",
    "kind_of",
    "lies_in",
    "names_in",
    "note_written",
    "only_one",
    "placing",
    "refuse_overwriting",
    "refuse_special",
    "remove_files",
    "sha256",
]
