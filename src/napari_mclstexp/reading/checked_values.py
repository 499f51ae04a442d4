"""Values that enter from files, told in a sentence where a schema refuses them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UserError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Schema = TypeVar("Schema", bound="BaseModel")
_LONGEST = 60


def validated(schema: type[Schema], values: Any, path: Path, error: type[UserError]) -> Schema:
    """Return values as a schema has them.

    Parameters
    ----------
    schema
        A pydantic model, with the limits of what makes sense.
    values
        Out of JSON, or a row of a table.
    path, error
        The file, and the class of what is raised.

    Raises
    ------
    UserError
        Naming the first value that cannot be used, and why.
    """
    from pydantic import ValidationError

    try:
        return schema.model_validate(values)
    except ValidationError as raised:
        raise error(
            f"{path} has a value that cannot be used: {what_is_wrong(raised)}; put it right, or "
            "write the file anew."
        ) from raised


def what_is_wrong(error: ValidationError) -> str:
    """Return the first value at fault and what is wrong with it, in one short piece."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part)[:_LONGEST] for part in first["loc"])
    said = " ".join(str(first["msg"]).split())[: 3 * _LONGEST]
    given = first.get("input")
    shown = "" if isinstance(given, (dict, list, tuple)) or given is None else f" ({_short(given)})"
    return f"{where}: {said}{shown}" if where else f"{said}{shown}"


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a very large number"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
