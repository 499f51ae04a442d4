"""The network's parts in numpy, written from the paper's equations and from nothing else."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import erf

HEADS, WIDTH = 8, 64


def numpy_of(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {k: v.detach().double().numpy() for k, v in module.state_dict().items()}


def layer_norm(x, weight, bias):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def gelu(x):
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention_block(x, w, prefix=""):
    """x + A(norm(x)), then + F(norm(.)): pre-norm, 8 heads of 64, scaled by 1 / sqrt(64)."""
    p = {k.removeprefix(prefix): v for k, v in w.items() if k.startswith(prefix)}
    normed = layer_norm(x, p["attn.norm.weight"], p["attn.norm.bias"])
    q, k, v = np.split(normed @ p["attn.fn.to_qkv.weight"].T, 3, axis=-1)
    mixed = np.zeros_like(q)
    for head in range(HEADS):
        part = slice(head * WIDTH, (head + 1) * WIDTH)
        weights = softmax(q[:, part] @ k[:, part].T / 8.0)
        mixed[:, part] = weights @ v[:, part]
    x = x + mixed @ p["attn.fn.to_out.0.weight"].T + p["attn.fn.to_out.0.bias"]
    normed = layer_norm(x, p["ff.norm.weight"], p["ff.norm.bias"])
    hidden = gelu(normed @ p["ff.fn.net.0.weight"].T + p["ff.fn.net.0.bias"])
    return x + hidden @ p["ff.fn.net.3.weight"].T + p["ff.fn.net.3.bias"]


def projection_head(x, p):
    projected = x @ p["projection.weight"].T + p["projection.bias"]
    y = gelu(projected) @ p["fc.weight"].T + p["fc.bias"]
    return layer_norm(y + projected, p["layer_norm.weight"], p["layer_norm.bias"])
