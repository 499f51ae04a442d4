"""What a shader's code declares is read once in a process, not for every layer that comes.

vispy searches the whole code by seven regular expressions whenever a visual is drawn first; layers
of one kind have the same code. Checked with vispy 0.17.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from vispy.gloo.program import Program

_READ = "_parse_variables_from_code"


def read_shaders_once() -> None:
    """Have vispy's programs remember what their code declares, where this vispy reads as known."""
    read: Callable[..., None] | None = getattr(Program, _READ, None)
    if read is None or hasattr(read, "remembered"):
        return

    @lru_cache(maxsize=512)
    def declared(codes: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
        """Return the variables of the shaders of a program, by name."""
        program = SimpleNamespace(_shaders=[SimpleNamespace(code=code) for code in codes])
        read(program, update_variables=False)
        found: dict[str, tuple[Any, ...]] = program._code_variables
        return found

    def remember(self: Program, update_variables: bool = True) -> None:
        self._code_variables = dict(declared(tuple(shader.code for shader in self._shaders)))
        if update_variables:
            self._process_pending_variables()

    try:
        known = declared(("uniform float u_x;",))
    except (AttributeError, TypeError):  # another vispy, that reads by other means
        return
    if list(known) != ["u_x"]:
        return
    remember.remembered = declared  # type: ignore[attr-defined]
    setattr(Program, _READ, remember)
