"""Fine-tuning: which weights learn, and how a model's weights move to another list of genes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..model import MclSTExp
from .settings import TrainSettings

# Along which axes the tensors of the spot side count genes (the MLP is as wide as the genes).
GENE_AXES = {
    "x_embed.weight": (1,),
    "y_embed.weight": (1,),
    "attn.norm.weight": (0,),
    "attn.norm.bias": (0,),
    "attn.fn.to_qkv.weight": (1,),
    "attn.fn.to_out.0.weight": (0,),
    "attn.fn.to_out.0.bias": (0,),
    "ff.norm.weight": (0,),
    "ff.norm.bias": (0,),
    "ff.fn.net.0.weight": (0, 1),
    "ff.fn.net.0.bias": (0,),
    "ff.fn.net.3.weight": (0, 1),
    "ff.fn.net.3.bias": (0,),
    "spot_projection.projection.weight": (1,),
}


def move_genes(
    fresh: dict[str, Tensor],
    trained: dict[str, Tensor],
    genes: Sequence[str],
    trained_genes: Sequence[str],
) -> dict[str, Tensor]:
    """Return weights for a list of genes, the shared genes' taken from a trained model.

    Parameters
    ----------
    fresh
        State of a network for `genes`, whose new genes' weights stay as they are.
    trained, trained_genes
        State of the model that is fine-tuned, and its genes.
    genes
        The new list.
    """
    old = {gene: index for index, gene in enumerate(trained_genes)}
    shared = [(new, old[gene]) for new, gene in enumerate(genes) if gene in old]
    to = torch.tensor([new for new, _ in shared], dtype=torch.long)
    of = torch.tensor([place for _, place in shared], dtype=torch.long)
    moved = {}
    for name, value in fresh.items():
        # "spot_encoder.0.attn.norm.weight" counts genes as "attn.norm.weight" says.
        plain = name.split(".", 2)[2] if name.startswith("spot_encoder.") else name
        axes = GENE_AXES.get(plain, ())
        source = trained[name]
        if not axes:
            moved[name] = source.clone()
            continue
        moved[name] = value.clone()
        if axes == (0, 1):
            moved[name][to[:, None], to] = source[of[:, None], of]
        else:
            moved[name].index_copy_(axes[0], to, source.index_select(axes[0], of))
    return moved


def trained_parameters(module: MclSTExp, settings: TrainSettings) -> list[nn.Parameter]:
    """Mark the parameters that learn, and return them."""
    encoder = module.image_encoder
    encoder.requires_grad_(not settings.freeze_encoder and settings.tune == "whole")
    if not settings.freeze_encoder and settings.tune == "last-block":
        for block in last_block(encoder.model):
            block.requires_grad_(True)
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def training_mode(module: MclSTExp, settings: TrainSettings) -> None:
    """Put what learns into training mode, and leave the rest of the encoder as it is."""
    encoder = module.image_encoder
    if settings.freeze_encoder:
        # Its hundreds of layers are not walked through in every epoch.
        for child in module.children():
            if child is not encoder:
                child.train()
        if encoder.training:
            encoder.eval()
        return
    module.train()
    if settings.tune == "last-block":
        encoder.eval()
        for block in last_block(encoder.model):
            block.train()
    if settings.batch_norm == "frozen":
        for each in encoder.modules():
            if isinstance(each, nn.modules.batchnorm._BatchNorm):
                each.eval()


def last_block(backbone: nn.Module) -> list[nn.Module]:
    """Return a backbone's last modules that hold at least a tenth of its weights.

    For DenseNet-121 these are the fourth dense block and the last norm.
    """
    parts = [backbone]
    while len(parts) == 1:
        parts = list(parts[0].children())
    weight = [sum(p.numel() for p in part.parameters()) for part in parts]
    chosen: list[nn.Module] = []
    for part, size in zip(reversed(parts), reversed(weight), strict=True):
        chosen.append(part)
        if size and sum(p.numel() for each in chosen for p in each.parameters()) * 10 >= sum(
            weight
        ):
            break
    return chosen
