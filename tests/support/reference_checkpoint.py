"""A checkpoint of the authors' code, by the names and shapes that it has there."""

from __future__ import annotations

import torch
from torchvision.models import densenet121


def published_state(n_genes: int = 785, rows: int = 65_536) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of the reference implementation."""
    torch.manual_seed(0)
    state = {
        "x_embed.weight": torch.randn(rows, n_genes),
        "y_embed.weight": torch.randn(rows, n_genes),
    }
    for key, value in densenet121(weights=None).features.state_dict().items():
        state[f"image_encoder.model.0.{key}"] = value
    for n in (0, 1):
        at = f"spot_encoder.{n}"
        state[f"{at}.attn.norm.weight"] = torch.ones(n_genes)
        state[f"{at}.attn.norm.bias"] = torch.zeros(n_genes)
        state[f"{at}.attn.fn.to_qkv.weight"] = torch.randn(3 * 8 * 64, n_genes) * 0.02
        state[f"{at}.attn.fn.to_out.0.weight"] = torch.randn(n_genes, 8 * 64) * 0.02
        state[f"{at}.attn.fn.to_out.0.bias"] = torch.zeros(n_genes)
        state[f"{at}.ff.norm.weight"] = torch.ones(n_genes)
        state[f"{at}.ff.norm.bias"] = torch.zeros(n_genes)
        for layer in (0, 3):
            state[f"{at}.ff.fn.net.{layer}.weight"] = torch.randn(n_genes, n_genes) * 0.02
            state[f"{at}.ff.fn.net.{layer}.bias"] = torch.zeros(n_genes)
    for side, width in (("image", 1024), ("spot", n_genes)):
        state[f"{side}_projection.projection.weight"] = torch.randn(256, width) * 0.05
        state[f"{side}_projection.projection.bias"] = torch.zeros(256)
        state[f"{side}_projection.fc.weight"] = torch.randn(256, 256) * 0.05
        state[f"{side}_projection.fc.bias"] = torch.zeros(256)
        state[f"{side}_projection.layer_norm.weight"] = torch.ones(256)
        state[f"{side}_projection.layer_norm.bias"] = torch.zeros(256)
    return state
