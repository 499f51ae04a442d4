"""What was done to a slide, step by step, so that it can be done again without the window.

Each step is named like the function of :mod:`napari_mclstexp.scripting.actions` that does it, with
what that function is given. Steps that were taken back are not among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..analysis.domain_map import PALETTE, DomainMap
from ..export.geojson import to_geojson
from ..spots.schema import GRID, SpotMetadata

if TYPE_CHECKING:
    from anndata import AnnData

    from .annotations import Annotations
    from .history import UndoHistory

Action = Literal[
    "open_slide",
    "set_scale",
    "load_spots",
    "lay_grid",
    "clear_spots",
    "predict",
    "open_prediction",
    "find_domains",
    "name_domains",
    "clear_domains",
    "set_regions",
    "set_signatures",
    "compare_regions",
    "find_similar",
    "set_landmarks",
    "write_notes",
    "show",
    "export",
]
ACTIONS = frozenset(get_args(Action))
# What brings a slide and its spots, on which all else is done.
OPENING = frozenset({"open_slide", "set_scale", "load_spots", "lay_grid", "clear_spots"})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Step:
    """One thing that was done.

    Attributes
    ----------
    action
        The function of :mod:`napari_mclstexp.scripting.actions`.
    arguments
        What it is given besides the session, by name, as JSON has it.
    what
        In words, where the action alone does not say it: "Draw a region, Rename a region".
    when
        UTC, as ISO 8601 writes it.
    """

    action: Action
    arguments: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""
    when: str = field(default_factory=_now)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Step:
        """Return it from its JSON.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not as :meth:`document` gives it.
        """
        action = document["action"]
        if action not in ACTIONS:
            raise ValueError(f"there is no step {str(action)[:40]!r}")
        return cls(
            action, dict(document["arguments"]), str(document["what"]), str(document["when"])
        )


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit of the annotations as it happened; :func:`as_steps` says it in steps."""

    what: str
    before: Annotations
    after: Annotations
    when: str = field(default_factory=_now)


Record = tuple[Step | Edit, ...]


def spots_step(spots: AnnData | None) -> Step:
    """Return how these spots are got again."""
    if spots is None:
        return Step("clear_spots")
    known = SpotMetadata.read(spots)
    if known.platform == GRID:
        laid = {
            "pitch_um": known.pitch_um,
            "diameter_um": known.spot_diameter_um,
            "layout": known.layout,
        }
        return Step("lay_grid", {name: value for name, value in laid.items() if value is not None})
    counts = known.counts_source
    apart = counts is not None and counts != known.source
    return Step("load_spots", {"path": known.source, **({"counts": counts} if apart else {})})


def edited(record: Record, before: UndoHistory, after: UndoHistory) -> Record:
    """Return a record after the work went from one state of its history to another.

    An edit, or one that is done again, is added; one that is taken back goes.
    """
    if after.past and after.past[-1][1] is before.present:
        return (*record, Edit(after.past[-1][0], before.present, after.present))
    if after.future and after.future[-1][1] is before.present:
        undone = after.future[-1][0]
        for place in range(len(record) - 1, -1, -1):
            each = record[place]
            if isinstance(each, Edit) and each.what == undone:
                return (*record[:place], *record[place + 1 :])
    return record


def as_steps(record: Sequence[Step | Edit]) -> tuple[Step, ...]:
    """Return a record as steps alone; edits of regions that follow each other are one step."""
    steps: list[Step] = []
    for each in record:
        for step in [each] if isinstance(each, Step) else _steps_of(each):
            if steps and step.action == steps[-1].action == "set_regions":
                what = ", ".join(dict.fromkeys((*steps[-1].what.split(", "), step.what)))
                step = Step(step.action, step.arguments, what, step.when)
                steps.pop()
            steps.append(step)
    return tuple(steps)


def _steps_of(edit: Edit) -> list[Step]:
    """Return the steps that bring the same change, field by field."""
    before, after, found = edit.before, edit.after, []

    def step(action: Action, **arguments: Any) -> None:
        as_read = json.loads(json.dumps(arguments))  # lists for tuples, as a file has them
        found.append(Step(action, as_read, edit.what, edit.when))

    if after.domains is not before.domains:
        _domain_steps(before.domains, after.domains, step)
    if after.regions != before.regions:
        step("set_regions", geojson=to_geojson(after.regions))
    compared = after.comparison
    if compared is not None and compared is not before.comparison and compared.one:
        step("compare_regions", one=compared.one, other=compared.other or None, of=compared.of)
    if after.landmarks != before.landmarks:
        step("set_landmarks", landmarks=[asdict(each) for each in after.landmarks])
    if after.signatures != before.signatures:
        step("set_signatures", signatures=[asdict(each) for each in after.signatures])
    if after.notes != before.notes:
        step("write_notes", notes=after.notes)
    return found


def _domain_steps(before: DomainMap | None, after: DomainMap | None, step: Any) -> None:
    if after is None:
        step("clear_domains")
        return
    if before is None or before.labels is not after.labels:
        step("find_domains", settings=asdict(after.settings), of=after.of)
    proposed = {key: f"Domain {key}" for key in after.names}
    colours = {key: PALETTE[(int(key) - 1) % len(PALETTE)] for key in after.colours}
    if before is not None or after.names != proposed or after.colours != colours:
        step(
            "name_domains",
            names=dict(after.names),
            colours={key: list(colour) for key, colour in after.colours.items()},
        )
