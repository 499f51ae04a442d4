"""One declaration for an option: the shell's help, the form's tooltip and the check all read it.

An option is a field of a frozen dataclass, or a parameter of a command::

    pitch_um: Annotated[float, Option("Distance between spots", above=0, unit="µm")] = 100.0
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from .errors import SettingsError


@dataclass(frozen=True)
class Option:
    """What a person is told about a value, and which values are allowed.

    Attributes
    ----------
    help
        What it does, in a few words; unit and range are added by :attr:`text`.
    low, high
        Smallest and largest value allowed.
    above, below
        Limits that are not allowed themselves.
    most
        Largest value that makes sense. It is told only to who passes it: no help needs to say that
        a training has no thousand million epochs.
    unit
        Unit of the value.
    label
        Name in a form; the field's own if empty.
    choices
        How a form names each choice; the choices themselves if empty.
    unset
        What a form shows where nothing is chosen (None).
    step
        By how much one click in a form changes it.
    flag
        What names it in the shell; made from the name if empty.
    metavar
        What stands for the value in the shell's help.
    """

    help: str
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    most: float | None = None
    unit: str = ""
    label: str = ""
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    unset: str = ""
    step: float = 1
    flag: str = ""
    metavar: str = ""

    @property
    def text(self) -> str:
        """The help with unit and range, as shell and tooltip show it."""
        obvious = self.range == "at least 0"  # nobody asks for fewer
        more = ", ".join(each for each in (self.unit, "" if obvious else self.range) if each)
        return f"{self.help} ({more})" if more else self.help

    @property
    def range(self) -> str:
        """The allowed values in words."""
        if self.below is not None:
            return f"from {self.low or 0:g} to below {self.below:g}"
        if self.high is not None:
            return f"from {self.low or 0:g} to {self.high:g}"
        if self.above is not None:
            return f"above {self.above:g}"
        return "" if self.low is None else f"at least {self.low:g}"

    def allows(self, value: float) -> bool:
        """Whether a number lies in the range."""
        return (
            _is_finite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
        )


SEEDS = 2**32 - 1  # the largest seed that all generators take


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # of a whole number of hundreds of digits
        return False


@dataclass(frozen=True)
class Declared:
    """An option with its name, type and default.

    Attributes
    ----------
    kind
        Type of a value that is given.
    optional
        Whether it may be None.
    default
        `dataclasses.MISSING` if it must be given.
    """

    name: str
    kind: Any
    optional: bool
    default: Any
    option: Option

    @property
    def values(self) -> tuple[Any, ...]:
        """The choices, if there is a fixed list of them."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def label(self) -> str:
        """Name in a form."""
        return self.option.label or self.name.replace("_", " ").capitalize()

    def check(self, value: Any, name: str = "") -> None:
        """Check a value against range and choices.

        Parameters
        ----------
        value
            What was given.
        name
            How the person named the option; the field's name if empty.

        Raises
        ------
        SettingsError
            If it is not allowed.
        """
        name = name or self.name
        if value is None and self.optional:
            return
        if self.values and value not in self.values:
            allowed = ", ".join(map(str, self.values))
            raise SettingsError(f"{name} is {value!r}; it must be one of {allowed}.")
        if self.kind in (int, float) and not self.option.allows(value):
            must = self.option.range or "a finite number"
            if self.option.most is not None and self.option.most < value < math.inf:
                must = f"at most {self.option.most:,.0f}"
            raise SettingsError(f"{name} is {_short(value)}; it must be {must}.")


def _short(value: object) -> str:
    text = "a very large number" if isinstance(value, int) and value > 10**30 else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def declaration(name: str, annotation: Any, default: Any) -> Declared | None:
    """Return what an annotation declares, or None if it holds no :class:`Option`."""
    if get_origin(annotation) is not Annotated:
        return None
    kind, *more = get_args(annotation)
    option = next((each for each in more if isinstance(each, Option)), None)
    if option is None:
        return None
    optional = False
    if get_origin(kind) in (Union, types.UnionType):
        parts = [each for each in get_args(kind) if each is not type(None)]
        optional, kind = len(parts) < len(get_args(kind)), parts[0]
    return Declared(name, kind, optional, default, option)


@cache
def declared(settings: type) -> Mapping[str, Declared]:
    """Return the options among the fields of a dataclass, by name."""
    hints = get_type_hints(settings, include_extras=True)
    found = (
        declaration(each.name, hints[each.name], each.default)
        for each in dataclasses.fields(settings)
    )
    return types.MappingProxyType({each.name: each for each in found if each is not None})


def check(settings: object) -> None:
    """Check every option of a dataclass.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """
    kind: Any = type(settings)
    for name, each in declared(kind).items():
        each.check(getattr(settings, name))
