"""Declared options become typer's, so that ``--help`` and the forms say the same words."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from ..options import Declared, Option, declaration, declared

Json = Annotated[bool, Option("Print one JSON document on stdout", flag="--json")]
Device = Annotated[str, Option("Where it is computed: auto, cpu, cuda or mps")]
Backend = Annotated[
    str,
    Option("What runs the encoder: auto (the fastest that is exact enough), torch or openvino"),
]


@dataclasses.dataclass(frozen=True)
class Group:
    """Options that a command takes together, and what makes one value of them."""

    parameters: tuple[inspect.Parameter, ...]
    build: Callable[..., Any]


def with_options(
    command: Callable[..., None], groups: Mapping[str, Group] | None = None
) -> Callable[..., None]:
    """Return a command as typer reads it.

    Parameters
    ----------
    command
        Its parameters are annotated with :class:`Option`, or are dataclasses of declared options,
        each of which it gets as one value.
    groups
        How other parameters are made, by name; their options come last.
    """
    own = inspect.signature(command, eval_str=True)
    groups, told = dict(groups or {}), {}
    parameters: list[inspect.Parameter] = []
    last = [each for group in groups.values() for each in group.parameters]
    for name, each in own.parameters.items():
        kind = each.annotation
        if name in groups:
            continue
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            groups[name] = Group(tuple(map(parameter, declared(kind).values())), kind)
            parameters += groups[name].parameters
        elif found := declaration(name, kind, each.default):
            told[name] = found
            parameters.append(parameter(found))
        else:
            parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    parameters += last

    def run(**given: Any) -> None:
        for name, option in told.items():
            option.check(given[name], _flag(option).partition("/")[0])
        made = {
            name: group.build(**{each.name: given.pop(each.name) for each in group.parameters})
            for name, group in groups.items()
        }
        command(**given, **made)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def parameter(option: Declared, *, unset: str = "") -> inspect.Parameter:
    """Return an option as a parameter that typer reads.

    Parameters
    ----------
    option
        What was declared.
    unset
        What the help gives as default although the shell's own is None.
    """
    missing = option.default in (dataclasses.MISSING, inspect.Parameter.empty)
    told = typer.Option(
        _flag(option),
        help=option.option.text,
        metavar=option.option.metavar or None,
        show_default=unset or (option.default is not False and option.default != ""),
    )
    kind = option.kind | None if option.optional else option.kind
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if missing else option.default,
        annotation=Annotated[kind, told],
    )


def _flag(option: Declared) -> str:
    """Return what names an option in the shell; both words of a switch that may be on."""
    if option.option.flag:
        return option.option.flag
    name = option.name.replace("_", "-")
    may_be_on = option.kind is bool and option.default is not False
    return f"--{name}/--no-{name}" if may_be_on else f"--{name}"
