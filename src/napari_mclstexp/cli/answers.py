"""What the shell answers: lines for people, or one JSON document for machines."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anndata import AnnData

    from ..inference.run_profile import RunProfile
    from ..model import Model, ModelConfig
    from ..model.programs import Program
    from ..slides import Slide
    from ..spots.schema import Provenance
    from ..training.settings import TrainSettings

SOME_GENES = 6  # of a program, in each direction
FROM = {"file": "from the file", "spots": "from the spots", "user": "as given"}


@dataclass(frozen=True)
class Report:
    """An answer.

    Attributes
    ----------
    lines
        For people.
    document
        The same for machines; numbers that are not known are null.
    """

    lines: tuple[str, ...]
    document: dict[str, Any]

    def show(self, as_json: bool) -> None:
        """Print the lines, or the document."""
        print(json.dumps(self.document, indent=1) if as_json else "\n".join(self.lines))


def about(path: Path) -> Report:
    """Tell what a slide, spots, a model folder or a prediction is.

    Raises
    ------
    UserError
        If it is none of them, or damaged.
    """
    if path.is_dir() and (path / "config.json").is_file():
        from ..model import read_card
        from ..model.folder import model_programs

        config = read_card(path)
        return about_model(config, path, model_programs(path, config))
    if path.suffix == ".h5ad" and path.is_file():
        from ..inference.prediction_io import read_prediction
        from ..spots.schema import holds_prediction

        if holds_prediction(path):
            return about_prediction(read_prediction(path), path)
    if path.is_dir() or {".h5ad", ".tsv", ".csv", ".txt", ".parquet", ".h5"} & set(path.suffixes):
        from ..spots.readers.choose import read_spots

        return _about_spots(read_spots(path), path)
    from ..slides import open_slide

    with open_slide(path) as slide:
        return _about_slide(slide)


def about_model(config: ModelConfig, path: Path | None, programs: Sequence[Program] = ()) -> Report:
    """Tell what a model reads, predicts and was trained on, and its programs if it has any."""
    from ..model.card import card_lines

    scores = {gene: _number(score) for gene, score in config.held_out_pcc.items()}
    return Report(
        (
            f"Model {config.name} in {path}",
            *([config.description] if config.description else []),
            *card_lines(config),
            *_program_lines(programs),
            f"Encoder {config.encoder.name}; expression in {config.unit}",
        ),
        {
            "kind": "model",
            "path": str(path),
            "name": config.name,
            "description": config.description,
            "genes": list(config.genes),
            "unit": config.unit,
            "normalisation": config.normalisation,
            "encoder": config.encoder.name,
            "patch_px": config.patch_px,
            "um_per_px": config.um_per_px,
            "patch_um": config.patch_um,
            "k": config.retrieval.k,
            "distance": config.retrieval.distance,
            "preset": config.preset,
            "head": config.head,
            "programs": _program_list(programs),
            "trained_on": list(config.trained_on),
            "held_out_pcc": scores,
        },
    )


def about_training(
    model: Model, settings: TrainSettings, seconds: float, notes: tuple[str, ...] = ()
) -> Report:
    """Tell what training made, and what was left out for it."""
    from ..model.programs import of_head

    linear = model.linear
    programs = () if linear is None else of_head(model.config.genes, linear.head)
    report = about_model(model.config, model.path, programs)
    done = f"{settings.epochs} epochs in"
    if model.config.head == "linear":
        done = f"{len(programs)} programs after"
    took = f"{len(model.bank):,} reference spots; {done} {seconds:.0f} s"
    return Report(
        (*report.lines, took, *notes),
        {
            **report.document,
            "id": model.id,
            "n_bank": len(model.bank),
            "notes": list(notes),
            "seconds": round(seconds, 2),
        },
    )


def about_prediction(prediction: AnnData, path: Path, seconds: float | None = None) -> Report:
    """Tell what was predicted, with what, and how well where counts say so."""
    from ..analysis.predicted_programs import programs_of
    from ..spots.schema import Provenance, SpotMetadata

    programs = programs_of(prediction)
    made = Provenance.read(prediction)
    took = "" if seconds is None else f" in {seconds:.1f} s on {made.device}"
    lines = [
        f"{prediction.n_vars:,} genes predicted at {prediction.n_obs:,} spots of {made.slide}"
        f"{took}",
        f"Model {made.model_name} ({made.model_id}); expression in {made.unit}",
        f"{made.um_per_px:.4g} µm per px, {FROM.get(made.um_per_px_source or '', 'as given')}"
        + _read_by(made),
        *([f"Encoder by {made.device_why}"] if made.device_why else []),
        *_program_lines(programs),
    ]
    document = {
        "kind": "prediction",
        "path": str(path),
        "n_spots": prediction.n_obs,
        "n_genes": prediction.n_vars,
        "seconds": None if seconds is None else round(seconds, 2),
        "pcc": None,
        **SpotMetadata.read(prediction).as_dict(),
        **made.as_dict(),
        "programs": _program_list(programs),
    }
    if "measured" in prediction.layers:
        scores = _scores(prediction)
        document["pcc"] = scores
        lines.append(_scores_line(scores))
    return Report((*lines, f"{path}"), document)


def with_profile(answer: Report, profile: RunProfile) -> Report:
    """Add to an answer where the time of its run went."""
    lines = [f"{'stage':9} {'seconds':>8} {'of the run':>11} {'of the limit':>13}"]
    for each in profile.stages:
        limit = "" if each.of_limit is None else f"{each.of_limit:.0%}"
        lines.append(f"{each.name:9} {each.seconds:8.2f} {each.share:11.0%} {limit:>13}".rstrip())
    lines.append(
        f"{'whole':9} {profile.seconds:8.2f}   stages go on side by side; the encoder did "
        f"{profile.images_per_s:,.1f} images/s, one large matrix product would do "
        f"{profile.limit_images_per_s:,.1f}"
    )
    document = {**answer.document, "profile": dataclasses.asdict(profile)}
    return Report((*answer.lines, *lines), document)


def about_demo(prediction: AnnData, out: Path, seconds: float) -> Report:
    """Tell in one line how the demo did; the document names the best predicted gene."""
    document = about_prediction(prediction, out / "prediction.h5ad", seconds).document
    best = _best(document["pcc"])
    document |= {"gene": best, "overlay": str(out / "overlay.png")}
    line = (
        f"{_scores_line(document['pcc'])} on sample section 3, {prediction.n_obs:,} spots in "
        f"{seconds:.0f} s: {out / 'prediction.h5ad'}, {out / 'overlay.png'} ({best})"
    )
    return Report((line,), document)


def _read_by(made: Provenance) -> str:
    """Return how the values were read: from patches, or by the head of a feature map."""
    if made.head in (None, "contrastive"):
        return f"; patches of {made.patch_um:.0f} µm; k = {made.k}, {made.distance}"
    held = "" if made.interval is None else f"; intervals of {made.interval:.0%}"
    return f"; {made.head} head{held}"


def _program_lines(programs: Sequence[Program]) -> list[str]:
    return [f"Program {each.number}: {each.sentence(SOME_GENES)}" for each in programs]


def _program_list(programs: Sequence[Program]) -> list[dict[str, Any]]:
    return [
        {"number": each.number, "share": each.share, "up": dict(each.up), "down": dict(each.down)}
        for each in programs
    ]


def _about_slide(slide: Slide) -> Report:
    scale = slide.um_per_px
    size = f"{slide.width:,} x {slide.height:,} px"
    if scale is None:
        said = "The file does not say how large a pixel is; predict needs --um-per-px, or spots"
    else:
        size += f" = {slide.width * scale / 1000:.2f} x {slide.height * scale / 1000:.2f} mm"
        said = f"{scale:.4g} µm per px, {FROM[slide.um_per_px_source or 'file']}"
    levels = ", ".join(f"{level.downsample:.4g}" for level in slide.levels)
    return Report(
        (f"Slide {slide.path} ({slide.vendor})", size, said, f"Levels downsampled by {levels}"),
        {
            "kind": "slide",
            "path": str(slide.path),
            "vendor": slide.vendor,
            "width": slide.width,
            "height": slide.height,
            "um_per_px": scale,
            "um_per_px_source": slide.um_per_px_source,
            "levels": [
                {"width": each.width, "height": each.height, "downsample": each.downsample}
                for each in slide.levels
            ],
            "properties": slide.properties,
        },
    )


def _about_spots(spots: AnnData, path: Path) -> Report:
    from ..spots.schema import SpotMetadata, positions

    facts = SpotMetadata.read(spots).as_dict()
    grid = [
        f"{what} {facts[key]:g} µm"
        for key, what in (("spot_diameter_um", "diameter"), ("pitch_um", "pitch"))
        if key in facts
    ]
    lines = [
        f"Spots {path} ({', '.join([str(facts['platform']), *grid])})",
        f"{spots.n_obs:,} spots, "
        + (f"counts of {spots.n_vars:,} genes" if spots.n_vars else "no counts"),
    ]
    if without := facts.get("n_spots_without_counts"):
        lines.append(f"{without:,} spots without counts were left out")
    if note := facts.get("counts_note"):
        lines.append(f"{'Counts' if spots.n_vars else 'No counts'}: {note}")
    xy = positions(spots)
    return Report(
        tuple(lines),
        {
            "kind": "spots",
            "path": str(path),
            "n_spots": spots.n_obs,
            "n_genes": spots.n_vars,
            "x_px": [float(xy[:, 0].min()), float(xy[:, 0].max())] if spots.n_obs else None,
            "y_px": [float(xy[:, 1].min()), float(xy[:, 1].max())] if spots.n_obs else None,
            **facts,
        },
    )


def _scores(prediction: AnnData) -> dict[str, Any]:
    from ..inference.correlation import summarise

    pcc = prediction.var["pcc"].to_numpy(dtype=float)
    summary = summarise(pcc, prediction.layers["measured"])
    return {
        "mean": _number(summary.mean),
        "n_genes": summary.n_genes,
        "n_left_out": summary.n_left_out,
        "mean_top": _number(summary.mean_top),
        "n_top": summary.n_top,
        "per_gene": dict(zip(prediction.var_names, map(_number, pcc), strict=True)),
    }


def _scores_line(scores: dict[str, Any]) -> str:
    if scores["mean"] is None:
        return "No gene was both measured and varies, so there is no correlation to tell"
    left_out = f", {scores['n_left_out']:,} without variance or counts left out"
    return (
        f"Mean PCC {scores['mean']:.3f} over {scores['n_genes']:,} genes"
        f"{left_out if scores['n_left_out'] else ''}; "
        f"{scores['mean_top']:.3f} over the {scores['n_top']} most expressed"
    )


def _best(scores: dict[str, Any]) -> str:
    known: dict[str, float] = {g: pcc for g, pcc in scores["per_gene"].items() if pcc is not None}
    return max(known, key=lambda gene: known[gene])


def _number(value: Any) -> float | None:
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None
